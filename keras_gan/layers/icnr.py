"""ICNR: the initializer of a convolution before a pixel shuffle."""

import keras
from keras import ops

from keras_gan.utils import arguments


@keras.saving.register_keras_serializable("keras_gan")
class ICNR(keras.initializers.Initializer):
    """Start a convolution and the `PixelShuffle` behind it as nearest upsampling.

    All `scale * scale` kernels that make one channel of the larger image start equal: its pixels
    start equal in blocks, as those of nearest upsampling of one convolution. Kernels that start
    independent of each other make a checkerboard, which training takes long to remove.

    Args:
        scale: that of the `PixelShuffle` behind the convolution, an integer of at least 2.
        initializer: initializer of the one kernel, as Keras takes it; it is asked for a kernel
            with `scale * scale` times fewer output channels.

    Raises:
        ValueError: when `scale` is no integer of at least 2, or its square does not divide the
            output channels.

    Example:

    >>> kernel = keras_gan.layers.ICNR(2)((3, 3, 16, 8))
    >>> bool(keras.ops.all(kernel[..., :2] == kernel[..., 6:]))
    True

    Reference:
        - [Aitken et al., 2017](https://arxiv.org/abs/1707.02937)
    """

    def __init__(self, scale=2, initializer="glorot_uniform"):
        self.scale = arguments.whole("scale", scale, least=2)
        self.initializer = keras.initializers.get(initializer)

    def __call__(self, shape, dtype=None):
        """Return a kernel, output channels on the last axis."""
        *rest, channels = shape
        if channels % self.scale**2:
            raise ValueError(
                f"Expected output channels that {self.scale}² = {self.scale**2} divides, for "
                f"ICNR(scale={self.scale}). Received: a kernel of shape {tuple(shape)}"
            )
        base = self.initializer((*rest, channels // self.scale**2), dtype=dtype)
        # PixelShuffle reads channels as (dy, dx, c): whole kernels, one after another.
        return ops.tile(base, (*(1 for _ in rest), self.scale**2))

    def get_config(self):
        """Return the constructor's arguments."""
        inner = keras.saving.serialize_keras_object(self.initializer)
        return {"scale": self.scale, "initializer": inner}
