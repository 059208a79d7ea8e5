"""Base class of terms, which add to a player's loss."""

import keras
import tensorflow as tf

from keras_gan import schedules
from keras_gan.utils import arguments, nests, owners
from keras_gan.utils.keras_internals import layers_within
from keras_gan.utils.registry import snake_case


class Term(keras.layers.Layer):
    """Addition to a player's loss: a penalty, an auxiliary task, a regularizer.

    A subclass overrides `discriminator_term`, `generator_term` or both, and returns one value
    for each sample, or a nest of such for the heads of logits, without the weight: weight,
    interval, schedule, mean (of each head, then over heads) and logging are done here and in the
    training step. Being a Keras layer, a term may have state (a moving average,
    a classifier head); it is saved with the model, and what is trainable is trained by the
    player it names.

    A term's methods may assign state that is not trainable, in a lazy branch too. With several
    replicas, each assigns from its own share of the batch, and floats are averaged over the
    replicas after every step. For a moving average of means that is exact.

    Args:
        weight: finite number that multiplies the term; it may be negative only where a subclass
            says so.
        interval: the term is computed on every `interval`-th step (lazy regularization) and
            multiplied by `interval` there, so that its mean strength stays the same.
        schedule: `None`, or a factor of the weight at each training step: one of
            `keras_gan.schedules`, or any `keras.optimizers.schedules.LearningRateSchedule`.
        name: the key in the logs, by default the class's name in snake case.

    Attributes:
        player: `"discriminator"` or `"generator"`: whose optimizer trains the term's own
            trainable weights.
        watches: which gradients the term takes through `step.gradient(...)`: `"real"` and
            `"fake"` (of the logits, with respect to these samples), `"latents"` or the name of a
            side output of the generator, such as `"styles"` (of the generated samples, with
            respect to these).
        needs_real_outputs: whether `generator_term` reads `step.real_outputs`, which the
            training step then takes from the updated discriminator, at one more forward.
        parts: names under which the values of a nest are logged one by one beside their mean, as
            `name/part`; empty for none. Known once the term is attached.
        needs_fresh_fake: whether `discriminator_term` takes `step.fake` to be made of this step's
            latents or labels; `compile(replay=...)`, which shows older ones among them, refuses
            such a term.
        compares_pairs: whether the term compares the real and the generated sample of a row, which
            then need the same condition.
        judges_alone: whether the term takes D of a sample to depend on that sample alone; `compile`
            warns where the discriminator normalizes over the batch.
        evaluated: whether `evaluate` and validation tell of the term too, as `val_<name>`: it needs
            no gradient and changes no state. It then sees a batch in inference mode.
        reduces: whether the term takes means over all replicas; such a term can't be lazy under
            a strategy of several.

    Raises:
        ValueError: when the weight is not a finite number of at least 0, or the interval is not
            a positive integer.
        TypeError: when the schedule is not a schedule, or the weight no number.

    Example:

    ```python
    class LogitDrift(keras_gan.terms.Term):  # keeps real logits near 0, as in ProGAN
        def discriminator_term(self, step):
            return keras.ops.square(step.real_logits)
    ```

    Reference:
        - [Karras et al., 2020](https://arxiv.org/abs/1912.04958), Section 3.1 (interval)
    """

    player = "discriminator"
    watches = frozenset()
    needs_real_outputs = False
    judges_alone = False
    reduces = False
    needs_fresh_fake = False
    compares_pairs = False
    evaluated = False
    parts = ()

    def __init__(self, weight=1.0, interval=1, schedule=None, name=None, **kwargs):
        # A config has a dtype too. Always float32: penalties lose their meaning in less.
        kwargs["dtype"] = "float32"
        # Not Keras's own names: those are numbered, and a log key should not be.
        super().__init__(name=name or snake_case(type(self).__name__), **kwargs)
        self.weight = arguments.number("weight", weight)
        self.interval = arguments.whole("interval", interval)
        self.schedule = schedules.get(schedule)
        self.built = True

    def discriminator_term(self, step):
        """Return what is added to the discriminator's loss, one value per sample.

        Args:
            step: `keras_gan.game.step.Step`, what the training step has computed so far.
        """
        return None

    def generator_term(self, step):
        """Return what is added to the generator's loss, one value per sample.

        Args:
            step: `keras_gan.game.step.Step`, what the training step has computed so far.
        """
        return None

    def attach(self, model):
        """Create the term's own state, such as a classifier head; called once, by `compile`.

        Sublayers must be built here, so that their weights have an optimizer and are saved.

        Args:
            model: the `GAN`, its networks built.
        """

    def attach_once(self, model):
        """Call `attach`, at the first compile only, and check what it made.

        Raises:
            ValueError: when a layer of the term is left unbuilt, or the term belongs to another
                model.
        """
        if owners.is_owned(self):
            # One that keeps nothing of a model may be shared.
            if type(self).attach is not Term.attach:
                owners.check(self, model, f"term {self.name!r}")
            return
        self.attach(model)
        unbuilt = [layer.name for layer in layers_within(self) if not layer.built]
        if unbuilt:
            raise ValueError(
                f"The term {self.name!r} holds layers that are not built, so that no optimizer "
                "would train them: build them in `attach(model)`, or begin a Sequential with "
                f"`keras.Input(...)`. Received: unbuilt {unbuilt}"
            )
        owners.claim(self, model)

    def after_update(self, player, step):
        """Do what follows a player's update: clipping, moving averages, controllers.

        Args:
            player: `"discriminator"` or `"generator"`: who was updated just now.
            step: `keras_gan.game.step.Step`, what the training step has computed so far.
        """

    def acts_on(self, player):
        """Tell whether the term adds to that player's loss."""
        method = f"{player}_term"
        return getattr(type(self), method) is not getattr(Term, method)

    def weight_of(self, player):
        """Return the weight in a player's loss: `weight`, unless a term has one for each."""
        return self.weight

    def log_name(self, player):
        """Return the key of the term in a player's loss.

        The name, or `name/player` when the term adds to both losses.
        """
        both = self.acts_on("discriminator") and self.acts_on("generator")
        return f"{self.name}/{player}" if both else self.name

    @property
    def log_names(self):
        """The term's keys in the logs."""
        players = "discriminator", "generator"
        return [key for player in players if self.acts_on(player) for key in self._keys(player)]

    def evaluate(self, player, step):
        """Return the term's values, what it adds to the loss, and whether it ran at this step.

        Args:
            player: `"discriminator"` or `"generator"`.
            step: the training step.

        Returns:
            Tuple `(value, weighted, ran)` of float32 scalars: the unweighted mean (0 on the
            steps between), the mean times weight, schedule and interval, and 1 or 0.
        """
        values, weighted, ran = self.evaluate_parts(player, step)
        return values[self.log_name(player)], weighted, ran

    def evaluate_parts(self, player, step):
        """Return what `evaluate` does, with the means of all `parts` by their log keys.

        Args:
            player: `"discriminator"` or `"generator"`.
            step: the training step.
        """
        keys = self._keys(player)
        if self.interval == 1:
            means, ran = self.means(player, step), tf.constant(1.0)
        else:
            due = tf.equal(step.count % self.interval, 0)
            means = tf.cond(
                due,
                lambda: self.means(player, step),
                lambda: dict.fromkeys(keys, tf.constant(0.0)),
            )
            ran = tf.cast(due, tf.float32)
        factor = self.weight_of(player) * self.interval * self.factor(step.count)
        return means, means[self.log_name(player)] * factor, ran

    def means(self, player, step):
        """Return the term's mean over samples and those of its parts, unweighted, by log key.

        Args:
            player: `"discriminator"` or `"generator"`.
            step: the training step, or one of evaluation.

        Returns:
            Dict of float32 scalars.
        """
        values = getattr(self, f"{player}_term")(step)
        values = nests.map(lambda v: tf.cast(v, tf.float32), values)
        named = nests.named(values) if self.parts else {}
        parts = [tf.reduce_mean(named[part]) for part in self.parts]
        return dict(zip(self._keys(player), [nests.mean_of_heads(values), *parts], strict=True))

    def _keys(self, player):
        return [nests.key(self.log_name(player), part) for part in ("", *self.parts)]

    def factor(self, count):
        """Return the schedule's factor at a training step, 1 without a schedule."""
        return 1.0 if self.schedule is None else schedules.at(self.schedule, count)

    def get_config(self):
        """Return the constructor's arguments."""
        schedule = self.schedule
        if schedule is not None:
            schedule = keras.optimizers.schedules.serialize(schedule)
        return {
            **super().get_config(),
            "weight": self.weight,
            "interval": self.interval,
            "schedule": schedule,
        }

    @classmethod
    def from_config(cls, config):
        """Build the term from its config."""
        config = dict(config)
        for name in ("dtype", "trainable"):  # A subclass need not take what Keras adds.
            config.pop(name, None)
        return cls(**config)


def sides(on):
    """Return which samples a term is computed on, a tuple, if these are real or generated ones.

    Args:
        on: `"real"`, `"fake"` or both.

    Raises:
        ValueError: when it is neither.
    """
    several = (on,) if isinstance(on, str) else tuple(on or ())
    both = "real", "fake"
    return arguments.choice("on", several, [("real",), ("fake",), both, both[::-1]])
