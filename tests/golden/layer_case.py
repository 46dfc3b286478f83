"""A case of a layer: what goes in, what comes out, and the gradients.

For a layer called on inputs x, with trainable weights w and upstream gradients dy ("doutputs"), one for each output:
  outputs     y = layer(x; w)
  dinputs     d<y, dy>/dx (null for indices),  dweights  d<y, dy>/dw
  penalty     the regularisation losses of the layer together, with penalty_dinputs and penalty_dweights, their
              gradients alone (so training with loss L has the gradient dL + dpenalty).
  masks       the masks that the inputs carry (or null), output_masks those that the outputs carry
  arguments   of the call
All of it in inference: nothing is dropped.
"""

from common import draw, exact, finite, generator, result

import jax
import jax.numpy as jnp
import keras
import numpy as np
from keras.src import backend


def add_case(cases, name, layer, inputs, options, *, arguments=None, masks=None, function=None, layer_name=None,
             weight_scale=0.5, weights=None, scale=1.0, penalty=False, kinks=False):
    """Computes a case and adds it to `cases`.

    An input is a shape, to be drawn from a normal distribution of deviation `scale`, or an array; int32 arrays are
    indices. `options` are the layer's here, `layer_name` its class where it is not Keras' own. `function(weights, *inputs)`
    stands for the layer's own call where Keras has no such layer; then `layer` is None or holds the weights. `kinks` says
    that the inputs may lie where a derivative jumps, so that gradients are not compared with differences.
    """
    assert name not in cases, name
    rng = generator(name)
    inputs = [draw(rng, x, scale) if isinstance(x, tuple) else np.asarray(x) for x in inputs]
    arguments = arguments or {}
    masks = masks or [None] * len(inputs)

    def masked(inputs):
        inputs = [jnp.asarray(x) for x in inputs]
        for x, mask in zip(inputs, masks):
            if mask is not None:
                backend.set_keras_mask(x, jnp.asarray(mask, dtype=bool))
        return inputs

    if function is None:
        layer(*masked(inputs), **arguments) if len(inputs) == 1 or not takes_list(layer) else layer(masked(inputs))
    variables = layer.weights if layer is not None else []
    trainable = layer.trainable_weights if layer is not None else []
    if weights is None:
        weights = [draw(rng, w.shape, weight_scale) for w in variables]
    if layer is not None:
        layer.set_weights(weights)
    trained = [jnp.asarray(w.value) for w in trainable]
    fixed = [jnp.asarray(w.value) for w in layer.non_trainable_variables] if layer is not None else []

    def call(trained, *inputs):
        inputs = masked(inputs)
        if function is not None:
            outputs = function(trained, *inputs)
        elif takes_list(layer) and len(inputs) > 1:
            outputs = layer.stateless_call(trained, fixed, inputs, **arguments)[0]
        else:
            outputs = layer.stateless_call(trained, fixed, *inputs, **arguments)[0]
        return tuple(outputs) if isinstance(outputs, (tuple, list)) else (outputs,)

    def with_indices(floats):
        values = iter(floats)
        return [x if x.dtype == np.int32 else next(values) for x in inputs]

    def of_floats(trained, *floats):
        return call(trained, *with_indices(floats))

    floats = [jnp.asarray(x) for x in inputs if x.dtype != np.int32]
    outputs, pullback = jax.vjp(of_floats, trained, *floats)
    doutputs = [draw(rng, y.shape) for y in outputs]
    dweights, *dfloats = pullback(tuple(jnp.asarray(dy) for dy in doutputs))
    if not kinks:
        check_gradient(rng, of_floats, trained, floats, doutputs, dweights, dfloats)
    dfloats = iter(dfloats)

    case = {"layer": layer_name or type(layer).__name__, "options": options}
    if arguments:
        case["arguments"] = arguments
    case["inputs"] = [tensor(x) for x in inputs]
    if any(mask is not None for mask in masks):
        case["masks"] = [mask if mask is None else exact(np.asarray(mask, dtype=np.float64)) for mask in masks]
    case |= {
        "weights": [exact(w) for w in weights],
        "outputs": [result(y) for y in outputs],
        "doutputs": [exact(dy) for dy in doutputs],
        "dinputs": [None if x.dtype == np.int32 else result(next(dfloats)) for x in inputs],
        "dweights": [result(d) for d in dweights],
    }
    if function is None and ("masks" in case or getattr(layer, "mask_zero", False)):
        eager = layer(masked(inputs), **arguments) if takes_list(layer) else layer(*masked(inputs), **arguments)
        eager = eager if isinstance(eager, (tuple, list)) else [eager]
        found = [backend.get_keras_mask(y) for y in eager]
        case["output_masks"] = [None if m is None else exact(np.asarray(m, dtype=np.float64)) for m in found]
    if penalty:
        def loss(trained, floats):
            # stateless_call() passes the activity regularizer by; calling the layer does not.
            mapping = list(zip(layer.trainable_variables, trained))
            with keras.StatelessScope(state_mapping=mapping, collect_losses=True):
                layer(*with_indices(floats), **arguments)
                return sum(layer.losses)

        value, (penalty_dweights, penalty_dinputs) = jax.value_and_grad(loss, argnums=(0, 1))(trained, floats)
        case["penalty"] = finite([value])[0]
        case["penalty_dweights"] = [result(d) for d in penalty_dweights]
        penalty_dinputs = iter(penalty_dinputs)
        case["penalty_dinputs"] = [None if x.dtype == np.int32 else result(next(penalty_dinputs)) for x in inputs]
    cases[name] = case


def takes_list(layer):
    """Whether the layer is called on a list of inputs rather than on several arguments."""
    return isinstance(layer, keras.src.layers.merging.base_merge.Merge) or getattr(layer, "inputs_as_list", False)


def tensor(array):
    if array.dtype == np.int32:
        return {"shape": list(array.shape), "data": [int(v) for v in array.ravel()], "dtype": "int32"}
    return exact(array)


def check_gradient(rng, function, trained, floats, doutputs, dweights, dfloats):
    """Against a central difference along one random direction (an x of about 0 stays: relu has its kink there)."""
    values, gradients = [*trained, *floats], [*dweights, *dfloats]
    if not values:
        return
    directions = [rng.standard_normal(w.shape) for w in trained]
    directions += [rng.standard_normal(x.shape) * (abs(x) > 1e-5) for x in floats]
    step = 1e-6

    def moved(sign):
        at = [value + sign * step * d for value, d in zip(values, directions)]
        outputs = function(at[: len(trained)], *at[len(trained) :])
        return sum(float((y * dy).sum()) for y, dy in zip(outputs, doutputs))

    difference = (moved(1) - moved(-1)) / (2 * step)
    gradient = sum(float((g * d).sum()) for g, d in zip(gradients, directions))
    assert abs(difference - gradient) <= 1e-6 * max(1, abs(gradient)), (difference, gradient)
