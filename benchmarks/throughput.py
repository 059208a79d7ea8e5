"""Training throughput and memory: `GAN.fit` against a hand-written loop, in pairs.

    python benchmarks/throughput.py            # images/s, float32, and the median paired ratio
    python benchmarks/throughput.py --bf16     # the same under mixed_bfloat16
    python benchmarks/throughput.py --memory   # peak memory of each, in processes of their own
    python benchmarks/throughput.py --terms    # what each term costs: ratio to the plain step
    python benchmarks/throughput.py --terms --only_terms=r1   # one of them

The loop is in the style of the Keras guide to GANs: a `tf.function` with one forward of the
generator for the discriminator's step, on real and fake in one batch, and a second one for its
own. Both train the same DCGAN networks on the same in-memory images of MNIST's shape. Machines are
noisy: the two run in alternation in one process, and the ratio is taken pair by pair. The same
with `--terms`, where each term's step runs in alternation with the plain one.
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

_ROUNDS = flags.DEFINE_integer("rounds", 9, "Pairs of runs.", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 40, "Training steps in one run.", lower_bound=1)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 128, "Images in a batch.", lower_bound=1)
_WIDTH = flags.DEFINE_integer("width", 32, "The networks' width.", lower_bound=1)
_LATENT_DIM = flags.DEFINE_integer("latent_dim", 64, "Dimensions of the latents.", lower_bound=1)
_BF16 = flags.DEFINE_bool("bf16", False, "Compute in mixed_bfloat16.")
_MEMORY = flags.DEFINE_bool("memory", False, "Measure peak memory instead of speed.")
_TERMS = flags.DEFINE_bool("terms", False, "Measure the cost of each term.")
_ONLY_TERMS = flags.DEFINE_string("only_terms", None, "One line of the table of terms.")
_ONLY = flags.DEFINE_enum("only", None, ["fit", "loop"], "Run one of the two; used by --memory.")


def networks():
    """Return the same generator and discriminator for both."""
    return keras_gan.networks.dcgan((28, 28, 1), latent_dim=_LATENT_DIM.value, width=_WIDTH.value)


def adam():
    return keras.optimizers.Adam(2e-4, beta_1=0.5)


def make_fit(*terms):
    """Return a function that trains with `GAN.fit`, all callbacks off."""
    model = keras_gan.GAN(*networks())
    model.compile("non_saturating", adam(), adam(), terms=terms)
    return lambda dataset: model.fit(dataset, verbose=0)


def make_loop():
    """Return a function that trains with a loop as the Keras guide writes it."""
    generator, discriminator = networks()
    g_optimizer, d_optimizer = adam(), adam()
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    g_mean, d_mean = keras.metrics.Mean(), keras.metrics.Mean()

    @tf.function
    def train_step(real):
        size = tf.shape(real)[0]
        fake = generator(tf.random.normal((size, _LATENT_DIM.value)), training=True)
        images = tf.concat([fake, tf.cast(real, fake.dtype)], axis=0)
        labels = tf.concat([tf.zeros((size, 1)), tf.ones((size, 1))], axis=0)
        with tf.GradientTape() as tape:
            # Twice the mean over both: real and fake count one each, as in GAN.
            d_loss = 2 * entropy(labels, discriminator(images, training=True))
        gradients = tape.gradient(d_loss, discriminator.trainable_weights)
        d_optimizer.apply_gradients(zip(gradients, discriminator.trainable_weights, strict=True))
        with tf.GradientTape() as tape:
            fake = generator(tf.random.normal((size, _LATENT_DIM.value)), training=True)
            g_loss = entropy(tf.ones((size, 1)), discriminator(fake, training=True))
        gradients = tape.gradient(g_loss, generator.trainable_weights)
        g_optimizer.apply_gradients(zip(gradients, generator.trainable_weights, strict=True))
        d_mean.update_state(d_loss)
        g_mean.update_state(g_loss)

    def run(dataset):
        for real in dataset:
            train_step(real)

    return run


def images(steps):
    return pairs.images(steps, _BATCH_SIZE.value, 28, 28, 1)


def compare():
    """Print images/s of both in alternation, and the median of the paired ratios."""
    runs = {"fit": make_fit(), "loop": make_loop()}
    first = {name: pairs.seconds(run, images(1)) for name, run in runs.items()}
    dataset = images(_STEPS.value)
    for run in runs.values():  # Warm: caches, allocator, the last of tracing.
        run(dataset)
    rates = {name: [] for name in runs}
    print(f"{'pair':>4} {'fit images/s':>13} {'loop images/s':>14} {'ratio':>6}")
    found = pairs.alternating(list(runs.values()), _ROUNDS.value, dataset)
    for pair, times in enumerate(found):
        for name, taken in zip(runs, times, strict=True):
            rates[name].append(_STEPS.value * _BATCH_SIZE.value / taken)
        fit, loop = rates["fit"][-1], rates["loop"][-1]
        print(f"{pair + 1:>4} {fit:>13.0f} {loop:>14.0f} {fit / loop:>6.2f}", flush=True)
    ratios = [fit / loop for fit, loop in zip(rates["fit"], rates["loop"], strict=True)]
    medians = {name: statistics.median(values) for name, values in rates.items()}
    print(f"median images/s: fit {medians['fit']:.0f}, loop {medians['loop']:.0f}")
    print(f"median of the paired ratios fit / loop: {statistics.median(ratios):.2f}")
    print(f"first step, tracing included: fit {first['fit']:.1f} s, loop {first['loop']:.1f} s")


# What has no loss of its own, or needs a source to translate, labels, codes or other conditions.
OTHERS = {
    keras_gan.terms.Term,
    keras_gan.terms.AttributeCycle,
    keras_gan.terms.AuxiliaryClassifier,
    keras_gan.terms.Contextual,
    keras_gan.terms.Cycle,
    keras_gan.terms.DataToDataCrossEntropy,
    keras_gan.terms.DomainClassification,
    keras_gan.terms.Identity,
    keras_gan.terms.MatchingAware,
    keras_gan.terms.MatchingAwareGradientPenalty,
    keras_gan.terms.MutualInformation,
    keras_gan.terms.PairedFeatureMatching,
    keras_gan.terms.PatchNCE,
    keras_gan.terms.Reconstruction,
    keras_gan.terms.SpectralReconstruction,
    keras_gan.terms.Style,
}


def costs():
    """Return `{what: terms}`, in the order of the table: every shipped term, each step and lazily.

    A term that takes second-order gradients is also shown on every 16th step.
    """
    terms = keras_gan.terms
    shipped = [getattr(terms, name) for name in terms.__all__]
    shipped = [each for each in shipped if isinstance(each, type) and issubclass(each, terms.Term)]
    cases = {term.name: [term] for term in (each() for each in shipped if each not in OTHERS)}
    cases["r1 + r2"] = [terms.R1(), terms.R2()]
    cases["r1, interval=16"] = [terms.R1(interval=16)]
    cases["r1 + r2, interval=16"] = [terms.R1(interval=16), terms.R2(interval=16)]
    cases["gradient_penalty, interval=16"] = [terms.GradientPenalty(interval=16)]
    cases["path_length, interval=4"] = [terms.PathLength(interval=4)]
    if _ONLY_TERMS.value is None:
        return cases
    if _ONLY_TERMS.value not in cases:
        raise app.UsageError(f"No such terms: {_ONLY_TERMS.value}. There are {list(cases)}.")
    return {_ONLY_TERMS.value: cases[_ONLY_TERMS.value]}


# The most that the steps may cost, as multiples of the plain step.
LIMITS = {"r1, interval=16": 1.12, "r1 + r2": 2.5}


def verdict(name, ratio):
    """Return whether the cost of a case is within its limit, as a line of the table has it."""
    limit = LIMITS.get(name)
    if limit is None:
        return ""
    return f"limit {limit:.2f}: {'met' if ratio <= limit else 'MISSED'}"


def compare_terms():
    """Print each term's time for a step over the plain one's, the median of the paired ratios."""
    dataset = images(_STEPS.value)
    plain = make_fit()
    plain(dataset)
    cases = costs()
    print(f"{'terms':<32} {'plain ms/step':>13} {'with ms/step':>12} {'ratio':>6} {'of pairs':>13}")
    for name, terms in cases.items():
        run = make_fit(*terms)
        run(dataset)  # Warm: tracing, caches.
        times = list(pairs.alternating((plain, run), _ROUNDS.value, dataset))
        ratios = sorted(after / before for before, after in times)
        before, after = (statistics.median(side) for side in zip(*times, strict=True))
        spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
        print(
            f"{name:<32} {1000 * before / _STEPS.value:>13.1f} {1000 * after / _STEPS.value:>12.1f}"
            f" {statistics.median(ratios):>6.2f} {spread:>13}"
            f"  {verdict(name, statistics.median(ratios))}".rstrip(),
            flush=True,
        )


def measure_memory():
    """Print the peak memory of each, run in a process of its own."""
    peaks = {}
    for name in ("fit", "loop"):
        out = subprocess.run(
            [sys.executable, __file__, f"--only={name}", *_passed_on()],
            check=True,
            capture_output=True,
            text=True,
        )
        peaks[name] = float(out.stdout.split()[-1])
    print(f"peak memory: fit {peaks['fit']:.0f} MiB, loop {peaks['loop']:.0f} MiB")
    print(f"ratio fit / loop: {peaks['fit'] / peaks['loop']:.2f}")


def _passed_on():
    choices = (_STEPS, _BATCH_SIZE, _WIDTH, _LATENT_DIM, _BF16)
    return [f"--{choice.name}={choice.value}" for choice in choices]


def run_one():
    """Train with one of the two, and print this process's peak memory in MiB."""
    run = {"fit": make_fit, "loop": make_loop}[_ONLY.value]()
    run(images(_STEPS.value))
    print(memory.peak())


def main(_):
    keras.utils.set_random_seed(0)
    if _BF16.value:
        keras.config.set_dtype_policy("mixed_bfloat16")
    if _MEMORY.value:
        measure_memory()
    elif _TERMS.value:
        compare_terms()
    elif _ONLY.value:
        run_one()
    else:
        compare()


if __name__ == "__main__":
    app.run(main)
