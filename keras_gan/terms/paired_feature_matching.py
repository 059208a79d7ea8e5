"""Paired feature matching: each generated sample near the real one of its row, as D sees them."""

import keras
import tensorflow as tf

from keras_gan.terms.distances import distance
from keras_gan.terms.feature_matching import check_named_outputs, named_output
from keras_gan.terms.reconstruction import check_pairs
from keras_gan.terms.term import Term
from keras_gan.utils import arguments, nests
from keras_gan.utils.arguments import shown
from keras_gan.utils.keras_internals import made_by
from keras_gan.utils.kernels import kernel_of
from keras_gan.utils.tensors import wide


@keras.saving.register_keras_serializable("keras_gan")
class PairedFeatureMatching(Term):
    """Bring each generated sample near the real one of its row, in the discriminator's features.

    Formula:

    ```
    L_G += weight * E sum_l mean |f_l(G(y), y) - f_l(x, y)|
    ```

    f_l are layers of the discriminator; no gradient passes through those of the real sample x. Of
    several heads of logits (scales) the mean counts. Unlike `FeatureMatching`, which matches the
    means of a batch, it needs pairs. The log shows the value without its weight.

    Without `outputs` the layers are all that the kernels behind the first one are applied to: of a
    PatchGAN every activation but the logits. The discriminator then runs twice more, up to there.
    With `outputs` its own forward on generated samples is used, and one more on real ones.

    Args:
        weight: finite number of at least 0; 10 in pix2pixHD, whose least squares are not halved: 5
            beside `LeastSquares`.
        outputs: list of names of outputs of a discriminator that returns a dict, each a tensor or a
            nest of the structure of the logits; or `None`.
        interval: compute it on every `interval`-th step only.
        schedule: factor of the weight over training steps, such as `keras_gan.schedules.Cosine`.
        name: key in the logs.

    Raises:
        ValueError: when `weight` is negative or not finite, `interval` no positive integer, or, in
            `compile`, real and generated samples are no pairs, the discriminator has no such
            output, or does not say its layers.
        TypeError: when `weight` is no number, `outputs` no names, or `schedule` no schedule.

    Example:

    ```python
    source, target = keras.Input((8, 8, 1)), keras.Input((8, 8, 1))
    generator = keras.Model(source, keras.layers.Conv2D(1, 3, padding="same")(source))
    x = keras.layers.Concatenate()([target, source])
    x = keras.layers.LeakyReLU(0.2)(keras.layers.Conv2D(4, 4, 2)(x))
    discriminator = keras.Model([target, source], keras.layers.Conv2D(1, 3)(x))
    model = keras_gan.GAN(generator, discriminator, latents=None)
    model.compile("least_squares", terms=["paired_feature_matching"])
    ```

    Reference:
        - [Wang et al., 2018](https://arxiv.org/abs/1711.11585), Eq. (4) (pix2pixHD)
    """

    player = "generator"
    compares_pairs = True

    def __init__(
        self,
        weight=1.0,
        outputs=None,
        interval=1,
        schedule=None,
        name="paired_feature_matching",
        **kwargs,
    ):
        super().__init__(weight=weight, interval=interval, schedule=schedule, name=name, **kwargs)
        names = None if outputs is None else arguments.listed(outputs)
        if names is not None and not (names and all(isinstance(each, str) for each in names)):
            raise TypeError(
                "Expected `outputs` to be None or a list of names of outputs of the discriminator. "
                f"Received: outputs={shown(outputs)}"
            )
        # A tuple: Keras tracks lists. Not `outputs`, as Keras names what a model returns.
        self.output_names = names and tuple(names)
        self._features = None

    @property
    def needs_real_outputs(self):
        """Whether the discriminator's own forward on real samples is read."""
        return self.output_names is not None

    def attach(self, model):
        """Check that there are pairs, and find the features.

        Raises:
            ValueError: when there are none, or the discriminator has no such output, or does not
                say its layers.
        """
        check_pairs(self, model)
        discriminator = model.discriminator
        if self.output_names is None:
            self._features = _features_of(discriminator, model.signature.heads, self.name)
        else:
            check_named_outputs(discriminator, self.output_names, "outputs")

    def generator_term(self, step):
        """Return the distances, for each sample: a nest of the structure of the logits."""
        logits = step.fake_logits
        if self.output_names is None:
            real, fake = (step.inside(self._features, of) for of in ("real", "fake"))
            return nests.map_heads(lambda _, *sides: _distance(*sides), logits, real, fake)
        layers = [
            [named_output(outputs, name, "outputs") for name in self.output_names]
            for outputs in (step.real_outputs, step.fake_outputs)
        ]
        by_layer = [
            nests.map(lambda *pair: _distance([pair[0]], [pair[1]]), *pair)
            for pair in zip(*layers, strict=True)
        ]
        return nests.map(lambda *distances: sum(distances), *by_layer)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "outputs": self.output_names and list(self.output_names)}


def _distance(real, fake):
    """Return the sum of mean absolute distances of two lists of layers, for each sample."""
    pairs = zip(real, fake, strict=True)
    return sum(distance("l1", tf.stop_gradient(wide(one)), wide(other)) for one, other in pairs)


def _features_of(discriminator, heads, name):
    """Return a function from a discriminator's inputs to the list of features of each head.

    Raises:
        ValueError: when they can't be seen.
    """
    features = None if heads is None else nests.map(_before, heads)
    found = features and nests.leaves(
        nests.map_heads(lambda _, layers: bool(layers), heads, features)
    )
    if not found or not all(found):
        raise ValueError(
            f"The term {name!r} can't tell which layers lead to the discriminator's logits. Let "
            'the discriminator return a dict, `{"logits": logits, "first": ..., "second": ...}`, '
            'and pass `outputs=["first", "second"]`. Received: outputs=None and '
            f"discriminator={discriminator.name!r} of type {type(discriminator).__name__}"
        )
    samples = discriminator.inputs
    samples = samples[0] if len(samples) == 1 else discriminator.input
    network = keras.Model(samples, nests.leaves(features))

    # A function: as an attribute Keras would take the discriminator's layers for the term's own,
    # save them twice and train them with the generator.
    def run(inputs):
        return nests.pack_as(features, keras.tree.flatten(network(inputs, training=True)))

    return run


def _before(logits):
    """Return what the layers with kernels that lead to logits are applied to, the first one's not.

    Walks back from the logits, always to the first input.
    """
    found, tensor = [], logits
    while True:
        operation, inputs, _ = made_by(tensor)
        if isinstance(operation, keras.Model):
            return []  # Whose layers are not this model's.
        if not inputs:
            return found[-2::-1]
        layer = getattr(operation, "layer", operation)  # That a wrapper is around.
        if isinstance(layer, keras.layers.Layer) and kernel_of(layer) is not None:
            found.append(inputs[0])
        tensor = inputs[0]
