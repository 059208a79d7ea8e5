"""The table of contrast inversion: what counts as inverted."""

import commands
import numpy as np
import pytest

inversion = commands.module("inversion")
rows = commands.module("rows")


def runs_of(distances):
    """Return runs of both arms, each as far from the negative as the list says."""
    return {
        arm.name: [
            rows.Row(arm.name, seed, arm.steps, "", {"to_b": one, "to_a": other}, 1.0)
            for seed, (one, other) in enumerate(distances)
        ]
        for arm in inversion.TABLE.arms
    }


def test_both_ways_count():
    lines = inversion.finish(inversion.TABLE.arms, runs_of([(0.04, 0.05), (0.04, 0.06)]))
    assert lines.splitlines()[0].endswith("both at most 0.05 in 1 of 10 runs.")


def test_letters_are_halved():
    images, (_, whole) = (
        inversion.letters("test"),
        inversion.datasets.load_glyphs("sans", "serif", "test"),
    )
    assert images.shape[1:] == (16, 16, 1)
    np.testing.assert_allclose(images[0, 3, 5], whole[0, 6:8, 10:12].mean(), rtol=1e-6)


@pytest.mark.slow
def test_a_short_run_moves_towards_the_negative():
    short = inversion.dataclasses.replace(inversion.TABLE.arms[0], steps=146)
    figures = inversion.play(short, 100)
    assert figures["to_b"] < figures["kept"] / 2
