"""layers_shaping.json: Flatten, Reshape, Permute, the global poolings, ReLU, LeakyReLU and Softmax. See layer_case.py for
what a case holds."""

from common import draw, generator, to_float32, use_precision, versions, write

import jax.numpy as jnp
import numpy as np
from keras import layers

import layer_case

use_precision("float64")

CASES = {}
MASK = np.array([[1, 1, 0, 1], [0, 1, 0, 0], [1, 1, 1, 1]], dtype=np.float64)


def add(name, layer_class, inputs=((3, 4, 5),), masks=None, **options):
    layer_case.add_case(CASES, name, getattr(layers, layer_class)(**options), inputs, options, masks=masks)


def add_with_mask(name, layer_class, shape, mask, **options):
    """A layer whose call has an argument `mask`, which Keras fills with the mask that the input carries."""
    layer = getattr(layers, layer_class)(**options)
    layer_case.add_case(CASES, name, layer, [shape], options, masks=[mask],
                        function=lambda weights, x: layer.call(x, mask=jnp.asarray(mask, dtype=bool)))


# ---- shapes

add("flatten", "Flatten")
add("flatten_rank1", "Flatten", [(4,)])
add("flatten_rank2", "Flatten", [(3, 4)])
add("flatten_rank4", "Flatten", [(2, 3, 4, 5)])
add("flatten_channels_last", "Flatten", data_format="channels_last")
add("flatten_channels_first", "Flatten", data_format="channels_first")
add("flatten_channels_first_rank2", "Flatten", [(3, 4)], data_format="channels_first")
add("flatten_channels_first_rank4", "Flatten", [(2, 3, 4, 5)], data_format="channels_first")
add("flatten_masked", "Flatten", masks=[MASK])

add("reshape", "Reshape", target_shape=[10, 2])
add("reshape_rest", "Reshape", target_shape=[2, -1])
add("reshape_rest_alone", "Reshape", target_shape=[-1])
add("reshape_same", "Reshape", target_shape=[4, 5])
add("reshape_rank4", "Reshape", [(3, 12)], target_shape=[2, 3, 2])
add("reshape_to_nothing", "Reshape", [(3, 1)], target_shape=[])
add("reshape_masked", "Reshape", masks=[MASK], target_shape=[10, 2])

add("permute", "Permute", dims=[2, 1])
add("permute_same", "Permute", dims=[1, 2])
add("permute_rank2", "Permute", [(3, 4)], dims=[1])
for dims in [[2, 1, 3], [3, 1, 2], [2, 3, 1], [3, 2, 1]]:
    add("permute_" + "".join(map(str, dims)), "Permute", [(2, 3, 4, 5)], dims=dims)
add("permute_masked", "Permute", masks=[MASK], dims=[2, 1])

# ---- global pooling

for low, pooling in [("average", "GlobalAveragePooling1D"), ("max", "GlobalMaxPooling1D")]:
    low = f"global_{low}_pooling"
    add(low, pooling)
    add(f"{low}_keepdims", pooling, keepdims=True)
    add(f"{low}_channels_first", pooling, data_format="channels_first")
    add(f"{low}_channels_first_keepdims", pooling, data_format="channels_first", keepdims=True)
    add(f"{low}_one_step", pooling, [(3, 1, 5)])
    add(f"{low}_one_feature", pooling, [(3, 4, 1)])
    add(f"{low}_long", pooling, [(1, 131, 3)])
add("global_max_pooling_masked", "GlobalMaxPooling1D", masks=[MASK])
add_with_mask("global_average_pooling_masked", "GlobalAveragePooling1D", (3, 4, 5), MASK)
add_with_mask("global_average_pooling_masked_keepdims", "GlobalAveragePooling1D", (3, 4, 5), MASK, keepdims=True)
add_with_mask("global_average_pooling_masked_channels_first", "GlobalAveragePooling1D", (3, 5, 4), MASK,
              data_format="channels_first")
# The largest value twice and three times, at 0, where no gradient is compared with a difference.
ties = -np.abs(draw(generator("global_max_pooling_ties"), (2, 5, 3))) - 0.125
ties[0, [1, 3]] = 0.0
ties[1, [0, 2, 4], 1] = 0.0
add("global_max_pooling_ties", "GlobalMaxPooling1D", [to_float32(ties)])

# ---- activations


def rectifier(name, layer_class, kinks, **options):
    x = draw(generator(name), (3, 4, 6), 3.0)
    for kink in kinks:
        x[np.abs(x - kink) < 0.02] += 0.0625
    if not kinks:
        x[0, 0] = 0.0
    add(name, layer_class, [to_float32(x)], **options)


rectifier("relu", "ReLU", [])
rectifier("relu_max", "ReLU", [0, 1.5], max_value=1.5)
rectifier("relu_max_6", "ReLU", [0, 6], max_value=6.0)
rectifier("relu_slope", "ReLU", [0], negative_slope=0.25)
rectifier("relu_threshold", "ReLU", [0.5], threshold=0.5)
rectifier("relu_slope_threshold", "ReLU", [0.5], negative_slope=0.25, threshold=0.5)
rectifier("relu_all", "ReLU", [0.5, 2], max_value=2.0, negative_slope=0.125, threshold=0.5)
rectifier("leaky_relu", "LeakyReLU", [0])
rectifier("leaky_relu_slope", "LeakyReLU", [0], negative_slope=0.0625)
add("relu_rank1", "ReLU", [to_float32(draw(generator("relu_rank1"), (4,)))])
add("relu_masked", "ReLU", masks=[MASK])

add("softmax", "Softmax")
add("softmax_rank2", "Softmax", [(3, 7)])
add("softmax_one", "Softmax", [(3, 4, 1)])
add("softmax_axis_1", "Softmax", axis=1)
add("softmax_axis_list", "Softmax", axis=[2])
add("softmax_axes", "Softmax", axis=[1, 2])
add("softmax_axes_outer", "Softmax", [(2, 3, 4, 5)], axis=[1, 3])
add("softmax_axis_middle", "Softmax", [(2, 3, 4, 5)], axis=-2)
add_with_mask("softmax_carried_mask", "Softmax", (3, 4), np.array([[1, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]], float))
given = generator("softmax_mask").integers(0, 2, (2, 1, 3, 4)).astype(np.float64)
given[0, 0, 1] = 0.0
add("softmax_mask", "Softmax", [(2, 2, 3, 4), given])
add("softmax_mask_axis_1", "Softmax", [(2, 2, 3, 4), given], axis=1)
add("softmax_mask_axes", "Softmax", [(2, 2, 3, 4), given], axis=[2, 3])
add("softmax_causal", "Softmax", [(2, 3, 4, 4), np.broadcast_to(np.tril(np.ones((4, 4))), (2, 1, 4, 4)).copy()])

write("layers_shaping", {"versions": versions(), "cases": CASES})
