"""forecaster.json: the forecaster of TokenEmbedding's documentation, trained by Keras on ETTh1.

    Input (96, 7), TokenEmbedding(7, 64), x + PositionalEmbedding(96, 64)(x), MultiHeadAttention(8 heads, key_dim 8),
    Dense 128 relu, Dense 32 relu, Dense 7; Adam, mse

Each of 256 windows is a day later than the one before: 96 hours of all seven columns in, the next 96 out. A column is
(value - center) / scale. The run starts from the weights that Keras drew, which are given here, and takes the batches in
order. "history" is of float32, the precision in which KerasFactory's layers compute.
"""

from pathlib import Path

import keras
import numpy as np
import pandas as pd
from kerasfactory.layers import PositionalEmbedding, TokenEmbedding
from keras import layers

from common import exact, finite, versions, write

WINDOWS, STEPS = 256, 96
CSV = Path(__file__).resolve().parents[2] / "examples" / "data" / "ETTh1.csv"


def data():
    columns = pd.read_csv(CSV).drop(columns="date").to_numpy(dtype=np.float64)[: 24 * WINDOWS + 2 * STEPS]
    center = np.round(columns.mean(axis=0), 1)
    scale = np.round(columns.std(axis=0), 1)
    values = ((columns - center) / scale).astype(np.float32)
    x = np.stack([values[24 * n:24 * n + STEPS] for n in range(WINDOWS)])
    y = np.stack([values[24 * n + STEPS:24 * n + 2 * STEPS] for n in range(WINDOWS)])
    return center, scale, x, y


def forecaster():
    inputs = layers.Input((STEPS, 7))
    x = TokenEmbedding(c_in=7, d_model=64)(inputs)
    x = x + PositionalEmbedding(max_len=STEPS, d_model=64)(x)
    x = layers.MultiHeadAttention(num_heads=8, key_dim=8)(x, x)
    x = layers.Dense(128, activation="relu")(x)
    x = layers.Dense(32, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(7)(x))


keras.utils.set_random_seed(2026)
center, scale, x, y = data()
model = forecaster()
initial = [np.asarray(w) for w in model.get_weights()]
model.compile(optimizer="adam", loss="mse")
history = model.fit(x, y, batch_size=32, epochs=10, shuffle=False, verbose=0)
losses = [float(f"{v:.8g}") for v in history.history["loss"]]
assert losses[-1] < 0.7 * losses[0], losses

write("forecaster", {
    "versions": versions(),
    "windows": WINDOWS,
    "center": finite(center),
    "scale": finite(scale),
    "loss": finite(losses),
    "initial": [exact(w) for w in initial],
    "prediction": exact(np.asarray(model.predict(x[:1], verbose=0))[0, :4]),
})
