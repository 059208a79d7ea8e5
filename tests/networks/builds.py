"""The ready-made networks for latents, small."""

from keras_gan import networks

SHAPE, LATENTS = (16, 16, 1), 6

BUILDS = {
    "dcgan": lambda **told: networks.dcgan(SHAPE, LATENTS, width=4, **told),
    "mlp": lambda **told: networks.mlp(SHAPE, LATENTS, width=8, **told),
    "sngan": lambda **told: networks.sngan(SHAPE, LATENTS, width=4, **told),
    "sagan": lambda **told: networks.sagan(SHAPE, LATENTS, width=8, **told),
    "biggan": lambda **told: networks.biggan(SHAPE, LATENTS, width=2, embedding_dim=4, **told),
    "biggan, a table for each place": lambda **told: networks.biggan(
        SHAPE, LATENTS, width=2, hierarchical=False, **told
    ),
    "stylegan2": lambda **told: networks.stylegan2(SHAPE, LATENTS, max_channels=8, **told),
    "r3gan": lambda **told: networks.r3gan(SHAPE, LATENTS, widths=(8, 8, 8), **told),
}
