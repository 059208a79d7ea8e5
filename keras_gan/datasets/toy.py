"""Toy distributions with an exact sampler and an exact density."""

import numpy as np

from keras_gan.datasets.arrays import from_arrays
from keras_gan.utils.arguments import choice, number, whole

SPLITS = ("train", "test")


class Mixture:
    """A mixture of round Gaussians of equal weight and width.

    Attributes:
        centers: Float64 array of shape `(modes, dimensions)`.
        std: Standard deviation of each mode along each axis, in data units.
        shape: Shape of one sample, `(dimensions,)`.

    Args:
        centers: Array of shape `(modes, dimensions)`.
        std: Positive float.

    Example:
    >>> pair = keras_gan.datasets.Mixture([[-1.0], [1.0]], std=0.1)
    >>> pair.sample(1000, seed=0).shape
    (1000, 1)
    """

    def __init__(self, centers, std):
        self.centers = np.asarray(centers, "float64")
        self.std = number("std", std, above=0)
        if self.centers.ndim != 2 or not self.centers.size:
            raise ValueError(
                "`centers` must have shape (modes, dimensions). "
                f"Received: an array of shape {self.centers.shape}"
            )

    @property
    def shape(self):
        """Return the shape of one sample."""
        return self.centers.shape[1:]

    def sample(self, n, seed):
        """Draw samples.

        Args:
            n: Number of samples, at least 1.
            seed: Non-negative integer, or a sequence of them; the samples are a function of it.

        Returns:
            Float32 array of shape `(n, dimensions)`.
        """
        n = whole("n", n)
        generator = np.random.default_rng(seed)
        modes = generator.integers(len(self.centers), size=n)
        noise = generator.standard_normal((n, *self.shape))
        return (self.centers[modes] + self.std * noise).astype("float32")

    def log_density(self, x):
        """Return the natural logarithm of the density at each point.

        Args:
            x: Array of shape `(..., dimensions)`.

        Returns:
            Float64 array of shape `(...)`, finite however far a point lies from every mode.

        Raises:
            ValueError: If the last dimension is not that of the samples.
        """
        x = np.asarray(x, "float64")
        if x.shape[-1:] != self.shape:
            raise ValueError(
                f"`x` must have shape (..., {self.shape[0]}). Received: x.shape={x.shape}"
            )
        squares = np.sum(((x[..., None, :] - self.centers) / self.std) ** 2, axis=-1)
        modes, dimensions = self.centers.shape
        normalizer = dimensions * np.log(self.std * np.sqrt(2 * np.pi)) + np.log(modes)
        return np.logaddexp.reduce(-squares / 2, axis=-1) - normalizer

    def dataset(self, batch_size=64, seed=0, size=100_000, shuffle=True, split="train"):
        """Return a dataset over a fixed sample of the distribution.

        Args:
            batch_size: Samples in a batch.
            seed: Integer that fixes the sample and the order of each epoch.
            size: Size of the sample, 100,000 as in the PacGAN experiments.
            shuffle: Whether to shuffle each epoch, dropping an incomplete last batch.
            split: "train" or "test": two independent samples of the same seed.

        Returns:
            A `tf.data.Dataset` of float32 batches with a `seek(epoch)` method.

        Reference:
            Lin et al., [PacGAN: The power of two samples in generative adversarial networks](
            https://arxiv.org/abs/1712.04086), 2018.
        """
        choice("split", split, SPLITS)
        seed = whole("seed", seed, least=0)
        samples = self.sample(size, [seed, SPLITS.index(split)])
        return from_arrays(samples, batch_size=batch_size, seed=seed, shuffle=shuffle)


class Gaussian(Mixture):
    """The normal distribution on a line, of the classic first GAN.

    Args:
        mean: Float.
        std: Positive float.

    Example:
    >>> keras_gan.datasets.Gaussian().log_density([[3.0]])
    array([-0.91893853])
    """

    def __init__(self, mean=3.0, std=1.0):
        super().__init__([[mean]], std)


class Ring(Mixture):
    """Gaussians at equal angles on a circle, the test of mode collapse.

    The centers lie at the angles 2πi/modes, so that they are all distinct. Code that spaces the
    angles over [0, 2π] with both ends included has one mode fewer, with a double weight at
    angle 0: its results are not comparable.

    Args:
        modes: Number of modes, at least 1.
        radius: Radius of the circle.
        std: Standard deviation of each mode.

    Example:
    >>> keras_gan.datasets.Ring().centers.shape
    (8, 2)

    Reference:
        Metz et al., [Unrolled generative adversarial networks](
        https://arxiv.org/abs/1611.02163), 2017; with the constants of PacGAN.
    """

    def __init__(self, modes=8, radius=1.0, std=0.01):
        modes = whole("modes", modes)
        angles = 2 * np.pi * np.arange(modes) / modes
        super().__init__(radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), std)


class Grid(Mixture):
    """Gaussians on a square lattice around the origin.

    Args:
        side: Modes along each axis, at least 1.
        spacing: Distance between neighbouring modes.
        std: Standard deviation of each mode.

    Example:
    >>> keras_gan.datasets.Grid().centers.shape
    (25, 2)

    Reference:
        Lin et al., [PacGAN: The power of two samples in generative adversarial networks](
        https://arxiv.org/abs/1712.04086), 2018.
    """

    def __init__(self, side=5, spacing=2.0, std=0.05):
        side = whole("side", side)
        axis = spacing * (np.arange(side) - (side - 1) / 2)
        super().__init__(np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2), std)
