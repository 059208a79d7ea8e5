"""The list of an export's files, and what does not agree with it."""

import os
import pathlib
import shutil
import subprocess
import sys
import tracemalloc
import warnings

import pytest

import keras_gan
from keras_gan.export import digests

SHIPPED = pathlib.Path(__file__).parents[2] / "saved_models" / "digits" / "1"


@pytest.fixture
def version(tmp_path):
    """Return a copy of a version's directory."""
    return pathlib.Path(shutil.copytree(SHIPPED, tmp_path / "digits" / "1"))


def verified(path):
    """Return what `verify` says, which warns of nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return keras_gan.export.verify(path)


def test_the_shipped_one_has_one():
    assert verified(SHIPPED)


def test_an_empty_directory_of_assets_may_be_lost_or_made(version):
    (version / "assets").mkdir()
    assert verified(version)


def test_a_version_may_be_reached_by_a_link(version, tmp_path):
    (tmp_path / "current").symlink_to(version)
    assert verified(tmp_path / "current")


def test_an_export_without_a_list_is_warned_of(version):
    (version / "files.json").unlink()
    with pytest.warns(UserWarning, match=r"has no files.json.* An older version") as caught:
        assert keras_gan.export.verify(version) is False
    assert caught[0].filename == __file__


def test_what_is_no_version_is_refused(version):
    for path in (version.parent, version / "nowhere", version / "saved_model.pb"):
        with pytest.raises(ValueError, match="Expected the directory of an export's version"):
            verified(path)


def append(path):
    with open(path / "saved_model.pb", "ab") as file:
        file.write(b"\0")


def flip(path):
    data = path / "variables" / "variables.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[1000] ^= 4
    data.write_bytes(content)


def grow(path):
    """A hole: nothing is written, and to read it would take minutes."""
    os.truncate(path / "variables" / "variables.index", 2**36)


def link(path):
    (path / "saved_model.pb").rename(path.parent / "elsewhere")
    (path / "saved_model.pb").symlink_to("../elsewhere")


def link_directory(path):
    (path / "variables").rename(path.parent / "elsewhere")
    (path / "variables").symlink_to("../elsewhere")


def pipe(path):
    """Who opens it waits forever."""
    (path / "model_card.json").unlink()
    os.mkfifo(path / "model_card.json")


def remove(path):
    (path / "fingerprint.pb").unlink()


def add(path):
    (path / "other.pb").touch()


def link_assets(path):
    (path / "assets").symlink_to("/")


def nest_assets(path):
    (path / "assets" / "deep").mkdir(parents=True)


def make_the_list_a_directory(path):
    (path / "files.json").unlink()
    (path / "files.json").mkdir()


def grow_the_list(path):
    os.truncate(path / "files.json", 2**36)


DAMAGES = {
    append: "'saved_model.pb' has 266786 bytes, not 266785",
    flip: "'variables/variables.data-00000-of-00001' has another SHA-256",
    grow: "'variables/variables.index' has 68719476736 bytes, not 791",
    link: "'saved_model.pb' is a link, or no file",
    link_directory: "'variables' is not on the list",
    pipe: "'model_card.json' is a link, or no file",
    remove: "'fingerprint.pb' is missing",
    add: "'other.pb' is not on the list",
    link_assets: "'assets' is not on the list",
    nest_assets: "'assets/deep' is not on the list",
    make_the_list_a_directory: "files.json is no file of at most 1048576 bytes",
    grow_the_list: "files.json is no file of at most 1048576 bytes",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found_before_it_is_read(version, damage, monkeypatch):
    damage(version)
    if damage is not flip:
        monkeypatch.setattr(digests, "_digest", lambda path: pytest.fail("Sizes come first."))
    with pytest.raises(ValueError) as caught:
        verified(version)
    assert DAMAGES[damage] in str(caught.value)
    assert str(caught.value).startswith("Expected the files that files.json lists, and no others: ")
    assert f"Received: {str(version)!r}, where " in str(caught.value)


def test_it_is_a_command_that_needs_nothing_but_python(version):
    command = [sys.executable, "-I", "-S", digests.__file__, str(version)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{version} is whole\n"), done.stderr
    flip(version)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Expected the files"), done.stderr


def test_the_command_looks_at_all_and_succeeds_where_all_are_whole(version, tmp_path, capsys):
    whole, unlisted = (
        shutil.copytree(version, tmp_path / "3"),
        shutil.copytree(version, tmp_path / "4"),
    )
    (unlisted / digests.LIST).unlink()
    flip(version)
    assert digests._main([str(whole)]) == 0
    with pytest.warns(UserWarning, match="has no files.json"):
        assert digests._main([str(unlisted), str(whole)]) == 1
    assert digests._main([str(version), str(whole)]) == 1
    assert capsys.readouterr().out.count("is whole") == 3
    assert digests._main([]) == 2


def test_large_files_are_read_in_small_pieces(version):
    os.truncate(version / "fingerprint.pb", 2**26)
    digests.write(version)
    tracemalloc.start()
    try:
        assert verified(version)
        assert tracemalloc.get_traced_memory()[1] < 2**21
    finally:
        tracemalloc.stop()
