"""What DivergenceGuard notices, what it puts back, and that it leaves healthy runs alone."""

import os
import warnings

import keras
import numpy as np
import pytest
from played import FakeGAN, play

import keras_gan
from keras_gan.callbacks import DivergenceGuard, DivergenceWarning
from tests.integration import small
from tests.integration.seeding import seeded

# Of several warnings, the tests look for one.
pytestmark = pytest.mark.filterwarnings("ignore::keras_gan.callbacks.DivergenceWarning")

STEPS = 4  # in an epoch


def data(batch_size=8):
    return keras_gan.datasets.from_arrays(small.points(), batch_size=batch_size, seed=1)


def compiled(**options):
    model = small.gan(dropout=0.2, norm=True)
    model.compile(**{**small.adams(0.01), "ema": 0.9, **options})
    return model


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Return one model for many tests, and the file of the state that each starts from."""
    model, path = compiled(), str(tmp_path_factory.mktemp("initial") / "initial.weights.h5")
    model.save_weights(path)
    return model, path


@pytest.fixture
def model(shared):
    model, path = shared
    model.load_weights(path)
    return model


class Poison(keras.callbacks.Callback):
    """Write a value into a variable after chosen steps, given as `(epoch, step)` from 1."""

    def __init__(self, *moments, variable=None, value=np.nan):
        super().__init__()
        self.moments = moments
        self.variable = variable or (lambda model: model.discriminator.weights[0])
        self.value = value
        self.epoch = None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch + 1

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch + 1) in self.moments:
            variable = self.variable(self.model)
            variable.assign(np.full(variable.shape, self.value, np.float32))


class Remember(keras.callbacks.Callback):
    """Keep the state and the learning rates in which each epoch begins, from epoch 1."""

    def __init__(self):
        super().__init__()
        self.states, self.rates = {}, {}

    def on_epoch_begin(self, epoch, logs=None):
        self.states[epoch + 1] = small.state(self.model)
        self.rates[epoch + 1] = rates(self.model)


def rates(model):
    optimizers = model.generator_optimizer, model.discriminator_optimizer
    return [float(small.to_numpy(optimizer.learning_rate)) for optimizer in optimizers]


def fit(model, *callbacks, epochs=4, warns=None, **options):
    """Return the history of a run that warns as expected, or not at all."""
    options = {"epochs": epochs, "callbacks": list(callbacks), "verbose": 0, **options}
    if warns is None:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DivergenceWarning)
            return model.fit(data(), **options).history
    with pytest.warns(DivergenceWarning, match=warns):
        return model.fit(data(), **options).history


def is_finite(model):
    return all(np.isfinite(value).all() for value in small.state(model).values())


@pytest.mark.slow
def test_a_healthy_run_is_left_alone(tmp_path, shared):
    model, path = shared
    states, histories = [], []
    for guard in (None, DivergenceGuard(tmp_path, rollbacks=3)):
        model.load_weights(path)
        histories.append(fit(model, *([guard] if guard else []), epochs=3))
        states.append(small.state(model))
    small.assert_equal_states(*states)
    assert histories[0] == histories[1]
    assert guard.divergences == []
    # The last epoch's state counts too, though no step came after it.
    model.load_weights(path)
    model.load_weights(tmp_path / "last_good.weights.h5")
    small.assert_equal_states(small.state(model), states[0])


def test_nan_stops_and_puts_the_last_good_state_back(tmp_path, shared, model):
    guard, remember = DivergenceGuard(tmp_path / "guard"), Remember()
    text = r"epoch 3, step 3: d_loss is nan.*back in its state after epoch 2.*stops.*learning rate"
    history = fit(model, guard, remember, Poison((3, 2)), warns=text)
    small.assert_equal_states(small.state(model), remember.states[3])
    assert model.steps == 2 * STEPS
    assert len(history["d_loss"]) == 3
    assert np.isfinite(list(history.values())).all()
    ((epoch, step, figure, value, limit, rolled_back),) = guard.divergences
    assert (epoch, step, figure, rolled_back) == (3, 3, "d_loss", False)
    assert np.isnan(value)
    assert limit == 1000 * max(1, *history["d_loss"][:2])
    assert os.listdir(tmp_path / "guard") == ["last_good.weights.h5"]
    model.load_weights(shared[1])
    model.load_weights(tmp_path / "guard" / "last_good.weights.h5")
    small.assert_equal_states(small.state(model), remember.states[3])


def test_figures_of_a_stopped_epoch_are_those_before_the_divergence(model):
    seen = {}

    def look(batch, logs):
        seen[batch] = logs

    before = keras.callbacks.LambdaCallback(on_train_batch_end=look)
    history = fit(model, before, DivergenceGuard(), Poison((2, 2)), warns="epoch 2, step 3")
    assert np.isnan(seen[2]["d_loss"])
    assert {key: values[1] for key, values in history.items()} == seen[1]


@pytest.mark.slow
def test_what_an_epochs_last_step_broke_is_not_good(model):
    # Finite weights, so that only the next step's loss can tell.
    poison = Poison((2, STEPS), variable=lambda m: m.discriminator.weights[-1], value=1e30)
    remember = Remember()
    history = fit(model, DivergenceGuard(), remember, poison, warns="epoch 3, step 1:")
    small.assert_equal_states(small.state(model), remember.states[2])
    # No step of epoch 3 was good: it has no figures.
    assert np.isfinite(history["d_loss"][:2]).all()
    assert all(np.isnan(values[2]) for values in history.values())


@pytest.mark.representatives(1)
@pytest.mark.parametrize(
    ("variable", "value", "name"),
    [
        (lambda model: model.generator.weights[5], np.inf, "generator's weights"),
        (lambda model: model.average.network.weights[0], np.nan, "averaged generator's weights"),
        # Its weights stand still from then on, and no loss ever tells.
        (lambda model: model.discriminator_optimizer.variables[3], np.inf, "discriminator's opt"),
    ],
)
def test_broken_weights_are_found_before_validation(model, variable, value, name):
    guard, remember = DivergenceGuard(), Remember()
    history = fit(
        model,
        guard,
        remember,
        Poison((2, STEPS), variable=variable, value=value),
        validation_data=small.points(8, seed=2),
        warns=f"epoch 2, step {STEPS}: .*NaN or infinity in the {name}.*after epoch 1",
    )
    small.assert_equal_states(small.state(model), remember.states[2])
    assert len(history["val_d_loss"]) == 2
    assert np.isfinite(list(history.values())).all()


@pytest.mark.slow
def test_broken_weights_are_found_without_validation(model):
    remember, guard = Remember(), DivergenceGuard(rollbacks=1)
    history = fit(model, guard, remember, Poison((2, STEPS)), epochs=3, warns="goes on")
    assert model.steps == 2 * STEPS
    without = ["iteration", "optimizer 1"]  # The learning rates are lower.
    small.assert_equal_states(remember.states[3], remember.states[2], without=without)
    assert remember.states[3]["random_state 1 step"] == STEPS
    assert len(history["d_loss"]) == 3
    assert np.isfinite(list(history.values())).all()


@pytest.mark.slow
def test_a_rollback_goes_on_at_lower_rates(model):
    guard, remember = DivergenceGuard(rollbacks=2, learning_rate_factor=0.1), Remember()
    text = r"after epoch 1, and training goes on \(rollback 1 of 2\) at learning rates of 0.001 and"
    history = fit(model, guard, remember, Poison((2, 1)), warns=text)
    np.testing.assert_allclose(rates(model), [0.001, 0.001], rtol=1e-6)
    # Epoch 2 has lost two of its steps, the good one before the poison and the broken one.
    assert model.steps == (4 - 1) * STEPS + 2
    assert remember.states[3]["random_state 1 step"] == STEPS + 2
    assert np.isfinite(list(history.values())).all()
    assert is_finite(model)
    assert [found.rolled_back for found in guard.divergences] == [True]


def test_rollbacks_to_the_same_state_go_lower_each_time_and_end(model):
    guard, remember = DivergenceGuard(rollbacks=2), Remember()
    poison = Poison((2, 1), (2, 3), (3, 1))
    history = fit(model, remember, guard, poison, warns=r"\(rollback 2 of 2\)")
    np.testing.assert_allclose(remember.rates[3], [0.0025, 0.0025], rtol=1e-6)
    assert [found.rolled_back for found in guard.divergences] == [True, True, False]
    assert [found[:2] for found in guard.divergences] == [(2, 2), (2, 4), (3, 2)]
    # Nothing of epoch 2 was left after its last rollback, so the good state is that of epoch 1.
    without = ["iteration", "seed"]
    small.assert_equal_states(small.state(model), remember.states[2], without=without)
    assert len(history["d_loss"]) == 3
    assert np.isfinite(history["d_loss"]).all()


@pytest.mark.slow
def test_each_fit_has_its_own_rollbacks(model):
    guard = DivergenceGuard(rollbacks=1)
    for _ in range(2):
        fit(model, guard, Poison((2, 1)), epochs=2, warns="goes on")
        assert len(guard.divergences) == 1


def diverging(rate, seed=0):
    seeded(seed)
    model = small.gan(wide=16)
    model.compile("least_squares", **small.sgds(rate))
    return model


@pytest.mark.slow
def test_a_huge_rate_diverges_and_is_rolled_back_until_it_trains(tmp_path):
    model, path = diverging(50.0), tmp_path / "initial.weights.h5"
    model.save_weights(path)
    assert not np.isfinite(fit(model, epochs=6)["d_loss"]).all()
    model.load_weights(path)
    guard = DivergenceGuard(rollbacks=20, learning_rate_factor=0.1)
    history = fit(model, guard, epochs=6, warns="epoch 1.*before training")
    assert len(guard.divergences) > 1
    assert all(found.rolled_back for found in guard.divergences)
    np.testing.assert_allclose(rates(model), [50 * 0.1 ** len(guard.divergences)] * 2, rtol=1e-5)
    assert np.isfinite(list(history.values())).all()
    # At equilibrium it is 1/4.
    assert history["d_loss"][-1] < 0.5
    assert is_finite(model)


def test_a_huge_rate_stops_in_the_first_epoch():
    guard, model = DivergenceGuard(), diverging(50.0)
    before = small.state(model)
    history = fit(model, guard, warns="epoch 1.*before training, and training stops")
    small.assert_equal_states(small.state(model), before)
    assert np.isfinite(history["d_loss"]).all()


@pytest.mark.slow
def test_several_steps_in_one_call_and_several_batches_in_one_step():
    model = compiled(discriminator_steps=2, steps_per_execution=2)
    guard, remember = DivergenceGuard(rollbacks=1), Remember()
    arrays = {"batch_size": 2, "shuffle": False, "verbose": 0, "epochs": 3}
    with pytest.warns(DivergenceWarning, match="epoch 2, step 4: d_loss is nan"):
        history = model.fit(
            small.points(), callbacks=[guard, remember, Poison((2, 2))], **arrays
        ).history
    assert model.steps == (3 - 1) * 8 + 4
    np.testing.assert_allclose(rates(model), [0.005, 0.005], rtol=1e-6)
    assert np.isfinite(list(history.values())).all()


@pytest.mark.slow
def test_two_replicas(two_replicas, tmp_path):
    with two_replicas.scope():
        model = compiled()
    guard, remember = DivergenceGuard(tmp_path, rollbacks=1), Remember()
    history = fit(model, guard, remember, Poison((2, 1), (3, 1)), warns="stops")
    assert [found[:2] for found in guard.divergences] == [(2, 2), (3, 2)]
    np.testing.assert_allclose(remember.rates[3], [0.005, 0.005], rtol=1e-6)
    small.assert_equal_states(small.state(model), remember.states[3])
    for variable in (model.discriminator.weights[0], model.generator_optimizer.learning_rate):
        one, other = (value.numpy() for value in variable.value.values)
        np.testing.assert_array_equal(one, other)
    assert np.isfinite(list(history.values())).all()


def test_only_the_chief_writes_into_the_directory(tmp_path):
    class Worker:
        class extended:
            should_checkpoint = False

    worker, chief = FakeGAN(), FakeGAN()
    worker.distribute_strategy = Worker
    for model in (worker, chief):
        play(DivergenceGuard(tmp_path / "guard"), [1.0], model=model)
    assert set(chief.files) == {str(tmp_path / "guard")}
    assert len(set(worker.files)) == 1 and not str(worker.files[0]).startswith(str(tmp_path))


def test_temporary_files_are_removed():
    model = FakeGAN()
    play(DivergenceGuard(), [1.0], model=model)
    (directory,) = set(model.files)
    assert not os.path.exists(directory)


@pytest.mark.slow
def test_it_goes_back_to_what_backup_and_restore_has_loaded(tmp_path, shared, model):
    backup = {"backup_dir": str(tmp_path / "backup"), "delete_checkpoint": False}
    fit(model, keras.callbacks.BackupAndRestore(**backup), epochs=2)
    trained, restored = small.state(model), []
    model.load_weights(shared[1])
    guard = DivergenceGuard(rollbacks=1, learning_rate_factor=1)

    def look(batch, logs):
        if guard.divergences and not restored:
            restored.append(small.state(model))

    look = keras.callbacks.LambdaCallback(on_train_batch_end=look)
    callbacks = [guard, keras.callbacks.BackupAndRestore(**backup), look, Poison((3, 1))]
    fit(model, *callbacks, epochs=3, warns="epoch 3, step 2.*before training")
    small.assert_equal_states(restored[0], trained)


def test_a_model_that_is_broken_already_is_refused(model):
    weight = model.generator.weights[0]
    weight.assign(np.full(weight.shape, np.nan))
    with pytest.raises(ValueError, match=r"finite values to start from.*in the generator's weight"):
        fit(model, DivergenceGuard())


def test_rates_of_a_schedule_are_refused_or_left():
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    text = r"pass `learning_rate_factor=1`.*Received: learning_rate_factor=0.5, .*ExponentialDecay"
    with pytest.raises(ValueError, match=text):
        play(DivergenceGuard(rollbacks=1), model=FakeGAN(rate))
    guards = DivergenceGuard(rollbacks=1, learning_rate_factor=1), DivergenceGuard()
    for guard in guards:
        with pytest.warns(DivergenceWarning):
            assert len(play(guard, [1e7], model=FakeGAN(rate))) == 1


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"rollbacks": -1}, "`rollbacks`.*at least 0.*Received: rollbacks=-1"),
        ({"rollbacks": 1.5}, "`rollbacks`.*whole number"),
        ({"learning_rate_factor": 0}, "above 0 and at most 1. Received: learning_rate_factor=0"),
        ({"learning_rate_factor": 1.1}, "Received: learning_rate_factor=1.1"),
        ({"limit": 0}, "`limit` to be a finite number above 0. Received: limit=0"),
        ({"limit": "1"}, "Received: limit='1'"),
        ({"growth": 1}, "`growth` to be a finite number above 1. Received: growth=1"),
        ({"growth": float("nan")}, "Received: growth=nan"),
        ({"directory": "gs://bucket/run"}, "local path.*Received: directory='gs:"),
    ],
)
def test_arguments_out_of_range_are_refused(options, text):
    with pytest.raises((ValueError, TypeError), match=text):
        DivergenceGuard(**options)


def test_a_directory_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"Expected `directory` to be a directory.*File exists"):
        play(DivergenceGuard(tmp_path / "file"))
