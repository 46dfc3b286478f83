"""losses.json: losses with their gradients, metrics over two batches, weights of samples and of steps.

Loss = sum(w * loss of a sample or step) / their number; the weights' sum does not divide (Keras' "sum_over_batch_size").
A metric divides by the sum of the weights. All in float64, but for the cases at the bounds of clipping.
"""

import jax
import jax.numpy as jnp
import keras
import numpy as np
from keras import losses, metrics

from common import draw, exact, finite, generator, result, to_float32, use_precision, versions, write

use_precision("float64")

LOSSES = {
    "mse": (losses.MeanSquaredError, {}),
    "mae": (losses.MeanAbsoluteError, {}),
    "huber": (losses.Huber, {}),
    "huber_delta2": (losses.Huber, {"delta": 2.0}),
    "mape": (losses.MeanAbsolutePercentageError, {}),
    "msle": (losses.MeanSquaredLogarithmicError, {}),
    "log_cosh": (losses.LogCosh, {}),
}

METRICS = {
    "mse": (metrics.MeanSquaredError, {}),
    "mae": (metrics.MeanAbsoluteError, {}),
    "rmse": (metrics.RootMeanSquaredError, {}),
    "mape": (metrics.MeanAbsolutePercentageError, {}),
    "msle": (metrics.MeanSquaredLogarithmicError, {}),
    "LogCoshError": (metrics.LogCoshError, {}),
}

# name -> shapes of y_true, y_pred and of the weights that Keras is given.
SHAPES = {
    "rank1": ((4,), (4,), None),
    "one_output": ((4, 1), (4, 1), None),
    "outputs": ((4, 3), (4, 3), None),
    "sequence": ((4, 5, 2), (4, 5, 2), None),
    "one_output_weighted": ((4, 1), (4, 1), (4,)),
    "outputs_weighted": ((4, 3), (4, 3), (4,)),
    "outputs_weighted_column": ((4, 3), (4, 3), (4, 1)),
    "sequence_weighted": ((4, 5, 2), (4, 5, 2), (4, 1)),
    "sequence_weighted_steps": ((4, 5, 2), (4, 5, 2), (4, 5)),
    # Ranks that differ by a last axis of 1 are brought together.
    "true_lacks_axis": ((4,), (4, 1), None),
    "pred_lacks_axis": ((4, 1), (4,), None),
    "true_lacks_axis_weighted": ((4,), (4, 1), (4,)),
    "sequence_true_lacks_axis": ((4, 5), (4, 5, 1), None),
    "sequence_pred_lacks_axis": ((4, 5, 1), (4, 5), None),
}


def numbers(name, shapes):
    rng = generator(f"loss {name}")
    y_true, y_pred = draw(rng, shapes[0]), draw(rng, shapes[1], 2.0)
    weight = None if shapes[2] is None else to_float32(np.round(rng.uniform(0, 2, shapes[2]), 3))
    if weight is not None:
        weight.ravel()[0] = 0
    return y_true, y_pred, weight


def numbers_in_json(y_true, y_pred, weight):
    return {"y_true": exact(y_true), "y_pred": exact(y_pred)} | (
        {} if weight is None else {"sample_weight": exact(weight)})


def evaluate(loss, y_true, y_pred, weight):
    weight = None if weight is None else jnp.asarray(weight)
    value, gradient = jax.value_and_grad(lambda p: loss(jnp.asarray(y_true), p, weight))(jnp.asarray(y_pred))
    return {"loss": finite([value])[0], "dy_pred": result(gradient)}


def loss_cases():
    cases = {}
    for name, shapes in SHAPES.items():
        batch = numbers(name, shapes)
        cases[name] = numbers_in_json(*batch) | {
            loss: evaluate(make(**options), *batch) for loss, (make, options) in LOSSES.items()}
    # Where a derivative jumps or a case ends: no error at all, an error of delta.
    y_true = np.array([[0.5], [1.0], [1.0], [2.0], [-2.0]])
    y_pred = np.array([[0.5], [2.0], [0.0], [4.0], [0.0]])
    cases["jumps"] = numbers_in_json(y_true, y_pred, None) | {
        loss: evaluate(make(**options), y_true, y_pred, None) for loss, (make, options) in LOSSES.items()}
    return cases


