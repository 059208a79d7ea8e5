"""Mutual information of codes and samples: latents that the discriminator reads off (InfoGAN)."""

import math

import keras
from keras import ops

from keras_gan.data.symbolic import output_structure
from keras_gan.latents import Categorical, Normal, TruncatedNormal, Uniform
from keras_gan.latents.composite import nest_of
from keras_gan.terms.classes import width_of
from keras_gan.terms.feature_matching import named_output
from keras_gan.terms.term import Term
from keras_gan.utils import arguments, nests
from keras_gan.utils.arguments import shown
from keras_gan.utils.tensors import wide

# The least log variance that the discriminator can claim: a standard deviation of e^-3.
LEAST = -6.0


@keras.saving.register_keras_serializable("keras_gan")
class MutualInformation(Term):
    """Keep codes of the latents legible in the samples: InfoGAN's lower bound on I(c; G(z, c)).

    Formula:

    ```
    L_D, L_G += weight * sum_c E (log p(c) - log q(c | G(z, c)))
    ```

    Codes are parts of composite latents, and the discriminator returns, under the same name, what
    q(c | x) is made of:

    - `Categorical`: logits, of as many numbers as the part has. p(c) = 1/n.
    - `Uniform`, `Normal`, `TruncatedNormal`, as many numbers as the part has: the mean m of
      q = N(m, 1). p is N(E c, 1).
    - the same, twice as many numbers: the means, then the logarithms s of the variances of
      q = N(m, exp(s)), smoothly kept above -6. p is N(E c, Var c).

    p is the best guess of its kind without a sample, so that 0 is no information, and a negative
    value is minus what the samples tell, in nats. At best it is -log n for a code of n categories,
    and -Var(c)/2 for means alone: -1/6 for `Uniform` codes from -1 to 1. For categories, and for
    normal codes with variances, minus the value is a lower bound on the mutual information.

    Both players minimize it, on generated samples: as in the paper's code, the layers that the
    discriminator's heads share are trained for the codes too. The log shows the sum over codes,
    without its weight, as `name/discriminator` and `name/generator`, and each code's own value
    behind these, as `name/generator/code`.

    Args:
        weight: lambda, a finite number of at least 0.
        codes: names of the codes, or `None` for all parts of the latents that the discriminator
            has an output for. For other weights use two terms, with names.
        interval: compute it on every `interval`-th step only.
        schedule: factor of the weight over training steps, such as `keras_gan.schedules.Cosine`.
        name: beginning of the keys in the logs.

    Raises:
        ValueError: when `weight` is negative or not finite, `interval` no positive integer, or, in
            `compile`, the latents have no such parts, of priors that it knows, or the
            discriminator no such outputs, of a size that fits. `replay` is refused too.
        TypeError: when `weight` is no number, a code no name, or `schedule` no schedule.

    Example:

    ```python
    from keras_gan.latents import Categorical, Normal

    z, code = keras.Input((16,), name="z"), keras.Input((10,), name="code")
    h = keras.layers.Dense(64, "relu")(keras.layers.Concatenate()([z, code]))
    image = keras.layers.Reshape((8, 8, 1))(keras.layers.Dense(64, "tanh")(h))
    generator = keras.Model({"z": z, "code": code}, image)
    x = keras.Input((8, 8, 1))
    h = keras.layers.Dense(64, "relu")(keras.layers.Flatten()(x))
    told = {"logits": keras.layers.Dense(1)(h), "code": keras.layers.Dense(10)(h)}
    latents = {"z": Normal(16), "code": Categorical(10)}
    model = keras_gan.GAN(generator, keras.Model(x, told), latents=latents)
    model.compile("non_saturating", terms=["mutual_information"])
    ```

    Reference:
        - [Chen et al., 2016](https://arxiv.org/abs/1606.03657), Eq. (5)
    """

    needs_fresh_fake = True
    evaluated = True

    def __init__(
        self,
        weight=1.0,
        codes=None,
        interval=1,
        schedule=None,
        name="mutual_information",
        **kwargs,
    ):
        super().__init__(weight=weight, interval=interval, schedule=schedule, name=name, **kwargs)
        self.codes = None if codes is None else tuple(arguments.listed(codes))
        if self.codes is not None and not (
            self.codes and all(isinstance(code, str) for code in self.codes)
        ):
            raise TypeError(
                "Expected `codes` to be None or the names of parts of the latents. "
                f"Received: codes={shown(codes)}"
            )

    def attach(self, model):
        """Find the codes, and check that the discriminator tells them.

        Raises:
            ValueError: when the latents have no such parts, or the discriminator no such outputs.
        """
        priors = _priors_of(self, model)
        self.parts = tuple(sorted(set(self.codes or _told(self, priors, model.discriminator))))
        if unknown := sorted(set(self.parts) - set(priors)):
            raise ValueError(
                f"Expected `codes` among the parts of the latents, {sorted(priors)}. "
                f"Received: codes={shown(self.codes)}, of which {unknown} are none"
            )
        self._priors = tuple(priors[name] for name in self.parts)
        for name, prior in zip(self.parts, self._priors, strict=True):
            width = width_of(model.discriminator, name)
            _check(name, prior, _widths(prior)[0] if width is None else width)

    def discriminator_term(self, step):
        """Return a dict of each code's value, for each sample."""
        latents = nests.named(step.latents)
        return {
            name: _value(name, prior, latents[name], named_output(step.fake_outputs, name, "codes"))
            for name, prior in zip(self.parts, self._priors, strict=True)
        }

    def generator_term(self, step):
        """Return what `discriminator_term` does, of samples that the generator answers for."""
        return self.discriminator_term(step)

    def means(self, player, step):
        """Return the sum over codes, and each code's mean, by log key; see `Term`."""
        means = super().means(player, step)
        whole, *parts = means
        return {**means, whole: sum(means[part] for part in parts)}

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "codes": self.codes and list(self.codes)}


