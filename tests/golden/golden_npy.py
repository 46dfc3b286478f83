"""npy.json: files that numpy.save writes, as hexadecimal digits, with what stands in them."""

import io

import numpy as np
from common import versions, write

FLOATS = [0.0, -0.0, 1.5, -2.25, 1e-7, 65504.0, -1.0, 0.333251953125, 6.103515625e-05, 5.960464477539063e-08, 7.0, -3.0]
WHOLE = [0, 1, 2, 3, 4, 5, 6, 7, 100, 101, 126, 127]


def case(array, version=None) -> dict:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    result = {"bytes": file.getvalue().hex(), "dtype": array.dtype.str}
    if array.dtype.kind in "fiub":
        result["shape"] = list(array.shape)
        result["data"] = [float(x) if array.dtype.kind == "f" else int(x) for x in array.ravel(order="C")]
    return result


cases = {}
for dtype in ["f2", "f4", "f8", ">f2", ">f4", ">f8"]:
    cases[dtype] = case(np.array(FLOATS, dtype=dtype).reshape(3, 4))
for dtype in ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i2", ">i4", ">u8"]:
    cases[dtype] = case(np.array(WHOLE, dtype=dtype).reshape(4, 3))
cases["bool"] = case(np.array([True, False, True]))
for dtype in ["f4", "i8", "f2"]:
    cases["fortran_" + dtype] = case(np.asfortranarray(np.arange(24).reshape(2, 3, 4).astype(dtype)))
cases["fortran_one_row"] = case(np.asfortranarray(np.arange(4.0, dtype="f4").reshape(1, 4)))
for shape in [(), (1,), (5,), (2, 3), (1, 2, 3, 1), (1,) * 8]:
    cases["shape_" + "_".join(map(str, shape))] = case(np.arange(np.prod(shape), dtype="f4").reshape(shape))
cases["no_elements"] = case(np.zeros((0, 3), "f4"))
cases["wide"] = case(np.array([2**31, -5], "i8"))
cases["wide_unsigned"] = case(np.array([2**32 - 1], "u4"))
cases["version_2"] = case(np.array(FLOATS, "f4"), (2, 0))
cases["version_3"] = case(np.array(FLOATS, "f4"), (3, 0))

refused = {
    "complex": case(np.array([1 + 2j], "c8")),
    "text": case(np.array(["a", "bc"])),
    "bytes": case(np.array([b"a"])),
    "date": case(np.array(["2024-01-01"], "M8[D]")),
    "records": case(np.zeros(2, [("a", "f4"), ("b", "i4")])),
    "object": case(np.array([None, 1], object)),
    "nine_axes": case(np.zeros((1,) * 9, "f4")),
    "long_double": case(np.array([1.0], "f16")),
}



def archive(save, **arrays) -> str:
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue().hex()


arrays = {"x": np.array(FLOATS, "f4").reshape(3, 4), "ids": np.array(WHOLE, "i8"), "half": np.array(FLOATS, "f2")}
archives = {"stored": archive(np.savez, **arrays), "compressed": archive(np.savez_compressed, **arrays)}

write("npy", {"versions": versions(), "cases": cases, "refused": refused, "archives": archives,
              "arrays": {name: case(array) for name, array in arrays.items()}})
