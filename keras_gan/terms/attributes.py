"""Translation between many domains by one generator: classes told, sources regained (StarGAN)."""

import keras
import tensorflow as tf

from keras_gan.terms.classes import class_logits, cross_entropy, part_of
from keras_gan.terms.distances import NORMS, distance
from keras_gan.terms.feature_matching import check_named_outputs
from keras_gan.terms.term import Term
from keras_gan.utils import arguments
from keras_gan.utils.tensors import wide


@keras.saving.register_keras_serializable("keras_gan")
class DomainClassification(Term):
    """Let the discriminator tell the domains of real samples, the generator make what is asked for.

    Formula:

    ```
    L_D += weight * E H(c, C(x))             c: the real sample's own label
    L_G += weight * E H(t, C(G(y, t)))       t: the label that it is translated to
    ```

    C are logits of classes, an output of the discriminator beside its own logits; H is the
    cross-entropy. Integer labels are exclusive classes. So are one-hot rows, with
    `exclusive=True`; otherwise rows of 0 and 1 are attributes, each with a binary cross-entropy of
    its own, added up. The condition is a dict with both labels; `datasets.map` makes it: see
    docs/terms.md. The discriminator learns of real samples alone. The log shows both values,
    without the weight, as `name/discriminator` and `name/generator`.

    Args:
        weight: finite number of at least 0.
        output: name of the output of the discriminator that is C.
        source: key of the condition under which the real samples' own labels are.
        target: key under which the labels are that the generator is given.
        exclusive: whether rows of labels are one-hot rather than attributes.
        interval: compute it on every `interval`-th step only.
        schedule: factor of the weight over training steps, such as `keras_gan.schedules.Cosine`.
        name: beginning of the keys in the logs.

    Raises:
        ValueError: when `weight` is negative or not finite, `interval` no positive integer, or, in
            `compile`, the discriminator has no such output; in training, when the condition has no
            such keys, or labels do not fit the logits.
        TypeError: when `weight` is no number, a name or a key no string, `exclusive` no flag, or
            `schedule` no schedule.

    Example:

    ```python
    x = keras.Input((8, 8, 1))
    h = keras.layers.Flatten()(x)
    told = {"logits": keras.layers.Dense(1)(h), "classes": keras.layers.Dense(5)(h)}
    discriminator = keras.Model(x, told)  # Its classes are logits of five attributes.
    terms = [keras_gan.terms.DomainClassification(), keras_gan.terms.AttributeCycle(10.0)]
    ```

    Reference:
        - [Choi et al., 2018](https://arxiv.org/abs/1711.09020), Eq. (2) and (3)
    """

    player = "generator"
    evaluated = True

    def __init__(
        self,
        weight=1.0,
        output="classes",
        source="source",
        target="target",
        exclusive=False,
        interval=1,
        schedule=None,
        name="domain_classification",
        **kwargs,
    ):
        super().__init__(weight=weight, interval=interval, schedule=schedule, name=name, **kwargs)
        # Not `output`, a property of Keras's.
        self.output_name = arguments.string("output", output)
        self.source = arguments.string("source", source)
        self.target = arguments.string("target", target)
        self.exclusive = arguments.flag("exclusive", exclusive)

    def attach(self, model):
        """Check that the discriminator tells classes.

        Raises:
            ValueError: when it is known not to.
        """
        check_named_outputs(model.discriminator, [self.output_name], "output")

    def discriminator_term(self, step):
        """Return the cross-entropy of the real samples' own labels, for each sample."""
        return self._told(step.real_outputs, part_of(step.condition, self.source, self.name))

    def generator_term(self, step):
        """Return the cross-entropy of the labels asked for, for each generated sample."""
        return self._told(step.fake_outputs, part_of(step.fake_condition, self.target, self.name))

    def _told(self, outputs, labels):
        return cross_entropy(labels, class_logits(outputs, self.output_name), self.exclusive)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "output": self.output_name,
            "source": self.source,
            "target": self.target,
            "exclusive": self.exclusive,
        }


@keras.saving.register_keras_serializable("keras_gan")
class AttributeCycle(Term):
    """Regain a source from its translation, by translating that to the source's own label.

    Formula:

    ```
    L_G += weight * E mean |G(G(y, t), c) - y|
    ```

    One generator does both: it is run once more, on its samples in the place of the source image
    and on the source's label c in the place of the target's t. The log shows the value without its
    weight.

    Args:
        weight: finite number of at least 0.
        norm: `"l1"`, `"l2"` or `"charbonnier"`, as in `Reconstruction`.
        image: key of the condition under which the source image is.
        source: key under which its own label is.
        target: key under which the label is that the generator is given.
        interval: compute it on every `interval`-th step only.
        schedule: factor of the weight over training steps, such as `keras_gan.schedules.Cosine`.
        name: key in the logs.

    Raises:
        ValueError: when `weight` is negative or not finite, `norm` another, or `interval` no
            positive integer; in training, when the condition has no such keys.
        TypeError: when `weight` is no number, a key no string, or `schedule` no schedule.

    Example:

    ```python
    cycle = keras_gan.terms.AttributeCycle(10.0)  # In `terms=`, beside `DomainClassification`.
    ```

    Reference:
        - [Choi et al., 2018](https://arxiv.org/abs/1711.09020), Eq. (4)
    """

    player = "generator"
    evaluated = True

    def __init__(
        self,
        weight=10.0,
        norm="l1",
        image="image",
        source="source",
        target="target",
        interval=1,
        schedule=None,
        name="attribute_cycle",
        **kwargs,
    ):
        super().__init__(weight=weight, interval=interval, schedule=schedule, name=name, **kwargs)
        self.norm = arguments.choice("norm", norm, NORMS)
        self.image = arguments.string("image", image)
        self.source = arguments.string("source", source)
        self.target = arguments.string("target", target)

    def generator_term(self, step):
        """Return the distance of what was regained from the source, for each sample."""
        keys = self.image, self.source, self.target
        image, source, _ = (part_of(step.fake_condition, key, self.name) for key in keys)
        back = {self.image: step.fake, self.target: source}
        regained = step.generate(step.latents, {**step.fake_condition, **back})
        return distance(self.norm, wide(regained), tf.stop_gradient(wide(image)))

    def get_config(self):
        """Return the constructor's arguments."""
        keys = {"image": self.image, "source": self.source, "target": self.target}
        return {**super().get_config(), "norm": self.norm, **keys}
