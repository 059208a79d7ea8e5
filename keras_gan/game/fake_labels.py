"""Labels of generated samples: those of the batch, the same in another order, or drawn."""

import math

import numpy as np
import tensorflow as tf

from keras_gan.utils import arguments, nests
from keras_gan.utils.arguments import shown

_NAMES = "batch", "shuffled", "uniform"


class FakeLabels:
    """Choose the condition that each generated sample is made from, and judged by.

    Args:
        choice: `"batch"`, the condition of the real sample of the same row; `"shuffled"`, the
            batch's conditions in another order, drawn anew at each step (on several replicas
            within each one's share); `"uniform"`, labels of which all classes are as likely; or a
            share for each class, such as how often each is in the data.

    Attributes:
        choice: the same, shares as a list that adds up to 1.

    Raises:
        ValueError: when it is none of these.

    Reference:
        - [Miyato & Koyama, 2018](https://arxiv.org/abs/1802.05637), whose code draws uniformly
        - [Karras et al., 2020](https://arxiv.org/abs/2006.06676), labels of other training samples
        - [Huang et al., 2024](https://arxiv.org/abs/2501.05441), those of the real samples
    """

    def __init__(self, choice="batch"):
        self.choice = choice if isinstance(choice, str) else _shares(choice)
        if isinstance(choice, str):
            arguments.choice("fake_labels", choice, _NAMES)

    def check(self, model, loss, terms):
        """Raise when generated samples can't have other labels than the real ones of their rows.

        Args:
            model: the `GAN`.
            loss: the `AdversarialLoss`.
            terms: all terms of the game.

        Raises:
            ValueError: naming what does not go together.
        """
        if self.choice == "batch":
            return
        received = f"fake_labels={shown(self.choice)}"
        if not model.conditional or model.latents is None:
            raise ValueError(
                "Expected a generator of latents and a condition, for samples of other labels. "
                f"Received: {received} for the generator {model.generator.name!r}, which takes "
                f"{'no latents' if model.conditional else 'no condition'}"
            )
        pairing = [each.name for each in (loss, *terms) if each.compares_pairs]
        if pairing:
            raise ValueError(
                "A game that compares each generated sample with the real one of its row needs "
                f"the same label for both: drop `fake_labels`, or {shown(pairing)}. "
                f"Received: {received}"
            )
        classes = model.num_classes
        if self.choice != "shuffled" and not classes:
            raise ValueError(
                "Expected a model that knows its number of classes, to draw labels: pass "
                f"`GAN(..., num_classes=...)`, or use 'shuffled'. Received: {received}"
            )
        if isinstance(self.choice, list) and len(self.choice) != classes:
            raise ValueError(
                f"Expected `fake_labels` to have a share for each of the {classes} classes. "
                f"Received: {len(self.choice)} shares"
            )

    def __call__(self, condition, classes, seeds):
        """Return the condition of this step's generated samples.

        Args:
            condition: the real samples' condition, or `None`.
            classes: number of classes, or `None`.
            seeds: the step's `SeedStream`.
        """
        if self.choice == "batch":
            return condition
        rows = nests.batch_size(condition)
        draws = tf.random.stateless_uniform((rows,), seeds.next(), alg="philox")
        if self.choice == "shuffled":
            order = tf.argsort(draws)
            return nests.map(lambda part: tf.gather(part, order), condition)
        shares = [1 / classes] * classes if self.choice == "uniform" else self.choice
        # The last bound is left out: rounding may put it below a draw.
        bounds = tf.constant(np.cumsum(shares)[:-1], tf.float32)
        labels = tf.searchsorted(bounds, draws, side="right")
        return _in_form(labels, condition, classes)


def _in_form(labels, condition, classes):
    """Return drawn labels in the form that the batch's own have."""
    parts = nests.leaves(condition)
    if len(parts) == 1 and tuple(parts[0].shape[1:]) == (classes,):
        labels = tf.one_hot(labels, classes, dtype=parts[0].dtype)
    elif len(parts) == 1 and math.prod(parts[0].shape[1:]) == 1:
        labels = tf.reshape(tf.cast(labels, parts[0].dtype), tf.shape(parts[0]))
    else:
        raise ValueError(
            "Expected a condition that is one label, to draw labels for generated samples: use "
            "fake_labels='shuffled' for other conditions. Received: a condition of "
            f"{nests.describe(condition, lambda part: f'shape {tuple(part.shape)}')}"
        )
    return nests.pack_as(condition, [labels])


def _shares(value):
    """Return shares of classes as a list that adds up to 1.

    Raises:
        ValueError: when they are none.
    """
    try:
        shares = np.asarray(value, "float64")
    except (TypeError, ValueError):
        shares = None
    fits = shares is not None and shares.ndim == 1 and shares.size > 1
    if not fits or not np.isfinite(shares).all() or (shares < 0).any() or not shares.sum():
        raise ValueError(
            f"Expected `fake_labels` to be one of {list(_NAMES)}, or a list of shares of at least "
            f"0, one for each class. Received: fake_labels={shown(value)}"
        )
    return (shares / shares.sum()).tolist()


def get(choice):
    """Return the `FakeLabels` that `compile(fake_labels=...)` stands for.

    Raises:
        ValueError: for anything else.
    """
    return choice if isinstance(choice, FakeLabels) else FakeLabels(choice)
