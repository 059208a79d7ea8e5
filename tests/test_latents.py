import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from keras_gan import latents
from keras_gan.latents import Normal, TruncatedNormal, Uniform

PRIORS = [Normal(4), TruncatedNormal(4, threshold=1.5), Uniform(4), Uniform(4, low=0, high=3)]
DISTRIBUTIONS = [
    stats.norm(),
    stats.truncnorm(-1.5, 1.5),
    stats.uniform(-1, 2),
    stats.uniform(0, 3),
]


@pytest.mark.parametrize(
    ("prior", "distribution"),
    list(zip(PRIORS, DISTRIBUTIONS, strict=True)),
    ids=[repr(prior) for prior in PRIORS],
)
def test_distributions(prior, distribution):
    """Kolmogorov-Smirnov, for both ways of drawing."""
    batch = prior.batch(5000, tf.constant([1, 2])).numpy()
    # As a graph: eagerly, a thousand seeds take seconds.
    singles = tf.function(prior.sample)(tf.range(1000, dtype=tf.int64)).numpy()
    for draws in (batch, singles):
        assert draws.dtype == np.float32
        assert stats.kstest(draws.ravel(), distribution.cdf).pvalue > 1e-3


def test_dimensions_and_seeds_are_independent():
    draws = tf.function(Normal(6).sample)(tf.range(3000, dtype=tf.int64)).numpy()
    correlations = np.corrcoef(np.concatenate([draws[:-1], draws[1:]], axis=1).T) - np.eye(12)
    assert np.abs(correlations).max() < 5 / np.sqrt(3000)


@pytest.mark.parametrize("prior", PRIORS, ids=repr)
def test_a_seed_is_a_latent_whatever_the_batch(prior):
    """To the bit: alone, in any batch, in any order, eager or in a graph."""
    seeds = tf.constant([5, 2**62, 0, -3, 5], tf.int64)
    together = prior.sample(seeds).numpy()
    alone = np.concatenate([prior.sample(seed[None]).numpy() for seed in seeds])
    assert np.array_equal(together, alone)
    assert np.array_equal(tf.function(prior.sample)(seeds).numpy(), together)
    assert np.array_equal(together[0], together[4])
    assert not np.array_equal(together[0], together[1])


def test_truncation_restricts_normal_latents():
    seeds = tf.range(500, dtype=tf.int64)
    # As graphs: eagerly, hundreds of seeds take seconds.
    draws = tf.function(Normal(8).sample)(seeds, truncation=0.7).numpy()
    assert np.abs(draws).max() <= 0.7
    assert stats.kstest(draws.ravel(), stats.truncnorm(-0.7, 0.7).cdf).pvalue > 1e-3
    both = tf.function(TruncatedNormal(8, threshold=2.0).sample)(seeds, truncation=0.7)
    assert np.allclose(both, draws)


def test_shapes():
    assert Normal((2, 3)).sample(tf.constant([1], tf.int64)).shape == (1, 2, 3)
    assert Normal((2, 3)).batch(4, tf.constant([1, 1])).shape == (4, 2, 3)
    assert Normal(3).shape == (3,)


@pytest.mark.parametrize("prior", [*PRIORS, Normal((2, 3))], ids=repr)
def test_serialization(prior):
    config = keras.saving.serialize_keras_object(prior)
    copy = latents.get(config)
    assert type(copy) is type(prior)
    assert copy.get_config() == prior.get_config()


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: Normal(0), ValueError, "size=0"),
        (lambda: Normal((2, -1)), ValueError, "size[1]=-1"),
        (lambda: Uniform(2, 1.0, 1.0), ValueError, "above 1. Received: high=1.0"),
        (lambda: TruncatedNormal(2, threshold=0), ValueError, "threshold=0"),
        (lambda: Normal(2).sample(tf.constant([0]), truncation=-1), ValueError, "truncation=-1"),
        (
            lambda: Normal(2).sample(tf.constant([0]), truncation=tf.ragged.constant([[1.0]])),
            ValueError,
            "Received: truncation=RaggedTensor",
        ),
        (lambda: Uniform(2).sample(tf.constant([0]), truncation=1), ValueError, "bounded already"),
        (lambda: latents.get("normal"), ValueError, "Normal(64)"),
        (lambda: latents.get(Normal), TypeError, "forget to call it"),
        (lambda: latents.get([np.array(0.12345678)]), TypeError, "Received: ndarray of shape ()"),
    ],
)
def test_errors(call, kind, text):
    with pytest.raises(kind) as caught:
        call()
    assert text in str(caught.value)
