"""The files in serving/: what their readers make of them, as far as those are here."""

import os
import pathlib
import re
import subprocess

import pytest
import yaml
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)

from . import servers

ROOT = pathlib.Path(__file__).parents[2]
SERVING = ROOT / "serving"
PAGE = (ROOT / "docs" / "serving.md").read_text()
# Of tensorflow_model_server, in main.cc.
FLAGS = {
    "model_config_file",
    "model_config_file_poll_wait_seconds",
    "allow_version_labels_for_unavailable_models",
    "monitoring_config_file",
    "rest_api_timeout_in_ms",
    "grpc_channel_arguments",
    "enable_batching",
    "batching_parameters_file",
}
# Of BatchingParameters, in session_bundle_config.proto, which no package has.
WRAPPED = {
    "max_batch_size": "Int64Value",
    "batch_timeout_micros": "Int64Value",
    "max_enqueued_batches": "Int64Value",
    "num_batch_threads": "Int64Value",
    "thread_pool_name": "StringValue",
    "enable_large_batch_splitting": "BoolValue",
    "max_execution_batch_size": "Int64Value",
}


def batching_parameters():
    """Return an empty message of the server's batching parameters."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="recipes.proto", package="recipes")
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    parameters = file.message_type.add(name="BatchingParameters")
    for number, (name, kind) in enumerate(WRAPPED.items(), 1):
        field = parameters.field.add(name=name, number=number, label=kinds.LABEL_OPTIONAL)
        field.type, field.type_name = kinds.TYPE_MESSAGE, f".google.protobuf.{kind}"
    sizes = parameters.field.add(name="allowed_batch_sizes", number=100, type=kinds.TYPE_INT64)
    sizes.label = kinds.LABEL_REPEATED
    pool = descriptor_pool.Default()
    pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName("recipes.BatchingParameters")
    )()


def test_batching():
    text = (SERVING / "batching.config").read_text()
    found = text_format.Parse(text, batching_parameters())
    rows = re.search(r"`max_batch_size=(\d+)`", PAGE)
    assert found.max_batch_size.value == int(rows[1])
    assert found.enable_large_batch_splitting.value
    assert 0 < found.max_execution_batch_size.value < found.max_batch_size.value
    # It pads with the last request's first row, which a request without rows does not have.
    assert not found.allowed_batch_sizes


def test_monitoring():
    text = (SERVING / "monitoring.config").read_text()
    path = re.fullmatch(r'prometheus_config \{ enable: true path: "(/\S+)" \}\n', text)[1]
    assert f"http://localhost:8501{path}" in PAGE


def containers():
    compose = yaml.safe_load((SERVING / "compose.yaml").read_text())["services"]
    manifests = [*yaml.safe_load_all((SERVING / "kubernetes.yaml").read_text())]
    pods = {each["kind"]: each["spec"] for each in manifests}
    pod = pods["Deployment"]["template"]["spec"]
    return compose, pods, {each["name"]: each for each in pod["containers"]}


def test_both_recipes_start_the_same_server():
    compose, _, pod = containers()
    commands = compose["serving"]["command"], pod["serving"]["args"]
    assert commands[0] == commands[1]
    for flag in commands[0]:
        name, value = flag.removeprefix("--").split("=", 1)
        assert name in FLAGS
        if value.startswith("/config/"):
            assert (SERVING / value.removeprefix("/config/")).is_file()
    for flag in re.findall(r"`--(\w+)=", PAGE) + re.findall(r"--(\w+)=", str(commands)):
        assert flag in FLAGS | {"version_label"}


def test_both_recipes_start_the_same_proxy():
    compose, pods, pod = containers()
    assert compose["proxy"]["image"] == pod["proxy"]["image"]
    command = ["haproxy", "-C", "/config", "-f", "/config/haproxy.cfg"]
    assert compose["proxy"]["command"] == pod["proxy"]["command"] == command
    bound = set(re.findall(r"bind :(\d+)", (SERVING / "haproxy.cfg").read_text()))
    assert {port.split(":")[1] for port in compose["proxy"]["ports"]} == bound
    assert {str(port["containerPort"]) for port in pod["proxy"]["ports"]} == bound
    named = {port["name"] for port in pod["proxy"]["ports"]}
    assert {port["targetPort"] for port in pods["Service"]["ports"]} == named
    # Nobody gets past it.
    assert "ports" not in compose["serving"]
    (clients, prometheus) = pods["NetworkPolicy"]["ingress"]
    assert {port["port"] for port in clients["ports"]} == named
    assert prometheus["from"] and prometheus["ports"] == [{"port": "metrics"}]


def test_a_server_is_ready_when_the_stable_version_answers():
    compose, _, pod = containers()
    probes = [pod["serving"][f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness")]
    path = "/v1/models/digits/labels/stable/metadata"
    assert probes == [{"path": path, "port": 8501}] * 2
    assert compose["serving"]["healthcheck"]["test"][-2:] == ["/config/ready.sh", "labels/stable"]
    assert f"option httpchk GET {path}\n" in (SERVING / "haproxy.cfg").read_text()


def test_files_are_mounted_by_directories():
    """What is mounted file by file is not seen to change."""
    compose, _, pod = containers()
    mounts = [mount for each in pod.values() for mount in each["volumeMounts"]]
    assert not any("subPath" in mount for mount in mounts)
    sources = [volume.split(":")[0] for each in compose.values() for volume in each["volumes"]]
    assert all((SERVING / source).is_dir() for source in sources)


def ready(what, port):
    command = ["bash", str(SERVING / "ready.sh"), what]
    environment = {**os.environ, "PORT": str(port)}
    return subprocess.run(command, env=environment, capture_output=True, timeout=20).returncode == 0


def test_ready_is_what_answers():
    with servers.in_process("digits", ROOT / "saved_models" / "digits", {"stable": 1}) as running:
        assert ready("labels/stable", running.rest)
        assert ready("versions/1", running.rest)
        assert not ready("labels/canary", running.rest)
        assert not ready("versions/2", running.rest)
        running.model.ready = False
        assert not ready("labels/stable", running.rest)
    assert not ready("labels/stable", running.rest)


@pytest.mark.parametrize("path", sorted(SERVING.iterdir()), ids=lambda path: path.name)
def test_the_page_links_to_every_file_and_repeats_none(path):
    assert f"](../serving/{path.name})" in PAGE
    lines = [line.strip() for line in path.read_text().splitlines() if len(line.strip()) > 40]
    shown = "\n".join(re.findall(r"```.*?```", PAGE, re.DOTALL))
    # Commands stand in the comments of files too; states of models.config are the roll-out's.
    found = [line for line in lines if line in shown and not line.startswith("#")]
    assert not found or path.name == "models.config"
