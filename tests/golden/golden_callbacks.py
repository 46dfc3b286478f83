"""callbacks.json: what the callbacks of Keras do, with logs that are given to them and in whole runs of fit.

A number that JSON does not have is written as a text: "nan", "inf", "-inf".
"""

import contextlib
import io
import math
import os
import tempfile
import warnings

import jax

jax.config.update("jax_enable_x64", False)  # as Keras runs: comparisons are in float32

import keras
import numpy as np
from common import draw, exact, generator, versions, write
from keras import callbacks, layers, optimizers

warnings.filterwarnings("ignore", message=".*which is not available")


def number(value):
    return value if value is None or math.isfinite(value) else str(value)


def plain(logs: dict) -> dict:
    return {key: number(float(value)) for key, value in sorted(logs.items())}


# ---- with logs that are given

METRICS = ["mae", "mse", "mape", "msle", "log_cosh_error", "accuracy", "binary_accuracy", "binary_crossentropy",
           "kl_divergence", "poisson"]


def weight_model(metrics=("mae", "accuracy")):
    """One weight, which says which epoch it is of; its learning rate is 0.5."""
    keras.utils.clear_session()
    model = keras.Sequential([layers.Input((1,)), layers.Dense(1, use_bias=False)])
    model.compile(optimizer=optimizers.SGD(0.5), loss="mse", metrics=list(metrics))
    model.train_on_batch(np.zeros((2, 1)), np.zeros((2, 1)))  # makes the metrics
    return model


def drive(callback, script: list, first_epoch=0) -> dict:
    """Runs a callback as fit does. Each entry of the script is the logs of an epoch."""
    model = weight_model()
    callback.set_model(model)
    callback.set_params({"verbose": 0, "epochs": first_epoch + len(script), "steps": 1})
    seen = {"rates": [], "logs": [], "best": [], "wait": []}
    printed = io.StringIO()
    model.stop_training = False
    with contextlib.redirect_stdout(printed):
        callback.on_train_begin({})
        for epoch, logs in enumerate(script, first_epoch):
            logs = {key: float(value) for key, value in logs.items()}
            callback.on_epoch_begin(epoch, {})
            model.set_weights([np.full((1, 1), epoch + 1.0)])
            callback.on_epoch_end(epoch, logs)
            seen["rates"].append(float(model.optimizer.learning_rate))
            seen["logs"].append(plain(logs))
            for name in ("best", "wait"):
                if hasattr(callback, name):
                    seen[name].append(number(getattr(callback, name)))
            if model.stop_training:
                break
        callback.on_train_end({})
    seen["stopped_epoch"] = getattr(callback, "stopped_epoch", 0)
    seen["best_epoch"] = getattr(callback, "best_epoch", 0)
    seen["weight"] = float(model.get_weights()[0][0, 0])
    seen["printed"] = printed.getvalue()
    return seen


def case(kind, script, first_epoch=0, **options) -> dict:
    return {"options": options, "first_epoch": first_epoch, "script": script,
            "seen": drive(kind(**options), script, first_epoch)}


def of(name, *values):
    """Logs of one value an epoch; None: it is not there."""
    return [{"loss": 1.0} | ({} if value is None else {name: value}) for value in values]


FALLING = of("val_loss", 1.0, 0.75, 0.5, 0.625, 0.5, 0.375, 0.5, 0.5, 0.4375, 0.375, 0.5)
FLAT = of("val_loss", *[1.0] * 9)


