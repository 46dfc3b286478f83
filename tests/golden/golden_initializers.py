"""initializers.json: configs, limits and deviations of initialisers; configs and results of constraints and regularizers.

Random numbers themselves cannot agree between libraries. What an initialiser promises can: its bound and its deviation.
  limit   uniform: the draw lies within [-limit, limit], its deviation is limit / sqrt(3)
          normal: null; truncated normal: twice the deviation of the normal that is cut
  stddev  the deviation of the numbers drawn
  mean    their mean
"drawn" has what Keras' own draws show: the largest absolute value and the deviation of so many numbers.
"""

import math

import jax.numpy as jnp
import numpy as np
from keras import constraints, initializers, regularizers
from keras.src.initializers.random_initializers import compute_fans

from common import draw, exact, finite, generator, result, use_precision, versions, write

use_precision("float32")  # configs carry the name of the default precision

SHAPES = [(64, 32), (3, 1, 64), (5,), (3, 4, 5, 6)]

# The deviation of a normal of deviation 1 cut at +-2.
CUT = 0.87962566103423978

# name -> (initialiser, scale and mode of variance scaling or None, distribution, its own limit or deviation)
RANDOM = {
    "glorot_uniform": ("GlorotUniform", {}, (1.0, "fan_avg", "uniform")),
    "glorot_normal": ("GlorotNormal", {}, (1.0, "fan_avg", "truncated_normal")),
    "he_uniform": ("HeUniform", {}, (2.0, "fan_in", "uniform")),
    "he_normal": ("HeNormal", {}, (2.0, "fan_in", "truncated_normal")),
    "lecun_uniform": ("LecunUniform", {}, (1.0, "fan_in", "uniform")),
    "lecun_normal": ("LecunNormal", {}, (1.0, "fan_in", "truncated_normal")),
    "variance_scaling": ("VarianceScaling", {}, (1.0, "fan_in", "truncated_normal")),
    "variance_scaling_fan_out_uniform":
        ("VarianceScaling", {"scale": 0.5, "mode": "fan_out", "distribution": "uniform"}, (0.5, "fan_out", "uniform")),
    "variance_scaling_fan_avg_untruncated":
        ("VarianceScaling", {"scale": 3.0, "mode": "fan_avg", "distribution": "untruncated_normal"},
         (3.0, "fan_avg", "untruncated_normal")),
    "random_uniform": ("RandomUniform", {}, (-0.05, 0.05)),
    "random_uniform_between": ("RandomUniform", {"minval": 0.25, "maxval": 0.75}, (0.25, 0.75)),
    "random_normal": ("RandomNormal", {}, (0.0, 0.05, "untruncated_normal")),
    "random_normal_of": ("RandomNormal", {"mean": 1.0, "stddev": 0.25}, (1.0, 0.25, "untruncated_normal")),
    "truncated_normal": ("TruncatedNormal", {}, (0.0, 0.05, "truncated_normal")),
    "truncated_normal_of": ("TruncatedNormal", {"mean": -1.0, "stddev": 0.5}, (-1.0, 0.5, "truncated_normal")),
}


def theory(class_name, rule, shape):
    """mean, deviation and the largest distance from the mean (None: no bound), and the fans."""
    fan_in, fan_out = compute_fans(shape)
    fans = {"fan_in": fan_in, "fan_out": fan_out}
    if class_name == "RandomUniform":
        low, high = rule
        return fans | {"mean": (low + high) / 2, "limit": (high - low) / 2, "stddev": (high - low) / math.sqrt(12)}
    if class_name in ["RandomNormal", "TruncatedNormal"]:
        mean, stddev, distribution = rule
        if distribution == "truncated_normal":
            return fans | {"mean": mean, "limit": 2 * stddev, "stddev": stddev * CUT}
        return fans | {"mean": mean, "limit": None, "stddev": stddev}
    scale, mode, distribution = rule
    n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
    s = scale / max(1.0, n)
    limit = {"uniform": math.sqrt(3 * s), "truncated_normal": 2 * math.sqrt(s) / CUT, "untruncated_normal": None}
    return fans | {"mean": 0.0, "limit": limit[distribution], "stddev": math.sqrt(s)}


