"""Sparsemax, Martins and Astudillo (2016), "From Softmax to Sparsemax".

Keras 3.15.1 sums the cumulative sums, so its sparsemax is right only where a single entry is not zero.
"""

import jax.numpy as jnp


def sparsemax(x):
    # z sorted downwards; k = the largest j with 1 + j z_j > z_1 + ... + z_j; tau = (z_1 + ... + z_k - 1) / k
    z = -jnp.sort(-x, axis=-1)
    total = jnp.cumsum(z, axis=-1)
    j = jnp.arange(1, x.shape[-1] + 1)
    in_support = 1 + j * z > total
    k = jnp.sum(in_support, axis=-1, keepdims=True)
    tau = (jnp.take_along_axis(total, k - 1, axis=-1) - 1) / k
    return jnp.maximum(x - tau, 0)
