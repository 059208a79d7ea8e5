"""Several datasets read side by side, batch by batch, as one."""

import tensorflow as tf

from keras_gan.datasets.epochs import check_apart, known_steps, one_pass, seekable


def zip(datasets):
    """Make one dataset of several, whose elements are nests of theirs.

    As `tf.data.Dataset.zip`, which loses `seek` and ends with the shortest. Batch by batch:
    where samples belong together, the datasets need one order, such as that of `shuffle=False`
    or of equal lengths and seeds. For domains that have no pairs, see `unpaired`.

    Args:
        datasets: Dict or tuple of `tf.data.Dataset`, or a nest of these. In this library a dict
            is samples of several parts, and a tuple is `(x, condition)`: `({"image": a, "mask":
            b}, labels)` has both.

    Returns:
        A prefetched `tf.data.Dataset` with a method `seek(epoch, skip)`, which goes to all of
        them, where they have a `seek`; a plain one where none has.

    Raises:
        TypeError: If `datasets` is no dict or tuple of datasets.
        ValueError: If the datasets have different numbers of batches, or do not know them; if
            some have a `seek` and others have none; or if two read the same dataset.

    Example:
    >>> images, masks = np.random.rand(100, 8, 8, 3), np.random.rand(100, 8, 8, 1)
    >>> image, mask = map(keras_gan.datasets.from_arrays, (images, masks))  # of equal seeds
    >>> pairs = keras_gan.datasets.zip({"image": image, "mask": mask})
    >>> pairs.seek(3)
    >>> {name: part.shape for name, part in next(iter(pairs)).items()}
    {'image': TensorShape([32, 8, 8, 3]), 'mask': TensorShape([32, 8, 8, 1])}
    """
    named = _named(datasets)
    steps = _common_steps(named)
    if not _all_have_seek(named):
        return tf.data.Dataset.zip(datasets)
    check_apart(named)

    def batches_of(epoch, skip):
        return tf.data.Dataset.zip(
            tf.nest.map_structure(lambda dataset: one_pass(dataset, epoch, skip), datasets)
        )

    return seekable(batches_of, steps, named.values())


def _named(datasets):
    """Return the datasets of a nest by what an error calls them: `datasets['a'][0]`."""
    named = dict(_paths(datasets, "datasets"))
    if not named or "datasets" in named:
        raise TypeError(
            "Expected a dict or a tuple of datasets. "
            f"Received: datasets of type {type(datasets).__name__}"
            + ("" if named else " with nothing in it")
        )
    return named


def _paths(nest, path):
    if isinstance(nest, dict):
        for key, value in nest.items():
            yield from _paths(value, f"{path}[{key!r}]")
    elif isinstance(nest, tuple):
        for index, value in enumerate(nest):
            yield from _paths(value, f"{path}[{index}]")
    elif isinstance(nest, tf.data.Dataset):
        yield path, nest
    else:
        raise TypeError(
            "Expected a nest of dicts and tuples whose leaves are `tf.data.Dataset`s, such as "
            "`keras_gan.datasets.from_arrays` makes of an array. "
            f"Received: {path} of type {type(nest).__name__}"
        )


def _common_steps(named):
    steps = {name: known_steps(dataset, name) for name, dataset in named.items()}
    (first, count), *others = steps.items()
    for name, other in others:
        if other != count:
            raise ValueError(
                "Expected datasets of equally many batches: the longer would lose its last ones. "
                "Cut it with `take`, or use `keras_gan.datasets.unpaired` where samples have no "
                f"pairs. Received: {first} of {count} batches and {name} of {other}"
            )
    return count


def _all_have_seek(named):
    with_seek = [name for name, dataset in named.items() if hasattr(dataset, "seek")]
    without = [name for name in named if name not in with_seek]
    if with_seek and without:
        raise ValueError(
            "Expected datasets that all have a method `seek(epoch)`, or none: else a resumed run "
            "sees other pairs. Make both with `keras_gan.datasets` (`map` keeps `seek`), or give "
            "the other a `seek` (see docs/resume.md). "
            f"Received: {with_seek[0]} with `seek` and {without[0]} without"
        )
    return bool(with_seek)
