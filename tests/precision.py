"""The precision that Keras computes in, within a context."""

import contextlib

import keras


@contextlib.contextmanager
def precision(policy, floatx="float32"):
    """Compute under a dtype policy within the context."""
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")
