"""optimizers.json: five steps of every optimizer with given gradients, and its config; the rates of every schedule.

Two variables, a matrix and a vector; the gradients are large in some steps and small in others, so that clipping by norm
acts in some and not in others, and all zero once.
"""

import jax.numpy as jnp
import keras
import numpy as np
from keras import optimizers
from keras.optimizers import schedules

from common import draw, exact, finite, generator, result, use_precision, versions, write

SHAPES = [(3, 2), (4,)]

# Options that are not Keras' defaults.
SCHEDULES = {
    "exponential": ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 16, "decay_rate": 0.5}),
    "exponential_short": ("ExponentialDecay", {"initial_learning_rate": 0.0625, "decay_steps": 3, "decay_rate": 0.7}),
    "exponential_staircase": ("ExponentialDecay", {
        "initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.96, "staircase": True, "name": "stairs"}),
    "exponential_staircase_short": ("ExponentialDecay", {
        "initial_learning_rate": 0.125, "decay_steps": 2, "decay_rate": 0.25, "staircase": True}),
    "exponential_rising": ("ExponentialDecay", {
        "initial_learning_rate": 1e-5, "decay_steps": 1000, "decay_rate": 1.01}),
    "cosine": ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 20}),
    "cosine_short": ("CosineDecay", {"initial_learning_rate": 0.0625, "decay_steps": 3}),
    "cosine_alpha": ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 20, "alpha": 0.1, "name": "wave"}),
    "cosine_warmup": ("CosineDecay", {
        "initial_learning_rate": 0.0, "decay_steps": 20, "warmup_target": 0.1, "warmup_steps": 5}),
    "cosine_warmup_short": ("CosineDecay", {
        "initial_learning_rate": 0.015625, "decay_steps": 2, "alpha": 0.25, "warmup_target": 0.125,
        "warmup_steps": 2}),
    "cosine_warmup_alpha": ("CosineDecay", {
        "initial_learning_rate": 0.01, "decay_steps": 1000, "alpha": 0.05, "warmup_target": 0.002,
        "warmup_steps": 100}),
    "cosine_warmup_of_no_steps": ("CosineDecay", {
        "initial_learning_rate": 0.1, "decay_steps": 20, "warmup_target": 0.2}),
    "cosine_warmup_without_target": ("CosineDecay", {
        "initial_learning_rate": 0.1, "decay_steps": 20, "warmup_steps": 5}),
    "piecewise": ("PiecewiseConstantDecay", {"boundaries": [10, 20, 100], "values": [0.1, 0.05, 0.01, 0.001]}),
    "piecewise_short": ("PiecewiseConstantDecay", {"boundaries": [0, 2], "values": [0.125, 0.0625, 0.25]}),
    "piecewise_one": ("PiecewiseConstantDecay", {"boundaries": [4], "values": [0.0, 1.0], "name": "switch"}),
}
SCHEDULE_STEPS = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 15, 16, 19, 20, 21, 24, 25, 26, 99, 100, 101, 600, 1100, 100000]

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
    "adamw": ("AdamW", {}),
    "adamw_learning_rate": ("AdamW", {"learning_rate": 0.0625}),
    "adamw_weight_decay": ("AdamW", {"learning_rate": 0.0625, "weight_decay": 0.25}),
    "adamw_no_decay": ("AdamW", {"learning_rate": 0.0625, "weight_decay": 0.0}),
    "adamw_everything": ("AdamW", {
        "learning_rate": 0.0625, "weight_decay": 0.125, "beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.03125,
        "amsgrad": True, "clipnorm": 1.0, "name": "w"}),
    "adamw_clipvalue": ("AdamW", {"learning_rate": 0.0625, "clipvalue": 0.25}),
    "adamw_global_clipnorm": ("AdamW", {"learning_rate": 0.0625, "global_clipnorm": 1.5}),
    "rmsprop": ("RMSprop", {}),
    "rmsprop_learning_rate": ("RMSprop", {"learning_rate": 0.0625}),
    "rmsprop_rho_epsilon": ("RMSprop", {"learning_rate": 0.0625, "rho": 0.5, "epsilon": 0.03125}),
    "rmsprop_momentum": ("RMSprop", {"learning_rate": 0.0625, "momentum": 0.5}),
    "rmsprop_centered": ("RMSprop", {"learning_rate": 0.0625, "centered": True}),
    "rmsprop_centered_momentum":
        ("RMSprop", {"learning_rate": 0.0625, "centered": True, "momentum": 0.75, "rho": 0.75, "name": "r"}),
    "rmsprop_weight_decay": ("RMSprop", {"learning_rate": 0.0625, "weight_decay": 0.0625}),
    "rmsprop_clipnorm": ("RMSprop", {"learning_rate": 0.0625, "clipnorm": 1.0}),
    "rmsprop_clipvalue": ("RMSprop", {"learning_rate": 0.0625, "clipvalue": 0.25}),
    "rmsprop_global_clipnorm": ("RMSprop", {"learning_rate": 0.0625, "global_clipnorm": 1.5}),
    "rmsprop_everything": ("RMSprop", {
        "learning_rate": 0.0625, "rho": 0.75, "momentum": 0.5, "epsilon": 0.03125, "centered": True,
        "weight_decay": 0.125, "global_clipnorm": 1.0}),
    "sgd_exponential": ("SGD", {"learning_rate": "exponential_short"}),
    "sgd_momentum_staircase_decay":
        ("SGD", {"learning_rate": "exponential_staircase_short", "momentum": 0.9, "weight_decay": 0.0625}),
    "adam_cosine_warmup": ("Adam", {"learning_rate": "cosine_warmup_short"}),
    "adamw_cosine": ("AdamW", {"learning_rate": "cosine_short", "weight_decay": 0.125}),
    "rmsprop_piecewise": ("RMSprop", {"learning_rate": "piecewise_short", "momentum": 0.5}),
}


