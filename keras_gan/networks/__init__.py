"""Ready-made pairs of networks: plain Functional Keras models to print, change and replace."""

from keras_gan.networks.dcgan import dcgan
from keras_gan.networks.mlp import mlp

__all__ = ["dcgan", "mlp"]
