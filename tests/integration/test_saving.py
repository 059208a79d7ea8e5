"""What a file holds: everything that training needs, and nothing that a wrong file can break."""

import json
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan import latents, losses, terms

from . import small


def decaying(optimizer, rate=0.05):
    return optimizer(keras.optimizers.schedules.ExponentialDecay(rate, 3, 0.9))


# All but one run eagerly: files hold the same, and to trace each model and the one that is loaded
# takes seconds.


def plain():
    model = small.gan()
    model.compile(run_eagerly=True, **small.adams())
    return model, small.points()


def averaged():
    model = small.gan(norm=True)
    ema = keras_gan.GeneratorAverage(half_life=50, ramp_up=0.2)
    model.compile(ema=ema, run_eagerly=True, **small.adams())
    return model, small.points()


def penalized():
    model = small.gan()
    schedule = keras.optimizers.schedules.ExponentialDecay(1.0, 10, 0.5)
    penalty = terms.R1(gamma=0.3, interval=2, schedule=schedule)
    model.compile(terms=[penalty], run_eagerly=True, **small.adams())
    return model, small.points()


def with_dropout():
    model = small.gan(dropout=0.3)
    model.compile(ema=0.9, run_eagerly=True, **small.adams())
    return model, small.points()


def labelled():
    """In a graph."""
    model = small.gan(classes=3)
    model.compile(loss="least_squares", discriminator_steps=2, **small.adams())
    return model, (small.points(), small.labels())


def summed():
    model = small.gan(latents=latents.Uniform(3, low=-2, high=1))
    loss = 0.7 * losses.NonSaturating(label_smoothing=0.1) + 0.3 * losses.LeastSquares(-1, 1, 0)
    model.compile(loss=loss, update="simultaneous", run_eagerly=True, **small.adams())
    return model, small.points()


def truncated():
    model = small.gan(latents=latents.TruncatedNormal(3, threshold=1.5))
    model.compile(loss=losses.Minimax(), metric_samples=10, run_eagerly=True, **small.adams())
    return model, small.points()


def translating():
    """No latents: the condition is an image, which the discriminator sees too."""
    source = keras.Input((4, 4, 1))
    generator = keras.Model(source, keras.layers.Conv2D(1, 3, padding="same")(source))
    seen, judged = keras.Input((4, 4, 1)), keras.Input((4, 4, 1))
    both = keras.layers.Concatenate()([judged, seen])
    patches = keras.layers.Conv2D(1, 3, 2)(both)
    model = keras_gan.GAN(generator, keras.Model([judged, seen], patches), latents=None, seed=3)
    model.compile(ema=0.5, run_eagerly=True, **small.adams())
    images = np.random.default_rng(0).normal(size=(2, 32, 4, 4, 1)).astype("float32")
    return model, tuple(images)


def scheduled():
    model = small.gan()
    model.compile(
        generator_optimizer=decaying(keras.optimizers.RMSprop),
        discriminator_optimizer=decaying(keras.optimizers.Adam, 0.02),
        jit_compile=False,
        run_eagerly=True,
    )
    return model, small.points()


KINDS = [
    averaged,
    penalized,
    with_dropout,
    labelled,
    summed,
    truncated,
    translating,
    scheduled,
]


def batches(arrays, seed=5):
    arrays = arrays if isinstance(arrays, tuple) else (arrays,)
    return keras_gan.datasets.from_arrays(*arrays, batch_size=8, seed=seed)


def train(model, arrays, epochs=1):
    return model.fit(batches(arrays), epochs=epochs, verbose=0)


def configs(model):
    """Return what the constructor and `compile` were given, as plain data."""
    return json.loads(json.dumps([model.get_config(), model.get_compile_config()], default=str))


@pytest.mark.representatives("labelled")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_keras_file_round_trip_goes_on_as_the_original(kind, tmp_path):
    model, arrays = kind()
    train(model, arrays)
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.saving.load_model(path, safe_mode=True)
    assert type(loaded) is keras_gan.GAN
    assert configs(loaded) == configs(model)
    assert repr(loaded.loss) == repr(model.loss)
    assert repr(loaded.latents) == repr(model.latents)
    small.assert_equal_states(small.state(model), small.state(loaded), without=["seed_gen"])
    before = small.state(model)
    train(model, arrays)
    train(loaded, arrays)
    after, continued = small.state(model), small.state(loaded)
    assert any(not np.array_equal(before[name], after[name]) for name in before)
    for name, value in after.items():
        np.testing.assert_allclose(continued[name], value, rtol=2e-5, atol=2e-6, err_msg=name)


