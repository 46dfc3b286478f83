"""layers.json: values and gradients of the first layers, option by option. See layer_case.py for what a case holds."""

from common import draw, generator, to_float32, use_precision, versions, write

import numpy as np
from keras import layers, regularizers

import layer_case
import positional
from activation_names import ACTIVATIONS, activation

use_precision("float64")

CASES = {}


def add_case(name, layer, shape, options, *, function=None, x=None, layer_name=None):
    layer_case.add_case(CASES, name, layer, [shape if x is None else x], options, function=function,
                        layer_name=layer_name, penalty=any("regularizer" in option for option in options))


# ---- regularizers in words

def regularizer(words):
    """{"l2": 0.03125} or {"l1": ..., "l2": ...} -> the Keras object."""
    if words.keys() == {"l1"}:
        return regularizers.L1(**words)
    if words.keys() == {"l2"}:
        return regularizers.L2(**words)
    return regularizers.L1L2(**words)


def keras_options(options):
    made = {}
    for key, value in options.items():
        if key.endswith("_regularizer"):
            made[key] = regularizer(value)
        elif key == "activation":
            made[key] = activation(value)
        else:
            made[key] = value
    return made


# ---- Dense

def dense(name, shape=(3, 7, 5), **options):
    options = {"units": 6} | options
    add_case(name, layers.Dense(**keras_options(options)), shape, options)


def dense_cases():
    dense("dense")
    dense("dense_no_bias", use_bias=False)
    dense("dense_rank2", (4, 5))
    dense("dense_rank4", (2, 3, 4, 5))
    dense("dense_one_unit", units=1)
    dense("dense_one_feature", (3, 7, 1))
    dense("dense_one_sample", (1, 1, 5))
    dense("dense_wide", (2, 5, 19), units=37)
    dense("dense_wide_relu", (2, 3, 33), units=67, activation="relu")
    dense("dense_long", (1, 131, 3), units=2)
    for act in ACTIVATIONS:
        dense(f"dense_{act}", (3, 4, 5), activation=act)
    dense("dense_softmax_rank2", (4, 5), activation="softmax")

    dense("dense_kernel_l1", kernel_regularizer={"l1": 0.03125})
    dense("dense_kernel_l2", kernel_regularizer={"l2": 0.0625})
    dense("dense_kernel_l1_l2", kernel_regularizer={"l1": 0.03125, "l2": 0.125})
    dense("dense_bias_l2", bias_regularizer={"l2": 0.25})
    dense("dense_activity_l1", activity_regularizer={"l1": 0.015625})
    dense("dense_activity_l2", activity_regularizer={"l2": 0.03125})
    dense("dense_activity_l2_tanh", activation="tanh", activity_regularizer={"l2": 0.03125})
    dense("dense_all_regularizers", activation="relu", kernel_regularizer={"l2": 0.0625},
          bias_regularizer={"l1": 0.125}, activity_regularizer={"l1": 0.015625, "l2": 0.03125})


# ---- Conv1D

