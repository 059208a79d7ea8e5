"""Cost of a step of image to image, in pairs, and peak memory.

    python benchmarks/translation_speed.py                     # all comparisons
    python benchmarks/translation_speed.py --only=cycle_gan    # one of them

- `pix2pix`: a step of a U-Net against a PatchGAN, over a step of the same U-Net for the
  reconstruction alone, by `generator.compile("adam", "mae")`; at most 2.2.
- `cycle_gan`: a step of `CycleGAN`, with cycle and identity, over that of a hand-written
  `tf.function` of four networks; at most 1.05.
- `cut`: a step of CUT, with its identity half, over a step of `CycleGAN`; at most 0.5.

Networks and batches are like those of `examples/translation_tasks.py`. The two of a comparison run
in alternation in one process, and the ratio is taken pair by pair. Peak memory is that of a process
that runs one of the two alone.
"""

import statistics
import subprocess
import sys

import keras
import memory
import pairs
import tensorflow as tf
from absl import app, flags

import keras_gan
from keras_gan import networks, terms

_ROUNDS = flags.DEFINE_integer("rounds", 9, "Pairs of runs.", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 20, "Training steps in one run.", lower_bound=1)
_WIDTH = flags.DEFINE_integer("width", 16, "Of all networks.", lower_bound=4)
_ONLY = flags.DEFINE_string("only", None, "One comparison.")
_MEMORY_OF = flags.DEFINE_string("memory_of", None, "Internal: run this one alone.")

SHAPE = (32, 32, 1)


def adam():
    return keras.optimizers.Adam(2e-4, beta_1=0.5)


def adams():
    return {"generator_optimizer": adam(), "discriminator_optimizer": adam()}


def images(batch_size):
    """Return a dataset of pairs of random images, in memory and in batches."""
    return pairs.images(_STEPS.value, batch_size, *SHAPE, parts=2)


def unet():
    width = _WIDTH.value
    return networks.unet(SHAPE, width=(2 * width, 4 * width, 8 * width, 8 * width))


def translator():
    return networks.resnet_translator(SHAPE, width=_WIDTH.value, blocks=3)


def critic(source_shape=None):
    return networks.patch(SHAPE, source_shape, depth=2, width=_WIDTH.value)


# What is compared: functions that return a function of a dataset, which trains on it.


def pix2pix():
    model = keras_gan.GAN(unet(), critic(SHAPE), latents=None)
    model.compile("non_saturating", **adams(), terms=[terms.Reconstruction(10.0)])
    return lambda dataset: model.fit(dataset, verbose=0)


def reconstruction():
    generator = unet()
    generator.compile(adam(), "mae")
    return lambda dataset: generator.fit(dataset.map(lambda x, y: (y, x)), verbose=0)


def cycle_gan():
    model = keras_gan.CycleGAN(translator(), translator(), critic(), critic())
    model.compile(**adams())
    return lambda dataset: model.fit(dataset, verbose=0)


def by_hand():
    """Return a loop of the same game, as one writes it without a library."""
    to_b, to_a, critic_a, critic_b = translator(), translator(), critic(), critic()
    g_optimizer, d_optimizer = adam(), adam()
    g_weights = to_b.trainable_weights + to_a.trainable_weights
    d_weights = critic_a.trainable_weights + critic_b.trainable_weights

    def to(value, logits):
        return tf.reduce_mean(tf.square(logits - value)) / 2

    def apart(one, other):
        return tf.reduce_mean(tf.abs(one - other))

    @tf.function
    def train_step(a, b):
        with tf.GradientTape() as g_tape:
            fake_b, fake_a = to_b(a, training=True), to_a(b, training=True)
        with tf.GradientTape() as d_tape:
            judged = (
                (critic_a, a, tf.stop_gradient(fake_a)),
                (critic_b, b, tf.stop_gradient(fake_b)),
            )
            d_loss = sum(
                to(1.0, judge(real, training=True)) + to(0.0, judge(fake, training=True))
                for judge, real, fake in judged
            )
        d_optimizer.apply(d_tape.gradient(d_loss, d_weights), d_weights)
        with g_tape:
            g_loss = to(1.0, critic_a(fake_a, training=True))
            g_loss += to(1.0, critic_b(fake_b, training=True))
            g_loss += 5 * apart(to_a(fake_b, training=True), a)
            g_loss += 5 * apart(to_b(fake_a, training=True), b)
            g_loss += 2.5 * apart(to_a(a, training=True), a)
            g_loss += 2.5 * apart(to_b(b, training=True), b)
        g_optimizer.apply(g_tape.gradient(g_loss, g_weights), g_weights)
        return d_loss, g_loss

    g_optimizer.build(g_weights)
    d_optimizer.build(d_weights)

    def run(dataset):
        for a, b in dataset:
            train_step(a, b)

    return run


def cut():
    generator = translator()
    model = keras_gan.GAN(generator, critic(), latents=None, conditional="generator")
    layers = ["source", "down_1", "down_2", "block_1"]
    patches = terms.PatchNCE(layers, weight=0.5, identity=True, positions=64, width=64)
    model.compile("least_squares", **adams(), terms=[patches])
    return lambda dataset: model.fit(dataset, verbose=0)


# Name: what is measured, what it is measured by, the batch size and the largest ratio.
COMPARISONS = {
    "pix2pix": (pix2pix, reconstruction, 32, 2.2),
    "cycle_gan": (cycle_gan, by_hand, 16, 1.05),
    "cut": (cut, cycle_gan, 16, 0.5),
}


def compare(name):
    """Print one line: both times of a step, the median and range of the paired ratios, memory."""
    *makers, batch_size, limit = COMPARISONS[name]
    dataset = images(batch_size)
    runs = [make() for make in makers]
    for run in runs:  # Warm: tracing, caches.
        run(dataset)
    times = list(pairs.alternating(runs, _ROUNDS.value, dataset))
    ratios = sorted(one / other for one, other in times)
    ratio = statistics.median(ratios)
    steps = [1000 * statistics.median(side) / _STEPS.value for side in zip(*times, strict=True)]
    peaks = [peak_of(make.__name__) for make in makers]
    print(
        f"{name:<10} {steps[0]:>8.1f} {steps[1]:>8.1f} {ratio:>6.2f} "
        f"{ratios[0]:>6.2f} to {ratios[-1]:.2f}  {peaks[0]:>6.0f} {peaks[1]:>6.0f}  "
        f"limit {limit:.2f}: {'met' if ratio <= limit else 'MISSED'}",
        flush=True,
    )


def peak_of(name):
    """Return the peak memory of a process that runs one of the two alone, in MiB."""
    options = [f"--{flag.name}={flag.value}" for flag in (_STEPS, _WIDTH)]
    command = [sys.executable, __file__, f"--memory_of={name}", *options]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def main(_):
    made = {make.__name__: (make, row[2]) for row in COMPARISONS.values() for make in row[:2]}
    if _MEMORY_OF.value:
        make, batch_size = made[_MEMORY_OF.value]
        make()(images(batch_size))
        print(memory.peak())
        return
    if _ONLY.value not in (None, *COMPARISONS):
        raise app.UsageError(f"No such comparison: {_ONLY.value}. There are {list(COMPARISONS)}.")
    first, *others = "ms/step", "of other", "ratio", "of pairs", "peak MiB, of both"
    print(f"{'':<10} {first:>8} {others[0]:>8} {others[1]:>6} {others[2]:>14}  {others[3]}")
    for name in [_ONLY.value] if _ONLY.value else COMPARISONS:
        compare(name)


if __name__ == "__main__":
    app.run(main)
