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

ROOT = pathlib.Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scaling.md").read_text()


@pytest.fixture
def asked(monkeypatch):
    """Return a function that says which strategy is made, of those on a machine of many GPUs."""
    train = load(ROOT / "examples" / "train.py")
    for name in ("MirroredStrategy", "MultiWorkerMirroredStrategy"):
        monkeypatch.setattr(tf.distribute, name, lambda name=name: name)

    def strategy(flag, gpus=0, config=None):
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind] * gpus)
        monkeypatch.delenv("TF_CONFIG", raising=False)
        if config:
            monkeypatch.setenv("TF_CONFIG", config)
        monkeypatch.setattr(train, "_STRATEGY", argument(flag))
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
        ("auto", 2, "{}", "MultiWorkerMirroredStrategy"),
        ("one", 2, "{}", "one"),
        ("mirrored", 0, "{}", "MirroredStrategy"),
        ("multi_worker", 2, "{}", "MultiWorkerMirroredStrategy"),
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


def test_slurm_tells_each_its_place():
    """With its two commands replaced: the list of hosts, and the start of a task on each."""
    recipe = re.search(r"### Slurm\n\n```sh\n(.*?)```", PAGE, re.DOTALL).group(1)
    commands = 'scontrol() { printf "node1\\nnode2\\n"; }\nsrun() { SLURM_PROCID=1 "$@"; }\n'
    config = told(commands + recipe.replace("[ $? -eq 75 ]", "false").rstrip() + " || true")
    workers = ["node1:12345", "node2:12345"]
    assert config == {"cluster": {"worker": workers}, "task": {"type": "worker", "index": 1}}
