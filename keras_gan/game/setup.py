"""The making of a game: names and options of `compile` turned into objects that fit each other."""

import keras

from keras_gan import augmentation as augmentations
from keras_gan import averaging, losses, schedules
from keras_gan import terms as game_terms
from keras_gan.augmentation.augmentation import check_strategy
from keras_gan.augmentation.augmented import Augmented
from keras_gan.game import fake_labels as labelling
from keras_gan.game import optimizers as optimizing
from keras_gan.game import orders
from keras_gan.game import replay as replays
from keras_gan.game.game import Game
from keras_gan.game.logs import Logs
from keras_gan.game.player import Discriminator, Generator
from keras_gan.utils import arguments


def game_of(
    model,
    *,
    loss,
    generator_optimizer,
    discriminator_optimizer,
    terms,
    discriminator_steps,
    adversarial_weight,
    update,
    unrolled_steps,
    ema,
    augmentation,
    replay,
    fake_labels,
    balance,
):
    """Return the `Game` that a model is compiled with; the model stays as it is.

    The options are those of `GAN.compile`.

    Raises:
        ValueError: for an unknown name, a value out of range, or what can't be combined.
        TypeError: for an object of the wrong kind.
    """
    arguments.whole("discriminator_steps", discriminator_steps)
    arguments.flag("balance", balance)
    adversarial_weight = schedules.weight("adversarial_weight", adversarial_weight)
    order = orders.get(update, unrolled_steps)
    loss, average, kept = losses.get(loss), averaging.get(ema), replays.get(replay)
    terms = [game_terms.get(term) for term in _as_list(terms)]
    fake_labels = labelling.get(fake_labels)
    fake_labels.check(model, loss, terms)
    layer = augmentations.get(augmentation)
    augmented = Augmented([layer] if layer else [], model.condition)
    augmented.check(model.signature)
    heads = model.signature.head_names
    logs = Logs(loss, [*terms, *augmented.following], balance, heads)
    optimizers = optimizing.both(generator_optimizer, discriminator_optimizer)
    order.check(optimizers[1], kept)
    strategy = model.distribute_strategy
    check_strategy(augmented.layers, strategy)
    optimizing.check_strategy(optimizers, strategy)
    _check_terms(terms, kept, strategy)
    networks = model.generator, model.discriminator
    pair = optimizing.OptimizerPair(*map(optimizing.scaled, optimizers, networks))
    parts = loss, terms, augmented.following
    game = Game(
        loss=loss,
        generator=Generator(
            model.generator, pair.optimizers[0], *parts, adversarial_weight=adversarial_weight
        ),
        discriminator=Discriminator(model.discriminator, pair.optimizers[1], *parts),
        order=order,
        prior=model.latents,
        condition=model.condition,
        logs=logs,
        random_state=model.random_state,
        optimizers=pair,
        average=average,
        augmentation=augmented,
        replay=kept,
        fake_labels=fake_labels,
        discriminator_steps=discriminator_steps,
    )
    game.check_owner(model)
    return game


def check_scope(generator, discriminator, strategy):
    """Raise when a network's variables are not a strategy's own.

    Args:
        generator: the generator.
        discriminator: the discriminator.
        strategy: the model's `tf.distribute.Strategy`.

    Raises:
        ValueError: naming the player.
    """
    created = strategy.extended.variable_created_in_scope
    for player, network in {"generator": generator, "discriminator": discriminator}.items():
        if not all(created(variable.value) for variable in network.variables):
            raise ValueError(
                f"The {player} was made outside the scope of the model's strategy. Make both "
                "networks, the model and its optimizers within one `with strategy.scope():`. "
                f"Received: {network.name!r}, under {_described(strategy)}"
            )


def check_running(strategy, jit_compile, steps_per_execution, run_eagerly):
    """Raise when Keras can't run a model so, by itself or under several replicas.

    Args:
        strategy: the model's `tf.distribute.Strategy`.
        jit_compile: as in `GAN.compile`.
        steps_per_execution: as in `GAN.compile`.
        run_eagerly: as in `GAN.compile`.

    Raises:
        ValueError: naming the combination, or a count that is none.
        TypeError: for a flag that is none.
    """
    arguments.whole("steps_per_execution", steps_per_execution)
    arguments.flag("run_eagerly", run_eagerly)
    if jit_compile != "auto":
        arguments.flag("jit_compile", jit_compile)
    refused = {
        "jit_compile=True": jit_compile is True,
        f"steps_per_execution={steps_per_execution}": steps_per_execution > 1,
    }
    for choice, chosen in refused.items():
        if chosen and strategy.num_replicas_in_sync > 1:
            raise ValueError(
                f"{choice} does not work with {_described(strategy)} under Keras "
                f"{keras.__version__}. Drop one of the two."
            )


def _check_terms(terms, kept, strategy):
    """Raise when terms, or a replay, can't be played with on several replicas or together."""
    several = strategy.num_replicas_in_sync > 1
    if kept and several:
        raise ValueError(
            "Samples are kept for the discriminator on one device alone: drop `replay`, or the "
            f"strategy. Received: replay={kept.size}, under {_described(strategy)}"
        )
    lazy = [term.name for term in terms if term.reduces and term.interval > 1]
    if lazy and several:
        raise ValueError(
            "A term that takes means over all replicas can't be lazy: replicas don't "
            "communicate within a branch. Use `interval=1`, or one device. Received: "
            f"interval > 1 for {lazy}, under {_described(strategy)}"
        )
    fresh = [term.name for term in terms if term.needs_fresh_fake]
    if kept and fresh:
        raise ValueError(
            "A term that knows the latents or labels of the samples shown, or compares them with "
            "others of near latents, needs new ones: "
            f"drop `replay`, or the term. Received: replay={kept.size}, with the terms {fresh}"
        )


def _described(strategy):
    kind = type(strategy).__name__
    if kind.startswith("_"):  # TensorFlow's name for none.
        return "no strategy"
    count = strategy.num_replicas_in_sync
    return f"{kind} on {count} replica{'s' if count > 1 else ''}"


def _as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]
