"""Workers meet before TensorFlow connects them: who is awaited, for how long, and what is told."""

import concurrent.futures
import contextlib
import dataclasses
import socket
import time

import pytest

from keras_gan.workers import meeting
from keras_gan.workers.cluster import Cluster


@contextlib.contextmanager
def ports(count):
    """Yield ports that nobody listens to."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("", 0))) for _ in range(count)]
        numbers = [each.getsockname()[1] for each in sockets]
    yield numbers


@pytest.fixture
def cluster(monkeypatch):
    """Return a function that makes the cluster of three workers, as one of them knows it."""
    monkeypatch.setattr(meeting, "_PAUSE", 0.05)
    monkeypatch.setattr(meeting, "_TELL", 0.2)
    with ports(3) as numbers:
        addresses = [f"localhost:{port}" for port in numbers]
    return lambda own, addresses=addresses: Cluster(
        [("worker", i) for i in range(len(addresses))], addresses, own
    )


def meet(*clusters, patience=10.0):
    """Have workers meet, and return what each got: `None`, or an error."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waits = [pool.submit(meeting.meet, each, patience) for each in clusters]
        return [wait.exception() for wait in waits]


def test_all_meet_and_can_use_their_ports_at_once(cluster):
    for _ in range(2):  # The second time like the first.
        assert meet(*(cluster(i) for i in (2, 0, 1))) == [None] * 3


@pytest.mark.parametrize("absent", [0, 1])
def test_one_that_does_not_come_is_named_meanwhile_and_at_the_end(cluster, absent, capsys):
    there = [i for i in range(3) if i != absent]
    begin = time.monotonic()
    errors = meet(*(cluster(i) for i in there), patience=1.5)
    assert time.monotonic() - begin < 10
    said = f"Worker {absent} of 3 (localhost:"
    for error in errors:
        assert isinstance(error, meeting.AbsentError)
        assert str(error).startswith(said) and str(error).endswith("within 1.5 seconds.")
    shown = capsys.readouterr().out
    assert f"Worker {there[0]} of 3" in shown and f" seconds more: {said}" in shown


def test_a_chief_that_is_stopped_is_named(cluster):
    """A stopped process's connections are taken by the system: nobody answers."""
    with socket.create_server(("", int(cluster(0).addresses[0].rpartition(":")[2]))):
        errors = meet(cluster(1), cluster(2), patience=0.5)
    assert all("Worker 0 of 3" in str(error) for error in errors)


def test_one_that_comes_and_goes_is_awaited_again(cluster):
    chief = cluster(0)
    address = ("localhost", int(chief.addresses[0].rpartition(":")[2]))
    known = {"number": 2, "cluster": meeting._digest(chief, 2), "size": 3}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waits = [pool.submit(meeting.meet, chief, 10)]
        # Before the other one is there: with it all would be, if only for a moment.
        for message in [known, {"number": 7}, "PRI * HTTP/2.0"]:
            while not waits[0].done():  # Until it listens.
                with contextlib.suppress(OSError), socket.create_connection(address) as stranger:
                    meeting._send([stranger], message)
                    break
                time.sleep(0.01)
        waits.append(pool.submit(meeting.meet, cluster(1), 10))
        time.sleep(0.3)
        assert not any(wait.done() for wait in waits)
        meeting.meet(cluster(2), 10)
        assert [wait.result() for wait in waits] == [None, None]


def test_a_port_that_is_taken_is_said(cluster):
    port = int(cluster(1).addresses[1].rpartition(":")[2])
    with socket.create_server(("", port)):
        [error] = meet(cluster(1), patience=0.3)
    assert "Worker 1 of 3" in str(error) and "can't listen at its port (Address already" in str(
        error
    )


def test_other_clusters_are_refused_by_all(cluster):
    addresses = cluster(0).addresses
    more = cluster(1, [*addresses, "localhost:1"])
    own_name = cluster(2, [*addresses[:2], addresses[2].replace("localhost", "127.0.0.1")])
    errors = meet(cluster(0), more, own_name, patience=1)
    for error in errors[:2]:
        assert isinstance(error, ValueError)
        assert "4 addresses in worker 1, and 3, not all of them the same" in str(error)
    assert meet(cluster(0), cluster(1), own_name) == [None] * 3


def test_two_with_one_number_are_refused(cluster, monkeypatch):
    monkeypatch.setattr(meeting, "_own_port", _any_port(meeting._own_port))
    errors = meet(cluster(0), cluster(1), dataclasses.replace(cluster(1)), patience=5)
    assert "two workers with the number 1" in str(errors[0])


def _any_port(listen):
    """Return `_own_port` of workers on machines of their own, where the chief's is the real one."""
    return lambda cluster, clock: (
        socket.create_server(("", 0)) if cluster.own else listen(cluster, clock)
    )