def initial_values():
    rng = generator("optimizer variables")
    return [draw(rng, shape) for shape in SHAPES]


def gradients():
    rng = generator("optimizer gradients")
    scales = [1.0, 0.125, 2.0, 0.0, 0.5]
    return [[draw(rng, shape, scale) for shape in SHAPES] for scale in scales]


def schedule(name):
    class_name, options = SCHEDULES[name]
    return getattr(schedules, class_name)(**options)


def make(class_name, options):
    """The optimizer; a learning rate that is a text is the name of a schedule."""
    rate = options.get("learning_rate")
    if isinstance(rate, str):
        options = options | {"learning_rate": schedule(rate)}
    return getattr(optimizers, class_name)(**options)


def written(options):
    """The options as a config has them."""
    rate = options.get("learning_rate")
    return options | {"learning_rate": schedules.serialize(schedule(rate))} if isinstance(rate, str) else options


def rates(name):
    use_precision("float64")
    values = [float(schedule(name)(jnp.asarray(step))) for step in SCHEDULE_STEPS]
    return {"serialized": schedules.serialize(schedule(name)), "rates": finite(values)}


@keras.saving.register_keras_serializable(package="xlayers")
class halving(schedules.LearningRateSchedule):
    """A schedule of the user's own, as Keras has it."""

    def __call__(self, step):
        return 0.5 / (step + 1)

    def get_config(self):
        return {}


def five_steps(class_name, options):
    use_precision("float64")
    optimizer = make(class_name, options)
    variables = [keras.Variable(value, dtype="float64", name=f"v{i}") for i, value in enumerate(initial_values())]
    steps = []
    for step in gradients():
        optimizer.apply([jnp.asarray(g) for g in step], variables)
        steps.append([result(np.asarray(v)) for v in variables])
    # Keras' order: iteration, learning_rate if it is a number, then what the optimizer remembers of each variable.
    slots = [result(np.asarray(v, dtype=np.float64)) for v in optimizer.variables]
    return {"values": steps, "optimizer_variables": slots}


def configs(class_name, options):
    use_precision("float32")  # as users have it: the learning rate is a float32 variable
    optimizer = make(class_name, options)
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
    "schedules": {"steps": SCHEDULE_STEPS, "cases": {name: rates(name) for name in SCHEDULES}},
    "own": optimizers.serialize(optimizers.SGD(learning_rate=halving(), name="own")),
    "cases": {name: {"class": class_name, "options": written(options)} | five_steps(class_name, options)
              | configs(class_name, options) for name, (class_name, options) in CASES.items()},
})
