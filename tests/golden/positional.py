"""Positional encodings: the exact formula from 50-digit arithmetic, and what KerasFactory's layer returns.

    PE(p, 2i) = sin(p / W^(2i/d)),  PE(p, 2i+1) = cos(p / W^(2i/d)),  W = max_wavelength

"interleaved" has the columns in that order; "halves" has all sines, then all cosines. With odd d the last column is a sine
of its own, so there is one cosine fewer.
"""

import mpmath
import numpy as np

from common import exact, result, use_precision

mpmath.mp.dps = 50


def row(position, d_model, layout, max_wavelength):
    sines, cosines = [], []
    for j in range(d_model):
        angle = mpmath.mpf(position) / mpmath.mpf(max_wavelength) ** (mpmath.mpf(2 * (j // 2)) / d_model)
        if j % 2 == 0:
            sines.append(float(mpmath.sin(angle)))
        else:
            cosines.append(float(mpmath.cos(angle)))
    if layout == "halves":
        return sines + cosines
    values = [0.0] * d_model
    values[0::2], values[1::2] = sines, cosines
    return values


def case(start, length, d_model, layout="interleaved", max_wavelength=10000):
    table = np.array([[row(p, d_model, layout, max_wavelength) for p in range(start, start + length)]])
    return {"start": start, "length": length, "d_model": d_model, "layout": layout, "max_wavelength": max_wavelength,
            "output": result(table)}


def cases():
    exact_cases = {}
    for d_model in [1, 2, 3, 4, 6, 7, 8, 64]:
        exact_cases[f"d{d_model}"] = case(0, 10, d_model)
        exact_cases[f"d{d_model}_halves"] = case(0, 5, d_model, "halves")
        exact_cases[f"d{d_model}_from_4999"] = case(4999, 2, d_model)
        exact_cases[f"d{d_model}_from_100000"] = case(100000, 2, d_model)
    exact_cases["d6_long"] = case(0, 100, 6)
    exact_cases["d8_one_step"] = case(0, 1, 8)
    exact_cases["d512_from_4999"] = case(4999, 1, 512)
    exact_cases["d64_from_16777215"] = case(2**24 - 1, 2, 64)
    for d_model in [3, 8]:
        exact_cases[f"d{d_model}_wavelength100"] = case(0, 10, d_model, max_wavelength=100)
        exact_cases[f"d{d_model}_wavelength100_halves_from_4999"] = case(4999, 2, d_model, "halves", 100)
    return {"exact": exact_cases, "kerasfactory_halves": kerasfactory_case()}


def kerasfactory_case():
    """KerasFactory's layer computes its angles in float32, whatever the floatx: off by up to 4e-4 at position 5000."""
    from kerasfactory.layers import PositionalEmbedding

    use_precision("float32")
    layer = PositionalEmbedding(max_len=100, d_model=8)
    table = np.asarray(layer(np.zeros((2, 100, 8), dtype=np.float32)))
    use_precision("float64")
    assert table.shape == (1, 100, 8) and table.dtype == np.float32
    formula = np.array([[row(p, 8, "halves", 10000) for p in range(100)]])
    assert np.abs(table - formula).max() < 4e-4
    return {"max_len": 100, "d_model": 8, "tolerance": 4e-4, "output": exact(table)}
