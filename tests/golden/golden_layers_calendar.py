"""layers_calendar.json: KerasFactory's embeddings of whole numbers and of the calendar, option by option.

See layer_case.py for what a case holds.
"""

from common import draw, generator, use_precision, versions, write

import jax.numpy as jnp
import numpy as np
from kerasfactory.layers import DataEmbeddingWithoutPosition, FixedEmbedding, TemporalEmbedding

import layer_case

use_precision("float64")

CASES = {}


def numbers(name, shape, end):
    return generator(name).integers(0, end, shape, dtype=np.int32)


def sinusoids(rows, d_model, layout, max_wavelength):
    """The exact formula; an odd width ends with a sine."""
    pairs = (d_model + 1) // 2
    angles = np.arange(rows)[:, None] * max_wavelength ** (-2.0 * np.arange(pairs) / d_model)
    table = np.zeros((rows, d_model))
    sines, cosines = np.sin(angles), np.cos(angles)[:, : d_model // 2]
    if layout == "halves":
        table[:, :pairs], table[:, pairs:] = sines, cosines
    else:
        table[:, 0::2], table[:, 1::2] = sines, cosines
    return table


# ---- FixedEmbedding

def fixed_cases():
    # KerasFactory's table, of angles in float32, is the formula up to their precision.
    indices = np.arange(32, dtype=np.int32).reshape(1, 32)
    theirs = np.asarray(FixedEmbedding(n_features=32, d_model=16)(indices))[0]
    assert abs(theirs - sinusoids(32, 16, "halves", 10000.0)).max() < 5e-6

    for layout in ["interleaved", "halves"]:
        for name, shape, options in [
            ("page", (2, 9), {"n_features": 24, "d_model": 16}),
            ("odd_width", (2, 5), {"n_features": 7, "d_model": 5}),
            ("one_column", (2, 3), {"n_features": 3, "d_model": 1}),
            ("one_row", (2, 3), {"n_features": 1, "d_model": 4}),
            ("rank1", (5,), {"n_features": 13, "d_model": 6}),
            ("rank3", (2, 3, 2), {"n_features": 1000, "d_model": 8}),
            ("wavelength", (2, 4), {"n_features": 60, "d_model": 8, "max_wavelength": 250.5}),
        ]:
            options = options | {"layout": layout}
            table = sinusoids(options["n_features"], options["d_model"], layout, options.get("max_wavelength", 10000.0))
            layer_case.add_case(CASES, f"fixed_embedding_{layout}_{name}", None,
                                [numbers(name, shape, options["n_features"])], options,
                                function=lambda _, x, table=table: jnp.asarray(table)[x], layer_name="FixedEmbedding")
    # The table as the weight that it is there; what it holds counts.
    options = {"n_features": 12, "d_model": 6}
    layer_case.add_case(CASES, "fixed_embedding_table_as_weight", FixedEmbedding(**options), [numbers("w", (2, 5), 12)],
                        options | {"table_as_weight": True})


# ---- TemporalEmbedding

SIZES = {"second": 60, "minute": 60, "hour": 24, "weekday": 7, "day": 32, "month": 13}
COLUMNS = ["month", "day", "weekday", "hour", "minute", "second"]


def mark(name, shape, columns, minute_size=60):
    """Of each column the first and the last value there is, and others."""
    rng = generator(name + "_mark")
    result = np.zeros((*shape, columns), np.int32)
    for i, column in enumerate(COLUMNS[:columns]):
        size = minute_size if column == "minute" else SIZES[column]
        values = rng.integers(0, size, shape)
        values.ravel()[:2] = [0, size - 1][: values.size]
        result[..., i] = rng.permutation(values.ravel()).reshape(shape)
    return result


def temporal_cases():
    for embed_type in ["fixed", "learned"]:
        for freq, columns in [("h", 4), ("h", 5), ("t", 5)]:
            options = {"d_model": 6, "embed_type": embed_type, "freq": freq}
            name = f"temporal_embedding_{embed_type}_{freq}{columns}"
            ours = options | ({"minute_size": 4} if freq == "t" else {})
            layer_case.add_case(CASES, name, TemporalEmbedding(**options), [mark(name, (2, 5), columns, 4)], ours)
    name = "temporal_embedding_one_step"
    options = {"d_model": 1, "embed_type": "learned"}
    layer_case.add_case(CASES, name, TemporalEmbedding(**options), [mark(name, (3, 1), 4)], options)

    # What KerasFactory does not have: the other freq, all minutes, an odd width. (The sinusoids themselves are FixedEmbedding's.)
    for freq, used in [("s", 6), ("t", 5), ("h", 4), ("d", 3), ("b", 3), ("w", 1), ("m", 1)]:
        for embed_type in ["fixed", "learned"]:
            name = f"temporal_embedding_every_freq_{embed_type}_{freq}"
            layout = "halves" if freq in "tb" else "interleaved"
            options = {"d_model": 5, "embed_type": embed_type, "freq": freq, "layout": layout}
            tables = [column for column in reversed(COLUMNS[:used])]
            # In the order of the weights: from the second on down to weekday, day, month.
            weights = [draw(generator(name + column), (SIZES[column], 5)) for column in tables]

            def function(trained, x, tables=tables, weights=weights):
                return sum(jnp.asarray(w)[x[..., COLUMNS.index(c)]] for c, w in zip(tables, trained or weights))

            layer_case.add_case(CASES, name, Weights(weights, embed_type == "learned"), [mark(name, (2, 4), used)],
                                options, function=function, layer_name="TemporalEmbedding", weights=weights)


class Weights:
    """Stands for a layer that holds these weights and has no call."""

    def __init__(self, values, trained):
        self.weights = [Value(v) for v in values]
        self.trainable_weights = self.weights if trained else []
        self.non_trainable_variables = [] if trained else self.weights

    def set_weights(self, values):
        for variable, value in zip(self.weights, values):
            variable.value = value


class Value:
    def __init__(self, value):
        self.value, self.shape = value, np.shape(value)


# ---- DataEmbeddingWithoutPosition

def data_case(name, shape, columns=None, **options):
    options = {"c_in": shape[-1], "d_model": 6} | options
    theirs = {key: value for key, value in options.items() if key not in ["minute_size"]}
    layer = DataEmbeddingWithoutPosition(**theirs)
    name = f"data_embedding_{name}"
    inputs = [draw(generator(name), shape)]
    if columns is not None:
        inputs.append(mark(name, shape[:2], columns, 4))
        layer.inputs_as_list = True
        layer([np.asarray(x) for x in inputs])
    layer_case.add_case(CASES, name, layer, inputs, options)


def data_cases():
    for embed_type in ["fixed", "learned"]:
        data_case(f"{embed_type}_h", (2, 6, 3), 4, embed_type=embed_type)
        data_case(f"{embed_type}_t", (2, 6, 1), 5, embed_type=embed_type, freq="t", minute_size=4)
        data_case(f"{embed_type}_without_mark", (2, 6, 3), embed_type=embed_type)
    data_case("dropout_0", (2, 5, 2), 5, dropout=0.0)
    data_case("dropout_1", (2, 5, 2), 5, dropout=1.0)
    data_case("one_step", (3, 1, 2), 4, embed_type="learned")
    data_case("one_column", (2, 4, 1), 4, d_model=2)


fixed_cases()
temporal_cases()
data_cases()

write("layers_calendar", {"versions": versions(), "cases": CASES})
