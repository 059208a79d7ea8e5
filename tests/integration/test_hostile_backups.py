"""Backups that are not as a run wrote them: refused by an error of ours, or set aside.

Where the manifest was written anew, as anybody can, other values may be loaded, of those that a run
could have had.
"""

import collections
import hashlib
import json
import os
import re
import shutil
import time
import warnings

import numpy as np
import pytest

from keras_gan.callbacks import BackupWarning
from keras_gan.running import contents, states
from keras_gan.running.snapshots import Snapshots
from tests.integration import begun, mutations, peak_memory
from tests.integration.begun import NAME, begin, equal, give, sign, values_of


@pytest.fixture(scope="module")
def model_data():
    return begun.model_and_data()


@pytest.fixture(scope="module")
def original(model_data, tmp_path_factory):
    """Return the directory of a backup from the middle of the second epoch."""
    return begun.back_up(*model_data, tmp_path_factory.mktemp("original"))


@pytest.fixture(scope="module")
def expected(original, model_data):
    """Return the values of the backup; the model has others before and after."""
    model, _ = model_data
    before = values_of(model)
    begin(*model_data, original.parent)
    values = values_of(model)
    assert not equal(values, before)
    give(model, before)
    return values


OURS = r"of another model|Expected backups of format|which no run has"


def attempt(number, original, before, expected, model_data, directory):
    """Read a mutant, and return what came of it; the model keeps its values, or is given them back.

    Args:
        number: of the mutant. Every fifth has its manifest written anew.
        original: directory of the backup.
        before: the model's values.
        expected: the backup's, which are others.
        model_data: what is to go on, and what it trains on.
        directory: where the mutant may be.

    Returns:
        "set aside", "refused", "equal" or "others": the values that were loaded.
    """
    model, _ = model_data
    random = np.random.default_rng(number)
    is_forged = number % 5 == 0
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    kind = mutations.of_directory(original, directory / NAME, random)
    if is_forged:
        sign(directory / NAME)
    start = time.monotonic()
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            progress = begin(*model_data, directory)
    except ValueError as error:
        assert re.search(OURS, str(error)), kind
        assert equal(values_of(model), before), kind
        return "refused"
    finally:
        assert time.monotonic() - start < 10, kind
    assert is_forged or progress is None or equal(values_of(model), expected), kind
    if progress is None:
        (warning,) = [each for each in caught if each.category is BackupWarning]
        assert "is damaged" in str(warning.message), kind
        assert not (directory / NAME).exists(), kind
        assert model.steps == 7, kind  # To read one of the values is quicker; the backup has 6.
        return "set aside"
    assert (progress.epoch, progress.step, progress.stopped) == (1, 2, False), kind
    assert 0 <= progress.elements <= 2, kind
    values = values_of(model)
    give(model, before)
    return "equal" if equal(values, expected) else "others"


@pytest.mark.parametrize(
    "numbers", [range(100), pytest.param(range(100, 2100), marks=pytest.mark.slow)], ids=len
)
def test_no_mutant_gets_through(numbers, original, expected, model_data, tmp_path):
    model, _ = model_data
    before = values_of(model)
    peak_memory.reset()
    begin(*model_data, original.parent)
    good = peak_memory.megabytes()
    give(model, before)
    peak_memory.reset()
    counts = collections.Counter(
        attempt(number, original, before, expected, model_data, tmp_path / "backup")
        for number in numbers
    )
    assert equal(values_of(model), before)
    assert peak_memory.megabytes() < good + 200
    assert counts["set aside"] > len(numbers) / 2 and counts["equal"]


def change_state(directory, change):
    """Change what `training.json` says, by a function of the dict."""
    path = directory / "training.json"
    packed = json.loads(path.read_text())
    path.write_text(json.dumps(change(packed["dict"]) or packed))
    sign(directory)


def given(**values):
    return lambda directory: change_state(directory, lambda state: state.update(values))


def remembered(kind, **values):
    """Return what changes entries of a callback's state."""

    def change(state):
        (name,) = (name for name in state["callbacks"]["dict"] if f".{kind}/" in name)
        state["callbacks"]["dict"][name]["dict"].update(values)

    return lambda directory: change_state(directory, change)


def claimed(**values):
    """Return what changes the manifest."""

    def change(directory):
        manifest = json.loads((directory / "manifest.json").read_text())
        (directory / "manifest.json").write_text(json.dumps({**manifest, **values}))

    return change


def listed(name, **values):
    """Return what changes an entry of the manifest's files."""

    def change(directory):
        path = directory / "manifest.json"
        manifest = json.loads(path.read_text())
        manifest["files"].setdefault(name, {}).update(values)
        path.write_text(json.dumps(manifest))

    return change


def written(name, content):
    def change(directory):
        (directory / name).write_bytes(content)
        sign(directory)

    return change


def piped(directory):
    (directory / "manifest.json").unlink()
    os.mkfifo(directory / "manifest.json")


