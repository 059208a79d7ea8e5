"""Atomic writes: whole, or not there, whatever interrupts them."""

import concurrent.futures
import os
import signal
import stat
import time

import pytest

from keras_gan.utils import files
from tests.integration import forked

KINDS = ["file", "directory", "replaced directory"]


def write(kind, path, text, interrupt=lambda: None):
    """Write a text by one of the ways, interrupted when half of it is there."""
    if "file" in kind:
        with files.whole_file(path) as partial, open(partial, "x") as file:
            file.write(text[:2])
            file.flush()
            interrupt()
            file.write(text[2:])
    else:
        with files.whole_directory(path, replace="replaced" in kind) as partial:
            (partial / "first").write_text(text)
            interrupt()
            (partial / "deep").mkdir()
            (partial / "deep" / "second").write_text(text)


def texts(path):
    """Return all texts of a file, or of a directory's files."""
    if path.is_dir():
        return sorted(each.read_text() for each in path.rglob("*") if each.is_file())
    return path.read_text()


def whole(kind, text):
    return text if "file" in kind else [text, text]


@pytest.mark.parametrize("kind", KINDS)
def test_a_reader_sees_nothing_or_all(tmp_path, kind):
    path = tmp_path / "thing.txt"
    write(kind, path, "text", lambda: (not path.exists()) or pytest.fail("there too early"))
    assert texts(path) == whole(kind, "text")
    assert os.listdir(tmp_path) == ["thing.txt"]


@pytest.mark.parametrize("kind", ["file", "replaced directory"])
def test_a_reader_sees_the_old_one_or_the_new_one(tmp_path, kind):
    path, seen = tmp_path / "thing.txt", []
    write(kind, path, "old text")
    write(kind, path, "new text", lambda: seen.append(texts(path)))
    assert seen == [whole(kind, "old text")]
    assert texts(path) == whole(kind, "new text")
    assert os.listdir(tmp_path) == ["thing.txt"]


@pytest.mark.parametrize("error", [OSError("no space left"), KeyboardInterrupt()])
@pytest.mark.parametrize("kind", KINDS)
def test_an_error_leaves_the_old_one_alone(tmp_path, kind, error):
    path = tmp_path / "thing.txt"

    def fail():
        raise error

    with pytest.raises(type(error)):
        write(kind, path, "text", fail)
    assert os.listdir(tmp_path) == []
    write(kind, path, "old text")
    with pytest.raises(type(error)):
        write(kind, path, "new text", fail)
    assert os.listdir(tmp_path) == ["thing.txt"]
    assert texts(path) == whole(kind, "old text")


def test_a_directory_that_is_there_is_an_error(tmp_path):
    write("directory", tmp_path / "1", "old")
    with pytest.raises(OSError, match="not empty"):
        write("directory", tmp_path / "1", "new")
    assert texts(tmp_path / "1") == ["old", "old"]
    assert os.listdir(tmp_path) == ["1"]


def test_a_directory_that_can_not_be_replaced_stays(tmp_path, monkeypatch):
    write("directory", tmp_path / "1", "old")
    rename = os.rename

    def refuse(source, target):
        if (source / "first").exists() and (source / "first").read_text() == "new":
            raise OSError("refused")
        rename(source, target)

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(OSError, match="refused"):
        write("replaced directory", tmp_path / "1", "new")
    assert texts(tmp_path / "1") == ["old", "old"]
    assert os.listdir(tmp_path) == ["1"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_killed_process_left_does_not_pile_up(tmp_path, kind):
    """Of three that were killed in the middle, nothing is left after the next that was not."""
    path = tmp_path / "1.keras"
    for _ in range(3):
        child = os.fork()
        if not child:
            write(kind, path, "text", lambda: os.kill(os.getpid(), signal.SIGKILL))
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert not path.exists()
    left = os.listdir(tmp_path)
    assert len(left) == 3
    assert all(name.startswith(".partial-") and name.endswith("1.keras") for name in left)
    hours_ago = time.time() - 7200
    for name in left:
        os.utime(tmp_path / name, (hours_ago, hours_ago))
    if "directory" in kind:
        files.remove_partial(tmp_path, r"\d+\.keras")
        assert os.listdir(tmp_path) == []
    write(kind, path, "text")
    assert os.listdir(tmp_path) == ["1.keras"]


def test_only_what_is_old_and_of_that_name_is_removed(tmp_path):
    names = [".partial-0123abcd-1", ".partial-0123abcd-mine", ".partial-1", ".1", "1"]
    for name in names:
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (0, 0))
    (tmp_path / ".partial-89abcdef-2").mkdir()
    files.remove_partial(tmp_path, r"\d+")
    assert sorted(os.listdir(tmp_path)) == sorted([*names[1:], ".partial-89abcdef-2"])
    files.remove_partial(tmp_path, r"\d+", age=0)
    assert sorted(os.listdir(tmp_path)) == sorted(names[1:])


