"""Reasons why data can't be moved to where a run was when it stopped."""

import keras
import tensorflow as tf

from keras_gan.data import elements
from keras_gan.utils.keras_internals import causes_of_disorder

_REASONS = {
    "seek": "the dataset is made of one with a method `seek(epoch)`, and has lost it",
    "shuffle": "the dataset shuffles or mixes by chance, from the beginning in every process",
    "generator": "the dataset is made from a Python generator, which can't be moved",
    "random": "the dataset's functions draw random numbers, from the beginning in every process",
}


def reason(batches):
    """Return why data can't be moved to where a run was, `None` if it can be.

    Args:
        batches: what Keras iterates over: a `tf.data.Dataset`, a distributed one or a
            `keras.utils.PyDataset`. One without `seek` can be moved where its passes are all
            alike: the batches that were seen are let go.
    """
    if hasattr(batches, "seek"):
        return None
    if isinstance(batches, keras.utils.PyDataset):
        return "a `keras.utils.PyDataset` without `seek` does not say whether its passes are alike"
    if isinstance(batches, tf.distribute.DistributedDataset):
        return "a dataset that is distributed already, without `seek`, can't be moved"
    # Of one without an end, a single iterator serves for the whole run.
    causes = causes_of_disorder(batches, once=elements.is_endless(batches))
    return next((text for cause, text in _REASONS.items() if cause in causes), None)
