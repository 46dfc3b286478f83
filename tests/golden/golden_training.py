"""training.json: losses per epoch and final weights of whole training runs, batches in order (shuffle=False).

Two models of the documentation's form, in Keras:

    Input(T, 1) -> Conv1D(d, 3, "same", no bias) -> + positional encoding (interleaved) -> Dense(h, relu) -> Dense(1)

"small" is T = 20, d = 8, h = 6 on 37 random samples (batches of 8: the last has 5), with many ways to train it;
"page" is T = 100, d = 64, h = 32 on 96 windows of a series. Each run starts from the weights given here.
"history" is of float64; "history_float32" is the same run of Keras in float32, to see what that precision costs.
"""

import keras
import numpy as np
from keras import constraints, layers, losses, optimizers, regularizers
from keras.metrics import RootMeanSquaredError

from common import draw, exact, finite, generator, result, to_float32, use_precision, versions, write
from positional import row


class AddPositions(layers.Layer):
    """x + PE, the exact table rounded to the precision of x. KerasFactory's layer would replace x."""

    def build(self, shape):
        _, length, d_model = shape
        table = np.array([[row(p, d_model, "interleaved", 10000) for p in range(length)]])
        self.table = keras.ops.convert_to_tensor(table, dtype=self.compute_dtype)

    def call(self, x):
        return x + self.table


class Size:
    def __init__(self, length, d_model, hidden):
        self.length, self.d_model, self.hidden = length, d_model, hidden

    def model(self, **hidden_options):
        return keras.Sequential([
            layers.Input((self.length, 1)),
            layers.Conv1D(self.d_model, 3, padding="same", use_bias=False),
            AddPositions(),
            layers.Dense(self.hidden, activation="relu", **hidden_options),
            layers.Dense(1),
        ])

    def initial_weights(self, name):
        """As large as Keras' initial weights are, and biases that are not zero."""
        rng = generator(name)
        d, h = self.d_model, self.hidden
        return [draw(rng, (3, 1, d), 0.3), draw(rng, (d, h), (2 / (d + h)) ** 0.5), draw(rng, (h,), 0.05),
                draw(rng, (h, 1), (2 / (h + 1)) ** 0.5), draw(rng, (1,), 0.05)]


SMALL = Size(20, 8, 6)
PAGE = Size(100, 64, 32)


# ---- data

def small_data():
    rng = generator("small training data")
    x = draw(rng, (37, 20, 1))
    # Something to learn: the mean of two neighbours, a wave, and noise.
    y = 0.5 * (x + np.roll(x, 1, axis=1)) + np.sin(np.arange(20) / 3)[:, None] + 0.1 * rng.standard_normal(x.shape)
    return x, to_float32(np.round(y, 3))


def page_series():
    """A day's wave, a slow drift, and noise, in steps of 1/256: exact in float32, and written as whole numbers."""
    hour = np.arange(95 * 24 + 124)
    wave = 192 * np.sin(2 * np.pi * hour / 24) + 96 * np.sin(2 * np.pi * hour / 913)
    return np.round(wave + 48 * generator("page series").standard_normal(hour.size)).astype(int)


def page_data():
    """Window n: hours 24 n to 24 n + 100; target: the same window a day later."""
    series = page_series() / 256
    x = np.stack([series[24 * n:24 * n + 100] for n in range(96)])[..., None]
    y = np.stack([series[24 * n + 24:24 * n + 124] for n in range(96)])[..., None]
    return x, y


# ---- a run

def train(size, data, start, *, optimizer, loss="mse", metrics=None, weighted_metrics=None, hidden=None, epochs=10,
          precision="float64", **fit):
    """Functions make optimizer, loss, metrics and the hidden Dense's options anew: each belongs to one precision."""
    use_precision(precision)
    model = size.model(**(hidden() if hidden else {}))
    model.set_weights(start)
    model.compile(optimizer=optimizer(), loss=loss() if callable(loss) else loss,
                  metrics=metrics() if callable(metrics) else metrics, weighted_metrics=weighted_metrics)
    history = model.fit(*data, epochs=epochs, shuffle=False, verbose=0, **fit)
    return history, [np.asarray(w) for w in model.get_weights()]


def case(words, size, data, start, **options):
    history, weights = train(size, data, start, **options)
    single, _ = train(size, data, start, precision="float32", **options)
    for key, values in history.history.items():
        assert np.allclose(values, single.history[key], rtol=3e-5), (words, key)
    assert list(history.history) == list(single.history)
    return {
        "what": words,
        "epoch": history.epoch,
        "history": {key: finite(values) for key, values in history.history.items()},
        "history_float32": {key: finite(float(f"{v:.8g}") for v in values) for key, values in single.history.items()},
        "weights": [result(w) for w in weights],
    }


# ---- the runs

