"""The order of edits in docs/serving.md, played by the server's rules: once, twice, and wrongly."""

import copy
import pathlib
import re

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from .roll_out import Refused, Server, config

ROOT = pathlib.Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "serving.md").read_text()
SECTION = PAGE.split("\n## A new version, carefully\n")[1].split("\n## ")[0]
# How often a server looks at its configuration in each state, to see that nothing is stuck.
POLLS = 3


def edits(old):
    """Return the documented configurations in which the version behind an old one is rolled out."""
    blocks = re.findall(r"```\n *(model_version_policy.*?)```", SECTION, re.DOTALL)
    shifted = [re.sub(r"\b[12]\b", lambda n: str(int(n[0]) + old - 1), text) for text in blocks]
    return [config(text) for text in shifted]


def shipped():
    """Return the model in serving/models.config."""
    text = (ROOT / "serving" / "models.config").read_text()
    found = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    (model,) = found.model_config_list.config
    return model


def started(old, allows=True):
    """Return a server as it is before a version is rolled out."""
    server = Server(disk={old}, allows=allows)
    server.poll(edits(old)[0])
    server.load()
    return server


def polls(server, config):
    """Let a server poll a configuration, and load what that says in between."""
    for _ in range(POLLS):
        server.poll(config)
        assert server.answers("stable") and server.answers("canary")
        server.load()
        assert server.answers("stable") and server.answers("canary")


def test_what_is_shipped_is_where_it_begins():
    model = shipped()
    assert (model.name, model.base_path) == ("digits", "/models/digits")
    assert {path.name for path in (ROOT / "saved_models" / "digits").iterdir()} == {"1"}
    first = edits(1)[0]
    assert model.version_labels == first.version_labels
    assert model.model_version_policy == first.model_version_policy


def test_a_version_is_rolled_out_again_and_again():
    """Both labels answer all the time; the end of one roll-out is the beginning of the next."""
    server = started(1)
    for old in (1, 2, 3):
        server.disk.add(old + 1)
        steps = edits(old)
        assert len(steps) == 5
        for step in steps:
            polls(server, step)
        assert server.labels == {"stable": old + 1, "canary": old + 1}
        assert server.available == {old + 1}
        assert steps[-1] == edits(old + 1)[0]


@pytest.mark.parametrize("last", [1, 2, 3, 4])
def test_what_is_rolled_out_can_be_rolled_back(last):
    """From any step by the same edits backwards, and rolled out again."""
    server = started(1)
    server.disk.add(2)
    there = edits(1)[: last + 1]
    for step in there + there[::-1] + there + there[::-1]:
        polls(server, step)
    assert server.labels == {"stable": 1, "canary": 1}


def test_a_version_that_was_taken_out_is_added_before_it_is_called_stable():
    server = started(1)
    server.disk.add(2)
    for step in edits(1):
        polls(server, step)
    with pytest.raises(Refused):
        server.poll(edits(1)[0])


def test_label_and_version_in_one_edit_are_stuck_the_second_time():
    """The first time `canary` is new: what seems to work."""
    server = Server(disk={1, 2, 3})
    stable = {"stable": 1}
    server.poll(make([1], stable))
    server.load()
    server.poll(make([1, 2], {**stable, "canary": 2}))
    server.load()
    assert server.answers("canary")
    for _ in range(POLLS):
        with pytest.raises(Refused):
            server.poll(make([1, 2, 3], {**stable, "canary": 3}))
        server.load()
    assert 3 not in server.available
    # Nor does a server take the page's second edit that has not seen the first.
    server = started(1)
    server.disk.add(2)
    for _ in range(POLLS):
        with pytest.raises(Refused):
            server.poll(edits(1)[2])
        server.load()
    polls(server, edits(1)[1])
    polls(server, edits(1)[2])


@pytest.mark.parametrize("step", range(5))
def test_a_server_that_starts_in_the_middle(step):
    server = Server(disk={1, 2})
    server.poll(edits(1)[step])
    server.load()
    assert server.answers("stable") and server.answers("canary")
    with pytest.raises(Refused):
        Server(disk={1, 2}, allows=False).poll(edits(1)[step])


def test_a_version_that_is_removed_from_the_disk_answers_no_more():
    """As `keep=` does, which knows of no labels."""
    server = started(1)
    server.disk = {2, 3}  # export(keep=2), twice.
    server.load()
    assert not server.answers("stable")


def make(versions, labels):
    found = copy.deepcopy(model_server_config_pb2.ModelConfig())
    found.model_version_policy.specific.versions.extend(versions)
    for label, version in labels.items():
        found.version_labels[label] = version
    return found
