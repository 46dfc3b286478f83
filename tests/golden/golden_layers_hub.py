"""layers_hub.json: KerasHub's layers that encode positions.

See layer_case.py for what a case holds. RotaryEmbedding computes its angles in float32 whatever the precision of the
layer; here they are made in float64 like all else.
"""

from common import generator, to_float32, use_precision, versions, write

import keras
import numpy as np
from keras_hub.layers import PositionEmbedding, RotaryEmbedding, SinePositionEncoding
from keras_hub.src.layers.modeling import rotary_embedding

import layer_case

use_precision("float64")

CASES = {}


class Double:
    """keras.ops, where float32 is float64."""

    def __getattr__(self, name):
        return getattr(keras.ops, name)

    @staticmethod
    def cast(x, dtype):
        return keras.ops.cast(x, "float64" if dtype == "float32" else dtype)

    @staticmethod
    def arange(*args, dtype=None, **kwargs):
        return keras.ops.arange(*args, dtype="float64" if dtype == "float32" else dtype, **kwargs)


rotary_embedding.ops = Double()


def hub_case(name, layer, shape, options, *, positions=None, start_index=None, **kwargs):
    """`positions` are the second input, by name in KerasHub."""
    if positions is None:
        arguments = None if start_index is None else {"start_index": start_index}
        layer_case.add_case(CASES, name, layer, [shape], options, arguments=arguments, **kwargs)
        return
    layer.build(shape)
    layer_case.add_case(CASES, name, layer, [shape, positions], options, **kwargs,
                        function=lambda weights, x, p: layer.stateless_call(weights, [], x, positions=p)[0])


def whole(name, shape, low, high):
    return generator(name).integers(low, high, shape).astype(np.int32)


def position_embedding_cases():
    for name, shape, length, more in [
        ("page", (4, 10, 16), 10, {}),
        ("shorter", (2, 3, 4), 5, {}),
        ("one_step", (2, 1, 4), 5, {}),
        ("one_feature", (2, 4, 1), 4, {}),
        ("one_row", (3, 1, 2), 1, {}),
        ("rank_4", (2, 3, 4, 5), 6, {}),
        ("start_index", (2, 3, 4), 8, {"start_index": 4}),
        ("start_index_to_the_end", (2, 3, 4), 8, {"start_index": 5}),
        ("start_index_rank_4", (2, 2, 3, 4), 8, {"start_index": 2}),
        ("positions", (3, 4, 5), 6, {"positions": whole("positions", (3, 4), 0, 6)}),
        ("positions_that_repeat", (2, 5, 3), 4, {"positions": np.full((2, 5), 2, dtype=np.int32)}),
        ("positions_from_the_end", (2, 3, 3), 4, {"positions": whole("from_the_end", (2, 3), -4, 4)}),
    ]:
        options = {"sequence_length": length}
        hub_case(f"position_embedding_{name}", PositionEmbedding(**options), shape, options, **more)
    options = {"sequence_length": 4, "initializer": "uniform"}
    hub_case("position_embedding_initializer", PositionEmbedding(**options), (2, 4, 3), options)


def sine_cases():
    for name, shape, options, more in [
        ("page", (2, 20, 8), {}, {}),
        ("one_step", (2, 1, 4), {}, {}),
        ("one_feature", (2, 5, 1), {}, {}),
        ("odd", (2, 6, 7), {}, {}),
        ("rank_4", (2, 2, 3, 4), {}, {}),
        ("wavelength", (2, 6, 6), {"max_wavelength": 50}, {}),
        ("start_index", (2, 4, 6), {}, {"start_index": 1000}),
        ("positions", (3, 4, 6), {}, {"positions": whole("sine", (3, 4), 0, 500)}),
        ("positions_odd", (2, 4, 5), {"max_wavelength": 100}, {"positions": whole("sine_odd", (2, 4), -5, 5)}),
        ("positions_between_steps", (2, 3, 5), {}, {"positions": to_float32([[0.5, 1.25, 2.75], [0.125, -1.5, 30.5]])}),
    ]:
        hub_case(f"sine_position_encoding_{name}", SinePositionEncoding(**options), shape, options, **more)


def rotary_cases():
    yarn = {"rope_type": "yarn", "scaling_factor": 4.0, "original_max_position_embeddings": 32}
    for name, shape, options, more in [
        ("page", (2, 6, 18), {}, {}),
        ("heads", (2, 5, 3, 6), {}, {}),
        ("heads_in_front", (2, 3, 5, 6), {"sequence_axis": 2}, {}),
        ("steps_last", (2, 6, 5), {"sequence_axis": -1, "feature_axis": 1}, {}),
        ("features_between", (2, 3, 4, 2), {"sequence_axis": 3, "feature_axis": 2}, {}),
        ("rank_5", (2, 3, 2, 2, 4), {"sequence_axis": 2}, {}),
        ("one_step", (2, 1, 4), {}, {}),
        ("one_pair", (2, 4, 2), {}, {}),
        ("wavelength", (2, 5, 6), {"max_wavelength": 100}, {}),
        ("linear", (2, 5, 6), {"scaling_factor": 2.5}, {}),
        ("dynamic", (2, 5, 6), {"rope_type": "dynamic", "scaling_factor": 3.0}, {}),
        ("dynamic_one_pair", (2, 5, 2), {"rope_type": "dynamic", "scaling_factor": 3.0}, {}),
        ("denominator", (2, 5, 6), {"denominator_dim": 10}, {}),
        ("denominator_dynamic", (2, 5, 6), {"denominator_dim": 10, "rope_type": "dynamic", "scaling_factor": 2.0}, {}),
        ("yarn", (2, 5, 12), yarn, {}),
        ("yarn_not_truncated", (2, 5, 12), yarn | {"truncate": False}, {}),
        ("yarn_beta", (2, 5, 12), yarn | {"beta_fast": 8.0, "beta_slow": 2.0, "max_wavelength": 500}, {}),
        ("yarn_narrow_ramp", (2, 5, 8), yarn | {"beta_fast": 2.0, "beta_slow": 2.0, "truncate": False}, {}),
        ("yarn_defaults", (2, 4, 8), {"rope_type": "yarn"}, {}),
        ("start_index", (2, 4, 6), {}, {"start_index": 1000}),
        ("positions", (3, 4, 6), {}, {"positions": whole("rotary", (3, 4), 0, 500)}),
        ("positions_heads", (2, 3, 4, 6), {"sequence_axis": 2}, {"positions": whole("heads", (2, 4), -20, 20)}),
        ("positions_yarn", (2, 4, 8), yarn, {"positions": whole("yarn", (2, 4), 0, 50)}),
        ("positions_between_steps", (2, 3, 2, 4), {}, {"positions": to_float32([[0.5, 1.25, 2.75], [0.125, -1.5, 30.5]])}),
    ]:
        hub_case(f"rotary_embedding_{name}", RotaryEmbedding(**options), shape, options, **more)


position_embedding_cases()
sine_cases()
rotary_cases()
write("layers_hub", {"versions": versions(), "cases": CASES})
