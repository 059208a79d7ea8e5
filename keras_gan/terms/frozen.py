"""Named layers of a frozen network, which terms compare samples by."""

import warnings

import keras
from keras import ops

from keras_gan.data.symbolic import output_of_layer, sample_shape
from keras_gan.utils import arguments, fingerprints, nests, registry
from keras_gan.utils.arguments import shown
from keras_gan.utils.tensors import compatible, wide

PREPROCESS = None, "caffe", "tf", "torch"


@keras.saving.register_keras_serializable("keras_gan")
class FrozenFeatures:
    """Feature maps of samples: the outputs of named layers of a network that is never trained.

    A plain object, which Keras does not track: the network is in no model's weights, in no file
    or checkpoint, counted nowhere, moved by no optimizer. It runs in inference mode, so that its
    moving statistics stay. Gradients pass through it to the samples.

    A config holds the layers, and the digest of the network's architecture and weights. A
    classifier of `keras_gan.metrics.features.train_classifier`, and `vgg19`, come back from their
    files. A network that was given in memory does not: the loaded model warns, and refuses to
    train and to evaluate until `restore` has been given the network.

    Args:
        network: a Functional or built Sequential Keras model of one input, or a classifier of
            `keras_gan.metrics.features.train_classifier`.
        layers: name of a layer, list of names, or dict from names to weights. A layer of a list
            has weight 1. A layer's output is taken after its activation.
        preprocess: what the network's images are to be: `None`, the samples as they are; or a
            `mode` of `keras.applications.imagenet_utils.preprocess_input`, which begins at RGB in
            [0, 255]: `"caffe"` (BGR minus ImageNet's means: VGG, ResNet), `"tf"` ([-1, 1]) or
            `"torch"` (ImageNet's mean 0 and deviation 1). The samples are brought there from the
            model's `value_range`. Grey ones are repeated where the network takes three channels.

    Attributes:
        weights: dict from names of layers to their weights.

    Raises:
        ValueError: for an unknown layer, with the known ones, a network of several inputs, a layer
            of several outputs, no layer at all, or a weight that is not at least 0.
        TypeError: when `network` is neither a Keras model nor a classifier.

    Example:

    ```python
    network = keras.models.clone_model(discriminator)  # Any Keras model with named layers.
    first, second = network.layers[1].name, network.layers[3].name
    features = keras_gan.terms.FrozenFeatures(network, {first: 0.5, second: 1.0})
    ```
    """

    def __init__(self, network, layers, preprocess=None):
        if isinstance(network, keras.Model):
            self.source = GivenNetwork(network)
        else:
            self.source = getattr(network, "trunk", network)  # Behind which a classifier's lies.
        if not all(hasattr(type(self.source), name) for name in ("network", "unavailable")):
            raise TypeError(
                "Expected `network` to be a Keras model, or a classifier of `keras_gan.metrics."
                f"features.train_classifier`. Received: network={shown(network)} of type "
                f"{type(network).__name__}"
            )
        self.weights = _weights(layers)
        self.preprocess = arguments.choice("preprocess", preprocess, PREPROCESS)
        self._made = None
        if not self.unavailable:
            self._extractor  # noqa: B018  Finds the layers, and raises when there are none.

    @property
    def unavailable(self):
        """`None`, or a sentence on why they can't be computed here."""
        return self.source.unavailable

    def restore(self, network):
        """Give back the network that a saved model's features were made with.

        Args:
            network: the Keras model, of the same architecture and weights.

        Raises:
            ValueError: when it is another one, or these features come from a file.
            TypeError: when it is no Keras model.

        Example:

        ```python
        # Needs a file of a model with such a term.
        model = keras_gan.load_model("sharper.keras")
        model.terms[0].features.restore(network)
        ```
        """
        if not isinstance(self.source, GivenNetwork):
            raise ValueError(
                "These features come from a file, which is looked for whenever they are needed. "
                f"Received: network={shown(network)}"
            )
        self.source.restore(network)
        self._made = None

    def attach(self, term, model):
        """Check the features against a model that a term is compiled into.

        Warns when they are not available: the model can be loaded and sampled from, not trained.

        Args:
            term: the term.
            model: the `GAN`.

        Raises:
            ValueError: when the network is one that training moves, or does not take the samples.
        """
        if self.unavailable:
            warnings.warn(
                f"The term {term.name!r} has no features by now: training and evaluation will "
                f"be refused. {self.unavailable}",
                stacklevel=2,
            )
            return
        _check_apart(self.source.network, term, model)
        for samples in nests.leaves(model.signature.samples):
            self._check_shape(sample_shape(samples), term)

    def __call__(self, samples, value_range=(-1.0, 1.0)):
        """Return the list of feature maps, in the order of the layers, in float32 or wider.

        Args:
            samples: tensor of samples.
            value_range: the `(lowest, highest)` value of images, for `preprocess`.

        Raises:
            ValueError: when the features are not available.
        """
        if self.unavailable:
            raise ValueError(self.unavailable)
        samples = wide(samples)
        if self._repeats(tuple(samples.shape[1:])):
            samples = ops.repeat(samples, 3, axis=-1)
        images = _preprocessed(samples, self.preprocess, value_range)
        maps = keras.tree.flatten(self._extractor(images, training=False))
        return [wide(each) for each in maps]

    @property
    def _extractor(self):
        """Model from samples to the list of the layers' outputs."""
        if self._made is None:
            self._made = self._make()
        return self._made

    def _make(self):
        network = self.source.network
        if len(getattr(network, "inputs", None) or ()) != 1:
            raise ValueError(
                "Expected a Functional or built Sequential network of one input, the samples. "
                f"Received: network={network.name!r} of type {type(network).__name__}"
            )
        outputs = [keras.tree.flatten(output_of_layer(network, name)) for name in self.weights]
        several = [name for name, of in zip(self.weights, outputs, strict=True) if len(of) > 1]
        if several:
            raise ValueError(
                f"Expected layers of one output each. Received: layers {several} of several"
            )
        return keras.Model(network.inputs[0], [one for (one,) in outputs], name="features")

    @property
    def _takes(self):
        """Shape of what the network takes, without the batch axis."""
        return sample_shape(self._extractor.inputs[0])

    def _repeats(self, shape):
        """Tell whether samples of a shape are grey images, for a network of three channels."""
        return len(shape) == 3 and shape[-1] == 1 and self._takes[-1:] == (3,)

    def _check_shape(self, shape, term):
        shape = (*shape[:-1], 3) if self._repeats(shape) else shape
        if not compatible(self._takes, shape):
            raise ValueError(
                f"The features of the term {term.name!r} are those of a network that takes samples "
                f"of shape {self._takes}. Received: samples of shape {shape}"
            )

    def get_config(self):
        """Return the constructor's arguments, a digest in the place of the network."""
        source = keras.saving.serialize_keras_object(self.source)
        return {"network": source, "layers": self.weights, "preprocess": self.preprocess}

    @classmethod
    def from_config(cls, config):
        """Build the features from their config; what is not there is `unavailable`."""
        network = keras.saving.deserialize_keras_object(config["network"])
        return cls(**{**config, "network": network})

    def __repr__(self):
        return f"<FrozenFeatures {list(self.weights)}>"


