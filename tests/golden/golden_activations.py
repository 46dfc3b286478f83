"""activations.json: values and derivatives of every activation, far out and at the points where a derivative jumps."""

import jax
import jax.numpy as jnp
import keras
import numpy as np

from activation_names import ACTIVATIONS, ALONG_LAST_AXIS, activation
from common import draw, exact, finite, generator, result, to_float32, use_precision, versions, write

GRID = np.concatenate([
    [-100.0, -50.0],
    np.round(np.linspace(-12, 12, 60), 3),
    [50.0, 100.0],
    [-1e-2, -1e-4, -1e-8, -1e-20, 1e-20, 1e-8, 1e-4, 1e-2],
])
JUMPS = np.array([-6.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0])

# At -1.5, .3 and 2, seen in float32 runs of Keras on JAX, TensorFlow and PyTorch alike.
KNOWN = {
    "elu": [-0.77686983, 0.3, 2], "selu": [-1.3658143, 0.3152103, 2.101402],
    "gelu": [-0.10021083, 0.18537343, 1.9544997], "silu": [-0.2736383, 0.17233276, 1.761594],
    "mish": [-0.2980997, 0.20800136, 1.943959], "softplus": [0.20141329, 0.8543553, 2.126928],
    "softsign": [-0.6, 0.23076925, 0.6666667], "sigmoid": [0.18242553, 0.5744425, 0.880797],
    "log_sigmoid": [-1.7014133, -0.55435526, -0.126928], "hard_sigmoid": [0.25, 0.55, 0.8333334],
    "hard_silu": [-0.375, 0.165, 1.6666667], "tanh": [-0.9051482, 0.2913126, 0.9640276],
    "tanh_shrink": [-0.5948518, 0.008687407, 1.0359724], "soft_shrink": [-1, 0, 1.5],
    "squareplus": [0.5, 1.1611874, 2.4142137], "sparse_plus": [0, 0.42249995, 2],
    "softmax": [0.024897238, 0.1506195, 0.8244833],
}


def evaluate(name, x, precision):
    """Values and derivatives of an elementwise activation, in this precision."""
    use_precision(precision)
    function = keras.activations.get(activation(name))
    x = jnp.asarray(x, dtype=precision)
    y, dy = function(x), jax.vmap(jax.grad(function))(x)
    assert y.dtype == dy.dtype == precision
    return np.asarray(y, dtype=np.float64), np.asarray(dy, dtype=np.float64)


def elementwise(name):
    # exp(100) is no float32
    x = to_float32(GRID[GRID < 80] if name == "exponential" else GRID)
    y, dy = evaluate(name, x, "float64")
    y_single, dy_single = evaluate(name, x, "float32")
    assert np.allclose(y, y_single, rtol=1e-5, atol=1e-5) and np.allclose(dy, dy_single, rtol=1e-5, atol=1e-5), name
    jump_y, jump_dy = evaluate(name, JUMPS, "float64")
    single_y, single_dy = evaluate(name, JUMPS, "float32")
    # Which side of a jump the derivative takes must not depend on the precision.
    assert np.allclose(jump_y, single_y, atol=1e-5) and np.allclose(jump_dy, single_dy, atol=1e-5), name
    return {
        "x": exact(x)["data"], "y": finite(y), "dy": finite(dy),
        "at_jumps": {"x": exact(JUMPS)["data"], "y": finite(jump_y), "dy": finite(jump_dy)},
    }


def along_last_axis(name):
    """Rows with ties, large numbers and one entry far above the others. dinput is the gradient of <output, doutput>."""
    use_precision("float64")
    rows = [[1, 0.8, 0.1, -1], [0.1, 0.2, 0.3, 0.4], [2, 2, 2, 2], [1000, 999.5, -1000, 0], [-50, -50.25, -49.375, -51],
            [0, 0, 0, 100], [0.5, 0.5, -0.5, 0.25]]
    x = jnp.asarray(to_float32(rows))
    function = keras.activations.get(activation(name))
    y, pullback = jax.vjp(function, x)
    doutput = draw(generator(name), y.shape)
    (dinput,) = pullback(jnp.asarray(doutput))
    return {"input": exact(x), "output": result(y), "doutput": exact(doutput), "dinput": result(dinput)}


def check_known():
    use_precision("float64")
    for name, expected in KNOWN.items():
        y = keras.activations.get(name)(jnp.array([[-1.5, 0.3, 2.0]], dtype="float64"))[0]
        assert np.allclose(y, expected, rtol=1e-6, atol=1e-6), (name, y)
    assert np.allclose(activation("sparsemax")(jnp.array([1, 0.8, 0.1])), [0.6, 0.4, 0])


check_known()
write("activations", {
    "versions": versions(),
    "elementwise": {name: elementwise(name) for name in ACTIVATIONS if name not in ALONG_LAST_AXIS},
    "along_last_axis": {name: along_last_axis(name) for name in ALONG_LAST_AXIS},
    # What Keras writes into a config for each name.
    "serialized": {name: keras.activations.serialize(keras.activations.get(name)) for name in ACTIVATIONS}
    | {"threshold": "threshold"},
})
