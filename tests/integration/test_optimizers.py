"""`model.optimizer` as Keras's own habits use it: both players' optimizers in one."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from tests.integration import small


@pytest.fixture
def model():
    """Return a model with a rate and a state of its own for each player."""
    model = small.gan()
    model.compile(
        generator_optimizer=keras.optimizers.Adam(0.01),
        discriminator_optimizer=keras.optimizers.RMSprop(0.02),
        run_eagerly=True,
    )
    return model


def rates(model):
    return [float(getattr(model, f"{player}_optimizer").learning_rate) for player in small.PLAYERS]


def test_it_is_an_optimizer_with_the_variables_of_both(model):
    assert isinstance(model.optimizer, keras.optimizers.Optimizer)
    assert model.optimizer.built
    both = model.generator_optimizer.variables + model.discriminator_optimizer.variables
    assert [id(v) for v in model.optimizer.variables] == [id(v) for v in both]
    model.fit(small.points(24), batch_size=8, verbose=0)
    assert int(model.optimizer.iterations) == model.steps == 3
    assert model.optimizer.name == "optimizer_pair"


def test_a_rate_is_read_of_the_generator_and_set_of_both(model):
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)
    assert float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)) == pytest.approx(0.01)
    model.optimizer.learning_rate = 0.5
    assert rates(model) == [0.5, 0.5]
    model.optimizer.learning_rate.assign(0.25)
    assert rates(model) == [0.25, 0.25]
    model.optimizer.learning_rate.assign(2 * model.optimizer.learning_rate)
    assert rates(model) == [0.5, 0.5]
    assert model.optimizer.learning_rate.numpy() == np.float32(0.5)


class Finder(keras.callbacks.Callback):
    """A learning-rate finder as one writes it for any Keras model."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        rate = float(self.model.optimizer.learning_rate)
        self.seen.append(rate)
        self.model.optimizer.learning_rate = rate * 2


def test_a_learning_rate_finder_runs_as_it_is(model):
    model.optimizer.learning_rate = 1e-3
    finder = Finder()
    model.fit(small.points(24), batch_size=8, verbose=0, callbacks=[finder])
    assert finder.seen == pytest.approx([1e-3, 2e-3, 4e-3])
    assert rates(model) == pytest.approx([8e-3, 8e-3])


@pytest.mark.parametrize("name", ["clipnorm", "beta_1", "weight_decay", "optimizers"])
def test_other_settings_belong_to_a_player(model, name):
    with pytest.raises(AttributeError, match=rf"set `{name}` of.*model.generator_optimizer"):
        setattr(model.optimizer, name, 1.0)


def test_what_it_has_not_is_told(model):
    with pytest.raises(AttributeError, match=r"no `beta_1`.*model.generator_optimizer"):
        model.optimizer.beta_1  # noqa: B018
    with pytest.raises(NotImplementedError, match="own optimizer"):
        model.optimizer.apply_gradients([(np.zeros(1), model.generator.weights[0])])


def test_a_schedule_is_read_and_not_set(model):
    decay = keras.optimizers.schedules.ExponentialDecay(0.04, 1, 0.5)
    model.compile(discriminator_optimizer=keras.optimizers.Adam(decay))
    assert float(model.optimizer.learning_rate) == pytest.approx(2e-4)
    with pytest.raises(TypeError, match="discriminator's learning rate follows a schedule"):
        model.optimizer.learning_rate = 0.1
    assert rates(model)[0] == pytest.approx(2e-4)
    model.optimizer.learning_rate = decay
    assert rates(model) == pytest.approx([0.04, 0.04])


@pytest.mark.parametrize(
    "wrong", [{}, {"class_name": 3, "config": {}}, {"class_name": "Nope", "config": {}}, 7, "adamm"]
)
@pytest.mark.parametrize("player", small.PLAYERS)
def test_what_is_no_optimizer_is_refused_by_the_name_of_its_argument(player, wrong):
    with pytest.raises(TypeError, match=f"^Expected `{player}_optimizer` to be 'auto'"):
        small.gan().compile("hinge", **{f"{player}_optimizer": wrong})