def circular_pad(x, kernel_size, strides, dilation_rate):
    """Steps from the other end of the series, as many on each side as padding "same" adds zeros.

    total = max(0, (ceil(T / s) - 1) s + (k - 1) d + 1 - T), left = floor(total / 2), the rest on the right.
    As numpy.pad(mode="wrap"): a series shorter than the padding is gone through again.
    """
    steps = x.shape[1]
    out = -(-steps // strides)
    total = max(0, (out - 1) * strides + (kernel_size - 1) * dilation_rate + 1 - steps)
    left = total // 2
    index = np.arange(-left, steps + total - left) % steps
    padded = x[:, index, :]
    expected = np.pad(np.arange(steps), (left, total - left), mode="wrap")
    assert np.array_equal(index, expected)
    return padded


def conv(name, shape=(3, 7, 5), layer_name="Conv1D", **options):
    options = {"filters": 4, "kernel_size": 3, "padding": "valid"} | options
    if options["padding"] != "circular":
        layer = layers.Conv1D(**keras_options(options))
        return add_case(name, layer, shape, options, layer_name=layer_name)

    # Keras has no circular padding: pad first, then a valid convolution.
    layer = layers.Conv1D(**keras_options(options | {"padding": "valid"}))
    layer.build((None, None, shape[-1]))

    def function(weights, x):
        padded = circular_pad(x, options["kernel_size"], options.get("strides", 1), options.get("dilation_rate", 1))
        return layer.stateless_call(weights, [], padded)[0]

    add_case(name, layer, shape, options, function=function, layer_name=layer_name)


def conv_cases():
    for padding in ["valid", "same", "causal", "circular"]:
        for kernel_size in [1, 2, 3, 4, 5]:
            conv(f"conv1d_{padding}_k{kernel_size}", kernel_size=kernel_size, padding=padding)
        for strides in [2, 3]:
            for kernel_size in [1, 2, 3, 4]:
                conv(f"conv1d_{padding}_k{kernel_size}_s{strides}", (2, 8, 3), filters=5, kernel_size=kernel_size,
                     strides=strides, padding=padding)
        for dilation_rate in [2, 3]:
            for kernel_size in [2, 3]:
                conv(f"conv1d_{padding}_k{kernel_size}_d{dilation_rate}", (2, 9, 3), filters=5,
                     kernel_size=kernel_size, dilation_rate=dilation_rate, padding=padding)
        conv(f"conv1d_{padding}_relu", padding=padding, activation="relu")
        conv(f"conv1d_{padding}_no_bias", padding=padding, use_bias=False)
        conv(f"conv1d_{padding}_groups2", (2, 7, 6), filters=4, padding=padding, groups=2)
        conv(f"conv1d_{padding}_depthwise", (2, 7, 4), filters=8, padding=padding, groups=4)
        if padding != "valid":
            conv(f"conv1d_{padding}_short", (2, 2, 3), kernel_size=5, padding=padding)
            conv(f"conv1d_{padding}_short_dilated", (2, 3, 2), kernel_size=3, dilation_rate=3, padding=padding)
            conv(f"conv1d_{padding}_one_step", (2, 1, 3), kernel_size=3, padding=padding)

    conv("conv1d_valid_one_output", (2, 5, 3), kernel_size=5)
    conv("conv1d_same_even_length_s2", (2, 6, 3), strides=2, padding="same")
    conv("conv1d_one_channel", (3, 10, 1), filters=16, padding="same", use_bias=False)
    conv("conv1d_one_filter", filters=1, padding="same")
    conv("conv1d_wide", (1, 6, 17), filters=35, padding="same")
    conv("conv1d_groups2_s2", (2, 8, 4), filters=6, strides=2, padding="same", groups=2)
    conv("conv1d_groups3_d2_causal", (2, 8, 6), filters=3, dilation_rate=2, padding="causal", groups=3)
    for act in ["tanh", "gelu", "softmax"]:
        conv(f"conv1d_{act}", padding="same", activation=act)
    conv("conv1d_kernel_l2", padding="same", kernel_regularizer={"l2": 0.0625})
    conv("conv1d_bias_l1", padding="same", bias_regularizer={"l1": 0.125})
    conv("conv1d_activity_l2", padding="same", activity_regularizer={"l2": 0.03125})
    conv("conv1d_activity_l1_relu", padding="causal", activation="relu", activity_regularizer={"l1": 0.03125})


# ---- Activation

def activation_cases():
    # Where a derivative jumps, activations.json has what Keras says. Here relu alone has such a point, at 0.
    kinks = [0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 6.0]
    for name in ACTIVATIONS:
        jumps_at_zero = name in ["relu6", "leaky_relu", "selu"]
        rng = generator(f"activation_{name}")
        x = draw(rng, (3, 4, 6), 2.0)
        special = [30.0, -30.0, 1e-6, -1e-6, 1e-20] + ([] if jumps_at_zero else [0.0])
        x.ravel()[rng.choice(x.size, len(special), replace=False)] = to_float32(special)
        x[np.isin(x, kinks + ([0.0] if jumps_at_zero else []))] += 0.015625
        add_case(f"activation_{name}", layers.Activation(activation(name)), x.shape, {"activation": name}, x=x)


# ---- TokenEmbedding

def token_embedding_cases():
    from kerasfactory.layers import TokenEmbedding

    for c_in in [1, 3]:
        add_case(f"token_embedding_c{c_in}", TokenEmbedding(c_in=c_in, d_model=8), (2, 7, c_in),
                 {"c_in": c_in, "d_model": 8})
    # What KerasFactory's layer lacks: a convolution of three steps with a bias, and around the end of the series.
    for c_in in [1, 3]:
        words = {"c_in": c_in, "d_model": 6}
        for padding, use_bias in [("same", True), ("circular", False), ("circular", True)]:
            name = f"token_embedding_c{c_in}_{padding}" + ("_bias" if use_bias else "")
            conv(name, (2, 7, c_in), filters=6, kernel_size=3, padding=padding, use_bias=use_bias)
            CASES[name]["layer"] = "TokenEmbedding"
            CASES[name]["options"] = words | {"padding": padding, "use_bias": use_bias}


dense_cases()
conv_cases()
activation_cases()
token_embedding_cases()

write("layers", {
    "versions": versions(),
    "cases": CASES,
    "positional_embedding": positional.cases(),
})
