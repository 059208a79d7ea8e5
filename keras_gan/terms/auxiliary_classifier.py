"""Auxiliary classifier: classes that the discriminator tells and the generator shows (AC-GAN)."""

import keras

from keras_gan.terms.classes import (
    check_labels_given,
    class_logits,
    cross_entropy,
    labels_of,
    width_of,
)
from keras_gan.terms.term import Term, sides
from keras_gan.utils import arguments


@keras.saving.register_keras_serializable("keras_gan")
class AuxiliaryClassifier(Term):
    """Let the discriminator tell the class of a sample, and the generator make it plain.

    Formula:

    ```
    L_D += weight * (E H(c, C(x))  +  E H(c, C(G(z, c))))
    L_G += generator_weight * E H(c, C(G(z, c)))
    ```

    C are logits of classes, an output of the discriminator beside its own logits; H is the
    cross-entropy. The discriminator needs no labels as its input. The first part of L_D is there
    with "real" in `on`, the second with "fake". The paper has both. With real samples alone, as
    most later code has it, the discriminator does not learn to read classes off poor samples.
    Either way the generator is paid for samples that are easily told, and classes lose variety:
    measure it. The log shows both values, without weights, as `name/discriminator` and
    `name/generator`; uniform guesses of n classes give log n for each part.

    Args:
        weight: the discriminator's, a finite number of at least 0.
        generator_weight: the generator's, a finite number of at least 0; `None` for `weight`. The
            code of WGAN-GP has 0.1, beside 1 for the discriminator.
        on: which samples the discriminator learns classes of, out of `"real"` and `"fake"`.
        output: name of the output of the discriminator that is C.
        labels: key of the labels in a condition that is a dict, or `None` where it is the labels.
            Labels are integers, or one-hot rows.
        label_smoothing: share of the labels of real samples that is spread over all classes.
        interval: compute it on every `interval`-th step only.
        schedule: factor of both weights over training steps, such as `keras_gan.schedules.Cosine`.
        name: beginning of the keys in the logs.

    Raises:
        ValueError: when a number is out of range, `interval` no positive integer, `on` something
            else, or, in `compile`, the model takes no labels, or the discriminator has no such
            output, or logits of fewer classes than there are; in training, when labels do not fit.
        TypeError: when a weight is no number, `output` or `labels` no string, or `schedule` no
            schedule.

    Example:

    ```python
    x = keras.Input((8, 8, 1))
    h = keras.layers.Dense(64, "relu")(keras.layers.Flatten()(x))
    told = {"logits": keras.layers.Dense(1)(h), "classes": keras.layers.Dense(10)(h)}
    generator, _ = keras_gan.networks.dcgan((8, 8, 1), latent_dim=16, num_classes=10)
    model = keras_gan.GAN(generator, keras.Model(x, told))
    model.compile("non_saturating", terms=[keras_gan.terms.AuxiliaryClassifier()])
    ```

    Reference:
        - [Odena et al., 2017](https://arxiv.org/abs/1610.09585), Section 3
    """

    evaluated = True

    def __init__(
        self,
        weight=1.0,
        generator_weight=None,
        on=("real",),
        output="classes",
        labels=None,
        label_smoothing=0.0,
        interval=1,
        schedule=None,
        name="auxiliary_classifier",
        **kwargs,
    ):
        super().__init__(weight=weight, interval=interval, schedule=schedule, name=name, **kwargs)
        if generator_weight is not None:
            generator_weight = arguments.number("generator_weight", generator_weight)
        self.generator_weight = generator_weight
        self.on = sides(on)
        # Not `output`, a property of Keras's.
        self.output_name = arguments.string("output", output)
        self.labels = labels if labels is None else arguments.string("labels", labels)
        self.label_smoothing = arguments.number("label_smoothing", label_smoothing, below=1)

    @property
    def needs_fresh_fake(self):
        """Whether the discriminator is told the labels of generated samples."""
        return "fake" in self.on

    def attach(self, model):
        """Check that there are labels, and that the discriminator tells as many classes.

        Raises:
            ValueError: when it is known not to.
        """
        check_labels_given(self, model)
        told, classes = width_of(model.discriminator, self.output_name), model.num_classes
        if told and classes and told < classes:
            raise ValueError(
                f"Expected the discriminator's output {self.output_name!r} to have logits of all "
                f"{classes} classes. Received: logits of {told}"
            )

    def weight_of(self, player):
        """Return the weight in a player's loss."""
        own = player == "discriminator" or self.generator_weight is None
        return self.weight if own else self.generator_weight

    def discriminator_term(self, step):
        """Return the cross-entropy of real samples' labels, of generated ones', or their sum."""
        return sum(self._of(step, of) for of in self.on)

    def generator_term(self, step):
        """Return the cross-entropy of the labels asked for, for each generated sample."""
        return self._of(step, "fake")

    def _of(self, step, of):
        labels = labels_of(step.condition_of(of), self.labels, self.name)
        logits = class_logits(getattr(step, f"{of}_outputs"), self.output_name)
        smoothing = self.label_smoothing if of == "real" else 0.0
        return cross_entropy(labels, logits, smoothing=smoothing)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "generator_weight": self.generator_weight,
            "on": list(self.on),
            "output": self.output_name,
            "labels": self.labels,
            "label_smoothing": self.label_smoothing,
        }
