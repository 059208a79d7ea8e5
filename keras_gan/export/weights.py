"""The generator as an export holds it: its weights in their own precision, or in half of it."""

import tensorflow as tf

DTYPES = ("float32", "float16")


def runner(model, dtype):
    """Return the function from what the generator is called on to float32 samples.

    Args:
        model: a built `GAN`.
        dtype: `"float32"` for the weights as they are; `"float16"` for weights that take half the
            space and are cast back where they are used, so that nothing is computed in float16.

    Returns:
        Function of one argument, in inference mode. Whatever it reads is a `tf.Variable`.
    """
    network = model.sampling_network
    if dtype == "float32":
        return lambda inputs: tf.cast(network(inputs, training=False), tf.float32)
    stored = [
        [_half(variable) for variable in variables]
        for variables in (network.trainable_variables, network.non_trainable_variables)
    ]

    def run(inputs):
        variables = [[read() for read in part] for part in stored]
        samples, _ = network.stateless_call(*variables, inputs, training=False)
        return tf.cast(samples, tf.float32)

    return run


def _half(variable):
    """Return a function that reads a copy of a variable, in float16 where it is of floats."""
    value = tf.convert_to_tensor(variable)
    dtype = value.dtype
    if not dtype.is_floating:
        return lambda: variable.value
    copy = tf.Variable(_within(value), trainable=False, name=variable.name)
    return lambda: tf.cast(copy, dtype)


def _within(value):
    """Return values in float16, the largest that it has standing for those beyond."""
    return tf.cast(tf.clip_by_value(value, tf.float16.min, tf.float16.max), tf.float16)
