"""functional.json: functional models of Keras: how they are written and printed, and what they compute.

Each function makes a model of float32, which is written down: to_json(), summary(), the order of layers and weights. The
same model of float64 predicts. Weights and data are drawn.
"""

import json
import os

import keras
import numpy as np
from keras import layers

from common import draw, exact, generator, result, use_precision, versions, write


# ---- the models

def linear():
    x = layers.Input((4,))
    return keras.Model(x, layers.Dense(2)(layers.Dense(5, activation="relu")(x)))


def two_inputs():
    series, mark = layers.Input((6, 3), name="series"), layers.Input((6, 2), name="mark")
    x = layers.concatenate([series, mark])
    x = layers.Conv1D(4, 3, padding="same", activation="tanh")(x)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model([series, mark], layers.Dense(2, name="forecast")(x), name="two_inputs")


def two_outputs():
    x = layers.Input((4,))
    hidden = layers.Dense(6, activation="gelu")(x)
    trend = layers.Dense(3, name="trend")(hidden)
    anomaly = layers.Dense(1, activation="sigmoid", name="anomaly")(hidden)
    return keras.Model(x, [trend, anomaly])


def shared():
    """One layer on two inputs, and on what it made."""
    a, b = layers.Input((3,), name="a"), layers.Input((3,), name="b")
    dense = layers.Dense(3, activation="tanh")
    x = layers.Add()([dense(a), dense(b)])
    return keras.Model([a, b], layers.Dense(1)(dense(x)))


def nested():
    """A Functional of two outputs, called twice, and a Sequential."""
    x = layers.Input((3,), name="features")
    h = layers.Dense(4, activation="relu")(x)
    split = keras.Model(x, [layers.Dense(2)(h), layers.Dense(2, activation="sigmoid")(h)], name="split")
    head = keras.Sequential([layers.Input((2,)), layers.Dense(3), layers.Activation("tanh")], name="head")
    a, b = layers.Input((3,)), layers.Input((3,))
    value_a, gate_a = split(a)
    value_b, gate_b = split(b)
    both = layers.Add()([layers.Multiply()([value_a, gate_a]), layers.Multiply()([value_b, gate_b])])
    return keras.Model([a, b], head(both), name="whole")


def nested_twice():
    """A Functional and a Sequential, each on what it made itself; all that they make is an output."""
    x = layers.Input((3,), name="features")
    inner = keras.Model(x, layers.Dense(3, activation="tanh")(x), name="inner")
    row = keras.Sequential([layers.Input((3,)), layers.Dense(3, activation="relu")], name="row")
    a = layers.Input((3,), name="a")
    once = inner(a)
    twice = inner(once)
    row_once = row(twice)
    return keras.Model(a, [once, twice, row_once, row(row_once)], name="whole")


def operators():
    x, y = layers.Input((3,)), layers.Input((3,))
    z = layers.Dense(1)(x)
    a = (x + y) * 2.0 - (1.0 - x) / 4.0
    b = (2.0 / (x * x + 1.5)) * z + y / 0.5
    return keras.Model([x, y], [a - b, a / (y * y + 1.0)])


def negative():
    x = layers.Input((3,))
    y = layers.Dense(2)(-x)
    return keras.Model(x, -y)


def attention():
    """Every argument of a call of MultiHeadAttention, some of them Inputs. As many keys as queries: else Keras 3.15 says a
    wrong shape of the scores."""
    query, value = layers.Input((5, 6), name="query"), layers.Input((5, 3), name="value")
    key, mask = layers.Input((5, 2), name="key"), layers.Input((5, 5), name="mask")
    x = layers.MultiHeadAttention(2, 3)(query, value)
    x = layers.MultiHeadAttention(2, 3, output_shape=5)(x, value, key=key)
    x, scores = layers.MultiHeadAttention(2, 2, value_dim=3)(x, value, attention_mask=mask, return_attention_scores=True)
    x = layers.MultiHeadAttention(1, 4, use_bias=False)(x, x, use_causal_mask=True)
    return keras.Model([query, value, key, mask], [x, scores])


def inner_outputs():
    """Outputs that are inner tensors too, one of them twice, and an output that is an input."""
    x = layers.Input((4,), name="x")
    h = layers.Dense(3, activation="tanh", name="h")(x)
    y = layers.Dense(2, name="y")(h)
    return keras.Model(x, [h, y, x, h])


def submodel():
    """What a layer inside another model makes."""
    whole = two_inputs()
    return keras.Model(whole.inputs, whole.get_layer("conv1d").output, name="inside")


def from_inside():
    """From an inner tensor of another model on."""
    whole = two_inputs()
    return keras.Model(whole.get_layer("concatenate").output, whole.output, name="rest")


def residual():
    """An input of two layers; layers without weights; None in a shape."""
    x = layers.Input((None, 4))
    y = layers.LayerNormalization()(x)
    y = layers.Conv1D(4, 2, padding="causal")(y)
    y = layers.Add()([x, y])
    y = layers.Softmax()(y)
    return keras.Model(x, layers.GlobalMaxPooling1D()(y))


def shapes():
    x = layers.Input((4, 3))
    a = layers.Flatten()(x)
    b = layers.Reshape((2, 6))(x)
    b = layers.Permute((2, 1))(b)
    b = layers.Dense(2)(b)
    c = layers.Reshape((12,))(b)
    return keras.Model(x, layers.Maximum()([a, layers.Average()([a, c])]))


