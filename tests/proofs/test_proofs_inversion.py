"""The table of contrast inversion: what counts as inverted."""

import dataclasses

import commands
import numpy as np
import pytest

from keras_gan import datasets

inversion = commands.module("inversion")
TABLE = inversion.TABLE


def test_both_ways_count():
    """Ten seeds, of which one misses the second distance and one the first."""
    distances = {3: (0.04, 0.06), 5: (0.06, 0.04)}
    runs = commands.finished(
        TABLE,
        lambda _, seed: dict(zip(("to_b", "to_a"), distances.get(seed, (0.05, 0.04)), strict=True)),
    )
    assert TABLE.finish(TABLE.arms, runs).splitlines() == [
        "- cycle 1: both at most 0.05 in 8 of 10 runs.",
        "- cycle 1, identity 0.5: both at most 0.05 in 3 of 3 runs.",
    ]


def test_letters_are_halved():
    images = inversion.letters("test")
    _, whole = datasets.load_glyphs("sans", "serif", "test")
    assert images.shape[1:] == (16, 16, 1)
    np.testing.assert_allclose(images[0, 3, 5], whole[0, 6:8, 10:12].mean(), rtol=1e-6)


@pytest.mark.slow
def test_a_short_run_moves_towards_the_negative():
    short = dataclasses.replace(TABLE.arms[0], steps=146)
    figures = inversion.play(short, 100)
    assert figures["to_b"] < figures["kept"] / 2
