"""The condition of an export's requests: a nest of tensors, given one by one under their names."""

import keras
import numpy as np
import tensorflow as tf

from keras_gan.export.limits import example


class Conditions:
    """The parts of the condition that a model's generator takes.

    Args:
        model: a built `GAN`.

    Raises:
        ValueError: when the condition can't be read off the generator.
    """

    def __init__(self, model):
        self._structure = model.condition.structure()
        self._classes = model.num_classes
        self.specs = {}
        for path, tensor in (
            keras.tree.flatten_with_path(self._structure) if self._structure is not None else ()
        ):
            name = "_".join(["condition", *map(str, path)])
            self.specs[name] = tf.TensorSpec(tensor.shape, tensor.dtype, name=name)

    def of(self, inputs):
        """Return the condition, as the generator takes it, from inputs by name."""
        if not self.specs:
            return None
        return keras.tree.pack_sequence_as(self._structure, [inputs[name] for name in self.specs])

    def example(self, rows):
        """Return a condition of some rows: all labels in turn, floats between -1 and 1."""
        inputs = {name: self._example(spec, rows) for name, spec in self.specs.items()}
        return self.of({name: tf.constant(array) for name, array in inputs.items()})

    def _example(self, spec, rows):
        array = example(spec, rows)
        if spec.dtype.is_floating:
            return np.random.default_rng(0).uniform(-1, 1, array.shape).astype(array.dtype)
        if self._classes and spec.dtype.is_integer:
            turn = np.arange(rows) % self._classes
            return np.broadcast_to(turn.reshape(-1, *[1] * (array.ndim - 1)), array.shape)
        return array
