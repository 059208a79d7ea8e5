"""Random crops and mirror images, the same for all images of a sample."""

import tensorflow as tf

from keras_gan.datasets import images as image_tools
from keras_gan.utils.arguments import flag

# pix2pix resizes 256 pixels to 286, and crops 256 of them.
ENLARGED = 286 / 256


@tf.autograph.experimental.do_not_convert
def jitter(*element, seed, enlarged=None, mirror=True):
    """Enlarge the images of a batch, crop them to their size at random, mirror half of them.

    For `keras_gan.datasets.map`. Each sample has its own draw, which is the same for all of its
    images: source and target stay aligned. Labels and other tensors that are no images pass.

    Args:
        *element: Element of a dataset: `x`, or `x` and a condition; float32 images of shape
            `(n, height, width, channels)`, all of one height and width, in nests of any form.
        seed: Tensor of shape `(2,)`, int64, as `map` gives it.
        enlarged: Side, or `(height, width)`, in pixels to resize to before the crop; by default
            286/256 of the images' own. The images' own size crops nothing.
        mirror: Whether half of the samples, drawn at random, are mirrored left to right.

    Returns:
        The element, with images of the shapes that they had.

    Raises:
        ValueError: If the images of the element differ in height or width, there is none, or
            `enlarged` is smaller than they are.

    Example:
    >>> x = np.random.uniform(-1, 1, (64, 32, 32, 3)).astype("float32")
    >>> dataset = keras_gan.datasets.from_arrays(x, x[..., :1], batch_size=16)
    >>> jittered = keras_gan.datasets.map(dataset, keras_gan.datasets.jitter, seed=0)
    >>> target, source = next(iter(jittered))
    >>> bool(tf.reduce_all(target[..., :1] == source))
    True

    Reference:
        Isola et al., [Image-to-image translation with conditional adversarial networks](
        https://arxiv.org/abs/1611.07004), 2017, section 6.2.
    """
    flag("mirror", mirror)
    element = tf.nest.map_structure(tf.convert_to_tensor, element)
    size = _common_size(element)
    larger = image_tools.check_image_size(enlarged)
    larger = larger or tuple(round(side * ENLARGED) for side in size)
    if larger[0] < size[0] or larger[1] < size[1]:
        raise ValueError(
            f"Expected `enlarged` to be at least the images' height and width, {size}. "
            f"Received: enlarged={enlarged}"
        )
    images = [part for part in tf.nest.flatten(element) if _is_image(part)]
    rows, columns = _draw(tf.shape(images[0])[0], size, larger, mirror, seed)

    def moved(part):
        if not _is_image(part):
            return part
        grown = part if larger == size else image_tools.resize(part, larger)
        grown = tf.gather(grown, rows, axis=1, batch_dims=1)
        return tf.ensure_shape(tf.gather(grown, columns, axis=2, batch_dims=1), part.shape)

    element = tf.nest.map_structure(moved, element)
    return element if len(element) > 1 else element[0]


def _draw(count, size, larger, mirror, seed):
    """Return, for each sample, the rows and the columns of the larger image that it shows."""
    seeds = tf.random.split(seed, 3, alg="philox")
    indices = []
    for axis in (0, 1):
        first = tf.random.stateless_uniform(
            [count, 1], seeds[axis], 0, larger[axis] - size[axis] + 1, tf.int32, alg="philox"
        )
        indices.append(first + tf.range(size[axis]))
    rows, columns = indices
    if mirror:
        chance = tf.random.stateless_uniform([count, 1], seeds[2], alg="philox")
        columns = tf.where(chance < 0.5, columns[:, ::-1], columns)
    return rows, columns


def _is_image(part):
    return part.shape.rank == 4


def _common_size(element):
    sizes = {tuple(p.shape[1:3]) for p in tf.nest.flatten(element) if _is_image(p)}
    if len(sizes) != 1 or None in next(iter(sizes)):
        raise ValueError(
            "Expected images of shape (n, height, width, channels), all of one known height and "
            "width: jitter pairs before their source is made smaller, and domains of different "
            "sizes one by one, before `unpaired`. "
            f"Received: an element with images of {sorted(sizes, key=str) or 'no size'}"
        )
    return sizes.pop()
