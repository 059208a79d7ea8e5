"""MirroredStrategy on two logical CPUs: one model, trained as one device would."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan

from . import small


def replicas(variable):
    """Return a variable's value on each replica."""
    value = getattr(variable, "value", variable)
    values = getattr(value, "values", None)
    assert values is not None and len(values) == 2, f"{variable} is not mirrored"
    return [v.numpy() for v in values]


def mirrored_variables(model):
    """Return what training keeps equal on all replicas."""
    return [
        *model.generator.weights,
        *model.discriminator.weights,
        *model.average.network.weights,
        *model.generator_optimizer.variables,
        *model.discriminator_optimizer.variables,
        *model.random_state.variables,
    ]


class Draws(keras_gan.terms.Term):
    """Keep each replica's latents and the mask of a Dropout of ones, as the critic saw them."""

    def __init__(self, weight=0.0, name="draws", **kwargs):
        super().__init__(weight=weight, name=name, **kwargs)
        # Their bits, as integers: what is float in a term is averaged over the replicas.
        bits = {"initializer": "zeros", "dtype": "int32", "trainable": False}
        self.seen = self.add_weight(shape=(4, 3), name="seen", **bits)
        self.mask = self.add_weight(shape=(4, 4), name="mask", **bits)

    def discriminator_term(self, step):
        self.seen.assign(tf.bitcast(step.latents, tf.int32))
        dropout = next(
            layer for layer in step.discriminator.layers if isinstance(layer, keras.layers.Dropout)
        )
        self.mask.assign(tf.bitcast(dropout(tf.ones((4, 4)), training=True), tf.int32))
        return step.real_logits


def mirrored(strategy, terms=(), seed=7, optimizers=small.adams, **networks):
    """Return a GAN made and compiled in a strategy's scope, with an average."""
    with strategy.scope():
        model = small.gan(seed=seed, **networks)
        model.compile(ema=0.9, terms=terms, **optimizers())
    return model


@pytest.fixture(scope="module")
def trained(two_replicas):
    """Return a model with everything that has state, after 2 epochs on 2 replicas."""
    with two_replicas.scope():
        draws = Draws()
    model = mirrored(two_replicas, ["r1", draws], norm=True, dropout=0.5)
    data = keras_gan.datasets.from_arrays(small.points(), batch_size=8, seed=1)
    history = model.fit(data, epochs=2, validation_data=small.points(8), verbose=0)
    return model, history.history


@pytest.mark.slow
def test_trains_with_finite_logs(trained):
    model, history = trained
    assert {"d_loss", "g_loss", "real_score", "fake_score", "js", "r1"} <= history.keys()
    assert {"val_d_loss", "val_g_loss", "val_js"} <= history.keys()
    assert np.isfinite(list(history.values())).all()
    # 2 epochs of 4 steps, counted once however many replicas take them.
    assert model.random_state.step.numpy() == 8
    for player in small.PLAYERS:
        assert getattr(model, f"{player}_optimizer").iterations.numpy() == 8


def test_logs_are_not_divided_by_the_replicas(trained):
    _, history = trained
    # At the start logits are small: d_loss near 2 log 2 and g_loss near log 2, not half of it.
    assert history["d_loss"][0] == pytest.approx(2 * np.log(2), abs=0.5)
    assert history["js"][0] == pytest.approx(np.log(2) - history["d_loss"][0] / 2, abs=1e-5)
    assert history["val_js"][0] == pytest.approx(np.log(2) - history["val_d_loss"][0] / 2, abs=1e-5)


def test_replicas_stay_bit_identical(trained):
    model, _ = trained
    for variable in mirrored_variables(model):
        first, second = replicas(variable)
        np.testing.assert_array_equal(first, second, err_msg=variable.path)


def test_latents_and_dropout_masks_differ_between_replicas(trained):
    model, _ = trained
    draws = model.terms[1]
    for variable in (draws.seen, draws.mask):
        first, second = replicas(variable)
        assert first.any() and second.any()
        assert not np.array_equal(first, second), variable.name
    latents = np.concatenate(replicas(draws.seen))
    assert len(np.unique(latents)) == latents.size


def test_a_mirrored_model_is_saved_loaded_and_sampled_as_one(trained, tmp_path):
    model, _ = trained
    model.save(tmp_path / "model.keras")
    custom = {"Draws": Draws}
    loaded = keras.saving.load_model(tmp_path / "model.keras", custom_objects=custom)
    for one, other in zip(mirrored_variables(model), mirrored_variables(loaded), strict=True):
        np.testing.assert_array_equal(one, other, err_msg=one.path)
    np.testing.assert_allclose(
        model.generate(5, seed=0), loaded.generate(5, seed=0), rtol=1e-6, atol=1e-6
    )


