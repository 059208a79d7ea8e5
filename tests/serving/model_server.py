"""TensorFlow Serving itself, where its binary is on the PATH."""

import contextlib
import http.client
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

import pytest

from .servers import HOST, Running, in_process

BINARY = "tensorflow_model_server"
MISSING = f"{BINARY} is not on the PATH"


@contextlib.contextmanager
def tensorflow_model_server(name, base):
    """Serve a model by TensorFlow Serving as long as the block runs; skip where there is none."""
    if shutil.which(BINARY) is None:
        pytest.skip(MISSING)
    ports = Running(*free_ports(2))
    command = [
        BINARY,
        f"--port={ports.grpc}",
        f"--rest_api_port={ports.rest}",
        f"--model_name={name}",
        f"--model_base_path={pathlib.Path(base).resolve()}",
        "--file_system_poll_wait_seconds=1",
    ]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait(process, ports.rest, name, log)
            yield ports
        finally:
            stop(process)


def _wait(process, port, name, log, seconds=60):
    """Return once a version is available; fail with the server's log when none ever is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        if "AVAILABLE" in _states(port, name):
            return
        time.sleep(0.1)
    log.seek(0)
    raise AssertionError(
        f"{BINARY} has not been ready within {seconds} seconds (its status: {process.poll()}):\n"
        + log.read().decode(errors="replace")[-4000:]
    )


def _states(port, name):
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", f"/v1/models/{name}")
        found = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return []
    finally:
        connection.close()
    return [each["state"] for each in found.get("model_version_status", [])]


def stop(process):
    """End a process that was started here."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_ports(count):
    """Return ports that nobody listens to at present."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]


KINDS = {"in process": in_process, BINARY: tensorflow_model_server}
