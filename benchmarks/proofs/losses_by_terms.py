"""Five games by five ways to hold the discriminator, on MNIST.

    TFDS_DATA_DIR=... python benchmarks/proofs/losses_by_terms.py

One small network, one setting for all 25: nothing is tuned to a loss or a term, so that a cell
says what the pair does as it comes, not what it could do. About an hour on 2 cores.
"""

import dataclasses

import keras
import mnist
import runs
import tables

import keras_gan
from keras_gan import layers, metrics, terms

FIRST_SEED = 1_000_000
SAMPLES = 5000

FIGURES = (
    tables.Figure("frechet_distance", "Fréchet distance", 1, best=min),
    tables.Figure("classes", "classes of 10", 1),
    tables.Figure("smallest", "% smallest class", 1, best=10.0),
)

LOSSES = {
    "non_saturating": "non-saturating",
    "least_squares": "least squares",
    "hinge": "hinge",
    "wasserstein": "Wasserstein",
    "relativistic_pairing": "relativistic",
}

# Weights of the papers for pixels in [-1, 1] (gradient penalty) and of images of this size (R1).
TERMS = {
    "none": ("nothing", lambda: []),
    "gradient_penalty": ("gradient penalty", lambda: [terms.GradientPenalty(10.0)]),
    "r1": ("R1", lambda: [terms.R1(1.0)]),
    "r1_r2": ("R1 + R2", lambda: [terms.R1(1.0), terms.R2(1.0)]),
    "spectral_norm": ("spectral norm", lambda: []),
}


@dataclasses.dataclass(frozen=True)
class Pair(runs.Arm):
    """A loss and what holds the discriminator."""

    loss: str = "non_saturating"
    term: str = "none"
    width: int = 8
    latent_dim: int = 64
    batch: int = 64
    learning_rate: float = 5e-4
    beta_1: float = 0.5
    beta_2: float = 0.99
    half_life: int = 20_000
    samples: int = SAMPLES

    def model(self, seed):
        """Return the compiled model."""
        networks = keras_gan.networks.dcgan((28, 28, 1), self.latent_dim, self.width)
        generator, discriminator = networks
        if self.term == "spectral_norm":
            discriminator = normalized(discriminator)
        model = keras_gan.GAN(generator, discriminator, seed=seed)
        adams = [
            keras.optimizers.Adam(self.learning_rate, beta_1=self.beta_1, beta_2=self.beta_2)
            for _ in range(2)
        ]
        model.compile(
            self.loss,
            *adams,
            terms=TERMS[self.term][1](),
            ema=keras_gan.GeneratorAverage(half_life=self.half_life, ramp_up=0.05),
        )
        return model


@dataclasses.dataclass(frozen=True)
class Floor(runs.Arm):
    """Real images that no generator has seen, in place of generated ones."""

    samples: int = SAMPLES


def normalized(discriminator):
    """Return the discriminator with every kernel normalized, its weights drawn anew."""

    def wrap(layer):
        copy = type(layer).from_config(layer.get_config())
        return layers.SpectralNormalization(copy) if hasattr(layer, "kernel") else copy

    return keras.models.clone_model(discriminator, clone_function=wrap)


STEPS, SEEDS = 2500, (0, 1, 2)
ARMS = (
    *(
        Pair(
            f"{loss}-{term}",
            f"{title}, {TERMS[term][0]}",
            STEPS,
            SEEDS,
            loss=loss,
            term=term,
        )
        for loss, title in LOSSES.items()
        for term in TERMS
    ),
    Floor("floor", "real images (floor)", 0),
)


def samples_of(arm, seed):
    """Return a run's samples: a trained generator's, or real ones."""
    if isinstance(arm, Floor):
        return mnist.load(mnist.FLOOR)[0][: arm.samples]
    keras.utils.set_random_seed(seed)
    model = arm.model(seed)
    images = mnist.load(mnist.LEARNED)[0]
    data = keras_gan.datasets.from_arrays(images, batch_size=arm.batch, seed=seed)
    model.fit(data.repeat(), steps_per_epoch=arm.steps, verbose=0)
    return model.generate(arm.samples, seed=FIRST_SEED, batch_size=500)


def play(arm, seed):
    """Train one run and return its figures."""
    classifier = mnist.classifier()
    judges = [metrics.FrechetDistance(classifier.features), metrics.ClassCoverage(classifier)]
    real = mnist.load(mnist.JUDGED)[0][:SAMPLES]
    figures = metrics.evaluate(judges, real, samples_of(arm, seed), verbose=0)
    return {
        "frechet_distance": figures["frechet_distance"],
        "classes": figures["class_coverage/classes"],
        "smallest": 100 * figures["class_coverage/smallest"],
    }


def finish(arms, rows):
    """Return the distances as a square: losses down, terms across."""
    figure, body = FIGURES[0], []
    for loss, title in LOSSES.items():
        line = [title]
        for term in TERMS:
            done = [row for row in rows[f"{loss}-{term}"] if not row.failed]
            line.append(tables.cell(figure, [row.figures[figure.key] for row in done]))
        body.append(line)
    return tables.lines(["", *(title for title, _ in TERMS.values())], body)


if __name__ == "__main__":
    table = runs.Table(
        "losses_by_terms", ARMS, play, FIGURES, prepare=mnist.classifier, finish=finish
    )
    runs.command(table)
