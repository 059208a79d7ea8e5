"""Speed of StyleGAN2 for 32 pixels: `GAN.fit` against a TensorFlow step by hand, in pairs.

    python benchmarks/stylegan2_speed.py            # images/s of both, and the median paired ratio
    python benchmarks/stylegan2_speed.py --bf16     # the library's under mixed_bfloat16

The networks are `networks.stylegan2((32, 32, 3))`; the game is the non-saturating one with R1 in
every 16th step and an average of the generator, in batches of 64. The step by hand has networks by
hand too, of TensorFlow's operations on weights of their own, with constant factors folded into
kernels. Before anything is timed, both make the same images and logits of the same weights.

Machines are noisy: the two run in alternation in one process, and the ratio is taken pair by pair.
Targets on two idle cores: 150 images/s, and at most 1.15 times the time of the step by hand.
"""

import math
import statistics

import keras
import numpy as np
import pairs
import tensorflow as tf
from absl import app, flags

import keras_gan

_ROUNDS = flags.DEFINE_integer("rounds", 7, "Pairs of runs.", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 16, "Training steps in one run.", lower_bound=1)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 64, "Images in a batch.", lower_bound=1)
_BF16 = flags.DEFINE_bool("bf16", False, "The library's networks in mixed_bfloat16.")

SIDE, SIDES, STYLES = 32, (4, 8, 16, 32), 8
GAMMA, INTERVAL, DECAY, MIXING = 0.1, 16, 0.999, 0.9
RATE, TARGET, LIMIT = 2e-3, 150, 1.15
ROOT_2 = math.sqrt(2)


def networks():
    return keras_gan.networks.stylegan2((SIDE, SIDE, 3))


def adam():
    return keras.optimizers.Adam(RATE, beta_1=0.0, beta_2=0.99, epsilon=1e-8)


def make_fit(pair):
    """Return a function of a dataset that trains with `GAN.fit`, all callbacks off."""
    model = keras_gan.GAN(*pair)
    r1 = keras_gan.terms.R1(GAMMA, interval=INTERVAL)
    model.compile("non_saturating", adam(), adam(), terms=[r1], ema=DECAY)
    return lambda dataset: model.fit(dataset, verbose=0)


class ByHand:
    """Networks of TensorFlow's operations, on the weights of Keras's networks.

    Args:
        network: what the weights are taken from, by the names of layers.
    """

    def __init__(self, network):
        weights = {weight.path: weight for weight in network.weights}
        self.variables = {path: tf.Variable(weight.value) for path, weight in weights.items()}
        trained = {weight.path for weight in network.trainable_weights}
        self.trained = [v for path, v in self.variables.items() if path in trained]

    def of(self, layer, name):
        """Return one variable."""
        return self.variables[f"{layer}/{name}"]

    def kernel(self, layer, gain=1.0):
        """Return an equalized kernel."""
        kernel = self.of(layer, "kernel")
        return kernel * (gain / math.sqrt(math.prod(kernel.shape[:-1])))


def blurred(x, margin, gain=1.0):
    """Filter rows and columns, after zeros on all sides."""
    taps = np.array([1, 3, 3, 1]) / 8 * math.sqrt(gain)
    x = tf.pad(x, [[0, 0], [margin[0]] * 2, [margin[1]] * 2, [0, 0]])
    for shape in ((4, 1, 1, 1), (1, 4, 1, 1)):
        kernel = tf.tile(tf.constant(taps.reshape(shape), tf.float32), [1, 1, x.shape[-1], 1])
        x = tf.nn.depthwise_conv2d(x, kernel, [1] * 4, "VALID")
    return x


def enlarged(x):
    """Double the sides: zeros between the pixels, and a filter."""
    height, width, channels = x.shape[1:]
    x = tf.pad(x[:, :, None, :, None], [[0, 0], [0, 0], [0, 1], [0, 0], [0, 1], [0, 0]])
    x = tf.reshape(x, [-1, 2 * height, 2 * width, channels])
    x = tf.pad(x, [[0, 0], [1, 0], [1, 0], [0, 0]])
    return blurred(x, (1, 1), gain=4)


def halved(x):
    """Halve the sides behind a filter."""
    taps = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64
    kernel = tf.tile(tf.constant(taps[..., None, None], tf.float32), [1, 1, x.shape[-1], 1])
    x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])
    return tf.nn.depthwise_conv2d(x, kernel, [1, 2, 2, 1], "VALID")


