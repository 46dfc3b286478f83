"""safetensors.json: files that the safetensors library writes, as hexadecimal digits, with what stands in them."""

import ml_dtypes
import numpy as np
from common import versions, write
from safetensors import __version__
from safetensors.numpy import save

FLOATS = np.array([0.0, -0.0, 1.5, -2.25, 1e-7, 448.0, -1.0, 0.333251953125, 7.0, -3.0, 6.103515625e-05, 1e-3])
WHOLE = np.array([0, 1, 2, 3, 100, 127])


def entry(array) -> dict:
    return {"shape": list(array.shape), "data": [float(x) for x in array.astype("f8").ravel()],
            "whole": array.dtype.kind in "iub"}


def case(tensors: dict, metadata=None) -> dict:
    return {"bytes": save(tensors, metadata).hex(), "tensors": {name: entry(array) for name, array in tensors.items()}}


cases = {
    "floats": case({dtype: FLOATS.astype(dtype).reshape(3, 4) for dtype in ["f2", "f4", "f8"]}),
    "bfloat16": case({"b": FLOATS.astype(ml_dtypes.bfloat16).reshape(2, 2, 3)}),
    "whole": case({dtype: WHOLE.astype(dtype) for dtype in ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]}),
    "bools": case({"mask": np.array([[True, False], [False, True]])}),
    "metadata": case({"x": FLOATS.astype("f4")}, {"format": "pt", "of": "a \"test\""}),
    "scalars_and_nothing": case({"scalar": np.array(2.5, "f4"), "none": np.zeros((0, 3), "f4"), "after": WHOLE.astype("i4")}),
    "names": case({"größe": FLOATS.astype("f4"), "a/b.c": WHOLE.astype("i4"), " ": np.ones(1, "f4")}),
    "no_tensors": case({}),
}
refused = {dtype: save({"x": np.zeros(2, getattr(ml_dtypes, dtype))}).hex() for dtype in ["float8_e4m3fn", "float8_e5m2"]}

write("safetensors", {"versions": versions() | {"safetensors": __version__}, "cases": cases, "refused": refused})
