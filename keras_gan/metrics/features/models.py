"""Features from a Keras model of the user's own."""

import functools

import keras
import tensorflow as tf

from keras_gan.data.symbolic import output_of_layer
from keras_gan.metrics.features import caching
from keras_gan.metrics.features.extractor import Features, Trunk, range_name
from keras_gan.utils.arguments import shown
from keras_gan.utils.fingerprints import parts_of
from keras_gan.utils.tensors import compatible


@keras.saving.register_keras_serializable("keras_gan")
class ModelTrunk(Trunk):
    """A Keras model, up to one of its layers; see `from_model`.

    Args:
        model: the model, or `None` for one that was not saved.
        layer: name of the layer, or `None` for the model's own output.
        name: short name.
        value_range: `(lowest, highest)` value of images, or `None`.
    """

    def __init__(self, model, layer=None, name=None, value_range=(-1, 1)):
        super().__init__(value_range)
        self._model = model
        self.layer = layer
        self.name = name or _default_name(model, layer)
        self._network = model and _network(model, layer)

    def run(self, samples):
        """Return the layer's output on samples, in inference mode."""
        expected = getattr(self._network, "input_shape", None)
        if isinstance(expected, tuple) and not compatible(expected, samples.shape):
            raise ValueError(
                f"Expected samples of shape {expected}, as {self.name!r} takes them. "
                f"Received: samples of shape {samples.shape}"
            )
        outputs = keras.tree.flatten(self._function(samples.astype("float32")))
        if len(outputs) != 1:
            raise ValueError(_SEVERAL.format(self.name, len(outputs)))
        return {"features": outputs[0]}

    @functools.cached_property
    def _function(self):
        network = self._network
        return tf.function(
            lambda x: network(x, training=False), reduce_retracing=True, autograph=False
        )

    @property
    def protocol(self):
        """All that affects the features."""
        return {
            "extractor": self.name,
            "layer": self.layer or "output",
            "value_range": range_name(self.value_range),
            "weights": self.fingerprint[:16] if self._model else "not saved",
        }

    @property
    def fingerprint(self):
        """Stands for the model as it is now, weights and architecture, and the layer."""
        if self._model is None:
            return caching.fingerprint("no model", self.name)
        architecture, *weights = parts_of(self._model)
        return caching.fingerprint(architecture, self.layer, self.value_range, *weights)

    @property
    def key(self):
        """The model itself, not its weights: those may be in training."""
        return id(self._model), self.layer, self.value_range, self.name

    @property
    def unavailable(self):
        """`None`, or that the model was not saved."""
        if self._model is not None:
            return None
        return (
            f"The features {self.name!r} come from a Keras model, which is not saved with the "
            "metric: make them again with `keras_gan.metrics.features.from_model(model, ...)` and "
            "compile with a metric on them."
        )

    def get_config(self):
        """Return the constructor's arguments but the model."""
        value_range = self.value_range and list(self.value_range)
        return {"name": self.name, "layer": self.layer, "value_range": value_range}

    @classmethod
    def from_config(cls, config):
        """Build the trunk without its model."""
        return cls(None, **config)


def from_model(model, layer=None, name=None, value_range=(-1, 1)):
    """Return the `Features` that are the output of a Keras model, or of one of its layers.

    The model runs in inference mode, with the weights it has at that time. It is neither tracked
    nor saved by a metric that uses it.

    Args:
        model: Keras model of one input.
        layer: name of the layer whose output to use, flattened; by default the model's own
            output. It needs a Functional or a built Sequential model.
        name: name for tables and logs, by default the model's and the layer's.
        value_range: `(lowest, highest)` value of the images that the model was trained on, or
            `None` to take any.

    Returns:
        `Features`.

    Raises:
        ValueError: for an unknown layer, with the known ones, or a model of several inputs or,
            without `layer`, several outputs.
        TypeError: when `model` is not a Keras model.

    Example:

    ```python
    before_logits = discriminator.layers[-2].name
    features = keras_gan.metrics.features.from_model(discriminator, layer=before_logits)
    ```
    """
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"Expected a Keras model. Received: model={shown(model)} of type {type(model)}"
        )
    return Features(ModelTrunk(model, layer, name, value_range))


_SEVERAL = (
    "Expected one output: name the layer of which to take it, `layer=...`, or wrap the model in "
    "one that returns the output alone. Received: model={!r} with {} outputs"
)


def _default_name(model, layer):
    return f"{model.name}/{layer}" if layer else model.name


def _network(model, layer):
    """Return the model that ends at the layer."""
    inputs = getattr(model, "inputs", None)
    if inputs and len(inputs) != 1:
        raise ValueError(
            "Expected a model of one input, the samples. "
            f"Received: model={shown(model.name)} with {len(inputs)} inputs"
        )
    if layer is None:
        if inputs and len(model.outputs) != 1:
            raise ValueError(_SEVERAL.format(model.name, len(model.outputs)))
        return model
    if not inputs:
        raise ValueError(
            "`layer` needs a Functional or a built Sequential model, whose layers' outputs are "
            f"known. Received: model={model.name!r} of type {type(model).__name__}, "
            f"layer={shown(layer)}"
        )
    return keras.Model(inputs, keras.tree.flatten(output_of_layer(model, layer)), name="features")
