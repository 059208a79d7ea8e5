"""Cycle and identity: what a translation between domains without pairs is held to."""

import keras

from keras_gan.data.symbolic import input_structure, sample_shape
from keras_gan.terms import distances
from keras_gan.terms.term import Term
from keras_gan.utils import arguments, nests
from keras_gan.utils.tensors import compatible, wide


class _OfTranslation(Term):
    """A distance between real samples and what the generator makes of some others, by domain."""

    player = "generator"
    evaluated = True

    def __init__(self, weight, norm="l1", interval=1, schedule=None, name=None, **kwargs):
        super().__init__(weight=weight, interval=interval, schedule=schedule, name=name, **kwargs)
        self.norm = arguments.choice("norm", norm, distances.NORMS)

    def attach(self, model):
        """Check that the generator translates samples, and note the names of their parts.

        Raises:
            ValueError: when it does not.
        """
        samples = model.signature.samples
        if not model.condition.of_samples or samples is None:
            raise ValueError(
                f"The term {self.name!r} is for a translation of samples into samples: a "
                '`keras_gan.CycleGAN`, or a GAN with `conditional="samples"` of networks that say '
                "their shapes. For pairs, measure the distance from the target instead. "
                f"Received: conditional={model.condition.conditional!r}"
            )
        self.parts = tuple(nests.names(samples)) if nests.is_nest(samples) else ()

    def _distance(self, made, real):
        """Return the mean distance of each sample, for each domain."""

        def distance(one, other):
            return distances.distance(self.norm, wide(one), wide(other))

        return nests.map(distance, made, real)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "norm": self.norm}


@keras.saving.register_keras_serializable("keras_gan")
class Cycle(_OfTranslation):
    """Hold a translation there and back to what it began with.

    Formula, of a generator T that translates all domains at once, into each other:

    ```
    weight * E mean |T(T(x)) - x|
    ```

    The mean runs over the numbers of a sample, the samples and the domains. Both directions answer
    for both cycles. The generator runs once more, on the samples that it has made. The values of
    each domain are logged too: `cycle/a` is that of a to b and back.

    The weight is 10 in the paper, whose losses are sums over the two domains and whose generator
    minimizes the squared distance to 1. `LeastSquares` here is half of that: 5 is the same. With a
    loss that is not halved, such as `NonSaturating`, 10 is.

    Args:
        weight: lambda, a finite number of at least 0. Large changes want a smaller one.
        norm: `"l1"`, `"l2"` or `"charbonnier"`, as of `Reconstruction`.
        interval: compute it on every `interval`-th step only.
        schedule: factor of the weight over training steps, such as `keras_gan.schedules.Cosine`.
        name: key in the logs.

    Raises:
        ValueError: when `weight` is negative or not finite, `interval` no positive integer, `norm`
            another, or, in `compile`, the generator does not translate samples.
        TypeError: when `weight` is no number, or `schedule` no schedule.

    Example:

    >>> keras_gan.terms.Cycle(weight=2.0).name
    'cycle'

    Reference:
        - [Zhu et al., 2017](https://arxiv.org/abs/1703.10593), Section 3.2
    """

    def __init__(self, weight=5.0, norm="l1", interval=1, schedule=None, name="cycle", **kwargs):
        super().__init__(weight, norm, interval, schedule, name, **kwargs)

    def generator_term(self, step):
        """Return the distance of each sample from its translation there and back, by domain."""
        back = step.generate(step.latents, step.generated["samples"])
        return self._distance(back, step.real)


@keras.saving.register_keras_serializable("keras_gan")
class Identity(_OfTranslation):
    """Hold a translation to leaving samples of its target domain as they are.

    Formula, of a generator T that translates two domains into each other:

    ```
    weight * E mean |T(flip(x)) - x|,    flip({"a": a, "b": b}) = {"a": b, "b": a}
    ```

    It keeps colours from drifting, or from being inverted. The domains must have samples of one
    shape: the direction from a to b is given a b. The generator runs once more, on the real
    samples. The values of each domain are logged too: `identity/b` is that of a to b.

    The weight in the paper is half of the cycle's 10, for photographs of paintings, and 0 in its
    other experiments. Here 2.5 is the same as its 5: see `Cycle`.

    Args:
        weight: a finite number of at least 0.
        norm: `"l1"`, `"l2"` or `"charbonnier"`, as of `Reconstruction`.
        interval: compute it on every `interval`-th step only.
        schedule: factor of the weight over training steps, such as `keras_gan.schedules.Cosine`.
        name: key in the logs.

    Raises:
        ValueError: when `weight` is negative or not finite, `interval` no positive integer, `norm`
            another, or, in `compile`, the generator does not translate between two domains of
            samples of one shape.
        TypeError: when `weight` is no number, or `schedule` no schedule.

    Example:

    >>> keras_gan.terms.Identity(weight=1.0).name
    'identity'

    Reference:
        - [Zhu et al., 2017](https://arxiv.org/abs/1703.10593), Section 5.2
        - [Taigman et al., 2017](https://arxiv.org/abs/1611.02200)
    """

    def __init__(self, weight=2.5, norm="l1", interval=1, schedule=None, name="identity", **kwargs):
        super().__init__(weight, norm, interval, schedule, name, **kwargs)

    def attach(self, model):
        """Check that the generator translates between two domains of samples of one shape.

        Raises:
            ValueError: when it does not.
        """
        super().attach(model)
        if not swappable(model):
            shapes = nests.describe(model.signature.samples, sample_shape)
            raise ValueError(
                f"The term {self.name!r} gives each direction samples of its target domain: "
                "expected two domains of one shape. Leave it out. Received: samples of the shapes "
                f"{shapes}"
            )

    def generator_term(self, step):
        """Return the distance of each sample from what its own domain's direction makes of it."""
        same = step.generate(step.latents, _swapped(step.real))
        return self._distance(same, step.real)


def swappable(model):
    """Tell whether a model translates between two domains that can take each other's place.

    Args:
        model: a `GAN` whose generator is given the samples that it translates.
    """
    nest = model.signature.samples, input_structure(model.generator)
    if not all(isinstance(part, dict) and len(part) == 2 for part in nest):
        return False
    first, *others = (sample_shape(part) for each in nest for part in nests.leaves(each))
    return all(compatible(first, other) for other in others)


def _swapped(samples):
    first, second = samples
    return {first: samples[second], second: samples[first]}
