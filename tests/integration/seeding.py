"""The seed of what Keras draws initial weights and layers' seeds from."""

import random

import numpy as np


def seeded(seed):
    """Seed Python's random numbers, which Keras's follow from, and NumPy's.

    `keras.utils.set_random_seed` seeds TensorFlow's too, which then forgets its kernels: the next
    step of a model that is traced already costs up to a second. Nothing here draws from those.
    """
    random.seed(seed)
    np.random.seed(seed)
