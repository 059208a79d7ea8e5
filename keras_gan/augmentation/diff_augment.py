"""DiffAugment: color, translation and cutout of images, differentiable."""

import keras
import tensorflow as tf
from keras import ops

from keras_gan.augmentation.augmentation import Augmentation
from keras_gan.utils import arguments
from keras_gan.utils.arguments import shown


class _OfImages(Augmentation):
    """A random transformation of each image of a batch on its own; nothing out of training.

    Attributes:
        grey: the middle of the images' range of values, 0 of [-1, 1].
        reach: half of the range's width, 1 of [-1, 1].
    """

    grey, reach = 0.0, 1.0

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.generator = keras.random.SeedGenerator()

    def attach(self, model):
        """Adopt the range of values of a model's images."""
        low, high = model.value_range
        self.grey, self.reach = (low + high) / 2, (high - low) / 2

    def call(self, samples, training=True):
        """Return the images transformed, in their shape and dtype."""
        self.check(samples)
        return self.transform(samples) if training else samples

    def check(self, samples):
        """Raise when samples are no images."""
        if len(samples.shape) != 4:
            raise ValueError(
                f"{type(self).__name__} transforms images of shape (batch, height, width, "
                "channels). For samples of another rank use `InstanceNoise`, or an augmentation "
                f"of your own. Received: samples of shape {tuple(samples.shape)}"
            )

    def transform(self, images):
        """Return the images transformed."""
        raise NotImplementedError

    def _uniforms(self, images, count):
        """Return `count` tensors of one number from -1 to 1 for each image."""
        shape = (count, ops.shape(images)[0], 1, 1, 1)
        draws = keras.random.uniform(shape, -1.0, 1.0, dtype=images.dtype, seed=self.generator)
        return ops.unstack(draws)

    def _integers(self, images, low, high):
        """Return one integer for each image, from low to high, both included."""
        shape = (ops.shape(images)[0], 1)
        return keras.random.randint(shape, low, high + 1, dtype="int32", seed=self.generator)


@keras.saving.register_keras_serializable("keras_gan")
class Color(_OfImages):
    """Change brightness, then saturation, then contrast, by a random amount for each image.

    Formula:

    ```
    x <- x + b                      b ~ U(-brightness, brightness)
    x <- m_c + s (x - m_c)          s ~ U(1 - saturation, 1 + saturation), m_c mean over channels
    x <- m + k (x - m)              k ~ U(1 - contrast, 1 + contrast), m mean over the image
    ```

    Images of one channel have no saturation: the second line leaves them as they are. Values may
    leave [-1, 1]; nothing is clipped. In a model whose images have another `value_range`, b is
    multiplied by half of the range's width.

    Args:
        brightness: largest change of brightness, at least 0.
        saturation: from 0 to 1, where 1 reaches from grey to twice the saturation.
        contrast: from 0 to 1.

    Raises:
        ValueError: for a value out of range, and, when called, for samples that are no images.

    Example:

    >>> keras_gan.augmentation.Color()(np.zeros((4, 8, 8, 3))).shape
    TensorShape([4, 8, 8, 3])

    Reference:
        - [Zhao et al., 2020](https://arxiv.org/abs/2006.10738)
    """

    def __init__(self, brightness=0.5, saturation=1.0, contrast=0.5, **kwargs):
        super().__init__(**kwargs)
        self.brightness = arguments.number("brightness", brightness)
        self.saturation = arguments.number("saturation", saturation, high=1)
        self.contrast = arguments.number("contrast", contrast, high=1)

    def transform(self, images):
        """Return the images in other colors."""
        dtype = images.dtype
        # Means over a whole image need more digits than 16 bits have.
        images = ops.cast(images, "float64" if dtype == "float64" else "float32")
        brightness, saturation, contrast = self._uniforms(images, 3)
        images += self.reach * self.brightness * brightness
        images = _stretched(images, 1.0 + self.saturation * saturation, axis=3)
        images = _stretched(images, 1.0 + self.contrast * contrast, axis=(1, 2, 3))
        return ops.cast(images, dtype)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "brightness": self.brightness,
            "saturation": self.saturation,
            "contrast": self.contrast,
        }


def _stretched(images, factor, axis):
    mean = ops.mean(images, axis=axis, keepdims=True)
    return mean + factor * (images - mean)


