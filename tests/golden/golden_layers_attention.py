"""layers_attention.json: values and gradients of MultiHeadAttention. See layer_case.py for what a case holds.

Keras has two ways through its MultiHeadAttention. Taken here is the explicit one, by asking for the scores: it computes in
float64, and gives 0 for a query that sees no key. The inputs of a case are query, value[, key[, attention_mask]].
"""

from common import draw, generator, use_precision, versions, write

import numpy as np
from keras import layers, regularizers
from keras.src import backend

import layer_case

use_precision("float64")

CASES = {}
WITH_SCORES = {"return_attention_scores": True}
CAUSAL = {"use_causal_mask": True}


class Called:
    """The layer, called on its inputs in order: the fourth one is the attention mask."""

    def __init__(self, layer):
        self.layer = layer

    def __getattr__(self, name):
        return getattr(self.layer, name)

    @staticmethod
    def call(function, first, inputs, arguments):
        arguments = dict(zip(["query", "value", "key", "attention_mask"], inputs)) | arguments
        with_scores = function(*first, **arguments | WITH_SCORES)
        output, scores = with_scores[0] if first else with_scores
        wanted = (output, scores) if arguments.get("return_attention_scores") else output
        return (wanted, with_scores[1]) if first else wanted

    def __call__(self, *inputs, **arguments):
        return self.call(self.layer, [], inputs, arguments)

    def stateless_call(self, trained, fixed, *inputs, **arguments):
        # It goes around what hands the masks of value and key, if there is one, to the layer.
        for name, x in zip(["value", "key"], inputs[1:]):
            if (mask := backend.get_keras_mask(x)) is not None:
                arguments[name + "_mask"] = mask
        return self.call(self.layer.stateless_call, [trained, fixed], inputs, arguments)


def regularizer(words):
    return regularizers.L1L2(**words) if len(words) == 2 else regularizers.L1(**words) if "l1" in words else regularizers.L2(**words)


def attention(name, inputs=((2, 4, 4),) * 2, *, arguments=None, masks=None, kinks=False, **options):
    options = {"num_heads": 2, "key_dim": 3} | options
    made = {key: regularizer(value) if key.endswith("_regularizer") else value for key, value in options.items()}
    layer = Called(layers.MultiHeadAttention(**made))
    layer_case.add_case(CASES, "attention_" + name, layer, list(inputs), options, arguments=arguments, masks=masks,
                        layer_name="MultiHeadAttention", kinks=kinks,
                        penalty=any("regularizer" in option for option in options))
    case = CASES["attention_" + name]
    # The key's bias moves all scores of a query alike, so its gradient is zero: what comes out are rounding errors.
    case["dweights"] = [None if 0 < np.abs(d["data"]).max() < 1e-12 else d for d in case["dweights"]]
    # Keras hangs the value's mask (batch, S) on the scores (batch, heads, T, S), which is of no use; here they carry none.
    if len(masks_of := case.get("output_masks", [])) == 2:
        masks_of[1] = None


def bits(name, shape, of_ones=0.6):
    return (generator(name).random(shape) < of_ones).astype(np.int32)


X, Q, S = (2, 5, 4), (2, 3, 4), (2, 4, 3)

# ---- options and shapes

attention("self")
attention("cross", (Q, S))
attention("key", (Q, S, (2, 4, 5)))
attention("value_dim", (Q, S), value_dim=5)
attention("value_dim_wide", (X, X, X), num_heads=3, value_dim=9, key_dim=2)
attention("no_bias", use_bias=False)
attention("output_shape", (Q, S), output_shape=4)
attention("output_shape_list", output_shape=[9])
attention("gate", (Q, S), use_gate=True)
attention("gate_value_dim", (Q, S, (2, 4, 3)), use_gate=True, value_dim=2, use_bias=False)
attention("dropout_in_inference", dropout=0.5, seed=3)
attention("attention_axes", attention_axes=[1])
attention("one_head", (Q, S), num_heads=1)
attention("five_heads", num_heads=5, key_dim=2)
attention("key_dim_1", (Q, S), key_dim=1)
attention("value_dim_1", (Q, S), value_dim=1, num_heads=3)
attention("key_dim_8", ((1, 5, 4), (1, 17, 4)), key_dim=8)
attention("key_dim_11", ((1, 5, 4), (1, 10, 4)), key_dim=11, num_heads=1)
attention("key_dim_16", ((1, 4, 3), (1, 33, 3)), key_dim=16, num_heads=1)
attention("one_step", ((3, 1, 6), (3, 1, 6)))
attention("one_query", ((2, 1, 4), S))
attention("one_key", (Q, (2, 1, 3)))
attention("one_feature", ((2, 5, 1), (2, 5, 1)))
attention("one_of_all", ((1, 1, 1), (1, 1, 1)), num_heads=1, key_dim=1)

# ---- who sees whom

