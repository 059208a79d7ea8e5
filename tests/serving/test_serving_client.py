"""The client of a served export: what it writes, and how it is served on.

Against servers in this process, and against TensorFlow Serving where that is installed.
"""

import itertools
import json
import shutil
import subprocess
import sys
import threading
import time
import urllib.request

import numpy as np
import pytest
from PIL import Image

from . import model_server
from .clients import ROWS, SCRIPT, TRANSPORTS, at, connect, levels, sample, statement, tiles


@pytest.mark.slow
def test_both_transports_write_the_same_grid(run, served, model, tmp_path):
    for transport in TRANSPORTS:
        path = tmp_path / f"{transport}.png"
        more = "--first_seed=5", "--seeds=10", "--batch_size=4", f"--output={path}"
        printed = run(*at(served, transport), *more)
        assert printed == f"Wrote 10 images to {path}\n{statement(1)}\n"
        text = Image.open(path).text
        assert text["Comment"] == statement(1)
        assert "trainedAlgorithmicMedia" in text["XML:com.adobe.xmp"]
        assert np.abs(tiles(path, 4, 10) - levels(model, 10, seed=5)).max() <= 1
    assert (tmp_path / "rest.png").read_bytes() == (tmp_path / "grpc.png").read_bytes()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_truncation_is_passed_on(run, served, model, tmp_path, transport):
    path = tmp_path / "grid.png"
    run(*at(served, transport), "--seeds=4", "--truncation=0.5", f"--output={path}")
    found = tiles(path, 2, 4)
    assert np.abs(found - levels(model, 4, seed=0, truncation=0.5)).max() <= 1
    assert np.abs(found - levels(model, 4, seed=0)).max() > 10


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_strip_goes_from_one_seed_to_the_other(run, served, model, tmp_path, transport):
    path = tmp_path / "strip.png"
    more = "--interpolate=3,11", "--seeds=5", "--batch_size=2", f"--output={path}"
    assert statement(1) in run(*at(served, transport), *more)
    found = tiles(path, 5, 5)
    ends = [levels(model, 1, seed=seed)[0] for seed in (3, 11)]
    assert np.abs(found[[0, -1]] - ends).max() <= 1
    # Each step leads away from the first and towards the last.
    apart = [[np.linalg.norm(image - end) for image in found] for end in ends]
    assert np.all(np.diff(apart[0]) > 0) and np.all(np.diff(apart[1]) < 0)
    assert Image.open(path).text["Comment"] == statement(1)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_labels_one_for_all_or_one_for_each(run, refusal, labelled, tmp_path, transport):
    model, running = labelled
    path = tmp_path / "grid.png"
    where = *at(running, transport, "labelled"), "--seeds=4", f"--output={path}"
    for given, labels in (("2", [2, 2, 2, 2]), ("0,1,2,1", [0, 1, 2, 1])):
        assert statement(1, "labelled") in run(*where, f"--condition={given}")
        expected = levels(model, 4, seed=0, condition=np.array(labels))
        assert np.abs(tiles(path, 2, 4) - expected).max() <= 1
    assert statement(1, "labelled") in run(*where, "--interpolate=0,3", "--condition=0,0,1,1")
    expected = levels(model, 1, seed=3, condition=np.array([1]))
    assert np.abs(tiles(path, 4, 4)[-1] - expected[0]).max() <= 1
    assert "'sample_png', {'condition': 'int32', 'seed': 'int64', 'trunca" in refusal(*where)
    assert "--condition to be of 1 or 4 integers" in refusal(*where, "--condition=0,1")
    assert "--condition to be of 1 or 4 integers" in refusal(*where, "--condition=one")
    assert "labels from 0 to 2. Received: [3]" in refusal(*where, "--condition=3")


