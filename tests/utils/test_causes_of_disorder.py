"""What a pipeline's order depends on is still to be read off TensorFlow's datasets."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gan.datasets import from_arrays
from keras_gan.utils.keras_internals import causes_of_disorder

Data = tf.data.Dataset


def numbers(n=8):
    return Data.range(n)


def generated():
    return Data.from_generator(lambda: iter([1]), output_signature=tf.TensorSpec((), tf.int32))


def drawn(seed=None):
    return numbers().map(lambda i: tf.random.uniform([], seed=seed))


def kept_state():
    generator = tf.random.Generator.from_seed(3)
    return numbers().map(lambda i: generator.uniform([]))


def flipped():
    flip = keras.layers.RandomFlip(seed=3)
    return numbers().map(lambda i: flip(tf.zeros((4, 4, 1)), training=True))


def zipped():
    return Data.zip({"a": numbers(), "b": (generated(), numbers().shuffle(2))})


def deep():
    return numbers().flat_map(lambda i: numbers().flat_map(lambda j: numbers().shuffle(2)))


@pytest.mark.parametrize(
    "make, causes",
    [
        (lambda: numbers().batch(2).prefetch(1).with_options(tf.data.Options()), set()),
        (lambda: numbers().map(lambda x: x + 1).interleave(lambda x: numbers(3)), set()),
        (lambda: numbers().shuffle(4).batch(2).prefetch(1), {"shuffle"}),
        (lambda: numbers().shuffle(4, seed=1), {"shuffle"}),
        (lambda: numbers().shuffle(4, seed=1, reshuffle_each_iteration=False), set()),
        (lambda: numbers().shuffle(4, reshuffle_each_iteration=False), {"shuffle"}),
        (lambda: numbers().shuffle(4, seed=1).cache(), set()),
        (lambda: numbers().shuffle(4).cache(), {"shuffle"}),
        (lambda: Data.random(), {"shuffle"}),
        (lambda: Data.random(seed=1), set()),
        (lambda: Data.random(seed=1, rerandomize_each_iteration=True), {"shuffle"}),
        (lambda: Data.sample_from_datasets([numbers(), numbers()]), {"shuffle"}),
        (lambda: Data.sample_from_datasets([numbers(), numbers()], seed=1), set()),
        (deep, {"shuffle"}),
        (lambda: numbers().flat_map(lambda i: numbers().shuffle(4, seed=1)), set()),
        (lambda: numbers().flat_map(lambda i: Data.random().take(2)), {"shuffle"}),
        (generated, {"generator"}),
        (zipped, {"generator", "shuffle"}),
        (drawn, {"random"}),
        (lambda: drawn(seed=1), set()),
        (kept_state, {"random"}),
        (flipped, {"random"}),
        (lambda: from_arrays(np.zeros(8)).map(lambda x: x).take(1), {"seek"}),
    ],
)
def test_causes(make, causes):
    tf.random.set_seed(None)  # A program's own seed is one of every shuffle and draw.
    assert causes_of_disorder(make()) == causes


def test_a_single_iterator_needs_no_more_than_a_seed():
    tf.random.set_seed(None)
    assert causes_of_disorder(numbers().shuffle(4, seed=1).repeat(), once=True) == set()
    assert causes_of_disorder(numbers().shuffle(4).repeat(), once=True) == {"shuffle"}


@pytest.mark.parametrize("make", [lambda: drawn(1), lambda: numbers().shuffle(4, seed=1).cache()])
def test_what_has_no_cause_is_the_same_in_each_pass(make):
    dataset = make()
    passes = [[float(x) for x in dataset] for _ in range(3)]
    assert passes[0] == passes[1] == passes[2]
