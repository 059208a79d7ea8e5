"""Contrast inversion: white letters to black ones without pairs, by a cycle and two adversaries.

    python benchmarks/proofs/inversion.py

The right translation of an image is its negative, and its distance is known. A translator that
keeps the image meets the cycle, and an identity asks for it: reports of CycleGANs that invert
colours, or don't, are of this kind.
"""

import dataclasses

import keras
import numpy as np
import page
import runs
import tables
from keras import layers

import keras_gan
from keras_gan import datasets, networks, schedules, terms

LIMIT = 0.05
SIDE = 16


@dataclasses.dataclass(frozen=True)
class Arm(runs.Arm):
    """Settings of a CycleGAN.

    Attributes:
        identity: weight of the identity; without the term at 0.
    """

    identity: float = 0.0


def letters(split):
    """Return letters of one typeface, halved to 16 pixels."""
    _, images = datasets.load_glyphs("sans", "serif", split)
    return images.reshape(len(images), SIDE, 2, SIDE, 2, 1).mean((2, 4))


def translator():
    """Return three convolutions, the last one linear: a tanh can saturate to one colour."""
    source = x = keras.Input((SIDE, SIDE, 1))
    for _ in range(2):
        x = layers.Conv2D(8, 3, padding="same", activation="leaky_relu")(x)
    return keras.Model(source, layers.Conv2D(1, 3, padding="same")(x))


def play(arm, seed):
    """Train on letters of no common character; return distances of held-out translations."""
    keras.utils.set_random_seed(seed)
    train, held_out = letters("train"), letters("test")
    domains = datasets.unpaired(a=train[::2], b=-train[1::2], batch_size=16, seed=seed)
    critics = [networks.patch((SIDE, SIDE, 1), depth=1, width=16) for _ in "ab"]
    model = keras_gan.CycleGAN(translator(), translator(), *critics, seed=seed)

    def adam(rate):
        falling = schedules.Cosine(rate, 0.05 * rate, start=arm.steps // 3, end=arm.steps)
        return keras.optimizers.Adam(falling, beta_1=0.5)

    identity = [terms.Identity(arm.identity)] if arm.identity else []
    model.compile(
        generator_optimizer=adam(3e-3),
        discriminator_optimizer=adam(1e-3),
        ema=0.98,
        terms=[terms.Cycle(1.0), *identity],
    )
    model.fit(domains, epochs=-(-arm.steps // len(domains)), verbose=0)
    to_b = model.translate(held_out, to="b")
    to_a = model.translate(-held_out, to="a")
    return {
        "to_b": np.abs(to_b + held_out).mean(),
        "to_a": np.abs(to_a - held_out).mean(),
        "kept": np.abs(to_b - held_out).mean(),
    }


def finish(arms, rows):
    """Return how many runs inverted both ways, by arm."""
    lines = []
    for arm in arms:
        worst = [max(r.figures["to_b"], r.figures["to_a"]) for r in rows[arm.name] if not r.failed]
        held = sum(distance <= LIMIT for distance in worst)
        lines.append(f"- {arm.title}: both at most {LIMIT} in {held} of {len(arm.seeds)} runs.")
    return "\n".join(lines)


TABLE = runs.Table(
    "inversion",
    (
        Arm("cycle", "cycle 1", 803, tuple(range(10))),
        Arm("cycle_identity", "cycle 1, identity 0.5", 803, (0, 1, 2), identity=0.5),
    ),
    play,
    (
        tables.Figure("to_b", "L1 to the negative", 4, best=min),
        tables.Figure("to_a", "and back", 4, best=min),
        tables.Figure("kept", "L1 to the source", 4),
    ),
    finish=finish,
    page=page.TRANSLATION,
)


if __name__ == "__main__":
    runs.command(TABLE)
