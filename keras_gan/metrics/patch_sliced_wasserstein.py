"""The sliced Wasserstein distance between small patches of images: how sharp these are."""

import functools

import keras
import numpy as np

from keras_gan.metrics.checks import check_images
from keras_gan.metrics.luminance import luminance
from keras_gan.metrics.metric import QualityMetric
from keras_gan.metrics.sliced_wasserstein import directions, distance
from keras_gan.utils import arguments

SIDE = 7  # Pixels: as wide as the sharpest edges and finest textures, no wider.


def patch_sliced_wasserstein(real, fake, patches=64, projections=128, seed=0):
    """Compare the fine structure of two sets of images: edges and texture, without brightness.

    Patches of 7x7 pixels of the luminance, each without its own mean. A blurred image has the
    right mean everywhere, and scores well pixel by pixel; its patches are flatter than real ones.

    Args:
        real: array of shape `(n, height, width, 1 or 3)` with values in [-1, 1].
        fake: array of shape `(m, height, width, 1 or 3)`; pairs are not needed.
        patches: how many of each image, at places drawn at random, the same in all images; all
            of them where there are no more.
        projections: random directions, uniform on the sphere.
        seed: of the places and directions.

    Returns:
        Dict of floats: `distance`, the sliced 2-Wasserstein distance between the patches in units
        of the images, 0 at best; `std_ratio`, the standard deviation of generated patches over
        that of real ones: below 1 for blur, above 1 for noise.

    Raises:
        ValueError: for images below 7 pixels a side, values out of range, or a count that is none.

    Example:

    >>> sharp = np.random.uniform(-1, 1, (20, 16, 16, 1))
    >>> keras_gan.metrics.patch_sliced_wasserstein(sharp, sharp / 2)["std_ratio"]
    0.5

    Reference:
        - [Karras et al., 2018](https://arxiv.org/abs/1710.10196), Section 5, of the patches of a
          Laplacian pyramid
        - [Bonneel et al., 2015](https://doi.org/10.1007/s10851-014-0506-3)
    """
    metric = PatchSlicedWasserstein(patches, projections, seed)
    metric.update_state(real, fake)
    return metric.result()


@keras.saving.register_keras_serializable("keras_gan")
class PatchSlicedWasserstein(QualityMetric):
    """Sliced Wasserstein distance between patches of real and of generated images.

    It sees blur and noise, which distances between pairs reward or hardly notice: give it beside
    `PSNR`. The values are `distance` and `std_ratio`, see `patch_sliced_wasserstein`. Of each
    image `patches` times `projections` numbers are kept, 33 KB by default.

    Args:
        patches: patches of each image.
        projections: random directions.
        seed: of the places and directions.
        name: key in the logs, for the two values.

    Raises:
        ValueError: for a count that is none.
    """

    keys = ("distance", "std_ratio")
    value_range = (-1.0, 1.0)
    own_shape = True

    def __init__(self, patches=64, projections=128, seed=0, name=None):
        super().__init__(name=name)
        self.patches = arguments.whole("patches", patches)
        self.projections = arguments.whole("projections", projections)
        self.seed = arguments.whole("seed", seed, least=0)

    def prepare(self, rows):
        """Return the projections of the images' patches, and each patch's mean square."""
        found = _patches(luminance(rows), self.patches, self.seed)
        squares = np.square(found).mean(axis=1, keepdims=True)
        projected = found @ directions(SIDE**2, self.projections, self.seed)
        return np.concatenate([projected, squares], axis=1).astype("float32")

    def compute(self, real, fake):
        """Return the distance between the two sides' patches, and the ratio of their spread."""
        real, fake = real.values, fake.values
        with np.errstate(divide="ignore", invalid="ignore"):
            squares = [side[:, -1].mean(dtype="float64") for side in (fake, real)]
            ratio = np.sqrt(np.divide(*squares))
        return {"distance": distance(real[:, :-1], fake[:, :-1], 2), "std_ratio": ratio}

    def _check(self, side, rows, shape):
        check_images(rows, side)
        if min(rows.shape[1:3]) < SIDE:
            raise ValueError(
                f"Expected images of at least {SIDE} pixels a side. "
                f"Received: {side} of shape {rows.shape}"
            )
        super()._check(side, rows, shape)

    def get_config(self):
        """Return the constructor's arguments."""
        own = {"patches": self.patches, "projections": self.projections, "seed": self.seed}
        return {"name": self.name, **own}


def _patches(images, count, seed):
    """Return patches of each image without their means, rows of `SIDE`² values."""
    height, width = (side - SIDE + 1 for side in images.shape[1:3])
    rows, columns = _places(height, width, count, seed)
    windows = np.lib.stride_tricks.sliding_window_view(images[..., 0], (SIDE, SIDE), axis=(1, 2))
    patches = windows[:, rows, columns].reshape(-1, SIDE**2)
    return patches - patches.mean(axis=1, keepdims=True)


@functools.lru_cache(4)
def _places(height, width, count, seed):
    """Return rows and columns of the places where patches begin, without repetition."""
    chosen = np.random.default_rng(seed).permutation(height * width)[:count]
    return np.divmod(chosen, width)