def metric_cases():
    """Two batches, the second of fewer samples. result: after the first and after the second."""
    cases = {}
    for name, shapes in SHAPES.items():
        if shapes[0] == shapes[1] == (4,):
            continue  # Keras takes a rank 1 for one sample of 4 outputs here
        batches = [numbers(name, shapes)]
        second = numbers(name + " second", shapes)
        batches.append(tuple(None if a is None else a[:3] for a in second))
        case = {"batches": [numbers_in_json(*b) for b in batches]}
        for metric_name, (make, options) in METRICS.items():
            metric = make(**options)
            values = []
            for y_true, y_pred, weight in batches:
                metric.update_state(jnp.asarray(y_true), jnp.asarray(y_pred), weight)
                assert metric.result().dtype == "float64"
                values.append(float(metric.result()))
            case[metric_name] = finite(values)
        cases[name] = case
    return cases


def configs():
    use_precision("float32")
    made = {name: losses.serialize(make(**options)) for name, (make, options) in LOSSES.items()}
    made |= {f"metric_{name}": metrics.serialize(make(**options)) for name, (make, options) in METRICS.items()}
    use_precision("float64")
    return made


# ---- probabilities, logits and labels

# What a loss or metric is given: targets, predictions.
TARGETS = {
    "true_or_false": lambda rng, shape: rng.integers(0, 2, shape).astype(float),
    "share": lambda rng, shape: np.round(rng.uniform(0, 1, shape), 3),
    "one_hot": lambda rng, shape: np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])],
    "distribution": lambda rng, shape: np.round(rng.dirichlet(np.ones(shape[-1]), shape[:-1]), 3),
    "label": lambda rng, shape: rng.integers(0, shape[-1], (*shape[:-1], 1)).astype(float),
    "count": lambda rng, shape: rng.integers(0, 5, shape).astype(float),
}
PREDICTIONS = {
    "probability": lambda rng, shape: np.round(rng.uniform(0.01, 0.99, shape), 3),
    "logit": lambda rng, shape: np.round(rng.standard_normal(shape) * 3, 3),
    # Few different values, so that some are equal.
    "tenths": lambda rng, shape: np.round(rng.integers(0, 4, shape) / 10, 1),
}
# Shapes of the predictions and of the weights.
BATCHES = [((4, 1), None), ((4, 3), None), ((4, 3), (4,)), ((3, 5, 4), (3, 5))]

LOSSES_OF_PROBABILITIES = [
    ("BinaryCrossentropy", {}, ("true_or_false", "share"), "probability"),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, ("true_or_false",), "probability"),
    ("BinaryCrossentropy", {"from_logits": True}, ("true_or_false", "share"), "logit"),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, ("true_or_false",), "logit"),
    ("CategoricalCrossentropy", {}, ("one_hot", "distribution"), "probability"),
    ("CategoricalCrossentropy", {"label_smoothing": 0.2}, ("one_hot",), "probability"),
    ("CategoricalCrossentropy", {"from_logits": True}, ("one_hot", "share"), "logit"),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, ("one_hot",), "logit"),
    ("SparseCategoricalCrossentropy", {}, ("label",), "probability"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, ("label",), "logit"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 0}, ("label",), "probability"),
    ("SparseCategoricalCrossentropy", {"from_logits": True, "ignore_class": 1}, ("label",), "logit"),
    ("KLDivergence", {}, ("share",), "probability"),
    ("Poisson", {}, ("count",), "probability"),
]

