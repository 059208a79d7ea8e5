"""What happens to long runs: kills at any moment, full disks, disks that are only read."""

import csv
import importlib
import json
import os
import pathlib
import subprocess
import sys
import time
import types
import warnings

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

import keras_gan
from keras_gan.running.backup import BackupWarning
from tests.integration import programs, small
from tests.integration.disks import full_disk, read_only

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"
FLAGS = (
    "--dataset=digits",
    "--deterministic",
    "--dropout=0.2",
    "--width=8",
    "--epochs=3",
    "--passes=1",
    "--backup_steps=3",
    "--noscore",
    "--verbose=0",
)


@pytest.fixture(scope="module")
def kills():
    """Return the module that kills, from the benchmarks; its programs begin at once."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        found = importlib.import_module("kills")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(found, "subprocess", types.SimpleNamespace(Popen=programs.Program))
            yield found
    finally:
        sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module")
def runs(kills, tmp_path_factory):
    """Return the directories of a run in one go and one that was killed, and how that went."""
    base = tmp_path_factory.mktemp("kills")
    whole, killed = base / "whole", base / "killed"
    phases = ("step", "backup", "grid", "checkpoint", "step", "export")
    kills.run(whole, *FLAGS)
    return whole, killed, kills.run(killed, *FLAGS, kills=kills.aim(phases, seed=5))


@pytest.mark.slow
def test_every_kill_lands_and_leaves_whole_files(kills, runs):
    _, killed, landed = runs
    print(kills.count(landed))
    assert len(landed) == 6 and all(each.phase for each in landed), landed
    assert {"step", "export"} <= {each.phase for each in landed}
    assert not any(each.damaged for each in landed), landed
    assert not kills.damaged(killed)


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_weights(kills, runs):
    whole, killed, _ = runs
    weights = kills.weights_of(whole / "checkpoint.keras")
    assert len(weights) > 50 and sum(np.any(array) for array in weights.values()) > 30
    # Optimizers and seeds are among them.
    for part in ("generator_optimizer", "discriminator_optimizer", "random_state"):
        assert any(part in name for name in weights), part
    assert not kills.differences(whole / "checkpoint.keras", killed / "checkpoint.keras")


@pytest.mark.slow
def test_a_killed_run_leaves_the_same_logs_and_pictures(runs):
    whole, killed, _ = runs
    first, second = (list(csv.reader((run / "history.csv").open())) for run in (whole, killed))
    assert len(first) == 4 and first == second
    names = [sorted(path.name for path in (run / "samples").iterdir()) for run in (whole, killed)]
    assert [name for name in names[1] if not name.startswith(".")] == names[0]
    for name in names[0]:
        pictures = [PIL.Image.open(run / "samples" / name) for run in (whole, killed)]
        np.testing.assert_array_equal(*map(np.asarray, pictures), err_msg=name)


@pytest.mark.slow
def test_a_run_leaves_pictures_plots_and_events(runs):
    for run in runs[:2]:
        names = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
        assert {"losses.png", "checkpoint.keras", "samples/training.gif"} <= names
        assert {f"samples/epoch_{epoch:04d}.png" for epoch in (1, 2, 3)} <= names
        assert any(name.startswith("tensorboard/") for name in names)


@pytest.mark.slow
def test_a_killed_export_leaves_one_version_of_the_same_model(runs):
    images = []
    for run in runs[:2]:
        assert [p.name for p in (run / "export").iterdir() if p.name[0] != "."] == ["1"]
        served = tf.saved_model.load(run / "export" / "1").signatures["sample"]
        given = {"seed": tf.range(4, dtype=tf.int64), "truncation": tf.constant([np.inf])}
        images.append(served(**given)["images"].numpy())
    np.testing.assert_array_equal(*images)


def test_files_that_are_not_whole_are_found(kills, tmp_path):
    """The check that the kills rely on."""
    (tmp_path / "samples").mkdir()
    (tmp_path / "backup" / "epoch-000000-step-000003").mkdir(parents=True)
    (tmp_path / "export" / "1").mkdir(parents=True)
    picture = tmp_path / "samples" / "epoch-0001.png"
    PIL.Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)).save(picture)
    assert not any("png" in problem for problem in kills.damaged(tmp_path))
    picture.write_bytes(picture.read_bytes()[:-100])
    (tmp_path / "history.csv").write_text("epoch,loss\n0,0.1\n1,0.")
    (tmp_path / "scores.json").write_text('{"a": ')
    (tmp_path / "checkpoint.keras").write_bytes(b"PK\x03\x04 and no more")
    problems = kills.damaged(tmp_path)
    for name in ("epoch-0001.png", "history.csv", "scores.json", "checkpoint.keras"):
        assert any(name in problem for problem in problems), (name, problems)
    assert any("epoch-000000-step-000003" in problem for problem in problems)
    assert any("export/1" in problem for problem in problems)


@pytest.fixture(scope="module")
def model():
    """Return a trained model whose weights are larger than the disks are."""
    model = small.gan(wide=4096, latent_dim=16)
    model.compile(**small.adams())
    model.fit(small.points(), batch_size=8, verbose=0)
    return model


@pytest.mark.representatives("disk")
@pytest.mark.parametrize("kind", ["disk", "limit"])
def test_a_full_disk_stops_an_export_and_leaves_nothing(model, tmp_path, kind):
    with full_disk(kind, tmp_path / "full") as disk:
        with pytest.raises(OSError, match=r"could not be written.*Make room") as caught:
            model.export(disk / "export")
        assert "No space left" in str(caught.value) or kind == "limit"
        assert os.listdir(disk / "export") == []


def test_what_a_killed_export_left_is_removed_later(model, tmp_path):
    for name in (".partial-0123abcd-1", ".partial-89abcdef-2", ".mine", "labels"):
        (tmp_path / name / "variables").mkdir(parents=True)
    hours_ago = time.time() - 7200
    for name in (".partial-0123abcd-1", ".mine", "labels"):
        os.utime(tmp_path / name, (hours_ago, hours_ago))
    model.export(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [".mine", ".partial-89abcdef-2", "1", "labels"]


@pytest.mark.representatives("disk")
@pytest.mark.parametrize("kind", ["disk", "limit"])
def test_a_full_disk_costs_the_backups_that_do_not_fit(tmp_path, kind):
    """The one before it stays whole, and training goes on to its end."""
    narrow, wide = (small.gan(wide=wide, latent_dim=16) for wide in (4, 4096))
    with full_disk(kind, tmp_path / "full", size=250_000) as disk:
        for model, problems in ((narrow, []), (wide, [BackupWarning, BackupWarning])):
            model.compile(**small.adams())
            kept = keras_gan.callbacks.Backup(disk / f"{model.generator.count_params()}")
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", BackupWarning)
                model.fit(small.points(), batch_size=8, epochs=2, verbose=0, callbacks=[kept])
            assert [w.category for w in caught if w.category is BackupWarning] == problems
            assert model.steps == 8
        assert all("Training goes on" in str(w.message) for w in caught)
        directories = [disk / f"{m.generator.count_params()}" for m in (narrow, wide)]
        assert [len(os.listdir(directory)) for directory in directories] == [2, 0]
        again = small.gan(wide=4, latent_dim=16)
        again.compile(**small.adams())
        again.fit(
            small.points(),
            batch_size=8,
            epochs=2,
            verbose=0,
            callbacks=[keras_gan.callbacks.Backup(directories[0])],
        )
    small.assert_equal_states(small.state(narrow), small.state(again))


LITTLE_ROOM = """
import resource, sys, warnings
import keras, numpy as np
import keras_gan

