"""Recipes of papers: what `GAN.compile` is given to train as they did."""

import keras

from keras_gan.averaging import GeneratorAverage
from keras_gan.schedules import Cosine, Linear, ScheduledAdam
from keras_gan.terms import (
    R1,
    R2,
    GradientPenalty,
    OrthogonalRegularization,
    PairedFeatureMatching,
    PathLength,
    SpectralReconstruction,
)
from keras_gan.utils import arguments

__all__ = ["biggan", "hifigan", "r3gan", "sagan", "sngan", "stylegan2", "wavegan"]


def sngan(steps=50_000, discriminator_steps=5):
    """Return what SNGAN's authors trained with: the hinge loss, rates that fall to 0 in a line.

    For `keras_gan.networks.sngan`, in batches of 64. Their code draws the labels of generated
    samples uniformly, and updates the generator on 128 samples, here on as many as are real.

    Args:
        steps: training steps of the whole run, by which the rates are 0.
        discriminator_steps: the discriminator's updates to one of the generator's.

    Returns:
        Dict of arguments of `keras_gan.GAN.compile`.

    Raises:
        ValueError: when a number is no positive integer.

    Example:

    ```python
    model = keras_gan.GAN(*keras_gan.networks.dcgan((8, 8, 1), spectral_norm=True))
    model.compile(**keras_gan.recipes.sngan(steps=10_000))
    ```

    Reference:
        - [Miyato et al., 2018](https://arxiv.org/abs/1802.05957), Section 4, Table 3
    """
    steps = arguments.whole("steps", steps)
    updates = arguments.whole("discriminator_steps", discriminator_steps)
    # An optimizer counts its own updates.
    rates = (Linear(2e-4, 0.0, end=steps * each) for each in (1, updates))
    return {
        "loss": "hinge",
        **_adams(*rates, beta_1=0.0, beta_2=0.9),
        "discriminator_steps": updates,
    }


def sagan():
    """Return what SAGAN's authors trained with: the hinge loss, the discriminator's rate larger.

    For `keras_gan.networks.sagan`, in batches of 256. beta_2 is the paper's 0.9; their code leaves
    it at 0.999.

    Returns:
        Dict of arguments of `keras_gan.GAN.compile`.

    Example:

    ```python
    model = keras_gan.GAN(*keras_gan.networks.dcgan((8, 8, 1), spectral_norm=True))
    model.compile(**keras_gan.recipes.sagan())
    ```

    Reference:
        - [Zhang et al., 2019](https://arxiv.org/abs/1805.08318), Section 4
    """
    return {"loss": "hinge", **_adams(1e-4, 4e-4, beta_1=0.0, beta_2=0.9)}


def biggan(batch_size=256, orthogonal=None):
    """Return what BigGAN's authors trained with at 128 pixels.

    For `keras_gan.networks.biggan`. The paper's batches have 2,048 images. The average begins
    early in short runs, where theirs is the network itself for its first 20,000 steps.

    Args:
        batch_size: images in a batch, which the average's half-life is computed from.
        orthogonal: weight of orthogonal regularization, or `None` for none, as their published
            scripts have it; 1e-4 in the paper.

    Returns:
        Dict of arguments of `keras_gan.GAN.compile`.

    Raises:
        ValueError: when a number is out of range.
        TypeError: when `orthogonal` is no number.

    Example:

    ```python
    model = keras_gan.GAN(*keras_gan.networks.dcgan((8, 8, 1), spectral_norm=True))
    model.compile(**keras_gan.recipes.biggan(batch_size=64))
    ```

    Reference:
        - [Brock et al., 2019](https://arxiv.org/abs/1809.11096), Section 3, Appendix C
    """
    batch_size = arguments.whole("batch_size", batch_size)
    half_life = 6931.1 * batch_size  # Of 0.9999 a step: log 2 / log(1 / 0.9999) steps.
    return {
        "loss": "hinge",
        **_adams(5e-5, 2e-4, beta_1=0.0, beta_2=0.999, epsilon=1e-6),
        "discriminator_steps": 2,
        "terms": [] if orthogonal is None else [OrthogonalRegularization(orthogonal)],
        "ema": GeneratorAverage(half_life=half_life, ramp_up=0.05),
    }


