"""text.json: what Keras prints and writes: summaries, progress bars, configs, and windows over a series.

Everything here is of Keras' usual float32. Where Keras reads the clock, the clock is ours (progress.py).
"""

import json
import os

import keras
import numpy as np
from keras import constraints, initializers, layers, optimizers, regularizers

import progress
import windows
from common import use_precision, versions, write

use_precision("float32")


# ---- layers named as those of the library, so that summaries read the same

class TokenEmbedding(layers.Layer):
    def __init__(self, c_in, d_model, **options):
        super().__init__(**options)
        self.conv = layers.Conv1D(d_model, 3, padding="same", use_bias=False)

    def build(self, shape):
        self.conv.build(shape)

    def call(self, x):
        return self.conv(x)


class PositionalEmbedding(layers.Layer):
    def call(self, x):
        return x + keras.ops.zeros(x.shape[1:])


def page_model(**names):
    keras.utils.clear_session()
    return keras.Sequential([
        layers.Input((100, 1)),
        TokenEmbedding(1, 64, **names),
        PositionalEmbedding(),
        layers.Dense(32, activation="relu"),
        layers.Dense(1),
    ])


# ---- summary()

def summary(model, terminal, line_length=None):
    """The text of model.summary() in a terminal of so many columns. line_length overrides what is derived from them."""
    texts = []
    columns = os.environ["COLUMNS"]
    os.environ["COLUMNS"] = str(terminal)
    model.summary(line_length=line_length, print_fn=texts.append)
    os.environ["COLUMNS"] = columns
    return "".join(texts)


def summaries():
    model = page_model()
    cases = {f"terminal_{width}": summary(model, width) for width in [60, 80, 100, 120]}
    cases |= {f"line_length_{width}": summary(model, 200, width) for width in [50, 80, 100, 120]}
    model.compile(optimizer="adam", loss="mse")
    cases["compiled"] = summary(model, 80)
    x = np.zeros((2, 100, 1), dtype=np.float32)
    model.fit(x, x, verbose=0)
    cases["trained_adam"] = summary(model, 80)
    model.compile(optimizer="sgd", loss="mse")
    model.fit(x, x, verbose=0)
    cases["trained_sgd"] = summary(model, 80)
    model.compile(optimizer=optimizers.SGD(momentum=0.9), loss="mse")
    model.fit(x, x, verbose=0)
    cases["trained_sgd_momentum"] = summary(model, 80)

    model = page_model()
    model.layers[0].trainable = False
    cases["token_embedding_frozen"] = summary(model, 80)
    model = page_model(name="an_embedding_of_raw_values_with_a_name_of_forty_and_more_letters")
    cases["long_name"] = summary(model, 80)

    keras.utils.clear_session()
    unbuilt = keras.Sequential([layers.Dense(4, activation="relu"), layers.Activation("tanh"), layers.Dense(1)])
    cases["unbuilt"] = summary(unbuilt, 80)
    unbuilt.build((None, 3))
    cases["built_later"] = summary(unbuilt, 80)
    keras.utils.clear_session()
    cases["empty"] = summary(keras.Sequential(name="nothing_yet"), 80)
    keras.utils.clear_session()
    large = keras.Sequential([layers.Input((None, 1000)), layers.Dense(2000), layers.Dense(5)], name="large")
    cases["large"] = summary(large, 80)
    return cases


# ---- configs

def plain(config):
    """As JSON has it: tuples are lists."""
    return json.loads(json.dumps(config))