def outside(directory):
    """Name a file elsewhere, rightly."""
    content = (directory / "training.json").read_bytes()
    (directory.parent / "elsewhere").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    listed("../elsewhere", bytes=len(content), sha256=digest)(directory)


def sized(directory):
    listed("training.json", bytes=float((directory / "training.json").stat().st_size))(directory)


def linked(name):
    def change(directory):
        (directory / name).rename(directory.parent / name)
        (directory / name).symlink_to(directory.parent / name)

    return change


def without(name):
    def change(directory):
        (directory / name).unlink()
        sign(directory)

    return change


HUGE = 10**15
EMPTY = hashlib.sha256(b"").hexdigest()
CRAFTED = {
    "no files named": claimed(files={}),
    "files in a list": claimed(files=[["training.json", {}]]),
    "no weights": without("model.weights.h5"),
    "no state": without("training.json"),
    "no arrays": without("arrays.npz"),
    "a file more": lambda directory: (directory / "run.py").write_text(""),
    "a file more, named": written("run.py", b""),
    "a directory more": lambda directory: (directory / "more").mkdir(),
    "a file elsewhere": outside,
    "a link": linked("model.weights.h5"),
    "a manifest by a link": linked("manifest.json"),
    "a pipe": piped,
    "a format in words": claimed(format="1"),
    "a format that equals 1": claimed(format=True),
    "a size that equals": sized,
    "a negative size": listed("training.json", bytes=-1),
    "no digest": listed("training.json", sha256=None),
    "itself named": listed("manifest.json", bytes=0, sha256=EMPTY),
    "a deep manifest": lambda directory: (directory / "manifest.json").write_text("[" * 60_000),
    "a large manifest": claimed(more="x" * 10**6),
    "a negative epoch": given(epoch=-1),
    "a huge epoch": given(epoch=HUGE),
    "another epoch": given(epoch=2),
    "another step": given(step=3),
    "a step in words": given(step="2"),
    "a step that equals": given(step=2.0),
    "negative elements": given(elements=-2),
    "huge elements": given(elements=HUGE),
    "true elements": given(elements=True),
    "a negative length": given(steps=-4),
    "stopped a little": given(stopped=1),
    "figures of another form": given(figures={"dict": {"d_loss": 1.0}}),
    "figures in words": given(figures={"dict": {"d_loss": ["a", "b"]}}),
    "means of no number": given(figures={"dict": {"d_loss": [1.0, float("nan")]}}),
    "an entry more": given(path="/etc/passwd"),
    "callbacks in a list": given(callbacks=[]),
    "an attribute of no state": remembered("EarlyStopping", model=None),
    "a path": remembered("EarlyStopping", filepath="/etc/passwd"),
    "a negative patience": remembered("EarlyStopping", wait=-1),
    "a best in words": remembered("ReduceLROnPlateau", best="0.5"),
    "an epoch of the past": remembered("History", epoch=[-1]),
    "a history without lists": remembered("History", history={"dict": {"d_loss": 1.0}}),
    "a guard's path": remembered(
        "DivergenceGuard", epoch={"dict": {"_path": "/etc/passwd", "_step": 1}}
    ),
    "a guard's divergence": remembered("DivergenceGuard", divergences=[[1, 2]]),
    "a monitor's tracks": remembered("CollapseMonitor", tracks={"dict": {"diversity": [1.0]}}),
    "a list for the state": written("training.json", b"[]"),
    "a number for the state": written("training.json", b"7"),
    "no text": written("training.json", b"\xff\xfe"),
    "a deep state": written("training.json", b"[" * 10**6),
    "deep dicts": written("training.json", b'{"dict": {"a": ' * 400 + b"1" + b"}}" * 400),
    "numbers without end": written("training.json", b"9" * 10**6),
    "two kinds": written("training.json", b'{"dict": {}, "array": "array_0"}'),
    "an array that is not there": given(epoch={"array": "array_99"}),
    "arrays twice": given(epoch={"array": "array_0"}, step={"array": "array_0"}),
    "an array for no one": remembered("EarlyStopping", best_weights=None),
    "no arrays in the file": written("arrays.npz", b"text"),
    "large text": written("training.json", b" " * 17 * 2**20),
}


@pytest.mark.parametrize("craft", CRAFTED)
def test_what_no_run_has_written_is_set_aside(craft, original, expected, model_data, tmp_path):
    """Checksums are right where someone crafted them; what is read does not go by them alone."""
    model, _ = model_data
    before = values_of(model)
    shutil.copytree(original, tmp_path / NAME)
    CRAFTED[craft](tmp_path / NAME)
    peak_memory.reset()
    first = peak_memory.megabytes()
    with pytest.warns(BackupWarning, match=rf"'{NAME}' in .* is damaged: .*set aside"):
        assert begin(*model_data, tmp_path) is None
    assert peak_memory.megabytes() < first + 100
    assert equal(values_of(model), before)
    assert any(name.startswith(f"damaged-{NAME}-") for name in os.listdir(tmp_path))


