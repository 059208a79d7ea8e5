"""One writer in a directory at a time, whatever becomes of the one before."""

import errno
import fcntl
import os
import signal
import threading

import pytest

from keras_gan.utils.locks import DirectoryLock
from tests.integration import forked


def test_one_holds_it_and_the_next_can_after_that(tmp_path):
    first, second = DirectoryLock(tmp_path), DirectoryLock(tmp_path)
    for _ in range(2):
        assert first.acquire()
        for other in (second, first):
            with pytest.raises(BlockingIOError, match=rf"process {os.getpid()} on .+, since 20"):
                other.acquire()
        second.release()  # Which does not hold it.
        with pytest.raises(BlockingIOError):
            second.acquire()
        first.release()
        assert os.listdir(tmp_path) == []
    assert second.acquire()
    second.release()


def test_another_thread_is_another(tmp_path):
    lock, caught = DirectoryLock(tmp_path), []
    lock.acquire()

    def take():
        try:
            DirectoryLock(tmp_path).acquire()
        except BlockingIOError as error:
            caught.append(error)

    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    lock.release()
    assert len(caught) == 1


def test_a_killed_process_holds_nothing(tmp_path):
    child, lock = forked.holding(tmp_path), DirectoryLock(tmp_path)
    with pytest.raises(BlockingIOError, match=f"process {child} on"):
        lock.acquire()
    forked.kill(child)
    assert os.listdir(tmp_path) == [".lock"]  # Which nobody holds.
    assert lock.acquire()
    lock.release()
    assert os.listdir(tmp_path) == []


def test_children_do_not_hold_it_for_a_parent_that_was_killed(tmp_path):
    """Those of a pool, say, that wait for work which will never come."""
    (began, begin), (work, send) = os.pipe(), os.pipe()

    def wait_for_work():
        os.write(begin, b"!")
        os.read(work, 1)  # There is none, until the test closes the pipe.

    def begin_pool():
        os.close(send)
        forked.start(wait_for_work)
        signal.pause()

    parent = forked.holding(tmp_path, begin_pool)
    os.read(began, 1)
    forked.kill(parent)
    lock = DirectoryLock(tmp_path)
    try:
        assert lock.acquire()
    finally:
        os.close(send)
    lock.release()


def test_a_child_does_not_release_what_its_parent_holds(tmp_path):
    lock = DirectoryLock(tmp_path)
    lock.acquire()
    assert forked.status(forked.start(lock.release)) == 0
    with pytest.raises(BlockingIOError):
        DirectoryLock(tmp_path).acquire()
    lock.release()


def test_who_comes_while_it_is_released_gets_it(tmp_path, monkeypatch):
    """The file that the second has opened is removed by the first as it lets go."""
    first, second, flock = DirectoryLock(tmp_path), DirectoryLock(tmp_path), fcntl.flock
    first.acquire()

    def late(descriptor, how):
        first.release()
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    assert second.acquire()
    monkeypatch.undo()
    assert os.listdir(tmp_path) == [".lock"]
    with pytest.raises(BlockingIOError):
        first.acquire()
    second.release()


def test_disks_without_locks(tmp_path, monkeypatch):
    def refuse(descriptor, how):
        raise OSError(errno.ENOLCK, "no locks")

    lock = DirectoryLock(tmp_path)
    monkeypatch.setattr(fcntl, "flock", refuse)
    assert not lock.acquire()
    lock.release()


@pytest.mark.parametrize("there", ["link", "directory"])
def test_what_is_in_its_place_is_not_followed(tmp_path, there):
    if there == "link":
        (tmp_path / ".lock").symlink_to(tmp_path / "elsewhere")
    else:
        (tmp_path / ".lock").mkdir()
    with pytest.raises(OSError):
        DirectoryLock(tmp_path).acquire()
    assert os.listdir(tmp_path) == [".lock"]


def test_who_holds_it_is_shown_on_one_line(tmp_path):
    lock = DirectoryLock(tmp_path)
    lock.acquire()
    (tmp_path / ".lock").write_bytes(b"\x1b[2J\n" + b"x" * 10_000)
    with pytest.raises(BlockingIOError) as caught:
        DirectoryLock(tmp_path).acquire()
    assert str(caught.value).isprintable() and len(str(caught.value)) <= 100
    lock.release()
