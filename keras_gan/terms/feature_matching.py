"""Feature matching: equal means of the discriminator's features on both sides."""

import keras
import tensorflow as tf
from keras import ops

from keras_gan.data.symbolic import output_structure
from keras_gan.terms.term import Term
from keras_gan.utils import replicas
from keras_gan.utils.arguments import shown
from keras_gan.utils.keras_internals import made_by
from keras_gan.utils.tensors import wide


@keras.saving.register_keras_serializable("keras_gan")
class FeatureMatching(Term):
    """Match the mean of the discriminator's features on real samples.

    Formula:

    ```
    L_G += weight * ||E f(x) - E f(G(z))||^2
    ```

    f is an output of the discriminator beside its logits or, by default, the input of its last
    layer with weights. The means are over the batch of all replicas; the squares are summed over
    the features. The larger the batch, the better the estimate.

    With `output`, the discriminator runs once more, on real samples in the generator's step.
    Without, it runs twice more, up to f.

    Args:
        weight: finite number of at least 0.
        output: name of an output of a discriminator that returns a dict, or `None`.
        interval: compute it on every `interval`-th step only; 1 with several replicas.
        schedule: factor of the weight over training steps, such as `keras_gan.schedules.Cosine`.
        name: key in the logs.

    Raises:
        ValueError: when `weight` is negative or not finite, `interval` no positive integer, or, in
            `compile`, the discriminator has no such output, or does not say its layers.
        TypeError: when `weight` is no number, `output` no name, or `schedule` no schedule.

    Example:

    ```python
    model.compile("non_saturating", terms=["feature_matching"])
    ```

    Reference:
        - [Salimans et al., 2016](https://arxiv.org/abs/1606.03498), Section 3.1
    """

    player = "generator"
    reduces = True

    def __init__(
        self,
        weight=1.0,
        output=None,
        interval=1,
        schedule=None,
        name="feature_matching",
        **kwargs,
    ):
        super().__init__(weight=weight, interval=interval, schedule=schedule, name=name, **kwargs)
        if not isinstance(output, str | None):
            raise TypeError(
                "Expected `output` to be None or the name of an output of the discriminator. "
                f"Received: output={shown(output)}"
            )
        # Not `output`: Keras has a property of that name.
        self.output_name = output
        self._features = None

    @property
    def needs_real_outputs(self):
        """Whether the discriminator's own forward on real samples is read."""
        return self.output_name is not None

    def attach(self, model):
        """Find the features.

        Raises:
            ValueError: when the discriminator has no such output, or does not say its layers.
        """
        discriminator = model.discriminator
        if self.output_name is None:
            features = _features_of(discriminator, self.name)
            # In a function: as an attribute Keras would take the discriminator's layers for the
            # term's own, save them twice and train them with the generator.
            self._features = lambda inputs: features(inputs, training=True)
        else:
            check_named_outputs(discriminator, [self.output_name], "output")

    def generator_term(self, step):
        """Return the squared distance of the two means, a scalar."""
        if self.output_name is None:
            real, fake = (step.inside(self._features, of) for of in ("real", "fake"))
        else:
            outputs = step.real_outputs, step.fake_outputs
            real, fake = (named_output(of, self.output_name, "output") for of in outputs)
        return ops.sum(ops.square(_mean(tf.stop_gradient(real)) - _mean(fake)))

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "output": self.output_name}


def named_output(outputs, name, argument):
    """Return one of the outputs of a discriminator that returns a dict.

    Args:
        outputs: all that it returned.
        name: the key.
        argument: the term's argument that named it, for errors.

    Raises:
        ValueError: when it returns no dict, or none with that key.
    """
    names = sorted(outputs) if isinstance(outputs, dict) else []
    if name not in names:
        raise ValueError(
            f"Expected a discriminator that returns a dict with the key {name!r} "
            f"beside 'logits'. Received: {argument}={name!r}, and a discriminator that "
            f"returns {names or 'no dict'}"
        )
    return outputs[name]


def check_named_outputs(discriminator, names, argument):
    """Raise when a discriminator is known not to return what a term names.

    Args:
        discriminator: the discriminator.
        names: the keys.
        argument: the term's argument that named them, for errors.

    Raises:
        ValueError: when it returns no dict, or none with those keys.
    """
    outputs = output_structure(discriminator)
    for name in names if outputs is not None else ():
        named_output(outputs, name, argument)


def _mean(features):
    return replicas.mean_over_replicas(ops.mean(wide(features), axis=0))


def _features_of(discriminator, name):
    """Return a model from a discriminator's inputs to what its logits are made from.

    Walks back from the logits, always to the first input, until a layer has weights.

    Raises:
        ValueError: when there is no such layer to be seen.
    """
    tensor = _logits_of(discriminator)
    while tensor is not None:
        operation, inputs, _ = made_by(tensor)
        if isinstance(operation, keras.Model) or not inputs:
            break
        if getattr(operation, "trainable_variables", None):
            samples = discriminator.inputs
            return keras.Model(samples if len(samples) == 1 else discriminator.input, inputs[0])
        tensor = inputs[0]
    raise ValueError(
        f"The term {name!r} can't tell which layer makes the discriminator's logits. Let the "
        'discriminator return a dict, `{"logits": logits, "features": features}`, and pass '
        f'`output="features"`. Received: output=None and discriminator={discriminator.name!r} of '
        f"type {type(discriminator).__name__}"
    )


def _logits_of(discriminator):
    """Return the symbolic logits, or `None` when the discriminator does not say its outputs."""
    output = output_structure(discriminator)
    output = output.get("logits") if isinstance(output, dict) else output
    return output if isinstance(output, keras.KerasTensor) else None
