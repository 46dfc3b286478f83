"""losses.json: losses with their gradients, metrics over two batches, weights of samples and of steps.

Loss = sum(w * loss of a sample or step) / their number; the weights' sum does not divide (Keras' "sum_over_batch_size").
A metric divides by the sum of the weights.
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
}

METRICS = {
    "mse": (metrics.MeanSquaredError, {}),
    "mae": (metrics.MeanAbsoluteError, {}),
    "rmse": (metrics.RootMeanSquaredError, {}),
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


def check_known():
    assert abs(float(losses.Huber()(np.zeros((1, 3)), np.array([[-2, 0.5, 1.0]]))) - 0.7083334) < 1e-6


check_known()
write("losses", {
    "versions": versions(),
    "losses": loss_cases(),
    "metrics": metric_cases(),
    "configs": configs(),
    "names": {
        "losses": {name: f.__name__ for name, f in sorted(keras.src.losses.ALL_OBJECTS_DICT.items())},
        "metrics": {name: f.__name__ for name, f in sorted(keras.src.metrics.ALL_OBJECTS_DICT.items())},
    },
})