def test_the_optimizers_go_on_with_their_schedules(tmp_path):
    model, arrays = scheduled()
    train(model, arrays)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.generator_optimizer, keras.optimizers.RMSprop)
    for player, rate in (("generator", 0.05), ("discriminator", 0.02)):
        optimizer = getattr(loaded, f"{player}_optimizer")
        assert int(optimizer.iterations) == 4
        # 4 steps of a decay of 0.9 every 3 steps.
        assert float(optimizer.learning_rate) == pytest.approx(rate * 0.9 ** (4 / 3), rel=1e-5)


def test_saving_an_uncompiled_model(tmp_path):
    model = small.gan()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert not loaded.compiled
    np.testing.assert_array_equal(loaded.generate(3, seed=0), model.generate(3, seed=0))


@pytest.mark.representatives(1)
@pytest.mark.parametrize("kind", [with_dropout, labelled], ids=lambda kind: kind.__name__)
def test_weights_file_round_trip(kind, tmp_path):
    model, arrays = kind()
    train(model, arrays)
    model.save_weights(tmp_path / "model.weights.h5")
    other, _ = kind()
    assert any(
        not np.array_equal(one, two)
        for one, two in zip(small.weights(model), small.weights(other), strict=True)
    )
    other.load_weights(tmp_path / "model.weights.h5")
    small.assert_equal_states(small.state(model), small.state(other), without=["seed_gen"])
    train(model, arrays)
    train(other, arrays)
    after, continued = small.state(model), small.state(other)
    for name, value in after.items():
        np.testing.assert_allclose(continued[name], value, rtol=2e-5, atol=2e-6, err_msg=name)


def test_a_weights_file_brings_the_random_state(tmp_path):
    first, second = small.gan(seed=1), small.gan(seed=2)
    first.compile()
    second.compile()
    first.save_weights(tmp_path / "model.weights.h5")
    second.load_weights(tmp_path / "model.weights.h5")
    assert int(second.random_state.seed) == 1
    assert second.get_config()["seed"] == 1


@pytest.mark.representatives(2)
@pytest.mark.parametrize(
    "other",
    [{"wide": 5}, {"latent_dim": 4}, {"classes": 3}, {"norm": True}, {"shape": (3,)}],
    ids=str,
)
def test_weights_of_other_networks_change_nothing(other, tmp_path):
    stranger = small.gan(**other)
    stranger.compile(ema=0.9, **small.adams())
    stranger.save_weights(tmp_path / "other.weights.h5")
    model = small.gan()
    model.compile(ema=0.9, **small.adams())
    before = small.state(model)
    with pytest.raises(ValueError, match=r"does not fit this model(?s:.*)keeps the values"):
        model.load_weights(tmp_path / "other.weights.h5")
    small.assert_equal_states(before, small.state(model))


def test_a_damaged_weights_file_changes_nothing(tmp_path):
    path = tmp_path / "model.weights.h5"
    model, _ = plain()
    model.save_weights(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    before = small.state(model)
    with pytest.raises((ValueError, OSError)):
        model.load_weights(path)
    small.assert_equal_states(before, small.state(model))


def test_a_missing_weights_file_is_said_to_be_missing(tmp_path):
    model, _ = plain()
    with pytest.raises(ValueError, match=r"missing\.weights\.h5(?s:.*)there is no such file"):
        model.load_weights(tmp_path / "missing.weights.h5")


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, RuntimeError])
def test_weights_that_are_loaded_halfway_change_nothing(error, tmp_path, monkeypatch):
    model, _ = plain()
    path = tmp_path / "model.weights.h5"
    small.gan(seed=3).save_weights(path)
    before = small.state(model)

    def interrupt(*_):  # The networks are loaded before the optimizers.
        assert not np.array_equal(small.weights(model)[0], before["generator 0"])
        raise error

    monkeypatch.setattr(keras.optimizers.Adam, "load_own_variables", interrupt)
    with pytest.raises(KeyboardInterrupt if error is KeyboardInterrupt else ValueError):
        model.load_weights(path)
    small.assert_equal_states(before, small.state(model))


