"""Matching-aware terms: a discriminator that learns which condition a sample was made for."""

import keras
import tensorflow as tf
from keras import ops

from keras_gan.terms.gradient_penalties import on_gradients
from keras_gan.terms.norms import by_rows, rows_of, squared_norm
from keras_gan.terms.term import Term
from keras_gan.utils import arguments, nests
from keras_gan.utils.tensors import wide


class _OfConditions(Term):
    """What needs a discriminator that is given conditions."""

    def attach(self, model):
        """Check that the discriminator is given a condition.

        Raises:
            ValueError: when it judges samples alone.
        """
        if not model.judges_condition:
            raise ValueError(
                f"The term {self.name!r} compares samples with conditions: expected a "
                "discriminator that is given both, [samples, condition]. "
                f"Received: conditional={model.condition.conditional!r}"
            )


@keras.saving.register_keras_serializable("keras_gan")
class MatchingAware(_OfConditions):
    """Show the discriminator real samples under wrong conditions, as it is shown generated ones.

    Formula, L being the discriminator's loss and y' the condition of another sample:

    ```
    L_D = (1 - weight) E L(D(x, y), D(G(z, y), y))  +  weight E L(D(x, y), D(x, y'))
    ```

    A discriminator that sees right conditions alone learns which samples are real, and may never
    learn what a condition says. The term is what turns the game's loss into this one: the
    difference of both parts, which is what the log shows. It is 0 when wrong conditions are as hard
    to tell as generated samples, and above 0 while they are harder.

    y' is the condition of the row before, of the first row that of the last one. Where it equals y,
    a row has the game's loss alone. The discriminator runs once more, on x with y'.

    Args:
        weight: share of wrong conditions among what is not right, from 0 to 1; 0.5 in both papers.
        interval: compute it on every `interval`-th step only.
        schedule: factor of the weight over training steps, such as `keras_gan.schedules.Linear`.
        name: key in the logs.

    Raises:
        ValueError: when `weight` is outside 0 to 1, `interval` no positive integer, or, in
            `compile`, the discriminator is given no condition.
        TypeError: when `weight` is no number, or `schedule` no schedule.

    Example:

    ```python
    networks = keras_gan.networks.dcgan((8, 8, 1), condition_dim=16)
    model = keras_gan.GAN(*networks)
    model.compile("hinge", terms=["matching_aware"])
    ```

    Reference:
        - [Reed et al., 2016](https://arxiv.org/abs/1605.05396), Algorithm 1 (GAN-CLS)
        - [Tao et al., 2022](https://arxiv.org/abs/2008.05865), Eq. (2) (DF-GAN)
    """

    def __init__(self, weight=0.5, interval=1, schedule=None, name="matching_aware", **kwargs):
        weight = arguments.number("weight", weight, high=1)
        super().__init__(weight=weight, interval=interval, schedule=schedule, name=name, **kwargs)

    def discriminator_term(self, step):
        """Return by how much wrong conditions are harder than generated samples, for each row."""
        others = nests.map(_of_the_row_before, step.condition)
        _, wrong_logits = step.discriminate(step.real, others)
        wrong = step.discriminator_loss(step.real_logits, wrong_logits)
        generated = step.discriminator_loss(step.real_logits, step.fake_logits)
        alike = _equal_rows(step.condition, others)

        def harder(wrong, generated):
            rows = rows_of(wrong)
            same = ops.all(by_rows(alike, rows), axis=1)
            difference = ops.mean(by_rows(wrong - generated, rows), axis=1)
            return ops.where(same, ops.zeros_like(difference), difference)

        return nests.map(harder, wrong, generated)


@keras.saving.register_keras_serializable("keras_gan")
class MatchingAwareGradientPenalty(_OfConditions):
    """Penalize the discriminator's gradient on real samples that match their conditions.

    Formula:

    ```
    weight * E ||(grad_x D(x, y), grad_y D(x, y))||^power,   x real, y its condition
    ```

    One norm runs over the gradients with respect to the sample and to the condition together. The
    discriminator becomes flat around what is real and matches, and nowhere else; the generator is
    led there. Of a condition, parts of real numbers are differentiated: vectors, embeddings that
    were made outside the network. Labels, tokens and strings have no gradient: there the sample's
    alone counts. The discriminator runs once more.

    Args:
        weight: finite number of at least 0; 2 in the paper.
        power: finite number of at least 2; 6 in the paper.
        interval: compute it on every `interval`-th step only.
        schedule: factor of the weight over training steps, such as `keras_gan.schedules.Cosine`.
        name: key in the logs.

    Raises:
        ValueError: when a number is out of range, `interval` no positive integer, or, in `compile`,
            the discriminator is given no condition.
        TypeError: when a number is none, or `schedule` no schedule.

    Example:

    ```python
    networks = keras_gan.networks.dcgan((8, 8, 1), condition_dim=16)
    model = keras_gan.GAN(*networks)
    terms = ["matching_aware", "matching_aware_gradient_penalty"]
    model.compile("hinge", terms=terms)
    ```

    Reference:
        - [Tao et al., 2022](https://arxiv.org/abs/2008.05865), Section 3.3, Eq. (1)
    """

    judges_alone = True

    def __init__(
        self,
        weight=2.0,
        power=6.0,
        interval=1,
        schedule=None,
        name="matching_aware_gradient_penalty",
        **kwargs,
    ):
        super().__init__(weight=weight, interval=interval, schedule=schedule, name=name, **kwargs)
        self.power = arguments.number("power", power, low=2)

    def discriminator_term(self, step):
        """Return the power of the gradient's norm, for each row of logits."""
        samples, condition = nests.map(wide, step.real), nests.map(_wide_numbers, step.condition)
        numbers = [part for part in nests.leaves(condition) if part.dtype.is_floating]

        def penalty(gradient, rows):
            return squared_norm(gradient, rows) ** (self.power / 2)

        return on_gradients(penalty, step, samples, condition, numbers)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "power": self.power}


def _of_the_row_before(part):
    rows = tf.shape(part)[0]
    # Gathered: strings can't be rolled.
    return tf.gather(part, (tf.range(rows) - 1) % tf.maximum(rows, 1))


def _equal_rows(condition, others):
    """Return whether all parts of each row are the same, of shape (batch,)."""
    pairs = zip(nests.leaves(condition), nests.leaves(others), strict=True)
    equal = [tf.equal(one, other) for one, other in pairs]
    return tf.reduce_all([tf.reduce_all(e, tf.range(1, tf.rank(e))) for e in equal], axis=0)


def _wide_numbers(part):
    return wide(part) if part.dtype.is_floating else part