class _OfPlaces(_OfImages):
    """A transformation that moves pixels, and whose reach is a share of the image's sides.

    The images of one sample are all moved by what is drawn for the first: those of its size by as
    many pixels, others in proportion.
    """

    moves = True

    def __init__(self, ratio, **kwargs):
        super().__init__(**kwargs)
        self.ratio = arguments.number("ratio", ratio, high=1)

    def transform(self, images):
        """Return the images transformed."""
        return self.together([images], [])[0][0]

    def together(self, samples, conditions):
        """Return the parts of samples, and image conditions, moved alike."""
        for part in samples:
            self.check(part)
        draws = self.draw(samples[0])
        sides = ops.shape(samples[0])[1:3]
        moved = [self.apply(part, draws, sides) for part in (*samples, *conditions)]
        return moved[: len(samples)], moved[len(samples) :]

    def draw(self, images):
        """Return what is drawn for each image."""
        raise NotImplementedError

    def apply(self, images, draws, sides):
        """Return images transformed by what was drawn for images of some height and width."""
        raise NotImplementedError

    def _share(self, side):
        """Return the ratio of a side in whole pixels, halves rounded up."""
        return ops.cast(ops.cast(side, "float64") * self.ratio + 0.5, "int32")

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "ratio": self.ratio}


@keras.saving.register_keras_serializable("keras_gan")
class Translation(_OfPlaces):
    """Move each image by a random whole number of pixels, and fill with grey.

    Formula:

    ```
    x[i, j] <- x[i + s, j + t] or 0,    s in {-h, ..., h},  h = floor(ratio H + 1/2)
                                        t in {-w, ..., w},  w = floor(ratio W + 1/2)
    ```

    Every shift is as likely as any other. 0 is the middle grey of images in [-1, 1]; in a model
    whose images have another `value_range`, the middle of that takes its place.

    Args:
        ratio: the furthest move as a share of height and width, from 0 to 1.

    Raises:
        ValueError: for a ratio out of range, and, when called, for samples that are no images.

    Example:

    >>> keras_gan.augmentation.Translation()(np.zeros((4, 8, 8, 1))).shape
    TensorShape([4, 8, 8, 1])

    Reference:
        - [Zhao et al., 2020](https://arxiv.org/abs/2006.10738)
    """

    def __init__(self, ratio=0.125, **kwargs):
        super().__init__(ratio, **kwargs)

    def draw(self, images):
        """Return the shifts of rows and of columns, in pixels."""
        return [self._shifts(images, side) for side in ops.shape(images)[1:3]]

    def _shifts(self, images, side):
        furthest = self._share(side)
        return self._integers(images, -furthest, furthest)

    def apply(self, images, draws, sides):
        """Return the images moved."""
        count, height, width, channels = ops.shape(images)
        down, right = (
            _in_proportion(shift, own, side)
            for shift, own, side in zip(draws, (height, width), sides, strict=True)
        )
        # One row and column of grey on each side: whatever lies outside reads those.
        padded = ops.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=self.grey)
        rows, columns = _sources(down, height), _sources(right, width)
        # Two gathers: measured faster than one over pixels, and than one-hot matrix products.
        # Of flat arrays: XLA does not compile a batched gather's gradient within a branch.
        lines = ops.reshape(padded, (-1, width + 2, channels))
        moved = tf.gather(lines, _flat(rows, count, height + 2))
        columns = ops.repeat(columns, height, axis=0)
        pixels = ops.reshape(moved, (-1, channels))
        moved = tf.gather(pixels, _flat(columns, count * height, width + 2))
        return ops.reshape(moved, (-1, height, width, channels))


def _sources(shift, side):
    """Return where in the padded image each row, or column, comes from: `(batch, side)`."""
    return ops.clip(ops.arange(side, dtype="int32") + 1 + shift, 0, side + 1)


def _in_proportion(pixels, side, drawn_side):
    """Return whole pixels of a side that stand for as many of the side they were drawn for."""
    if side is drawn_side:
        return pixels
    scaled = ops.cast(pixels, "float64") * ops.cast(side, "float64")
    return ops.cast(ops.round(scaled / ops.cast(drawn_side, "float64")), "int32")


def _flat(places, count, side):
    """Return where places, one row of them for each of `count` parts of length `side`, lie."""
    return places + side * ops.expand_dims(ops.arange(count, dtype="int32"), 1)


