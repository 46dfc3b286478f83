"""checkpoints.json: which files ModelCheckpoint of Keras writes, with which weight in them, and what it prints.

The logs are given. The weight of the model is the number of batches seen so far. Paths end in .xl here as ours do.
"""

import contextlib
import io
import os
import tempfile
import warnings

import keras
import numpy as np
from common import versions, write
from keras import callbacks, layers, optimizers

warnings.filterwarnings("ignore", message="Can save best model only")

BATCHES = 3
LOSSES = [1.0, 0.75, 0.875, 0.5, 0.5, 0.4375]
ACCURACIES = [0.25, 0.5, 0.5, 0.375, 0.75, 0.625]
SCRIPT = [{"loss": 2 * loss, "val_loss": loss, "val_accuracy": accuracy}
          for loss, accuracy in zip(LOSSES, ACCURACIES)]


def case(pattern, script=SCRIPT, **options) -> dict:
    ending = ".weights.h5" if options.get("save_weights_only") else ".keras"
    model = keras.Sequential([layers.Input((1,)), layers.Dense(1, use_bias=False)])
    model.compile(optimizer=optimizers.SGD(0.5), loss="mse", metrics=["mae", "accuracy"])
    model.train_on_batch(np.zeros((2, 1)), np.zeros((2, 1)))  # makes the metrics
    printed, written, seen = io.StringIO(), [], 0
    with tempfile.TemporaryDirectory() as folder:
        callback = callbacks.ModelCheckpoint(os.path.join(folder, pattern + ending), **options)
        callback.set_model(model)
        callback.set_params({"verbose": 0, "epochs": len(script), "steps": BATCHES})

        def look(epoch, batch):
            """What is new, and with which weight."""
            for root, _, files in os.walk(folder):
                for name in files:
                    path = os.path.join(root, name)
                    copy = keras.Sequential([layers.Input((1,)), layers.Dense(1, use_bias=False)])
                    if ending == ".keras":
                        copy = keras.saving.load_model(path)
                    else:
                        copy.load_weights(path)
                    weight = float(copy.get_weights()[0][0, 0])
                    os.remove(path)
                    written.append({"epoch": epoch, "batch": batch, "weight": weight,
                                    "file": os.path.relpath(path, folder).removesuffix(ending) + ".xl"})

        with contextlib.redirect_stdout(printed):
            callback.on_train_begin({})
            for epoch, logs in enumerate(script):
                callback.on_epoch_begin(epoch, {})
                for batch in range(BATCHES):
                    seen += 1
                    model.set_weights([np.full((1, 1), float(seen))])
                    callback.on_train_batch_end(batch, {"loss": float(seen)})
                    look(epoch, batch)
                callback.on_epoch_end(epoch, dict(logs))
                look(epoch, None)
            callback.on_train_end({})
        text = printed.getvalue().replace(folder, "FOLDER").replace(ending, ".xl")
    return {"pattern": pattern + ".xl", "options": options, "script": script, "written": written, "printed": text}


write("checkpoints", {"versions": versions(), "batches": BATCHES, "cases": {
    "each_epoch": case("model", verbose=1),
    "weights": case("weights", save_weights_only=True, verbose=1),
    "numbered": case("{epoch:02d}-{val_loss:.2f}"),
    "formats": case("{epoch}_{epoch:3d}_{epoch:5.1f}_{val_loss}_{val_loss:.3e}_{val_accuracy:g}_{loss:.2g}_{loss:07.3f}_{{a}}"),
    "in_a_new_folder": case("runs/{epoch}/model", verbose=1),
    "best": case("best", save_best_only=True, verbose=1),
    "best_numbered": case("{epoch:02d}-{val_loss:.4f}", save_best_only=True),
    "best_accuracy": case("best", monitor="val_accuracy", save_best_only=True, verbose=1),
    "best_by_mode": case("best", monitor="val_loss", mode="max", save_best_only=True, verbose=1),
    "threshold": case("best", save_best_only=True, initial_value_threshold=0.75, verbose=1),
    "best_is_not_there": case("best", monitor="val_mae", save_best_only=True, verbose=1),
    "every_two_batches": case("{epoch}_{batch}", save_freq=2, verbose=1),
    "every_four_batches": case("{epoch}_{batch:02d}_{loss:.1f}", save_freq=4),
    "every_batch": case("model", save_freq=1),
    "best_of_batches": case("best", monitor="loss", mode="max", save_freq=2, save_best_only=True, verbose=1),
}})
