"""Layers that work with a function of their kernel: the base of their wrappers."""

import keras

from keras_gan.utils.arguments import shown
from keras_gan.utils.kernels import kernel_of


class Reparametrized(keras.layers.Wrapper):
    """A layer that works with a function of its kernel in the kernel's place.

    The kernel itself is the weight that is trained, and is never overwritten; gradients flow
    through the function. A subclass says which one, in `normalized_kernel`.

    Args:
        layer: a layer with one kernel, its output channels on the last axis.
        name: the layer's name.

    Raises:
        TypeError: when `layer` is not a Keras layer.
        ValueError: when it is built and has no kernel.
    """

    def __init__(self, layer, name=None, **kwargs):
        if not isinstance(layer, keras.layers.Layer):
            raise TypeError(
                "Expected a Keras layer, such as `keras.layers.Dense(1)`. "
                f"Received: layer={shown(layer)} of type {type(layer)}"
            )
        # Not in the compute dtype: the layer casts its inputs and its kernel itself.
        kwargs["dtype"] = layer.variable_dtype
        super().__init__(layer, name=name, autocast=False, **kwargs)
        self.supports_masking = layer.supports_masking

    @property
    def activation(self):
        """The activation of the wrapped layer, or `None`."""
        return getattr(self.layer, "activation", None)

    def build(self, input_shape):
        """Build the layer, and check that it has a kernel."""
        super().build(input_shape)
        if kernel_of(self.layer) is None:
            raise ValueError(
                "Expected a layer with a kernel: Dense, Conv1D to Conv3D, Conv1DTranspose to "
                "Conv3DTranspose or Embedding. "
                f"Received: layer={shown(self.layer.name)} of type {type(self.layer).__name__}"
            )

    def normalized_kernel(self):
        """Return what the layer works with, in the kernel's shape, in float32 or wider."""
        raise NotImplementedError

    @property
    def _kernel_dtype(self):
        """The dtype that kernels are computed in, whatever the policy."""
        return "float64" if self.layer.variable_dtype == "float64" else "float32"

    def call(self, inputs):
        """Call the layer with a function of its kernel."""
        kernel = kernel_of(self.layer)
        # All of its variables: in a scope within a scope those not named have their own values.
        values = [(w, w.value) for w in self.layer.variables if w is not kernel]
        values.append((kernel, self.normalized_kernel()))
        with keras.StatelessScope(values, collect_losses=True, initialize_variables=False) as scope:
            outputs = self.layer(inputs)
        for loss in scope.losses:
            self.add_loss(loss)
        return outputs

    def compute_output_spec(self, inputs):
        """Return what the layer says of its output."""
        return self.layer.compute_output_spec(inputs)

    def compute_output_shape(self, input_shape):
        """Return what the layer says of its output's shape."""
        return self.layer.compute_output_shape(input_shape)
