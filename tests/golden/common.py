"""What every part of the golden data shares: precision, deterministic draws, and the JSON form of tensors.

Two kinds of numbers are written:
  exact(a)   numbers that both sides start from. They are float32 numbers, written as the shortest decimal that a float32
             reader turns into the same number (0.1, not 0.10000000149011612). The reference used exactly the float32.
  result(a)  what the reference computed from them in float64, written as the shortest decimal that is that double.
"""

import json
import math
import warnings
import zlib
from pathlib import Path

from loguru import logger

logger.remove()  # KerasFactory logs every layer
warnings.filterwarnings("ignore", message="Do not pass an `input_shape`")  # its TokenEmbedding does

import keras
import numpy as np
from keras.src.backend.common import dtypes

HERE = Path(__file__).resolve().parent


def use_precision(name: str) -> None:
    """Layers, optimizers, losses and metrics made from here on compute in this precision ("float32", "float64")."""
    keras.config.set_floatx(name)
    keras.config.set_dtype_policy(name)
    # Off TensorFlow, Keras turns float64 into float32 within many operations (ops.tanh, ops.mean, ...).
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = name


def versions() -> dict:
    import importlib.metadata as metadata

    names = ["keras", "keras-hub", "jax", "kerasfactory", "numpy"]
    return {name: metadata.version(name) for name in names} | {"backend": keras.backend.backend()}


# ---- deterministic inputs

def generator(name: str) -> np.random.Generator:
    """Random numbers of one case: they depend on its name alone, so a new case changes no other."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def to_float32(values) -> np.ndarray:
    """The float64 array of the nearest float32 numbers."""
    return np.asarray(values, dtype=np.float64).astype(np.float32).astype(np.float64)


def draw(rng: np.random.Generator, shape, scale=1.0, decimals=3) -> np.ndarray:
    """Normal numbers of this deviation, short in decimal, float32."""
    return to_float32(np.round(rng.standard_normal(shape) * scale, decimals) + 0.0)


# ---- tensors in JSON

def exact(array) -> dict:
    array = np.asarray(array, dtype=np.float64)
    single = array.astype(np.float32)
    if not np.array_equal(single.astype(np.float64), array):
        raise ValueError("exact() is for float32 numbers")
    data = [float(str(v)) for v in single.ravel()]
    if not np.array_equal(np.array(data).astype(np.float32), single.ravel()):
        raise ValueError("a decimal does not come back as its float32")
    return {"shape": list(array.shape), "data": data}


def result(array) -> dict:
    array = np.asarray(array)
    if array.dtype != np.float64:
        raise ValueError(f"results are float64, got {array.dtype}")
    return {"shape": list(array.shape), "data": finite(array.ravel())}


def finite(values) -> list:
    values = [float(v) for v in values]
    if not all(map(math.isfinite, values)):
        raise ValueError("not finite")
    return values


# ---- files

def write(name: str, content: dict) -> None:
    """One line for every tensor and every short value; indented above that."""

    def text(value, indent):
        compact = json.dumps(value, ensure_ascii=False, allow_nan=False)
        is_tensor = isinstance(value, dict) and value.keys() >= {"shape", "data"}
        if is_tensor or not value or not isinstance(value, (dict, list)) or len(compact) + indent <= 120:
            return compact
        if isinstance(value, list) and all(isinstance(v, (int, float)) for v in value):
            return compact
        pad = " " * (indent + 1)
        if isinstance(value, dict):
            rows = [f"{pad}{json.dumps(k)}: {text(v, indent + 1)}" for k, v in value.items()]
        else:
            rows = [pad + text(v, indent + 1) for v in value]
        left, right = "{}" if isinstance(value, dict) else "[]"
        return f"{left}\n" + ",\n".join(rows) + f"\n{' ' * indent}{right}"

    written = text(content, 0) + "\n"
    assert json.loads(written) == content
    (HERE / f"{name}.json").write_text(written, encoding="utf-8")
    print(f"  {len(written) / 1e3:.0f} kB")
