"""Training of helper networks that leaves the caller's random state and strategy alone."""

import concurrent.futures
import contextlib
import random

import keras
import numpy as np
import tensorflow as tf


@contextlib.contextmanager
def undisturbed(seed=None):
    """Build networks in float32, and leave the caller's random state and policy as they were.

    Keras draws the seed of an initializer or layer that is given none from Python's `random`, so
    that the weights of a model would depend on whether a metric built a network before it.

    Args:
        seed: integer that what is built then follows from, or `None`.
    """
    policy = keras.config.dtype_policy()
    states = random.getstate(), np.random.get_state()
    keras.config.set_dtype_policy("float32")
    if seed is not None:
        random.seed(seed)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)
        random.setstate(states[0])
        np.random.set_state(states[1])


def outside_strategies(function, *arguments):
    """Call a function as if no `tf.distribute` strategy's scope were entered.

    What it trains would otherwise be copied to all replicas, and its updates wait for theirs.
    """
    if not tf.distribute.has_strategy():
        return function(*arguments)
    # A scope belongs to a thread.
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *arguments).result()
