"""The CycleGAN that a user holds: four networks, one `compile`, one `fit`."""

import functools
import inspect

import keras
import tensorflow as tf

from keras_gan.cycle_gan.elements import (
    DomainAdapter,
    are_arrays,
    divided,
    held,
    is_by_domain,
    without_pairs,
)
from keras_gan.cycle_gan.networks import ByDomain, check_networks
from keras_gan.data import elements, randomness
from keras_gan.data.adapting import with_channel
from keras_gan.data.matching import match_nests
from keras_gan.gan import GAN
from keras_gan.terms.cycle import Cycle, Identity, swappable
from keras_gan.utils import arguments
from keras_gan.utils.arguments import shown

# What a nest with such a key means something else by, and what `datasets.unpaired` takes.
_RESERVED = "samples", "logits", "batch_size", "seed", "shuffle"


@keras.saving.register_keras_serializable("keras_gan")
class CycleGAN(GAN):
    """Two translations between two domains of images without pairs, and their discriminators.

    A `GAN` whose samples are dicts by domain: its `generator` is both translations as one network,
    its `discriminator` both discriminators. Each player has one optimizer, and logs have a key for
    each domain: `d_loss/a`, `g_loss/b`, `cycle/a`. The domains may differ in size and channels.

    Data elements are `(a, b)`, or dicts by domain as `keras_gan.datasets.unpaired` makes them. A
    label beside an image is left out. `fit((images_a, images_b))` takes arrays of any numbers of
    images, each domain in an order of its own.

    Args:
        a_to_b: Keras model from images of the first domain to images of the second.
        b_to_a: the other way.
        discriminator_a: Keras model from images of the first domain to logits: a patch map, or
            several heads.
        discriminator_b: the same for the second domain.
        domains: names of the first and the second domain.
        seed: integer from which every random draw of training follows, as in `GAN`.
        value_range: `(lowest, highest)` value of images, as in `GAN`.

    Raises:
        TypeError: when a network is not a Keras model.
        ValueError: when networks don't fit each other, or don't say their shapes (subclassed ones);
            for names that are no two names.

    Example:

    ```python
    def translation():
        return keras.Sequential(
            [
                keras.Input((8, 8, 1)),
                keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
                keras.layers.Conv2D(1, 3, padding="same", activation="tanh"),
            ]
        )


    def critic():
        return keras.Sequential(
            [
                keras.Input((8, 8, 1)),
                keras.layers.Conv2D(8, 4, 2, activation="leaky_relu"),
                keras.layers.Conv2D(1, 2),
            ]
        )


    cycle_gan = keras_gan.CycleGAN(translation(), translation(), critic(), critic())
    cycle_gan.compile(replay=50)
    cycle_gan.fit((images, -images), batch_size=64, epochs=20)
    inverted = cycle_gan.translate(images, to="b")
    ```

    Reference:
        - [Zhu et al., 2017](https://arxiv.org/abs/1703.10593)
    """

    def __init__(
        self,
        a_to_b,
        b_to_a,
        discriminator_a,
        discriminator_b,
        domains=("a", "b"),
        seed=None,
        value_range="auto",
        **kwargs,
    ):
        accepted = inspect.signature(CycleGAN.__init__).parameters
        arguments.known("CycleGAN", kwargs, [*accepted, "name", "dtype", "trainable"])
        a, b = domains = _checked(domains)
        check_networks(
            a_to_b=a_to_b,
            b_to_a=b_to_a,
            discriminator_a=discriminator_a,
            discriminator_b=discriminator_b,
        )
        super().__init__(
            ByDomain({a: b_to_a, b: a_to_b}, {a: b, b: a}, name="generator"),
            ByDomain({a: discriminator_a, b: discriminator_b}, name="discriminator"),
            latents=None,
            conditional="samples",
            seed=seed,
            value_range=value_range,
            **kwargs,
        )
        self._domains = domains
        self._translation = functools.cache(self._traced)

    @property
    def domains(self):
        """Names of the first and the second domain."""
        return tuple(self._domains)

    @property
    def a_to_b(self):
        """The network from the first domain to the second, in training."""
        return self.generator.networks[self.domains[1]]

    @property
    def b_to_a(self):
        """The network from the second domain to the first, in training."""
        return self.generator.networks[self.domains[0]]

    @property
    def discriminator_a(self):
        """The discriminator of the first domain."""
        return self.discriminator.networks[self.domains[0]]

    @property
    def discriminator_b(self):
        """The discriminator of the second domain."""
        return self.discriminator.networks[self.domains[1]]

    def compile(
        self,
        loss="least_squares",
        generator_optimizer="auto",
        discriminator_optimizer="auto",
        terms="auto",
        **options,
    ):
        """Choose the game; as `GAN.compile`, with the paper's choices where nothing is given.

        Args:
            loss: as `GAN.compile`; the paper's least squares.
            generator_optimizer: of both translations; `"auto"` is the paper's Adam (2e-4, beta_1
                0.5). The paper lets the rate fall to 0 over the second half of training.
            discriminator_optimizer: the same for both discriminators.
            terms: `"auto"` for `Cycle(5)` and, where the domains have images of one shape,
                `Identity(2.5)`, which are the paper's weights of 10 and 5 (see `terms.Cycle`); or
                a list of terms, as `GAN.compile`.
            **options: as `GAN.compile`. `replay=50` is the paper's history of generated images,
                `ema=0.999` an average of both translations.

        Raises:
            ValueError: as `GAN.compile`.
            TypeError: as `GAN.compile`.
        """
        if isinstance(terms, str) and terms == "auto":
            terms = [Cycle(), Identity()] if swappable(self) else [Cycle()]
        super().compile(loss, generator_optimizer, discriminator_optimizer, terms, **options)
        self._translation = functools.cache(self._traced)

    def translate(self, images, to, batch_size=32):
        """Return images of one domain as images of the other.

        Only the network of that direction runs: the averaged one where there is an average.

        Args:
            images: array of images of the other domain, batch axis first: floats in the model's
                range, or 8-bit images, which are scaled.
            to: name of the domain to translate to.
            batch_size: images in one call of the network.

        Returns:
            float32 NumPy array of as many images of the domain `to`.

        Raises:
            ValueError: for another domain, no images, or images of another shape.
            TypeError: when `images` is no array of numbers.
        """
        arguments.choice("to", to, self.domains)
        arguments.whole("batch_size", batch_size)
        images = self._checked_images(images, self.generator.direction(to))
        run = self._translation(to)
        rows = range(0, len(images), batch_size)
        made = [run(tf.constant(images[i : i + batch_size])).numpy() for i in rows]
        return elements.concatenate(made)

    def _checked_images(self, images, network):
        """Return images in the form that a direction takes, if they are of its domain."""
        images = with_channel(elements.as_array(images, "images"), network.input)
        match_nests("The images", images, f"the input of {network.name}", network.input)
        if not len(images):
            raise ValueError(
                f"Expected at least one image. Received: images of shape {images.shape}"
            )
        return self.adapter.scaled(images).astype(network.input.dtype, copy=False)

    def _traced(self, to):
        """Return the network that images of a domain come from, for batches of any size."""
        network = self.sampling_network.direction(to)
        spec = tf.TensorSpec(network.input.shape, network.input.dtype)

        @tf.function(input_signature=[spec], autograph=False)
        def translation(images):
            return tf.cast(network(images, training=False), tf.float32)

        randomness.warn(translation.get_concrete_function().graph, self)
        return translation

    @property
    def adapter(self):
        """The `DomainAdapter` of data elements to the networks."""
        return DomainAdapter(self.domains, self.signature, self.condition, self.value_range)

    def _pair(self, x, y):
        return held(x, y, self.domains)

    def _source(self, x, y=None, batch_size=None, shuffle=False):
        x, y = self._pair(x, y)
        if is_by_domain(x, self.domains):
            x = without_pairs(x, batch_size, shuffle, self._order_seed)
        return super()._source(x, y, batch_size, shuffle)

    def _split(self, x, y, batch_size, shuffle, fraction):
        x, y = self._pair(x, y)
        fraction = arguments.number("validation_split", fraction, below=1)
        if not fraction or not (is_by_domain(x, self.domains) and are_arrays(x)):
            return super()._split(x, y, batch_size, shuffle, fraction)
        x, held_out = divided(x, fraction)
        return self._source(x, None, batch_size, shuffle), held_out

    def get_config(self):
        """Return the constructor's arguments, networks included, and the average."""
        config = super().get_config()
        names = "name", "generator", "discriminator", "seed", "value_range", "average"
        return {"domains": list(self.domains), **{name: config[name] for name in names}}

    @classmethod
    def _made_of(cls, generator, discriminator, domains, **options):
        a, b = domains
        translations, critics = generator.networks, discriminator.networks
        networks = translations[b], translations[a], critics[a], critics[b]
        return cls(*networks, domains=domains, **options)


def _checked(domains):
    """Return the names of the domains as a pair.

    Raises:
        ValueError: when they are no two names.
    """
    names = list(domains) if isinstance(domains, (list, tuple)) else []
    are_names = all(isinstance(name, str) and name.isidentifier() for name in names)
    if not are_names or len(set(names)) != 2 or len(names) != 2 or set(names) & set(_RESERVED):
        raise ValueError(
            "Expected `domains` to be two different names of letters, digits and underscores, such "
            f"as ('horse', 'zebra'), none of them of {list(_RESERVED)}. "
            f"Received: domains={shown(domains)}"
        )
    return names
