"""A run that stops anywhere goes on from its backup, and ends where one that never stopped does."""

import csv
import json
import os
import signal

import keras
import numpy as np
import pytest

import keras_gan
from keras_gan.callbacks import Backup, BackupWarning
from tests.integration import small

EPOCHS, STEPS = 3, 5


class Stop(Exception):
    pass


class StopAt(keras.callbacks.Callback):
    """End training by an error after a step of an epoch, or as the epoch ends."""

    def __init__(self, epoch, step=None):
        super().__init__()
        self.at = epoch, step

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch + 1) == self.at:
            raise Stop

    def on_epoch_end(self, epoch, logs=None):
        if self.at == (epoch, None):
            raise Stop


MODELS = {}


def model_of(**options):
    """Return a model as it is when it is made: to trace one anew would take seconds."""
    if repr(options) not in MODELS:
        model = small.gan(norm=True, dropout=0.4)
        settings = {"terms": [keras_gan.terms.R1(0.1, interval=2)], "ema": 0.9, **small.adams()}
        model.compile(**{**settings, **options})
        variables = model._saved_variables
        MODELS[repr(options)] = model, variables, [np.array(v.value) for v in variables]
    model, variables, values = MODELS[repr(options)]
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return model


@pytest.fixture(scope="module", autouse=True)
def let_go_of_models():
    yield
    MODELS.clear()


def data(batch_size=4, steps=STEPS):
    return keras_gan.datasets.from_arrays(
        small.points(batch_size * steps), None, batch_size, seed=4
    )


def backup(path, **options):
    return Backup(path / "backup", **options)


def run(path, stop=None, every_steps=2, callbacks=(), source=data, **options):
    """Train a new model with backups, until `stop`; return it and its history."""
    model = model_of(**options)
    stops = [StopAt(*stop)] if stop else []
    kept = backup(path, every_steps=every_steps)
    try:
        history = model.fit(
            source(), epochs=EPOCHS, verbose=0, callbacks=[kept, *callbacks, *stops]
        )
    except Stop:
        return model, None
    return model, history


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    model, history = run(tmp_path_factory.mktemp("whole"))
    return small.state(model), history.history


@pytest.mark.parametrize(
    "stop, every_steps",
    [((0, 1), 2), ((1, 3), 2), ((1, 4), 1), ((2, 5), 1), ((0, None), 2), ((1, None), None)],
)
def test_goes_on_as_if_it_had_never_stopped(tmp_path, whole, stop, every_steps):
    run(tmp_path, stop, every_steps)
    model, history = run(tmp_path, every_steps=every_steps)
    small.assert_equal_states(whole[0], small.state(model), without=["seed_gen"])
    assert history.epoch == list(range(EPOCHS))
    assert history.history == whole[1]


def test_several_stops_at_the_same_place_and_others(tmp_path, whole):
    for stop in [(0, 3), (0, 3), (1, 1), (1, 2), (2, 4)]:
        _, history = run(tmp_path, stop)
        assert history is None
    model, history = run(tmp_path)
    small.assert_equal_states(whole[0], small.state(model), without=["seed_gen"])
    assert history.history == whole[1]


def test_a_run_that_is_over_does_nothing(tmp_path, whole):
    run(tmp_path)
    model, history = run(tmp_path)
    assert model.steps == EPOCHS * STEPS
    small.assert_equal_states(whole[0], small.state(model), without=["seed_gen"])
    assert history.history == whole[1]


def test_more_epochs_go_on(tmp_path):
    model = model_of()
    model.fit(data(), epochs=2, verbose=0, callbacks=[backup(tmp_path)])
    longer = model_of()
    history = longer.fit(data(), epochs=3, verbose=0, callbacks=[backup(tmp_path)])
    assert history.epoch == [0, 1, 2]
    assert longer.steps == 3 * STEPS


def plain():
    """A dataset without `seek`, in the same order at each pass."""
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(small.points(20)).batch(4)


def endless():
    return plain().repeat()


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return STEPS

    def __getitem__(self, index):
        return small.points(20)[4 * index : 4 * index + 4]


