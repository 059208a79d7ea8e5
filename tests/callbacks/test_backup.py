"""A run that stops anywhere goes on from its backup, and ends where one that never stopped does."""

import csv
import os
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from backed_up import EPOCHS, STEPS, Stop, StopAt, backup, data, model_of, plain, run

import keras_gan
from tests.integration import small


def test_goes_on_as_if_it_had_never_stopped(tmp_path, whole):
    """Though it had stopped before its first backup."""
    run(tmp_path, (0, 1))
    assert_ends_as(whole, run(tmp_path))


def assert_ends_as(whole, ended):
    model, history = ended
    small.assert_equal_states(whole[0], small.state(model), without=["seed_gen"])
    assert history.epoch == list(range(EPOCHS))
    assert history.history == whole[1]


@pytest.mark.slow
def test_goes_on_after_any_stop_and_any_number_of_them(tmp_path, whole):
    """Each run goes on from what the one before left: one wrong start would show in the end."""
    stops = [
        ((0, 3), 2),
        ((0, 3), 2),  # At the same place.
        ((0, None), 2),  # As an epoch ends, its last step in no backup.
        ((1, None), None),  # After the backup of an epoch's end.
        ((1, 1), 2),  # Before the next backup.
        ((1, 2), 2),
        ((1, 4), 1),  # Backups of every step.
        ((2, 4), 2),
        ((2, 5), 1),  # The very last step.
    ]
    for stop, every_steps in stops:
        _, history = run(tmp_path, stop, every_steps)
        assert history is None
    assert_ends_as(whole, run(tmp_path, every_steps=None))


