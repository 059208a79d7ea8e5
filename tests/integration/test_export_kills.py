"""SIGKILL at ten random points of an export: no new version, or a whole one."""

import json
import multiprocessing
import os
import random
import time

import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan.export import warmup

from . import small

pytestmark = pytest.mark.slow
KILLS = 10


def build():
    """Return a model of images, made anew in every process."""
    networks = small.networks((8, 8, 1), latent_dim=8, last="tanh")
    return keras_gan.GAN(*networks, seed=0)


def run(base, started, done):
    """Export once: what a killed process was at."""
    model = build()
    started.set()
    model.export(base, include_discriminator=True, warmup=True)
    done.set()


def numbers(base):
    """Return the versions that a model server sees."""
    return {name for name in os.listdir(base) if name.isdecimal()} if base.exists() else set()


def is_writing(base):
    """Tell whether an export has begun to write: it has a directory that is no version yet."""
    return base.exists() and any(name.startswith(".") for name in os.listdir(base))


def check_whole(path):
    """Assert that a version has all its parts, and answers."""
    card = json.loads((path / "model_card.json").read_text())
    assert card["version"] == int(path.name)
    assert (path / "MODEL_CARD.md").read_text().endswith("\n")
    records = tf.data.TFRecordDataset(str(path.joinpath(*warmup.PATH)))
    signatures = tf.saved_model.load(str(path)).signatures
    assert sum(1 for _ in records) == len(signatures) == 5
    given = {"seed": tf.range(3, dtype=tf.int64), "truncation": tf.constant([np.inf])}
    assert signatures["sample"](**given)["images"].shape == (3, 8, 8, 1)


class Killer:
    """Processes that export, and are killed.

    They are forked from one that has imported everything and run nothing: importing is what takes
    time, and nothing of an export is in it.
    """

    def __init__(self):
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["keras_gan", __name__])

    def start(self, base):
        """Start a process, and return it when it is about to export."""
        started, done = self._context.Event(), self._context.Event()
        process = self._context.Process(target=run, args=(base, started, done))
        process.start()
        assert started.wait(120)
        return process, done

    def seconds(self, base):
        """Return how long an export takes that is left alone, and how long until it writes."""
        process, done = self.start(base)
        start = time.perf_counter()
        while not is_writing(base):
            time.sleep(0.001)
        writing = time.perf_counter() - start
        assert done.wait(120)
        process.join()
        return time.perf_counter() - start, writing

    def kill(self, base, delay, when_writing):
        """Kill an export after a delay: from its start, or from when it writes."""
        before = set(os.listdir(base))
        process, _ = self.start(base)
        while when_writing and process.is_alive() and not set(os.listdir(base)) - before:
            time.sleep(0.001)
        time.sleep(delay)
        process.kill()  # SIGKILL; one that has ended is let be.
        process.join()


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Return a base directory after some kills, and what each of them left."""
    base, killer, rng = tmp_path_factory.mktemp("kills") / "digits", Killer(), random.Random(0)
    total, writing = killer.seconds(base)
    left = []
    for point in range(KILLS):
        # Half of them while files are written, which is the shorter part, and over its end: the
        # first as soon as there is one, which no machine is too fast for.
        aimed = point % 2 == 0
        span = 1.3 * (total - writing if aimed else total)
        before = numbers(base)
        killer.kill(base, rng.uniform(0, span) if point else 0.0, aimed)
        new = numbers(base) - before
        left.append(new)
    print(f"killed {KILLS} exports: {sum(map(bool, left))} had their version, others none")
    return base, left


def test_a_killed_export_leaves_no_version_or_a_whole_one(killed):
    base, left = killed
    for number in numbers(base):
        check_whole(base / number)
    assert all(len(new) <= 1 for new in left)
    # Some were cut off: how many, the machine's speed says.
    assert sum(map(bool, left)) < len(left)


def test_the_next_export_is_the_next_version(killed):
    base, _ = killed
    latest = max(map(int, numbers(base)))
    path = build().export(base, include_discriminator=True, warmup=True)
    assert path == str(base / str(latest + 1))
    check_whole(base / str(latest + 1))
