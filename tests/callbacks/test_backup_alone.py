"""One run at a time backs up into a directory; the next is told so, before it has done anything."""

import errno
import fcntl
import os

import keras
import pytest

import keras_gan
from keras_gan.callbacks import Backup, BackupWarning
from keras_gan.running import backup as module
from tests.integration import begun, forked, small

ANOTHER = (
    r"Another run is backing up into '.*': process \d+ on .*, since .*choose another directory"
)


@pytest.fixture(scope="module")
def models():
    """Return two models, and one batch to train on."""
    (first, _), (second, _) = begun.model_and_data(), begun.model_and_data()
    return first, second, keras_gan.datasets.from_arrays(small.points(4), batch_size=4)


class Do(keras.callbacks.Callback):
    """Do something once, in the middle of an epoch."""

    def __init__(self, something):
        super().__init__()
        self.something, self.done = something, False

    def on_train_batch_end(self, batch, logs=None):
        if not self.done:
            self.done = True
            self.something()


def fit(model, data, directory, *callbacks):
    model.fit(data, epochs=1, verbose=0, callbacks=[*callbacks, Backup(directory)])


def test_two_at_once_are_refused_and_one_after_the_other_go_on(models, tmp_path):
    first, second, data = models
    before = begun.values_of(second)

    def interfere():
        partial = tmp_path / ".partial-0123abcd-epoch-000000-step-000003"
        partial.mkdir()  # As if the first were writing it.
        with pytest.raises(ValueError, match=ANOTHER):
            fit(second, data, tmp_path)
        assert sorted(os.listdir(tmp_path)) == [".lock", partial.name]

    fit(first, data, tmp_path, Do(interfere))
    assert begun.equal(begun.values_of(second), before)
    fit(second, data, tmp_path)  # Which goes on from what the first has left: it is over.
    assert begun.equal(begun.values_of(second), begun.values_of(first))
    assert os.listdir(tmp_path) == ["epoch-000001-step-000000"]


def test_the_same_callback_twice_at_once_is_refused_and_still_holds(models, tmp_path):
    first, second, data = models
    kept = Backup(tmp_path)

    def interfere():
        for _ in range(2):
            with pytest.raises(ValueError, match=ANOTHER):
                second.fit(data, verbose=0, callbacks=[kept])

    first.fit(data, verbose=0, callbacks=[Do(interfere), kept])
    assert os.listdir(tmp_path) == ["epoch-000001-step-000000"]


@pytest.mark.representatives(1)
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_run_that_ends_by_an_error_lets_go(models, tmp_path, error):
    def fail():
        raise error

    with pytest.raises(error):
        fit(models[0], models[2], tmp_path, Do(fail))
    assert os.listdir(tmp_path) == []


def test_a_run_that_is_refused_lets_go(models, tmp_path):
    (tmp_path / "epoch-000001-step-000000").mkdir()
    (tmp_path / "epoch-000001-step-000000" / "manifest.json").write_text(
        '{"format": 2, "files": {}}'
    )
    for _ in range(2):
        with pytest.raises(ValueError, match="Received: format 2"):
            fit(models[0], models[2], tmp_path)
        assert os.listdir(tmp_path) == ["epoch-000001-step-000000"]


@pytest.mark.slow
def test_a_killed_process_keeps_nobody_out(models, tmp_path):
    child = forked.holding(tmp_path)
    with pytest.raises(ValueError, match=rf"process {child} on"):
        fit(models[0], models[2], tmp_path)
    forked.kill(child)
    fit(models[0], models[2], tmp_path)
    assert os.listdir(tmp_path) == ["epoch-000001-step-000000"]


def test_workers_that_write_nothing_do_not_lock(models, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "is_chief", lambda model: False)
    with Backup(tmp_path).alone(models[0]), Backup(tmp_path).alone(models[0]):
        assert os.listdir(tmp_path) == []


def test_what_is_in_the_locks_place_is_refused(models, tmp_path):
    (tmp_path / ".lock").mkdir()
    with pytest.raises(ValueError, match=r"file `\.lock` can be made.*Received: directory="):
        fit(models[0], models[2], tmp_path)


@pytest.mark.slow
def test_disks_that_know_no_locks_are_warned_of(models, tmp_path, monkeypatch):
    def refuse(descriptor, how):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.warns(BackupWarning, match="knows no locks"):
        fit(models[0], models[2], tmp_path)