def test_the_backup_before_is_used_and_the_craft_by_itself_does_no_harm(
    original, expected, model_data, tmp_path
):
    model, _ = model_data
    before = values_of(model)
    shutil.copytree(original, tmp_path / NAME)
    shutil.copytree(original, tmp_path / "epoch-000001-step-000003")
    given(step=3, epoch=-1)(tmp_path / "epoch-000001-step-000003")
    change_state(tmp_path / NAME, lambda state: None)
    with pytest.warns(BackupWarning, match="step-000003.* is damaged"):
        assert begin(*model_data, tmp_path).step == 2
    assert equal(values_of(model), expected)
    give(model, before)


STEERING = {
    "a negative rate": lambda model: model.generator_optimizer.learning_rate.assign(-1.0),
    "an infinite rate": lambda model: model.generator_optimizer.learning_rate.assign(np.inf),
    "no number for a rate": lambda model: model.discriminator_optimizer.learning_rate.assign(
        np.nan
    ),
    "a negative count": lambda model: model.generator_optimizer.iterations.assign(-3),
    "negative steps": lambda model: model.random_state.step.assign(-3),
}


@pytest.mark.representatives("a negative rate")
@pytest.mark.parametrize("what", STEERING)
def test_what_steers_is_checked_and_the_model_keeps_its_values(
    what, original, expected, model_data, tmp_path
):
    model, _ = model_data
    before = values_of(model)
    shutil.copytree(original, tmp_path / NAME)
    STEERING[what](model)
    model.save_weights(tmp_path / NAME / "model.weights.h5")
    sign(tmp_path / NAME)
    give(model, before)
    with pytest.raises(ValueError, match=r"which no run has.*Remove it"):
        begin(*model_data, tmp_path)
    assert equal(values_of(model), before)


def test_best_weights_of_another_model_are_refused(original, expected, model_data, tmp_path):
    shutil.copytree(original, tmp_path / NAME)
    path = tmp_path / NAME / "arrays.npz"
    with np.load(path) as file:
        arrays = {name: np.repeat(np.atleast_1d(file[name]), 2) for name in file.files}
    np.savez(path, **arrays)
    sign(tmp_path / NAME)
    with pytest.raises(ValueError, match=r"of another model.*best weights"):
        begin(*model_data, tmp_path)


def test_another_length_is_refused_before_the_model_changes(original, expected, model_data):
    model, data = model_data
    before = values_of(model)
    with pytest.raises(ValueError, match="Received: an epoch of 2 steps"):
        begin(model, data.take(2), original.parent)
    assert equal(values_of(model), before)


def test_what_others_named_like_a_backup_is_left_alone(original, expected, model_data, tmp_path):
    """Neither read, nor counted, nor removed: links, files, other digits, huge numbers."""
    model, data = model_data
    before, elsewhere = values_of(model), tmp_path / "elsewhere"
    shutil.copytree(original, elsewhere)
    base = tmp_path / "backup"
    shutil.copytree(original, base / NAME)
    (base / "epoch-000009-step-000000").symlink_to(elsewhere)
    (base / "epoch-000000-step-000001").symlink_to(elsewhere)
    (base / "epoch-000000-step-000002").write_text("a file")
    foreign = "epoch-000000-step-000003"
    (base / foreign / "of a user").mkdir(parents=True)
    for name in (
        "epoch-00000\N{ARABIC-INDIC DIGIT SEVEN}-step-000000",
        "epoch-0000007-step-000000",
        f"epoch-{'9' * 30}-step-000000",
        "epoch-000007-step-000000\n",
    ):
        shutil.copytree(original, base / name)
    names = sorted(os.listdir(base))
    assert begin(model, data, base).step == 2
    assert equal(values_of(model), expected)
    assert sorted(os.listdir(base)) == names
    give(model, before)
    snapshots = Snapshots(str(base), keep=1)
    for name in (NAME, "epoch-000001-step-000003"):
        snapshots.write(name, lambda directory: (directory / "training.json").write_text(""))
    assert sorted(os.listdir(base)) == sorted({*names, "epoch-000001-step-000003"} - {NAME})
    assert sorted(os.listdir(elsewhere)) == sorted(os.listdir(original))
    with pytest.raises(NotADirectoryError):
        snapshots.write("epoch-000009-step-000000", lambda directory: None)
    assert (base / "epoch-000009-step-000000").is_symlink()


def test_long_lists_are_kept_as_arrays_and_come_back_as_lists(tmp_path):
    """Or a history of many epochs would make text of any length, which is not read again."""
    state = {
        "floats": [0.1, float("inf")] * 1000,
        "ints": list(range(3000)),
        "large": [2**70] * 2000,
        "mixed": [1, 0.5] * 1000,
        "short": [0.1],
    }
    packed, arrays = states.pack(state)
    assert len(arrays) == 2
    assert states.unpack(json.loads(json.dumps(packed)), arrays) == state
    read = states.unpack(packed, arrays)
    assert {type(value) for value in read["ints"]} == {int}
    found = {"epoch": 1, "text": "x" * 17 * 2**20}
    with pytest.raises(OSError, match="keep what is large in NumPy arrays"):
        contents.write(tmp_path, found)
