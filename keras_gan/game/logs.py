"""The figures of training: one running mean for each key of the progress bar."""

import contextlib

import keras
import tensorflow as tf

from keras_gan.game.balance import ACCURACIES, NORMS
from keras_gan.utils.replicas import replica_count


class Logs:
    """Running means under the names that the bar, the history and TensorBoard show.

    A plain object, so that the means enter neither the model's weights nor its checkpoints.

    Args:
        loss: the `AdversarialLoss`, which may prove a bound.
        parts: the terms and augmentations, each with keys of its own, its `log_names`.
        balance: whether to count how evenly the players are matched.

    Raises:
        ValueError: when two keys are equal.
    """

    def __init__(self, loss, parts, balance=False):
        self._loss = loss
        self.balance = balance
        # What evaluation can tell too, without training; the terms are told by training alone.
        self.game = ["d_loss", "g_loss", "real_score", "fake_score"]
        self.game += [loss.figure_name] if loss.figure_name else []
        self.game += ACCURACIES if balance else []
        names = self.game + [name for part in parts for name in part.log_names]
        names += NORMS if balance else []
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                "Expected terms with distinct names, none of them a key of the logs (pass "
                "`name=...` to a term), and one augmentation of each kind that is logged. "
                f"Received: {twice} more than once"
            )
        self.names = self._reported = names
        self._means = {name: keras.metrics.Mean(name=name) for name in names}

    @property
    def metrics(self):
        """The means, as Keras resets them at every epoch."""
        return list(self._means.values())

    @property
    def batches(self):
        """Float scalar, batches counted since the last reset."""
        return self._means["d_loss"].count

    def collector(self):
        """Return a `Collector` for one step on one replica."""
        return Collector(self._loss, self.balance)

    def count(self, names, sums):
        """Count the figures that all replicas have collected.

        Args:
            names: their keys.
            sums: tensor of shape (keys, 2), a `Collector`'s, summed over replicas.
        """
        values, weights = tf.unstack(sums, axis=1)
        values = tf.unstack(tf.math.divide_no_nan(values, weights))
        weights = tf.unstack(weights / replica_count())
        for name, value, weight in zip(names, values, weights, strict=True):
            self.add(name, value, weight)

    def add(self, name, value, weight=1.0):
        """Count one value that all replicas have alike; weight 0 leaves it out."""
        self._means[name].update_state(value, sample_weight=weight)

    def results(self):
        """Return the means by name, of the keys reported at present."""
        return {name: self._means[name].result() for name in self._reported}

    @contextlib.contextmanager
    def reporting(self, names):
        """Report these keys only, for as long as the context lasts."""
        before, self._reported = self._reported, names
        try:
            yield
        finally:
            self._reported = before


class Collector:
    """The figures of one step as one replica has them, until all replicas' are added up.

    Replicas are traced in turns, so each has its own.

    Args:
        loss: the `AdversarialLoss`, which may prove a bound.
        balance: whether to count how evenly the players are matched.
    """

    def __init__(self, loss, balance):
        self._loss = loss
        self._balance = balance
        self._figures = []

    def discriminator(self, d_loss, real_logits, fake_logits, weight=1.0):
        """Collect one discriminator loss, with the logits it came from and what they show.

        Args:
            d_loss: mean adversarial loss.
            real_logits: logits of real samples.
            fake_logits: logits of generated samples.
            weight: of this batch in the means.
        """
        self.add("d_loss", d_loss, weight)
        self.add("real_score", mean(real_logits), weight)
        self.add("fake_score", mean(fake_logits), weight)
        if self._loss.figure_name:
            self.add(self._loss.figure_name, self._loss.figure(d_loss), weight)
        if self._balance:
            judged = self._loss.says_real(fake_logits) | tf.math.is_nan(fake_logits)
            right = self._loss.says_real(real_logits), ~judged
            for name, answers in zip(ACCURACIES, right, strict=True):
                self.add(name, mean(tf.cast(answers, tf.float32)), weight)

    def generator(self, g_loss, weight=1.0):
        """Collect one generator loss."""
        self.add("g_loss", g_loss, weight)

    def add(self, name, value, weight=1.0):
        """Collect one value; weight 0 leaves it out of the mean."""
        self._figures.append((name, value, weight))

    def figures(self):
        """Return the keys, and a float32 tensor of shape (keys, 2) to sum over replicas.

        Its columns are values times weights, and weights.
        """
        names, values, weights = zip(*self._figures, strict=True)
        values, weights = (
            tf.stack([tf.cast(part, tf.float32) for part in parts]) for parts in (values, weights)
        )
        # A value that is left out may be anything: 0 times NaN would stay NaN.
        return names, tf.stack([tf.math.multiply_no_nan(values, weights), weights], axis=1)


def mean(values):
    """Return the mean, 0 of no values: a replica may be left without a share of a small batch."""
    return tf.math.divide_no_nan(tf.reduce_sum(values), tf.cast(tf.size(values), values.dtype))
