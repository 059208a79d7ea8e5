"""Backups that are damaged, signals, and runs that are not those of a backup."""

import json
import os
import shutil
import signal

import keras
import pytest
from backed_up import EPOCHS, Stop, StopAt, backup, data, model_of, plain, run

from keras_gan.callbacks import Backup, BackupWarning
from tests.integration import small


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """Return where the backups are of a run that stopped in its second epoch."""
    path = tmp_path_factory.mktemp("stopped")
    run(path, (1, 4), every_steps=2)
    return path


@pytest.mark.representatives(1)
@pytest.mark.parametrize("harm", ["cut", "altered", "missing", "no manifest", "torn manifest"])
def test_a_damaged_backup_is_named_and_the_one_before_it_used(tmp_path, whole, stopped, harm):
    shutil.copytree(stopped, tmp_path, dirs_exist_ok=True)
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
        model, _ = run(tmp_path, every_steps=None)
    small.assert_equal_states(whole[0], small.state(model), without=["seed_gen"])
    assert any(
        name.startswith("damaged-epoch-000001-step-000003") for name in os.listdir(directory)
    )


@pytest.mark.slow
def test_what_a_killed_process_left_is_removed(tmp_path):
    partial = tmp_path / "backup" / ".partial-0123abcd-epoch-000000-step-000003"
    partial.mkdir(parents=True)
    (partial / "model.weights.h5").write_bytes(b"half")
    run(tmp_path)
    assert all(name.startswith("epoch-") for name in os.listdir(tmp_path / "backup"))


@pytest.mark.slow
def test_keeps_as_many_as_asked(tmp_path):
    model_of().fit(data(), epochs=2, verbose=0, callbacks=[backup(tmp_path, every_steps=1, keep=3)])
    assert sorted(os.listdir(tmp_path / "backup")) == [
        "epoch-000001-step-000004",
        "epoch-000001-step-000005",
        "epoch-000002-step-000000",
    ]


@pytest.mark.slow
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


@pytest.mark.representatives(1)
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


@pytest.mark.slow
def test_a_signal_that_comes_last_is_obeyed(tmp_path):
    class Late(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(SystemExit) as ended:
        run(tmp_path, callbacks=[Late()])
    assert ended.value.code == Backup.exit_code
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


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


def test_another_game_is_refused_in_the_middle_of_an_epoch(tmp_path):
    run(tmp_path, (1, 3), every_steps=1)
    with pytest.raises(ValueError, match=r"logs .*'r1'.*Received: a model with"):
        run(tmp_path, terms=[])


@pytest.mark.slow
def test_another_length_of_an_epoch_is_refused_in_its_middle(tmp_path):
    run(tmp_path, (1, 3))
    with pytest.raises(ValueError, match=r"after 1 steps of 5.*Received: an epoch of 10 steps"):
        run(tmp_path, source=lambda: data(batch_size=2, steps=10))


@pytest.mark.slow
def test_data_that_has_shrunk_is_refused(tmp_path):
    def unknown(batches):
        return plain().take(batches).filter(lambda x: True)

    run(tmp_path, (0, 4), every_steps=1, source=lambda: unknown(5))
    with pytest.raises(ValueError, match=r"ended after 2 of the 3 batches"):
        run(tmp_path, source=lambda: unknown(2))


def test_two_backups_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"one callback that keeps backups.*Received: 2"):
        model_of().fit(data(), callbacks=[Backup(tmp_path / "a"), Backup(tmp_path / "b")])


@pytest.mark.parametrize("argument", ["every_steps", "keep"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "2"])
def test_arguments(tmp_path, argument, value):
    with pytest.raises(ValueError, match=f"`{argument}` to be a whole number"):
        Backup(tmp_path, **{argument: value})


def test_a_remote_directory_is_refused():
    with pytest.raises(ValueError, match=r"local path.*gs://bucket"):
        Backup("gs://bucket/run")


def test_a_file_in_place_of_the_directory_is_refused(tmp_path):
    (tmp_path / "backup").write_text("")
    with pytest.raises(ValueError, match="Expected `directory` to be a directory"):
        model_of().fit(data(), callbacks=[backup(tmp_path)])


def test_another_format_is_refused(tmp_path):
    run(tmp_path, (0, 3))
    manifest = tmp_path / "backup" / "epoch-000000-step-000002" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 99}))
    with pytest.raises(ValueError, match=r"format 1.*Received: format 99"):
        run(tmp_path)