@pytest.mark.parametrize(
    "source, options",
    [
        (plain, {}),
        (plain, {"steps_per_epoch": 3}),
        (endless, {"steps_per_epoch": 3}),
        (Batches, {}),
        (lambda: data(steps=2 * STEPS), {"discriminator_steps": 2}),
        (data, {"steps_per_epoch": 3}),
        (data, {"steps_per_execution": 2}),
        (lambda: plain().filter(lambda x: True), {"steps_per_epoch": 2}),
    ],
    ids=[
        "plain",
        "ends early",
        "endless",
        "PyDataset",
        "grouped",
        "cut",
        "executions",
        "unknown length",
    ],
)
@pytest.mark.parametrize(
    "stop, every_steps", [((1, 2), 1), ((1, None), None)], ids=["within", "between"]
)
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_any_data(tmp_path, source, options, stop, every_steps):
    options = dict(options)
    fit = {"steps_per_epoch": options.pop("steps_per_epoch", None), "epochs": 4, "verbose": 0}
    states = []
    for stop_at in (None, stop, None):
        path = tmp_path / ("whole" if not states else "stopped")
        # Last, so that the epoch it stops after is in a backup.
        kept = backup(path, every_steps=every_steps)
        callbacks = [*([StopAt(*stop_at)] if stop_at else []), kept]
        model = model_of(**options)
        try:
            model.fit(source(), callbacks=callbacks, **fit)
        except Stop:
            continue
        states.append(small.state(model))
    small.assert_equal_states(*states, without=["seed_gen"])


def test_what_was_seen_is_not_read_again(tmp_path):
    import tensorflow as tf

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


@pytest.mark.parametrize("harm", ["cut", "altered", "missing", "no manifest", "torn manifest"])
def test_a_damaged_backup_is_named_and_the_one_before_it_used(tmp_path, whole, harm):
    run(tmp_path, (1, 4), every_steps=2)
    directory = tmp_path / "backup"
    names = sorted(os.listdir(directory))
    assert names == ["epoch-000001-step-000001", "epoch-000001-step-000003"]
    newest = directory / names[-1]
    weights, manifest = newest / "model.weights.h5", newest / "manifest.json"
    content = weights.read_bytes()
    if harm == "cut":
        weights.write_bytes(content[:-1])
    elif harm == "altered":
        weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif harm == "missing":
        weights.unlink()
    elif harm == "no manifest":
        manifest.unlink()
    else:
        manifest.write_bytes(manifest.read_bytes()[:40])
    with pytest.warns(BackupWarning, match="epoch-000001-step-000003"):
        model, _ = run(tmp_path)
    small.assert_equal_states(whole[0], small.state(model), without=["seed_gen"])
    assert any(
        name.startswith("damaged-epoch-000001-step-000003") for name in os.listdir(directory)
    )


def test_what_a_killed_process_left_is_removed(tmp_path):
    partial = tmp_path / "backup" / ".epoch-000000-step-000003-0123abcd.partial"
    partial.mkdir(parents=True)
    (partial / "model.weights.h5").write_bytes(b"half")
    run(tmp_path)
    assert all(name.startswith("epoch-") for name in os.listdir(tmp_path / "backup"))


def test_keeps_as_many_as_asked(tmp_path):
    model_of().fit(data(), epochs=2, verbose=0, callbacks=[backup(tmp_path, every_steps=1, keep=3)])
    assert sorted(os.listdir(tmp_path / "backup")) == [
        "epoch-000001-step-000004",
        "epoch-000001-step-000005",
        "epoch-000002-step-000000",
    ]


def test_a_full_disk_leaves_the_backup_before(tmp_path, whole, monkeypatch):
    model, kept = model_of(), backup(tmp_path, every_steps=2)
    save = model.save_weights

    def full(path, *args, **kwargs):
        if model.steps == 6:
            with open(path, "wb") as file:
                file.write(b"half")
            raise OSError(28, "No space left on device")
        return save(path, *args, **kwargs)

    monkeypatch.setattr(model, "save_weights", full)
    with (
        pytest.warns(BackupWarning, match="epoch-000001-step-000001.*No space left.*goes on"),
        pytest.raises(Stop),
    ):
        model.fit(data(), epochs=EPOCHS, verbose=0, callbacks=[kept, StopAt(1, 2)])
    assert sorted(os.listdir(tmp_path / "backup")) == [
        "epoch-000000-step-000002",
        "epoch-000000-step-000004",
    ]
    resumed, _ = run(tmp_path)
    small.assert_equal_states(whole[0], small.state(resumed), without=["seed_gen"])


class Signal(keras.callbacks.Callback):
    def __init__(self, number, step=7):
        super().__init__()
        self.number, self.step = number, step

    def on_train_batch_begin(self, batch, logs=None):
        if self.model.steps == self.step:
            signal.raise_signal(self.number)