def test_a_checkpoint_of_tensorflow_is_written_whatever_sets_the_rates(model, tmp_path):
    decay = keras.optimizers.schedules.ExponentialDecay(0.04, 1, 0.5)
    for rate in (0.01, decay):
        model.compile(generator_optimizer=keras.optimizers.Adam(rate), run_eagerly=True)
        float(model.optimizer.learning_rate)
        assert tf.train.Checkpoint(model=model).write(str(tmp_path / "checkpoint"))


def test_replicas_share_the_rates(two_replicas):
    with two_replicas.scope():
        model = small.gan()
        model.compile(run_eagerly=False)
    model.optimizer.learning_rate = 0.125
    model.optimizer.learning_rate.assign(0.25)
    assert float(model.optimizer.learning_rate) == 0.25
    model.summary()
    for player in small.PLAYERS:
        rate = getattr(model, f"{player}_optimizer").learning_rate
        assert [copy.numpy() for copy in rate.value.values] == [0.25, 0.25]


def test_its_config_brings_both_back(model):
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(model.optimizer)
    )
    assert [type(optimizer).__name__ for optimizer in again.optimizers] == ["Adam", "RMSprop"]
    assert float(again.learning_rate) == pytest.approx(0.01)
    assert again.get_config() == model.optimizer.get_config()


def test_averages_of_optimizers_are_taken_at_the_end(model):
    """As any Keras model does when `fit` ends."""
    kept = {"use_ema": True, "ema_momentum": 0.5}
    model.compile(
        generator_optimizer=keras.optimizers.SGD(0.1, **kept),
        discriminator_optimizer=keras.optimizers.SGD(0.1),
        run_eagerly=True,
    )
    seen = []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(model.generator.get_weights()[0])
    )
    model.fit(small.points(16), batch_size=8, verbose=0, callbacks=[note])
    average = 0.5 * seen[0] + 0.5 * seen[1]  # Keras starts it at the first step's values.
    np.testing.assert_allclose(model.generator.get_weights()[0], average, rtol=1e-5)


def test_files_hold_each_optimizer_once(model, tmp_path):
    model.fit(small.points(16), batch_size=8, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras_gan.load_model(tmp_path / "model.keras")
    small.assert_equal_states(small.state(model), small.state(loaded))
    assert rates(loaded) == pytest.approx([0.01, 0.02])


def test_the_summary_shows_networks_and_optimizers(model, capsys):
    lines = []
    model.summary(print_fn=lines.append)
    model.summary()
    for text in ("\n".join(lines), capsys.readouterr().out):
        for part in ("generator", "discriminator", "Adam", "RMSprop", "0.01", "0.02"):
            assert part in text, part


def test_no_file_of_the_old_format(model, tmp_path):
    for name in ("model.h5", "model.hdf5"):
        with pytest.raises(ValueError, match=r"ends in `\.keras`.*Received: .*model\.h"):
            model.save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_settings_are_read_where_both_agree():
    made = [keras.optimizers.AdamW(use_ema=True, clipnorm=1.0, weight_decay=d) for d in (0.1, 0.2)]
    model = small.gan()
    model.compile("hinge", *made)
    assert model.optimizer.use_ema and model.optimizer.clipnorm == 1.0
    assert model.optimizer.global_clipnorm is None
    with pytest.raises(AttributeError, match="has no `weight_decay` of both"):
        _ = model.optimizer.weight_decay
    model.optimizer.exclude_from_weight_decay(var_names=["bias"])
    for player in small.PLAYERS:
        biases = [v for v in getattr(model, player).trainable_variables if "bias" in v.path]
        optimizer = getattr(model, f"{player}_optimizer")
        assert biases and not any(map(optimizer._use_weight_decay, biases))


def test_the_rate_that_is_printed_is_the_generators(model):
    assert repr(model.optimizer.learning_rate) == repr(model.generator_optimizer.learning_rate)


def test_a_ratio_of_two_rates_is_not_lost_without_a_word(model):
    with pytest.warns(UserWarning, match=r"0.01 and 0.02, become the same"):
        model.optimizer.learning_rate = model.optimizer.learning_rate * 0.5
    assert rates(model) == pytest.approx([0.005, 0.005])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model.optimizer.learning_rate = 0.1
        model.optimizer.learning_rate.assign(0.2)
    model.discriminator_optimizer.learning_rate = 0.3
    with pytest.warns(UserWarning, match="become the same"):
        model.optimizer.learning_rate.assign(0.4)