def measure(make, shape, expected):
    """Draws with seeds 0, 1, 2, ... and asserts that they are as the theory says."""
    count = max(4, min(300, 8192 // math.prod(shape)))
    numbers = np.concatenate([np.asarray(make(seed=seed)(shape), dtype=np.float64).ravel() for seed in range(count)])
    distance = np.abs(numbers - expected["mean"]).max()
    if expected["limit"] is not None:
        assert distance <= expected["limit"] * (1 + 1e-6)
        assert distance > 0.95 * expected["limit"]
    tolerance = 6 / math.sqrt(2 * numbers.size)
    assert abs(numbers.std() / expected["stddev"] - 1) < tolerance
    assert abs(numbers.mean() - expected["mean"]) < 6 * expected["stddev"] / math.sqrt(numbers.size)
    return {"count": numbers.size, "max_abs": float(f"{np.abs(numbers).max():.6g}"),
            "stddev": float(f"{numbers.std():.4g}")}


def random_initializers():
    cases = {}
    for name, (class_name, options, rule) in RANDOM.items():
        make = getattr(initializers, class_name)
        shapes = []
        for shape in SHAPES:
            expected = theory(class_name, rule, shape)
            drawn = measure(lambda seed: make(**options, seed=seed), shape, expected)
            shapes.append({"shape": list(shape)} | expected | {"drawn": drawn})
        cases[name] = {"options": options, "config": initializers.serialize(make(**options)), "shapes": shapes}
    assert abs(cases["glorot_uniform"]["shapes"][0]["limit"] - 0.25) < 1e-12
    assert abs(cases["glorot_uniform"]["shapes"][1]["limit"] - 0.1754116) < 1e-7
    return cases


def fixed_initializers():
    made = {
        "zeros": (initializers.Zeros(), (2, 3)),
        "ones": (initializers.Ones(), (2, 3)),
        "constant": (initializers.Constant(), (2, 3)),
        "constant_of": (initializers.Constant(0.25), (2, 3)),
        "identity": (initializers.Identity(), (3, 4)),
        "identity_tall": (initializers.Identity(0.5), (4, 3)),
    }
    return {name: {"config": initializers.serialize(i), "output": exact(np.asarray(i(shape)))}
            for name, (i, shape) in made.items()}


def orthogonal():
    """Rows or columns, whichever are fewer, are orthogonal and of length gain; all axes but the last are rows."""
    i = initializers.Orthogonal(gain=2.0, seed=1)
    w = np.asarray(i((3, 4, 5)), dtype=np.float64).reshape(12, 5)
    assert np.allclose(w.T @ w, 4 * np.eye(5), atol=1e-5)
    return {"config": initializers.serialize(initializers.Orthogonal()),
            "config_with_gain_and_seed": initializers.serialize(i)}


def constraint_cases():
    use_precision("float64")
    made = {
        "max_norm": (constraints.MaxNorm(), (4, 3)),
        "max_norm_1": (constraints.MaxNorm(1.0), (4, 3)),
        "max_norm_1_axis1": (constraints.MaxNorm(1.0, axis=1), (4, 3)),
        "max_norm_1_conv": (constraints.MaxNorm(1.0, axis=[0, 1]), (3, 2, 4)),
        "non_neg": (constraints.NonNeg(), (4, 3)),
        "unit_norm": (constraints.UnitNorm(), (4, 3)),
        "unit_norm_axis1": (constraints.UnitNorm(axis=1), (4, 3)),
        "unit_norm_bias": (constraints.UnitNorm(), (5,)),
        "min_max_norm": (constraints.MinMaxNorm(), (4, 3)),
        "min_max_norm_of": (constraints.MinMaxNorm(0.75, 1.0, rate=0.5), (4, 3)),
        "min_max_norm_axis1": (constraints.MinMaxNorm(1.0, 1.25, rate=0.75, axis=1), (4, 3)),
    }
    cases = {}
    for name, (constraint, shape) in made.items():
        w = draw(generator(name), shape)
        if name == "unit_norm":
            w[:, 1] = 0  # a column without a direction
        cases[name] = {"config": constraints.serialize(constraint), "input": exact(w),
                       "output": result(np.asarray(constraint(jnp.asarray(w))))}
    return cases


def regularizer_cases():
    use_precision("float64")
    made = {
        "l1": regularizers.L1(),
        "l1_of": regularizers.L1(0.03125),
        "l2": regularizers.L2(),
        "l2_of": regularizers.L2(0.0625),
        "l1_l2": regularizers.L1L2(),
        "l1_l2_of": regularizers.L1L2(l1=0.03125, l2=0.0625),
        "string_l1": regularizers.get("l1"),
        "string_l2": regularizers.get("l2"),
        "string_l1l2": regularizers.get("l1l2"),
    }
    w = draw(generator("regularizers"), (4, 3))
    return {name: {"config": regularizers.serialize(r), "input": exact(w),
                   "penalty": finite([r(jnp.asarray(w))])[0]} for name, r in made.items()}


def names_of(module):
    """Every string that stands for a class, in small letters and without the base class."""
    return {name: cls.__name__ for name, cls in sorted(module.ALL_OBJECTS_DICT.items())}


from keras.src import constraints as c, initializers as i, regularizers as r

write("initializers", {
    "versions": versions(),
    "random": random_initializers(),
    "fixed": fixed_initializers(),
    "orthogonal": orthogonal(),
    "constraints": constraint_cases(),
    "regularizers": regularizer_cases(),
    "names": {"initializers": names_of(i), "constraints": names_of(c), "regularizers": names_of(r)},
})
