"""A training step of each network, in a program whose messages are read by a test.

    python -m tests.networks.training_steps ["a name" ...]

Each name is printed before its step, on the stream on which TensorFlow prints its own messages.
"""

import sys

import numpy as np

import keras_gan
from keras_gan import networks
from tests.networks.test_networks_of_translation import PAIRS

SHAPE, SOUND = (16, 16, 1), (64, 1)
R1 = {"terms": [keras_gan.terms.R1(0.1)]}


def of_latents(networks_of, shape=SHAPE, **options):
    """Return a case: a function of its game, its data and the arguments of `compile`."""
    return lambda: (keras_gan.GAN(*networks_of()), [np.zeros((4, *shape), "float32")], options)


def of_sources(build):
    """Return the case of a pair of networks that are given what to translate."""

    def case():
        generator, discriminator, data, options = build()
        model = keras_gan.GAN(generator, discriminator, latents=None, **options)
        return model, data, {"loss": "least_squares"}

    return case


def hifigan():
    """Return the case of a vocoder."""
    form = 6, (4, 2), 8, ((3, (1, 3)), (5, (2,)))
    pair = networks.hifigan(*form, periods=(2,), scales=2, discriminator_width=128)
    data = [np.zeros((4, *shape), "float32") for shape in (SOUND, (8, 6))]
    options = {"loss": "least_squares", "terms": ["paired_feature_matching"]}
    return keras_gan.GAN(*pair, latents=None), data, options


CASES = {
    "dcgan": of_latents(lambda: networks.dcgan(SHAPE, width=4), **R1),
    "dcgan, normalized": of_latents(
        lambda: networks.dcgan(SHAPE, width=4, spectral_norm=True, minibatch_std=True)
    ),
    "sngan": of_latents(lambda: networks.sngan(SHAPE, width=4), loss="hinge"),
    "sagan": of_latents(lambda: networks.sagan(SHAPE, width=8), loss="hinge"),
    "biggan": of_latents(lambda: networks.biggan(SHAPE, width=2), loss="hinge"),
    "stylegan2": of_latents(lambda: networks.stylegan2(SHAPE, max_channels=8), **R1),
    "r3gan": of_latents(
        lambda: networks.r3gan(SHAPE, widths=(8, 8, 8)),
        loss="relativistic_pairing",
        terms=["r1", "r2"],
    ),
    "wavegan": of_latents(
        lambda: networks.wavegan(SOUND, width=4),
        SOUND,
        **keras_gan.recipes.wavegan(discriminator_steps=1),
    ),
    "hifigan": hifigan,
    **{name: of_sources(build) for name, build in PAIRS.items()},
}


def main():
    for name in sys.argv[1:] or CASES:
        print(f"a step of {name}", file=sys.stderr, flush=True)
        model, data, options = CASES[name]()
        model.compile(**options)
        model.fit(*data, batch_size=4, verbose=0)
    print("trained")


if __name__ == "__main__":
    main()