@pytest.mark.parametrize("kind", model_server.KINDS)
def test_a_new_version_takes_over_without_a_failed_request(script, model, base, tmp_path, kind):
    """While two clients send requests, one over each transport."""
    shutil.copytree(base, tmp_path / "digits")
    with model_server.KINDS[kind]("digits", tmp_path / "digits") as running:
        load = [Load(script, connect(script, running, transport)) for transport in TRANSPORTS]
        for each in load:
            each.wait_for(statement(1))
        model.export(tmp_path / "digits", max_batch_size=ROWS)
        for each in load:
            each.wait_for(statement(2))
        answers = [each.stop() for each in load]
        pinned = sample(script, connect(script, running, "grpc", version=2))
    for said in answers:
        # First only the one version, then only the other: no failure in between.
        assert [key for key, _ in itertools.groupby(said)] == [statement(1), statement(2)]
        assert len(said) > 10
    assert pinned.text["Comment"] == statement(2)


class Load:
    """Requests that a thread sends one after the other, and what the answers say they are of."""

    def __init__(self, script, server):
        self._said, self._ended = [], threading.Event()
        self._thread = threading.Thread(target=self._send, args=(script, server), daemon=True)
        self._thread.start()

    def _send(self, script, server):
        while not self._ended.is_set():
            try:
                self._said.append(sample(script, server).text["Comment"])
            except Exception as error:
                self._said.append(repr(error))
            time.sleep(0.02)  # Leaves the export, in the same process, its turn.

    def wait_for(self, text, seconds=60):
        deadline = time.monotonic() + seconds
        while text not in self._said:
            assert time.monotonic() < deadline, f"No {text!r} in {self._said[-3:]}"
            time.sleep(0.02)

    def stop(self):
        self._ended.set()
        self._thread.join(60)
        return self._said


def test_images_of_two_versions_say_so(script, tmp_path):
    """As when a new version takes over between two requests for one picture."""
    images = []
    for version in (1, 2, 1):
        info = script.PngImagePlugin.PngInfo()
        info.add_text("Comment", statement(version))
        Image.new("L", (2, 2)).save(tmp_path / "image.png", pnginfo=info)
        images.append(Image.open(tmp_path / "image.png"))
        images[-1].load()
    assert script.carried(images) == {"Comment": f"{statement(1)}; {statement(2)}"}


def test_rows_and_columns_are_answered_alike(served):
    """What curl may send: an object for each row, or a list for each input."""
    asked = {
        "inputs": {"seed": [3, 4], "truncation": [1.0, float("inf")]},
        "instances": [{"seed": 3, "truncation": 1.0}, {"seed": 4, "truncation": float("inf")}],
    }
    found = {}
    for key, value in asked.items():
        for signature in ("sample", "sample_png"):
            body = json.dumps({"signature_name": signature, key: value}).encode()
            url = f"http://127.0.0.1:{served.rest}/v1/models/digits:predict"
            with urllib.request.urlopen(url, body, timeout=30) as response:
                found[key, signature] = json.loads(response.read())
    rows, columns = found["instances", "sample"], found["inputs", "sample"]
    assert [row["images"] for row in rows["predictions"]] == columns["outputs"]["images"]
    # An only output goes without its name.
    pngs = found["instances", "sample_png"]["predictions"]
    assert pngs == found["inputs", "sample_png"]["outputs"]
    assert [{*each} for each in pngs] == [{"b64"}, {"b64"}]


REST_ALONE = """
import runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print(sorted({"keras", "keras_gan", "tensorflow", "grpc", "tqdm"} & {*sys.modules}))
"""


def test_as_a_command(local, tmp_path):
    """From another directory, over REST without any of what it can do without."""
    command = [sys.executable, "-c", REST_ALONE, str(SCRIPT), *at(local, "rest")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == f"Wrote 64 images to grid.png\n{statement(1)}\n[]\n"
    assert done.stderr == ""
    assert [path.name for path in tmp_path.iterdir()] == ["grid.png"]
    done = subprocess.run([*command, "--version=7"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and done.stderr.startswith("error: The model 'digits' has no such")