def stylegan2(image_size=32, batch_size=64, gamma=None, path_length=2.0, half_life=None):
    """Return what StyleGAN2 is trained with: lazy R1 and path lengths, and Adam corrected for both.

    For `keras_gan.networks.stylegan2`, whose side output `"styles"` path lengths are taken in. The
    numbers are those of its authors' automatic choice, by image and batch size. A lazy term is as
    strong on average as on every step, but Adam sees it as one large gradient in k: with
    c = k / (k + 1) the rate is c times as large, and beta_2 to the power of c.

    Args:
        image_size: side of the images in pixels, which the default `gamma` follows.
        batch_size: images in a batch, which `gamma` and `half_life` follow.
        gamma: of R1; by default `0.0002 image_size**2 / batch_size`. Try 4 times as much, and a
            quarter: more makes training stable, less makes samples varied.
        path_length: weight of path length regularization, 0 for none, as for CIFAR-10. The
            generator's optimizer stays as it is, as in the authors' code.
        half_life: of the average, in images; by default 10,000 for batches of 32, and in
            proportion.

    Returns:
        Dict of arguments of `keras_gan.GAN.compile`.

    Raises:
        ValueError: when a number is out of range.
        TypeError: when one is no number.

    Example:

    ```python
    networks = keras_gan.networks.stylegan2((32, 32, 3))
    model = keras_gan.GAN(*networks)
    model.compile(**keras_gan.recipes.stylegan2(image_size=32, batch_size=64))
    ```

    Reference:
        - [Karras et al., 2020](https://arxiv.org/abs/1912.04958), Section 3.1, Appendix B
        - [Karras et al., 2020](https://arxiv.org/abs/2006.06676), Appendix C
    """
    size = arguments.whole("image_size", image_size)
    batch = arguments.whole("batch_size", batch_size)
    gamma = 2e-4 * size**2 / batch if gamma is None else arguments.number("gamma", gamma)
    half_life = 10_000 * batch / 32 if half_life is None else half_life
    lengths = [PathLength(path_length, of="styles", interval=4)] if path_length else []
    return {
        "loss": "non_saturating",
        "generator_optimizer": _lazy_adam(0.0025, 0.99, interval=4),
        "discriminator_optimizer": _lazy_adam(0.0025, 0.99, interval=16),
        "terms": [R1(gamma, interval=16), *lengths],
        "ema": GeneratorAverage(half_life=half_life, ramp_up=0.05),
    }