class Generator(ByHand):
    """StyleGAN2's generator for 32 pixels."""

    def _styles(self, z):
        x = z * tf.math.rsqrt(tf.reduce_mean(z * z, axis=1, keepdims=True) + 1e-8)
        for i in (1, 2):
            gain = 0.01 * ROOT_2
            bias = gain * self.of(f"dense_{i}", "bias")
            x = tf.nn.leaky_relu(x @ self.kernel(f"dense_{i}", gain) + bias, 0.2)
        return x

    def _modulated(self, layer, x, style, up=False, demodulate=True, gain=1.0):
        kernel = self.of(layer, "kernel")
        affine = self.kernel(f"{layer}/affine")
        scales = style @ affine + self.of(f"{layer}/affine", "bias")
        scales /= math.sqrt(math.prod(kernel.shape[:3]))
        x = x * scales[:, None, None, :]
        if up:
            size = 2 * x.shape[1] + 1
            shape = [tf.shape(x)[0], size, size, kernel.shape[3]]
            x = tf.nn.conv2d_transpose(x, tf.transpose(kernel, [0, 1, 3, 2]), shape, 2, "VALID")
            x = blurred(x, (1, 1), gain=4)
        else:
            x = tf.nn.conv2d(x, kernel, 1, "SAME")
        if demodulate:
            power = tf.square(scales) @ tf.reduce_sum(tf.square(kernel), axis=[0, 1])
            x = (
                x
                * (gain * tf.math.rsqrt(power + 1e-8 / math.prod(kernel.shape[:3])))[
                    :, None, None, :
                ]
            )
        return x + gain * self.of(layer, "bias")

    def _noisy(self, layer, x, training):
        noise = self.of(layer, "fixed")[None]
        if training:
            noise = tf.random.normal((tf.shape(x)[0], *x.shape[1:3], 1))
        return tf.nn.leaky_relu(x + ROOT_2 * self.of(layer, "strength") * noise, 0.2)

    def _mixed(self, first):
        mean = self.of("mean_style", "mean")
        mean.assign_add(0.005 * (tf.reduce_mean(first, axis=0) - mean))
        cutoff = tf.random.uniform((), 1, STYLES, tf.int32)
        cutoff = tf.where(tf.random.uniform(()) < MIXING, cutoff, STYLES)
        second = tf.roll(first, 1, axis=0)
        return [tf.where(i < cutoff, first, second) for i in range(STYLES)]

    def __call__(self, z, training):
        """Return the images of latents."""
        first = self._styles(z)
        styles = self._mixed(first) if training else [first] * STYLES
        x, image, place = self.of("constant", "constant")[None], None, 0
        x = tf.tile(x, [tf.shape(z)[0], 1, 1, 1])
        for side in SIDES:
            for layer in [f"{side}"] if side == 4 else [f"{side}_up", f"{side}"]:
                up = layer.endswith("up")
                x = self._modulated(f"{layer}_conv", x, styles[place], up, gain=ROOT_2)
                x = self._noisy(f"{layer}_noise", x, training)
                place += 1
            colors = self._modulated(f"{side}_colors", x, styles[place], demodulate=False)
            image = colors if image is None else enlarged(image) + colors
        return image


class Discriminator(ByHand):
    """StyleGAN2's discriminator for 32 pixels."""

    def _convolved(self, layer, x, strides=1, padding="SAME", gain=ROOT_2):
        x = tf.nn.conv2d(x, self.kernel(layer, gain), strides, padding)
        return tf.nn.leaky_relu(x + gain * self.of(layer, "bias"), 0.2)

    def __call__(self, x):
        """Return the logits of images."""
        x = self._convolved("from_image", x)
        for side in SIDES[:0:-1]:
            # Both branches come times the root of a half.
            kernel = self.kernel(f"{side}_shortcut", 1 / ROOT_2)
            shortcut = tf.nn.conv2d(halved(x), kernel, 1, "SAME")
            x = blurred(self._convolved(f"{side}_conv_1", x), (2, 2))
            x = shortcut + self._convolved(f"{side}_conv_2", x, 2, "VALID", gain=1.0)
        groups = tf.reshape(x, [4, -1, 4, 4, x.shape[-1]])
        spread = tf.math.reduce_variance(groups, axis=0) + 1e-8
        spread = tf.reduce_mean(tf.sqrt(spread), axis=[1, 2, 3])
        spread = tf.tile(spread[:, None, None, None], [4, 4, 4, 1])
        x = tf.concat([x, spread], axis=-1)
        x = tf.reshape(self._convolved("4_conv", x), [-1, 16 * x.shape[-1] - 16])
        dense = x @ self.kernel("dense", ROOT_2) + ROOT_2 * self.of("dense", "bias")
        return tf.nn.leaky_relu(dense, 0.2) @ self.kernel("logits") + self.of("logits", "bias")


