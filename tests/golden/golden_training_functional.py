"""training_functional.json: losses and metrics per epoch, and final weights, of functional models that Keras trains.

Several inputs and outputs, each output with a loss, a weight and metrics of its own; weights of samples, of steps and of
classes; masks and classes that do not count. Batches in order. Each run starts from the weights given here. "history" is of
float64; the same run in float32 has to agree.

Metrics count masks too, in evaluate and for validation. In training, Keras on JAX has lost the mask by then, so there they are
left out of the history.
"""

import keras
import numpy as np
from keras import layers, losses, optimizers

from common import draw, exact, finite, generator, result, to_float32, use_precision, versions, write

SAMPLES, VALIDATION = 29, 11


# ---- the models

def outputs():
    """Two inputs; a line to follow and a kind to tell."""
    a, b = layers.Input((4,), name="a"), layers.Input((3,), name="b")
    x = layers.Dense(5, activation="tanh")(layers.Concatenate()([a, b]))
    return keras.Model([a, b], [layers.Dense(2, name="trend")(x), layers.Dense(3, activation="softmax", name="kind")(x)])


def kind():
    a = layers.Input((4,), name="a")
    return keras.Model(a, layers.Dense(3, activation="softmax", name="kind")(layers.Dense(5, activation="tanh")(a)))


def steps():
    """A sequence of words, of which 0 is padding."""
    words = layers.Input((6,), dtype="int32", name="words")
    x = layers.Embedding(5, 4, mask_zero=True)(words)
    return keras.Model(words, layers.Dense(2, name="line")(layers.Dense(4, activation="tanh")(x)))


def tags():
    words = layers.Input((6,), dtype="int32", name="words")
    x = layers.Embedding(5, 4)(words)
    return keras.Model(words, layers.Dense(3, activation="softmax", name="tag")(x))


def masked_tags():
    words = layers.Input((6,), dtype="int32", name="words")
    x = layers.Embedding(5, 4, mask_zero=True)(words)
    return keras.Model(words, layers.Dense(3, activation="softmax", name="tag")(x))


def shared():
    """A layer called twice, a model inside, arithmetic."""
    x = layers.Input((4,), name="inside")
    inner = keras.Model(x, layers.Dense(4, activation="tanh")(x) * x, name="inner")
    a = layers.Input((4,), name="a")
    dense = layers.Dense(4)
    return keras.Model(a, layers.Dense(2, name="trend")(inner(dense(a)) + dense(inner(a)) / 2.0))


def frozen():
    a = layers.Input((4,), name="a")
    hidden = layers.Dense(5, activation="tanh")
    hidden.trainable = False
    return keras.Model(a, layers.Dense(2, name="trend")(hidden(a)))


# ---- data

def data(count, name):
    rng = generator(name)
    a, b = draw(rng, (count, 4)), draw(rng, (count, 3))
    words = rng.integers(0, 5, (count, 6))
    words[0] = 0  # a sample that is padding alone
    tag = rng.integers(0, 3, (count, 6))
    return {
        "a": a,
        "b": b,
        "words": words,
        "trend": to_float32(np.round(np.stack([a[:, 0] - b[:, 0], np.tanh(a[:, 1] * b[:, 1])], axis=1), 3)),
        "kind": (a[:, :3] + 0.5 * b).argmax(axis=1),
        "line": to_float32(np.round(np.stack([words / 4 - 0.5, np.cos(words)], axis=2) + draw(rng, (count, 6, 2), 0.1), 3)),
        "tag": np.where(rng.uniform(size=(count, 6)) < 0.3, -1, (words + tag) % 3),
        "weight_a": to_float32(np.round(rng.uniform(0, 2, count), 2)),
        "weight_b": to_float32(np.round(rng.uniform(0, 2, count), 2)),
        "weight_steps": to_float32(np.round(rng.uniform(0, 2, (count, 6)), 2)),
    }


TRAIN, VALIDATE = data(SAMPLES, "functional training"), data(VALIDATION, "functional validation")
INTEGERS = ["words", "kind", "tag"]


# ---- a run