def _priors_of(term, model):
    """Return the priors of the latents' parts by name.

    Raises:
        ValueError: when the latents have no parts.
    """
    priors = nest_of(model.latents)
    if not nests.is_nest(priors):
        raise ValueError(
            f"The term {term.name!r} reads codes, which are parts of the latents: pass a dict of "
            'priors, such as `latents={"z": Normal(62), "code": Categorical(10)}`, to `GAN`, with '
            f"a generator that takes such a dict. Received: latents={priors!r}"
        )
    return nests.named(priors)


def _told(term, priors, discriminator):
    """Return the names of the parts that the discriminator has an output for.

    Raises:
        ValueError: when it has none, or does not say its outputs.
    """
    outputs = output_structure(discriminator)
    if outputs is None:
        raise ValueError(
            f"The term {term.name!r} finds codes by the discriminator's outputs, and a subclassed "
            "one does not say them: pass `codes=[...]`. Received: codes=None, and a discriminator "
            f"of type {type(discriminator).__name__}"
        )
    names = sorted(outputs) if isinstance(outputs, dict) else []
    found = [name for name in priors if name in names and name != "logits"]
    if not found:
        raise ValueError(
            f"The term {term.name!r} needs a discriminator that returns a dict, "
            '`{"logits": ..., "code": ...}`, with an output for each code, of the name that its '
            f"part of the latents has. Received: latents of {sorted(priors)}, and a discriminator "
            f"that returns {names or 'no dict'}"
        )
    return found


def _widths(prior):
    """Return how many numbers an output may have, the simplest form first."""
    size = math.prod(prior.shape)
    return (size,) if isinstance(prior, Categorical) else (size, 2 * size)


def _check(name, prior, width):
    """Raise when a code is of another prior than the term knows, or its output of another size."""
    if not isinstance(prior, Categorical | Normal | TruncatedNormal | Uniform):
        raise ValueError(
            "Expected codes of Categorical, Uniform, Normal or TruncatedNormal priors. "
            f"Received: the code {name!r} of {prior!r}"
        )
    if width not in _widths(prior):
        form = "logits" if isinstance(prior, Categorical) else "a mean, or means and log variances"
        expected = " or ".join(map(str, _widths(prior)))
        raise ValueError(
            f"Expected the discriminator's output {name!r} to have {expected} numbers for each "
            f"sample, {form} of the code {prior!r}. Received: {width}"
        )


def _value(name, prior, code, told):
    """Return log p(c) - log q(c|x), for each sample."""
    size = math.prod(told.shape[1:])
    _check(name, prior, size)
    code, told = wide(code), wide(told)
    if isinstance(prior, Categorical):
        categories = prior.shape[-1]
        shape = -1, math.prod(prior.shape[:-1]), categories
        code, told = (ops.reshape(each, shape) for each in (code, told))
        values = ops.categorical_crossentropy(code, told, from_logits=True)
        return ops.sum(values - math.log(categories), axis=1)
    code = ops.reshape(code, (-1, math.prod(prior.shape)))
    told = ops.reshape(told, (-1, size))
    mean, variance = _moments(prior)
    if size == code.shape[1]:
        return ops.sum(ops.square(code - told) - ops.square(code - mean), axis=1) / 2
    told, log_variance = ops.split(told, 2, axis=1)
    log_variance = LEAST + ops.softplus(log_variance - LEAST)
    read = log_variance + ops.square(code - told) * ops.exp(-log_variance)
    unread = math.log(variance) + ops.square(code - mean) / variance
    return ops.sum(read - unread, axis=1) / 2


def _moments(prior):
    """Return the mean and the variance of a code's numbers."""
    if isinstance(prior, Uniform):
        return (prior.low + prior.high) / 2, (prior.high - prior.low) ** 2 / 12
    if isinstance(prior, Normal):
        return 0.0, 1.0
    bound = prior.threshold
    density = math.exp(-(bound**2) / 2) / math.sqrt(2 * math.pi)
    return 0.0, 1 - 2 * bound * density / math.erf(bound / math.sqrt(2))
