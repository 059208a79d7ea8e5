"""Networks trained for three steps, and what must hold of all of them then."""

import contextlib

import keras
import numpy as np
import tensorflow as tf

import keras_gan
from keras_gan.data.sampling import NO_TRUNCATION, truncated_by
from tests.integration import small
from tests.integration.seeding import seeded
from tests.precision import precision

STEPS, BATCH = 3, 4
# Levels of 256 by which two graphs may differ on one seed, by what the network computes in.
ROUNDING = {"float32": 1, "mixed_bfloat16": 4}


def examples(image_shape, num_classes=None, steps=STEPS):
    """Return random images, and labels where there are classes, for so many steps."""
    count = steps * BATCH
    images = np.random.default_rng(0).uniform(-1, 1, (count, *image_shape)).astype("float32")
    return (images,) if num_classes is None else (images, small.labels(count, num_classes))


def game(build, policy="float32", strategy=None, **options):
    """Return a compiled GAN.

    Args:
        build: function that returns a generator and a discriminator.
        policy: the dtype policy that they are built under.
        strategy: that of `tf.distribute` to build them in.
        options: of `compile`, and the `latents` of the GAN.
    """
    latents = {"latents": options.pop("latents")} if "latents" in options else {}
    with precision(policy), strategy.scope() if strategy else contextlib.nullcontext():
        seeded(0)
        model = keras_gan.GAN(*build(), seed=0, **latents)
        model.compile(**{"loss": "non_saturating", "terms": ["r1"], **small.adams(1e-3), **options})
    return model


def trained(model, data, frozen=()):
    """Train for the steps of the data; logs and weights stay finite, and every weight moves.

    Args:
        model: a compiled GAN.
        data: what `examples` returned.
        frozen: parts of the paths of trainable weights that need not move.
    """
    weights = model.generator.trainable_weights + model.discriminator.trainable_weights
    before = [keras.ops.convert_to_numpy(weight) for weight in weights]
    history = model.fit(*data, batch_size=BATCH, shuffle=False, verbose=0).history
    assert np.isfinite(list(history.values())).all(), history
    for old, weight in zip(before, weights, strict=True):
        new = keras.ops.convert_to_numpy(weight)
        assert np.isfinite(new).all(), weight.path
        assert weight.dtype == "float32", weight.path
        moved = not np.array_equal(old, new)
        assert moved or any(part in weight.path for part in frozen), weight.path
    return model


def assert_saved_and_resumed(model, data, directory, condition=None):
    """Assert that a model that is loaded makes the same samples, and trains on to the same bits.

    Args:
        model: a trained GAN.
        data: what it was trained on.
        directory: where to save it.
        condition: of three samples; by default class 1, where there are classes.
    """
    model.save(directory / "model.keras")
    loaded = keras.saving.load_model(directory / "model.keras")
    np.testing.assert_array_equal(samples(loaded, condition), samples(model, condition))
    for each in (model, loaded):
        each.fit(*data, batch_size=BATCH, shuffle=False, verbose=0)
    # An average's own seeds are never drawn from.
    states = small.state(model), small.state(loaded)
    seeds = [name for name in states[0] if name.startswith("average") and "seed" in name]
    small.assert_equal_states(*states, without=seeds)


def assert_exported(model, directory, policy="float32"):
    """Assert that an export makes the images of the seeds, in [-1, 1] as levels of 256."""
    served = tf.saved_model.load(model.export(str(directory))).signatures["sample"]
    given = {"seed": tf.constant([5, 6, 7], tf.int64)}
    inputs = served.structured_input_signature[1]
    if "truncation" in inputs:
        given["truncation"] = tf.constant([NO_TRUNCATION[truncated_by(model)]])
    if "condition" in inputs:
        given["condition"] = tf.constant([1, 1, 1])
    levels = served(**given)["images"].numpy().astype("int32")
    expected = np.clip(np.round((samples(model) + 1) * 127.5), 0, 255)
    assert np.abs(levels - expected).max() <= ROUNDING[policy]
    assert np.abs(levels[0] - levels[1]).max() > 2 * ROUNDING[policy], "all seeds make one image"


def assert_equal_replicas(model):
    """Assert that all weights and all state of the optimizers are equal on both replicas."""
    optimizers = model.generator_optimizer, model.discriminator_optimizer
    state = [variable for optimizer in optimizers for variable in optimizer.variables]
    for variable in (*model.generator.weights, *model.discriminator.weights, *state):
        value = getattr(variable, "value", variable)
        first, second = (copy.numpy() for copy in value.values)
        np.testing.assert_array_equal(first, second, err_msg=variable.path)


def samples(model, condition=None):
    """Return the samples of seeds 5 to 7; where there are classes, of class 1 or those given."""
    condition = 1 if condition is None and model.conditional else condition
    return model.generate(3, seed=5, condition=condition)
