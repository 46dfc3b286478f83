"""Makes the golden data: what Keras 3.15.1, KerasHub 0.32.0 and KerasFactory 0.1.1 compute, as JSON.

    python -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python make_golden.py              # every file
    venv/bin/python make_golden.py layers text  # some of them

Each file NAME.json is made by golden_NAME.py in a process of its own, so that the counters behind Keras' default names
("dense_1") start afresh. All seeds are fixed: a second run writes the same bytes.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

FILES = sorted(path.stem.removeprefix("golden_") for path in Path(__file__).resolve().parent.glob("golden_*.py"))

ENVIRONMENT = {
    "KERAS_BACKEND": "jax",
    "JAX_ENABLE_X64": "1",
    "JAX_PLATFORMS": "cpu",
    "CUDA_VISIBLE_DEVICES": "",
    "PYTHONHASHSEED": "0",
    # The terminal that summaries are printed for, unless a case says another.
    "COLUMNS": "80",
    "LINES": "24",
}


def main() -> int:
    here = Path(__file__).resolve().parent
    names = sys.argv[1:] or FILES
    unknown = set(names) - set(FILES)
    if unknown:
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(FILES)}")
    # An empty directory in place of ~/.keras, whose keras.json could change what is computed.
    with tempfile.TemporaryDirectory() as keras_home:
        for name in names:
            print(f"{name}.json", flush=True)
            subprocess.run(
                [sys.executable, str(here / f"golden_{name}.py")],
                check=True,
                cwd=here,
                env=os.environ | ENVIRONMENT | {"KERAS_HOME": keras_home},
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
