"""Penalties on the gradient of the discriminator's logits with respect to its input."""

import keras
import tensorflow as tf
from keras import ops

from keras_gan.terms.norms import by_rows, norm, rows_of, squared_norm
from keras_gan.terms.term import Term
from keras_gan.utils import arguments, nests
from keras_gan.utils.arguments import shown
from keras_gan.utils.tensors import wide


class _ZeroCentred(Term):
    """Half the squared norm of the gradient on samples that the discriminator's loss judges too."""

    of = None
    judges_alone = True

    def __init__(self, gamma, interval, schedule, name, **kwargs):
        gamma = arguments.number("gamma", gamma)
        super().__init__(weight=gamma, interval=interval, schedule=schedule, name=name, **kwargs)

    @property
    def gamma(self):
        """The penalty's weight."""
        return self.weight

    def discriminator_term(self, step):
        """Return half the squared norm of the gradient, for each row of logits."""
        heads, gradients = getattr(step, f"{self.of}_logits"), step.gradient(self.of)
        return nests.map_heads(_half_squared_norm, heads, gradients)

    def get_config(self):
        """Return the constructor's arguments."""
        config = super().get_config()
        config["gamma"] = config.pop("weight")
        return config


@keras.saving.register_keras_serializable("keras_gan")
class R1(_ZeroCentred):
    """Penalize the discriminator's gradient on real samples: zero-centred, local convergence.

    Formula:

    ```
    gamma / 2 * E ||grad_x D(x)||^2,  x real
    ```

    The norm runs over all non-batch axes; the discriminator's forward on the real batch is
    shared with its loss. The log shows `E ||grad_x D(x)||^2 / 2`, without gamma. Of several logits
    for one sample (a patch map) the sum is differentiated. A discriminator that packs samples is
    penalized on all samples of a pack together. Of several heads of logits each is penalized by
    itself, and the mean over heads is taken; a sample of several parts has one norm over all.

    Args:
        gamma: weight, a finite number of at least 0. From 0.01 to 100 with the resolution of
            images; 10 in the paper.
        interval: compute it on every `interval`-th step only (lazy regularization; 16 in
            StyleGAN2).
        schedule: factor of gamma over training steps, such as `keras_gan.schedules.Cosine`.
        name: key in the logs.

    Raises:
        ValueError: when `gamma` is negative or not finite, or `interval` no positive integer.
        TypeError: when `gamma` is no number, or `schedule` no schedule.

    Example:

    ```python
    model.compile(loss="non_saturating", terms=[keras_gan.terms.R1(gamma=1.0)])
    ```

    Reference:
        - [Mescheder et al., 2018](https://arxiv.org/abs/1801.04406), Eq. (9)
        - [Karras et al., 2020](https://arxiv.org/abs/1912.04958), Section 3.1 (interval)
    """

    of = "real"
    watches = frozenset({"real"})

    def __init__(self, gamma=1.0, interval=1, schedule=None, name="r1", **kwargs):
        super().__init__(gamma, interval, schedule, name, **kwargs)


@keras.saving.register_keras_serializable("keras_gan")
class R2(_ZeroCentred):
    """Penalize the discriminator's gradient on generated samples: what `R1` does on real ones.

    Formula:

    ```
    gamma / 2 * E ||grad_x D(x)||^2,  x generated
    ```

    Early in training data and samples are far apart, and a discriminator that is flat on the data
    alone may be steep where the generator is. The forward is shared with the discriminator's
    loss. The log shows the value without gamma.

    Args:
        gamma: weight, a finite number of at least 0; the same as that of `R1`, in the papers.
        interval: compute it on every `interval`-th step only.
        schedule: factor of gamma over training steps, such as `keras_gan.schedules.Cosine`.
        name: key in the logs.

    Raises:
        ValueError: when `gamma` is negative or not finite, or `interval` no positive integer.
        TypeError: when `gamma` is no number, or `schedule` no schedule.

    Example:

    ```python
    penalties = [keras_gan.terms.R1(gamma=1.0), keras_gan.terms.R2(gamma=1.0)]
    model.compile(loss="relativistic_pairing", terms=penalties)
    ```

    Reference:
        - [Mescheder et al., 2018](https://arxiv.org/abs/1801.04406), Eq. (10)
        - [Huang et al., 2024](https://arxiv.org/abs/2501.05441), which uses it with R1
    """

    of = "fake"
    watches = frozenset({"fake"})

    def __init__(self, gamma=1.0, interval=1, schedule=None, name="r2", **kwargs):
        super().__init__(gamma, interval, schedule, name, **kwargs)


def _half_squared_norm(logits, gradient):
    return 0.5 * squared_norm(gradient, rows_of(logits))


def on_gradients(function, step, samples, condition=None, beside=()):
    """Return a function of the gradient of D on samples of a term's own, for each head of logits.

    Args:
        function: of the gradient, a list of tensors, and the number of rows of logits.
        step: the training step, in which the discriminator runs once more.
        samples: nest of tensors, which the logits are differentiated with respect to.
        condition: their condition, by default that of the real samples.
        beside: list of tensors in the condition, with respect to which too.
    """
    sources = [*nests.leaves(samples), *beside]
    # Persistent: each head of logits has a gradient of its own.
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(sources)
        _, heads = step.discriminate(samples, condition)

    def of_head(logits):
        # Of a discriminator that ignores its samples, zero rather than none.
        gradient = tape.gradient(logits, sources, unconnected_gradients="zero")
        return function(gradient, rows_of(logits))

    return nests.map(of_head, heads)