def train(model, start, precision, x, y, *, options, epochs=6, weight=None, validation=None, class_weight=None):
    use_precision(precision)
    keras.utils.clear_session()

    def of(source, names):
        found = [source[n].astype("int32") if n in INTEGERS else source[n].astype(precision) for n in names]
        return found if len(found) > 1 else found[0]

    model = model()
    model.set_weights(start)
    model.compile(optimizer=optimizers.SGD(0.125), **options())
    fit = {}
    if weight:
        fit["sample_weight"] = of(TRAIN, weight)
    if validation:
        fit["validation_data"] = tuple(of(VALIDATE, names) for names in validation)
    if class_weight:
        fit["class_weight"] = class_weight
    history = model.fit(of(TRAIN, x), of(TRAIN, y), batch_size=8, epochs=epochs, shuffle=False, verbose=0, **fit)
    scores = model.evaluate(of(VALIDATE, x), of(VALIDATE, y), batch_size=4, verbose=0, return_dict=True)
    return history.history, scores, [np.asarray(w) for w in model.get_weights()]


def run(model, x, y, **how):
    use_precision("float32")
    keras.utils.clear_session()
    rng = generator(model.__name__)
    start = [draw(rng, w.shape, 0.5) for w in model().get_weights()]
    history, scores, weights = train(model, start, "float64", x, y, **how)
    single, _, _ = train(model, start, "float32", x, y, **how)
    assert list(history) == list(single)
    for key, values in history.items():
        assert np.allclose(values, single[key], rtol=1e-4), (model.__name__, key, values, single[key])
    if model in (steps, masked_tags):
        history = {key: values for key, values in history.items() if "loss" in key or key.startswith("val_")}
    return {
        "model": model.__name__,
        "initial": [exact(w) for w in start],
        "history": {key: finite(values) for key, values in history.items()},
        "evaluate": {key: finite([value])[0] for key, value in scores.items()},
        "weights": [result(w.astype("float64")) for w in weights],
    }


BOTH = {"trend": "mse", "kind": "sparse_categorical_crossentropy"}


def each():
    return {"loss": BOTH, "loss_weights": {"trend": 0.5, "kind": 2.0},
            "metrics": {"trend": ["mae"], "kind": ["accuracy"]}}


def weighted():
    return {"loss": BOTH, "metrics": {"trend": ["mae"], "kind": ["accuracy"]},
            "weighted_metrics": {"trend": ["mse", "mae"], "kind": ["accuracy"]}}


AB, TK = ["a", "b"], ["trend", "kind"]

write("training_functional", {
    "versions": versions(),
    "data": {name: exact(values) for name, values in TRAIN.items()},
    "validation": {name: exact(values) for name, values in VALIDATE.items()},
    "runs": {
        "each": run(outputs, AB, TK, options=each),
        "in_order": run(outputs, AB, TK, options=lambda: {
            "loss": ["mae", losses.SparseCategoricalCrossentropy()], "loss_weights": [2.0, 0.25],
            "metrics": [["mse"], ["accuracy", "sparse_categorical_crossentropy"]]}),
        "one_loss": run(outputs, AB, TK, options=lambda: {"loss": {"trend": "mse", "kind": None}}),
        "sample_weight": run(outputs, AB, TK, options=weighted, weight=["weight_a", "weight_b"]),
        "validation": run(outputs, AB, TK, options=each, validation=[AB, TK]),
        "validation_weight": run(outputs, AB, TK, options=weighted, weight=["weight_a", "weight_b"],
                                 validation=[AB, TK, ["weight_b", "weight_a"]]),
        "class_weight": run(kind, ["a"], ["kind"], class_weight={0: 0.5, 2: 3.0}, options=lambda: {
            "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"], "weighted_metrics": ["accuracy"]}),
        "shared": run(shared, ["a"], ["trend"], options=lambda: {"loss": "mse"}),
        "frozen": run(frozen, ["a"], ["trend"], options=lambda: {"loss": "mse"}),
        "masked": run(steps, ["words"], ["line"], options=lambda: {"loss": "mse"}),
        "masked_metrics": run(steps, ["words"], ["line"], options=lambda: {
            "loss": "mae", "metrics": ["mse"], "weighted_metrics": ["mae"]}),
        "masked_weighted": run(steps, ["words"], ["line"], weight=["weight_steps"], options=lambda: {
            "loss": "mse", "weighted_metrics": ["mae"]}),
        "masked_validation": run(
            steps, ["words"], ["line"], weight=["weight_steps"], validation=[["words"], ["line"], ["weight_steps"]],
            options=lambda: {"loss": "mse", "metrics": ["mae"], "weighted_metrics": ["mse", "mae"]}),
        "ignore_class": run(tags, ["words"], ["tag"], options=lambda: {
            "loss": losses.SparseCategoricalCrossentropy(ignore_class=-1)}),
        "masked_ignore_class": run(masked_tags, ["words"], ["tag"], options=lambda: {
            "loss": losses.SparseCategoricalCrossentropy(ignore_class=-1)}),
    },
})
