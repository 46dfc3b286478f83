"""optimizers.json: five steps of every optimizer with given gradients, and its config.

Two variables, a matrix and a vector; the gradients are large in some steps and small in others, so that clipping by norm
acts in some and not in others, and all zero once.
"""

import jax.numpy as jnp
import keras
import numpy as np
from keras import optimizers

from common import draw, exact, generator, result, use_precision, versions, write

SHAPES = [(3, 2), (4,)]
STEPS = 5

# Options that are not Keras' defaults; most numbers are exact in float32.
CASES = {
    "sgd": ("SGD", {}),
    "sgd_learning_rate": ("SGD", {"learning_rate": 0.125}),
    "sgd_momentum": ("SGD", {"learning_rate": 0.125, "momentum": 0.9}),
    "sgd_nesterov": ("SGD", {"learning_rate": 0.125, "momentum": 0.9, "nesterov": True}),
    "sgd_weight_decay": ("SGD", {"learning_rate": 0.125, "weight_decay": 0.0625}),
    "sgd_clipnorm": ("SGD", {"learning_rate": 0.125, "clipnorm": 1.0}),
    "sgd_clipvalue": ("SGD", {"learning_rate": 0.125, "clipvalue": 0.25}),
    "sgd_global_clipnorm": ("SGD", {"learning_rate": 0.125, "global_clipnorm": 1.5}),
    "sgd_nesterov_decay_clipnorm":
        ("SGD", {"learning_rate": 0.125, "momentum": 0.5, "nesterov": True, "weight_decay": 0.0625, "clipnorm": 1.0}),
    "adam": ("Adam", {}),
    "adam_learning_rate": ("Adam", {"learning_rate": 0.0625}),
    "adam_amsgrad": ("Adam", {"learning_rate": 0.0625, "amsgrad": True}),
    "adam_weight_decay": ("Adam", {"learning_rate": 0.0625, "weight_decay": 0.0625}),
    "adam_clipnorm": ("Adam", {"learning_rate": 0.0625, "clipnorm": 1.0}),
    "adam_clipvalue": ("Adam", {"learning_rate": 0.0625, "clipvalue": 0.25}),
    "adam_global_clipnorm": ("Adam", {"learning_rate": 0.0625, "global_clipnorm": 1.5}),
    "adam_betas_epsilon": ("Adam", {"learning_rate": 0.0625, "beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.03125}),
    "adam_amsgrad_decay_clipvalue":
        ("Adam", {"learning_rate": 0.0625, "amsgrad": True, "weight_decay": 0.0625, "clipvalue": 0.5}),
    "adam_named": ("Adam", {"name": "my_adam"}),
}


def initial_values():
    rng = generator("optimizer variables")
    return [draw(rng, shape) for shape in SHAPES]


def gradients():
    rng = generator("optimizer gradients")
    scales = [1.0, 0.125, 2.0, 0.0, 0.5]
    return [[draw(rng, shape, scale) for shape in SHAPES] for scale in scales]


def five_steps(class_name, options):
    use_precision("float64")
    optimizer = getattr(optimizers, class_name)(**options)
    variables = [keras.Variable(value, dtype="float64", name=f"v{i}") for i, value in enumerate(initial_values())]
    steps = []
    for step in gradients():
        optimizer.apply([jnp.asarray(g) for g in step], variables)
        steps.append([result(np.asarray(v)) for v in variables])
    # Keras' order: iteration, learning_rate, then what the optimizer remembers of each variable.
    slots = [result(np.asarray(v, dtype=np.float64)) for v in optimizer.variables]
    return {"values": steps, "optimizer_variables": slots}


def configs(class_name, options):
    use_precision("float32")  # as users have it: the learning rate is a float32 variable
    optimizer = getattr(optimizers, class_name)(**options)
    return {"get_config": optimizer.get_config(), "serialized": optimizers.serialize(optimizer)}


def check_known():
    """One variable of 1 with gradients .5, -.2, .1 at learning rate .1: seen in float32 on three backends."""
    use_precision("float64")
    known = [
        (optimizers.SGD(0.1), [0.95, 0.97, 0.96]),
        (optimizers.SGD(0.1, momentum=0.9), [0.95, 0.925, 0.8925]),
        (optimizers.SGD(0.1, momentum=0.9, nesterov=True), [0.905, 0.9025, 0.86325]),
        (optimizers.Adam(0.1), [0.9000013, 0.86544126, 0.8275024]),
        (optimizers.Adam(0.1, weight_decay=0.1), [0.8900013, 0.8465413, 0.80013704]),
        (optimizers.Adam(0.1, clipvalue=0.15), [0.9000028, 0.9052658, 0.8816899]),
    ]
    for optimizer, expected in known:
        w = keras.Variable(1.0, dtype="float64")
        for g, value in zip([0.5, -0.2, 0.1], expected):
            optimizer.apply([jnp.asarray(g)], [w])
            # In float32, 1 - beta_2 is off by 1e-5: 1e-6 in the step.
            assert abs(float(w.value) - value) < 3e-6, (optimizer.name, float(w.value), value)


check_known()
write("optimizers", {
    "versions": versions(),
    "initial": [exact(v) for v in initial_values()],
    "gradients": [[exact(g) for g in step] for step in gradients()],
    "cases": {name: {"class": class_name, "options": options} | five_steps(class_name, options)
              | configs(class_name, options) for name, (class_name, options) in CASES.items()},
})
