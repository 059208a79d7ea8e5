"""How the program comes by its strategy, and what the recipes for clusters tell its workers."""

import json
import os
import pathlib
import re
import subprocess

import pytest
import tensorflow as tf
from absl import flags
from scripts import load

import keras_gan

ROOT = pathlib.Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scaling.md").read_text()


@pytest.fixture
def asked(monkeypatch):
    """Return a function that says which strategy is made, of those on a machine of many GPUs."""
    train = load(ROOT / "examples" / "train.py")
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", lambda: "MirroredStrategy")
    monkeypatch.setattr(keras_gan.workers, "connect", lambda patience: "workers")

    def strategy(flag, gpus=0, config=None):
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind] * gpus)
        monkeypatch.delenv("TF_CONFIG", raising=False)
        if config:
            monkeypatch.setenv("TF_CONFIG", config)
        monkeypatch.setattr(train, "_STRATEGY", argument(flag))
        monkeypatch.setattr(train, "_PATIENCE", argument("600"))
        made = train.strategy()
        return made if isinstance(made, str) else "one"

    return strategy


def argument(value):
    """Return what a flag's holder is to its readers."""
    own = flags.FlagValues()
    holder = flags.DEFINE_string("strategy", value, "", flag_values=own)
    own.mark_as_parsed()
    return holder


@pytest.mark.parametrize(
    ("flag", "gpus", "config", "made"),
    [
        ("auto", 0, None, "one"),
        ("auto", 1, None, "one"),
        ("auto", 2, None, "MirroredStrategy"),
        ("auto", 2, "{}", "workers"),
        ("one", 2, "{}", "one"),
        ("mirrored", 0, "{}", "MirroredStrategy"),
        ("multi_worker", 2, "{}", "workers"),
    ],
)
def test_the_strategy_that_is_asked_for(asked, flag, gpus, config, made):
    assert asked(flag, gpus, config) == made


def told(script, **environment):
    """Run a recipe's shell script; return the TF_CONFIG that it starts the program with."""
    assert script.count("exec python examples/train.py") == 1
    script = re.sub(r"exec python examples/train\.py[^\n']*", "printenv TF_CONFIG", script)
    done = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_kubernetes_tells_each_its_place():
    script = re.search(r"export TF_CONFIG=.*?--backup_steps=\d+\n", PAGE, re.DOTALL).group()
    config = told(script, JOB_COMPLETION_INDEX="2")
    workers = [f"gan-{i}.gan:12345" for i in range(4)]
    assert config == {"cluster": {"worker": workers}, "task": {"type": "worker", "index": 2}}


SLURM = re.search(r"### Slurm\n\n```sh\n(.*?)```", PAGE, re.DOTALL).group(1)
# In place of its two commands: the list of hosts, and the start of a task on each.
HOSTS = 'scontrol() { [ "$1" = show ] && printf "node1\\nnode2\\n" || echo "$@"; }\n'


def test_slurm_tells_each_its_place():
    start = 'srun() { SLURM_PROCID=1 "$@"; }\n'
    config = told(HOSTS + start + SLURM, SLURM_JOB_ID="14711")
    workers = ["node1:24711", "node2:24711"]
    assert config == {"cluster": {"worker": workers}, "task": {"type": "worker", "index": 1}}


@pytest.mark.parametrize(
    ("status", "restarts", "again"),
    [(0, None, False), (1, None, False), (75, None, True), (137, 3, True), (75, 100, False)],
)
def test_slurm_goes_on_where_it_helps(status, restarts, again):
    environment = {**os.environ, "SLURM_JOB_ID": "14711"}
    if restarts is not None:
        environment["SLURM_RESTART_COUNT"] = str(restarts)
    script = f"{HOSTS}srun() {{ return {status}; }}\n{SLURM}"
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == ("requeue 14711\n" if again else "")
