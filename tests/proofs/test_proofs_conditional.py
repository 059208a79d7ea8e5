"""The tables of conditional generation and of CIFAR-10: what they measure, and when they stop."""

import dataclasses
import json
import os
import sys
import time

import commands
import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver
from PIL import Image

conditional, classifiers = (commands.module(name) for name in ("conditional", "classifiers"))


@pytest.fixture(scope="module")
def cifar10():
    """The module, with its flags and those of the example that it trains."""
    with commands.importing(commands.PROOFS), flagsaver.flagsaver():
        import cifar10

        flags.FLAGS(["cifar10"])
        yield cifar10
    for name in ("cifar10", "train"):
        del sys.modules[name]


def test_variety_by_hand():
    """Half as far from the mean of each class is a quarter of the variety; one image is none."""
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 10
    real = rng.normal(size=(400, 4, 4, 1)) + labels[:, None, None, None]
    means = np.stack([real[labels == label].mean(0) for label in range(10)])[labels]
    assert conditional.variety(means + (real - means) / 2, labels, real, labels) == pytest.approx(
        0.25
    )
    assert conditional.variety(means, labels, real, labels) == pytest.approx(0)
    assert conditional.variety(real + 3, labels, real, labels) == pytest.approx(1)


def test_a_batch_is_moved_as_a_whole_and_its_border_repeated():
    images = np.arange(9.0).reshape(1, 3, 3, 1)
    moved = classifiers._moved(images, 1, -1)[0, ..., 0]
    np.testing.assert_array_equal(moved, [[1, 2, 2], [1, 2, 2], [4, 5, 5]])


def test_every_network_has_its_lines(cifar10):
    names = [arm.name for arm in cifar10.ARMS]
    assert len(set(names)) == len(names) == 2 * 2 * 5 + 1
    assert {arm.network for arm in cifar10.ARMS[:-1]} == {
        *("dcgan", "sngan", "sagan", "stylegan2", "r3gan")
    }
    prints = {arm.fingerprint for arm in cifar10.ARMS}
    assert len(prints) == len(names), "two lines that differ count as one run"


def test_training_ends_when_the_process_has_used_its_time(cifar10, monkeypatch):
    times = iter([100.0, 110.0, 129.0, 131.0])
    monkeypatch.setattr(time, "process_time", lambda: next(times))
    clock = cifar10.Stop(minutes=0.5)
    clock.set_model(type("Model", (), {"stop_training": False})())
    clock.on_train_begin()
    ended = []
    for batch in range(3):
        clock.on_train_batch_end(batch)
        ended.append(clock.model.stop_training)
    assert ended == [False, False, True]
    assert clock.steps == 3


def test_columns_of_a_picture_are_the_classes(cifar10, tmp_path):
    labels = np.arange(200) % 10
    samples = np.tile((labels / 9 * 2 - 1)[:, None, None, None], (1, 2, 2, 3))
    cifar10.draw(samples, tmp_path / "picture.png")
    pixels = np.asarray(Image.open(tmp_path / "picture.png"))
    assert pixels.shape == (2 * cifar10.ROWS, 20, 3)
    expected = np.repeat((np.arange(10) / 9 * 255).astype("uint8"), 2)
    np.testing.assert_array_equal(pixels, np.tile(expected[:, None], (2 * cifar10.ROWS, 1, 3)))


@pytest.mark.slow
@pytest.mark.skipif("TFDS_DATA_DIR" not in os.environ, reason="needs CIFAR-10: set TFDS_DATA_DIR")
def test_what_users_run_is_what_is_trained(cifar10):
    """With labels, for no time: a single step."""
    arm = next(arm for arm in cifar10.ARMS if arm.name == "dcgan-10-labels")
    model, images = cifar10.trained(dataclasses.replace(arm, minutes=0.0), seed=0)
    assert images == cifar10.train.recipe("cifar10", "dcgan")["batch_size"]
    assert model.num_classes == 10
    assert model.generate(2, seed=0, condition=[3, 5]).shape == (2, 32, 32, 3)


@pytest.mark.slow
@pytest.mark.skipif("TFDS_DATA_DIR" not in os.environ, reason="needs CIFAR-10: set TFDS_DATA_DIR")
def test_the_judge_that_is_published_is_the_tables(cifar10):
    row = json.loads((commands.PROOFS / "rows" / "cifar10" / "real-0.json").read_text())
    assert (classifiers.PUBLISHED / "cifar10-12000.weights.h5").exists()
    right = 100 * classifiers.accuracy(cifar10.judge(), *cifar10.load("test"))
    assert right == pytest.approx(row["figures"]["judge"], abs=0.02)
