"""Functions of a dataset's batches that leave its order, and its `seek`, as they are."""

import tensorflow as tf

from keras_gan.datasets.epochs import known_steps, one_pass, seekable
from keras_gan.utils import arguments
from keras_gan.utils.arguments import shown


def map(dataset, function, seed=None):
    """Apply a function to each batch of a dataset, and keep its `seek`.

    As `tf.data.Dataset.map`, which loses it. The order is that of the dataset, and so is the
    number of batches. A function that draws random numbers (flips, crops, noise) takes them from
    `seed`, so that a resumed run draws what an uninterrupted one does.

    Args:
        dataset: A `tf.data.Dataset` with or without a method `seek(epoch)`; with it, of a known
            number of batches.
        function: Function of an element, as `tf.data.Dataset.map` takes it: a tuple `(x,
            condition)` comes as two arguments. With a `seed` it has one more argument, `seed`, a
            tensor of shape `(2,)`, int64, for `tf.random.stateless_uniform` and its like; for
            several draws, `tf.random.split(seed, n)` gives as many.
        seed: Integer from 0 to 2**32 - 1. The function's seed is a function of this one, the
            epoch and the number of the batch in its epoch, and of nothing else; maps with equal
            seeds draw the same. `None` for a function that draws nothing.

    Returns:
        A prefetched `tf.data.Dataset` with a method `seek(epoch, skip)`, where the given one has
        a `seek`. In the place of skipped batches are zeros, which `function` does not see. It
        moves the given dataset to an epoch as its own pass begins.

    Raises:
        TypeError: If `dataset` is no `tf.data.Dataset`, or `function` can't be called.
        ValueError: If there is a `seed` and the dataset has no `seek`, or a dataset with `seek`
            does not know its number of batches.

    Example:
    >>> dataset = keras_gan.datasets.from_arrays(np.random.rand(100, 28, 28, 1), batch_size=20)
    >>> def flip(x, seed):
    ...     return tf.image.stateless_random_flip_left_right(x, seed)
    >>> flipped = keras_gan.datasets.map(dataset, flip, seed=0)
    >>> flipped.seek(3)
    >>> next(iter(flipped)).shape
    TensorShape([20, 28, 28, 1])
    """
    _check(dataset, function)
    if seed is not None:
        seed = arguments.whole("seed", seed, least=0, most=2**32 - 1)
    if not hasattr(dataset, "seek"):
        _refuse_seed(seed)
        return dataset.map(function, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    def batches_of(epoch, skip):
        def call(index, element):
            arguments = element if isinstance(element, tuple) else (element,)
            drawn = {} if seed is None else {"seed": seed_of_batch(seed, epoch, index)}
            return function(*arguments, **drawn)

        numbered = one_pass(dataset, epoch, skip).enumerate(start=skip)
        return numbered.map(call, num_parallel_calls=tf.data.AUTOTUNE)

    return seekable(batches_of, known_steps(dataset, "`dataset`"), [dataset])


def seed_of_batch(seed, epoch, index):
    """Return the seed of a batch, an int64 tensor of shape (2,).

    Args:
        seed: Integer.
        epoch: Scalar int64 tensor.
        index: Scalar int64 tensor, the number of the batch in its epoch.
    """
    seeds = tf.stack([tf.constant(seed, tf.int64), epoch])
    key = tf.random.stateless_uniform(
        [], seeds, minval=None, maxval=None, dtype=tf.int64, alg="philox"
    )
    return tf.stack([key, index])


def _check(dataset, function):
    if not isinstance(dataset, tf.data.Dataset):
        raise TypeError(
            "Expected a `tf.data.Dataset`, such as `keras_gan.datasets.from_arrays` makes. "
            f"Received: dataset of type {type(dataset).__name__}"
        )
    if not callable(function):
        raise TypeError(
            f"Expected `function` to be a function of a batch. Received: function={shown(function)}"
        )


def _refuse_seed(seed):
    if seed is not None:
        raise ValueError(
            "Expected a dataset with a method `seek(epoch)`, as what a function draws from `seed` "
            "follows from the epoch. Make the dataset with `keras_gan.datasets`, or give it a "
            "`seek` (see docs/resume.md); a function that draws nothing needs no seed. "
            f"Received: a dataset without `seek` and seed={seed}"
        )
