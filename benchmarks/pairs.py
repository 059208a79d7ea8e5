"""Timing in pairs: two functions in alternation, as machines are noisy, and what they train on."""

import time

import numpy as np
import tensorflow as tf


def images(steps, *shape, parts=1):
    """Return a dataset of random images in [-1, 1], in memory.

    Args:
        steps: how many batches.
        shape: of a batch.
        parts: tensors in an element, a tuple if there are several.
    """
    rng = np.random.default_rng(0)
    arrays = [rng.uniform(-1, 1, (steps, *shape)).astype("float32") for _ in range(parts)]
    # Without autotuning, which now and then stalls the end of a pass, of either of the two.
    options = tf.data.Options()
    options.autotune.enabled = False
    data = tf.data.Dataset.from_tensor_slices(tuple(arrays) if parts > 1 else arrays[0])
    return data.prefetch(2).with_options(options)


def seconds(function, *inputs):
    """Return how long a call takes."""
    start = time.perf_counter()
    function(*inputs)
    return time.perf_counter() - start


def alternating(functions, rounds, *inputs):
    """Yield the seconds of both functions, round by round; each is the first in every other one.

    Args:
        functions: the two.
        rounds: how many.
        inputs: what they are called on.
    """
    for number in range(rounds):
        found = {i: seconds(functions[i], *inputs) for i in ((0, 1) if number % 2 else (1, 0))}
        yield found[0], found[1]