def test_a_series_of_files_is_cleaned_up_by_the_next_one(tmp_path):
    for name in ("epoch_0007.png", "other_0007.png"):
        left = tmp_path / f".partial-0123abcd-{name}"
        left.write_text("half")
        os.utime(left, (0, 0))
    write("file", tmp_path / "epoch_0012.png", "text")
    assert sorted(os.listdir(tmp_path)) == [".partial-0123abcd-other_0007.png", "epoch_0012.png"]


def test_what_others_put_there_is_not_removed(tmp_path):
    """Links, pipes, and names in digits that only Python takes for such."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").write_text("")
    names = [".partial-0123abcd-1", ".partial-0123abcd-2", ".partial-0123abcd-3"]
    (tmp_path / names[0]).symlink_to(elsewhere)
    (tmp_path / names[1]).symlink_to("nowhere")
    os.mkfifo(tmp_path / names[2])
    names.append(".partial-0123abcd-\N{ARABIC-INDIC DIGIT FOUR}")
    (tmp_path / names[3]).mkdir()
    files.remove_partial(tmp_path, r"\d+", age=0)
    assert sorted(os.listdir(tmp_path)) == sorted([*names, "elsewhere"])
    assert os.listdir(elsewhere) == ["mine"]


@pytest.mark.parametrize("there", ["file", "link", "link to nothing"])
def test_what_is_no_directory_is_neither_replaced_nor_removed(tmp_path, there):
    path, elsewhere = tmp_path / "1", tmp_path / "elsewhere"
    write("directory", elsewhere, "mine")
    path.write_text("mine") if there == "file" else path.symlink_to(
        elsewhere if there == "link" else "nowhere"
    )
    for change in (lambda: write("replaced directory", path, "new"), files.remove_directory):
        with pytest.raises(NotADirectoryError, match="1"):
            change(path) if change is files.remove_directory else change()
    assert sorted(os.listdir(tmp_path)) == ["1", "elsewhere"]
    assert path.is_symlink() == (there != "file") and texts(elsewhere) == ["mine", "mine"]


@pytest.mark.parametrize("kind", ["file", "replaced directory"])
def test_writers_of_one_path_do_not_meet(tmp_path, kind):
    """Neither one within another, nor processes and threads that write as fast as they can."""
    path = tmp_path / "thing.txt"
    write(kind, path, "mine", lambda: write(kind, path, "theirs"))
    assert texts(path) == whole(kind, "mine")

    def keep_writing(text):
        for _ in range(60):
            write(kind, path, text)

    children = [forked.start(keep_writing, text) for text in ("aaaa", "bbbb")]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(keep_writing, ["cccc", "dddd"]))
    assert [forked.status(child) for child in children] == [0, 0]
    assert texts(path) in [whole(kind, letter * 4) for letter in "abcd"]
    assert os.listdir(tmp_path) == ["thing.txt"]


def test_the_disk_holds_a_directory_before_it_gets_its_name(tmp_path, monkeypatch):
    """And the name before the writing is over."""
    done, sync, rename = [], os.fsync, os.rename

    def noted_sync(descriptor):
        done.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(os, "rename", lambda *a: done.append("renamed") or rename(*a))
    write("directory", tmp_path / "1", "text")
    partial, renamed, parent = done[-3:]
    assert partial.startswith(".partial-")
    assert renamed == "renamed"
    assert parent == tmp_path.name
    assert sorted(done[:-3]) == ["deep", "first", "second"]
    assert done.index("second") < done.index("deep")


@pytest.mark.parametrize("kind", KINDS)
def test_others_may_read_what_they_may_read_elsewhere(tmp_path, kind):
    path = tmp_path / "thing"
    write(kind, path, "text")
    other = tmp_path / "other"
    other.write_text("") if "file" in kind else other.mkdir()
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (path, other)]
    assert modes[0] == modes[1]


def test_a_removed_directory_is_whole_as_long_as_it_has_its_name(tmp_path, monkeypatch):
    write("directory", tmp_path / "1", "text")
    seen, remove = [], files.shutil.rmtree
    monkeypatch.setattr(
        files.shutil, "rmtree", lambda p, **k: seen.append(os.listdir(tmp_path)) or remove(p, **k)
    )
    files.remove_directory(tmp_path / "1")
    ((name,),) = seen
    assert name.startswith(".partial-")
    assert os.listdir(tmp_path) == []


def test_a_directory_is_made_with_its_parents(tmp_path):
    files.prepare_directory(tmp_path / "a" / "b")
    files.prepare_directory(tmp_path / "a" / "b")
    assert os.listdir(tmp_path / "a" / "b") == []


@pytest.mark.parametrize("below", [[], ["deep"]])
def test_a_file_in_place_of_a_directory_is_refused(tmp_path, below):
    (tmp_path / "file").write_text("")
    path = tmp_path.joinpath("file", *below)
    with pytest.raises(ValueError, match=r"Expected `cache_dir` to be a dir.* Advice\..*file") as e:
        files.prepare_directory(path, "cache_dir", "Advice.")
    assert f"Received: cache_dir={str(path)!r}" in str(e.value)
