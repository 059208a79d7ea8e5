"""Layers called in every way that a network calls them."""

import keras
import numpy as np
import tensorflow as tf


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def called_everywhere(layer, *inputs):
    """Return what a layer makes of arrays, the same in a graph with free sides and through XLA.

    Shapes that the layer computes, with free sides and without, are those that it returns.
    """
    nest = list(inputs) if len(inputs) > 1 else inputs[0]
    eager = _arrays(layer(nest))
    free = [tf.TensorSpec((None, *(None for _ in x.shape[1:-1]), x.shape[-1])) for x in inputs]
    signature = [free if len(inputs) > 1 else free[0]]
    for options in ({}, {"jit_compile": True}):
        # XLA needs sides: it is compiled for those that come.
        graph = tf.function(layer, input_signature=None if options else signature, **options)
        for one, other in zip(_arrays(graph(nest)), eager, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    for shapes in ([x.shape for x in inputs], [tuple(spec.shape) for spec in free]):
        told = layer.compute_output_shape(shapes if len(inputs) > 1 else shapes[0])
        told = [tuple(shape) for shape in (told if isinstance(told, list) else [told])]
        for shape, array in zip(told, eager, strict=True):
            assert len(shape) == array.ndim and shape[-1] == array.shape[-1]
            assert all(side in (None, real) for side, real in zip(shape, array.shape, strict=True))
    return eager if len(eager) > 1 else eager[0]


def reloaded(layer, path, *inputs):
    """Return a layer that was saved in a network and loaded, and assert that it does the same."""
    symbols = [keras.Input(x.shape[1:]) for x in inputs]
    outputs = layer(symbols if len(symbols) > 1 else symbols[0])
    network = keras.Model(symbols, outputs)
    network.save(path / "network.keras")
    loaded = keras.saving.load_model(path / "network.keras", safe_mode=True)
    for one, other in zip(
        _arrays(loaded(list(inputs))), _arrays(network(list(inputs))), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    return loaded.get_layer(layer.name)


def _arrays(outputs):
    return [keras.ops.convert_to_numpy(x) for x in tf.nest.flatten(outputs)]
