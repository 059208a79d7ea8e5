"""A meeting of all workers before TensorFlow connects them, over plain sockets.

TensorFlow's own wait for the others lasts an hour or for ever, holds Python's lock, so that
neither a word nor a signal gets through, and does not notice a port that is taken already.

The chief listens at its own address, which TensorFlow does not use yet. The others tell it their
number and what they know of the cluster, and keep the connection. It tells them who is awaited,
and when all are there. What comes from anyone else, such as workers of a run before this one, is
ignored. Messages are lines of JSON.
"""

import contextlib
import hashlib
import json
import select
import socket
import time

_TELL = 10.0  # Seconds from one word about who is awaited to the next.
_PAUSE = 0.5  # Seconds from one attempt to the next.
_LONGEST = 4096  # Bytes of a line.


class AbsentError(Exception):
    """Not all have come in time."""


def meet(cluster, patience):
    """Return when all workers have called it.

    Args:
        cluster: the `Cluster`.
        patience: seconds to wait for the others.

    Raises:
        AbsentError: when not all have come in time; it says who has not.
        ValueError: when the workers' clusters differ, or two are the same one.
    """
    clock = _Clock(cluster, patience)
    if cluster.own:
        with contextlib.closing(_own_port(cluster, clock)):
            pass
        _call(cluster, clock)
    else:
        with contextlib.closing(_own_port(cluster, clock)) as listener:
            _receive(listener, cluster, clock)


class _Clock:
    """The time that is left, and a word now and then about who is awaited."""

    def __init__(self, cluster, patience):
        self._cluster = cluster
        self._patience = patience
        self._end = time.monotonic() + patience
        self._told = time.monotonic()

    def check(self, absent, reason="is not there"):
        """Raise when the time is over; say who is absent when it is time to.

        Args:
            absent: numbers of the workers that are awaited.
            reason: what is known of them.
        """
        now = time.monotonic()
        if now > self._end:
            raise AbsentError(
                f"{self._cluster.named(absent)} {reason} within {self._patience:g} seconds."
            )
        if now > self._told + _TELL:
            self._told = now
            print(
                f"{self._cluster.named([self._cluster.own])} waits, for {self._end - now:.0f} "
                f"seconds more: {self._cluster.named(absent)} {reason}.",
                flush=True,
            )


def _own_port(cluster, clock):
    """Return a socket that listens at this worker's port, on all of the machine's addresses."""
    port = int(cluster.addresses[cluster.own].rpartition(":")[2])
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    while True:
        try:
            return socket.create_server(("", port), family=family, dualstack_ipv6=both)
        except OSError as error:
            # It may be that of a worker of the run before, which is about to end.
            clock.check([cluster.own], f"can't listen at its port ({error.strerror})")
        time.sleep(_PAUSE)


def _receive(listener, cluster, clock):
    """Wait for the others, as the chief, and tell them when all are there."""
    here, absent = {}, None
    listener.setblocking(False)
    try:
        while absent != []:
            _forget_ended(here)
            before, absent = absent, [number for number in cluster.others if number not in here]
            if absent != before:
                _send(here.values(), {"absent": absent})
                continue
            clock.check(absent)
            if select.select([listener, *here.values()], [], [], _PAUSE)[0]:
                with contextlib.suppress(OSError):
                    _welcome(listener.accept()[0], here, cluster)
        for connection in here.values():  # The one that closes first can't use its port at once.
            connection.settimeout(2)
            with contextlib.suppress(OSError):
                connection.recv(1)
    except (AbsentError, ValueError) as error:
        kind = "late" if isinstance(error, AbsentError) else "wrong"
        _send(here.values(), {kind: str(error)})
        raise
    finally:
        for connection in here.values():
            connection.close()


def _welcome(connection, here, cluster):
    """Note one that calls, if it is a worker."""
    connection.settimeout(2)
    told = _last_line(connection)
    number = told.get("number")
    if number not in cluster.others:
        connection.close()
        return
    _forget_ended(here)
    wrong = None
    if told.get("cluster") != _digest(cluster, number):
        wrong = (
            "Expected all workers to be told the same cluster: the same addresses in the same "
            f"order in TF_CONFIG. Received: {told.get('size')} addresses in worker {number}, and "
            f"{len(cluster.addresses)}, not all of them the same, in the chief"
        )
    elif number in here:
        wrong = (
            "Expected each worker to have a number of its own: `index` in TF_CONFIG. Received: "
            f"two workers with the number {number}"
        )
    here["wrong" if wrong else number] = connection
    if wrong:
        raise ValueError(wrong)  # All who are here are told.


def _forget_ended(here):
    """Remove those who have come and are gone again: they say nothing more while they wait."""
    ended = select.select(here.values(), [], [], 0)[0]
    for number in [number for number, connection in here.items() if connection in ended]:
        here.pop(number).close()


def _call(cluster, clock):
    """Tell the chief that this worker is here, until all are."""
    host, _, port = cluster.addresses[0].rpartition(":")
    address = host.strip("[]"), int(port)
    while True:
        with contextlib.suppress(OSError), socket.create_connection(address, 2) as connection:
            if _all_are_there(connection, cluster, clock):
                return
        clock.check([0])
        time.sleep(_PAUSE)


def _all_are_there(connection, cluster, clock):
    """Wait for the chief's word; return whether it came, and was not lost."""
    known = {"number": cluster.own, "cluster": _digest(cluster, cluster.own)}
    _send([connection], {**known, "size": len(cluster.addresses)})
    absent = [0]
    while absent:
        clock.check(absent)
        if not select.select([connection], [], [], _PAUSE)[0]:
            continue
        told = _last_line(connection)
        if "wrong" in told:
            raise ValueError(told["wrong"])
        if "late" in told:
            raise AbsentError(told["late"])
        if "absent" not in told:
            return False
        absent = told["absent"]
    return True


def _digest(cluster, number):
    """Return a digest of what a worker and the chief must know alike.

    A worker may know itself by another name. How the chief is called is seen by reaching it.
    """
    known = [each for i, each in enumerate(cluster.addresses) if i not in (0, number)]
    text = json.dumps([cluster.tasks, known])
    return hashlib.sha256(text.encode()).hexdigest()


def _send(connections, message):
    for connection in connections:
        with contextlib.suppress(OSError):
            connection.sendall(json.dumps(message).encode() + b"\n")


def _last_line(connection):
    """Return the dict that a connection's last line holds, an empty one for anything else."""
    text = b""
    with contextlib.suppress(OSError, ValueError, IndexError):
        while not text.endswith(b"\n") and len(text) < _LONGEST:
            more = connection.recv(_LONGEST - len(text))
            if not more:
                return {}
            text += more
        message = json.loads(text.splitlines()[-1])
        return message if isinstance(message, dict) else {}
    return {}