@pytest.mark.slow
@pytest.mark.parametrize("replicas", [1, 2])
def test_every_kind_of_state_goes_on(tmp_path, two_replicas, replicas):
    """An augmentation's, of terms, loss scales; on two replicas both end with the same."""
    strategy = two_replicas if replicas == 2 else tf.distribute.get_strategy()
    states = []
    with strategy.scope():
        for path, stops in ((tmp_path / "a", [None]), (tmp_path / "b", [(1, 4), None])):
            for stop in stops:
                model, _ = run(path, stop, every_steps=3, kind="stateful", replicas=replicas)
                states.append(small.state(model))
    whole, stopped, resumed = states
    small.assert_equal_states(whole, resumed, without=["seed_gen"])
    optimizers = [getattr(model, f"{player}_optimizer") for player in small.PLAYERS]
    scales = [float(optimizer.dynamic_scale.numpy()) for optimizer in optimizers]
    assert scales == [2.0 * 2 ** (EPOCHS * STEPS // 3)] * 2
    for part in ("augmentation 0", "term lecam", "discriminator_optimizer"):
        names = [name for name in whole if name.startswith(part)]
        assert any(np.any(whole[name] != stopped[name]) for name in names), part
    for variable in model._saved_variables:
        first, *others = getattr(variable.value, "values", [variable.value])
        # Seed states, which are integers, are each replica's own.
        for other in others if "float" in variable.dtype else []:
            np.testing.assert_array_equal(first, other)


@pytest.mark.slow
def test_a_run_that_is_over_does_nothing(whole):
    model, history = run(whole[2])
    assert model.steps == EPOCHS * STEPS
    assert_ends_as(whole, (model, history))


@pytest.mark.slow
def test_more_epochs_go_on(tmp_path, whole):
    shutil.copytree(whole[2], tmp_path, dirs_exist_ok=True)
    longer = model_of()
    history = longer.fit(data(), epochs=4, verbose=0, callbacks=[backup(tmp_path)])
    assert history.epoch == [0, 1, 2, 3]
    assert longer.steps == 4 * STEPS


def endless():
    return plain().repeat()


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return STEPS

    def __getitem__(self, index):
        return small.points(20)[4 * index : 4 * index + 4]


@pytest.mark.slow
@pytest.mark.parametrize(
    "source, options",
    [
        (plain, {}),
        (plain, {"steps_per_epoch": 3}),
        (lambda: plain(24), {"steps_per_epoch": 3}),
        (lambda: plain(24), {"steps_per_epoch": 2}),
        (endless, {"steps_per_epoch": 3}),
        (Batches, {}),
        (lambda: data(steps=2 * STEPS), {"discriminator_steps": 2, "terms": []}),
        (data, {"steps_per_epoch": 3}),
        (data, {"steps_per_execution": 2, "terms": []}),
        (lambda: plain().filter(lambda x: True), {"steps_per_epoch": 2}),
    ],
    ids=[
        "plain",
        "ends early",
        "two epochs a pass",
        "three epochs a pass",
        "endless",
        "PyDataset",
        "grouped",
        "cut",
        "executions",
        "unknown length",
    ],
)
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_any_data(tmp_path, source, options):
    """A run that stops within its second epoch, and then after it, goes on."""
    options = dict(options)
    steps = options.pop("steps_per_epoch", None)

    def play(*callbacks):
        model = model_of(**options)
        model.fit(source(), steps_per_epoch=steps, epochs=4, verbose=0, callbacks=callbacks)
        return small.state(model)

    whole = play()  # It knows nothing of backups.
    with pytest.raises(Stop):
        play(StopAt(1, 2), backup(tmp_path, every_steps=1))
    # The first backup of this run, which has gone on, is that of its second epoch's end.
    with pytest.raises(Stop):
        play(StopAt(2, None), backup(tmp_path))
    assert "epoch-000002-step-000000" in os.listdir(tmp_path / "backup")
    small.assert_equal_states(whole, play(backup(tmp_path)), without=["seed_gen"])


@pytest.mark.slow
def test_what_was_seen_is_not_read_again(tmp_path):
    read = []

    def epoch_of(epoch, skip):
        def note(index):
            read.append(int(index))
            return small.points(4, seed=int(index))

        def batch(index):
            return tf.ensure_shape(tf.numpy_function(note, [index], tf.float32), (4, 2))

        return tf.data.Dataset.range(epoch * 10, epoch * 10 + 10).skip(skip).map(batch)

    def source():
        return keras_gan.datasets.epochs.seekable(epoch_of, 10)

    run(tmp_path, (1, 7), every_steps=3, source=source)
    read.clear()
    run(tmp_path, source=source)
    # The backup is of step 15: 5 steps of the second epoch.
    assert read == [*range(15, 30)]


@pytest.mark.slow
def test_early_stopping_goes_on_with_its_patience(tmp_path):
    def stopping():
        return keras.callbacks.EarlyStopping(
            "d_loss", mode="max", baseline=100, patience=2, restore_best_weights=True
        )

    ends = []
    for path, stops in ((tmp_path / "a", [None]), (tmp_path / "b", [(1, 1), None, None])):
        for stop in stops:
            model = model_of()
            callbacks = [stopping(), backup(path), *([StopAt(*stop)] if stop else [])]
            try:
                history = model.fit(data(), epochs=9, verbose=0, callbacks=callbacks)
            except Stop:
                continue
            ends.append((small.weights(model), history.epoch, callbacks[0].stopped_epoch))
    for weights, epochs, stopped in ends[1:]:
        assert (epochs, stopped) == ends[0][1:]
        for one, other in zip(weights, ends[0][0], strict=True):
            np.testing.assert_array_equal(one, other)
    assert len(ends[0][1]) < 9


def test_logs_are_cut_back_to_the_backup(tmp_path):
    rows = []
    for path, stops in ((tmp_path / "a", [None]), (tmp_path / "b", [(2, 4), (2, None), None])):
        path.mkdir()
        for stop in stops:
            logger = keras.callbacks.CSVLogger(str(path / "log.csv"))
            run(path, stop, every_steps=3, callbacks=[logger])
        rows.append(list(csv.DictReader((path / "log.csv").open())))
    assert [row["epoch"] for row in rows[0]] == ["0", "1", "2"]
    assert rows[0] == rows[1]


class Remembers(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = np.zeros(2)

    def on_train_batch_end(self, batch, logs=None):
        self.seen = self.seen + np.array([1, batch])

    def get_state(self):
        return {"seen": self.seen, "name": "x", "nothing": None, "pair": (1, 2.5)}

    def set_state(self, state):
        assert state["name"] == "x" and state["nothing"] is None and state["pair"] == [1, 2.5]
        self.seen = state["seen"]


def test_a_users_callback_remembers(tmp_path):
    once, twice = Remembers(), Remembers()
    run(tmp_path / "a", callbacks=[once])
    run(tmp_path / "b", (1, 3), callbacks=[Remembers()])
    run(tmp_path / "b", callbacks=[twice])
    np.testing.assert_array_equal(once.seen, twice.seen)
    assert once.seen[0] == EPOCHS * STEPS


@pytest.mark.slow
def test_says_where_it_goes_on(tmp_path, capsys):
    run(tmp_path, (1, 4))
    model_of().fit(data(), epochs=EPOCHS, verbose=2, callbacks=[backup(tmp_path)])
    out = capsys.readouterr().out
    assert "Going on from" in out and "epoch-000001-step-000003, after 1 epochs and 3 steps" in out


def game_callbacks(path):
    """Return the callbacks of this library, as a real run has them."""
    return [
        keras_gan.callbacks.DivergenceGuard(limit=1e3, rollbacks=9),
        keras_gan.callbacks.CollapseMonitor(floors={"diversity": 9.0}, warmup=0, patience=2),
        keras_gan.callbacks.Evaluation(data(), [keras_gan.metrics.SlicedWasserstein()], every=2),
        keras_gan.callbacks.SampleGrid(path / "samples", samples=16),
    ]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::keras_gan.callbacks.CollapseWarning")
def test_the_librarys_callbacks_remember(tmp_path):
    ends = []
    for path, stops in ((tmp_path / "a", [None]), (tmp_path / "b", [(1, 3), (2, None), None])):
        for stop in stops:
            path.mkdir(exist_ok=True)
            callbacks = game_callbacks(path)
            _, history = run(path, stop, every_steps=2, callbacks=callbacks)
        guard, monitor, *_ = callbacks
        pictures = sorted(os.listdir(path / "samples"))
        ends.append((monitor.warnings, list(guard._recent), history.history, pictures))
    assert len(ends[0][0]) == 1 and ends[0][0][0].epochs == 2
    for one, other in zip(*ends, strict=True):
        np.testing.assert_equal(one, other)


@pytest.mark.slow
def test_a_state_that_was_put_back_goes_on_from_its_own_backup(tmp_path):
    """The count of a model's steps goes back then; the place in the data does not."""

    class Blow(keras.callbacks.Callback):
        """Break the losses at a step, as an update that overflows does."""

        def on_train_batch_end(self, batch, logs=None):
            if self.model.steps == 8 and not guard.divergences:
                for weight in self.model.discriminator.weights:
                    weight.assign(np.full(weight.shape, np.nan))

    guard = keras_gan.callbacks.DivergenceGuard()
    kept = backup(tmp_path, every_steps=1, keep=3)
    model = model_of()
    with pytest.warns(keras_gan.callbacks.DivergenceWarning):
        model.fit(data(), epochs=EPOCHS, verbose=0, callbacks=[Blow(), guard, kept])
    assert guard.divergences and model.steps == STEPS
    ended = small.state(model)
    model, _ = run(tmp_path)
    assert model.steps == STEPS
    small.assert_equal_states(ended, small.state(model), without=["seed_gen"])


def halved(epoch, rate):
    return rate / 2


@pytest.mark.slow
def test_a_scheduler_sets_the_rates_of_an_epoch_once(tmp_path):
    states = []
    for path, stops in ((tmp_path / "a", [None]), (tmp_path / "b", [(1, 3), None])):
        for stop in stops:
            scheduler = keras.callbacks.LearningRateScheduler(halved)
            model, _ = run(path, stop, every_steps=1 if stop else None, callbacks=[scheduler])
        states.append(small.state(model))
    rate = float(keras.ops.convert_to_numpy(model.generator_optimizer.learning_rate))
    assert rate == pytest.approx(0.01 / 8)
    small.assert_equal_states(*states, without=["seed_gen"])


def test_a_list_of_callbacks_is_used_as_it_is(tmp_path):
    model, seen = model_of(), []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    given = keras.callbacks.CallbackList([note], add_history=True, model=model, epochs=1)
    for _ in range(2):
        model.fit(data(), epochs=1, verbose=0, callbacks=given)
    assert seen == [0, 0] and model.steps == 2 * STEPS
    assert note in given.callbacks and len(given.callbacks) == 2