def make_loop(pair):
    """Return a function of a dataset that trains with a step by hand."""
    generator, discriminator = Generator(pair[0]), Discriminator(pair[1])
    average = {path: tf.Variable(v) for path, v in generator.variables.items()}
    optimizers = adam(), adam()
    for optimizer, player in zip(optimizers, (generator, discriminator), strict=True):
        optimizer.build(player.trained)
    logs = [keras.metrics.Mean() for _ in range(2)]

    @tf.function
    def train_step(real, penalized):
        with tf.GradientTape() as g_tape:
            fake = generator(tf.random.normal((tf.shape(real)[0], 64)), training=True)
        with tf.GradientTape() as d_tape:
            if penalized:
                with tf.GradientTape() as tape:
                    tape.watch(real)
                    logits = discriminator(real)
                slopes = tape.gradient(logits, real)
                penalty = tf.reduce_mean(tf.reduce_sum(tf.square(slopes), axis=[1, 2, 3]))
            else:
                logits, penalty = discriminator(real), 0.0
            judged = discriminator(tf.stop_gradient(fake))
            d_loss = tf.reduce_mean(tf.nn.softplus(-logits) + tf.nn.softplus(judged))
            d_total = d_loss + INTERVAL * GAMMA / 2 * penalty
        gradients = d_tape.gradient(d_total, discriminator.trained)
        optimizers[1].apply(gradients, discriminator.trained)
        with g_tape:
            g_loss = tf.reduce_mean(tf.nn.softplus(-discriminator(fake)))
        optimizers[0].apply(g_tape.gradient(g_loss, generator.trained), generator.trained)
        for path, mean in average.items():
            mean.assign_add((1 - DECAY) * (generator.variables[path] - mean))
        for log, loss in zip(logs, (d_loss, g_loss), strict=True):
            log.update_state(loss)

    def run(dataset):
        for step, real in enumerate(dataset):
            train_step(real, step % INTERVAL == 0)

    return run


def check(pair):
    """Raise unless both make the same images and logits."""
    z = np.random.default_rng(0).standard_normal((8, 64)).astype("float32")
    images = np.asarray(pair[0](z)["samples"])
    np.testing.assert_allclose(Generator(pair[0])(tf.constant(z), False), images, atol=1e-4)
    logits = Discriminator(pair[1])(tf.constant(images))
    np.testing.assert_allclose(logits, pair[1](images), atol=1e-4)


def main(_):
    keras.utils.set_random_seed(0)
    pair = networks()
    check(pair)
    loop = make_loop(pair)
    if _BF16.value:
        keras.config.set_dtype_policy("mixed_bfloat16")
        pair = networks()
    runs = {"fit": make_fit(pair), "loop": loop}
    dataset = pairs.images(_STEPS.value, _BATCH_SIZE.value, SIDE, SIDE, 3)
    for run in runs.values():  # Warm: tracing, caches, allocator.
        run(dataset)
    rates = {name: [] for name in runs}
    print(f"{'pair':>4} {'fit images/s':>13} {'loop images/s':>14} {'time ratio':>11}")
    found = pairs.alternating(list(runs.values()), _ROUNDS.value, dataset)
    for number, times in enumerate(found):
        for name, taken in zip(runs, times, strict=True):
            rates[name].append(_STEPS.value * _BATCH_SIZE.value / taken)
        fit, loop = rates["fit"][-1], rates["loop"][-1]
        print(f"{number + 1:>4} {fit:>13.0f} {loop:>14.0f} {loop / fit:>11.2f}", flush=True)
    ratios = [loop / fit for fit, loop in zip(rates["fit"], rates["loop"], strict=True)]
    medians = {name: statistics.median(values) for name, values in rates.items()}
    ratio = statistics.median(ratios)
    print(f"median images/s: fit {medians['fit']:.0f}, loop {medians['loop']:.0f}")
    print(f"target {TARGET}: {'met' if medians['fit'] >= TARGET else 'MISSED'}")
    print(f"median of the paired ratios of time, fit / loop: {ratio:.2f}")
    print(f"limit {LIMIT}: {'met' if ratio <= LIMIT else 'MISSED'}")


if __name__ == "__main__":
    app.run(main)