def early_stopping():
    def stop(script, **options):
        return case(callbacks.EarlyStopping, script, **options)

    return {
        "defaults": stop(FALLING),
        "patience": stop(FALLING, patience=2),
        "patience_long": stop(FALLING, patience=4, verbose=1),
        "restores": stop(FALLING, patience=3, restore_best_weights=True, verbose=1),
        "restores_without_a_stop": stop(FALLING, patience=30, restore_best_weights=True, verbose=1),
        "restores_silently": stop(FALLING, patience=3, restore_best_weights=True),
        "min_delta": stop(FALLING, patience=2, min_delta=0.25),
        "min_delta_below_zero": stop(FALLING, patience=2, min_delta=-0.25),
        "max": stop(of("val_accuracy", 0.25, 0.5, 0.5, 0.75, 0.625, 0.5, 0.875), monitor="val_accuracy", mode="max",
                    patience=2, verbose=1),
        "max_min_delta": stop(of("val_accuracy", 0.25, 0.5, 0.625, 0.75, 0.875), monitor="val_accuracy", mode="max", patience=2,
                              min_delta=0.25),
        "auto_accuracy": stop(of("val_accuracy", 0.25, 0.5, 0.5, 0.75, 0.625, 0.5, 0.875), monitor="val_accuracy",
                              patience=2),
        "auto_mae": stop(of("mae", 0.25, 0.5, 0.125, 0.75, 0.625, 0.5), monitor="mae", patience=2),
        "max_of_a_loss": stop(FALLING, mode="max", patience=3),
        "baseline_never_met": stop(FALLING, baseline=0.25, patience=3, verbose=1),
        "baseline_met": stop(FALLING, baseline=0.8, patience=3),
        "baseline_short_of_but_improving": stop(of("val_loss", 9.0, 8.0, 7.0, 6.0, 5.0, 5.0), baseline=1.0, patience=2),
        "baseline_restores": stop(FALLING, baseline=0.25, patience=4, restore_best_weights=True, verbose=1),
        "baseline_min_delta": stop(FALLING, baseline=0.5, min_delta=0.0625, patience=4),
        "start_from_epoch": stop(FALLING, start_from_epoch=3, patience=1),
        "start_from_epoch_restores": stop(of("val_loss", 0.125, 0.25, 1.0, 0.75, 0.875), start_from_epoch=2, patience=1,
                                          restore_best_weights=True),
        "later_first_epoch": stop(FALLING, first_epoch=5, patience=2, verbose=1),
        "validation_every_other_epoch": stop(of("val_loss", None, 1.0, None, 0.5, None, 0.75, None, 0.75), patience=2),
        "never_there": stop(of("val_loss", None, None, None), patience=1, restore_best_weights=True),
        "nan_first": stop(of("val_loss", "nan", 1.0, 0.5, 0.25), patience=2),
        "nan_later": stop(of("val_loss", 1.0, "nan", 0.5, "nan", "nan", 0.25), patience=2),
        "infinite": stop(of("val_loss", "inf", "inf", 1.0, "-inf", "-inf"), patience=1),
        "below_single_precision": stop(of("val_loss", 1.0, 1.0 - 1e-9, 1.0 - 2e-9, 0.5), patience=2),
        "just_above_it": stop(of("val_loss", 1.0, 1.0 - 1e-7, 1.0 - 2e-7, 1.0 - 2e-7), patience=1),
    }


def plateau():
    def reduce(script, **options):
        return case(callbacks.ReduceLROnPlateau, script, **options)

    return {
        "defaults": reduce(of("val_loss", *[1.0] * 25), verbose=1),
        "patience": reduce(FLAT, patience=2, factor=0.5, verbose=1),
        "patience_zero": reduce(FLAT, patience=0, factor=0.5),
        "cooldown": reduce(FLAT, patience=1, factor=0.5, cooldown=2, verbose=1),
        "cooldown_with_improvement": reduce(of("val_loss", 1.0, 1.0, 0.5, 0.75, 0.75, 0.75, 0.75, 0.25), patience=1,
                                            factor=0.25, cooldown=3),
        "min_lr": reduce(FLAT, patience=1, factor=0.1, min_lr=0.003, verbose=1),
        "min_lr_that_it_begins_with": reduce(FLAT, patience=1, min_lr=0.5, verbose=1),
        "factor_zero": reduce(FLAT, patience=2, factor=0.0, verbose=1),
        "min_delta": reduce(of("val_loss", 1.0, 0.9375, 0.875, 0.75, 0.6875), patience=1, factor=0.5, min_delta=0.125),
        "min_delta_default": reduce(of("val_loss", 1.0, 1.0 - 0.00009, 1.0 - 0.0002, 1.0 - 0.00025), patience=1, factor=0.5),
        "max": reduce(of("val_accuracy", 0.5, 0.75, 0.75, 0.5, 1.0), monitor="val_accuracy", mode="max", patience=1,
                      factor=0.5),
        "auto_accuracy": reduce(of("accuracy", 0.5, 0.75, 0.75, 0.5, 1.0), monitor="accuracy", patience=1, factor=0.5),
        "validation_every_other_epoch": reduce(of("val_loss", None, 1.0, None, 1.0, None, 1.0), patience=2, factor=0.5),
        "nan": reduce(of("val_loss", 1.0, "nan", "nan", 0.5), patience=1, factor=0.5),
        "uneven_factor": reduce(FLAT, patience=1, factor=0.3, verbose=1),
    }


SCHEDULES = {
    "halved": lambda epoch, rate: rate * 0.5,
    "of_epoch": lambda epoch: 0.1 / (1 + epoch),
    "tiny": lambda epoch: 10.0 ** -(epoch + 3),
    "warm_up_and_stay": lambda epoch, rate: 0.25 * (epoch + 1) if epoch < 3 else rate,
}


def schedules():
    script = of("val_loss", *[1.0] * 6)
    return {name: {"script": script, "seen": drive(callbacks.LearningRateScheduler(schedule, verbose=1), script)}
            for name, schedule in SCHEDULES.items()}


def directions():
    """For each metric whether "auto" takes higher for better, and what it does not know."""
    model = weight_model(METRICS)
    result = {}
    for name in ["loss", "val_loss", *METRICS, *(f"val_{name}" for name in METRICS)]:
        callback = callbacks.EarlyStopping(monitor=name)
        callback.set_model(model)
        callback._set_monitor_op()
        result[name] = callback.monitor_op is keras.ops.greater
    for name in ["learning_rate", "val_auc", "accuracy_1"]:
        callback = callbacks.EarlyStopping(monitor=name)
        callback.set_model(model)
        try:
            callback._set_monitor_op()
        except ValueError:
            result[name] = None
    return {"metrics": METRICS, "higher": result}


