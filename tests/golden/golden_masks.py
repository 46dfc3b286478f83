"""masks.json: what becomes of a mask in every layer, and models in which one ends.

A layer is called on (2, 4, 6) numbers that carry the mask (2, 4). "output_masks" are those of its outputs, null where one carries
none; "warns" says whether Keras warns that the mask is destroyed. A model predicts and evaluates (mse) in float64.
"""

import json
import warnings

import keras
import keras_hub
import numpy as np
from kerasfactory import layers as factory
from keras import layers
from keras.src import backend

from common import draw, exact, generator, result, use_precision, versions, write

MASK = np.array([[1, 1, 0, 1], [1, 0, 0, 0]], dtype=bool)

HUB = keras_hub.layers
LAYERS = [
    layers.Dense(3), layers.Conv1D(2, 3, padding="same"), layers.Dropout(0.5), layers.Activation("relu"), layers.ReLU(),
    layers.LeakyReLU(), layers.LayerNormalization(), layers.RMSNormalization(), layers.Flatten(), layers.Reshape((6, 4)),
    layers.Permute((2, 1)), layers.GlobalAveragePooling1D(), layers.GlobalMaxPooling1D(),
    HUB.PositionEmbedding(8), HUB.SinePositionEncoding(), HUB.RotaryEmbedding(), HUB.TransformerEncoder(5, 2),
    factory.MovingAverage(kernel_size=3), factory.SeriesDecomposition(kernel_size=3),
    factory.ReversibleInstanceNorm(num_features=6), factory.TokenEmbedding(c_in=6, d_model=4),
    factory.PositionalEmbedding(d_model=6, max_len=8), factory.TransformerBlock(dim_model=6, num_heads=2, ff_units=4),
]
TWO = [layers.Add(), layers.Multiply(), layers.Maximum(), layers.Concatenate(), layers.Concatenate(axis=1)]


def layer_case(layer, count):
    x = backend.convert_to_tensor(draw(generator(type(layer).__name__), (2, 4, 6)), "float64")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        backend.set_keras_mask(x, backend.convert_to_tensor(MASK))
        outputs = layer([x] * count) if count > 1 else layer(x)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    masks = [backend.get_keras_mask(y) for y in outputs]
    config = {key: value for key, value in layer.get_config().items() if key not in ("name", "dtype", "trainable")}
    config = json.loads(json.dumps(config))
    own = [w for w in caught if f"Layer '{layer.name}'" in str(w.message) and "destroy the mask" in str(w.message)]
    return {
        "class_name": type(layer).__name__,
        "config": config,
        "inputs": count,
        "output_masks": [None if m is None else exact(np.asarray(m, dtype="float64")) for m in masks],
        "warns": bool(own),
    }


# ---- models

def embedded(steps=4):
    words = layers.Input((steps,), dtype="int32")
    return words, layers.Embedding(7, 4, mask_zero=True)(words)


def through_conv1d():
    words, x = embedded()
    return keras.Model(words, layers.Conv1D(3, 2)(x))


def through_conv1d_of_any_length():
    words, x = embedded(None)
    return keras.Model(words, layers.Conv1D(3, 2)(x))


def through_same_padding():
    words, x = embedded()
    return keras.Model(words, layers.GlobalAveragePooling1D()(layers.Conv1D(4, 3, padding="same")(x)))


def into_attention():
    words, x = embedded()
    x = layers.RMSNormalization()(x)
    return keras.Model(words, layers.GlobalAveragePooling1D()(layers.MultiHeadAttention(2, 2)(x, x)))


def operation():
    words, x = embedded()
    return keras.Model(words, x + layers.Dense(4)(x))


def kept():
    words, x = embedded()
    return keras.Model(words, layers.Dense(2)(layers.Activation("tanh")(x)))


def merged():
    words, x = embedded()
    return keras.Model(words, layers.Add()([x, layers.Dense(4)(x)]))


MODELS = [through_conv1d, through_conv1d_of_any_length, through_same_padding, into_attention, operation, kept, merged]


def model_case(make):
    keras.utils.clear_session()
    use_precision("float32")
    text = make().to_json()
    keras.utils.clear_session()
    use_precision("float64")
    model = make()
    rng = generator(make.__name__)
    weights = [draw(rng, w.shape, 0.5) for w in model.get_weights()]
    model.set_weights(weights)
    words = np.array([[1, 2, 3, 0], [4, 0, 0, 0], [5, 6, 1, 2], [3, 0, 2, 0]], dtype="int32")
    predicted = np.asarray(model.predict(words, verbose=0), dtype="float64")
    targets = draw(rng, predicted.shape)
    model.compile(loss="mse")
    return {
        "to_json": text,
        "weights": [exact(w) for w in weights],
        "data": {"shape": list(words.shape), "data": [int(v) for v in words.ravel()], "dtype": "int32"},
        "targets": exact(targets),
        "predicted": result(predicted),
        "loss": float(model.evaluate(words, targets, verbose=0)),
    }


use_precision("float64")
cases = [layer_case(layer, 1) for layer in LAYERS] + [layer_case(layer, 2) for layer in TWO]
write("masks", {"versions": versions(), "mask": exact(MASK.astype("float64")), "layers": cases,
                "models": {make.__name__: model_case(make) for make in MODELS}})
