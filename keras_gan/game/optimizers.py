"""The players' optimizers: defaults, checks, and both as the one that Keras's habits ask for."""

import functools
import warnings

import keras
import tensorflow as tf

from keras_gan.utils import keras_internals
from keras_gan.utils.arguments import shown

# What Keras's optimizers are made with, beside the learning rate.
_SETTINGS = (
    "clipnorm", "clipvalue", "ema_momentum", "ema_overwrite_frequency", "global_clipnorm",
    "gradient_accumulation_steps", "loss_scale_factor", "use_ema", "weight_decay",
)  # fmt: skip


def get(identifier, player):
    """Return a player's optimizer, named after the player.

    Args:
        identifier: `"auto"` (Adam with learning rate 2e-4 and beta_1 0.5, as DCGAN), an
            optimizer, its name or its config.
        player: `"generator"` or `"discriminator"`.

    Raises:
        TypeError: when it is not an optimizer.

    Reference:
        - [Radford et al., 2016](https://arxiv.org/abs/1511.06434), Section 4
    """
    if isinstance(identifier, str) and identifier == "auto":
        identifier = keras.optimizers.Adam(2e-4, beta_1=0.5)
    try:
        optimizer = keras.optimizers.get(identifier)
    except (AttributeError, KeyError, ValueError):  # Of neither player, or of Keras's insides.
        optimizer = None
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        is_class = isinstance(identifier, type)
        raise TypeError(
            f"Expected `{player}_optimizer` to be 'auto', a Keras optimizer such as "
            "`keras.optimizers.Adam(2e-4, beta_1=0.5)`, its name or its config."
            f"{' Did you forget to call it?' if is_class else ''} "
            f"Received: {player}_optimizer={shown(identifier)}"
        )
    # Stock callbacks log `learning_rate_<name>`: two optimizers named "adam" would be one.
    optimizer.name = player
    return optimizer


def both(generator_optimizer, discriminator_optimizer):
    """Return the players' optimizers.

    Args:
        generator_optimizer: what `compile` was given for the generator.
        discriminator_optimizer: what `compile` was given for the discriminator.

    Raises:
        TypeError: when one is not an optimizer.
        ValueError: when both are the same object.
    """
    first = get(generator_optimizer, "generator")
    second = get(discriminator_optimizer, "discriminator")
    if first is second:
        raise ValueError(
            "Expected an optimizer for each player: its state (moments, iterations) belongs "
            "to one network. Received: the same object twice"
        )
    return first, second


def check_strategy(optimizers, strategy):
    """Raise when an optimizer can't train under a strategy of several replicas.

    Raises:
        ValueError: for an optimizer made outside the strategy's scope, or one that
            accumulates gradients: it updates within a branch, where replicas don't
            communicate.
    """
    replicas, where = strategy.num_replicas_in_sync, type(strategy).__name__
    for optimizer in optimizers if replicas > 1 else []:
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        if inner.gradient_accumulation_steps:
            raise ValueError(
                f"The {optimizer.name}'s optimizer accumulates gradients, which works on one "
                "device alone: drop `gradient_accumulation_steps`, or the strategy. Several "
                "replicas make large batches by themselves. Received: "
                f"gradient_accumulation_steps={inner.gradient_accumulation_steps}, under "
                f"{where} on {replicas} replicas"
            )
        if not isinstance(optimizer.iterations.value, tf.distribute.DistributedValues):
            raise ValueError(
                f"The {optimizer.name}'s optimizer was made outside the strategy's scope. Make "
                "it, and compile, within `with strategy.scope():`. "
                f"Received: {type(optimizer).__name__}, under {where} on {replicas} replicas"
            )


def scaled(optimizer, network):
    """Return a network's optimizer, wrapped for dynamic loss scaling where it is in float16."""
    is_scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    if is_scaled or network.dtype_policy.name != "mixed_float16":
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer, name=optimizer.name)


def _warn_of_ratio(optimizers):
    """Warn that two rates that differ become one."""
    if not tf.executing_eagerly():
        return
    first, second = (
        float(keras.ops.convert_to_numpy(optimizer.learning_rate)) for optimizer in optimizers
    )
    if first != second:
        warnings.warn(
            f"The learning rates of the players, {first:.3g} and {second:.3g}, become the same. To "
            "keep them apart, set `model.generator_optimizer.learning_rate` and "
            "`model.discriminator_optimizer.learning_rate`.",
            stacklevel=3,
        )


