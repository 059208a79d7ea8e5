"""Learn the normal distribution N(3, 1): the smallest GAN there is, and how to judge one.

    python examples/gaussian.py
    python examples/gaussian.py --seeds=0,1,2,3,4
    python examples/gaussian.py --classic --seeds=0,1,2,3,4,5

A generator of numbers plays against a discriminator of numbers. While they train, a table shows
the two losses on their way to 2 log 2 = 1.3863 and log 2 = 0.6931, the mean and the standard
deviation of what the generator makes, and D(x), the probability of being real that the
discriminator gives to real samples.

These losses are also those of a discriminator that has stopped looking. So a second one, fresh,
is trained against the finished generator and judged on samples it has never seen: what it tells
apart proves a lower bound on the Jensen-Shannon divergence between data and generator, from 0
(equal) to log 2 = 0.693 nats (nothing in common).

The last lines are a table with one row for each seed. The run directory receives, for each seed, a
picture of both densities and D(x).

--classic plays the textbook's game instead: one hidden layer of 16 ReLUs in each network, Adam
with learning rate 0.01, batches of 16, 1,000 steps. Its losses look as good. Its samples do not.
"""

import math
import os
import time

import keras
import numpy as np
from absl import app, flags

import keras_gan
from keras_gan import networks

FLAGS = flags.FLAGS
flags.DEFINE_integer("seed", 0, "Seed of data, networks and training.", lower_bound=0)
flags.DEFINE_list("seeds", None, "Seeds to run one after the other, such as 0,1,2 (for --seed).")
flags.DEFINE_integer("steps", None, "Training steps, a multiple of 50; 8,000, classic 1,000.")
flags.DEFINE_string("run_dir", "runs/gaussian", "Directory of the pictures.")
flags.DEFINE_bool("classic", False, "Play the textbook's game, which fails.")
flags.register_validator(
    "seeds",
    lambda seeds: seeds is None or all(seed.isdigit() for seed in seeds),
    "Expected whole numbers of at least 0, separated by commas.",
)
flags.register_validator(
    "steps",
    lambda steps: steps is None or (steps >= 50 and steps % 50 == 0),
    "Expected a positive multiple of 50: training is divided into 50 epochs.",
)

DATA = keras_gan.datasets.Gaussian(mean=3.0, std=1.0)
EPOCHS = 50
SHOWN = 1, 2, 4, 8, 16, 32, 50  # the epochs that have a row: most happens early
JUDGED = 50_000  # real and as many generated samples train the fresh discriminator, or judge it
COLUMNS = "seed", "d_loss", "g_loss", "mean", "std", "D(x)", "fresh JS bound", "learnt", "seconds"


def stable_game(steps):
    """Build and compile the default: small networks, a gradient penalty, averaged weights."""
    generator, discriminator = networks.mlp((1,), latent_dim=8)
    model = keras_gan.GAN(generator, discriminator)
    model.compile(
        loss="non_saturating",
        generator_optimizer=decaying_adam(steps),
        discriminator_optimizer=decaying_adam(steps),
        terms=[keras_gan.terms.R1(gamma=0.1)],
        # The ramp forgets the first, random generators: a plain decay of 0.999 would still hold
        # 2 % of them after 4,000 steps, enough to shift the mean by 0.07.
        ema=keras_gan.GeneratorAverage(half_life=200_000, ramp_up=0.1),
        steps_per_execution=steps // EPOCHS,
    )
    return model


def decaying_adam(steps):
    """Return Adam whose learning rate falls to 0, so that the players come to rest."""
    return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, steps), beta_1=0.5)


