"""The model of communication counts what a training step hands to the strategy."""

import collections
import math
import threading

import pytest
import tensorflow as tf

import keras_gan


@pytest.fixture
def reduced(monkeypatch):
    """Return what each replica, which has a thread of its own, hands over: bytes, by call."""
    calls, original = collections.defaultdict(list), tf.distribute.ReplicaContext.all_reduce

    def all_reduce(self, reduce_op, value, options=None):
        size = sum(4 * math.prod(part.shape) for part in tf.nest.flatten(value))
        calls[threading.get_ident()].append(size)
        return original(self, reduce_op, value, options)

    monkeypatch.setattr(tf.distribute.ReplicaContext, "all_reduce", all_reduce)
    return calls


@pytest.mark.slow
@pytest.mark.parametrize("discriminator_steps", [1, 2])
def test_a_step_exchanges_what_the_model_counts(
    benchmark, reduced, two_replicas, discriminator_steps
):
    with two_replicas.scope():
        networks = keras_gan.networks.dcgan((8, 8, 1), latent_dim=4, width=4)
        model = keras_gan.GAN(*networks, seed=0)
        model.compile("non_saturating", discriminator_steps=discriminator_steps)
    batch = tf.zeros((2, 8, 8, 1))
    data = (batch,) if discriminator_steps == 1 else ((batch,) * discriminator_steps,)
    tf.function(lambda: two_replicas.run(model.train_step, args=(data,))).get_concrete_function()
    networks = model.generator, model.discriminator
    expected = benchmark("communication").exchanges(*networks, discriminator_steps)
    assert list(reduced.values()) == [expected, expected]
    assert len(expected) == discriminator_steps + 1
    assert min(expected) > 1000
