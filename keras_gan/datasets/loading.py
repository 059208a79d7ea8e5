"""Datasets by name."""

import difflib
import os

import tensorflow as tf

from keras_gan.datasets import catalog, images
from keras_gan.datasets.arrays import from_arrays
from keras_gan.datasets.digits import load_digits
from keras_gan.datasets.domains import unpaired
from keras_gan.datasets.epochs import check_batching
from keras_gan.datasets.folder import from_folder
from keras_gan.datasets.toy import Gaussian, Grid, Ring
from keras_gan.utils.arguments import shown
from keras_gan.utils.files import path_of

TOYS = {"gaussian": Gaussian, "ring": Ring, "grid": Grid}
BUILT_IN = (*TOYS, "digits")


def load(
    name,
    split="train",
    batch_size=64,
    seed=0,
    shuffle=True,
    image_size=None,
    data_dir=None,
):
    """Load a dataset by name, ready to train on.

    Images are float32 in [-1, 1], labels int32 scalars; toy distributions are neither rescaled
    nor labelled. The order is a function of (seed, epoch), in this process and in the next: each
    pass over the dataset is the next epoch, and `dataset.seek(epoch)` makes the next pass be
    that epoch. Nothing is ever downloaded.

    Args:
        name: One of

            - "gaussian", "ring", "grid": 100,000 samples of the default `Gaussian`, `Ring` or
              `Grid`;
            - "digits": scikit-learn's 8 x 8 handwritten digits, as `load_digits` splits them;
            - the name of an image dataset of TensorFlow Datasets whose data is prepared in
              `data_dir`: "mnist", "cifar10", "mnist:3.0.1", "imagenet_resized/32x32";
              "cycle_gan/horse2zebra" and its like, whose two domains have no pairs, come as by
              `unpaired`, in dicts of "a" and "b";
            - the path of a folder of images, see `from_folder`.
        split: "train", "test", or what else the dataset has: "all" for the digits, any tfds
            split such as "train[:10%]" or "train+test". A folder is one split, "train".
        batch_size: Samples in a batch. Where there are fewer samples, they make one batch.
        seed: Integer from 0 to 2**32 - 1 that, with the epoch, fixes the order.
        shuffle: Whether to shuffle each epoch and drop its incomplete last batch, so that all
            batches have `batch_size` samples. Without it the order is fixed and no sample is
            dropped, as evaluation needs.
        image_size: Side, or `(height, width)`, in pixels to stretch images to, with an
            antialiased filter; by default they keep their size.
        data_dir: Directory of prepared tfds data; by default the environment's `TFDS_DATA_DIR`,
            or else `~/tensorflow_datasets`.

    Returns:
        A prefetched `tf.data.Dataset` of `x`, `(x, label)` or `{"a": a, "b": b}` batches of known
        cardinality, with a `seek(epoch)` method. Up to 2 GiB of decoded images are kept in
        memory; tfds datasets beyond that are shuffled within a buffer of 10,000 images.

    Raises:
        ValueError: If there is no such dataset or split, if the data is not on disk, if images
            differ in size and there is no `image_size`, or if an argument is out of range.
        TypeError: If an argument is of the wrong type.

    Example:
    >>> dataset = keras_gan.datasets.load("digits", batch_size=32, seed=0)
    >>> images, labels = next(iter(dataset))
    >>> images.shape, labels.shape
    (TensorShape([32, 8, 8, 1]), TensorShape([32]))
    """
    if not isinstance(name, (str, os.PathLike)):
        raise TypeError(f"`name` must be a name or a path. Received: name={shown(name)}")
    batching = (*check_batching(batch_size, seed), bool(shuffle))
    image_size = images.check_image_size(image_size)
    name = path_of("name", name)
    if data_dir is not None and (name in BUILT_IN or _is_folder(name)):
        raise ValueError(
            f"`data_dir` is where prepared tfds data lies; {name!r} is not a tfds dataset. "
            f"Received: data_dir={shown(data_dir)}"
        )
    if name in TOYS:
        return _load_toy(name, split, *batching, image_size)
    if name == "digits":
        return _load_digits(split, *batching, image_size)
    if _is_folder(name):
        return _load_folder(name, split, *batching, image_size)
    return _load_tfds(name, split, *batching, image_size, data_dir)


def _is_folder(name):
    # A bare word is a folder only where it is not a dataset's name: see `_load_tfds`.
    return name not in BUILT_IN and os.path.basename(name) != name and os.path.isdir(name)


def _load_toy(name, split, batch_size, seed, shuffle, image_size):
    if image_size is not None:
        raise ValueError(f"{name!r} has no images to resize. Received: image_size={image_size}")
    return TOYS[name]().dataset(batch_size, seed, shuffle=shuffle, split=split)


def _load_digits(split, batch_size, seed, shuffle, image_size):
    x, labels = load_digits(split)
    if image_size is not None:
        x = images.resize(tf.constant(x), image_size).numpy()
    return from_arrays(x, labels, batch_size, seed, shuffle)


def _load_folder(name, split, batch_size, seed, shuffle, image_size):
    if split != "train":
        raise ValueError(
            "A folder is one split, 'train'; load the folder of another split by its own path. "
            f"Received: split={shown(split)}"
        )
    return from_folder(name, batch_size, seed, shuffle, image_size)


def _load_tfds(name, split, batch_size, seed, shuffle, image_size, data_dir):
    directory = catalog.data_directory(data_dir)
    builder = catalog.find_builder(name, directory)
    if builder is not None and catalog.has_domains(builder):
        return _load_domains(builder, split, batch_size, seed, shuffle, image_size)
    if builder is not None:
        return catalog.from_tfds(builder, split, batch_size, seed, shuffle, image_size)
    if os.path.isdir(name):
        return _load_folder(name, split, batch_size, seed, shuffle, image_size)
    raise ValueError(_not_found(name, directory))


def _load_domains(builder, split, batch_size, seed, shuffle, image_size):
    counts = catalog.domains_of(builder, split)
    size = min(batch_size, *counts.values())
    # Both domains in whole batches of one size, as `unpaired` needs them.
    parts = {
        domain: f"{split}{domain}" if shuffle else f"{split}{domain}[:{count - count % size}]"
        for domain, count in counts.items()
    }
    return unpaired(
        **{
            domain.lower(): catalog.from_tfds(builder, part, size, seed, shuffle, image_size)
            for domain, part in parts.items()
        },
        seed=seed,
        shuffle=shuffle,
    )


def _not_found(name, directory):
    known = catalog.known_names()
    base = name.split(":")[0].split("/")[0]
    prepared = catalog.prepared_names(directory)
    there = f"looked for in {directory!r}, which holds {', '.join(prepared) or 'no dataset'}"
    how = (
        "Where there is a network, `tfds build {}` prepares the data of a tfds dataset; copy its "
        "directory and pass the directory above it as data_dir=, or set TFDS_DATA_DIR."
    )
    if base in known:
        return (
            f"The data of {name!r} is not prepared: it was {there}. Nothing is downloaded. "
            f"{how.format(name)} Received: name={name!r}"
        )
    close = difflib.get_close_matches(base, [*BUILT_IN, *prepared, *known], n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return (
        f"There is no dataset called {name!r}.{hint} The built-in ones are "
        f"{', '.join(BUILT_IN)}; prepared tfds data was {there}; and there is no folder of that "
        f"path. {how.format('<name>')} Received: name={name!r}"
    )
