"""Image datasets prepared by TensorFlow Datasets (tfds), by name."""

import os

import numpy as np
import tensorflow as tf

from keras_gan.datasets import images as image_tools
from keras_gan.datasets.epochs import batch_plan, gathered, seekable
from keras_gan.utils.arguments import choice, shown

# How many encoded images are at hand to draw from where a dataset does not fit in memory.
SHUFFLE_BUFFER = 10_000
# How the splits of tfds's `cycle_gan` end, of which one domain each is.
DOMAINS = ("A", "B")


def from_tfds(builder, split, batch_size, seed, shuffle, image_size):
    """Make a dataset of a split of a prepared tfds dataset.

    Args:
        builder: A `tfds.core.DatasetBuilder` whose data is on disk.
        split: A split as tfds writes it: "train", "test", "train[:10%]", "train+test".
        batch_size: Images in a batch.
        seed: Integer.
        shuffle: Whether to shuffle each epoch and drop its incomplete last batch.
        image_size: `(height, width)` in pixels, or None to keep the dataset's own.

    Returns:
        A dataset of `x` or `(x, label)` with a `seek(epoch)` method.

    Raises:
        ValueError: If there is no such split, the dataset holds no image, or its images differ
            in size and there is no `image_size`.
    """
    source = _Source(builder, split, image_size)
    if image_tools.fits_in_memory(source.count, source.shape, source.dtype.size):
        scale = image_tools.on_images(image_tools.scale)
        return gathered(source.read_all(), batch_size, seed, shuffle, scale)
    return _streamed(source, batch_size, seed, shuffle)


def _streamed(source, batch_size, seed, shuffle):
    size, steps = batch_plan(source.count, batch_size, shuffle)
    encoded, scale = source.encoded(), image_tools.on_images(image_tools.scale)

    def sample(stored):
        return scale(source.decode(stored))

    @tf.autograph.experimental.do_not_convert
    def batches_of(epoch, skip):
        samples = _shuffle_buffer(encoded, seed, epoch) if shuffle else encoded
        # Read, as the buffer has to be filled anew, but not decoded.
        samples = samples.skip(skip * size).map(sample, num_parallel_calls=tf.data.AUTOTUNE)
        return samples.batch(size, drop_remainder=shuffle or steps * size == source.count)

    return seekable(batches_of, steps)


def _shuffle_buffer(dataset, seed, epoch):
    # `shuffle` mixes the global seed in, and fails on a tensor beside a global seed of 0. This
    # pins the seed of the pipeline's graph alone, so that the order is a function of
    # (seed, epoch); the program's own global seed is untouched.
    tf.random.set_seed(1)
    seeds = tf.stack([tf.constant(seed, tf.int64), epoch])
    key = tf.random.stateless_uniform([], seeds, maxval=2**31 - 1, dtype=tf.int64)
    return dataset.shuffle(SHUFFLE_BUFFER, seed=key, reshuffle_each_iteration=False)


class _Source:
    """The images, and labels where there are any, of one split."""

    def __init__(self, builder, split, image_size):
        self.builder, self.split, self.image_size = builder, split, image_size
        self.count = _count(builder, split)
        self.image_key, self.label_key = _keys(builder.info)
        image = builder.info.features[self.image_key]
        self.dtype = tf.as_dtype(image.np_dtype)
        height, width, channels = image.shape
        self.shape = (*(image_size or (height, width)), channels)
        self._check(image)

    def _check(self, image):
        name = self.builder.info.full_name
        if None in self.shape:
            raise ValueError(
                f"The images of {name!r} differ in size (shape {image.shape}). Pass image_size= "
                "to resize them all."
            )
        if self.dtype not in (tf.uint8, tf.uint16):
            raise ValueError(
                f"The images of {name!r} are {self.dtype.name}; only uint8 and uint16 images "
                "have a known range. Read them with tensorflow_datasets, scale them to [-1, 1] "
                "and pass that dataset to `fit`."
            )

    def encoded(self):
        """Return the stored samples in their stored order, images not yet decoded."""
        import tensorflow_datasets as tfds

        # Every image is skipped, also those that are not used. Partial decoding would say it
        # more plainly, but logs a deprecation warning of its own making.
        skip = tfds.decode.SkipDecoding()
        return self.builder.as_dataset(
            split=self.split,
            decoders={key: skip for key in _images(self.builder.info)},
            read_config=tfds.ReadConfig(try_autocache=False),
            shuffle_files=False,
        )

    def decode(self, sample):
        """Return `image` or `(image, label)`, the image an integer tensor of `self.shape`."""
        image = self.builder.info.features[self.image_key].decode_example(sample[self.image_key])
        if self.image_size:
            image = image_tools.resize(image, self.image_size)
        image = tf.ensure_shape(image, self.shape)
        if self.label_key is None:
            return image
        return image, tf.cast(sample[self.label_key], tf.int32)

    def read_all(self):
        """Return all images, or `(images, labels)`, as arrays."""
        samples = self.encoded().map(self.decode, num_parallel_calls=tf.data.AUTOTUNE)
        images = np.empty((self.count, *self.shape), self.dtype.as_numpy_dtype)
        labels = np.empty(self.count, "int32")
        first = 0
        for batch in samples.batch(1024).prefetch(1).as_numpy_iterator():
            batch, label = batch if self.label_key else (batch, None)
            rows = slice(first, first + len(batch))
            images[rows] = batch
            if self.label_key:
                labels[rows] = label
            first = rows.stop
        return (images, labels) if self.label_key else images


