"""layers_normalization.json: LayerNormalization and RMSNormalization. See layer_case.py for what a case holds."""

from common import draw, generator, to_float32, use_precision, versions, write

import jax.numpy as jnp
import numpy as np
from keras import layers, regularizers

import layer_case

use_precision("float64")

CASES = {}


def add(name, layer_class, shape=(3, 4, 5), x=None, **options):
    words = {key: {"l2": value.l2} if key.endswith("_regularizer") else value for key, value in options.items()}
    layer_case.add_case(CASES, name, getattr(layers, layer_class)(**options), [shape if x is None else x], words,
                        penalty=any("regularizer" in option for option in options))


def layer_norm(name, *args, **options):
    add("layer_normalization" + name, "LayerNormalization", *args, **options)


def rms_norm(name, shape=(3, 4, 5), x=None, **options):
    axes = sorted(axis % len(shape) for axis in np.ravel(options.get("axis", -1)))
    if axes == list(range(axes[0], len(shape))):
        return add("rms_normalization" + name, "RMSNormalization", shape, x, **options)

    # Keras lines the scale up with the last axes, whichever it normalizes.
    layer = layers.RMSNormalization(**options)
    layer.build(shape)

    def function(weights, x):
        scale = weights[0].reshape([shape[axis] if axis in axes else 1 for axis in range(len(shape))])
        return x * scale / jnp.sqrt((x * x).mean(axis=tuple(axes), keepdims=True) + layer.epsilon)

    layer_case.add_case(CASES, "rms_normalization" + name, layer, [shape], options, function=function)


for norm in [layer_norm, rms_norm]:
    norm("")
    norm("_rank2", (4, 5))
    norm("_rank4", (2, 3, 4, 5))
    norm("_wide", (2, 3, 37))
    norm("_very_wide", (1, 1, 1100))
    norm("_one_feature", (3, 4, 1), epsilon=0.25)
    norm("_one_step", (3, 1, 6))
    norm("_axis_1", axis=1)
    norm("_axis_list", axis=[-1])
    norm("_axis_last_two", axis=[-2, -1])
    norm("_axis_unsorted", axis=[2, 1])
    norm("_axis_outer", (2, 3, 4, 5), axis=[1, 3])
    norm("_axis_first_two", (2, 3, 4, 5), axis=[1, 2])
    norm("_axis_middle", (2, 3, 4, 5), axis=-2)
    norm("_epsilon", epsilon=0.25)

layer_norm("_no_center", center=False)
layer_norm("_no_scale", scale=False)
layer_norm("_plain", center=False, scale=False)
layer_norm("_plain_axis_1", axis=1, center=False, scale=False)
layer_norm("_epsilon_1e-6", epsilon=1e-6)
layer_norm("_gamma_l2", gamma_regularizer=regularizers.L2(0.0625))
layer_norm("_beta_l2", beta_regularizer=regularizers.L2(0.125))

# A mean that is large beside the deviation, and a row without any deviation.
rng = generator("layer_normalization_far")
layer_norm("_far", x=to_float32(draw(rng, (3, 4, 9)) + 64.0))
flat = draw(rng, (2, 3, 6))
flat[0, 1] = 0.75
layer_norm("_flat_row", x=to_float32(flat))

# A mask travels through the one, and not through the other.
mask = np.array([[1, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]], dtype=np.float64)
for name in ["LayerNormalization", "RMSNormalization"]:
    layer_case.add_case(CASES, f"{'layer' if name[0] == 'L' else 'rms'}_normalization_masked", getattr(layers, name)(),
                        [(3, 4, 5)], {}, masks=[mask])

write("layers_normalization", {"versions": versions(), "cases": CASES})
