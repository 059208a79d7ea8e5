"""The proxy of serving/haproxy.cfg in front of a server, where HAProxy is on the PATH."""

import contextlib
import http.client
import os
import pathlib
import shutil
import subprocess
import time

import pytest

from .model_server import free_ports, stop
from .servers import HOST, Running

SERVING = pathlib.Path(__file__).parents[2] / "serving"
MISSING = "haproxy is not on the PATH"


@contextlib.contextmanager
def haproxy(running, directory, **changes):
    """Run the shipped configuration, as it is but for the ports and some replaced texts.

    Args:
        running: the server's ports, as `servers.in_process` gives them.
        directory: where to write the configuration with other ports.
        **changes: texts to replace, each of which is there once: `ports` are by themselves.
    """
    if shutil.which("haproxy") is None:
        pytest.skip(MISSING)
    ports = Running(*free_ports(2), running.model)
    replaced = {
        "bind :9501": f"bind {HOST}:{ports.rest}",
        "bind :9500": f"bind {HOST}:{ports.grpc}",
        '"${MODEL_SERVER}:8501"': f'"${{MODEL_SERVER}}:{running.rest}"',
        '"${MODEL_SERVER}:8500"': f'"${{MODEL_SERVER}}:{running.grpc}"',
        **changes,
    }
    text = (SERVING / "haproxy.cfg").read_text()
    for old, new in replaced.items():
        assert old in text, old
        text = text.replace(old, new)
    path, log = directory / "haproxy.cfg", directory / "haproxy.log"
    path.write_text(text)
    command = ["haproxy", "-C", str(SERVING), "-f", str(path)]
    environment = {**os.environ, "MODEL_SERVER": HOST}
    with log.open("w") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        _wait(process, ports.rest, log)
        yield ports
    finally:
        stop(process)


def _wait(process, port, log, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            if ask(port, "GET", "/v1/models/digits")[0] == 200:
                return
        time.sleep(0.05)
    raise AssertionError(f"haproxy lets nothing through:\n{log.read_text()[-4000:]}")


def ask(port, method, path, body=None, headers=(), timeout=30):
    """Return the status and the body of an answer over REST."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