def test_weights_of_other_optimizers_are_skipped_when_told_to(tmp_path):
    path, (model, _) = tmp_path / "model.weights.h5", plain()
    other = small.gan(seed=3)
    other.compile(run_eagerly=True, **small.sgds())
    other.save_weights(path)
    before = small.state(model)
    with pytest.raises(ValueError, match="Skipping variable loading for optimizer"):
        model.load_weights(path)
    small.assert_equal_states(before, small.state(model))
    with pytest.warns(UserWarning, match="Skipping variable loading for optimizer"):
        model.load_weights(path, skip_mismatch=True)
    for one, two in zip(small.weights(other), small.weights(model), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_remote_file_is_checked_here(tmp_path):
    model, _ = plain()
    model.save(tmp_path / "model.keras")
    tf.io.gfile.copy(str(tmp_path / "model.keras"), "ram://model.keras")
    loaded = keras_gan.load_model("ram://model.keras")
    small.assert_equal_states(small.state(model), small.state(loaded), without=["seed_gen"])
    with tf.io.gfile.GFile("ram://damaged.keras", "wb") as file:
        file.write((tmp_path / "model.keras").read_bytes()[:-100])
    for load in (keras_gan.load_model, model.load_weights):
        with pytest.raises(ValueError, match=r"ram://damaged\.keras(?s:.*)it can't be read"):
            load("ram://damaged.keras")


def test_a_damaged_shard_changes_nothing(tmp_path):
    model, _ = plain()
    model.save_weights(tmp_path / "model.weights.json", max_shard_size=5e-7)
    before = small.state(model)
    shards = sorted(tmp_path.glob("*.h5"))
    assert len(shards) > 1
    content = bytearray(shards[-1].read_bytes())
    content[-1] ^= 1
    shards[-1].write_bytes(content)
    with pytest.raises(ValueError, match="the checksum differs"):
        model.load_weights(tmp_path / "model.weights.json")
    small.assert_equal_states(before, small.state(model))


@pytest.mark.representatives(".keras")
@pytest.mark.parametrize("ending", [".keras", ".weights.h5"])
def test_an_interrupted_save_leaves_the_last_file_whole(ending, tmp_path, monkeypatch):
    path = tmp_path / f"model{ending}"
    model, arrays = plain()
    save = model.save if ending == ".keras" else model.save_weights
    save(path)
    content = path.read_bytes()
    kept = small.state(model)
    train(model, arrays)

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    # The last thing that Keras writes of either player's state.
    monkeypatch.setattr(keras.optimizers.Adam, "save_own_variables", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(path)
    monkeypatch.undo()
    assert path.read_bytes() == content
    assert os.listdir(tmp_path) == [path.name]
    other, _ = plain()
    other.load_weights(path)
    small.assert_equal_states(kept, small.state(other))


@pytest.mark.slow
def test_ctrl_c_during_fit_leaves_the_last_checkpoint_whole(tmp_path, monkeypatch):
    path = tmp_path / "model.keras"
    model, arrays = plain()
    states = []

    def epoch_end(epoch, logs):
        states.append(small.state(model))
        if epoch == 1:
            monkeypatch.setattr(keras.optimizers.Adam, "save_own_variables", interrupt)

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    callbacks = [
        keras.callbacks.LambdaCallback(on_epoch_end=epoch_end),
        keras.callbacks.ModelCheckpoint(path),
    ]
    with pytest.raises(KeyboardInterrupt):
        model.fit(batches(arrays), epochs=3, callbacks=callbacks, verbose=0)
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["model.keras"]
    small.assert_equal_states(states[0], small.state(keras.saving.load_model(path)))


def test_save_does_not_overwrite_when_told_not_to(tmp_path, monkeypatch):
    path = tmp_path / "model.keras"
    path.write_bytes(b"precious")
    monkeypatch.setattr("builtins.input", lambda *_: "n")
    model, _ = plain()
    model.save(path, overwrite=False)
    assert path.read_bytes() == b"precious"


def test_tf_checkpoint_restores_both_optimizers(tmp_path):
    model, arrays = with_dropout()
    train(model, arrays)
    path = tf.train.Checkpoint(model=model).write(str(tmp_path / "checkpoint"))
    other, _ = with_dropout()
    tf.train.Checkpoint(model=other).read(path).assert_existing_objects_matched()
    small.assert_equal_states(small.state(model), small.state(other), without=["seed_gen"])
    assert int(other.discriminator_optimizer.iterations) == 4


def test_sharded_weights_are_whole(tmp_path):
    """`max_shard_size` writes several files: all of them under the names that were asked for."""
    model, _ = plain()
    path = tmp_path / "model.weights.json"
    model.save_weights(path, max_shard_size=1e-6)
    other = small.gan(seed=9)
    other.compile(**small.adams())
    other.load_weights(path)
    small.assert_equal_states(small.state(model), small.state(other))


def test_saves_do_not_make_optimizers_to_look_at(tmp_path, monkeypatch):
    """Keras does at every save, and their variables are never freed: a leak in long runs."""
    model = small.gan()
    model.compile(**small.adams())
    made, init = [], keras.optimizers.Optimizer.__init__

    def noted(self, *args, **kwargs):
        made.append(self)
        init(self, *args, **kwargs)

    monkeypatch.setattr(keras.optimizers.Optimizer, "__init__", noted)
    keras.optimizers.SGD()
    assert len(made) == 1
    model.save_weights(tmp_path / "second.weights.h5")
    model.save(tmp_path / "third.keras")
    model.load_weights(tmp_path / "second.weights.h5")
    assert len(made) == 1
