"""A trained classifier, as features and as class probabilities."""

import functools
import json
import os

import keras
import numpy as np
import tensorflow as tf

from keras_gan.metrics.features import caching
from keras_gan.metrics.features.extractor import Features, Trunk, range_name
from keras_gan.metrics.undisturbed import undisturbed
from keras_gan.utils import archives, forms

_UNITS = 128
_DROPOUT = 0.3
# What a file says of a classifier, and how long that may be.
_LONGEST = 10_000
_SETTINGS = {
    "shape": [forms.count],
    "classes": forms.count,
    "epochs": forms.count,
    "value_range": (None, forms.row(forms.number, forms.number)),
    "training": forms.count,
    "held_out": forms.count,
    "accuracy": float,
}


class Classifier:
    """What tells classes apart: its inner features, and the probabilities of the classes.

    Args:
        trunk: the `Trunk` with the outputs `"features"` and `"probabilities"`.
        accuracy: share of held-out samples that it classifies rightly, where that is known.

    Attributes:
        trunk: computes both at once.
        features: `Features`, for distances.
        accuracy: as above, or `None`.
    """

    def __init__(self, trunk, accuracy=None):
        self.trunk = trunk
        self.accuracy = accuracy
        self.features = Features(trunk)
        self._probabilities = Features(trunk, "probabilities")

    @property
    def probabilities(self):
        """`Features` that are class probabilities, for `InceptionScore` and `ClassCoverage`."""
        return self._probabilities


@keras.saving.register_keras_serializable("keras_gan")
class ClassifierTrunk(Trunk):
    """A classifier that `train_classifier` has trained and written to a file.

    Args:
        path: the file.
        fingerprint: what the file must hold; by default what it holds.
        arrays: what the file holds, where that is known.
    """

    name = "classifier"

    def __init__(self, path, fingerprint=None, arrays=None):
        super().__init__()
        self.path = os.path.abspath(path)
        self._expected = fingerprint
        self._arrays = None
        if arrays:
            self._take(arrays)

    @property
    def arrays(self):
        """The weights and the settings, from the file.

        Raises:
            ValueError: when it is missing or damaged.
        """
        if self._arrays is None:
            self._take(caching.load(self.path))
        return self._arrays

    def _take(self, arrays):
        try:
            settings = json.loads(str(arrays["settings"])[:_LONGEST])
        except (KeyError, ValueError, RecursionError):
            settings = None
        if not forms.fits(settings, _SETTINGS):
            raise ValueError(f"The file {self.path!r} holds no classifier.")
        self._arrays, self._settings = arrays, settings
        self.value_range = settings["value_range"]

    @property
    def settings(self):
        """Dict of what the classifier was trained on, and how."""
        self.arrays  # noqa: B018  Reads the file, if it was not.
        return self._settings

    def run(self, samples):
        """Return inner features and class probabilities."""
        shape = tuple(self.settings["shape"])
        if samples.shape[1:] != shape:
            raise ValueError(
                f"Expected samples of shape {(None, *shape)}, as the classifier was trained on. "
                f"Received: samples of shape {samples.shape}"
            )
        return self._function(standardized(samples, self.arrays))

    @functools.cached_property
    def _trained(self):
        sizes = {name: array.nbytes for name, array in self.arrays.items()}
        with undisturbed(), archives.variables_within(sizes):
            network = build_network(self.settings["shape"], self.settings["classes"])
        network.set_weights([v for k, v in sorted(self.arrays.items()) if k.startswith("weight_")])
        return network

    @functools.cached_property
    def network(self):
        """Keras model from samples to logits, whose inner layers can be named.

        They are `convolution_0`, `pooling_0`, ... for images, `hidden` for all else, and
        `features`.
        """
        mean, deviation = self.arrays["mean"], self.arrays["deviation"]
        with undisturbed():
            x = inputs = keras.Input(tuple(self.settings["shape"]), dtype="float32", name="samples")
            x = keras.layers.Rescaling(1 / deviation, -mean / deviation, name="standardized")(x)
            for layer in self._trained.layers[1:]:
                x = layer(x)
        return keras.Model(inputs, x, name="classifier")

    @functools.cached_property
    def _function(self):
        network = self._trained

        def run(x):
            features, logits = network(x, training=False)
            return {"features": features, "probabilities": tf.nn.softmax(logits)}

        shape = (None, *self.settings["shape"])
        return tf.function(run, input_signature=[tf.TensorSpec(shape, tf.float32)], autograph=False)

    @property
    def protocol(self):
        """All that affects the features."""
        protocol = {
            "extractor": "classifier trained by keras_gan",
            "weights": self.fingerprint[:16],
        }
        if self.unavailable is None:
            settings = self.settings
            protocol |= {
                "value_range": range_name(self.value_range),
                "classes": str(settings["classes"]),
                "trained on": f"{settings['training']} samples, {settings['epochs']} epochs",
                "accuracy": f"{settings['accuracy']:.4f} on {settings['held_out']} held out",
            }
        return protocol

    @property
    def fingerprint(self):
        """Stands for the weights and the settings."""
        return self._expected or self._found

    @functools.cached_property
    def _found(self):
        arrays = self.arrays
        return caching.fingerprint(
            *(part for name in sorted(arrays) for part in (name, arrays[name]))
        )

    @property
    def unavailable(self):
        """`None`, or that the file is missing, damaged or another one."""
        try:
            other = self._found != self.fingerprint
        except ValueError as error:
            problem = str(error)
        else:
            problem = f"The file {self.path!r} holds another classifier by now." if other else None
        return problem and (
            f"The trained classifier of these features is not there. {problem} Bring the file "
            "back, or train one with `keras_gan.metrics.features.train_classifier(dataset)` and "
            "compile with metrics on it."
        )

    def get_config(self):
        """Return where the classifier lies, and its fingerprint."""
        return {"path": self.path, "fingerprint": self.fingerprint}

    @classmethod
    def from_config(cls, config):
        """Build the trunk from its config."""
        return cls(**config)


