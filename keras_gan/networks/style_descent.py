"""Descent of a projection: Adam over styles and maps of noise, step by step, and its file."""

import math
import os

import keras
import numpy as np
import tensorflow as tf

from keras_gan.utils import archives, files
from keras_gan.utils.fingerprints import fingerprint, parts_of
from keras_gan.utils.progress import progress

_LATENTS = 10_000  # That the mean style is of.
_STARTS = 256  # Mapped styles that are tried beside the mean.
_PIXELS = 2**15  # At most, of their images that are drawn in one call; but one image at least.
_EXPLORATION, _EXPLORED = 0.05, 0.75  # Of the styles' deviation; share of the steps.
_RAMP_UP, _RAMP_DOWN = 0.05, 0.25  # Shares of the steps.
_SMALLEST = 8  # Side of the smallest map that is halved no more.
_STRIDE = 10  # Steps in a call, at most.


class Descent:
    """The steps of a projection, and all that they change."""

    def __init__(self, parts, images, condition, features, settings):
        self.parts, self.settings = parts, settings
        self.identity = fingerprint(
            "projection 2",
            *parts_of(parts.network),
            *(parts_of(features) if features is not None else ()),
            images,
            *(() if condition is None else (condition,)),
            *settings.items(),
        )
        self._targets = tf.constant(images)
        self._features = features
        self._target_features = self._features_of(self._targets)
        self._condition = condition
        layers = 1 if settings["space"] == "w" else parts.style_shape[0]
        self._styles = _variable((len(images), layers, parts.style_shape[1]), "styles")
        # Root mean square distances of mapped latents from their mean.
        self._deviations = _variable((len(images), 1, 1), "deviations")
        self._trained = [self._styles]
        self._noise = None
        if parts.noise_sides:
            self._noise = _variable((len(images), parts.noise_size), "noise")
            self._trained.append(self._noise)
        # Of a pixel of noise the gradient may be far below Keras's own epsilon.
        self._optimizer = keras.optimizers.Adam(epsilon=1e-12, name="projection")
        self._optimizer.build(self._trained)
        self.variables = [*self._trained, self._deviations, *self._optimizer.variables]
        self.step, self.recorded = 0, {}
        self._advance = tf.function(self._take_steps, reduce_retracing=True)

    def _start(self):
        """Set each image's first style, the deviation of styles, and the first maps of noise."""
        noise = self._first_noise()
        if noise is not None:
            self._noise.assign(np.repeat(noise, len(self._targets), axis=0))
        draws = _LATENTS, self.parts.latent_dim
        latents = tf.random.stateless_normal(draws, self._seed_of(-1), alg="philox")
        # Equal conditions are mapped once.
        kinds, chosen = [None], np.zeros(len(self._targets), int)
        if self._condition is not None:
            kinds, chosen = np.unique(self._condition, axis=0, return_inverse=True)
        first, deviations = self._styles.numpy(), self._deviations.numpy()
        for number, kind in enumerate(kinds):
            same = None if kind is None else np.repeat(kind[None], _LATENTS, axis=0)
            styles = np.asarray(self.parts.mapped(latents, same))[:, :1].astype(np.float64)
            mean = styles.mean(axis=0, keepdims=True)
            rows = np.flatnonzero(chosen.ravel() == number)
            deviations[rows] = np.sqrt(((styles - mean) ** 2).sum(axis=2).mean())
            tried = np.concatenate([mean, styles[:_STARTS]]).astype(np.float32)
            first[rows] = tried[self._nearest(tried, noise, rows)]
        self._styles.assign(first)
        self._deviations.assign(deviations)

    def _nearest(self, styles, noise, rows):
        """Return which of the styles makes the image that is nearest to each of these targets."""
        wanted = [tf.gather(each, rows) for each in (self._targets, *self._target_features)]
        together = max(1, _PIXELS // math.prod(self.parts.image_shape[:2]))
        errors = []
        for first in range(0, len(styles), together):
            some = styles[first : first + together]
            maps = None if noise is None else np.repeat(noise, len(some), axis=0)
            images = self._images_of(some, maps)
            made = images, *self._features_of(images)
            for i in range(len(some)):
                errors.append(self._errors([each[i : i + 1] for each in made], wanted))
        return np.argmin(np.nan_to_num(errors, nan=np.inf), axis=0)

    def _first_noise(self):
        """Return the maps of noise that all images start from, as one row, or `None`."""
        if not self.parts.noise_sides:
            return None
        if self.parts.noise_from == "constant":
            return self.parts.constant_noise()[None]
        size = (1, self.parts.noise_size)
        return tf.random.stateless_normal(size, self._seed_of(-2), alg="philox").numpy()

    def _seed_of(self, step):
        return tf.stack([tf.constant(self.settings["seed"], tf.int64), tf.cast(step, tf.int64)])

    def run(self, checkpoint, verbose):
        """Take the steps that are left."""
        steps = self.settings["steps"]
        with progress(verbose, "Projecting", "steps", steps) as bar:
            if not (checkpoint and checkpoint.restore()):
                self._start()
                if checkpoint:
                    checkpoint.write()
            self._record()
            bar.update(self.step)
            for end in self._stops(checkpoint.every if checkpoint else steps):
                self._advance(tf.constant(self.step), tf.constant(end))
                bar.update(end - self.step)
                self.step = end
                self._record()
                if checkpoint and (end % checkpoint.every == 0 or end == steps):
                    checkpoint.write()

    def _stops(self, every):
        """Return the steps still to come at which something is done."""
        steps = self.settings["steps"]
        stops = {*range(0, steps, _STRIDE), *range(0, steps, every), *self.settings["record"]}
        return sorted(each for each in stops | {steps} if each > self.step)

    def _record(self):
        if self.step in self.settings["record"] and self.step not in self.recorded:
            self.recorded[self.step] = self._drawn()

    def _take_steps(self, first, end):
        for step in tf.range(first, end):
            time = tf.cast(step, tf.float32) / self.settings["steps"]
            self._optimizer.learning_rate.assign(self.settings["learning_rate"] * _rate(time))
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                for variable in self._trained:
                    tape.watch(variable.value)
                loss = self._loss(step, time)
            self._optimizer.apply(tape.gradient(loss, self._trained), self._trained)
            if self._noise is not None:
                self._noise.assign(self._normalized(self._noise.value))

    def _loss(self, step, time):
        """Return the sum over images, so that none of them changes another's gradient."""
        strength = _EXPLORATION * tf.maximum(0.0, 1.0 - time / _EXPLORED) ** 2
        # The same for all images: whichever others are projected with it, one stays the same.
        draw = tf.random.stateless_normal(self._styles.shape[1:], self._seed_of(step), alg="philox")
        styles = self._styles + strength * self._deviations.value * draw
        images = self._images_of(styles, self._noise_value)
        wanted = self._targets, *self._target_features
        loss = tf.reduce_sum(self._errors((images, *self._features_of(images)), wanted))
        if self._noise is not None:
            for noise in self.parts.maps_of(self._noise.value):
                loss += self.settings["noise_weight"] * tf.reduce_sum(autocorrelation(noise))
        return loss

    def _errors(self, made, wanted):
        """Return how far images and their features are from those wanted, for each row."""
        (images, *features), (targets, *target_features) = made, wanted
        errors = _mean_square(images - targets)
        for found, target in zip(features, target_features, strict=True):
            share = _mean_square(found - target) / (_mean_square(target) + 1e-8)
            errors += self.settings["feature_weight"] * share
        return errors

    def _features_of(self, images):
        if self._features is None:
            return []
        found = keras.tree.flatten(self._features(images, training=False))
        return [tf.cast(each, tf.float32) for each in found]

    @property
    def _noise_value(self):
        return None if self._noise is None else self._noise.value

    def _images_of(self, styles, noise):
        return tf.cast(self.parts.drawn(self._of_all_layers(styles), noise), tf.float32)

    def _of_all_layers(self, styles):
        return tf.repeat(styles, self.parts.style_shape[0] // styles.shape[1], axis=1)

    def _normalized(self, noise):
        """Return maps of mean 0 and variance 1."""
        parts = []
        for each in self.parts.maps_of(noise):
            flat = tf.reshape(each, (noise.shape[0], -1))
            flat -= tf.reduce_mean(flat, axis=1, keepdims=True)
            parts.append(flat * tf.math.rsqrt(tf.reduce_mean(flat**2, axis=1, keepdims=True)))
        return tf.concat(parts, axis=1)

    def _drawn(self):
        return np.asarray(self._images_of(self._styles.value, self._noise_value))

    def found(self):
        """Return styles of all layers, noise or `None`, and their images."""
        styles = np.asarray(self._of_all_layers(self._styles.value))
        noise = None if self._noise is None else np.asarray(self._noise.value)
        return styles, noise, self._drawn()


def _variable(shape, name):
    return keras.Variable(np.zeros(shape), dtype="float32", autocast=False, name=name)


def _rate(time):
    """Return the share of the learning rate at a share of the steps."""
    down = tf.minimum(1.0, (1.0 - time) / _RAMP_DOWN)
    return tf.minimum(1.0, time / _RAMP_UP) * (0.5 - 0.5 * tf.cos(math.pi * down))


def _mean_square(errors):
    """Return the mean square of each row."""
    return tf.reduce_mean(tf.reshape(errors, (errors.shape[0], -1)) ** 2, axis=1)


def autocorrelation(noise):
    """Return how much neighbours in maps of noise resemble each other, over all scales.

    Args:
        noise: tensor of shape `(n, height, width, 1)`.

    Returns:
        Float32 tensor of shape `(n,)`, about 0 for maps of independent pixels.
    """
    total = 0.0
    while True:
        for axis in (1, 2):
            products = noise * tf.roll(noise, 1, axis)
            total += tf.reduce_mean(products, axis=(1, 2, 3)) ** 2
        if min(noise.shape[1:3]) <= _SMALLEST:
            return total
        noise = tf.nn.avg_pool2d(noise, 2, 2, "VALID")


class Checkpoint:
    """The file of a projection on its way, which is whole or not there."""

    def __init__(self, path, every, descent):
        self.path, self.every, self._descent = path, every, descent

    def write(self):
        """Write all that the steps have changed."""
        descent = self._descent
        arrays = {f"variable_{i}": each.numpy() for i, each in enumerate(descent.variables)}
        arrays |= {f"recorded_{step}": each for step, each in descent.recorded.items()}
        with files.whole_file(self.path) as partial, open(partial, "wb") as file:
            np.savez(file, identity=descent.identity, step=descent.step, **arrays)

    def restore(self):
        """Go on from the file, and return whether there is one."""
        if not os.path.lexists(self.path):
            return False
        arrays = self._read()
        if str(arrays.pop("identity", "")) != self._descent.identity:
            raise ValueError(
                "Expected `checkpoint` to be of this projection: of the same generator, images, "
                "condition, features and settings. Remove it to begin anew, or choose another "
                f"path. Received: checkpoint={self.path!r}, of another one"
            )
        try:
            self._take(arrays)
        except (KeyError, TypeError, ValueError) as error:
            raise self._damaged(f"an array is missing or of another shape ({error})") from error
        return True

    def _take(self, arrays):
        for i, variable in enumerate(self._descent.variables):
            variable.assign(arrays.pop(f"variable_{i}"))
        self._descent.step = int(arrays.pop("step"))
        self._descent.recorded = {
            int(name.removeprefix("recorded_")): images for name, images in arrays.items()
        }

    def _read(self):
        try:
            return archives.arrays_of(self.path)
        except archives.FileError as error:
            raise self._damaged(error) from error

    def _damaged(self, reason):
        return ValueError(
            "Expected `checkpoint` to be a file that a projection has written. Remove it to "
            f"begin anew. Received: checkpoint={self.path!r}: {reason}"
        )
