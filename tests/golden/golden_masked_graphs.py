"""masked_graphs.json: functional models of Keras, drawn by chance, in which masks travel and are given.

Keras computes the masks that travel by operations, which count in the depth of a layer, and so in the order of layers and of
weights. Each model is written down in float32, and predicts in float64 with drawn weights. `python golden_masked_graphs.py FIRST
COUNT FILE` draws others than those that are kept.

No query of an attention carries a mask: a query that sees no key has the scores 0 here, and takes the mean of the values in Keras.
"""

import json
import sys

import keras
import keras_hub
import numpy as np
from keras import layers

from common import draw, exact, generator, result, use_precision, versions, write

STEPS, WIDTH = 5, 4


class Graph:
    """A model of one drawn graph; all draws come from `rng`."""

    def __init__(self, rng):
        self.rng = rng
        self.inputs = [layers.Input((STEPS,), dtype="int32"), layers.Input((STEPS, WIDTH))]
        self.tensors = [layers.Embedding(7, WIDTH, mask_zero=True)(self.inputs[0]), layers.Dense(WIDTH)(self.inputs[1])]
        for _ in range(rng.integers(3, 8)):
            self.tensors.append(self.choose(self.INNER)(self))
        count = rng.integers(1, 3)
        outputs = [self.choose(self.ENDS)(self) for _ in range(count)]
        self.model = keras.Model(self.reached(outputs), outputs if count > 1 else outputs[0])

    def choose(self, among):
        return among[self.rng.integers(len(among))]

    def any(self):
        return self.tensors[-1] if self.rng.random() < 0.5 else self.choose(self.tensors)

    def without_mask(self):
        return self.choose([x for x in self.tensors if keras.src.backend.get_keras_mask(x) is None])

    def mask(self, *shape):
        self.inputs.append(layers.Input(shape, dtype=self.choose(["int32", "bool"])))
        return self.inputs[-1]

    def reached(self, outputs):
        """The inputs that lead to an output."""
        found = set()

        def walk(tensors):
            for tensor in tensors:
                operation, index, _ = tensor._keras_history
                node = operation._inbound_nodes[index]
                if node in found:
                    continue
                found.add(node)
                walk(node.input_tensors)

        walk(outputs)
        return [x for x in self.inputs if x._keras_history.operation._inbound_nodes[0] in found]

    # ---- what a graph is made of

    def embed(self):
        return layers.Embedding(7, WIDTH, mask_zero=bool(self.rng.random() < 0.7))(self.inputs[0])

    def dense(self):
        return layers.Dense(WIDTH, activation=self.choose([None, "tanh"]))(self.any())

    def normalize(self):
        return self.choose([layers.RMSNormalization, layers.LayerNormalization])()(self.any())

    def pass_on(self):
        return self.choose([lambda: layers.Activation("gelu"), lambda: layers.Dropout(0.1), lambda: layers.ReLU()])()(self.any())

    def merge(self):
        kind = self.choose([layers.Add, layers.Multiply, layers.Average, layers.Maximum, layers.Subtract])
        count = 2 if kind is layers.Subtract else self.rng.integers(2, 4)
        return kind()([self.any() for _ in range(count)])

    def concatenate(self):
        return layers.Dense(WIDTH)(layers.Concatenate()([self.any() for _ in range(self.rng.integers(2, 4))]))

    def convolve(self):
        return layers.Conv1D(WIDTH, 2, padding="causal")(self.any())

    def attend(self):
        masks = {
            name: self.mask(*shape)
            for name, shape in {"value_mask": (STEPS,), "key_mask": (STEPS,), "attention_mask": (STEPS, STEPS)}.items()
            if self.rng.random() < 0.3
        }
        key = {"key": self.any()} if self.rng.random() < 0.4 else {}
        return layers.MultiHeadAttention(2, 3)(self.without_mask(), self.any(), **key, **masks)

    def encode(self):
        masks = {
            name: self.mask(*shape)
            for name, shape in {"padding_mask": (STEPS,), "attention_mask": (STEPS, STEPS)}.items()
            if self.rng.random() < 0.5
        }
        return keras_hub.layers.TransformerEncoder(6, 2)(self.without_mask(), **masks)

    def softmax(self):
        return layers.Softmax()(self.without_mask())

    def nested(self, given):
        x = layers.Input((STEPS, WIDTH))
        inner = keras.Model(x, layers.Dense(WIDTH)(layers.LayerNormalization()(layers.Dense(WIDTH)(x))))
        return inner(given)

    def nest(self):
        return self.nested(self.without_mask())

    INNER = [embed, dense, normalize, pass_on, merge, merge, concatenate, concatenate, convolve, attend, encode, softmax, nest]

    # ---- and where it ends

    def pool(self):
        return layers.GlobalAveragePooling1D()(self.any())

    def pool_both(self):
        along = self.choose([1, 2])
        return layers.GlobalAveragePooling1D()(layers.Concatenate(axis=along)([self.any(), self.any()]))

    def as_it_is(self):
        return layers.Dense(2)(self.any())

    def pool_nested(self):
        """Keras' graph has no mask behind the inner model, but the data has."""
        return layers.GlobalAveragePooling1D()(self.nested(self.any()))

    def softmax_of_some(self):
        """Behind it Keras takes the mask as one of steps."""
        return layers.Softmax()(self.without_mask(), mask=self.mask(STEPS, WIDTH))

    ENDS = [pool, pool_both, as_it_is, pool_nested, softmax_of_some]


def data_of(rng, tensor):
    if tensor.dtype == "float32" or tensor.dtype == "float64":
        return draw(rng, (3, *tensor.shape[1:]))
    data = rng.integers(0, 3, (3, *tensor.shape[1:]))
    data[..., 0] = 1  # something counts in every row
    return (data > 0).astype("float64") if tensor.dtype == "bool" or len(tensor.shape) > 2 else data.astype("float64")


def case(name):
    def made(precision):
        use_precision(precision)
        keras.utils.clear_session()
        return Graph(generator(name)).model

    rng = generator(name + " data")
    model = made("float32")
    written = {"to_json": model.to_json(), "layers": [layer.name for layer in model.layers]}
    weights = [draw(rng, w.shape, 0.5) for w in model.get_weights()]
    data = [data_of(rng, tensor) for tensor in model.inputs]
    dtypes = [tensor.dtype for tensor in model.inputs]
    model = made("float64")
    model.set_weights(weights)
    given = [x.astype("float64" if dtype == "float32" else dtype) for x, dtype in zip(data, dtypes)]
    predicted = keras.tree.flatten(model.predict(given if len(given) > 1 else given[0], verbose=0))
    return written | {
        "dtypes": dtypes,
        "weights": [exact(w) for w in weights],
        "data": [exact(x) for x in data],
        "predicted": [result(np.asarray(y, dtype="float64")) for y in predicted],
    }


if __name__ == "__main__":
    first, count = (int(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 1 else (0, 30)
    content = {"versions": versions(), "models": {f"graph_{i}": case(f"graph_{i}") for i in range(first, first + count)}}
    if len(sys.argv) > 3:
        with open(sys.argv[3], "w", encoding="utf-8") as file:
            json.dump(content, file)
    else:
        write("masked_graphs", content)
