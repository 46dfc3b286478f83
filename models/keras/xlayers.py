"""The layers of xlayers that neither Keras nor KerasFactory has, or has with other options, for Keras 3.

Import it before a .keras file is loaded that xlayers wrote:

    import keras, xlayers
    model = keras.saving.load_model("model.keras")

Layers that KerasFactory has in the same way are written as its classes: then `import kerasfactory.layers` too.
"""

import keras
import numpy as np
from keras import layers, ops

register = keras.saving.register_keras_serializable(package="xlayers")


def sinusoids(length, d_model, layout, max_wavelength):
    """Row p holds the sines and cosines of p / max_wavelength^(2i / d_model); an odd width ends with a sine."""
    sines = (d_model + 1) // 2
    angles = np.arange(length)[:, None] * max_wavelength ** (-2.0 * np.arange(sines) / d_model)[None, :]
    table = np.zeros((length, d_model))
    if layout == "halves":
        table[:, :sines], table[:, sines:] = np.sin(angles), np.cos(angles[:, : d_model // 2])
    else:
        table[:, 0::2], table[:, 1::2] = np.sin(angles), np.cos(angles[:, : d_model // 2])
    return table.astype("float32")


class Layer(layers.Layer):
    """A layer whose config is its options, with these defaults."""

    OPTIONS = {}

    def __init__(self, **given):
        options = {key: given.pop(key, default) for key, default in self.OPTIONS.items()}
        super().__init__(**given)
        for key, value in options.items():
            setattr(self, key, value)
        self.options = options

    def get_config(self):
        options = {key: keras.initializers.serialize(value) if isinstance(value, keras.Initializer) else value
                   for key, value in self.options.items()}
        return super().get_config() | options

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        if isinstance(config.get("kernel_initializer"), dict):
            config["kernel_initializer"] = keras.initializers.deserialize(config["kernel_initializer"])
        return cls(**config)


@register
class PositionalEmbedding(Layer):
    """The encoding of positions, or, with merge_mode "add", the input plus the encoding."""

    OPTIONS = {"max_len": 5000, "d_model": 512, "layout": "interleaved", "merge_mode": "none", "extrapolate": False,
               "max_wavelength": 10000.0}

    def call(self, inputs):
        steps = inputs.shape[1]
        if steps is None:
            raise ValueError(f"[{self.name}] expected a number of steps that is known")
        if steps > self.max_len and not self.extrapolate:
            raise ValueError(f"[{self.name}] expected at most {self.max_len} steps, got {steps}")
        table = ops.convert_to_tensor(sinusoids(steps, self.d_model, self.layout, self.max_wavelength))[None]
        return inputs + table if self.merge_mode == "add" else table


@register
class TokenEmbedding(Layer):
    """A convolution over three steps."""

    OPTIONS = {"c_in": 0, "d_model": 0, "padding": "same", "kernel_initializer": "he_normal", "use_bias": False}

    def build(self, input_shape):
        self.conv = layers.Conv1D(self.d_model, 3, padding="valid" if self.padding == "circular" else self.padding,
                                  use_bias=self.use_bias, kernel_initializer=self.kernel_initializer)
        steps = input_shape[1] + 2 if self.padding == "circular" and input_shape[1] is not None else input_shape[1]
        self.conv.build((input_shape[0], steps, input_shape[2]))
        super().build(input_shape)

    def call(self, inputs):
        if self.padding == "circular":
            inputs = ops.concatenate([inputs[:, -1:], inputs, inputs[:, :1]], axis=1)
        return self.conv(inputs)


@register
class FixedEmbedding(Layer):
    """The rows of a table of sinusoids."""

    OPTIONS = {"n_features": 0, "d_model": 0, "layout": "interleaved", "max_wavelength": 10000.0, "table_as_weight": False}

    def build(self, input_shape):
        if self.table_as_weight:
            self.embedding_layer = layers.Embedding(self.n_features, self.d_model, trainable=False)
            self.embedding_layer.build()
            self.embedding_layer.embeddings.assign(self.table())
        super().build(input_shape)

    def table(self):
        return sinusoids(self.n_features, self.d_model, self.layout, self.max_wavelength)

    def call(self, inputs):
        inputs = ops.cast(inputs, "int32")
        if self.table_as_weight:
            return self.embedding_layer(inputs)
        return ops.take(ops.convert_to_tensor(self.table()), inputs, axis=0)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.d_model)


@register
class TemporalEmbedding(Layer):
    """The sum of the rows of month, day, weekday, hour and, with freq "t", minute."""

    OPTIONS = {"d_model": 0, "embed_type": "fixed", "freq": "h", "minute_size": 60, "layout": "interleaved"}

    def build(self, input_shape):
        sizes = {"month": 13, "day": 32, "weekday": 7, "hour": 24}
        if self.freq == "t":
            sizes["minute"] = self.minute_size
        for part, size in sizes.items():
            if self.embed_type == "fixed":
                embed = FixedEmbedding(n_features=size, d_model=self.d_model, layout=self.layout, table_as_weight=True)
            else:
                embed = layers.Embedding(size, self.d_model)
            embed.build(input_shape[:-1])
            setattr(self, part + "_embed", embed)
        self.parts = list(sizes)
        super().build(input_shape)

    def call(self, inputs):
        marks = ops.cast(inputs, "int32")
        return sum(getattr(self, part + "_embed")(marks[..., column]) for column, part in enumerate(self.parts))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.d_model)


@register
class DataEmbeddingWithoutPosition(Layer):
    """Dropout of a TokenEmbedding, plus a TemporalEmbedding if there are marks."""

    OPTIONS = {"c_in": 0, "d_model": 0, "embed_type": "fixed", "freq": "h", "dropout": 0.1, "padding": "same",
               "kernel_initializer": "he_normal", "use_bias": False, "minute_size": 60, "layout": "interleaved"}

    def build(self, input_shape):
        both = isinstance(input_shape[0], (list, tuple))
        series = input_shape[0] if both else input_shape
        self.value_embedding = TokenEmbedding(c_in=self.c_in, d_model=self.d_model, padding=self.padding,
                                              kernel_initializer=self.kernel_initializer, use_bias=self.use_bias)
        self.value_embedding.build(series)
        if both and len(input_shape) == 2:
            self.temporal_embedding = TemporalEmbedding(d_model=self.d_model, embed_type=self.embed_type, freq=self.freq,
                                                        minute_size=self.minute_size, layout=self.layout)
            self.temporal_embedding.build(input_shape[1])
        self.drop = layers.Dropout(self.dropout)
        super().build(input_shape)

    def call(self, inputs, training=None):
        series, *marks = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        x = self.value_embedding(series)
        return self.drop(x + self.temporal_embedding(marks[0]) if marks else x, training=training)


@register
class TransformerBlock(Layer):
    """Attention and a network of two layers, each added to what came in; normalised before (norm_first) or behind."""

    OPTIONS = {"dim_model": 32, "num_heads": 3, "ff_units": 16, "dropout_rate": 0.2, "norm_first": True}

    def build(self, input_shape):
        rate = self.dropout_rate
        steps = (input_shape[0], 1, input_shape[1]) if len(input_shape) == 2 else tuple(input_shape)
        self.multihead_attention = layers.MultiHeadAttention(self.num_heads, self.dim_model // self.num_heads, dropout=rate)
        self.multihead_attention.build(steps, steps)
        self.layer_norm1, self.layer_norm2 = (layers.LayerNormalization(epsilon=1e-6) for _ in range(2))
        self.ff1, self.ff2 = layers.Dense(self.ff_units, activation="relu"), layers.Dense(self.dim_model)
        self.dropout1, self.dropout2 = layers.Dropout(rate), layers.Dropout(rate)
        for layer in (self.layer_norm1, self.layer_norm2, self.ff1):
            layer.build(steps)
        self.ff2.build((*steps[:-1], self.ff_units))
        super().build(input_shape)

    def call(self, inputs, training=None):
        x = ops.expand_dims(inputs, 1) if len(inputs.shape) == 2 else inputs
        before = self.layer_norm1(x) if self.norm_first else x
        h = x + self.dropout1(self.multihead_attention(before, before, training=training), training=training)
        h = h if self.norm_first else self.layer_norm1(h)
        before = self.layer_norm2(h) if self.norm_first else h
        y = h + self.ff2(self.dropout2(self.ff1(before), training=training))
        y = y if self.norm_first else self.layer_norm2(y)
        return ops.squeeze(y, 1) if len(inputs.shape) == 2 else y

    def compute_output_shape(self, input_shape):
        return input_shape
