"""Projection in NumPy: the penalty of noise, the starts that are tried, the steps."""

import numpy as np
import tensorflow as tf

from keras_gan.networks import style_descent
from keras_gan.networks.style_parts import StyleParts


def resemblance(field):
    """Return the penalty of one map."""
    total = 0.0
    while True:
        for axis in (0, 1):
            total += np.mean(field * np.roll(field, 1, axis)) ** 2
        if len(field) <= 8:
            return total
        field = (field[::2] + field[1::2]) / 2
        field = (field[:, ::2] + field[:, 1::2]) / 2


def fixed_noise(generator):
    """Return the generator's constant maps of noise as one row."""
    maps = [w.numpy().ravel() for w in generator.weights if w.name == "fixed"]
    return np.concatenate(maps)[None]


def tried(generator, noise, seed, label=None):
    """Return the styles that a projection may start from, and their images."""
    parts = StyleParts(generator)
    latents = tf.random.stateless_normal((10_000, 5), [seed, -1], alg="philox")
    mapped = parts.mapped(latents, None if label is None else np.full(10_000, label)).numpy()
    styles = np.concatenate([mapped.mean(axis=0, keepdims=True), mapped[:256]])
    return styles, parts.drawn(styles, np.repeat(noise, 257, axis=0)).numpy()


class Literal:
    """The steps of a projection in NumPy, but for the gradients and the draws."""

    def __init__(self, generator, images, steps, layers, rate=0.1):
        self.parts, self.images, self.steps, self.rate = StyleParts(generator), images, steps, rate
        latents = tf.random.stateless_normal((10_000, 5), [7, -1], alg="philox")
        styles = generator(latents)["styles"].numpy()[:, 0].astype("float64")
        self.deviation = np.sqrt(np.trace(np.cov(styles.T, bias=True)))
        noise = fixed_noise(generator)
        starts, drawn = tried(generator, noise, 7)
        errors = ((drawn[:, None] - images) ** 2).mean(axis=(2, 3, 4))
        self.first = errors.argmin(axis=0)
        start = starts[self.first, :layers].astype("float64"), np.tile(noise, (2, 1))
        self.values = list(start)
        self.moments = [[np.zeros_like(each) for each in start] for _ in range(2)]

    def step(self, k):
        t = k / self.steps
        shape = self.values[0].shape[1:]
        draw = tf.random.stateless_normal(shape, [7, k], alg="philox").numpy()
        disturbance = 0.05 * max(0, 1 - t / 0.75) ** 2 * self.deviation * draw
        rate = min(1, t / 0.05) * (1 - np.cos(np.pi * min(1, (1 - t) / 0.25))) / 2
        values = [tf.constant(each, tf.float32) for each in self.values]
        with tf.GradientTape() as tape:
            tape.watch(values)
            styles = tf.broadcast_to(values[0] + disturbance, (2, 6, 4))
            errors = self.parts.drawn(styles, values[1]) - self.images
            penalties = map(style_descent.autocorrelation, self.parts.maps_of(values[1]))
            loss = tf.reduce_sum(errors**2) / 256 + 0.1 * tf.reduce_sum(sum(penalties))
        for i, gradient in enumerate(tape.gradient(loss, values)):
            gradient = gradient.numpy().astype("float64")
            first, second = self.moments[0][i], self.moments[1][i]
            first += 0.1 * (gradient - first)
            second += 0.001 * (gradient**2 - second)
            unbiased = first / (1 - 0.9 ** (k + 1)), second / (1 - 0.999 ** (k + 1))
            self.values[i] -= self.rate * rate * unbiased[0] / np.sqrt(unbiased[1])
        ends = np.cumsum([16, 64, 64, 256])
        maps = np.split(self.values[1], ends, axis=1)
        maps = [(m - m.mean(1, keepdims=True)) / m.std(1, keepdims=True) for m in maps]
        self.values[1] = np.concatenate(maps, axis=1)