class _Centred(Term):
    """The squared distance of the gradient's norm from a target, on samples of the term's own."""

    judges_alone = True

    def __init__(self, weight, target, interval, schedule, name, **kwargs):
        super().__init__(weight=weight, interval=interval, schedule=schedule, name=name, **kwargs)
        self.target = arguments.number("target", target)

    def samples(self, step):
        """Return the samples to differentiate at, of the shape of the real ones."""
        raise NotImplementedError

    def excess(self, norms):
        """Return how far norms are from where they should be."""
        return norms - self.target

    def discriminator_term(self, step):
        """Return the squared distance of the gradient's norm from the target, for each row."""

        def penalty(gradient, rows):
            return ops.square(self.excess(norm(gradient, rows)))

        return on_gradients(penalty, step, self.samples(step))

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "target": self.target}


@keras.saving.register_keras_serializable("keras_gan")
class GradientPenalty(_Centred):
    """Hold the critic's gradient at norm 1 between real and generated samples, as WGAN-GP does.

    Formula:

    ```
    weight * E (||grad D(x^)|| - target)^2,  x^ = eps x + (1 - eps) G(z),  eps ~ U(0, 1)
    ```

    One eps for each sample; the norm runs over all non-batch axes. With `one_sided`, slopes below
    the target are left alone: `max(0, ||grad D(x^)|| - target)^2`. The critic runs once more, on
    x^, under the condition of the real sample. A critic that packs samples gets one eps for each
    pack. Batch normalization makes D of one sample depend on the others, and the penalty with it:
    leave it out of the critic.

    Args:
        weight: lambda, a finite number of at least 0; 10 in the paper, 0.1 on its toy data.
        target: the norm to hold, at least 0.
        one_sided: whether to penalize only norms above the target.
        interval: compute it on every `interval`-th step only.
        schedule: factor of the weight over training steps, such as `keras_gan.schedules.Cosine`.
        name: key in the logs.

    Raises:
        ValueError: when a number is negative or not finite, or `interval` no positive integer.
        TypeError: when `weight` or `target` is no number, or `schedule` no schedule.

    Example:

    ```python
    model.compile("wasserstein", terms=["gradient_penalty"], discriminator_steps=5)
    ```

    Reference:
        - [Gulrajani et al., 2017](https://arxiv.org/abs/1704.00028), Eq. (3)
        - [Petzka et al., 2018](https://arxiv.org/abs/1709.08894) (one-sided)
    """

    def __init__(
        self,
        weight=10.0,
        target=1.0,
        one_sided=False,
        interval=1,
        schedule=None,
        name="gradient_penalty",
        **kwargs,
    ):
        super().__init__(weight, target, interval, schedule, name, **kwargs)
        if not isinstance(one_sided, bool):
            raise TypeError(
                f"Expected `one_sided` to be True or False. Received: one_sided={shown(one_sided)}"
            )
        self.one_sided = one_sided

    def samples(self, step):
        """Return points between each real sample and the generated one beside it."""
        real = nests.map(wide, step.real)
        dtype = nests.leaves(real)[0].dtype
        rows = rows_of(nests.leaves(step.real_logits)[0])
        share = tf.random.stateless_uniform((rows, 1), step.seeds.next(), dtype=dtype)

        def between(real, fake):
            generated = by_rows(ops.cast(tf.stop_gradient(fake), dtype), rows)
            points = share * by_rows(real, rows) + (1.0 - share) * generated
            return ops.reshape(points, ops.shape(real))

        return nests.map(between, real, step.fake)

    def excess(self, norms):
        """Return how far norms are from the target, or above it."""
        distance = super().excess(norms)
        return ops.relu(distance) if self.one_sided else distance

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "one_sided": self.one_sided}


@keras.saving.register_keras_serializable("keras_gan")
class DRAGAN(_Centred):
    """Hold the discriminator's gradient at a norm around the data.

    Formula:

    ```
    weight * E (||grad D(x + delta)|| - target)^2,  delta = 1/2 std(x) u,  u ~ U(0, 1)
    ```

    x is real, u has an entry of its own for each number of the sample, and std is one number, over
    all that the batch holds of a part (with several replicas, over each one's share of it). The
    discriminator runs once more, on x + delta.

    Args:
        weight: lambda, a finite number of at least 0; 10 in the paper.
        target: the norm to hold, k in the paper, at least 0.
        interval: compute it on every `interval`-th step only.
        schedule: factor of the weight over training steps, such as `keras_gan.schedules.Cosine`.
        name: key in the logs.

    Raises:
        ValueError: when a number is negative or not finite, or `interval` no positive integer.
        TypeError: when `weight` or `target` is no number, or `schedule` no schedule.

    Example:

    ```python
    model.compile("minimax", terms=["dragan"])
    ```

    Reference:
        - [Kodali et al., 2017](https://arxiv.org/abs/1705.07215), Section 2.3; its text has normal
          noise, its implementations this one
    """

    def __init__(self, weight=10.0, target=1.0, interval=1, schedule=None, name="dragan", **kwargs):
        super().__init__(weight, target, interval, schedule, name, **kwargs)

    def samples(self, step):
        """Return points around the real samples."""

        def around(real):
            real = wide(real)
            noise = tf.random.stateless_uniform(tf.shape(real), step.seeds.next(), dtype=real.dtype)
            return real + 0.5 * ops.std(real) * noise

        return nests.map(around, step.real)