def conditional(strategy, **options):
    """Return a compiled GAN of fixed latents: they come with the data.

    On one device, where it is what the replicas are compared with, it runs eagerly.
    """
    with strategy.scope():
        generator, _ = small.networks()
        samples, z = keras.Input((2,)), keras.Input((3,))
        hidden = keras.layers.Dense(4, activation="tanh")(keras.layers.Concatenate()([samples, z]))
        critic = keras.Model([samples, z], keras.layers.Dense(1)(hidden))
        model = keras_gan.GAN(generator, critic, latents=None, seed=0)
        for i, weight in enumerate(model.weights[: len(generator.weights + critic.weights)]):
            if "float" in weight.dtype:
                values = np.random.default_rng(i).normal(size=weight.shape)
                weight.assign(values.astype("float32"))
        eager = strategy.num_replicas_in_sync == 1
        model.compile(**{**small.sgds(0.5), "run_eagerly": eager, **options})
    return model


@pytest.mark.representatives("alternating")
@pytest.mark.parametrize(
    "options",
    [
        {"terms": ["r1"], "ema": 0.5},
        {"terms": ["r1"], "update": "simultaneous"},
        {"discriminator_steps": 2},
    ],
    ids=["alternating", "simultaneous", "two steps"],
)
def test_one_step_on_two_replicas_is_one_step_on_one_device(two_replicas, options):
    steps = options.get("discriminator_steps", 1)
    x, z = small.points(8 * steps), np.random.default_rng(1).normal(size=(8 * steps, 3))
    data = tf.data.Dataset.from_tensor_slices((x, z.astype("float32")))
    data = data.batch(8, drop_remainder=True)
    strategies = tf.distribute.get_strategy(), two_replicas
    models = [conditional(strategy, **options) for strategy in strategies]
    before = small.weights(models[0])
    histories = [model.fit(data, verbose=0).history for model in models]
    assert any(
        np.abs(a - b).max() > 1e-3 for a, b in zip(before, small.weights(models[0]), strict=True)
    )
    for one, two in zip(small.weights(models[0]), small.weights(models[1]), strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-6)
    if "ema" in options:
        pairs = zip(*(m.average.network.weights for m in models), strict=True)
        for one, two in pairs:
            np.testing.assert_allclose(one, two, rtol=0, atol=1e-6)
    assert histories[0].keys() == histories[1].keys()
    for key, values in histories[0].items():
        np.testing.assert_allclose(values, histories[1][key], rtol=0, atol=1e-6, err_msg=key)


@pytest.mark.parametrize(
    "options, texts",
    [
        ({"jit_compile": True}, ["jit_compile=True", "MirroredStrategy"]),
        ({"steps_per_execution": 2}, ["steps_per_execution=2", "MirroredStrategy"]),
    ],
    ids=["jit_compile", "steps_per_execution"],
)
def test_combinations_that_keras_cannot_run_are_refused(two_replicas, options, texts):
    with two_replicas.scope():
        model = small.gan()
    with pytest.raises(ValueError) as caught:
        model.compile(**options)
    assert all(text in str(caught.value) for text in texts)
    assert not model.compiled


@pytest.mark.slow
def test_datasets_that_are_distributed_already(two_replicas):
    """They train; several of their batches can't be put together for one step."""

    def share(context):
        return tf.data.Dataset.from_tensor_slices(small.points(16)).batch(4)

    with two_replicas.scope():
        model = small.gan()
        model.compile(**small.adams())
    model.fit(two_replicas.distribute_datasets_from_function(share), verbose=0)
    assert model.steps == 2
    with two_replicas.scope():
        model.compile(**small.adams(), discriminator_steps=2)
    with pytest.raises(ValueError, match="discriminator_steps=2"):
        model.fit(two_replicas.distribute_datasets_from_function(share), verbose=0)
    assert model.steps == 2


@pytest.fixture
def float16():
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy("float32")


def linear(strategy, optimizers):
    """Return a GAN with a linear critic, whose gradient is the mean of what it is shown."""
    with strategy.scope():
        generator, _ = small.networks()
        critic = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        critic.set_weights([np.full((2, 1), -0.1), np.zeros(1)])
        model = keras_gan.GAN(generator, critic, seed=0)
        model.compile(**optimizers())
    return model


