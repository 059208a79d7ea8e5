"""The exported generator: its weights in their own precision or in float16."""

import tensorflow as tf

from keras_gan.data.signature import samples_of
from keras_gan.utils import nests

DTYPES = ("float32", "float16")


def runner(network, dtype):
    """Return a function from the generator's inputs to float32 samples.

    Args:
        network: a built generator.
        dtype: `"float32"` for the weights as they are; `"float16"` for weights that take half the
            space and are cast back where they are used, so that nothing is computed in float16.

    Returns:
        Function of one argument, in inference mode. Whatever it reads is a `tf.Variable`.
    """
    if dtype == "float32":
        return lambda inputs: _samples(network(inputs, training=False))
    stored = [
        [_half(variable) for variable in variables]
        for variables in (network.trainable_variables, network.non_trainable_variables)
    ]

    def run(inputs):
        variables = [[read() for read in part] for part in stored]
        generated, _ = network.stateless_call(*variables, inputs, training=False)
        return _samples(generated)

    return run


def _samples(generated):
    """Return the samples among what a generator returned, in float32."""
    return nests.map(lambda part: tf.cast(part, tf.float32), samples_of(generated))


def _half(variable):
    """Return a function that reads a copy of a variable, in float16 where it is of floats."""
    value = tf.convert_to_tensor(variable)
    dtype = value.dtype
    if not dtype.is_floating:
        return lambda: variable.value
    copy = tf.Variable(_within(value), trainable=False, name=variable.name)
    return lambda: tf.cast(copy, dtype)


def _within(value):
    """Return values in float16, clipped to its range."""
    return tf.cast(tf.clip_by_value(value, tf.float16.min, tf.float16.max), tf.float16)
