"""Versions of an export: numbered, whole, and removed from the oldest."""

import os
import pathlib
import re

import pytest
import tensorflow as tf

from keras_gan.export.versions import Versions, number_of
from keras_gan.utils import files
from tests.integration import small


@pytest.fixture(scope="module")
def model():
    """Return an untrained model."""
    return small.gan(classes=3)


def names(base):
    return sorted(os.listdir(base))


def write(base, number):
    """Write a version that holds one small file, by which it is known to be an export."""
    with Versions(base).writing(number) as directory:
        (directory / "saved_model.pb").write_text(str(number))


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
    assert (tmp_path / "3" / "saved_model.pb").read_text() == "3"


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


@pytest.mark.parametrize("name", ["max_batch_size", "max_pixels"])
@pytest.mark.parametrize("size", [0, 2**31, 2**70])
def test_limits_are_sizes_of_tensors(model, tmp_path, name, size):
    with pytest.raises(ValueError, match=f"`{name}` to be .* at least 1 and at most 2147483647"):
        model.export(tmp_path / "served", **{name: size})
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


# What stands in a base directory, as a server reads its name: absl::SimpleAtoi of 64 bits.
READ = {
    "7": 7,
    "007": 7,
    "+7": 7,
    "7 ": 7,
    "\t7": 7,
    "-7": -7,
    "9223372036854775807": 2**63 - 1,
    "9223372036854775808": None,
    "1_000": None,
    "\uff11": None,
    "\u0663": None,
    "²": None,
    "7.5": None,
    "0x7": None,
    "- 7": None,
    "": None,
    "+": None,
    ".7": None,
    "9" * 250: None,
}


@pytest.mark.parametrize("name", READ, ids=repr)
def test_names_are_read_as_a_server_reads_them(name):
    assert number_of(name) == READ[name]


@pytest.mark.parametrize("name", ["007", "+7", "7 ", "7"])
@pytest.mark.parametrize("kind", ["directory", "file", "link", "dangling link"])
def test_what_a_server_takes_for_a_version_is_taken(tmp_path, name, kind):
    base, elsewhere = tmp_path / "served", tmp_path / "elsewhere"
    put(base / name, kind, elsewhere)
    assert Versions(base).choose("next") == 8
    what = "a link" if "link" in kind else f"a {kind}"
    with pytest.raises(ValueError, match=f"7 exists already .*{re.escape(repr(name))}, {what}, "):
        Versions(base).choose(7)


@pytest.mark.parametrize(
    "name", ["\uff11", "\u0663", "²", "1_000", "9223372036854775808", "-3", "0"]
)
def test_what_is_no_version_takes_no_number(tmp_path, name):
    (tmp_path / name).mkdir()
    assert Versions(tmp_path).choose("next") == 1


@pytest.mark.parametrize("name", ["007", "+7", "-7"])
@pytest.mark.parametrize("kind", ["directory", "file", "link", "dangling link"])
def test_what_is_not_ours_is_not_removed(tmp_path, name, kind):
    base, elsewhere = tmp_path / "served", tmp_path / "elsewhere"
    put(base / name, kind, elsewhere)
    for number in (1, 2, 3):
        write(base, number)
    Versions(base).prune(2, latest=3)
    assert names(base) == sorted(["2", "3", name])
    assert not elsewhere.exists() or names(elsewhere) == ["saved_model.pb"]


@pytest.mark.parametrize("kind", ["file", "link", "dangling link", "photos"])
def test_a_plain_number_that_is_no_export_is_not_removed(tmp_path, kind):
    base, elsewhere = tmp_path / "served", tmp_path / "elsewhere"
    put(base / "1", kind, elsewhere)
    for number in (2, 3):
        write(base, number)
    Versions(base).prune(1, latest=3)
    assert names(base) == ["1", "3"]
    assert not elsewhere.exists() or names(elsewhere) == ["saved_model.pb"]


def put(path, kind, elsewhere):
    """Put a thing under a name; what a link leads to is an export elsewhere."""
    path.parent.mkdir(exist_ok=True)
    if kind == "file":
        path.write_text("notes")
    elif kind == "dangling link":
        path.symlink_to(elsewhere)
    elif kind == "link":
        elsewhere.mkdir()
        (elsewhere / "saved_model.pb").touch()
        path.symlink_to(elsewhere)
    else:
        path.mkdir()
        (path / ("beach.jpeg" if kind == "photos" else "saved_model.pb")).touch()


def test_the_largest_number_is_the_last(tmp_path):
    assert Versions(tmp_path).choose(2**63 - 1) == 2**63 - 1
    write(tmp_path, 2**63 - 2)
    assert Versions(tmp_path).choose("next") == 2**63 - 1
    write(tmp_path, 2**63 - 1)
    with pytest.raises(ValueError, match=r"at most 9223372036854775807, .* version='next'"):
        Versions(tmp_path).choose("next")
    with pytest.raises(ValueError, match=r"at most 9223372036854775807, .* version=922337203"):
        Versions(tmp_path).choose(2**63)


@pytest.mark.parametrize("kind", ["directory", "file", "link", "dangling link", "empty"])
def test_of_two_exporters_the_second_is_told(tmp_path, kind):
    """The number was free when it was chosen; the first one's version stays as it is."""
    base, elsewhere = tmp_path / "served", tmp_path / "elsewhere"
    number = Versions(base).choose("next")
    with (
        pytest.raises(OSError, match=r"could not be .* Another export has taken the number"),
        Versions(base).writing(number) as directory,
    ):
        (directory / "saved_model.pb").write_text("second")
        if kind == "empty":
            (base / "1").mkdir()
        elif kind == "directory":
            write(base, number)
        else:
            put(base / "1", kind, elsewhere)
    assert names(base) == ["1"]
    if kind == "directory":
        assert (base / "1" / "saved_model.pb").read_text() == "1"
    assert (base / "1").is_symlink() == ("link" in kind)


def test_two_exporters_write_at_once_without_meeting(tmp_path):
    with Versions(tmp_path).writing(1) as first, Versions(tmp_path).writing(2) as second:
        assert first != second
        for directory in (first, second):
            (directory / "saved_model.pb").touch()
    assert names(tmp_path) == ["1", "2"]


def test_a_base_that_is_a_link_is_written_where_it_leads(tmp_path):
    (tmp_path / "digits").mkdir()
    (tmp_path / "current").symlink_to(tmp_path / "digits")
    for number in (1, 2):
        write(tmp_path / "current", number)
    Versions(tmp_path / "current").prune(1, latest=2)
    assert names(tmp_path / "digits") == ["2"]
    assert (tmp_path / "current").is_symlink()
    assert Versions(tmp_path / "current").name == "digits"


def test_a_base_that_leads_nowhere_is_refused(tmp_path):
    (tmp_path / "served").symlink_to(tmp_path / "gone")
    with pytest.raises(ValueError, match="a link that leads nowhere"):
        Versions(tmp_path / "served")


def test_a_link_to_a_version_is_no_base(tmp_path):
    (tmp_path / "digits" / "7").mkdir(parents=True)
    (tmp_path / "current").symlink_to(tmp_path / "digits" / "7")
    with pytest.raises(ValueError, match=rf"export\('{tmp_path}/digits', version=7\)"):
        Versions(tmp_path / "current")


def test_a_base_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(pathlib.Path, "iterdir", refuse)
    with pytest.raises(OSError, match="could not be read, so that none is chosen or removed"):
        Versions(tmp_path).choose("next")
