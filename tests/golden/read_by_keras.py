"""Has Keras read the models that this library writes.

    mkdir models && XLAYERS_WRITE_MODELS=models xlayers_tests --gtest_filter=*.AreWrittenForKerasToRead
    python read_by_keras.py models [GOLDEN.json]

Each NAME.json there is a model of functional.json or masked_graphs.json, or of the file that is named. Keras has to make of it a
model of the same layers and weights, which with the weights of that file predicts what is written there.
"""

import json
import os
import sys
from pathlib import Path

os.environ |= {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}

import keras
import keras_hub  # registers its layers
import numpy as np

HERE = Path(__file__).resolve().parent
FILES = sys.argv[2:] or [HERE / "functional.json", HERE / "masked_graphs.json"]
GOLDEN = {}
for path in FILES:
    GOLDEN |= json.loads(Path(path).read_text(encoding="utf-8"))["models"]


def array(tensor):
    return np.asarray(tensor["data"], dtype="float32").reshape(tensor["shape"])


def compare(name, text):
    golden = GOLDEN[name]
    keras.utils.clear_session()
    model = keras.models.model_from_json(text)
    if "dtypes" in golden:
        listed = [[one.name for one in all] for all in (model.layers, model.operations)]
        assert golden["layers"] in listed, "order of layers"
    weights = [array(w) for w in golden["weights"]]
    assert [w.shape for w in model.get_weights()] == [w.shape for w in weights], "weights"
    model.set_weights(weights)
    data = [array(x).astype(i.dtype) for x, i in zip(golden["data"], model.inputs, strict=True)]
    predicted = keras.tree.flatten(model.predict(data if len(data) > 1 else data[0], verbose=0))
    assert len(predicted) == len(golden["predicted"]), "outputs"
    worst = 0.0
    for found, expected in zip(predicted, golden["predicted"]):
        expected = array(expected)
        assert found.shape == expected.shape, "shape"
        worst = max(worst, np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))
    assert worst < 1e-5, f"predictions differ by {worst}"  # Keras computes in float32 here
    again = keras.models.model_from_json(model.to_json())
    again.set_weights(weights)
    return worst


def main():
    directory = Path(sys.argv[1])
    failed = 0
    for name in GOLDEN:
        try:
            print(f"{name:16} read, predictions differ by {compare(name, (directory / f'{name}.json').read_text()):.1e}")
        except Exception as error:
            failed += 1
            print(f"{name:16} FAILED: {type(error).__name__}: {str(error)[:300]}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