@pytest.mark.slow
def test_an_overflow_on_any_replica_is_one_on_all(two_replicas, float16):
    model = linear(two_replicas, small.adams)
    model.fit(small.points(8), batch_size=8, verbose=0)
    before = small.weights(model)
    for broken in (0, 1):
        x = small.points(8)
        x[4 * broken : 4 * broken + 4] = 6e4  # Times the loss scale, that is beyond float16.
        history = model.fit(x, batch_size=8, shuffle=False, verbose=0).history
        assert np.isfinite(history["d_loss"]).all()
        generator, critic = model.generator_optimizer, model.discriminator_optimizer
        # Each overflow halves the scale.
        assert replicas(critic.dynamic_scale) == [2.0 ** (14 - broken)] * 2
        assert replicas(critic.inner_optimizer.iterations) == [1, 1]
        # The generator's gradient has nothing to do with the real samples.
        assert replicas(generator.dynamic_scale) == [2.0**15] * 2
        assert replicas(generator.inner_optimizer.iterations) == [2 + broken] * 2
        for weight, old in zip(model.discriminator.weights, before[-2:], strict=True):
            np.testing.assert_array_equal(replicas(weight), [old, old], err_msg=weight.path)
        for variable in (*model.generator.weights, *generator.variables, *critic.variables):
            first, second = replicas(variable)
            assert np.isfinite(first).all(), variable.path
            np.testing.assert_array_equal(first, second, err_msg=variable.path)


@pytest.mark.slow
def test_float16_on_two_replicas_is_float16_on_one_device(two_replicas, float16):
    """A loss scale that is forgotten, or applied once for each replica, changes the update."""
    x, z = small.points(8), np.random.default_rng(1).normal(size=(8, 3)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((x, z)).batch(8, drop_remainder=True)
    moves = []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            scaled = {
                name: keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=2.0**8)
                for name, optimizer in small.sgds(0.5).items()
            }
        model = conditional(strategy, terms=["r1"], **scaled)
        before = small.weights(model)
        model.fit(data, verbose=0)
        moves.append([a - b for a, b in zip(small.weights(model), before, strict=True)])
    for one, two in zip(*moves, strict=True):
        largest = np.abs(one).max()
        assert largest > 1e-3
        np.testing.assert_allclose(two, one, rtol=0, atol=0.02 * largest)


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["clipnorm", "global_clipnorm"])
def test_clipping_is_of_the_whole_gradient(two_replicas, limit):
    """Each replica's share by itself would be clipped less, or not at all."""
    weights = []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        x, z = small.points(8), np.random.default_rng(1).normal(size=(8, 3)).astype("float32")
        data = tf.data.Dataset.from_tensor_slices((x, z)).batch(8)
        with strategy.scope():
            optimizers = {
                f"{player}_optimizer": keras.optimizers.SGD(1.0, **{limit: 0.01})
                for player in small.PLAYERS
            }
        model = conditional(strategy, **optimizers)
        before = small.weights(model)
        model.fit(data, verbose=0)
        weights.append(small.weights(model))
        moved = sum(np.sum((a - b) ** 2) for a, b in zip(before, weights[-1], strict=True))
        assert 0.005 < np.sqrt(moved) < 0.04
    for one, two in zip(*weights, strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_a_ragged_last_batch_trains(two_replicas):
    """The last batch of 9 by 4 is one sample: nothing for the second replica."""
    model = mirrored(two_replicas, ["r1"])
    for size in (9, 10, 7):
        data = tf.data.Dataset.from_tensor_slices(small.points(size)).batch(4)
        history = model.fit(data, validation_data=data, verbose=0).history
        assert np.isfinite(list(history.values())).all(), (size, history)
        for variable in mirrored_variables(model):
            first, second = replicas(variable)
            assert np.isfinite(first).all(), (size, variable.path)
            np.testing.assert_array_equal(first, second, err_msg=f"{size} {variable.path}")


def test_optimizers_made_outside_the_scope_are_refused(two_replicas):
    """Their rate and count would live on one device, and fail in the middle of tracing."""
    with two_replicas.scope():
        model = small.gan()
    with pytest.raises(ValueError, match=r"outside the strategy's scope.*MirroredStrategy"):
        model.compile(**small.adams(0.01))


@pytest.mark.slow
def test_each_epoch_sees_its_own_order(two_replicas):
    epochs = []

    def batches(epoch, _):
        def note(epoch):
            epochs.append(int(epoch))
            return np.float32(epoch)

        value = tf.numpy_function(note, [epoch], tf.float32)
        return tf.data.Dataset.from_tensors(tf.fill((4, 2), value))

    data = keras_gan.datasets.epochs.seekable(batches, steps=1)
    model, seen = mirrored(two_replicas), []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epochs[-1]))
    model.fit(data, epochs=5, initial_epoch=2, callbacks=[note], verbose=0)
    assert seen == [2, 3, 4]
    data.seek(9)
    next(iter(data))
    model.fit(data, epochs=1, callbacks=[note], verbose=0)
    assert seen == [2, 3, 4, 0]
