"""The jobs of image to image, each a small game of the library's own networks."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np

import keras_gan
from keras_gan import datasets, networks, terms
from keras_gan.datasets import degrade

from . import small, translation
from .seeding import seeded

SHAPE = (16, 16, 1)


@dataclasses.dataclass(frozen=True)
class Job:
    """One job: its networks, its options of `compile` and its data.

    Attributes:
        networks: function that returns the networks and the options of `GAN`.
        degraded: function of images and a seed that returns elements `(target, condition)`.
        options: function that returns options of `compile`.
    """

    networks: Callable
    degraded: Callable
    options: Callable

    def model(self, **options):
        """Return a compiled model, the same in every process."""
        seeded(5)
        generator, discriminator, given = self.networks()
        model = keras_gan.GAN(generator, discriminator, latents=None, seed=5, **given)
        model.compile(**{**small.adams(), **self.options(), **options})
        return model

    def dataset(self):
        """Return four batches of four elements, degraded by draws of the dataset's own."""
        images = datasets.from_arrays(_images(16), batch_size=4, seed=1)
        return datasets.map(images, self.degraded, seed=2)

    def sources(self, n=2):
        """Return the condition of other elements."""
        _, condition = self.degraded(_images(n, seed=9), (3, 4))
        return keras.tree.map_structure(np.asarray, condition)


class BothWays:
    """The job of `CycleGAN`."""

    def model(self, **options):
        """Return a compiled model, the same in every process."""
        return translation.model(**{"replay": 6, "ema": 0.9, **small.adams(), **options})

    def dataset(self):
        """Return batches of four images of each domain."""
        return translation.dataset(n=16)

    def sources(self, n=2):
        """Return other images of both domains."""
        return {part: images[:n] for part, images in translation.domains(seed=9).items()}


def _images(n, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, *SHAPE)).astype("float32")


def pairs():
    """pix2pix."""
    generator = networks.unet(SHAPE, width=(4, 8), depth=2)
    return generator, networks.patch(SHAPE, SHAPE, depth=1, width=4), {}


def restoring(scale):
    """Return the networks of super-resolution and denoising, of images of any size."""
    any_size = (None, None, 1)
    generator = networks.srresnet(any_size, scale, width=4, blocks=1)
    critic = networks.patch(any_size, depth=1, width=4, normalization="spectral")
    return generator, critic, {"conditional": "generator"}


def filling():
    """DeepFill."""
    generator = networks.gated_inpainter(SHAPE, width=8, stages=1, dilations=(2,))
    critic = networks.sn_patch(SHAPE, (*SHAPE[:2], 1), width=4, depth=2)
    return generator, critic, {"discriminator_condition": "mask"}


def paired(weight, loss="non_saturating", **more):
    return lambda: {"loss": loss, "terms": [terms.Reconstruction(weight)], "ema": 0.9, **more}


def after(steps):
    """Return the weight of an adversary that comes after some steps."""
    return keras.optimizers.schedules.PiecewiseConstantDecay([steps], [0.0, 1.0])


JOBS = {
    "pix2pix": Job(pairs, lambda x, seed: (x, -x), paired(10.0)),
    "super_resolution": Job(
        lambda: restoring(2),
        lambda x, seed: (x, degrade.bicubic(x, 2)),
        paired(5.0, adversarial_weight=after(4)),
    ),
    "denoising": Job(
        lambda: restoring(1), lambda x, seed: (x, degrade.noise(x, 25, seed)), paired(20.0)
    ),
    "inpainting": Job(
        filling,
        lambda x, seed: degrade.masked(x, degrade.free_form_masks(x, seed)),
        paired(10.0, "hinge"),
    ),
    "cycle_gan": BothWays(),
}
