"""Data-to-data cross-entropy: embeddings near their class, far from other classes (ReACGAN)."""

import keras
from keras import ops

from keras_gan.terms.classes import check_labels_given, class_numbers, labels_of, width_of
from keras_gan.terms.feature_matching import named_output
from keras_gan.terms.style import unit
from keras_gan.terms.term import Term
from keras_gan.utils import arguments
from keras_gan.utils.tensors import wide


@keras.saving.register_keras_serializable("keras_gan")
class DataToDataCrossEntropy(Term):
    """Draw embeddings to the proxy of their class, and away from samples of other classes.

    Formula, of embeddings f and proxies v, all of length 1:

    ```
    a_i = relu(margin - f_i . v_(y_i)) / t
    weight * E_i -log( exp(-a_i) / (exp(-a_i) + sum_j exp(relu(f_i . f_j - (1 - margin)) / t)) )
    ```

    j runs over the samples of the batch whose class is another than y_i. The embedding is an output
    of the discriminator beside its logits, in place of AC-GAN's class logits; its length does not
    matter. There is one proxy for each class, trained by the discriminator and saved with the
    model. The discriminator's loss has it of real samples, the generator's of generated ones, as
    `name/discriminator` and `name/generator` in the log, without the weight. A sample
    that is near enough to its proxy is drawn no further, and two that are far enough apart are
    pushed no further. With several replicas each contrasts the samples of its own share of the
    batch.

    The code published with the paper scales the sum, and not exp(-a_i) beside it, by the largest
    of its terms; its values and gradients differ from these, which are the paper's.

    Args:
        weight: lambda, a finite number of at least 0; 0.5 on CIFAR-10 in that code.
        temperature: t, a finite number above 0.
        margin: the cosine beyond which a sample is near enough to its proxy, from 0 to 1; 1 minus
            it is the cosine below which samples of two classes are far enough.
        output: name of the output of the discriminator that is the embedding.
        labels: key of the labels in a condition that is a dict, or `None` where it is the labels.
            Labels are integers, or one-hot rows.
        interval: compute it on every `interval`-th step only.
        schedule: factor of the weight over training steps, such as `keras_gan.schedules.Cosine`.
        name: beginning of the keys in the logs.

    Attributes:
        proxies: weight of shape `(classes, width)`, orthogonal at the start.

    Raises:
        ValueError: when a number is out of range, `interval` no positive integer, or, in
            `compile`, the model takes no labels or does not say of how many classes, or the
            discriminator has no such output or does not say its size.
        TypeError: when a number is none, `output` or `labels` no string, or `schedule` no
            schedule.

    Example:

    ```python
    x = keras.Input((8, 8, 1))
    h = keras.layers.Dense(64, "relu")(keras.layers.Flatten()(x))
    told = {"logits": keras.layers.Dense(1)(h), "embedding": keras.layers.Dense(32)(h)}
    generator, _ = keras_gan.networks.dcgan((8, 8, 1), latent_dim=16, num_classes=10)
    model = keras_gan.GAN(generator, keras.Model(x, told))
    model.compile("hinge", terms=["data_to_data_cross_entropy"])
    ```

    Reference:
        - [Kang et al., 2021](https://arxiv.org/abs/2111.01118), Section 3
    """

    evaluated = True

    def __init__(
        self,
        weight=0.5,
        temperature=0.5,
        margin=0.98,
        output="embedding",
        labels=None,
        interval=1,
        schedule=None,
        name="data_to_data_cross_entropy",
        **kwargs,
    ):
        super().__init__(weight=weight, interval=interval, schedule=schedule, name=name, **kwargs)
        self.temperature = arguments.number("temperature", temperature, above=0)
        self.margin = arguments.number("margin", margin, high=1)
        # Not `output`, a property of Keras's.
        self.output_name = arguments.string("output", output)
        self.labels = labels if labels is None else arguments.string("labels", labels)

    def attach(self, model):
        """Create the proxies.

        Raises:
            ValueError: when the model does not say of how many classes and of which width.
        """
        check_labels_given(self, model)
        width, classes = width_of(model.discriminator, self.output_name), model.num_classes
        if width is None or classes is None:
            raise ValueError(
                f"The term {self.name!r} keeps a proxy for each class, of the embedding's width. "
                "Use a Functional discriminator, and pass `num_classes=` to `GAN` where no "
                f"Embedding layer says it. Received: num_classes={classes}, and a discriminator "
                f"of type {type(model.discriminator).__name__}"
            )
        self.proxies = self.add_weight(
            (classes, width), initializer="orthogonal", dtype="float32", name="proxies"
        )

    def discriminator_term(self, step):
        """Return the cross-entropy of real samples, for each of them."""
        return self._of(step.real_outputs, step.condition)

    def generator_term(self, step):
        """Return the cross-entropy of generated samples, for each of them."""
        return self._of(step.fake_outputs, step.fake_condition)

    def _of(self, outputs, condition):
        embedded = wide(named_output(outputs, self.output_name, "output"))
        proxies = ops.convert_to_tensor(self.proxies)
        embedded = unit(ops.reshape(embedded, (-1, proxies.shape[1])))
        labels = labels_of(condition, self.labels, self.name)
        labels = class_numbers(labels, proxies.shape[0])
        own = ops.take(unit(ops.cast(proxies, embedded.dtype)), labels, axis=0)
        return cross_entropy(embedded, own, labels, self.temperature, self.margin)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "temperature": self.temperature,
            "margin": self.margin,
            "output": self.output_name,
            "labels": self.labels,
        }


def cross_entropy(embedded, own, labels, temperature, margin):
    """Return the data-to-data cross-entropy, for each sample.

    Args:
        embedded: tensor of shape `(batch, width)`, rows of length 1.
        own: the same, the proxy of each sample's class.
        labels: integers of shape `(batch,)`.
        temperature: what cosines are divided by.
        margin: the cosine that is near enough.
    """
    near = -ops.relu(margin - ops.sum(embedded * own, axis=1)) / temperature
    cosines = ops.matmul(embedded, ops.transpose(embedded))
    far = ops.relu(cosines - (1 - margin)) / temperature
    differ = ops.not_equal(labels[:, None], labels[None, :])
    far = ops.where(differ, far, ops.cast(-1e9, far.dtype))
    return ops.logsumexp(ops.concatenate([near[:, None], far], axis=1), axis=1) - near
