"""Progress bars, byte by byte, with a clock that is set by hand.

The first printed update of a bar is always shown; later ones only if .05 s have gone by since the last one shown, or if it
is the final one. The bar that fit prints is one whose numbers are shown as they are given (they are running means already).
"""

import contextlib
import io

import keras
import numpy as np
from keras import layers
from keras.src.utils import progbar


class Clock:
    """Stands in for the time module within Keras' progress bar."""

    def __init__(self):
        self.now = 1000.0

    def time(self):
        return self.now


@contextlib.contextmanager
def clock():
    real, progbar.time = progbar.time, Clock()
    try:
        yield progbar.time
    finally:
        progbar.time = real


@contextlib.contextmanager
def printed():
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        yield text


def bar(target, updates, verbose=1):
    """updates: (seconds since the bar was made, steps done, values by name); one more at the end is the final one."""
    with clock() as now:
        start = now.now
        made = progbar.Progbar(target, verbose=verbose, stateless_metrics=set())
        rows = []
        for i, (seconds, current, values) in enumerate(updates):
            now.now = start + seconds
            final = i == len(updates) - 1
            with printed() as text:
                # Not final: only the bar of verbose 1 is told.
                if final or verbose == 1:
                    made.update(current, list(values.items()), finalize=final)
            rows.append({"seconds": seconds, "current": current, "values": values, "final": final,
                         "printed": text.getvalue()})
    return {"target": target, "verbose": verbose, "updates": rows}


def bars():
    three = [(0.5, 1, {"loss": 1.25}), (0.75, 2, {"loss": 0.875}), (1.0, 3, {"loss": 0.5}),
             (1.25, 3, {"loss": 0.5, "val_loss": 0.625})]
    quick = [(0.25 + 0.015625 * i, i, {"loss": 2.0 / i, "mae": 1.0 / i}) for i in range(1, 21)]
    hundred = [(0.125 * i, i, {"loss": 1.0 / i}) for i in [1, 2, 5, 9, 10, 49, 50, 99, 100]]
    return {
        "three_steps": bar(3, three),
        "three_steps_verbose2": bar(3, three, verbose=2),
        "one_step": bar(1, [(0.25, 1, {"loss": 0.1}), (0.375, 1, {"loss": 0.1})]),
        "quick_steps": bar(20, quick + [(0.6, 20, quick[-1][2])]),
        "hundred_steps": bar(100, hundred + [(12.75, 100, {"loss": 0.01})]),
        "minutes_to_go": bar(50, [(10.0, 1, {"loss": 1.0}), (15.0, 2, {"loss": 1.0}), (99.0, 20, {"loss": 1.0}),
                                  (250.0, 50, {"loss": 1.0})]),
        "hours_to_go": bar(2000, [(10.0, 1, {"loss": 1.0}), (20.0, 2, {"loss": 1.0}), (9000.0, 2000, {"loss": 1.0})]),
        "microseconds": bar(4000, [(0.0625, 1, {}), (0.25, 1000, {}), (0.5, 4000, {}), (0.5, 4000, {})]),
        "numbers": bar(4, [(1.0, 1, {"loss": 12345.678, "mae": 1e-4}), (2.0, 2, {"loss": 0.001, "mae": -0.25}),
                           (3.0, 3, {"loss": 0.0011, "mae": 0.0}), (4.0, 4, {"loss": 123.4567, "mae": -1e-5}),
                           (4.5, 4, {"loss": 123.4567, "mae": -1e-5})]),
        "numbers_verbose2": bar(4, [(4.5, 4, {"loss": 123.4567, "mae": -0.25, "mse": 5e-4, "rmse": 0.001})], verbose=2),
        "no_values": bar(2, [(0.5, 1, {}), (1.0, 2, {}), (1.0, 2, {})]),
        "shorter_text": bar(3, [(1.0, 1, {"loss": 1e6}), (2.0, 2, {"loss": 1.0}), (3.0, 3, {"loss": 1.0}),
                                (3.0, 3, {"loss": 1.0})]),
    }


def fit_output():
    """A whole fit, evaluate and predict while the clock stands still: each bar shows its first step and its end.

    (Keras calls the bar from another thread, so with a moving clock the steps shown would vary.)
    """
    rng = np.random.default_rng(1)
    x = rng.standard_normal((40, 3)).astype(np.float32)
    y = x.sum(axis=1, keepdims=True)
    outputs = {}
    for verbose in [1, 2]:
        for epochs in [1, 3]:
            keras.utils.clear_session()
            model = keras.Sequential([layers.Input((3,)), layers.Dense(1, kernel_initializer="zeros")])
            model.compile(optimizer="sgd", loss="mse", metrics=["mae"])
            with clock(), printed() as text:
                model.fit(x, y, batch_size=8, epochs=epochs, shuffle=False, verbose=verbose, validation_split=0.2)
            outputs[f"fit_verbose{verbose}_epochs{epochs}"] = text.getvalue()
        with clock(), printed() as text:
            model.evaluate(x, y, batch_size=16, verbose=verbose)
        outputs[f"evaluate_verbose{verbose}"] = text.getvalue()
        with clock(), printed() as text:
            model.predict(x, batch_size=16, verbose=verbose)
        outputs[f"predict_verbose{verbose}"] = text.getvalue()
    return outputs
