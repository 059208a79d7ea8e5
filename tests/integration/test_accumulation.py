"""Gradient accumulation: many small batches that update as one large batch does."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from . import small
from .test_distribution import conditional


def sgds(steps, rate=0.2):
    """Return `compile`'s optimizers, which update at every so many steps."""
    return {
        f"{player}_optimizer": keras.optimizers.SGD(rate, gradient_accumulation_steps=steps)
        for player in small.PLAYERS
    }


def trained(batch, steps, **options):
    """Return the weights before and after three updates from 24 samples."""
    x, z = small.points(24), np.random.default_rng(1).normal(size=(24, 3)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((x, z)).batch(batch)
    model = conditional(tf.distribute.get_strategy(), **{**sgds(steps), **options})
    before = small.weights(model)
    model.fit(data, verbose=0)
    return before, small.weights(model)


@pytest.mark.representatives("graph-4-2")
@pytest.mark.parametrize("batch, steps", [(4, 2), (2, 4)])
@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "XLA"])
def test_small_batches_update_as_a_large_one(batch, steps, jit_compile):
    options = {"update": "simultaneous", "terms": ["r1"]}
    before, large = trained(8, None, **options)
    _, small_ones = trained(batch, steps, jit_compile=jit_compile, **options)
    assert max(np.abs(a - b).max() for a, b in zip(before, large, strict=True)) > 0.01
    for one, other in zip(large, small_ones, strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_updates_in_turns_are_others():
    """The generator answers a discriminator that has not moved yet; as the docs say."""
    _, large = trained(8, None)
    _, small_ones = trained(4, 2)
    assert max(np.abs(a - b).max() for a, b in zip(large, small_ones, strict=True)) > 1e-4


@pytest.mark.parametrize("player", small.PLAYERS)
def test_refused_on_several_replicas(two_replicas, player):
    with two_replicas.scope():
        model = small.gan()
        accumulating = keras.optimizers.SGD(0.1, gradient_accumulation_steps=2)
    with pytest.raises(ValueError, match=rf"{player}.*accumulation_steps=2, under Mirrored"):
        model.compile(**{f"{player}_optimizer": accumulating})
    assert not model.compiled
