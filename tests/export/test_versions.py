"""Versions of an export: numbered, whole, and removed from the oldest."""

import os

import pytest
import tensorflow as tf

from keras_gan.export.versions import Versions
from keras_gan.utils import files
from tests.integration import small


@pytest.fixture(scope="module")
def model():
    """Return an untrained model."""
    return small.gan(classes=3)


def names(base):
    return sorted(os.listdir(base))


def write(base, number):
    """Write a version that holds one small file."""
    with Versions(base).writing(number) as directory:
        (directory / "file").write_text(str(number))


def test_versions_follow_each_other(model, tmp_path):
    base = tmp_path / "served"
    assert model.export(base, warmup=False) == str(base / "1")
    (base / "9").mkdir()
    (base / "notes").mkdir()
    assert model.export(str(base), warmup=False) == str(base / "10")
    assert model.export(base, version=4, warmup=False) == str(base / "4")
    assert names(base) == ["1", "10", "4", "9", "notes"]


@pytest.mark.parametrize("version", [0, -1, 1.0, True, "2", "latest", None])
def test_versions_are_positive_integers(tmp_path, version):
    with pytest.raises(
        ValueError, match=r"'next' or a whole number of at least 1. Received: version="
    ):
        Versions(tmp_path).choose(version)


def test_no_version_is_written_twice(tmp_path):
    write(tmp_path, 3)
    with pytest.raises(ValueError, match="Version 3 exists already"):
        Versions(tmp_path).choose(3)
    # Another export may have taken the number in between.
    with pytest.raises(OSError, match="could not be written"):
        write(tmp_path, 3)
    assert names(tmp_path) == ["3"]
    assert (tmp_path / "3" / "file").read_text() == "3"


@pytest.mark.parametrize("error", [KeyboardInterrupt, tf.errors.ResourceExhaustedError])
def test_what_is_interrupted_leaves_nothing(model, tmp_path, monkeypatch, error):
    def interrupt(*args, **kwargs):
        raise error if error is KeyboardInterrupt else error(None, None, "no space")

    monkeypatch.setattr(tf.saved_model, "save", interrupt)
    with pytest.raises(KeyboardInterrupt if error is KeyboardInterrupt else OSError):
        model.export(tmp_path / "served")
    assert names(tmp_path / "served") == []


@pytest.mark.slow
def test_keep_removes_the_oldest(model, tmp_path):
    for number in (1, 2, 5, 7):
        write(tmp_path, number)
    model.export(tmp_path, keep=3, warmup=False)
    assert names(tmp_path) == ["5", "7", "8"]


def test_keep_never_removes_what_was_just_written(tmp_path):
    for number in (1, 2, 3, 4):
        write(tmp_path, number)
    Versions(tmp_path).prune(2, latest=1)
    assert names(tmp_path) == ["1", "3", "4"]


def test_a_version_goes_in_one_step(tmp_path, monkeypatch):
    """A server finds a version whole or not at all while it is removed."""
    for number in (1, 2):
        write(tmp_path, number)
    seen = []
    monkeypatch.setattr(files.shutil, "rmtree", lambda path, **kwargs: seen.append(names(tmp_path)))
    Versions(tmp_path).prune(1, latest=2)
    (left,) = seen
    assert [name for name in left if name.isdecimal()] == ["2"]
    assert len(left) == 2


@pytest.mark.parametrize("keep", [0, -1, 1.5, True])
def test_keep_is_a_whole_number(model, tmp_path, keep):
    with pytest.raises(ValueError, match="Expected `keep` to be a whole number of at least 1"):
        model.export(tmp_path / "served", keep=keep)
    assert not (tmp_path / "served").exists()


def test_remote_directories_are_refused(model):
    with pytest.raises(ValueError, match=r"to be a local path.*gs://bucket/model"):
        model.export("gs://bucket/model")


def test_the_name_is_the_base_directorys(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Versions(".").name == tmp_path.name
    assert Versions("some/digits/").name == "digits"


@pytest.mark.slow
def test_fit_goes_on_after_an_export(tmp_path):
    model = small.gan()
    model.compile(ema=0.5, **small.sgds())
    model.fit(small.points(8), verbose=0)
    model.export(tmp_path, warmup=False)
    model.fit(small.points(8), verbose=0)
    assert int(model.random_state.step) == 2


def test_a_versions_path_is_no_base(tmp_path):
    for path in (tmp_path / "7", f"{tmp_path}/7/"):
        with pytest.raises(ValueError, match=r"a version's: export\('.*', version=7\)"):
            Versions(path)
    assert not list(tmp_path.iterdir())
