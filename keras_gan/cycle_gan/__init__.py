"""CycleGAN: translations between two domains without pairs, four networks in one game."""

from keras_gan.cycle_gan.model import CycleGAN

__all__ = ["CycleGAN"]
