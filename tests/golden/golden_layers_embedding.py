"""layers_embedding.json: Embedding, and Dropout in inference.

See layer_case.py for what a case holds.
"""

from common import generator, to_float32, use_precision, versions, write

import keras
import numpy as np

import layer_case

use_precision("float64")

CASES = {}


def indices(name, shape, rows, low=0):
    return generator(name).integers(low, rows, shape).astype(np.int32)


def embedding(name, inputs, *, input_dim=7, output_dim=3, penalty=False, **options):
    ours = {"input_dim": input_dim, "output_dim": output_dim, **options}
    for key, value in options.items():
        if key.endswith("_regularizer"):
            options[key] = keras.regularizers.L1L2(**value)
    layer = keras.layers.Embedding(input_dim, output_dim, **options)
    layer_case.add_case(CASES, f"embedding_{name}", layer, [inputs], ours, penalty=penalty)


def embedding_cases():
    embedding("page", indices("page", (4, 10), 1000), input_dim=1000, output_dim=8)
    embedding("one_step", indices("one_step", (3, 1), 7))
    embedding("one_feature", indices("one_feature", (3, 4), 7), output_dim=1)
    embedding("one_row", indices("one_row", (2, 3), 1), input_dim=1)
    embedding("rank_1", indices("rank_1", (5,), 7))
    embedding("rank_3", indices("rank_3", (2, 3, 4), 7))
    embedding("rank_4", indices("rank_4", (2, 2, 3, 2), 7), output_dim=5)
    embedding("all_the_same", np.full((2, 6), 3, dtype=np.int32))
    embedding("from_the_end", indices("from_the_end", (3, 5), 7, low=-7))
    embedding("float", to_float32([[0.0, 1.25, 6.0625], [2.75, 6.5, 0.5]]))
    embedding("float_from_the_end", to_float32([[-1.25, -7.5], [-0.5, -2.5]]))
    embedding("mask_zero", indices("mask_zero", (3, 5), 3), mask_zero=True)
    embedding("mask_zero_everywhere", np.zeros((2, 4), dtype=np.int32), mask_zero=True)
    embedding("mask_zero_rank_1", np.array([0, 4, 0], dtype=np.int32), mask_zero=True)
    embedding("mask_zero_rank_3", indices("mask_zero_rank_3", (2, 3, 2), 2), mask_zero=True)
    embedding("mask_zero_float", to_float32([[0.0, 1.25], [2.5, 0.0]]), mask_zero=True)
    embedding("initializer", indices("initializer", (2, 3), 7), embeddings_initializer="glorot_normal")
    embedding("regularizer", indices("regularizer", (2, 3), 7), embeddings_regularizer={"l1": 0.01, "l2": 0.1}, penalty=True)
    embedding("activity_regularizer", indices("activity_regularizer", (2, 3), 7), activity_regularizer={"l2": 0.1},
              penalty=True)
    embedding("constraint", indices("constraint", (2, 3), 7), embeddings_constraint="unit_norm")


def dropout_cases():
    for name, shape, options in [
        ("rank_1", (4,), {"rate": 0.5}),
        ("rank_3", (2, 3, 4), {"rate": 0.1}),
        ("nothing", (2, 3), {"rate": 0.0}),
        ("everything", (2, 3), {"rate": 1.0}),
        ("seed", (2, 3), {"rate": 0.25, "seed": 7}),
        ("noise_shape", (2, 3, 4), {"rate": 0.25, "noise_shape": [None, 1, 4]}),
        ("noise_shape_of_a_batch", (2, 3, 4), {"rate": 0.25, "noise_shape": [1, None, 1]}),
    ]:
        layer_case.add_case(CASES, f"dropout_{name}", keras.layers.Dropout(**options), [shape], options)
    mask = np.array([[1, 1, 0], [0, 0, 0]])
    layer_case.add_case(CASES, "dropout_masked", keras.layers.Dropout(0.5), [(2, 3, 2)], {"rate": 0.5}, masks=[mask])


embedding_cases()
dropout_cases()
write("layers_embedding", {"versions": versions(), "cases": CASES})