def indices():
    """An input of whole numbers, and a mask from it into pooling."""
    words = layers.Input((5,), dtype="int32", name="words")
    x = layers.Embedding(7, 4, mask_zero=True)(words)
    x = layers.Dropout(0.25)(x)
    return keras.Model(words, layers.Dense(2)(layers.GlobalAveragePooling1D()(x)))


def masked_outputs():
    """Outputs that carry masks, and one that does not."""
    words = layers.Input((5,), dtype="int32", name="words")
    x = layers.Embedding(7, 4, mask_zero=True)(words)
    y = layers.Dense(2, name="y")(x)
    return keras.Model(words, [x, layers.Flatten()(y), y])


def masked():
    """Masks into models inside, through merging layers and attention. Named where Keras' operations on masks count too."""
    x, other = layers.Input((5, 4)), layers.Input((5, 4))
    y = layers.Concatenate(name="beside")([x, other])
    inner = keras.Model([x, other], [layers.GlobalAveragePooling1D(name="mean")(y), layers.Dense(4, name="mix")(y)],
                        name="inner")
    words, series = layers.Input((5,), dtype="int32", name="words"), layers.Input((5, 4), name="series")
    embedded = layers.Embedding(7, 4, mask_zero=True)(words)
    mean, mixed = inner([embedded, series])
    attended = layers.MultiHeadAttention(2, 2)(mixed, embedded)
    behind = layers.Concatenate(axis=1, name="behind")([embedded, attended])
    whole = layers.Concatenate(name="all")([mean, layers.GlobalAveragePooling1D()(behind)])
    return keras.Model([words, series], layers.Dense(2)(whole))


MODELS = [linear, two_inputs, two_outputs, shared, nested, nested_twice, operators, negative, attention, inner_outputs,
          submodel, from_inside, residual, shapes, indices, masked_outputs, masked]


# ---- what is written down

# The other operations in these models make masks.
ARITHMETIC = ["Add", "Subtract", "Multiply", "TrueDivide", "Negative"]


def made(make):
    keras.utils.clear_session()
    return make()


def summary(model, terminal, line_length=None):
    """As in a terminal of so many columns."""
    texts = []
    os.environ["COLUMNS"] = str(terminal)
    model.summary(line_length=line_length, print_fn=texts.append)
    return "".join(texts)


def data_of(model, rng):
    """Three samples for each input."""
    data = []
    for tensor in model.inputs:
        shape = (3, *(5 if n is None else n for n in tensor.shape[1:]))
        if tensor.dtype == "int32":
            data.append(rng.integers(0, 7, shape).astype("int32"))
            assert data[-1].any(axis=-1).all()  # Keras makes something of no key at all
        elif tensor.name == "mask":
            data.append((rng.uniform(size=shape) < 0.7).astype("float64"))
            assert data[-1].any(axis=-1).all()  # Keras makes something of no key at all
        else:
            data.append(draw(rng, shape))
    return data


def case(make):
    name = make.__name__
    rng = generator(name)
    use_precision("float32")
    model = made(make)
    written = {
        "to_json": model.to_json(),
        "summary": summary(model, 80),
        "summary_of_110": summary(model, 200, 110),
        "layers": [o.name for o in model.operations if isinstance(o, layers.Layer) or type(o).__name__ in ARITHMETIC],
        "input_names": [tensor._keras_history.operation.name for tensor in model.inputs],
        "output_names": list(model.output_names),
        "weight_shapes": [list(w.shape) for w in model.get_weights()],
    }
    weights = [draw(rng, w.shape, 0.5) for w in model.get_weights()]
    data = data_of(model, rng)
    use_precision("float64")
    model = made(make)
    model.set_weights(weights)
    predicted = keras.tree.flatten(model.predict(data if len(data) > 1 else data[0], verbose=0))
    return written | {
        "weights": [exact(w) for w in weights],
        "data": [exact(x) for x in data],
        "predicted": [result(np.asarray(y, dtype="float64")) for y in predicted],
    }


def by_names():
    """Inputs and outputs as dictionaries."""
    use_precision("float32")
    keras.utils.clear_session()
    a, b = layers.Input((2,), name="a"), layers.Input((2,), name="b")
    model = keras.Model({"left": a, "right": b}, {"sum": layers.Dense(1, name="d")(layers.Add()([a, b]))})
    return json.loads(model.to_json())


def compiled():
    use_precision("float32")
    texts = {}
    for name, options in {
        "by_name": {"loss": {"trend": "mse", "anomaly": "binary_crossentropy"},
                    "loss_weights": {"trend": 0.5, "anomaly": 2.0},
                    "metrics": {"trend": ["mae"], "anomaly": ["accuracy"]}},
        "in_order": {"loss": ["mse", "mae"], "loss_weights": [1.0, 0.25], "metrics": [["mae", "mse"], ["mae"]]},
        "one_for_all": {"loss": "mse"},
    }.items():
        model = made(two_outputs)
        model.compile(optimizer="sgd", **options)
        texts[name] = model.to_json()
    return texts


if __name__ == "__main__":
    write("functional", {
        "versions": versions(),
        "models": {make.__name__: case(make) for make in MODELS},
        "by_names": by_names(),
        "compiled": compiled(),
    })
