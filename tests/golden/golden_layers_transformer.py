"""layers_transformer.json: KerasFactory's TransformerBlock and KerasHub's TransformerEncoder, option by option.

See layer_case.py for what a case holds. Theirs always have a dropout rate: then Keras' attention computes in float64, and a
row without any key is 0. Without one it takes another path, in float32, on which all keys of such a row count the same.
"""

from common import generator, use_precision, versions, write

import numpy as np
from keras import ops
from kerasfactory.layers import TransformerBlock
from keras_hub.layers import TransformerEncoder

import layer_case

use_precision("float64")

CASES = {}


def add_case(name, *arguments, **options):
    layer_case.add_case(CASES, name, *arguments, **options)
    case = CASES[name]
    # The key's bias moves all scores of a query alike, so its gradient is zero: what comes out are rounding errors. With
    # one step, those of the query's and the key's kernel are zero altogether.
    case["dweights"] = [None if 0 < np.abs(d["data"]).max() < 1e-12 else d for d in case["dweights"]]
    # How much of each value is in an output says nothing of steps: scores carry no mask here.
    if len(case["outputs"]) == 2 and "output_masks" in case:
        case["output_masks"][1] = None


# ---- TransformerBlock

class Block(TransformerBlock):
    """TransformerBlock with what it has not: the order of its documentation, a causal mask, the scores."""

    def __init__(self, norm_first, arguments, **options):
        super().__init__(**options)
        self.norm_first, self.arguments = norm_first, arguments

    def call(self, inputs):
        first = self.norm_first
        x = ops.expand_dims(inputs, 1) if len(inputs.shape) == 2 else inputs
        query = self.layer_norm1(x) if first else x
        attended = self.multihead_attention(query, query, **self.arguments)
        scores = None
        if self.arguments.get("return_attention_scores"):
            attended, scores = attended
        h = self.add1([x, self.dropout1(attended)])
        h = h if first else self.layer_norm1(h)
        f = self.ff2(self.dropout2(self.ff1(self.layer_norm2(h) if first else h)))
        y = self.add2([h, f])
        y = y if first else self.layer_norm2(y)
        y = ops.squeeze(y, 1) if len(inputs.shape) == 2 else y
        return y if scores is None else (y, scores)


def block(name, shape, arguments=None, masks=None, **options):
    options = {"dim_model": shape[-1], "num_heads": 2, "ff_units": 8} | options
    theirs = {key: value for key, value in options.items() if key != "norm_first"} | {"dropout_rate": 0.25}
    if arguments is None and "norm_first" not in options:
        layer = TransformerBlock(**theirs)
    else:
        layer = Block(options.get("norm_first", True), arguments or {}, **theirs)
    name = f"transformer_block_{name}"
    add_case(name, layer, [shape], options, masks=masks, layer_name="TransformerBlock")
    if arguments:
        CASES[name]["arguments"] = arguments
    if type(layer) is Block:
        CASES[name].pop("output_masks", None)  # what the library's own block carries is what counts


MASK = [np.array([[1, 1, 0, 1, 1], [1, 1, 1, 0, 0], [0, 0, 0, 0, 0]])]


def block_cases():
    block("small", (2, 5, 6))
    block("one_head", (2, 4, 6), num_heads=1)
    block("key_dim_1", (2, 4, 4), num_heads=4)
    block("wide", (1, 3, 18), num_heads=3, ff_units=33)
    block("one_unit", (2, 3, 4), ff_units=1)
    block("one_step", (3, 1, 4))
    block("rank2", (3, 6))
    block("no_dropout", (2, 4, 6), dropout_rate=0.0)
    block("masked", (3, 5, 4), masks=MASK)
    for norm_first in [True, False]:
        order = "norm_first" if norm_first else "norm_last"
        block(f"{order}", (2, 4, 6), norm_first=norm_first)
        block(f"{order}_rank2", (3, 4), norm_first=norm_first)
        block(f"{order}_masked", (3, 5, 4), masks=MASK, norm_first=norm_first)
        block(f"{order}_causal", (2, 5, 4), {"use_causal_mask": True}, norm_first=norm_first)
        block(f"{order}_scores", (2, 5, 4), {"return_attention_scores": True}, norm_first=norm_first)
    block("causal_scores_masked", (3, 5, 4), {"use_causal_mask": True, "return_attention_scores": True}, masks=MASK)


# ---- TransformerEncoder

class MaskedEncoder(TransformerEncoder):
    """Called on its masks as inputs: a padding mask has rank 2, an attention mask rank 3."""

    inputs_as_list = False

    def call(self, inputs, first, second=None):
        masks = [mask for mask in [first, second] if mask is not None]
        padding = [mask for mask in masks if len(mask.shape) == 2]
        attention = [mask for mask in masks if len(mask.shape) == 3]
        return super().call(inputs, padding_mask=padding[0] if padding else None,
                            attention_mask=attention[0] if attention else None)

    def build(self, inputs_shape, first_shape=None, second_shape=None):
        super().build(inputs_shape)


def encoder(name, shape, given=(), arguments=None, masks=None, **options):
    options = {"intermediate_dim": 8, "num_heads": 2} | options
    layer = (MaskedEncoder if given else TransformerEncoder)(**options | {"dropout": 0.25})
    name = f"transformer_encoder_{name}"
    if masks is not None:
        masks = masks + [None] * len(given)
    add_case(name, layer, [shape, *given], options, arguments=arguments, masks=masks, layer_name="TransformerEncoder")


def encoder_cases():
    for normalize_first in [False, True]:
        order = "norm_first" if normalize_first else "norm_last"
        words = {"normalize_first": normalize_first}
        padding = MASK[0].astype(np.int32)
        attention = generator(order).integers(0, 2, (3, 5, 5)).astype(np.int32)
        encoder(f"{order}", (2, 5, 6), **words)
        encoder(f"{order}_scores", (2, 5, 6), arguments={"return_attention_scores": True}, **words)
        encoder(f"{order}_masked", (3, 5, 4), masks=MASK, **words)
        encoder(f"{order}_masked_scores", (3, 5, 4), masks=MASK,
                arguments={"return_attention_scores": True}, **words)
        encoder(f"{order}_padding", (3, 5, 4), [padding], **words)
        encoder(f"{order}_attention", (3, 5, 4), [attention], **words)
        encoder(f"{order}_both", (3, 5, 4), [padding, attention], **words)
        encoder(f"{order}_both_masked", (3, 5, 4), [np.ones((3, 5), np.int32), attention], masks=MASK,
                **words)
    encoder("gelu", (2, 4, 6), activation="gelu")
    encoder("tanh_norm_first", (2, 4, 6), activation="tanh", normalize_first=True)
    encoder("dropout", (2, 4, 6), dropout=0.5)
    encoder("epsilon", (2, 4, 6), layer_norm_epsilon=0.125)
    encoder("initializers", (2, 4, 6), kernel_initializer="he_normal", bias_initializer="ones")
    encoder("heads_do_not_divide", (2, 4, 7), num_heads=3)
    encoder("key_dim_1", (2, 4, 4), num_heads=4)
    encoder("one_step", (3, 1, 4))
    encoder("wide", (1, 3, 18), intermediate_dim=35, num_heads=3)


block_cases()
encoder_cases()

write("layers_transformer", {"versions": versions(), "cases": CASES})
