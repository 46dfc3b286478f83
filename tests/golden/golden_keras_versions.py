"""keras_versions.zip: .keras files of the first and the last release of Keras 3.0 to 3.14, and of what they predict and how
they train on, keras_versions.json.

    3.0.0/NAME.keras    as the models of golden_keras_files.py, fewer

By itself, as these releases want an older JAX: makes an environment of its own, and in it runs this file once for each release.
"""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
RELEASES = ["3.0.0", "3.0.5", "3.1.1", "3.2.1", "3.3.3", "3.4.1", "3.5.0", "3.6.0", "3.7.0", "3.8.0", "3.9.2", "3.10.0",
            "3.11.3", "3.12.4", "3.13.2", "3.14.1"]
# What these releases do otherwise than all others: 3.0.0 trains attention to other numbers than 3.14.1 does from the same file, and
# 3.2.1 writes no number of the call of a shared layer, so that it cannot read the file itself.
LEFT_OUT = {("3.0.0", "attention"), ("3.2.1", "shared_and_nested")}
PACKAGES = ["jax==0.4.30", "jaxlib==0.4.30", "numpy==1.26.4", "scipy==1.13.1", "ml_dtypes==0.4.1", "h5py==3.12.1", "namex==0.0.8",
            "optree==0.13.1", "dm-tree==0.1.8", "rich==13.9.4", "absl-py==2.1.0", "packaging==24.2"]


def make_models(folder: Path) -> None:
    """What one release does: models in the folder, and MODELS.json."""
    import keras
    import numpy as np
    from keras import layers, optimizers

    entries = {}
    rng = np.random.default_rng(7)

    def floats(*shape):
        return np.round(rng.standard_normal(shape), 3).astype("float32")

    def plain(a):
        return {"shape": list(a.shape), "data": [float(v) for v in np.asarray(a).ravel()], "dtype": str(a.dtype)}

    def trained(name, model, inputs, targets, *, loss="mse", optimizer="adam", epochs=2):
        if (keras.__version__, name) in LEFT_OUT:
            return
        x = inputs if len(inputs) > 1 else inputs[0]
        y = targets if len(targets) > 1 else targets[0]
        model.compile(optimizer=optimizer, loss=loss)
        model.fit(x, y, batch_size=8, epochs=epochs, shuffle=False, verbose=0)
        model.save(folder / (name + ".keras"))
        outputs = model.predict(x, verbose=0)
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        entry = {"inputs": [plain(a) for a in inputs], "outputs": [plain(a) for a in outputs],
                 "targets": [plain(a) for a in targets]}
        history = model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
        entry["history"] = {"loss": [float(v) for v in history.history["loss"]]}
        entry["iterations"] = int(keras.ops.convert_to_numpy(model.optimizer.iterations))
        entries[name] = entry

    def small():
        keras.utils.set_random_seed(1)
        return keras.Sequential([layers.Input((4,)), layers.Dense(5, activation="tanh"), layers.Dense(1)])

    x, y = floats(16, 4), floats(16, 1)
    for name, make in {
        "sgd": lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True),
        "adam": lambda: optimizers.Adam(0.01),
        "adamw": lambda: optimizers.AdamW(0.01, weight_decay=0.02),
        "rmsprop": lambda: optimizers.RMSprop(0.01, momentum=0.5),  # centered=True fails in 3.0
        "cosine": lambda: optimizers.Adam(optimizers.schedules.CosineDecay(0.05, 9)),
    }.items():
        trained("optimizer_" + name, small(), [x], [y], optimizer=make())

    keras.utils.set_random_seed(2)
    both = layers.Dense(4, name="both")
    a, b = layers.Input((4,), name="a"), layers.Input((4,), name="b")
    inner = keras.Sequential([layers.Input((4,)), layers.Dense(3), layers.Dense(4)], name="inner")
    z = layers.Concatenate()([both(a), inner(both(b)), inner(a)])
    model = keras.Model([a, b], [layers.Dense(2, name="one")(z), layers.Dense(1, name="two")(z * 2.0 + 1.0)])
    trained("shared_and_nested", model, [floats(16, 4), floats(16, 4)], [floats(16, 2), floats(16, 1)], loss=["mse", "mae"])

    keras.utils.set_random_seed(3)
    i = layers.Input((10, 3))
    t = layers.Conv1D(8, 3, padding="causal", activation="relu")(i)
    t = layers.LayerNormalization()(layers.Add()([t, layers.MultiHeadAttention(2, 4)(t, t, use_causal_mask=True)]))
    t = layers.Dropout(0.0)(layers.Permute((2, 1))(t))
    t = layers.Reshape((80,))(layers.Activation("gelu")(t))
    trained("attention", keras.Model(i, layers.Dense(2)(layers.Dense(4, activation="leaky_relu")(t))), [floats(16, 10, 3)],
            [floats(16, 2)])

    keras.utils.set_random_seed(4)
    ids = np.array(rng.integers(0, 9, (16, 6)), "int32")
    model = keras.Sequential([layers.Input((6,), dtype="int32"), layers.Embedding(9, 8, mask_zero=True),
                              layers.GlobalAveragePooling1D(), layers.Softmax()])
    trained("masked", model, [ids], [np.array(rng.integers(0, 8, (16, 1)), "float32")], loss="sparse_categorical_crossentropy")
    (folder / "MODELS.json").write_text(json.dumps(entries))


def main() -> None:
    entries = {}
    with tempfile.TemporaryDirectory() as place, \
            zipfile.ZipFile(HERE / "keras_versions.zip", "w", zipfile.ZIP_STORED) as archive:
        python = Path(place) / "venv/bin/python"
        subprocess.run([sys.executable, "-m", "venv", Path(place) / "venv"], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
        for release in RELEASES:
            keras, models = Path(place) / release, Path(place) / ("models_" + release)
            models.mkdir()
            subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", "--target", keras, "keras==" + release], check=True)
            environment = os.environ | {"PYTHONPATH": str(keras), "KERAS_BACKEND": "jax", "JAX_ENABLE_X64": "0"}
            subprocess.run([python, __file__, str(models)], check=True, env=environment)
            entries[release] = json.loads((models / "MODELS.json").read_text())
            for path in sorted(models.glob("*.keras")):
                with tempfile.NamedTemporaryFile() as packed:
                    with zipfile.ZipFile(path) as stored, zipfile.ZipFile(packed, "w") as small:
                        for member in stored.namelist():
                            small.writestr(zipfile.ZipInfo(member), stored.read(member), zipfile.ZIP_DEFLATED, 9)
                    archive.writestr(zipfile.ZipInfo(f"{release}/{path.name}"), Path(packed.name).read_bytes())
            print(f"  Keras {release}: {len(entries[release])} models")
    (HERE / "keras_versions.json").write_text(json.dumps({"versions": {"keras": RELEASES, "others": PACKAGES}, "models": entries},
                                                         separators=(",", ":")) + "\n")


if len(sys.argv) == 2:
    make_models(Path(sys.argv[1]))
else:
    main()
