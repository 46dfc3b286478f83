"""nests.json: functional models of Keras whose inputs and outputs stand in dictionaries and in lists of lists.

Keras flattens them by sorted keys, whatever order the keys stand in. Each model is written down in float32, and predicts in
float64 with drawn weights.
"""

import keras
import numpy as np
from keras import layers

from common import draw, exact, generator, result, use_precision, versions, write


def unsorted_outputs():
    x = layers.Input((3,), name="x")
    h = layers.Dense(4, activation="tanh", name="h")(x)
    return keras.Model(x, {"zeta": layers.Dense(2, name="first")(h), "alpha": layers.Dense(1, name="second")(h),
                           "Beta": layers.Dense(3, name="third")(h)})


def nested_ends():
    a, b, c = layers.Input((2,), name="a"), layers.Input((2,), name="b"), layers.Input((2,), name="c")
    total = layers.Add(name="total")([a, layers.Dense(2, name="of_b")(b), layers.Dense(2, name="of_c")(c)])
    return keras.Model([a, [c, b]], {"q": [total, a], "p": {"y": layers.Dense(1, name="y")(total), "x": c}})


def unsorted_inputs():
    right, left = layers.Input((2,), name="right"), layers.Input((2,), name="left")
    return keras.Model({"right": right, "left": left}, layers.Dense(1)(layers.Subtract()([right, layers.Dense(2)(left)])))


def called():
    """Such models inside another."""
    split, nested, merge = unsorted_outputs(), nested_ends(), unsorted_inputs()
    x, a = layers.Input((3,), name="data"), layers.Input((2,), name="more")
    parts = split(x)
    made = nested([parts["zeta"], [a, a]])
    return keras.Model([x, a], [merge({"right": made["q"][0], "left": parts["zeta"]}), made["p"]["y"], parts["alpha"]])


def lists_of_one():
    x = layers.Input((2,), name="x")
    return keras.Model([x], [layers.Dense(1)(x)])


MODELS = [unsorted_outputs, nested_ends, unsorted_inputs, called, lists_of_one]


def made(make):
    keras.utils.clear_session()
    return make()


def case(make):
    rng = generator(make.__name__)
    use_precision("float32")
    model = made(make)
    written = {
        "to_json": model.to_json(),
        "layers": [layer.name for layer in model.layers],
        "input_names": [tensor._keras_history.operation.name for tensor in model.inputs],
        "output_names": list(model.output_names),
    }
    weights = [draw(rng, w.shape, 0.5) for w in model.get_weights()]
    data = [draw(rng, (3, *tensor.shape[1:])) for tensor in model.inputs]
    use_precision("float64")
    model = made(make)
    model.set_weights(weights)
    nested = keras.tree.pack_sequence_as(model._inputs_struct, data)
    predicted = keras.tree.flatten(model.predict(nested, verbose=0))
    return written | {
        "weights": [exact(w) for w in weights],
        "data": [exact(x) for x in data],
        "predicted": [result(np.asarray(y, dtype="float64")) for y in predicted],
    }


def compiled():
    """What a model with a dictionary of outputs is compiled with, and the names of what it reports."""
    use_precision("float32")
    cases = {}
    for name, options in {
        "by_key": {"loss": {"zeta": "mse", "alpha": "mae"}, "metrics": {"zeta": ["mae"]}},
        "for_all": {"loss": "mse"},
        "without_one": {"loss": ["mse", "mae", None], "loss_weights": [0.5, 2.0, None], "metrics": [None, ["mse"], None]},
    }.items():
        model = made(unsorted_outputs)
        model.set_weights([np.full(w.shape, 0.25) for w in model.get_weights()])
        model.compile("sgd", **options)
        y = {"zeta": np.ones((4, 2)), "alpha": np.full((4, 1), 2.0), "Beta": np.full((4, 3), 3.0)}
        scores = model.evaluate(np.full((4, 3), 0.5), y, verbose=0, return_dict=True)
        cases[name] = {"to_json": model.to_json(), "scores": {key: float(value) for key, value in scores.items()}}
    return cases


def without_a_loss():
    """Two outputs, one of them not trained on."""
    use_precision("float32")
    keras.utils.clear_session()
    x = layers.Input((3,), name="x")
    model = keras.Model(x, [layers.Dense(2, name="a")(x), layers.Dense(1, name="b")(x)])
    model.compile("sgd", loss=["mse", None], loss_weights=[0.5, None], metrics=[None, ["mae"]])
    model.fit(np.zeros((4, 3)), [np.zeros((4, 2)), np.zeros((4, 1))], verbose=0)
    return {"to_json": model.to_json()}


if __name__ == "__main__":
    write("nests", {
        "versions": versions(),
        "models": {make.__name__: case(make) for make in MODELS},
        "compiled": compiled(),
        "without_a_loss": without_a_loss(),
    })
