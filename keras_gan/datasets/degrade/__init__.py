"""Degradations: what a restoring network learns to undo, for `keras_gan.datasets.map`.

Each is a function of a batch of float32 images in [-1, 1], shape `(n, height, width, channels)`.
Those that draw take the `seed` that `map` gives; each sample has its own draw:

    def noisy(x, seed):
        return x, keras_gan.datasets.degrade.noise(x, 25, seed)

    dataset = keras_gan.datasets.map(dataset, noisy, seed=0)
"""

from keras_gan.datasets.degrade.chain import real_esrgan
from keras_gan.datasets.degrade.compression import jpeg, quantize
from keras_gan.datasets.degrade.masks import center_mask, free_form_masks, masked
from keras_gan.datasets.degrade.noise import noise
from keras_gan.datasets.degrade.resizing import bicubic, resize, upsample

__all__ = [
    "bicubic",
    "center_mask",
    "free_form_masks",
    "jpeg",
    "masked",
    "noise",
    "quantize",
    "real_esrgan",
    "resize",
    "upsample",
]