METRICS_OF_PROBABILITIES = [
    ("BinaryCrossentropy", {}, "true_or_false", "probability"),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "share", "logit"),
    ("CategoricalCrossentropy", {}, "one_hot", "probability"),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "one_hot", "logit"),
    ("SparseCategoricalCrossentropy", {}, "label", "probability"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "label", "logit"),
    ("KLDivergence", {}, "share", "probability"),
    ("Poisson", {}, "count", "probability"),
    ("BinaryAccuracy", {}, "true_or_false", "probability"),
    ("BinaryAccuracy", {"threshold": 0.25}, "true_or_false", "tenths"),
    ("CategoricalAccuracy", {}, "one_hot", "tenths"),
    ("CategoricalAccuracy", {}, "share", "logit"),
    ("SparseCategoricalAccuracy", {}, "label", "tenths"),
    ("TopKCategoricalAccuracy", {"k": 2}, "one_hot", "tenths"),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "label", "logit"),
]


def probabilities(name, target, prediction, shape, weight_shape):
    rng = generator(f"probabilities {name}")
    y_true = to_float32(TARGETS[target](rng, shape))
    y_pred = to_float32(PREDICTIONS[prediction](rng, shape))
    weight = None if weight_shape is None else to_float32(np.round(rng.uniform(0, 2, weight_shape), 3))
    return y_true, y_pred, weight


def is_possible(class_name, shape):
    return shape[-1] > 1 or not ("Categorical" in class_name)


def losses_of_probabilities():
    cases = []
    for class_name, options, targets, prediction in LOSSES_OF_PROBABILITIES:
        for target in targets:
            for shape, weight_shape in BATCHES:
                if not is_possible(class_name, shape):
                    continue
                name = f"{class_name} {options} {target} {shape} {weight_shape}"
                batch = probabilities(name, target, prediction, shape, weight_shape)
                loss = getattr(losses, class_name)(**options)
                cases.append({"class_name": class_name, "config": options} | numbers_in_json(*batch)
                             | evaluate(loss, *batch))
    return cases


def at_the_bounds():
    """In float32, as Keras computes it by default: the bound 1 - 1e-7 is another number there."""
    near = float(np.float32(1) - np.float32(1e-7))
    p = [0.0, float(np.float32(1e-7)), 0.5, near, 1.0]
    binary = [([[t]], [[x]], {}) for t in (0.0, 1.0, 0.25) for x in p]
    logits = [([[t]], [[x]], {"from_logits": True}) for t in (0.0, 1.0) for x in (-1000.0, -20.0, 0.0, 20.0, 1000.0)]
    rows = [[0.0, 1.0], [1.0, 0.0], [near, float(np.float32(1e-7))], [0.0, 0.5], [-1.0, 3.0], [0.3, 0.6]]
    classes = [([t], [row], {}) for t in ([1.0, 0.0], [0.5, 0.5]) for row in rows] + [([[1.0]], [[0.3]], {})]
    classes += [([t], [row], {"from_logits": True})
                for t in ([1.0, 0.0], [0.5, 0.5])
                for row in ([1000.0, -1000.0], [-1000.0, 1000.0], [20.0, 0.0], [1000.0, 1000.0])]
    labels = [([[label]], [row], options) for label in (0.0, 1.0) for row in rows[:4] for options in ({},)]
    labels += [([[1.0]], [[1000.0, -1000.0]], {"from_logits": True})]
    made = {"BinaryCrossentropy": binary + logits, "CategoricalCrossentropy": classes,
            "SparseCategoricalCrossentropy": labels,
            "KLDivergence": [([[0.0, 1.0]], [[0.0, 1.0]], {}), ([[0.5, 0.5]], [[p[1], 1.0]], {})],
            "Poisson": [([[2.0, 0.0]], [[0.0, 3.0]], {})],
            "MeanSquaredLogarithmicError": [([[1.0, 1.0, 0.0]], [[-1.0, p[1], 2.0]], {})],
            "MeanAbsolutePercentageError": [([[1.0, 0.0, -2.0]], [[1.0, 0.001, 2.0]], {})]}
    cases = []
    for class_name, batches in made.items():
        for y_true, y_pred, options in batches:
            loss = getattr(losses, class_name)(**options, dtype="float32")
            y_true, y_pred = np.array(y_true, "float32"), np.array(y_pred, "float32")
            value, gradient = jax.value_and_grad(lambda p: loss(jnp.asarray(y_true), p))(jnp.asarray(y_pred))
            assert gradient.dtype == "float32"
            cases.append({"class_name": class_name, "config": options} | numbers_in_json(y_true, y_pred, None)
                         | {"loss": finite([value])[0], "dy_pred": exact(np.asarray(gradient) + 0.0)})
    return cases