def _count(builder, split):
    try:
        count = builder.info.splits[split].num_examples
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"Expected `split` to be one of {sorted(builder.info.splits)} of "
            f'{builder.info.full_name!r}, or a part of one as in "train[:10%]". '
            f"Received: split={shown(split)}"
        ) from error
    if not count:
        raise ValueError(
            f"There are no samples in that split of {builder.info.full_name!r}. "
            f"Received: split={shown(split)}"
        )
    return count


def _images(info):
    import tensorflow_datasets as tfds

    return [key for key, value in info.features.items() if isinstance(value, tfds.features.Image)]


def _labels(info):
    import tensorflow_datasets as tfds

    classes = tfds.features.ClassLabel
    return [key for key, value in info.features.items() if isinstance(value, classes)]


def _keys(info):
    """Return the keys of the image and, or None, of its label."""
    images, labels = _images(info), _labels(info)
    named = [key for key in info.supervised_keys or () if isinstance(key, str)]
    image = next((key for key in [*named, "image"] if key in images), None)
    if image is None and len(images) == 1:
        image = images[0]
    if image is None:
        raise ValueError(
            f"{info.full_name!r} needs one image feature, or one called 'image'. Its features "
            f"are {sorted(info.features)}, of which {images} are images."
        )
    return image, next((key for key in [*named, "label"] if key in labels), None)


def has_domains(builder):
    """Tell whether the splits of a dataset are two domains without pairs, such as "trainA"."""
    names = builder.info.splits.keys()
    return bool(names) and all(f"{name[:-1]}{end}" in names for name in names for end in DOMAINS)


def domains_of(builder, split):
    """Return how many images each domain of a split has, as in `{"A": 1067, "B": 1334}`."""
    splits = builder.info.splits
    choice("split", split, sorted({name[:-1] for name in splits}))
    return {domain: _count(builder, f"{split}{domain}") for domain in DOMAINS}


def find_builder(name, data_dir):
    """Return the builder of a dataset that is prepared on disk, or None.

    It is read from its files alone: nothing is downloaded, and no dataset code is needed.

    Args:
        name: "name", "name/config" or "name:version".
        data_dir: Directory to look in.

    Returns:
        A `tfds.core.DatasetBuilder` or None.
    """
    from tensorflow_datasets.core import naming, read_only_builder, registered

    try:
        naming.parse_builder_name_kwargs(name)
    except ValueError:
        return None
    try:
        return read_only_builder.builder_from_files(name, data_dir=data_dir)
    except registered.DatasetNotFoundError:
        return None


def data_directory(data_dir=None):
    """Return where prepared data is looked for.

    Args:
        data_dir: Directory or None for `TFDS_DATA_DIR`, or else tfds's default.

    Returns:
        An absolute path.
    """
    # Read here because tfds reads the variable once, when it is first imported.
    path = data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    return os.path.abspath(os.path.expanduser(path))


def prepared_names(data_dir):
    """Return the names of the datasets prepared in a directory."""
    if not os.path.isdir(data_dir):
        return []
    names = sorted(os.listdir(data_dir))
    return [name for name in names if find_builder(name, data_dir)]


def known_names():
    """Return the names of the datasets that tfds can prepare."""
    import tensorflow_datasets as tfds

    return tfds.list_builders(with_community_datasets=False)
