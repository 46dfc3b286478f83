"""The activations that a string can name, and the one that Keras 3.15.1 gets wrong."""

import jax.numpy as jnp

# threshold needs two more arguments, so its name alone is of no use.
ALONG_LAST_AXIS = ["glu", "softmax", "log_softmax", "sparsemax"]
ACTIVATIONS = """relu relu6 leaky_relu elu selu celu gelu glu silu swish mish softplus softsign softmax log_softmax sparsemax
sigmoid log_sigmoid hard_sigmoid sparse_sigmoid hard_silu hard_swish tanh hard_tanh tanh_shrink soft_shrink hard_shrink
squareplus sparse_plus exponential linear""".split()


def activation(name):
    """What to give to Keras: the name, or the function that stands in for it."""
    return sparsemax if name == "sparsemax" else name


def sparsemax(x):
    """Martins and Astudillo (2016), "From Softmax to Sparsemax".

    Keras 3.15.1 sums the cumulative sums, so its sparsemax is right only where a single entry is not zero.
    """
    # z sorted downwards; k = the largest j with 1 + j z_j > z_1 + ... + z_j; tau = (z_1 + ... + z_k - 1) / k
    z = -jnp.sort(-x, axis=-1)
    total = jnp.cumsum(z, axis=-1)
    j = jnp.arange(1, x.shape[-1] + 1)
    in_support = 1 + j * z > total
    k = jnp.sum(in_support, axis=-1, keepdims=True)
    tau = (jnp.take_along_axis(total, k - 1, axis=-1) - 1) / k
    return jnp.maximum(x - tau, 0)
