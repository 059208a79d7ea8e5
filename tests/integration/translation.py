"""Two domains of different sizes and channels, and the networks that translate between them."""

import keras
import numpy as np
from keras import ops

import keras_gan

from .seeding import seeded

SHAPES = {"a": (32, 32, 1), "b": (16, 16, 3)}


def domains(n=12, m=8, seed=0):
    """Return n images of domain a and m of domain b, float32 in [-1, 1]."""
    rng = np.random.default_rng(seed)
    counts = {"a": n, "b": m}
    return {
        part: rng.uniform(-1, 1, (counts[part], *shape)).astype("float32")
        for part, shape in SHAPES.items()
    }


def one_way(source, target, name):
    """Return a generator from images of one domain to images of the other."""
    x = inputs = keras.Input(SHAPES[source])
    if source == "a":
        x = keras.layers.Conv2D(4, 4, 2, "same", activation="relu")(x)
    else:
        x = keras.layers.Conv2DTranspose(4, 4, 2, "same", activation="relu")(x)
    x = keras.layers.Conv2D(SHAPES[target][2], 3, 1, "same", activation="tanh")(x)
    return keras.Model(inputs, x, name=name)


def critic(part):
    """Return a discriminator of one domain: a patch map of logits."""
    x = inputs = keras.Input(SHAPES[part])
    x = keras.layers.LeakyReLU(0.2)(keras.layers.Conv2D(4, 4, 2, "same")(x))
    return keras.Model(inputs, keras.layers.Conv2D(1, 4, 1, "same")(x), name=f"critic_{part}")


def networks():
    """Return one generator of both directions, and one discriminator of both domains."""
    to_b, to_a = one_way("a", "b", "to_b"), one_way("b", "a", "to_a")
    real = {part: keras.Input(shape, name=part) for part, shape in SHAPES.items()}
    fake = {"a": to_a(real["b"]), "b": to_b(real["a"])}
    cycle = {"a": to_a(fake["b"]), "b": to_b(fake["a"])}
    generator = keras.Model(real, {"samples": fake, "cycle": cycle}, name="translator")
    judged = {part: keras.Input(shape, name=part) for part, shape in SHAPES.items()}
    heads = {part: critic(part)(judged[part]) for part in SHAPES}
    return generator, keras.Model(judged, heads, name="critics")


@keras.saving.register_keras_serializable("test")
class Cycle(keras_gan.terms.Term):
    """Mean absolute distance of a there-and-back translation from the original, by domain."""

    player = "generator"

    def generator_term(self, step):
        cycle = step.generated["cycle"]
        return {
            part: ops.mean(ops.abs(cycle[part] - step.real[part]), axis=(1, 2, 3)) for part in cycle
        }


def model(seed=5, **options):
    """Return a compiled CycleGAN."""
    seeded(seed)
    gan = keras_gan.GAN(*networks(), latents=None, conditional="samples", seed=seed)
    options = {"loss": "least_squares", "terms": [Cycle(weight=5.0)], **options}
    gan.compile(**options)
    return gan


def dataset(batch_size=4, **sizes):
    """Return batches of both domains, without pairs."""
    return keras_gan.datasets.unpaired(**domains(**sizes), batch_size=batch_size, seed=1)