def metrics_of_probabilities():
    """Two batches. result: after the first and after the second."""
    cases = []
    for class_name, options, target, prediction in METRICS_OF_PROBABILITIES:
        for shape, weight_shape in BATCHES:
            if not is_possible(class_name, shape):
                continue
            metric = getattr(metrics, class_name)(**options)
            batches, values = [], []
            for number in (1, 2):
                name = f"metric {class_name} {options} {shape} {weight_shape} {number}"
                batches.append(probabilities(name, target, prediction, shape, weight_shape))
                y_true, y_pred, weight = batches[-1]
                metric.update_state(jnp.asarray(y_true), jnp.asarray(y_pred), weight)
                values.append(float(metric.result()))
            cases.append({"class_name": class_name, "config": options,
                          "batches": [numbers_in_json(*b) for b in batches], "result": finite(values)})
    return cases


def objects():
    """As Keras stores them, with all options."""
    use_precision("float32")
    made = {"losses": [losses.serialize(getattr(losses, class_name)(**options))
                       for class_name, options, _, _ in LOSSES_OF_PROBABILITIES],
            "metrics": [metrics.serialize(getattr(metrics, class_name)(**options))
                        for class_name, options, _, _ in METRICS_OF_PROBABILITIES],
            "loss_function": keras.saving.serialize_keras_object(losses.binary_crossentropy),
            "metric_function": keras.saving.serialize_keras_object(metrics.categorical_accuracy)}
    use_precision("float64")
    return made


def accuracies():
    """What "accuracy" becomes for predictions and targets of these shapes."""
    from keras.src.trainers.compile_utils import get_metric

    shapes = [((4, 1), (4, 1)), ((4, 1), (4,)), ((4, 3), (4, 3)), ((4, 3), (4, 1)), ((4, 3), (4,)),
              ((4, 5, 3), (4, 5)), ((4, 5, 3), (4, 5, 3)), ((4, 5, 1), (4, 5, 1))]
    cases = []
    for y_pred, y_true in shapes:
        for name in ("accuracy", "acc"):
            metric = get_metric(name, np.zeros(y_true), np.zeros(y_pred))
            cases.append({"y_pred": list(y_pred), "y_true": list(y_true), "class_name": type(metric).__name__,
                          "name": metric.name})
            assert metric.name == name
    return cases


def check_known():
    assert abs(float(losses.Huber()(np.zeros((1, 3)), np.array([[-2, 0.5, 1.0]]))) - 0.7083334) < 1e-6


check_known()
write("losses", {
    "versions": versions(),
    "losses": loss_cases(),
    "metrics": metric_cases(),
    "configs": configs(),
    "losses_of_probabilities": losses_of_probabilities(),
    "at_the_bounds": at_the_bounds(),
    "metrics_of_probabilities": metrics_of_probabilities(),
    "objects": objects(),
    "accuracies": accuracies(),
    "names": {
        "losses": {name: f.__name__ for name, f in sorted(keras.src.losses.ALL_OBJECTS_DICT.items())},
        "metrics": {name: f.__name__ for name, f in sorted(keras.src.metrics.ALL_OBJECTS_DICT.items())},
    },
})