def small_runs():
    x, y = small_data()
    start = SMALL.initial_weights("small model")
    rng = generator("small training weights")
    sample_weight = to_float32(np.round(rng.uniform(0, 2, (37, 1)), 2))
    step_weight = to_float32(np.round(rng.uniform(0, 2, (37, 20)), 2))
    validation = draw(rng, (11, 20, 1)), draw(rng, (11, 20, 1))
    validation_weight = to_float32(np.round(rng.uniform(0, 2, (11, 1)), 2))

    adam = lambda **options: lambda: optimizers.Adam(learning_rate=0.015625, **options)
    sgd = lambda **options: lambda: optimizers.SGD(learning_rate=0.03125, **options)

    def run(words, optimizer, **options):
        return case(words, SMALL, (x, y), start, optimizer=optimizer, batch_size=8, **options)

    runs = {
        "adam_default": run('optimizer "adam"', lambda: "adam"),
        "sgd_default": run('optimizer "sgd"', lambda: "sgd"),
        "adam": run("Adam(learning_rate=0.015625)", adam()),
        "adam_clipnorm": run("Adam(learning_rate=0.015625, clipnorm=0.25)", adam(clipnorm=0.25)),
        "adam_global_clipnorm": run("Adam(learning_rate=0.015625, global_clipnorm=0.5)", adam(global_clipnorm=0.5)),
        "adam_clipvalue": run("Adam(learning_rate=0.015625, clipvalue=0.125)", adam(clipvalue=0.125)),
        "adam_weight_decay": run("Adam(learning_rate=0.015625, weight_decay=0.25)", adam(weight_decay=0.25)),
        "adam_amsgrad": run("Adam(learning_rate=0.015625, amsgrad=True)", adam(amsgrad=True)),
        "sgd": run("SGD(learning_rate=0.03125)", sgd()),
        "sgd_nesterov": run("SGD(learning_rate=0.03125, momentum=0.9, nesterov=True)",
                            sgd(momentum=0.9, nesterov=True)),
        "sgd_clipnorm": run("SGD(learning_rate=0.03125, clipnorm=0.25)", sgd(clipnorm=0.25)),
        "sgd_momentum_l2_max_norm": run(
            "SGD(learning_rate=0.03125, momentum=0.9); hidden Dense: kernel_regularizer L2(0.0078125), "
            "kernel_constraint MaxNorm(0.75, axis=0)",
            sgd(momentum=0.9),
            hidden=lambda: {"kernel_regularizer": regularizers.L2(0.0078125),
                            "kernel_constraint": constraints.MaxNorm(0.75)}),
        "adam_activity_l2": run(
            "Adam(learning_rate=0.015625); hidden Dense: activity_regularizer L2(0.00390625); metric mse",
            adam(), metrics=["mse"],
            hidden=lambda: {"activity_regularizer": regularizers.L2(0.00390625)}),
        "adam_huber_metrics": run('Adam(learning_rate=0.015625), loss "huber", metrics mae, mse and '
                                  'RootMeanSquaredError(name="rmse")',
                                  adam(), loss="huber", metrics=lambda: ["mae", "mse", RootMeanSquaredError(name="rmse")]),
        "adam_huber_delta": run("Adam(learning_rate=0.015625), loss Huber(delta=0.5)", adam(),
                                loss=lambda: losses.Huber(delta=0.5)),
        "adam_mae": run('Adam(learning_rate=0.015625), loss "mae"', adam(), loss="mae"),
        "adam_sample_weight": run("Adam(learning_rate=0.015625), sample_weight; Keras needs it as (37, 1); metric mae, "
                                  "weighted metric mse", adam(), sample_weight=sample_weight, metrics=["mae"],
                                  weighted_metrics=["mse"]),
        "adam_step_weight": run("Adam(learning_rate=0.015625), sample_weight step_weight", adam(),
                                sample_weight=step_weight),
        "adam_validation_split": run("Adam(learning_rate=0.015625), validation_split 0.2 (29 to train on, 8 to "
                                     "validate), metric mae", adam(), validation_split=0.2, metrics=["mae"]),
        "adam_validation_data": run("Adam(learning_rate=0.015625), validation_data", adam(),
                                    validation_data=validation),
        "adam_validation_weighted": run(
            "Adam(learning_rate=0.015625), validation_data with validation_weight, validation_batch_size 4", adam(),
            validation_data=(*validation, validation_weight), validation_batch_size=4),
        "adam_initial_epoch": run("Adam(learning_rate=0.015625), initial_epoch 3, epochs 10", adam(), initial_epoch=3),
    }
    return {
        "batch_size": 8,
        "x": exact(x),
        "y": exact(y),
        "initial": [exact(w) for w in start],
        "sample_weight": exact(sample_weight),
        "step_weight": exact(step_weight),
        "validation_x": exact(validation[0]),
        "validation_y": exact(validation[1]),
        "validation_weight": exact(validation_weight),
        "runs": runs,
    }


def page_runs():
    data = page_data()
    start = PAGE.initial_weights("page model")

    def run(words, optimizer, **options):
        return case(words, PAGE, data, start, optimizer=optimizer, batch_size=32, **options)

    return {
        "batch_size": 32,
        "series_times_256": page_series().tolist(),
        "windows": "x[n] = series[24 n : 24 n + 100], y[n] = series[24 n + 24 : 24 n + 124], n = 0 ... 95",
        "initial": [exact(w) for w in start],
        "runs": {
            "adam": run('optimizer "adam"', lambda: "adam"),
            "sgd_nesterov": run("SGD(learning_rate=0.0078125, momentum=0.9, nesterov=True)",
                                lambda: optimizers.SGD(learning_rate=0.0078125, momentum=0.9, nesterov=True)),
        },
    }


def documented_run():
    """Dense(1) from zeros on y = 2 x + 1, seen in float32 on three backends: SGD .01, batch 2, two epochs."""
    use_precision("float64")
    x = np.arange(1.0, 6.0)[:, None]
    model = keras.Sequential([layers.Input((1,)), layers.Dense(1, kernel_initializer="zeros")])
    model.compile(optimizer=optimizers.SGD(0.01), loss="mse", metrics=["mae"])
    history = model.fit(x, 2 * x + 1, batch_size=2, epochs=2, shuffle=False, verbose=0).history
    assert np.allclose(history["loss"], [40.574078, 4.5913877], rtol=1e-6), history
    assert np.allclose(history["mae"], [6.0782404, 2.076217], rtol=1e-6), history
    assert np.allclose([w.item() for w in model.get_weights()], [1.8709338, 0.5060694], rtol=1e-6)


documented_run()
write("training", {"versions": versions(), "small": small_runs(), "page": page_runs()})
