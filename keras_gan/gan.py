"""The GAN that a user holds: two networks, one `compile`, one `fit`."""

import inspect

import keras
import tensorflow as tf

from keras_gan import export
from keras_gan.data.condition import Condition
from keras_gan.data.labels import embedded
from keras_gan.data.sampling import Sampling
from keras_gan.data.signature import Signature, check_models, prior_of
from keras_gan.data.value_range import ValueRange
from keras_gan.game.seeds import RandomState, seed_states
from keras_gan.game.setup import check_running, check_scope, game_of
from keras_gan.game.step import logits_of
from keras_gan.latents.composite import nest_of
from keras_gan.quality import Quality
from keras_gan.running.fitting import Fitting
from keras_gan.saving import Saving
from keras_gan.utils import arguments, nests
from keras_gan.utils.keras_internals import note_keras_attributes


@keras.saving.register_keras_serializable("keras_gan")
class GAN(Fitting, Sampling, Saving, keras.Model):
    """A generator and a discriminator, trained against each other by `fit`.

    Data elements are `x` or `(x, condition)`: `x` of any rank, a condition being any nest of
    tensors (labels, an embedding, a source image). Samples may be a nest too: a dict of tensors
    with one batch axis, such as an image and its mask, or two domains of a translation.

    | latents | conditional | generator is called as | discriminator is called as |
    |---|---|---|---|
    | a prior | no | `generator(z)` | `discriminator(x)` |
    | a prior | yes | `generator([z, condition])` | `discriminator([x, condition])` or `(x)` |
    | `None` | yes | `generator(condition)` | `discriminator([x, condition])` or `(x)` |

    The generator returns samples; or a dict with the key `"samples"` beside named side outputs,
    which terms see as `step.generated`. The discriminator returns logits (no sigmoid):
    `(batch, 1)`, `(batch,)` or a patch map; several heads of them in a list, or in a dict with the
    keys of the samples' parts; or a dict of named outputs with the key `"logits"`. A loss is the
    mean of each head, then the mean over heads.

    Args:
        generator: Keras model from latents (and condition) to samples.
        discriminator: Keras model from samples (and condition) to logits.
        latents: `"auto"` (standard normal, of the shape of the generator's first input), a prior
            such as `keras_gan.latents.Uniform(64)`, a nest of priors such as
            `{"z": Normal(64), "code": Categorical(10)}` for a generator that takes the same nest,
            or `None` for a generator without latents.
        conditional: `"auto"` (read off the networks' inputs), `True`, `False`, `"generator"`
            when the discriminator takes samples alone, or `"samples"` when the generator is given
            the real samples themselves, to translate their parts. Subclassed networks must say it.
        seed: integer from which every random draw of training follows; by default drawn from
            Python's `random`, which `keras.utils.set_random_seed` seeds.
        num_classes: number of classes of the labels among the conditions; by default read off the
            networks' Embedding layers. One-hot conditions and subclassed networks say it.
        generator_condition: key, or list of keys, of dict conditions that the generator sees; by
            default all of the condition.
        discriminator_condition: the same for the discriminator.
        value_range: `(lowest, highest)` value of images: what 8-bit data is scaled to, and what
            pictures, 8-bit exports, metrics and warnings go by; `"auto"` is (-1, 1), or (0, 1)
            when the generator ends in a sigmoid.

    Raises:
        TypeError: when a network is not a Keras model.
        ValueError: when the networks don't fit each other or the latents, the discriminator
            ends in a sigmoid, or they were made outside the scope of the model's strategy.

    Example:

    ```python
    generator, discriminator = keras_gan.networks.dcgan(image_shape=(8, 8, 1), latent_dim=64)
    model = keras_gan.GAN(generator, discriminator)
    model.compile(loss="non_saturating")
    model.fit(keras_gan.datasets.load("digits", batch_size=64), epochs=20)
    images = model.generate(64, seed=0)
    ```

    Reference:
        - [Goodfellow et al., 2014](https://arxiv.org/abs/1406.2661), Algorithm 1
    """

    def __init__(
        self,
        generator,
        discriminator,
        latents="auto",
        conditional="auto",
        seed=None,
        num_classes=None,
        generator_condition=None,
        discriminator_condition=None,
        value_range="auto",
        **kwargs,
    ):
        accepted = inspect.signature(GAN.__init__).parameters
        arguments.known("GAN", kwargs, [*accepted, "name", "dtype", "trainable"])
        # The networks cast what they are given. Latents in 16 bits would make other samples than
        # those of training, of an export, or of the model once it is loaded.
        super().__init__(autocast=False, **kwargs)
        check_models(generator, discriminator)
        check_scope(generator, discriminator, self.distribute_strategy)
        prior = prior_of(latents, generator)
        signature = Signature(generator, discriminator, nest_of(prior))
        self.condition = Condition(
            signature,
            prior is not None,
            conditional,
            generator_condition,
            discriminator_condition,
            num_classes,
            embedded(generator, discriminator, signature),
        )
        self.signature = signature
        self.generator = generator
        self.discriminator = discriminator
        self.latents = prior
        self.range = ValueRange(value_range, generator)
        with self.distribute_strategy.scope():
            self.random_state = RandomState(seed, name="random_state")
        note_keras_attributes()
        self.terms = []
        self._averages = []
        self._augmentations = []
        self._replays = []
        self.game = self.quality = self.standing = None
        self._sample = None
        self.built = generator.built and discriminator.built

    def compile(
        self,
        loss="non_saturating",
        generator_optimizer="auto",
        discriminator_optimizer="auto",
        terms=(),
        discriminator_steps=1,
        adversarial_weight=1.0,
        update="alternating",
        unrolled_steps=None,
        ema=None,
        augmentation=None,
        metrics=(),
        metric_samples=1000,
        replay=None,
        fake_labels="batch",
        balance=False,
        jit_compile="auto",
        steps_per_execution=1,
        run_eagerly=False,
        **unknown,
    ):
        """Choose the game: loss, optimizers, terms and the order of updates.

        Args:
            loss: `keras_gan.losses.AdversarialLoss`, or its name.
            generator_optimizer: `"auto"` (Adam, 2e-4, beta_1 0.5) or a Keras optimizer.
            discriminator_optimizer: the same for the discriminator.
            terms: `keras_gan.terms.Term`s, or their names, added to either player's loss.
            discriminator_steps: batches, and discriminator updates, to one generator update.
            adversarial_weight: what multiplies the generator's adversarial loss, and nothing else:
                a number of at least 0, or a schedule over training steps such as
                `keras_gan.schedules.Linear(0, 1, start=1000, end=1001)`, which trains the
                generator by its terms alone for 1,000 steps. `g_loss` is logged without it. The
                discriminator trains from the first step on.
            update: `"alternating"` (the generator answers the updated discriminator),
                `"simultaneous"` (both answer the same state of the game) or `"unrolled"` (the
                generator answers the discriminator as it would be some steps ahead, and how it
                got there; see `keras_gan.game.orders.Unrolled`).
            unrolled_steps: how many steps ahead, with `update="unrolled"` alone; `None` for 5.
            ema: `None`, a decay per step such as 0.999, or a `keras_gan.GeneratorAverage`. When
                there is one, `call`, `predict`, `generate`, metrics and `export` use it. A model
                that had an average before goes on from its values.
            augmentation: `None`, or a differentiable Keras layer that real and generated samples
                alike pass on their way to the discriminator, or the name of one of
                `keras_gan.augmentation`. What moves pixels moves image conditions that the
                discriminator judges along with the samples.
            metrics: quality metrics or their names, run by `evaluate` and on `validation_data`:
                those of `keras_gan.metrics`, or objects with a `name`, `reset_state()`,
                `update_state(real=None, fake=None)` and `result()`. Samples of several parts
                are judged part by part; a dict of lists by part chooses parts.
            metric_samples: how many generated samples the metrics see, from fixed seeds; paired
                metrics compare every real sample with the one made from its condition.
            replay: `None`, or how many generated samples to keep, at least 2 (50 in the paper): the
                discriminator is shown a kept one in place of a new one in half of the cases. See
                `keras_gan.game.replay.Replay`. On one device alone.
            fake_labels: the condition of generated samples: `"batch"`, that of the real sample of
                the same row; `"shuffled"`, the batch's in another order; `"uniform"`, labels of
                which all classes are as likely; or a list of each class's share. See
                `keras_gan.game.fake_labels.FakeLabels`.
            balance: whether to log how evenly the players are matched: the discriminator's
                accuracy on real and generated samples, and for both players the norm of the
                gradient and of the update relative to the weights.
            jit_compile: whether to compile the step with XLA; `"auto"` as Keras decides.
            steps_per_execution: training steps in one call of the compiled function.
            run_eagerly: whether to run the step op by op, for debugging.
            **unknown: refused; the error says what to write.

        Raises:
            ValueError: for an unknown name, a value out of range, or a combination that Keras
                can't run under a distribution strategy.
            TypeError: for an object of the wrong kind.
        """
        arguments.known("GAN.compile", unknown, inspect.signature(GAN.compile).parameters)
        check_running(self.distribute_strategy, jit_compile, steps_per_execution, run_eagerly)
        with self.distribute_strategy.scope():
            game = game_of(
                self,
                loss=loss,
                generator_optimizer=generator_optimizer,
                discriminator_optimizer=discriminator_optimizer,
                terms=terms,
                discriminator_steps=discriminator_steps,
                adversarial_weight=adversarial_weight,
                update=update,
                unrolled_steps=unrolled_steps,
                ema=ema,
                augmentation=augmentation,
                replay=replay,
                fake_labels=fake_labels,
                balance=balance,
            )
            quality = Quality(metrics, metric_samples, taken=game.logs.names)
            quality.resolve(self.signature)
            quality.check_pairs(self)
            # Last of what may raise: a term belongs to the model that it is attached to.
            if self.networks_built:
                game.attach(self)
        # From here on nothing raises: a refused compile leaves the model as it was.
        super().compile(
            optimizer=None,
            jit_compile=jit_compile,
            steps_per_execution=steps_per_execution,
            run_eagerly=run_eagerly,
        )
        self.jit_compile_choice = jit_compile
        self.update, self.unrolled_steps = update, game.order.steps_ahead
        self.game, self.quality, self._sample = game, quality, None
        self._hold(game)
        game.claim(self)
        for part in game.augmentation.following:
            part.attach(self)
        if self.networks_built:
            with self.distribute_strategy.scope():
                game.build()

    def _hold(self, game):
        """Hold what has state where Keras tracks it: what hangs on a plain object is in no file."""
        self.loss, self.discriminator_steps = game.loss, game.discriminator_steps
        self.optimizer = game.optimizers
        self.generator_optimizer, self.discriminator_optimizer = game.optimizers.optimizers
        # Emptied and filled rather than replaced: Keras forgets what leaves a tracked list.
        _refill(self.terms, game.terms)
        _refill(self._averages, [game.average] if game.average else [])
        _refill(self._augmentations, game.augmentation.layers)
        _refill(self._replays, [game.replay] if game.replay else [])

    @property
    def networks_built(self):
        """Whether both networks are built."""
        return self.generator.built and self.discriminator.built

    def assemble(self, generated, outputs, samples):
        """Read what networks say once they have run, and build what hangs on it.

        Args:
            generated: all that the generator returned.
            outputs: all that the discriminator returned.
            samples: the samples that it judged.
        """
        prior = nest_of(self.latents)
        self.signature = Signature(self.generator, self.discriminator, prior)
        self.signature.note(generated, outputs, samples)
        self.condition.read(self.signature)
        self.game.logs.set_heads(self.signature.head_names)
        if not self.game.generator.built:
            self.built = True
            with self.distribute_strategy.scope():
                self.game.attach(self)
                self.game.build()

    @property
    def average(self):
        """The `GeneratorAverage`, or `None`."""
        return self._averages[0] if self._averages else None

    def sample_from(self, average):
        """Hold an average of the generator as it is now, to sample from until the next `compile`.

        Args:
            average: a `GeneratorAverage`.
        """
        average.follow(self.generator)
        _refill(self._averages, [average])

    @property
    def sampling_network(self):
        """The network that samples come from: the average where there is one."""
        average = self.average
        return average.network if average and average.built else self.generator

    @property
    def conditional(self):
        """Whether the generator takes a condition."""
        return self.condition.given

    @property
    def judges_condition(self):
        """Whether the discriminator takes the condition too."""
        return self.condition.judged

    @property
    def num_classes(self):
        """Number of classes of the labels among the conditions, or `None`."""
        return self.condition.num_classes

    @property
    def value_range(self):
        """The `(lowest, highest)` value of images."""
        return self.range.pair

    @property
    def seed_states(self):
        """The seed states of all layers that take part in training."""
        if self.game is None:
            return seed_states(self.generator, self.discriminator)
        return self.game.seed_states

    @property
    def steps(self):
        """Training steps taken so far, an integer; saved with the model."""
        return int(self.random_state.step.numpy())

    @property
    def metrics(self):
        """The running means of the logs, which Keras resets at every epoch."""
        return self.game.logs.metrics if self.compiled and self.game else []

    def train_step(self, data):
        """Take one training step; see `keras_gan.game.game.Game.step`."""
        # At a dataset's end the step fails, yet not before what needs no data has run: a count
        # would be one too high. So everything waits for the data.
        with tf.control_dependencies([t for t in tf.nest.flatten(data) if t is not None]):
            if self.game.discriminator_steps > 1:
                batches = data[0] if len(data) == 1 else data
            else:
                batches = [data]
            return self.game.step([self.condition.split(batch) for batch in batches])

    def test_step(self, data):
        """Play one batch without training, with the network that samples come from."""
        return self.game.test(self.condition.split(data), self.sampling_network)

    # What the networks are called on.

    def generator_inputs(self, latents, condition):
        """Return what the generator is called on: latents, the condition, or both."""
        return self.condition.to_generator(latents, condition)

    def discriminator_inputs(self, samples, condition):
        """Return what the discriminator is called on: samples, or samples and condition."""
        return self.condition.to_discriminator(samples, condition)

    def augment(self, samples, condition=None):
        """Return samples as the discriminator sees them in training.

        Args:
            samples: nest of samples.
            condition: their condition; images that the discriminator judges decide with the
                samples which augmentations can move them.
        """
        return self.game.augmentation(samples, condition)[0]

    def discriminate(self, x, condition=None):
        """Return the discriminator's float32 logits on samples, in inference mode.

        Args:
            x: samples, batch axis first, in any form that `fit` takes.
            condition: their condition, where the discriminator takes one.

        Returns:
            Tensor of logits, of the shape that the discriminator gives them.

        Raises:
            ValueError: for labels out of range, and for shapes that are not the networks'.

        Example:

        >>> probability = keras.ops.sigmoid(model.discriminate(images))
        """
        if tf.executing_eagerly():
            self.condition.check_labels(condition)
        x, condition = self.adapter((x, condition))
        self.signature.check_element(x)
        x, condition = nests.map(tf.convert_to_tensor, (x, condition))
        network_inputs = self.discriminator_inputs(x, condition)
        return logits_of(self.discriminator(network_inputs, training=False), x)

    def summary(self, line_length=None, positions=None, print_fn=None, **kwargs):
        """Print the networks' sizes, and each player's optimizer once the model is compiled.

        Args:
            line_length: as `keras.Model.summary`.
            positions: as `keras.Model.summary`.
            print_fn: function that is given each piece of text instead of `print`.
            **kwargs: as `keras.Model.summary`.
        """
        super().summary(line_length, positions, print_fn, **kwargs)
        for optimizer in self.optimizer.optimizers if self.compiled else []:
            rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
            kind = type(getattr(optimizer, "inner_optimizer", optimizer)).__name__
            (print_fn or print)(
                f" The {optimizer.name}'s optimizer: {kind}, learning rate {rate:g}"
            )

    def export(self, filepath, format="tf_saved_model", version="next", **options):
        """Export the generator for serving, and return the path that was written.

        Args:
            filepath: base directory, which TensorFlow Serving watches; the model goes into
                `filepath/<version>/`.
            format: `"tf_saved_model"`, `"litert"` or `"onnx"`.
            version: `"next"`, or a positive integer that does not exist yet.
            **options: `keep`, `include_discriminator`, `max_batch_size`, `max_pixels`, `dtype`,
                `warmup`, `card` and `sampling_rate`: see `keras_gan.export.export`, for the
                signatures and errors too.

        Returns:
            Path of the version's directory, a string; `None` on workers other than the chief.

        Example:

        >>> model.export("saved_models/digits", keep=3)
        'saved_models/digits/1'
        >>> keras_gan.export.verify("saved_models/digits/1")
        True
        """
        accepted = inspect.signature(export.export).parameters
        arguments.known("GAN.export", options, [name for name in accepted if name != "model"])
        return export.export(self, filepath, format=format, version=version, **options)


def _refill(tracked, values):
    tracked.clear()
    tracked.extend(values)