@keras.saving.register_keras_serializable("keras_gan")
class OptimizerPair(keras.optimizers.Optimizer):
    """Both players' optimizers as the one `model.optimizer` that Keras's habits ask for.

    It has the variables of both and updates nothing: each player applies its own gradients. Its
    `iterations` and `learning_rate` are the generator's; a learning rate that is assigned is set
    for both, with a warning where they differed. Any other setting is read where both agree, and
    set at `model.generator_optimizer` or `model.discriminator_optimizer` alone.

    LearningRateScheduler, ReduceLROnPlateau and TensorBoard go through `optimizers` and log
    `learning_rate_generator` and `learning_rate_discriminator`.

    Args:
        generator_optimizer: the generator's.
        discriminator_optimizer: the discriminator's.
        name: of the pair.
    """

    _complete = False

    def __init__(self, generator_optimizer, discriminator_optimizer, name="optimizer_pair"):
        super().__init__(lambda: self.optimizers[0].learning_rate, name=name)
        self.optimizers = [generator_optimizer, discriminator_optimizer]
        for name in _SETTINGS:
            del self.__dict__[name]  # Those of neither player: see `__getattr__`.
        self._complete = True

    def __setattr__(self, name, value):
        known = name in ("learning_rate", "built") or name.startswith("_")
        if self._complete and not known:
            raise AttributeError(
                f"Expected an optimizer to set `{name}` of: each player has its own. Set it of "
                "`model.generator_optimizer` or `model.discriminator_optimizer`; "
                "`learning_rate` alone can be set of both. "
                f"Received: model.optimizer.{name} = {value!r:.100}"
            )
        super().__setattr__(name, value)

    def __getattr__(self, name):
        if self._complete and name in _SETTINGS:
            first, second = (getattr(optimizer, name) for optimizer in self.optimizers)
            if first == second:
                return first
        raise AttributeError(
            f"`model.optimizer` stands for the optimizers of both players, and has no `{name}` "
            "of both. "
            "Ask `model.generator_optimizer` or `model.discriminator_optimizer`."
        )

    @property
    def variables(self):
        """The variables of both, the generator's first."""
        return [variable for optimizer in self.optimizers for variable in optimizer.variables]

    @property
    def built(self):
        """Whether both are built."""
        return all(optimizer.built for optimizer in self.optimizers)

    @built.setter
    def built(self, value):
        """Set nothing: `compile` builds each on its player's variables."""

    def build(self, variables):
        """Do nothing: `compile` builds each on its player's variables."""

    @property
    def iterations(self):
        """The generator's update count: one for each training step."""
        return self.optimizers[0].iterations

    @functools.cached_property
    def _rates(self):
        # Cached past `__setattr__`: a checkpoint is to see no third rate.
        return _Rates(self.optimizers)

    @property
    def learning_rate(self):
        """The generator's learning rate; what is assigned to it, the discriminator gets too."""
        variables = map(keras_internals.rate_variable, self.optimizers)
        is_settable = all(variable is not None for variable in variables)
        return self._rates if is_settable else self.optimizers[0].learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        for optimizer in [] if callable(learning_rate) else self.optimizers:
            if keras_internals.rate_variable(optimizer) is None:
                raise TypeError(
                    f"The {optimizer.name}'s learning rate follows a schedule and can't be set. "
                    "Compile with a number: Adam(learning_rate=2e-4). "
                    f"Received: learning_rate={learning_rate!r:.100}"
                )
        _warn_of_ratio(self.optimizers)
        for optimizer in self.optimizers:
            optimizer.learning_rate = learning_rate

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        """Exclude variables of both."""
        for optimizer in self.optimizers:
            optimizer.exclude_from_weight_decay(var_list, var_names)

    def finalize_variable_values(self, var_list):
        """Let each optimizer set what it trained to its average, where `use_ema` keeps one."""
        for optimizer in self.optimizers:
            optimizer.finalize_variable_values(keras_internals.trained_by(optimizer))

    def apply(self, grads, trainable_variables=None):
        """Refuse: gradients are one player's."""
        raise NotImplementedError(
            "Each player's gradients go to its own optimizer: "
            "`model.generator_optimizer.apply(...)` or `model.discriminator_optimizer.apply(...)`."
        )

    def set_weights(self, weights):
        """Set the values of `variables`."""
        for variable, value in zip(self.variables, weights, strict=True):
            variable.assign(value)

    def save_own_variables(self, store):
        """Save nothing: a file has each player's optimizer under its own name."""

    def load_own_variables(self, store):
        """Load nothing, as nothing is saved."""

    def get_config(self):
        """Return the configs of both."""
        names = "generator_optimizer", "discriminator_optimizer"
        configs = map(keras.saving.serialize_keras_object, self.optimizers)
        return {**dict(zip(names, configs, strict=True)), "name": self.name}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make a pair, its optimizers unbuilt."""
        deserialize = keras.saving.deserialize_keras_object
        return cls(**{key: deserialize(value, custom_objects) for key, value in config.items()})


class _Rates(keras.Variable):
    """The generator's learning rate to read, and both players' to assign to."""

    def __init__(self, optimizers):
        super().__init__(0.0, dtype="float32", trainable=False, name="learning_rate")
        self._optimizers = optimizers

    @property
    def value(self):
        """The generator's."""
        return self._optimizers[0].learning_rate.value

    def assign(self, value):
        """Set both."""
        _warn_of_ratio(self._optimizers)
        for optimizer in self._optimizers:
            optimizer.learning_rate.assign(value)
        return self.value

    def __repr__(self):
        return repr(self._optimizers[0].learning_rate)

    def __float__(self):
        return float(self.numpy())  # On replicas too, where TensorFlow's own have no `float`.