model = keras_gan.GAN(*keras_gan.networks.mlp((2,)))
model.compile()
for directory, room in zip(sys.argv[1::2], sys.argv[2::2]):
    steps = model.steps
    backup = keras_gan.callbacks.Backup(directory, every_steps=1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(room), resource.RLIM_INFINITY))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(np.zeros((24, 2), "float32"), batch_size=8, verbose=0, callbacks=[backup])
    texts = [str(warning.message) for warning in caught]
    print("steps", model.steps - steps, "went on", sum("Training goes on" in t for t in texts))
"""


@pytest.mark.slow
def test_networks_of_small_arrays_outlive_a_full_disk(tmp_path):
    """HDF5 by itself ends the process by SIGSEGV when it can't write what it has gathered."""
    rooms = [word for room in (40_000, 160_000) for word in (tmp_path / str(room), str(room))]
    command = [sys.executable, "-c", LITTLE_ROOM, *rooms]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    # After each step, and as the epoch ends.
    assert result.stdout.count("steps 3 went on 4\n") == 2, result.stdout
    assert [os.listdir(directory) for directory in rooms[::2]] == [[], []]


@pytest.mark.slow
def test_directories_that_are_only_read_are_refused_before_the_first_step(model, tmp_path):
    steps = model.steps
    with read_only(tmp_path / "read only") as directory:
        for callback in (keras_gan.callbacks.Backup, keras_gan.callbacks.SampleGrid):
            with pytest.raises(ValueError, match="can be created and written to"):
                model.fit(small.points(), verbose=0, callbacks=[callback(directory / "here")])
        assert model.steps == steps
        with pytest.raises(OSError, match="here"):
            model.export(directory / "here")
        with pytest.raises(OSError, match=r"here\.keras"):
            model.save(directory / "here.keras")


@pytest.mark.slow
def test_the_weights_of_a_backup_load_as_any_file_does(tmp_path):
    trained, other = small.gan(), small.gan(seed=9)
    for model in (trained, other):
        model.compile(**small.adams())
    directory = tmp_path / "backup"
    kept = keras_gan.callbacks.Backup(directory)
    trained.fit(small.points(), batch_size=8, verbose=0, callbacks=[kept])
    (name,) = os.listdir(directory)
    manifest = json.loads((directory / name / "manifest.json").read_text())
    assert manifest["files"].keys() == {"model.weights.h5", "training.json"}
    other.load_weights(directory / name / "model.weights.h5")
    small.assert_equal_states(small.state(trained), small.state(other))