@pytest.mark.parametrize(
    "number, raised", [(signal.SIGTERM, SystemExit), (signal.SIGINT, KeyboardInterrupt)]
)
def test_a_signal_ends_after_a_backup(tmp_path, whole, number, raised, capsys):
    before = signal.getsignal(number)
    with pytest.raises(raised) as ended:
        run(tmp_path, every_steps=100, callbacks=[Signal(number)])
    if raised is SystemExit:
        assert ended.value.code == Backup.exit_code == 75
    assert signal.getsignal(number) is before
    # The step in which it came is finished.
    assert os.listdir(tmp_path / "backup") == ["epoch-000001-step-000003"]
    assert "after 1 epochs and 3 steps" in capsys.readouterr().out
    model, history = run(tmp_path)
    small.assert_equal_states(whole[0], small.state(model), without=["seed_gen"])
    assert history.history == whole[1]


def test_handlers_are_put_back_after_an_error(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    run(tmp_path, (0, 2))
    assert signal.getsignal(signal.SIGTERM) is before


def test_another_model_is_refused(tmp_path):
    run(tmp_path, (1, 3))
    model = small.gan(wide=7)
    model.compile()
    with pytest.raises(
        ValueError, match=r"backups in .* are of another model.*epoch-000001-step-000001"
    ):
        model.fit(data(), epochs=EPOCHS, callbacks=[backup(tmp_path)])


def test_another_length_of_an_epoch_is_refused_in_its_middle(tmp_path):
    run(tmp_path, (1, 3))
    with pytest.raises(ValueError, match=r"after 1 steps of 5.*Received: an epoch of 10 steps"):
        run(tmp_path, source=lambda: data(batch_size=2, steps=10))


def test_two_backups_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"one callback that keeps backups.*Received: 2"):
        model_of().fit(data(), callbacks=[Backup(tmp_path / "a"), Backup(tmp_path / "b")])


@pytest.mark.parametrize("argument", ["every_steps", "keep"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "2"])
def test_arguments(tmp_path, argument, value):
    with pytest.raises(ValueError, match=f"`{argument}` must be a whole number"):
        Backup(tmp_path, **{argument: value})


def test_a_remote_directory_is_refused():
    with pytest.raises(ValueError, match=r"local path.*gs://bucket"):
        Backup("gs://bucket/run")


def test_a_file_in_place_of_the_directory_is_refused(tmp_path):
    (tmp_path / "backup").write_text("")
    with pytest.raises(ValueError, match="must be a directory"):
        model_of().fit(data(), callbacks=[backup(tmp_path)])


def test_another_format_is_refused(tmp_path):
    run(tmp_path, (0, 3))
    manifest = tmp_path / "backup" / "epoch-000000-step-000002" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 99}))
    with pytest.raises(ValueError, match=r"format 1.*Received: format 99"):
        run(tmp_path)


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


def test_data_that_has_shrunk_is_refused(tmp_path):
    def unknown(batches):
        return plain().take(batches).filter(lambda x: True)

    run(tmp_path, (0, 4), every_steps=1, source=lambda: unknown(5))
    with pytest.raises(ValueError, match=r"ended after 2 of the 3 batches"):
        run(tmp_path, source=lambda: unknown(2))


def halved(epoch, rate):
    return rate / 2


def test_a_scheduler_sets_the_rates_of_an_epoch_once(tmp_path):
    states = []
    for path, stops in ((tmp_path / "a", [None]), (tmp_path / "b", [(1, 3), None])):
        for stop in stops:
            scheduler = keras.callbacks.LearningRateScheduler(halved)
            model, _ = run(path, stop, every_steps=1, callbacks=[scheduler])
        states.append(small.state(model))
    rate = float(keras.ops.convert_to_numpy(model.generator_optimizer.learning_rate))
    assert rate == pytest.approx(0.01 / 8)
    small.assert_equal_states(*states, without=["seed_gen"])


def test_a_signal_that_comes_last_is_obeyed(tmp_path):
    class Late(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(SystemExit) as ended:
        run(tmp_path, callbacks=[Late()])
    assert ended.value.code == Backup.exit_code
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_another_game_is_refused_in_the_middle_of_an_epoch(tmp_path):
    run(tmp_path, (1, 3), every_steps=1)
    with pytest.raises(ValueError, match=r"figures .*'r1'.*Received: a model with"):
        run(tmp_path, terms=[])


def test_a_list_of_callbacks_is_used_as_it_is(tmp_path):
    model, seen = model_of(), []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    given = keras.callbacks.CallbackList([note], add_history=True, model=model, epochs=1)
    for _ in range(2):
        model.fit(data(), epochs=1, verbose=0, callbacks=given)
    assert seen == [0, 0] and model.steps == 2 * STEPS
    assert note in given.callbacks and len(given.callbacks) == 2