@keras.saving.register_keras_serializable("keras_gan")
class GivenNetwork:
    """A network that was given in memory, which a config can only tell by its digest.

    Args:
        network: a built Keras model, or `None` for one that was saved.
        name: the network's name, by default its own.
        fingerprint: the network's digest, by default its own.
    """

    network = None

    def __init__(self, network=None, name=None, fingerprint=None):
        self.network = network
        self._name = name
        self._expected = fingerprint

    @property
    def name(self):
        """The network's name."""
        return self._name if self.network is None else self.network.name

    @property
    def fingerprint(self):
        """The first 16 hexadecimal digits of the network's digest, weights included."""
        return self._expected if self.network is None else _digest(self.network)

    @property
    def unavailable(self):
        """`None`, or that the network was not saved, and how to give it back."""
        if self.network is not None:
            return None
        return (
            f"Its features are those of the network {self._name!r}, which is in no file: give it "
            "back by `term.features.restore(network)`, `term` being one of `model.terms`. "
            f"Its digest begins with {self._expected}."
        )

    def restore(self, network):
        """Take the network back.

        Raises:
            ValueError: when it is not the one that was saved.
            TypeError: when it is no Keras model.
        """
        if not isinstance(network, keras.Model):
            raise TypeError(
                f"Expected `network` to be a Keras model. Received: network={shown(network)}"
            )
        digest = _digest(network)
        if self.fingerprint not in (None, digest):
            raise ValueError(
                f"Expected the network that the features were made with, {self.name!r}, whose "
                f"digest begins with {self.fingerprint}. "
                f"Received: network={shown(network.name)}, whose digest begins with {digest}"
            )
        self.network = network

    def get_config(self):
        """Return what the network is told by."""
        return {"name": self.name, "fingerprint": self.fingerprint}

    @classmethod
    def from_config(cls, config):
        """Build it without its network."""
        return cls(**config)


def get(features):
    """Return the `FrozenFeatures` that an argument stands for, `None` for none.

    Args:
        features: `FrozenFeatures`, their serialized config, or `None`.

    Raises:
        TypeError: for anything else.
    """
    features = registry.from_config(features, "features")
    if not isinstance(features, FrozenFeatures | None):
        raise TypeError(
            "Expected `features` to be layers of a frozen network, as `keras_gan.terms."
            "FrozenFeatures(network, layers)` and `keras_gan.terms.vgg19(layers)` make them. "
            f"Received: features={shown(features)} of type {type(features).__name__}"
        )
    return features


def _digest(network):
    return fingerprints.fingerprint(*fingerprints.parts_of(network))[:16]


def _weights(layers):
    pairs = layers if isinstance(layers, dict) else dict.fromkeys(arguments.listed(layers), 1.0)
    if not pairs or not all(isinstance(name, str) for name in pairs):
        raise ValueError(
            "Expected `layers` to be the names of one layer or more, or a dict from names to "
            f"weights. Received: layers={shown(layers)}"
        )
    return {name: arguments.number(f"layers[{name!r}]", weight) for name, weight in pairs.items()}


def _preprocessed(images, mode, value_range):
    """Return images of a range of values as a published network takes them."""
    if mode is None:
        return images
    low, high = value_range
    images = (images - low) * (255.0 / (high - low))
    return keras.applications.imagenet_utils.preprocess_input(
        images, data_format="channels_last", mode=mode
    )


def _check_apart(network, term, model):
    """Raise when a network has weights in common with one that training moves."""
    own = {id(weight) for weight in network.weights}
    for player in ("discriminator", "generator"):
        if own & {id(weight) for weight in getattr(model, player).weights}:
            raise ValueError(
                f"The features of the term {term.name!r} are those of the {player}, which training "
                "moves: for layers of the discriminator use `PairedFeatureMatching`, or give a "
                f"copy. Received: network={network.name!r}"
            )
