"""The model: two players, one fit."""

import keras
import tensorflow as tf

from keras_gan import augmentation as augmentations
from keras_gan import averaging, export, losses
from keras_gan import latents as priors
from keras_gan import terms as game_terms
from keras_gan.augmentation.augmentation import check_strategy, following
from keras_gan.data import elements, sampling, signature
from keras_gan.game import optimizers, unrolling
from keras_gan.game.logs import Logs
from keras_gan.game.player import Player
from keras_gan.game.seeds import RandomState, seed_states
from keras_gan.game.step import logits_of
from keras_gan.game.training import Training
from keras_gan.quality import Quality
from keras_gan.running.fitting import Fitting
from keras_gan.saving import Saving
from keras_gan.utils import arguments
from keras_gan.utils.keras_internals import note_keras_attributes


@keras.saving.register_keras_serializable("keras_gan")
class GAN(Fitting, Training, Saving, keras.Model):
    """A generator and a discriminator, trained against each other by `fit`.

    Data elements are `x` or `(x, condition)`: `x` of any rank, a condition being any nest of
    tensors (labels, an embedding, a source image).

    | latents | conditional | generator is called as | discriminator is called as |
    |---|---|---|---|
    | a prior | no | `generator(z)` | `discriminator(x)` |
    | a prior | yes | `generator([z, condition])` | `discriminator([x, condition])` or `(x)` |
    | `None` | yes | `generator(condition)` | `discriminator([x, condition])` or `(x)` |

    The discriminator returns logits (no sigmoid): `(batch, 1)`, `(batch,)` or a patch map; or a
    dict of named outputs with the key `"logits"`.

    Args:
        generator: Keras model from latents (and condition) to samples.
        discriminator: Keras model from samples (and condition) to logits.
        latents: `"auto"` (standard normal, of the shape of the generator's first input), a prior
            such as `keras_gan.latents.Uniform(64)`, or `None` for a generator without latents.
        conditional: `"auto"` (read off the networks' inputs), `True`, `False`, or `"generator"`
            when the discriminator takes samples alone. Subclassed networks must say it.
        seed: integer from which every random draw of training follows; by default drawn from
            Python's `random`, which `keras.utils.set_random_seed` seeds.

    Raises:
        TypeError: when a network is not a Keras model.
        ValueError: when the networks don't fit each other or the latents, or the discriminator
            ends in a sigmoid.

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
        self, generator, discriminator, latents="auto", conditional="auto", seed=None, **kwargs
    ):
        super().__init__(**kwargs)
        signature.check_models(generator, discriminator)
        prior = _prior(latents, generator)
        signature.check_networks(generator, discriminator, prior)
        if conditional == "auto":
            conditional = signature.is_conditional(generator, discriminator, prior is not None)
        if prior is None and not conditional:
            raise ValueError(
                "A generator without latents needs a condition: pass `conditional=True`, or "
                f"latents. Received: latents={latents}, conditional={conditional}"
            )
        self.generator = generator
        self.discriminator = discriminator
        self.latents = prior
        self.conditional = bool(conditional)
        self.num_classes = signature.num_classes(
            generator, discriminator, self.conditional, prior is not None
        )
        self.judges_condition = (
            self.conditional
            and conditional != "generator"
            and signature.takes_condition(discriminator)
        )
        with self.distribute_strategy.scope():
            self.random_state = RandomState(seed, name="random_state")
        note_keras_attributes()
        self.terms = []
        self._averages = []
        self._augmentations = []
        self._players = None
        self._sample = None
        self.built = generator.built and discriminator.built

    def compile(
        self,
        loss="non_saturating",
        generator_optimizer="auto",
        discriminator_optimizer="auto",
        terms=(),
        discriminator_steps=1,
        update="alternating",
        unrolled_steps=None,
        ema=None,
        augmentation=None,
        metrics=(),
        metric_samples=1000,
        balance=False,
        jit_compile="auto",
        steps_per_execution=1,
        run_eagerly=False,
    ):
        """Choose the game: loss, optimizers, terms and the order of updates.

        Args:
            loss: `keras_gan.losses.AdversarialLoss`, or its name.
            generator_optimizer: `"auto"` (Adam, 2e-4, beta_1 0.5) or a Keras optimizer.
            discriminator_optimizer: the same for the discriminator.
            terms: `keras_gan.terms.Term`s, or their names, added to either player's loss.
            discriminator_steps: batches, and discriminator updates, to one generator update.
            update: `"alternating"` (the generator answers the updated discriminator),
                `"simultaneous"` (both answer the same state of the game) or `"unrolled"` (the
                generator answers the discriminator as it would be some steps ahead, and how it
                got there; see `keras_gan.game.unrolling`).
            unrolled_steps: how many steps ahead, with `update="unrolled"` alone; `None` for 5.
            ema: `None`, a decay per step such as 0.999, or a `keras_gan.GeneratorAverage`. When
                there is one, `call`, `predict`, `generate`, metrics and `export` use it. A model
                that had an average before goes on from its values.
            augmentation: `None`, or a differentiable Keras layer that real and generated samples
                alike pass on their way to the discriminator, or the name of one of
                `keras_gan.augmentation`.
            metrics: quality metrics or their names, run by `evaluate` and on `validation_data`:
                those of `keras_gan.metrics`, or objects with a `name`, `reset_state()`,
                `update_state(real=None, fake=None)` and `result()`.
            metric_samples: how many generated samples the metrics see, from fixed seeds.
            balance: whether to log how evenly the players are matched: the discriminator's
                accuracy on real and generated samples, and for both players the norm of the
                gradient and of the update relative to the weights.
            jit_compile: whether to compile the step with XLA; `"auto"` as Keras decides.
            steps_per_execution: training steps in one call of the compiled function.
            run_eagerly: whether to run the step op by op, for debugging.

        Raises:
            ValueError: for an unknown name, a value out of range, or a combination that Keras
                can't run under a distribution strategy.
            TypeError: for an object of the wrong kind.
        """
        self._check_compile(discriminator_steps, update, jit_compile, steps_per_execution)
        unrolled_steps = unrolling.steps_of(update, unrolled_steps)
        with self.distribute_strategy.scope():
            loss = losses.get(loss)
            added = [game_terms.get(term) for term in _as_list(terms)]
            self._check_terms(added)
            average = averaging.get(ema)
            layer = augmentations.get(augmentation)
            augmented = [layer] if layer else []
            check_strategy(augmented, self.distribute_strategy)
            logs = Logs(loss, [*added, *following(augmented)], balance)
            quality = Quality(metrics, metric_samples, taken=logs.names)
            pair = optimizers.OptimizerPair(generator_optimizer, discriminator_optimizer)
            pair.check_strategy(self.distribute_strategy)
            if update == "unrolled":
                unrolling.check_optimizer(pair.optimizers[1])
            # Last of what may raise: a term belongs to the model that it is attached to.
            if self._networks_built:
                self._prepare(added, average)
        # From here on nothing raises: a refused compile leaves the model as it was.
        super().compile(
            optimizer=None,
            jit_compile=jit_compile,
            steps_per_execution=steps_per_execution,
            run_eagerly=run_eagerly,
        )
        self.loss = loss
        self.discriminator_steps = discriminator_steps
        self.update = update
        self.unrolled_steps = unrolled_steps
        self._logs = logs
        self._quality = quality
        self._jit_compile_choice = jit_compile
        self._set_optimizers(pair)
        # Emptied and filled rather than replaced: Keras forgets what leaves a tracked list.
        _refill(self.terms, added)
        _refill(self._averages, [average] if average else [])
        _refill(self._augmentations, augmented)
        self.watched = frozenset().union(*(term.watches for term in added))
        self._players = self._sample = None
        for augmentation in self._following:
            augmentation.attach(self)
        if self._networks_built:
            self._build_players()

    def _set_optimizers(self, pair):
        pair.scale_losses(self.generator, self.discriminator)
        # Direct attributes: what hangs on a plain object is in no checkpoint.
        self.generator_optimizer, self.discriminator_optimizer = pair.optimizers
        self.optimizer = pair

    @property
    def _networks_built(self):
        return self.generator.built and self.discriminator.built

    def _prepare(self, added, average):
        """Create what terms and average need of the networks, in the model's strategy scope.

        Raises:
            ValueError: when a term leaves a layer of its own unbuilt, or the average can't copy
                the generator.
        """
        with self.distribute_strategy.scope():
            if average:
                before = self.average if self.average and self.average.built else None
                average.follow(self.generator, before and before.network.get_weights())
            for term in added:
                term.attach_once(self)

    def _build_players(self):
        """Build the optimizers on the players' variables, in the model's strategy scope."""
        with self.distribute_strategy.scope():
            self._players = {
                name: Player(self._variables_of(name), getattr(self, f"{name}_optimizer"))
                for name in ("generator", "discriminator")
            }
            for player in self._players.values():
                player.optimizer.build(player.variables)

    def _layers_of(self, player):
        """Return what a player trains: its network, and the terms that name it."""
        return [getattr(self, player), *(term for term in self.terms if term.player == player)]

    def _variables_of(self, player):
        layers = self._layers_of(player)
        return [variable for layer in layers for variable in layer.trainable_variables]

    @property
    def average(self):
        """The `GeneratorAverage`, or `None`."""
        return self._averages[0] if self._averages else None

    @property
    def sampling_network(self):
        """The network that samples come from: the average where there is one."""
        average = self.average
        return average.network if average and average.built else self.generator

    @property
    def _replicas(self):
        return self.distribute_strategy.num_replicas_in_sync

    @property
    def _seed_states(self):
        """The seed states of all layers that take part in training."""
        layers = [self.generator, self.discriminator, *self._augmentations, *self.terms]
        return [state for layer in layers for state in seed_states(layer)]

    @property
    def steps(self):
        """Training steps taken so far, an integer; saved with the model."""
        return int(self.random_state.step.numpy())

    @property
    def _following(self):
        """The augmentations that follow the course of training."""
        return following(self._augmentations)

    @property
    def metrics(self):
        """The running means of the logs, which Keras resets at every epoch."""
        return self._logs.metrics if self.compiled else []

    def _check_terms(self, terms):
        lazy = [term.name for term in terms if term.reduces and term.interval > 1]
        if lazy and self._replicas > 1:
            raise ValueError(
                "A term that takes means over all replicas can't be lazy: replicas don't "
                "communicate within a branch. Use `interval=1`, or one device. Received: "
                f"interval > 1 for {lazy}, under {type(self.distribute_strategy).__name__} on "
                f"{self._replicas} replicas"
            )

    def _check_compile(self, discriminator_steps, update, jit_compile, steps_per_execution):
        arguments.whole("discriminator_steps", discriminator_steps)
        arguments.choice("update", update, ("alternating", "simultaneous", "unrolled"))
        if self._replicas == 1:
            return
        refused = {
            "jit_compile=True": jit_compile is True,
            f"steps_per_execution={steps_per_execution}": steps_per_execution > 1,
        }
        for choice, chosen in refused.items():
            if chosen:
                raise ValueError(
                    f"{choice} does not work with {type(self.distribute_strategy).__name__} on "
                    f"{self._replicas} replicas under Keras "
                    f"{keras.__version__}. Drop one of the two."
                )

    # What the networks are called on.

    def generator_inputs(self, latents, condition):
        """Return what the generator is called on: latents, the condition, or both."""
        if self.latents is None:
            return condition
        return [latents, condition] if self.conditional else latents

    def discriminator_inputs(self, samples, condition):
        """Return what the discriminator is called on: samples, or samples and condition."""
        return [samples, condition] if self.judges_condition else samples

    def augment(self, samples):
        """Return samples as the discriminator sees them in training."""
        for layer in self._augmentations:
            samples = layer(samples, training=True)
        return samples

    def call(self, latents, condition=None, training=False):
        """Return the generator's samples: the averaged generator's where there is an average.

        Args:
            latents: tensor of shape `(batch, *latents.shape)`; the condition itself for a
                generator without latents. `[latents, condition]` as one argument works too, so
                that `predict([latents, condition])` does.
            condition: nest of tensors for a conditional generator.
            training: whether layers behave as in training.

        Returns:
            Tensor of samples.
        """
        if self.latents is None:
            network_inputs = latents if condition is None else condition
        elif self.conditional and condition is None:
            network_inputs = latents
        else:
            network_inputs = self.generator_inputs(latents, condition)
        return self.sampling_network(network_inputs, training=training)

    def discriminate(self, x, condition=None):
        """Return the discriminator's float32 logits on samples, in inference mode.

        Args:
            x: samples, batch axis first.
            condition: their condition, where the discriminator takes one.

        Returns:
            Tensor of logits, of the shape that the discriminator gives them.

        Example:

        >>> probability = keras.ops.sigmoid(model.discriminate(images))
        """
        x, condition = elements.map_arrays(tf.convert_to_tensor, (x, condition))
        network_inputs = self.discriminator_inputs(x, condition)
        return logits_of(self.discriminator(network_inputs, training=False))

    def generate(self, n, seed=None, condition=None, truncation=None, batch_size=64):
        """Return n samples. A seed names a sample: these are those of seeds s to s + n - 1.

        Sample i depends on its seed (and its row of the condition) alone, whatever the batch
        size: its latents to the bit, the sample to rounding. The export makes the same ones.

        Args:
            n: how many.
            seed: integer s, or `None` for fresh samples.
            condition: nest of arrays of n rows for a conditional generator, or one label for all.
            truncation: positive bound on normal latents, which trades variety for quality.
            batch_size: samples in one call of the generator.

        Returns:
            float32 NumPy array of shape `(n, *sample_shape)`.

        Raises:
            ValueError: for a missing condition, labels out of range or a wrong argument.

        Example:

        >>> model.generate(4, seed=0).shape
        (4, 8, 8, 1)
        """
        if self._sample is None:
            self._sample = tf.function(
                lambda *arguments: sampling.from_seeds(self, *arguments), reduce_retracing=True
            )
        return sampling.generate(self, self._sample, n, seed, condition, truncation, batch_size)

    def export(self, filepath, format="tf_saved_model", version="next", **options):
        """Export the generator for serving, and return the path that was written.

        Args:
            filepath: base directory, which TensorFlow Serving watches; the model goes into
                `filepath/<version>/`.
            format: `"tf_saved_model"`, `"litert"` or `"onnx"`.
            version: `"next"`, or a positive integer that does not exist yet.
            **options: `keep`, `include_discriminator`, `max_batch_size`, `dtype`, `warmup` and
                `card`: see `keras_gan.export.export`, for the signatures and errors too.

        Returns:
            Path of the version's directory, a string; `None` on workers other than the chief.

        Example:

        >>> model.export("saved_models/digits", keep=3)
        'saved_models/digits/1'
        """
        return export.export(self, filepath, format=format, version=version, **options)


def _prior(latents, generator):
    if latents is None:
        return None
    if isinstance(latents, str) and latents == "auto":
        return priors.Normal(signature.latent_shape(generator))
    return priors.get(latents)


def _as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _refill(tracked, values):
    tracked.clear()
    tracked.extend(values)
