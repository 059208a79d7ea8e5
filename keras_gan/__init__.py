"""Train, measure, scale and serve generative adversarial networks in Keras 3 on TensorFlow."""

import keras

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        "keras_gan trains and serves with TensorFlow and needs Keras on its TensorFlow backend. "
        f"Received: backend={keras.backend.backend()!r}. Set the environment variable "
        'KERAS_BACKEND=tensorflow before Python starts, or "backend": "tensorflow" in '
        "~/.keras/keras.json."
    )

from keras_gan.utils import private_names

if private_names.missing():
    raise ImportError(private_names.explanation(private_names.missing()))

from keras_gan import (
    augmentation,
    callbacks,
    datasets,
    export,
    latents,
    layers,
    losses,
    metrics,
    networks,
    recipes,
    schedules,
    terms,
    workers,
)
from keras_gan.averaging import GeneratorAverage
from keras_gan.cycle_gan import CycleGAN
from keras_gan.data.tiling import tiled
from keras_gan.gan import GAN
from keras_gan.utils.loading import load_model
from keras_gan.utils.version import __version__

__all__ = [
    "GAN",
    "CycleGAN",
    "GeneratorAverage",
    "__version__",
    "augmentation",
    "callbacks",
    "datasets",
    "export",
    "latents",
    "layers",
    "load_model",
    "losses",
    "metrics",
    "networks",
    "recipes",
    "schedules",
    "terms",
    "tiled",
    "workers",
]