def classic_game(steps):
    """Build and compile the textbook's game."""
    generator, discriminator = (
        keras.Sequential(
            [keras.Input((1,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(1)], name=name
        )
        for name in ("generator", "discriminator")
    )
    model = keras_gan.GAN(generator, discriminator)
    model.compile(
        loss="non_saturating",
        generator_optimizer=keras.optimizers.Adam(0.01),
        discriminator_optimizer=keras.optimizers.Adam(0.01),
        steps_per_execution=steps // EPOCHS,
    )
    return model


class Table(keras.callbacks.Callback):
    """Print the state of the game as training goes along."""

    def __init__(self, real):
        super().__init__()
        self._real = real

    def on_train_begin(self, logs=None):
        """Print the head, and the losses that equilibrium would show."""
        names = "step", "d_loss", "g_loss", "js", "mean", "std", "D(x)"
        print("".join(f"{name:>10}" for name in names))
        goal = *self.model.loss.equilibrium, 0.0, DATA.centers[0, 0], DATA.std, 0.5
        print(f"{'goal':>10}" + "".join(f"{value:z10.4f}" for value in goal))

    def on_epoch_end(self, epoch, logs=None):
        """Print a row; the losses are means over the epoch."""
        if epoch + 1 not in SHOWN:
            return
        step = (epoch + 1) * self.params["steps"]
        samples = self.model.generate(2048, seed=0, batch_size=2048)
        values = samples.mean(), samples.std(), probability(self.model, self._real).mean()
        values = *(logs[key] for key in ("d_loss", "g_loss", "js")), *values
        print(f"{step:10,}" + "".join(f"{value:z10.4f}" for value in values))


def probability(model, x):
    """Return D(x), the discriminator's probability that each sample is real."""
    return keras.ops.convert_to_numpy(keras.ops.sigmoid(model.discriminate(x)))[:, 0]


def train(seed, steps, classic, held_out):
    """Train with one seed; return the model and the mean losses of the last tenth of training."""
    batch_size = 16 if classic else 256
    keras.utils.set_random_seed(seed)
    model = (classic_game if classic else stable_game)(steps)
    # As many samples as training takes: each is seen once, as if drawn when needed.
    dataset = DATA.dataset(batch_size, seed, size=steps * batch_size)
    print(f"\nseed {seed}: {steps:,} steps of {batch_size} samples")
    history = model.fit(
        dataset,
        epochs=EPOCHS,
        steps_per_epoch=steps // EPOCHS,
        callbacks=[Table(held_out[:2048])],
        verbose=0,
    ).history
    return model, {
        key: float(np.mean(history[key][-EPOCHS // 10 :])) for key in ("d_loss", "g_loss")
    }


def judge(model, samples, held_out, losses):
    """Measure the generator and print the verdict; return the values of the final table."""
    bound, error = keras_gan.metrics.fresh_discriminator(held_out, samples).values()
    values = {
        **losses,
        "mean": float(samples.mean()),
        "std": float(samples.std()),
        "D(x)": float(probability(model, held_out).mean()),
        "fresh JS bound": bound,
    }
    learnt = has_learnt(values)
    print(
        f"A fresh discriminator proves JS(data, generated) >= {bound:z.4f} +- {error:.4f} nats "
        f"(0: equal; {math.log(2):.3f}: nothing in common). "
        f"The data is {'' if learnt else 'not '}learnt."
    )
    return {**values, "learnt": "yes" if learnt else "no"}


def has_learnt(values):
    """Tell whether a run has learnt the distribution, and not only reached the right losses."""
    return (
        abs(values["mean"] - 3) < 0.15
        and abs(values["std"] - 1) < 0.2
        and abs(values["d_loss"] - 2 * math.log(2)) < 0.05
        and values["fresh JS bound"] < 0.02
    )


def draw(model, samples, held_out, title, path):
    """Write the picture of both densities and D(x)."""
    picture = keras_gan.callbacks.density_plot(
        samples,
        real=held_out,
        probability=lambda x: probability(model, x),
        title=title,
        limits=(-2.0, 8.0),
    )
    keras.utils.save_img(path, picture, scale=False)
    print(f"Wrote {path}")


def play(seed, steps, classic, run_dir):
    """Train with one seed, judge and draw; return a row of the final table."""
    start = time.perf_counter()
    held_out = DATA.sample(2 * JUDGED, [seed, 1])
    model, losses = train(seed, steps or (1000 if classic else 8000), classic, held_out)
    samples = model.generate(2 * JUDGED, seed=0, batch_size=10_000)
    values = judge(model, samples, held_out, losses)
    name = f"{'classic' if classic else 'gaussian'}_seed{seed}"
    draw(
        model,
        samples,
        held_out,
        name.replace("_seed", ", seed "),
        os.path.join(run_dir, f"{name}.png"),
    )
    return {"seed": seed, **values, "seconds": time.perf_counter() - start}


def print_table(rows):
    """Print the rows as a Markdown table."""
    print("\n| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
    digits = {"d_loss": 4, "g_loss": 4, "fresh JS bound": 4, "seconds": 0}
    for row in rows:
        cells = (
            f"{row[key]:z.{digits.get(key, 3)}f}" if isinstance(row[key], float) else str(row[key])
            for key in COLUMNS
        )
        print("| " + " | ".join(cells) + " |")


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}")
    seeds = [int(seed) for seed in FLAGS.seeds or [FLAGS.seed]]
    os.makedirs(FLAGS.run_dir, exist_ok=True)
    print_table([play(seed, FLAGS.steps, FLAGS.classic, FLAGS.run_dir) for seed in seeds])


if __name__ == "__main__":
    app.run(main)