def r3gan(images=20_000_000, batch_size=512, gamma=0.05, half_life=5_000_000):
    """Return what R3GAN is trained with; by default its numbers for CIFAR-10.

    For `keras_gan.networks.r3gan`: relativistic pairing with R1 and R2 at every step. Learning
    rate, beta_2, gamma and the average's half-life follow one cosine over the first `images`
    images, and stay where they end: gamma at a tenth. Its authors augment images too.

    gamma does not carry over from one kind of images to another: they had 0.05 for CIFAR-10, 0.5
    for ImageNet at 32 pixels, 2 and 150 for faces at 64 and 256 pixels.

    Args:
        images: real images by which the schedules end.
        batch_size: images in a batch, which the number of steps follows.
        gamma: of R1 and of R2 at the start.
        half_life: of the average at the end of the schedules, in images; 0 at the start.

    Returns:
        Dict of arguments of `keras_gan.GAN.compile`.

    Raises:
        ValueError: when a number is out of range.
        TypeError: when one is no number.

    Example:

    ```python
    networks = keras_gan.networks.r3gan((16, 16, 3))
    model = keras_gan.GAN(*networks)
    model.compile(**keras_gan.recipes.r3gan(images=200_000, batch_size=64, half_life=10_000))
    ```

    Reference:
        - [Huang et al., 2024](https://arxiv.org/abs/2501.05441), Appendix D
    """
    batch = arguments.whole("batch_size", batch_size)
    steps = max(1, arguments.whole("images", images) // batch)
    gamma = arguments.number("gamma", gamma)
    half_life = arguments.number("half_life", half_life)
    falling = Cosine(1.0, 0.1, end=steps)

    def adam():
        rate, beta_2 = Cosine(2e-4, 5e-5, end=steps), Cosine(0.9, 0.99, end=steps)
        return ScheduledAdam(rate, beta_1=0.0, beta_2=beta_2, epsilon=1e-8)

    return {
        "loss": "relativistic_pairing",
        "generator_optimizer": adam(),
        "discriminator_optimizer": adam(),
        "terms": [R1(gamma, schedule=falling), R2(gamma, schedule=falling)],
        "ema": GeneratorAverage(half_life=Cosine(0.0, half_life, end=steps)),
    }


def wavegan(discriminator_steps=5):
    """Return what WaveGAN's authors trained with: a Wasserstein critic under a gradient penalty.

    For `keras_gan.networks.wavegan`, in batches of 64, with uniform latents.

    Args:
        discriminator_steps: the critic's updates to one of the generator's.

    Returns:
        Dict of arguments of `keras_gan.GAN.compile`.

    Raises:
        ValueError: when the number is no positive integer.

    Example:

    ```python
    networks = keras_gan.networks.wavegan((4096, 1), width=16)
    model = keras_gan.GAN(*networks, latents=keras_gan.latents.Uniform(100))
    model.compile(**keras_gan.recipes.wavegan())
    ```

    Reference:
        - [Donahue et al., 2019](https://arxiv.org/abs/1802.04208), Appendix E, Table 6
    """
    return {
        "loss": "wasserstein",
        **_adams(1e-4, 1e-4, beta_1=0.5, beta_2=0.9),
        "terms": [GradientPenalty(10.0)],
        "discriminator_steps": arguments.whole("discriminator_steps", discriminator_steps),
    }


def hifigan(spectrogram=None, steps_per_epoch=809, heads=8):
    """Return what HiFi-GAN's authors trained with: squares, features of D, and a mel spectrogram.

    For `keras_gan.networks.hifigan`, on pairs `(waveforms, frames)` of 8,192 steps, in batches of
    16. Their squares are added over the heads and not halved; `LeastSquares` takes half of the
    heads' mean. Here everything is divided by twice the number of heads, so that all parts have
    their weight beside each other: spectrograms 45 / 16 of 8 heads. Features, of which
    `PairedFeatureMatching` takes the heads' mean too, have 1 for their 2.

    The rates of AdamW fall by 0.999 with each epoch.

    Args:
        spectrogram: the layer that waveforms are compared by; by default
            `keras_gan.layers.LogMelSpectrogram()`, for 22,050 Hz. It goes up to half the sampling
            rate, even where the frames that the generator is given end below.
        steps_per_epoch: training steps in an epoch; 809 are the authors' 12,950 clips.
        heads: of the discriminator.

    Returns:
        Dict of arguments of `keras_gan.GAN.compile`.

    Raises:
        TypeError: when `spectrogram` is no layer.
        ValueError: when a number is no positive integer.

    Example:

    ```python
    spectrogram = keras_gan.layers.LogMelSpectrogram(8000, 20, fft_length=128, sequence_stride=32)
    networks = keras_gan.networks.hifigan(
        20, rates=(8, 4), width=32, periods=(2, 3), scales=1, discriminator_width=128
    )
    model = keras_gan.GAN(*networks, latents=None)
    model.compile(**keras_gan.recipes.hifigan(spectrogram, steps_per_epoch=100, heads=3))
    sounds = keras.random.uniform((16, 1024, 1), -1, 1)
    model.fit(sounds, spectrogram(sounds), batch_size=16)
    ```

    Reference:
        - [Kong et al., 2020](https://arxiv.org/abs/2010.05646), Sections 2.4 and 3, and its code
    """
    steps = arguments.whole("steps_per_epoch", steps_per_epoch)
    heads = arguments.whole("heads", heads)

    def adam():
        rate = keras.optimizers.schedules.ExponentialDecay(2e-4, steps, 0.999, staircase=True)
        return keras.optimizers.AdamW(rate, 0.01, beta_1=0.8, beta_2=0.99, epsilon=1e-8)

    return {
        "loss": "least_squares",
        "generator_optimizer": adam(),
        "discriminator_optimizer": adam(),
        "terms": [
            PairedFeatureMatching(1.0),
            SpectralReconstruction(45 / (2 * heads), spectrogram),
        ],
    }


def _adams(generator_rate, discriminator_rate, **options):
    """Return the two arguments of Adam optimizers."""
    return {
        "generator_optimizer": keras.optimizers.Adam(generator_rate, **options),
        "discriminator_optimizer": keras.optimizers.Adam(discriminator_rate, **options),
    }


def _lazy_adam(rate, beta_2, interval):
    share = interval / (interval + 1)
    return keras.optimizers.Adam(share * rate, beta_1=0.0, beta_2=beta_2**share, epsilon=1e-8)