def standardized(samples, arrays):
    """Return samples as the network sees them: of mean 0 and deviation 1 over its data."""
    return ((samples - arrays["mean"]) / arrays["deviation"]).astype("float32")


def build_network(shape, classes, seed=0):
    """Return the network from samples to `(features, logits)`.

    Convolutional for images of 4 pixels a side and more, dense for all else. Every name and seed
    is given, so that building it neither counts up Keras's names nor draws random numbers.

    Args:
        shape: shape of a sample.
        classes: how many.
        seed: integer from which weights and dropout follow.
    """
    seeds = iter(int(s) for s in np.random.SeedSequence(seed).generate_state(16) >> 1)
    layers, inputs = keras.layers, keras.Input(tuple(shape), dtype="float32", name="samples")
    x = inputs
    for i in range(_stages(shape)):
        named = _named(f"convolution_{i}", seeds)
        x = layers.Conv2D(min(32 * 2**i, 64), 3, padding="same", activation="relu", **named)(x)
        x = layers.MaxPooling2D(name=f"pooling_{i}")(x)
    x = layers.Flatten(name="flatten")(x)
    if not _stages(shape):
        x = layers.Dense(2 * _UNITS, activation="relu", **_named("hidden", seeds))(x)
    x = layers.Dropout(_DROPOUT, seed=next(seeds), name="drop_inner")(x)
    x = features = layers.Dense(_UNITS, activation="relu", **_named("features", seeds))(x)
    x = layers.Dropout(_DROPOUT, seed=next(seeds), name="drop_outer")(x)
    logits = layers.Dense(classes, **_named("logits", seeds))(x)
    return keras.Model(inputs, [features, logits], name="classifier")


def _named(name, seeds):
    initializer = keras.initializers.GlorotUniform(seed=next(seeds))
    return {"name": name, "kernel_initializer": initializer}


def _stages(shape):
    """Return how often an image is halved: to 8 pixels a side or less, twice at least."""
    if len(shape) != 3 or min(shape[:2]) < 4:
        return 0
    return max(2, int(np.ceil(np.log2(max(shape[:2]) / 8))))
