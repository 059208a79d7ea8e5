"""Projection of images into a style generator: the styles and the noise that make them again."""

import dataclasses

import keras
import numpy as np

from keras_gan.networks.style_descent import Checkpoint, Descent
from keras_gan.networks.style_parts import StyleParts
from keras_gan.utils import arguments, files
from keras_gan.utils.arguments import shown

SPACES = "w+", "w"
_LARGEST = 32.0  # Absolute value of a pixel: with one above it, images are 8-bit.


@dataclasses.dataclass(frozen=True)
class Projection:
    """What images were projected to, as NumPy arrays of one row for each image.

    Attributes:
        styles: `(n, num_styles, style_dim)`.
        noise: `(n, noise_size)`, all maps of noise of an image in one vector, or `None`.
        images: `(n, height, width, channels)`, what the generator makes of styles and noise.
        psnr: `(n,)`, peak signal-to-noise ratio of each beside its target, in decibels, both
            clipped to [-1, 1].
        recorded: dict from the steps asked for to the images after so many.
    """

    styles: np.ndarray
    noise: np.ndarray | None
    images: np.ndarray
    psnr: np.ndarray
    recorded: dict


def project(
    generator,
    images,
    condition=None,
    steps=300,
    seed=0,
    space="w+",
    learning_rate=0.1,
    noise_weight=0.1,
    features=None,
    feature_weight=1.0,
    record=(),
    checkpoint=None,
    checkpoint_steps=50,
    verbose=1,
):
    """Find the styles and the noise with which a style generator makes given images.

    Adam starts at the mean of mapped latents, or at one of 256 of them, whichever makes the image
    that is nearest; under its condition where there is one. Maps of noise start at the generator's
    constant ones, or at random ones where noise comes from latents. Styles are disturbed meanwhile,
    ever less; maps of noise have mean 0 and variance 1 after every step. The generator stays as it
    is.

    Formula, for an image x, with styles w and maps of noise n of all layers, after a share t of the
    steps:

    ```
    loss = E (G(w, n) - x)² + feature_weight E (F(G(w, n)) - F(x))² / E F(x)²
           + noise_weight penalty(n)
    penalty(n) = sum of (E n n')²; n' is n moved by a pixel, along either axis, and the sum is over
                 all maps, and these halved down to 8 pixels
    rate = learning_rate min(1, t / 0.05) (1 - cos(π min(1, (1 - t) / 0.25))) / 2
    disturbance = 0.05 max(0, 1 - t / 0.75)² sqrt(E |w - E w|²) N(0, 1)
    ```

    The paper starts at the mean alone, from where more images are not found: docs/projection.md.

    Images are projected together, each by itself: on its own it has the same result, but for
    rounding. To see that a generator can be inverted, project images of its own first. Real images
    must be placed as the training data were, and come back less exactly.

    Args:
        generator: a Functional style generator, such as `networks.stylegan2` makes: its outputs are
            a dict with `"samples"` and `"styles"`. Or a `keras_gan.GAN` of one, which stands for
            the network that it samples from.
        images: float array of shape `(n, height, width, channels)`, or one image without the
            first axis, in the range of the training data, [-1, 1].
        condition: for conditional generators the label or the vector of each image, or one for all.
        steps: how many steps Adam takes.
        seed: an integer that names all random draws.
        space: `"w+"`, a style for each layer, which fits better; or `"w"`, one for all layers, as
            mapped latents have, which is better to edit.
        learning_rate: Adam's highest.
        noise_weight: of the penalty, which keeps the image out of the noise.
        features: a Keras model F of images, to a tensor or a nest of them, such as a
            discriminator's first layers; by default pixels alone count. It must not mix the images
            of a batch, as `MinibatchStdDev` does.
        feature_weight: of the features' error, as a share of their mean square.
        record: numbers of steps after which the images are kept, from 0 to `steps`.
        checkpoint: path of an `.npz` file, in a directory that exists, with what is found so far.
            Where there is one of the same projection, it goes on from there, to the same bits.
        checkpoint_steps: steps from one write of it to the next.
        verbose: 0 for no progress bar.

    Returns:
        A `Projection`. `networks.synthesize(generator, found.styles, found.noise)` makes its images
        again.

    Raises:
        TypeError: when `generator` or `features` is none, or an argument of another type.
        ValueError: when images don't fit the generator, a condition is missing or out of range, a
            number is out of range, or the checkpoint is damaged or of another projection.
        OSError: when the checkpoint can't be written.

    Example:

    >>> generator, _ = keras_gan.networks.stylegan2((16, 16, 1), latent_dim=8, max_channels=8)
    >>> target = generator(np.ones((1, 8)))["samples"]
    >>> found = keras_gan.networks.project(generator, target, steps=10)
    >>> found.styles.shape, found.noise.shape, found.psnr.shape
    ((1, 6, 8), (1, 656), (1,))

    Reference: [Karras et al., 2020](https://arxiv.org/abs/1912.04958), Section 5, Appendix D; a
    style for each layer, [Abdal et al., 2019](https://arxiv.org/abs/1904.03189).
    """
    parts = StyleParts(generator)
    images = _checked_images(images, parts.image_shape)
    condition = parts.checked_condition(condition, len(images))
    steps = arguments.whole("steps", steps)
    settings = {
        "steps": steps,
        "seed": arguments.seed("seed", seed),
        "space": arguments.choice("space", space, SPACES),
        "learning_rate": arguments.number("learning_rate", learning_rate, above=0),
        "noise_weight": arguments.number("noise_weight", noise_weight),
        "feature_weight": arguments.number("feature_weight", feature_weight),
        "record": [
            arguments.whole("record", each, least=0, most=steps)
            for each in arguments.listed(record)
        ],
    }
    features = _checked_features(features)
    path = None
    if checkpoint is not None:
        path = files.path_of("checkpoint", checkpoint, "it is written in one step")
    every = arguments.whole("checkpoint_steps", checkpoint_steps)
    descent = Descent(parts, images, condition, features, settings)
    descent.run(path and Checkpoint(path, every, descent), verbose)
    styles, noise, made = descent.found()
    return Projection(styles, noise, made, _psnr(made, images), dict(descent.recorded))


def _checked_images(images, shape):
    array = np.asarray(images)
    array = array[None] if array.ndim == 3 else array
    if array.shape[1:] != shape or not len(array):
        raise ValueError(
            f"Expected `images` of shape (n, {', '.join(map(str, shape))}), as the generator makes "
            f"them, or one without n. Received: images of shape {np.shape(images)}"
        )
    is_float = array.dtype.kind == "f" or str(array.dtype) == "bfloat16"
    array = array.astype(np.float32)
    if not is_float or not np.isfinite(array).all() or np.abs(array).max() > _LARGEST:
        raise ValueError(
            "Expected `images` of finite floats in the range of the training data, [-1, 1]; for "
            "8-bit images write `images / 127.5 - 1`. "
            f"Received: images of dtype {np.asarray(images).dtype}"
            + (", not finite or too large" if is_float else "")
        )
    return array


def _checked_features(features):
    if features is not None and not (isinstance(features, keras.Model) and features.built):
        raise TypeError(
            "Expected `features` to be None or a built Keras model of images. "
            f"Received: features={shown(features)}"
        )
    return features


def _psnr(images, targets):
    """Return the peak signal-to-noise ratio of each image, in decibels."""
    difference = np.clip(images, -1, 1).astype(np.float64) - np.clip(targets, -1, 1)
    errors = (difference**2).mean(axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return 10 * np.log10(2**2 / errors)