@keras.saving.register_keras_serializable("keras_gan")
class Cutout(_OfPlaces):
    """Set a rectangle at a random place of each image to grey.

    Formula:

    ```
    x[i, j] <- 0   where  0 <= i - c + floor(h / 2) < h,   h = floor(ratio H + 1/2)
                   and    0 <= j - d + floor(w / 2) < w,   w = floor(ratio W + 1/2)
    ```

    c is uniform on {0, ..., H} for even h and on {0, ..., H - 1} for odd h, d likewise: part of
    the rectangle may lie outside of the image. 0 is the middle grey of images in [-1, 1]; in a
    model whose images have another `value_range`, the middle of that takes its place.

    Args:
        ratio: the rectangle's sides as a share of height and width, from 0 to 1.

    Raises:
        ValueError: for a ratio out of range, and, when called, for samples that are no images.

    Example:

    >>> keras_gan.augmentation.Cutout()(np.ones((4, 8, 8, 1))).shape
    TensorShape([4, 8, 8, 1])

    Reference:
        - [DeVries & Taylor, 2017](https://arxiv.org/abs/1708.04552)
        - [Zhao et al., 2020](https://arxiv.org/abs/2006.10738)
    """

    def __init__(self, ratio=0.5, **kwargs):
        super().__init__(ratio, **kwargs)

    def draw(self, images):
        """Return the first and the last edge of the hole, along rows and along columns."""
        return [self._edges(images, side) for side in ops.shape(images)[1:3]]

    def _edges(self, images, side):
        length = self._share(side)
        first = self._integers(images, 0, side - length % 2) - length // 2
        return first, first + length

    def apply(self, images, draws, sides):
        """Return the images with a hole."""
        rows, columns = (
            _hit(own, *(_in_proportion(edge, own, side) for edge in edges))
            for edges, own, side in zip(draws, ops.shape(images)[1:3], sides, strict=True)
        )
        hole = rows[:, :, None, None] & columns[:, None, :, None]
        return ops.where(hole, ops.full_like(images, self.grey), images)


def _hit(side, first, end):
    """Return which rows, or columns, lie between two edges: bools `(batch, side)`."""
    places = ops.arange(side, dtype="int32")
    return (places >= first) & (places < end)


_POLICIES = {"color": Color, "translation": Translation, "cutout": Cutout}


@keras.saving.register_keras_serializable("keras_gan")
class DiffAugment(Augmentation):
    """Transform real and generated images on their way to the discriminator, differentiably.

    With few images the discriminator learns them by heart. Augmenting only the data would teach
    the generator the augmentations; augmenting both, and letting the generator's gradient
    through, does not. Images are channels-last, scaled to the model's `value_range`.

    Args:
        policy: which transformations, in this order: names out of `"color"`, `"translation"`,
            `"cutout"`, or one string of them with commas between.

    Attributes:
        transformations: the layers, a `Color`, `Translation` or `Cutout` for each name.

    Raises:
        ValueError: for an unknown name or none, and, when called, for samples that are no images.

    Example:

    ```python
    model.compile("hinge", augmentation="diff_augment")
    model.compile("hinge", augmentation=keras_gan.augmentation.DiffAugment("color"))
    ```

    Reference:
        - [Zhao et al., 2020](https://arxiv.org/abs/2006.10738), Section 3
    """

    moves = True

    def __init__(self, policy=("color", "translation", "cutout"), **kwargs):
        super().__init__(**kwargs)
        names = policy.split(",") if isinstance(policy, str) else policy
        self.policy = [str(name).strip() for name in names or ()]
        if not self.policy or not set(self.policy) <= set(_POLICIES):
            raise ValueError(
                f"Expected `policy` to name at least one of {sorted(_POLICIES)}, and nothing "
                f"else. Received: policy={shown(policy)}"
            )
        self.transformations = [_POLICIES[name]() for name in self.policy]
        self.built = True

    def call(self, samples, training=True):
        """Return the images, each transformed in its own way."""
        for transformation in self.transformations:
            samples = transformation(samples, training=training)
        return samples

    def together(self, samples, conditions):
        """Return the parts of samples, and image conditions; what moves pixels moves them alike."""
        for transformation in self.transformations:
            samples, conditions = transformation.together(samples, conditions)
        return samples, conditions

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "policy": self.policy}
