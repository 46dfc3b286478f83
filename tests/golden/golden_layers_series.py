"""layers_series.json: KerasFactory's layers that take a series apart or normalise it, option by option.

See layer_case.py for what a case holds.
"""

from common import draw, generator, to_float32, use_precision, versions, write

import keras
import numpy as np
from kerasfactory.layers import MovingAverage, ReversibleInstanceNorm, SeriesDecomposition

import layer_case

use_precision("float64")

CASES = {}


# ---- MovingAverage, SeriesDecomposition

def moving_average_cases():
    for kernel_size in [1, 2, 3, 4, 5, 8]:
        options = {"kernel_size": kernel_size}
        layer_case.add_case(CASES, f"moving_average_k{kernel_size}", MovingAverage(**options), [(2, 9, 3)], options)
    for name, shape, kernel_size in [
        ("whole_series_odd", (2, 5, 2), 5),
        ("whole_series_even", (2, 6, 2), 6),
        ("longer_than_series_odd", (2, 4, 2), 7),
        ("longer_than_series_even", (2, 3, 2), 10),
        ("much_longer_than_series", (1, 2, 2), 25),
        ("one_step", (3, 1, 2), 5),
        ("one_step_even", (3, 1, 2), 2),
        ("one_feature", (2, 20, 1), 7),
        ("many_features", (1, 6, 19), 4),
        ("page", (2, 60, 2), 25),
    ]:
        options = {"kernel_size": kernel_size}
        layer_case.add_case(CASES, f"moving_average_{name}", MovingAverage(**options), [shape], options)


def decomposition_cases():
    for kernel_size, shape in [(1, (2, 6, 2)), (3, (2, 9, 3)), (4, (2, 9, 3)), (5, (2, 1, 3)), (9, (2, 4, 1)),
                               (25, (1, 60, 2))]:
        options = {"kernel_size": kernel_size}
        name = f"series_decomposition_k{kernel_size}_steps{shape[1]}"
        layer_case.add_case(CASES, name, SeriesDecomposition(**options), [shape], options)


# ---- ReversibleInstanceNorm

class Denormalised(keras.layers.Layer):
    """norm and denorm within one call: (z, x) -> denorm(z) with the statistics that norm(x) has left behind."""

    def __init__(self, **options):
        super().__init__()
        self.rev = ReversibleInstanceNorm(**options)

    def call(self, z, x):
        self.rev(x, mode="norm")
        return self.rev(z, mode="denorm")


def shifted(name, shape, scale, mean):
    return to_float32(np.round(draw(generator(name), shape, scale) + mean, 3))


def revin_case(name, shape, z_shape=None, x=None, **options):
    options = {"num_features": shape[-1]} | options
    kinks = shape[1] == 1  # the standard deviation of one step is no good place for differences: its slope is 0
    x = shifted(name, shape, 2.0, 3.0) if x is None else x
    layer_case.add_case(CASES, f"reversible_instance_norm_{name}", ReversibleInstanceNorm(**options), [x], options,
                        kinks=kinks)
    layer_case.add_case(CASES, f"reversible_instance_norm_{name}_denorm", Denormalised(**options),
                        [z_shape or shape, x], options, layer_name="ReversibleInstanceNorm", kinks=kinks,
                        weights=None if not options.get("affine") else
                        [shifted(name + "w", shape[-1:], 0.25, 1.0), draw(generator(name + "b"), shape[-1:])])
    CASES[f"reversible_instance_norm_{name}_denorm"]["arguments"] = {"mode": "denorm"}


def revin_cases():
    for subtract_last in [False, True]:
        for affine in [False, True]:
            name = ("last" if subtract_last else "mean") + ("_affine" if affine else "")
            words = {"subtract_last": subtract_last, "affine": affine}
            revin_case(name, (3, 7, 4), **words)
            revin_case(f"{name}_forecast", (2, 9, 3), (2, 4, 3), **words)
            revin_case(f"{name}_one_step", (2, 1, 3), (2, 2, 3), **words)
            revin_case(f"{name}_one_feature", (2, 12, 1), **words)
    revin_case("two_steps", (2, 2, 3))
    revin_case("eps", (2, 6, 3), eps=0.25)
    revin_case("eps_affine_last", (2, 6, 3), eps=0.25, affine=True, subtract_last=True)
    revin_case("non_norm", (2, 6, 3), (2, 4, 3), non_norm=True)
    revin_case("non_norm_affine", (2, 6, 3), non_norm=True, affine=True)
    revin_case("many_features", (1, 5, 21), affine=True)
    revin_case("far_from_zero", (2, 8, 2), x=shifted("far", (2, 8, 2), 1.0, 30.0))


moving_average_cases()
decomposition_cases()
revin_cases()

write("layers_series", {"versions": versions(), "cases": CASES})
