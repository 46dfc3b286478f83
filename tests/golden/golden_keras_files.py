"""keras_files.zip: .keras files that Keras saves, and keras_files.json: what the models in them predict, and how they train on.

    layer_NAME.keras    the layer of each row of layers*.json that is a class of Keras, KerasHub or KerasFactory, in a functional
                        model of float32, with the weights of the row; what it predicts is in the row
    model_NAME.keras    Sequential, functional, shared and nested models, trained; what they predict, and the losses of the
                        next epochs, are in keras_files.json

The members of the .keras files are deflated here, so that the archive is small; Keras stores them.
"""

import io
import runpy
import tempfile
import warnings
import zipfile
from pathlib import Path

import common
import keras
import keras_hub
import layer_case
import numpy as np
from common import HERE, exact, generator, use_precision, versions, write
from kerasfactory import layers as factory
from keras import layers, optimizers

warnings.filterwarnings("ignore")
ARCHIVE = {}


def keep(name, model) -> None:
    """Saves a model into the archive, its members deflated and without a date."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        packed = io.BytesIO()
        with zipfile.ZipFile(path) as stored, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as small:
            for member in stored.namelist():
                small.writestr(zipfile.ZipInfo(member), stored.read(member), zipfile.ZIP_DEFLATED, 9)
        ARCHIVE[name + ".keras"] = packed.getvalue()


# ---- models, trained

MODELS = {}


def entry_of(x):
    """Any of the inputs."""
    return next(iter(x.values())) if isinstance(x, dict) else x[0] if isinstance(x, list) else x


def trained(name, model, inputs, targets, *, loss="mse", optimizer="adam", epochs=2, more=2, **compiling) -> None:
    """Trains, saves, and goes on training."""
    inputs = inputs if isinstance(inputs, (list, dict)) else [inputs]
    x = inputs if len(inputs) > 1 or isinstance(inputs, dict) else inputs[0]
    entry = {"inputs": [{"shape": list(a.shape), "data": [float(v) for v in a.ravel()], "dtype": str(a.dtype)}
                        for a in (inputs.values() if isinstance(inputs, dict) else inputs)]}
    if loss is not None:
        model.compile(optimizer=optimizer, loss=loss, **compiling)
        if epochs:
            model.fit(x, targets, batch_size=8, epochs=epochs, shuffle=False, verbose=0)
    keep("model_" + name, model)
    outputs = model.predict(x, verbose=0)
    outputs = outputs if isinstance(outputs, (list, tuple)) else list(outputs.values()) if isinstance(outputs, dict) else [outputs]
    # KerasFactory's PositionalEmbedding gives one row for all samples.
    outputs = [y.repeat(len(entry_of(x)), 0) if y.shape[0] == 1 else y for y in map(np.asarray, outputs)]
    entry["outputs"] = [exact(y) for y in outputs]
    if loss is not None:
        many = isinstance(targets, (list, tuple))
        entry["targets"] = [exact(y) for y in (targets if many else [targets])]
        history = model.fit(x, targets, batch_size=8, epochs=more, shuffle=False, verbose=0)
        entry["history"] = {key: [float(v) for v in values] for key, values in history.history.items()}
        entry["iterations"] = int(model.optimizer.iterations.numpy() if hasattr(model.optimizer.iterations, "numpy")
                                  else model.optimizer.iterations)
    MODELS[name] = entry


rng = generator("keras_files")


def floats(*shape):
    return np.round(rng.standard_normal(shape), 3).astype("float32")


def small():
    keras.utils.set_random_seed(1)
    return keras.Sequential([layers.Input((4,)), layers.Dense(5, activation="tanh"), layers.Dense(1)])


x, y = floats(20, 4), floats(20, 1)
OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(0.05),
    "momentum": lambda: optimizers.SGD(0.05, momentum=0.9),
    "nesterov": lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "adam": lambda: optimizers.Adam(0.01),
    "amsgrad": lambda: optimizers.Adam(0.01, amsgrad=True),
    "adamw": lambda: optimizers.AdamW(0.01, weight_decay=0.02),
    "rmsprop": lambda: optimizers.RMSprop(0.01),
    "rmsprop_all": lambda: optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "cosine": lambda: optimizers.Adam(optimizers.schedules.CosineDecay(0.05, 9)),
    "exponential": lambda: optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 4, 0.5, staircase=True), momentum=0.5),
    "piecewise": lambda: optimizers.RMSprop(optimizers.schedules.PiecewiseConstantDecay([3, 7], [0.1, 0.05, 0.01])),
    "clipped": lambda: optimizers.Adam(0.01, clipnorm=0.1),
}
for name, make in OPTIMIZERS.items():
    trained("optimizer_" + name, small(), x, y, optimizer=make(), metrics=["mae"])
trained("compiled_not_trained", small(), x, y, epochs=0)
trained("not_compiled", small(), x, y, loss=None)

frozen = small()
frozen.layers[0].trainable = False
trained("frozen", frozen, x, y)

keras.utils.set_random_seed(2)
series = floats(16, 20, 1)
trained("page", keras.Sequential([layers.Input((20, 1)), factory.TokenEmbedding(1, 8), factory.PositionalEmbedding(d_model=8, max_len=20),
                                  layers.Dense(4, activation="relu"), layers.Dense(1)]), series, floats(1, 20, 1).repeat(16, 0),
        loss=None)
i = layers.Input((20, 1))
t = factory.TokenEmbedding(1, 8)(i)
t = layers.Add()([t, factory.PositionalEmbedding(d_model=8, max_len=20)(t)])
t = layers.MultiHeadAttention(2, 4)(t, t)
trained("forecaster", keras.Model(i, layers.Dense(1)(layers.LayerNormalization()(t))), series, floats(16, 20, 1))

keras.utils.set_random_seed(3)
d = layers.Dense(4, name="both")
a, b = layers.Input((4,), name="a"), layers.Input((4,), name="b")
inner = keras.Sequential([layers.Input((4,)), layers.Dense(3), layers.Dense(4)], name="inner")
z = layers.Concatenate()([d(a), inner(d(b)), inner(a)])
trained("shared_and_nested", keras.Model([a, b], [layers.Dense(2, name="one")(z), layers.Dense(1, name="two")(z * 2.0 + 1.0)]),
        [floats(16, 4), floats(16, 4)], [floats(16, 2), floats(16, 1)], loss=["mse", "mae"], loss_weights=[1.0, 0.5])

keras.utils.set_random_seed(4)
deep_in = layers.Input((4,))
deep = keras.Model(deep_in, layers.Dense(2)(inner(layers.Dense(4)(deep_in))), name="deep")
o = layers.Input((4,))
trained("model_in_a_model_in_a_model", keras.Model(o, layers.Dense(1)(deep(layers.Dense(4)(deep(o))))), x, y)

keras.utils.set_random_seed(5)
ids = np.array(rng.integers(0, 9, (16, 6)), "int32")
trained("encoder", keras.Sequential([layers.Input((6,), dtype="int32"), layers.Embedding(9, 8, mask_zero=True),
                                     keras_hub.layers.TransformerEncoder(12, 2), layers.GlobalAveragePooling1D(),
                                     layers.Dense(3, activation="softmax")]),
        ids, np.array(rng.integers(0, 3, (16, 1)), "float32"), loss="sparse_categorical_crossentropy", metrics=["accuracy"])

keras.utils.set_random_seed(6)
wide = factory.TransformerBlock(dim_model=8, num_heads=2, ff_units=5, dropout_rate=0.0)
block = keras.Sequential([layers.Input((6, 8)), wide, layers.Dense(1)])
block(floats(1, 6, 8))  # its parts are made now
trained("transformer_block", block, floats(16, 6, 8), floats(16, 6, 1), loss=None)

keras.utils.set_random_seed(7)
marks = np.stack([rng.integers(0, n, (8, 10)) for n in (13, 32, 7, 24, 4)], -1).astype("int32")
v, m = layers.Input((10, 3)), layers.Input((10, 5), dtype="int32")
for kind in ("fixed", "learned"):
    embedding = factory.DataEmbeddingWithoutPosition(c_in=3, d_model=8, freq="t", embed_type=kind, dropout=0.0)
    trained(f"data_embedding_{kind}", keras.Model([v, m], layers.Dense(1)(embedding([v, m]))), [floats(8, 10, 3), marks],
            floats(8, 10, 1))

# ---- the rows of layers*.json

ROWS = []


def collect(cases, name, layer, inputs, options, *, arguments=None, masks=None, function=None, weights=None, scale=1.0,
            **others):
    """In the place of layer_case.add_case: remembers the row."""
    original(cases, name, layer, inputs, options, arguments=arguments, masks=masks, function=function, weights=weights,
             scale=scale, **others)
    case = cases[name]
    if function is None and not masks and type(layer).__module__.split(".")[0] in ("keras", "keras_hub", "kerasfactory"):
        ROWS.append((name, type(layer), layer.get_config(), case, arguments or {}, layer_case.takes_list(layer)))


def in_float32(config):
    """A config whose layers compute in float32; null stays, which is the policy of all."""
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return config | {"config": {"name": "float32"}}
        return {key: "float32" if value == "float64" else in_float32(value) for key, value in config.items()}
    return [in_float32(value) for value in config] if isinstance(config, list) else config


def array_of(tensor):
    dtype = "int32" if tensor.get("dtype") == "int32" else "float32"
    return np.array(tensor["data"], dtype).reshape(tensor["shape"])


original = layer_case.add_case
layer_case.add_case = collect
common.write = lambda *_: None
for script in sorted(HERE.glob("golden_layers*.py")):
    runpy.run_path(str(script))
use_precision("float32")
refused = {}
for name, kind, config, case, arguments, takes_list in ROWS:
    try:
        arrays = [array_of(x) for x in case["inputs"]]
        inputs = [layers.Input(x.shape[1:], dtype=x.dtype) for x in arrays]
        layer = kind.from_config(in_float32(config))
        outputs = layer(inputs) if takes_list and len(inputs) > 1 else layer(*inputs, **arguments)
        model = keras.Model(inputs, outputs)
        if not model.built or len(layer.weights) != len(case["weights"]):
            model(arrays)  # some of KerasFactory's make their parts when they are called on data
        layer.set_weights([array_of(w) for w in case["weights"]])
        keep("layer_" + name, model)
    except Exception as error:  # what Keras itself cannot save
        refused[name] = f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"


common.write = write
write("keras_files", {"versions": versions(), "models": MODELS, "refused": refused})
with zipfile.ZipFile(HERE / "keras_files.zip", "w", zipfile.ZIP_STORED) as archive:
    for name, data in sorted(ARCHIVE.items()):
        archive.writestr(zipfile.ZipInfo(name), data)
print(f"  {len(ARCHIVE)} files, {sum(map(len, ARCHIVE.values())) // 1024} kB; not saved by Keras: {refused}")