def layer_configs():
    made = {
        "dense": lambda: layers.Dense(32),
        "dense_relu": lambda: layers.Dense(32, activation="relu", use_bias=False, name="hidden"),
        "dense_all_options": lambda: layers.Dense(
            3, activation="swish", kernel_initializer="he_normal", bias_initializer=initializers.Constant(0.5),
            kernel_regularizer=regularizers.L1L2(l1=0.03125, l2=0.0625), bias_regularizer="l2",
            activity_regularizer=regularizers.L2(0.25), kernel_constraint=constraints.MaxNorm(3),
            bias_constraint="non_neg", trainable=False),
        "conv1d": lambda: layers.Conv1D(8, 3),
        "conv1d_all_options": lambda: layers.Conv1D(
            8, 5, strides=2, padding="same", groups=2, activation="gelu", use_bias=False,
            kernel_initializer=initializers.VarianceScaling(2.0, "fan_out", "uniform", seed=7),
            kernel_regularizer="l1", bias_regularizer=regularizers.L1(0.5), activity_regularizer=regularizers.L1(0.125),
            kernel_constraint=constraints.UnitNorm(axis=[0, 1]), bias_constraint=constraints.MinMaxNorm()),
        "conv1d_causal_dilated": lambda: layers.Conv1D(4, 2, padding="causal", dilation_rate=3),
        "activation": lambda: layers.Activation("relu"),
        "activation_softmax": lambda: layers.Activation("softmax", name="probabilities"),
        "input": lambda: layers.InputLayer((100, 1)),
        "input_named": lambda: layers.InputLayer((None, 7), dtype="int32", name="hours"),
    }
    configs = {}
    for name, make in made.items():
        keras.utils.clear_session()
        layer = make()
        configs[name] = {"get_config": plain(layer.get_config()),
                         "serialized": plain(keras.saving.serialize_keras_object(layer))}
        if not isinstance(layer, (layers.InputLayer, layers.Activation)):
            layer.build((None, 10, 4))
            configs[name]["serialized_when_built"] = plain(keras.saving.serialize_keras_object(layer))
    return configs


def model_configs():
    from kerasfactory import layers as factory

    def page():
        return [layers.Input((100, 1)), factory.TokenEmbedding(c_in=1, d_model=64),
                factory.PositionalEmbedding(max_len=100, d_model=64), layers.Dense(32, activation="relu"),
                layers.Dense(1)]

    def compiled(model, **options):
        model.compile(**options)
        return model

    made = {
        "page": lambda: keras.Sequential(page()),
        "page_compiled": lambda: compiled(keras.Sequential(page()), optimizer="adam", loss="mse"),
        "dense_only": lambda: keras.Sequential([layers.Input((4,)), layers.Dense(2), layers.Activation("softmax")],
                                               name="classifier"),
        "unbuilt": lambda: keras.Sequential([layers.Dense(2)]),
        "compiled_sgd_metrics": lambda: compiled(
            keras.Sequential([layers.Input((4,)), layers.Dense(2)]),
            optimizer=optimizers.SGD(0.125, momentum=0.9, nesterov=True, clipnorm=1.0), loss="huber",
            metrics=["mae", "mse"], weighted_metrics=["mae"]),
        "compiled_objects": lambda: compiled(
            keras.Sequential([layers.Input((4,)), layers.Dense(2)]),
            optimizer=optimizers.Adam(weight_decay=0.004, amsgrad=True), loss=keras.losses.Huber(delta=2.0),
            metrics=[keras.metrics.RootMeanSquaredError()]),
    }
    configs = {}
    for name, make in made.items():
        keras.utils.clear_session()
        model = make()
        configs[name] = {"get_config": plain(model.get_config()), "to_json": model.to_json()}
    return configs


def factory_configs():
    from kerasfactory import layers as factory

    keras.utils.clear_session()
    return {
        "token_embedding": plain(keras.saving.serialize_keras_object(factory.TokenEmbedding(c_in=7, d_model=16))),
        "positional_embedding": plain(keras.saving.serialize_keras_object(
            factory.PositionalEmbedding(max_len=512, d_model=64))),
    }


write("text", {
    "versions": versions(),
    "summary": summaries(),
    "progress_bar": progress.bars(),
    "fit_output": progress.fit_output(),
    "layer_configs": layer_configs(),
    "kerasfactory_configs": factory_configs(),
    "model_configs": model_configs(),
    "timeseries_windows": windows.cases(),
})
