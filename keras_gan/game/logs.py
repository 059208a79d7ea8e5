"""The logs of training: one running mean for each key of the progress bar."""

import contextlib

import keras
import tensorflow as tf

from keras_gan.game.balance import ACCURACIES, NORMS
from keras_gan.utils import nests
from keras_gan.utils.replicas import replica_count

SCORES = ("real_score", "fake_score")


class Logs:
    """Running means under the names that the bar, the history and TensorBoard show.

    A plain object, so that the means enter neither the model's weights nor its checkpoints.

    Args:
        loss: the `AdversarialLoss`, which may prove a bound.
        parts: the terms and augmentations, each with keys of its own, its `log_names`.
        balance: whether to count how evenly the players are matched.
        heads: names of the discriminator's heads of logits, each with keys of its own; `None`
            where they are not known yet, see `set_heads`.

    Raises:
        ValueError: when two keys are equal.
    """

    def __init__(self, loss, parts, balance=False, heads=None):
        self._loss = loss
        self.balance = balance
        self._parts = parts
        self._means = {}
        self.set_heads(heads or [""])

    def set_heads(self, heads):
        """Give every head of logits keys of its own, such as `d_loss/a`; one head has none.

        Args:
            heads: names of the heads, `[""]` for one.

        Raises:
            ValueError: when two keys are equal.
        """
        # What evaluation can tell too, without training; of terms those that are `evaluated`.
        game = ["d_loss", "g_loss", *SCORES]
        game += [self._loss.logged_name] if self._loss.logged_name else []
        self.game = [*game, *(nests.key(name, head) for head in heads if head for name in game)]
        self.game += ACCURACIES if self.balance else []
        tested = [part for part in self._parts if getattr(part, "evaluated", False)]
        self.evaluated = self.game + [name for part in tested for name in part.log_names]
        names = self.game + [name for part in self._parts for name in part.log_names]
        names += NORMS if self.balance else []
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                "Expected terms with distinct names, none of them a key of the logs (pass "
                "`name=...` to a term), and one augmentation of each kind that is logged. "
                f"Received: {twice} more than once"
            )
        self.heads = heads
        self.names = self._reported = names
        before = self._means
        self._means = {
            name: before[name] if name in before else keras.metrics.Mean(name=name)
            for name in names
        }

    @property
    def metrics(self):
        """The means, as Keras resets them at every epoch."""
        return list(self._means.values())

    @property
    def batches(self):
        """Float scalar, batches counted since the last reset."""
        return self._means["d_loss"].count

    def collector(self, rows=None):
        """Return a `Collector` for one step on one replica.

        Args:
            rows: int scalar, how much the step weighs in the means; by default 1.
        """
        return Collector(self._loss, self.balance, rows)

    def count(self, names, sums):
        """Count the values that all replicas have collected.

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
        mean = self._means[name]
        # As `update_state`, in a tenth of its operations: a step is traced in an eighth less time.
        weight = tf.cast(weight, mean.dtype)
        mean.total.assign_add(tf.cast(value, mean.dtype) * weight)
        mean.count.assign_add(weight)

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
    """The logged values of one step as one replica has them, until all replicas' are added up.

    Replicas are traced in turns, so each has its own.

    Args:
        loss: the `AdversarialLoss`, which may prove a bound.
        balance: whether to count how evenly the players are matched.
        rows: int scalar, how much the step weighs in the means: an evaluation's last batch may be
            smaller. `None` for 1.
    """

    def __init__(self, loss, balance, rows=None):
        self._loss = loss
        self._balance = balance
        self._rows = rows
        self._values = []

    def discriminator(self, losses, real_logits, fake_logits):
        """Collect one discriminator loss, with the logits it came from and what they show.

        Args:
            losses: nest of heads of adversarial losses, unreduced.
            real_logits: nest of heads of the logits of real samples.
            fake_logits: the same of generated samples.

        Returns:
            The loss, a scalar: the mean over heads of each head's mean.
        """
        d_loss = self._by_head("d_loss", losses, self._reduce)
        for name, logits in zip(SCORES, (real_logits, fake_logits), strict=True):
            self._by_head(name, logits, mean)
        if self._loss.logged_name:
            self.add(self._loss.logged_name, self._loss.logged(d_loss))
            self._bounds(losses)
        if self._balance:
            judged = nests.map(
                lambda logits: self._loss.says_real(logits) | tf.math.is_nan(logits), fake_logits
            )
            right = nests.map(self._loss.says_real, real_logits), nests.map(tf.logical_not, judged)
            for name, answers in zip(ACCURACIES, right, strict=True):
                answers = nests.map(lambda head: mean(tf.cast(head, tf.float32)), answers)
                self.add(name, nests.mean_of_heads(answers))
        return d_loss

    def generator(self, losses):
        """Collect one generator loss, and return it as `discriminator` does."""
        return self._by_head("g_loss", losses, self._reduce)

    @property
    def _reduce(self):
        """How a loss becomes a scalar: an evaluation may have no row of a batch on a replica."""
        return tf.reduce_mean if self._rows is None else mean

    def _by_head(self, name, values, reduce):
        """Collect the mean over heads, and each head's by itself where there are several."""
        means = nests.map(reduce, values)
        whole = nests.mean_of_heads(means) if nests.is_nest(means) else means
        self.add(name, whole)
        self._heads(name, means)
        return whole

    def _bounds(self, losses):
        means = nests.map(mean, losses)
        if nests.is_nest(means):
            self._heads(self._loss.logged_name, nests.map(self._loss.logged, means))

    def _heads(self, name, means):
        for head, value in nests.named(means).items() if nests.is_nest(means) else ():
            self.add(nests.key(name, head), value)

    def add(self, name, value, weight=None):
        """Collect one value; weight 0 leaves it out of the mean."""
        rows = 1.0 if self._rows is None else tf.cast(self._rows, tf.float32)
        self._values.append((name, value, rows if weight is None else weight))

    def values(self):
        """Return the keys, and a float32 tensor of shape (keys, 2) to sum over replicas.

        Its columns are values times weights, and weights.
        """
        names, values, weights = zip(*self._values, strict=True)
        values, weights = (
            tf.stack([tf.cast(part, tf.float32) for part in parts]) for parts in (values, weights)
        )
        # A value that is left out may be anything: 0 times NaN would stay NaN.
        return names, tf.stack([tf.math.multiply_no_nan(values, weights), weights], axis=1)


def mean(values):
    """Return the mean, 0 of no values: a replica may be left without a share of a small batch."""
    return tf.math.divide_no_nan(tf.reduce_sum(values), tf.cast(tf.size(values), values.dtype))