attention("causal", arguments=CAUSAL)
attention("causal_long_query", ((2, 6, 4), (2, 3, 4)), arguments=CAUSAL)
attention("causal_long_value", ((2, 3, 4), (2, 6, 4)), arguments=CAUSAL)
attention("causal_one_step", ((2, 1, 4), (2, 1, 4)), arguments=CAUSAL)
attention("causal_long", ((1, 40, 4), (1, 40, 4)), arguments=CAUSAL)
for window in [1, 2, 4, 9]:
    attention(f"window_{window}", sliding_window=window)
attention("window_causal", ((2, 9, 3), (2, 9, 3)), sliding_window=3, arguments=CAUSAL)
attention("window_long_value", ((1, 3, 4), (1, 9, 4)), sliding_window=2)
attention("window_past_the_value", ((1, 9, 4), (1, 3, 4)), sliding_window=2)

attention("mask", (Q, S, S, bits("mask", (2, 3, 4)) | np.eye(3, 4, dtype=np.int32)))
attention("mask_floats", (Q, S, (2, 4, 5), (bits("floats", (2, 3, 4)) | np.eye(3, 4, dtype=np.int32)).astype(float)),
          kinks=True)
attention("mask_of_a_row", (Q, S, S, np.array([[[1, 0, 1, 1]], [[0, 1, 0, 0]]], dtype=np.int32)))
attention("mask_of_a_column", (Q, S, S, np.array([[[1], [0], [1]], [[0], [1], [0]]], dtype=np.int32)))
attention("mask_of_one", (Q, S, S, np.array([[[1]], [[0]]], dtype=np.int32)))
attention("mask_of_heads", (Q, S, S, bits("heads", (2, 2, 3, 4))))
attention("mask_of_one_head", (Q, S, S, bits("head", (2, 1, 3, 4))))
attention("mask_of_heads_for_all", (Q, S, S, bits("heads for all", (2, 2, 1, 4))))
attention("mask_rows_of_zeros", (X, X, X, np.array([[[1] * 5, [0] * 5, [0, 0, 0, 0, 1], [1, 0, 0, 0, 0], [0] * 5],
                                                   [[0] * 5] * 5], dtype=np.int32)))
attention("mask_causal", (X, X, X, bits("causal", (2, 5, 5))), arguments=CAUSAL)
attention("mask_window", (X, X, X, bits("window", (2, 5, 5))), sliding_window=2)

# ---- masks that travel

STEPS = [[1, 1, 1, 0, 0], [0, 1, 0, 1, 1]]
KEYS = [[1, 1, 0, 0], [0, 0, 0, 1]]
NONE = [[0, 0, 0, 0], [1, 0, 1, 0]]

attention("masked_query", (Q, S), masks=[[[1, 0, 1], [0, 0, 0]], None])
attention("masked_value", (Q, S), masks=[None, KEYS])
attention("masked_value_all", (Q, S), masks=[None, NONE])
attention("masked_key", (Q, S, (2, 4, 5)), masks=[None, None, KEYS])
attention("masked_key_and_value", (Q, S, (2, 4, 5)), masks=[None, [[1, 0, 1, 0], [0, 0, 1, 1]], KEYS])
attention("masked_query_and_value", (X, X), masks=[STEPS, STEPS])
attention("masked_causal", (X, X), masks=[None, STEPS], arguments=CAUSAL)
attention("masked_all", (X, X, X, bits("all", (2, 5, 5))), masks=[[[1, 1, 1, 1, 0], [1] * 5], STEPS, STEPS, None],
          arguments=CAUSAL, sliding_window=3)

# ---- the scores

attention("scores", (Q, S), arguments=WITH_SCORES)
attention("scores_self", arguments=WITH_SCORES, value_dim=4)
attention("scores_causal", ((2, 3, 4), (2, 6, 4)), arguments=WITH_SCORES | CAUSAL)
attention("scores_gate", (Q, S), arguments=WITH_SCORES, use_gate=True, dropout=0.5)
attention("scores_window", ((1, 8, 3), (1, 12, 3)), arguments=WITH_SCORES, sliding_window=2)
attention("scores_mask", (Q, S, S, bits("scores", (2, 3, 4))), arguments=WITH_SCORES)
# As many heads as steps: the scores are (2, 2, 2, 4), but carry no mask (batch, steps).
attention("scores_masked", ((2, 2, 4), S), masks=[[[1, 0], [1, 1]], KEYS], arguments=WITH_SCORES)
attention("scores_one_step", ((2, 1, 3), (2, 1, 3)), arguments=WITH_SCORES)

# ---- penalties

attention("kernel_l2", kernel_regularizer={"l2": 0.0625})
attention("bias_l1", bias_regularizer={"l1": 0.125})
attention("activity_l2", (Q, S), activity_regularizer={"l2": 0.03125})
attention("activity_l1_gate", (Q, S), activity_regularizer={"l1": 0.03125}, use_gate=True)

write("layers_attention", {"versions": versions(), "cases": CASES})