# ---- CSV files

def csv_case(runs, before=None, **options) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log.csv")
        if before is not None:
            with open(path, "w", newline="") as file:
                file.write(before)
        callback = callbacks.CSVLogger(path, **options)
        for script in runs:
            drive(callback, script)
        with open(path, newline="", encoding="utf-8") as file:
            text = file.read()
    return {"options": options, "before": before, "runs": runs, "text": text}


def csv():
    odd = [{"loss": 0.1, "a,b": 1e-5, 'q"uote': 1e16, "semi;colon": -0.0, "line\nend": 123456789.0, "größe": 1 / 3,
            "Upper": 1e-4, "space d": 5e-324, "return\r": 1.7976931348623157e308}]
    return {
        "plain": csv_case([[{"loss": 0.25, "mae": 0.5, "val_loss": 0.3125, "val_mae": 1.0},
                            {"loss": 0.1, "mae": 1e-05, "val_loss": 1 / 3, "val_mae": 2e22}]]),
        "no_validation": csv_case([of("mae", 0.5, 0.25)]),
        "validation_later": csv_case([of("val_loss", None, 0.5, None, 0.25)]),
        "validation_missing": csv_case([of("val_loss", 0.5, None)]),
        "another_value_later": csv_case([[{"loss": 1.0}, {"loss": 1.0, "extra": 2.0}]]),
        "not_numbers": csv_case([of("val_loss", "nan", "inf", "-inf")]),
        "odd_names": csv_case([odd]),
        "semicolon": csv_case([odd], separator=";"),
        "tab": csv_case([odd], separator="\t"),
        "point": csv_case([odd], separator="."),
        "overwrites": csv_case([of("mae", 0.5, 0.25), of("val_loss", 0.125)], before="something\n"),
        "appends": csv_case([of("mae", 0.5, 0.25), of("val_loss", 0.125)], before="epoch,loss,mae\r\n", append=True),
        "appends_to_nothing": csv_case([of("mae", 0.5), of("mae", 0.125)], append=True),
        "appends_to_an_empty_file": csv_case([of("mae", 0.5), of("mae", 0.125)], before="", append=True),
    }


# ---- whole runs of fit

EPOCHS = 14


def runs():
    rng = generator("callbacks")
    x, y = draw(rng, (24, 3)), draw(rng, (24, 1))
    x_val, y_val = draw(rng, (10, 3)), draw(rng, (10, 1))
    weights = [draw(rng, (3, 1)), draw(rng, (1,))]

    def fit(*made, rate=0.125, y=y, **options):
        keras.utils.clear_session()
        model = keras.Sequential([layers.Input((3,)), layers.Dense(1)])
        model.compile(optimizer=optimizers.SGD(rate), loss="mse", metrics=["mae"])
        model.set_weights(weights)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            history = model.fit(x, y, **({"epochs": EPOCHS, "batch_size": 8, "verbose": 0, "shuffle": False,
                                          "validation_data": (x_val, y_val), "callbacks": list(made)} | options))
        return {"epoch": history.epoch, "printed": printed.getvalue(),
                "history": {key: [number(float(v)) for v in values] for key, values in sorted(history.history.items())},
                "weights": [np.asarray(w, dtype=np.float64).ravel().tolist() for w in model.get_weights()],
                "rate": float(model.optimizer.learning_rate)}

    rising = callbacks.LearningRateScheduler(lambda epoch: 0.0625 * (epoch + 1))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log.csv")
        logged = fit(callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5), callbacks.CSVLogger(path), epochs=3)
        with open(path, newline="") as file:
            logged["csv"] = file.read()
    result = {
        "early_stopping": fit(rising, callbacks.EarlyStopping(patience=2, restore_best_weights=True, verbose=1)),
        "plateau": fit(callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1, min_delta=0.02, cooldown=2,
                                                   min_lr=0.02, verbose=1)),
        "scheduler": fit(callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.75, verbose=1), epochs=4),
        "csv_logger": logged,
    }
    broken = y.copy()
    broken[10] = np.nan  # in the second batch of three
    result["terminate_on_nan"] = fit(callbacks.TerminateOnNaN(), y=broken)
    del result["terminate_on_nan"]["weights"]  # NaN in Keras
    try:
        fit(callbacks.TerminateOnNaN(raise_error=True), y=broken)
    except RuntimeError as error:
        result["terminate_on_nan"]["error"] = str(error)
    return {"x": exact(x), "y": exact(y), "x_val": exact(x_val), "y_val": exact(y_val),
            "start": [exact(w) for w in weights], "runs": result}


write("callbacks", {
    "versions": versions(),
    "early_stopping": early_stopping(),
    "reduce_lr_on_plateau": plateau(),
    "learning_rate_scheduler": schedules(),
    "directions": directions(),
    "csv_logger": csv(),
    "fit": runs(),
})
