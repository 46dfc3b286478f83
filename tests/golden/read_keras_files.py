"""Loads the .keras files in a folder that xlayers wrote, and compares what they predict with NAME.json beside them, and what
they come to when they are trained on.

    python read_keras_files.py FOLDER
"""

import json
import sys
import warnings
from pathlib import Path

from loguru import logger

logger.remove()
warnings.filterwarnings("ignore")

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models/keras"))

import keras
import keras_hub  # noqa: F401  registers its layers
import kerasfactory.layers  # noqa: F401
import numpy as np
import xlayers  # noqa: F401


def array_of(tensor):
    return np.array(tensor["data"], tensor["dtype"]).reshape(tensor["shape"])


def difference(values, truth):
    return np.abs(np.asarray(values, np.float64) - truth).max(initial=0) / max(1, np.abs(truth).max(initial=0))


def check(path: Path) -> str | None:
    """What is wrong with the file; None if nothing is."""
    case = json.loads(path.with_suffix(".json").read_text())
    model = keras.saving.load_model(path)
    inputs = [array_of(x) for x in case["inputs"]]
    x = inputs if len(inputs) > 1 else inputs[0]
    outputs = model.predict(x, verbose=0)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    for got, truth in zip(outputs, map(array_of, case["outputs"]), strict=True):
        if got.shape[0] == 1:  # KerasFactory's PositionalEmbedding gives one row for all samples
            got = got.repeat(len(truth), 0)
        if got.shape != truth.shape or not difference(got, truth) <= 1e-5:
            return f"predicts {got.shape} off by {difference(got, truth) if got.shape == truth.shape else truth.shape}"
    if "targets" not in case:
        return None
    targets = [array_of(y) for y in case["targets"]]
    history = model.fit(x, targets if len(targets) > 1 else targets[0], batch_size=8, epochs=2, shuffle=False, verbose=0)
    for name, values in case["history"].items():
        if difference(history.history[name], np.array(values)) > 1e-4:
            return f"trains on with another {name}: {history.history[name]}, expected {values}"
    return None


def main() -> int:
    # Keras 3.15.1's sparsemax is wrong for some inputs: layers/activation.md.
    files = [path for path in sorted(Path(sys.argv[1]).glob("*.keras")) if "sparsemax" not in path.stem]
    wrong = {}
    for path in files:
        try:
            text = check(path)
        except Exception as error:
            text = f"{type(error).__name__}: {str(error)[:300]}"
        if text is not None:
            wrong[path.stem] = text
    for name, text in wrong.items():
        print(f"{name}: {text}")
    print(f"{len(files) - len(wrong)} of {len(files)} files are read by Keras {keras.__version__} as they were written")
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main())
