"""Reconstruction: generated samples near the real ones of their rows, in pixels or features."""

import keras
import tensorflow as tf

from keras_gan.data.matching import match_nests
from keras_gan.data.symbolic import output_structure
from keras_gan.terms import frozen
from keras_gan.terms.distances import NORMS, distance
from keras_gan.terms.path_length import check_side_output, output_of_generator
from keras_gan.terms.term import Term
from keras_gan.utils import arguments, nests
from keras_gan.utils.tensors import wide


class PairedTerm(Term):
    """Comparison of each generated sample with the real one of its row, itself or its features.

    A subclass says what the distance of two tensors is. Of several layers of features, distances
    are added with the layers' weights; of samples of several parts each counts the same.

    Args:
        weight: finite number of at least 0.
        features: `FrozenFeatures`, or `None` for the samples themselves.
        of: `"samples"`, or the name of a side output of the generator of the real samples' shape.
        interval: compute it on every `interval`-th step only.
        schedule: factor of the weight over training steps.
        name: key in the logs.
    """

    player = "generator"
    evaluated = True
    compares_pairs = True

    def __init__(self, weight, features, of, interval, schedule, name, **kwargs):
        super().__init__(weight=weight, interval=interval, schedule=schedule, name=name, **kwargs)
        # A plain object: Keras would train and save a network that it sees.
        self.features = frozen.get(features)
        self.of = output_of_generator("samples", of)
        self._range = -1.0, 1.0

    def attach(self, model):
        """Check that there are pairs, and that the features take the samples.

        Raises:
            ValueError: when real and generated samples are no pairs, the generator has no such
                side output or one of another shape, or the features don't fit.
        """
        check_pairs(self, model)
        if self.of != "samples":
            check_side_output(self, model, self.of)
            self._check_alike(output_structure(model.generator), model.signature.samples)
        self._range = model.value_range
        if self.features is not None:
            self.features.attach(self, model)

    def _check_alike(self, generated, samples):
        # Shapes that differ might be broadcast, without an error.
        if generated is not None:
            what = f"What the term {self.name!r} compares, the side output {self.of!r},"
            match_nests(what, generated[self.of], "the samples", samples)

    def distance(self, real, fake):
        """Return the distance of two tensors, for each sample.

        Args:
            real: samples or feature maps, cut off from all gradients.
            fake: the generated ones.
        """
        raise NotImplementedError

    def generator_term(self, step):
        """Return the distances, for each sample, of each part of the samples."""
        return nests.map(self._compared, step.real, step.generated[self.of])

    def _compared(self, real, fake):
        real, fake = tf.stop_gradient(wide(real)), wide(fake)
        if self.features is None:
            return self.distance(real, fake)
        weights = self.features.weights.values()
        sides = (self.features(samples, self._range) for samples in (real, fake))
        return sum(
            weight * self.distance(tf.stop_gradient(a), b)
            for weight, a, b in zip(weights, *sides, strict=True)
        )

    def get_config(self):
        """Return the constructor's arguments."""
        features = self.features and keras.saving.serialize_keras_object(self.features)
        return {**super().get_config(), "features": features, "of": self.of}


@keras.saving.register_keras_serializable("keras_gan")
class Reconstruction(PairedTerm):
    """Bring each generated sample near the real one of its row.

    Formula:

    ```
    L_G += weight * E mean |G(y) - x|                             "l1"
           weight * E mean (G(y) - x)^2                           "l2"
           weight * E mean sqrt((G(y) - x)^2 + 1e-6)              "charbonnier"
           weight * E sum_l w_l mean |f_l(G(y)) - f_l(x)|         with features
    ```

    For paired data `(x, y)`: the target x and its source y. The means run over all numbers of a
    sample, or of a feature map. With `features` it is the perceptual loss: f_l are layers of a
    frozen network, w_l their weights. The log shows the value without its weight.

    An inpainting generator that composites leaves the known pixels alone: its distance is that of
    the holes, over the whole image. For the raw output of such a network let it return that as a
    side output, `{"samples": composite, "raw": raw}`, and add a term `of="raw"`.

    Args:
        weight: finite number of at least 0; 100 in pix2pix.
        norm: `"l1"`, `"l2"` or `"charbonnier"`.
        features: `FrozenFeatures`, such as `vgg19("conv5_4")`; `None` for pixels.
        of: what is compared with the real samples: `"samples"`, or the name of a side output of
            the generator, such as the coarse result of a first stage.
        interval: compute it on every `interval`-th step only.
        schedule: factor of the weight over training steps, such as `keras_gan.schedules.Cosine`.
        name: key in the logs.

    Raises:
        ValueError: when `weight` is negative or not finite, `norm` another, `interval` no positive
            integer, or, in `compile`, real and generated samples are no pairs, or the features
            don't fit them.
        TypeError: when `weight` is no number, `schedule` no schedule, `features` no
            `FrozenFeatures`, or `of` no name.

    Example:

    ```python
    source, target = keras.Input((8, 8, 1)), keras.Input((8, 8, 1))
    generator = keras.Model(source, keras.layers.Conv2D(1, 3, padding="same")(source))
    pair = keras.layers.Concatenate()([target, source])
    discriminator = keras.Model([target, source], keras.layers.Conv2D(1, 4, 2)(pair))
    model = keras_gan.GAN(generator, discriminator, latents=None)
    model.compile("non_saturating", terms=[keras_gan.terms.Reconstruction(100.0)])  # pix2pix
    ```

    Reference:
        - [Isola et al., 2017](https://arxiv.org/abs/1611.07004), Eq. (3) (L1)
        - [Johnson et al., 2016](https://arxiv.org/abs/1603.08155), Section 3 (features, L2)
        - [Lai et al., 2017](https://arxiv.org/abs/1704.03915), Section 3.2 (Charbonnier)
    """

    def __init__(
        self,
        weight=1.0,
        norm="l1",
        features=None,
        of="samples",
        interval=1,
        schedule=None,
        name="reconstruction",
        **kwargs,
    ):
        super().__init__(weight, features, of, interval, schedule, name, **kwargs)
        self.norm = arguments.choice("norm", norm, NORMS)

    def distance(self, real, fake):
        """Return the mean norm of the differences, for each sample."""
        return distance(self.norm, fake, real)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "norm": self.norm}


def check_pairs(term, model):
    """Raise when the real sample of a row is not what the generated one should be.

    Args:
        term: the term that compares them.
        model: the `GAN`.

    Raises:
        ValueError: naming the term, and what to use instead.
    """
    if model.condition.of_samples:
        raise ValueError(
            f"The term {term.name!r} compares each generated sample with the real one of its row, "
            "and the domains of this model are not paired: hold translations to their sources by "
            "a cycle (`Cycle`), or by patches (`PatchNCE`). Received: a model with "
            "conditional='samples'"
        )
    if not model.conditional:
        raise ValueError(
            f"The term {term.name!r} compares each generated sample with the real one of its row, "
            "and without a condition nothing makes them a pair: give the generator the source, "
            "`GAN(generator, discriminator, latents=None)` on data `(target, source)`. "
            f"Received: a model without a condition, of the generator {model.generator.name!r}"
        )
