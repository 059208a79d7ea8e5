"""What terms, layers and augmentations do to each other, and to what they are not told of."""

import gc

import keras
import numpy as np
import pytest

import keras_gan
from keras_gan import augmentation, losses, schedules, terms
from keras_gan.layers import SpectralNormalization
from tests.integration import small

from .seeding import seeded


def images(n=8):
    return np.random.default_rng(0).uniform(-1, 1, (n, 8, 8, 1)).astype("float32")


def small_image_gan():
    networks = keras_gan.networks.dcgan((8, 8, 1), latent_dim=4, width=2)
    return keras_gan.GAN(*networks, seed=0)


def finite_weights(model):
    return all(np.isfinite(array).all() for array in small.weights(model))


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_augmentations_keep_their_state_in_float32(policy):
    keras.config.set_dtype_policy(policy)
    try:
        noise = augmentation.InstanceNoise(0.1001, schedules.Linear(1.0, 0.5, end=10))
        model = small_image_gan()
        for layer in (augmentation.Adaptive(initial=0.3333), noise):
            # Eager: dtypes are the same in a graph, whose tracing takes seconds.
            model.compile("non_saturating", augmentation=layer, run_eagerly=True)
            model.fit(images(), batch_size=4, verbose=0)
            assert finite_weights(model)
        expected = np.float32(0.1001) * np.float32(1 - 0.5 * model.steps / 10)
        assert float(noise.current) == pytest.approx(expected, rel=1e-6)
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.slow
def test_lazy_penalties_of_augmented_images_compile_with_xla():
    critic = [keras.layers.Conv2D(2, 3, 2, activation="tanh"), keras.layers.Flatten()]
    critic = keras.Sequential([keras.Input((8, 8, 1)), *critic, keras.layers.Dense(1)])
    model = keras_gan.GAN(small.networks((8, 8, 1))[0], critic, seed=0)
    lazy = [terms.R1(interval=2), terms.GradientPenalty(interval=2)]
    moved = augmentation.Adaptive(augmentation.Translation(), initial=0.5)
    model.compile("non_saturating", terms=lazy, augmentation=moved, jit_compile=True)
    model.fit(images(), batch_size=4, verbose=0)
    assert finite_weights(model)


def test_a_term_belongs_to_one_model():
    term = terms.FeatureMatching()
    first = small.gan()
    first.compile(terms=[term])
    first.compile("hinge", terms=[term])  # The same model may be compiled again.
    with pytest.raises(ValueError, match=r"'feature_matching' belongs to another model"):
        small.gan().compile(terms=[term])
    del first
    gc.collect()
    shared = terms.R1()
    for _ in range(2):  # What keeps nothing of a model may be shared.
        small.gan().compile(terms=[shared])


def regularized(term_list, **options):
    """Return how far an activity regularizer alone shrinks the generator's weights."""
    generator = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(2, use_bias=False, activity_regularizer=keras.regularizers.L2(1.0)),
        ]
    )
    critic = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    critic.layers[-1].set_weights([np.zeros((2, 1)), np.zeros(1)])
    model = keras_gan.GAN(generator, critic, seed=3)
    still = keras.optimizers.SGD(0.0)
    model.compile("wasserstein", keras.optimizers.SGD(0.1), still, terms=term_list, **options)
    before = np.linalg.norm(generator.get_weights()[0])
    model.fit(small.points(16), batch_size=8, verbose=0)
    return np.linalg.norm(generator.get_weights()[0]) / before


@pytest.mark.slow
def test_terms_that_run_the_generator_leave_its_regularizers_alone():
    seeded(0)
    alone = regularized([], run_eagerly=True)
    assert alone < 0.95
    for options in ({}, {"update": "simultaneous"}):
        for interval in (1, 2):
            options["run_eagerly"] = interval == 1  # A graph has the steps without the term too.
            seeded(0)
            silent = terms.LatentConsistency(0.0, generator_weight=0.0, interval=interval)
            assert regularized([silent], **options) == pytest.approx(alone, rel=1e-5)


def test_consistency_refuses_what_follows_training():
    for layer in (
        augmentation.Adaptive(),
        augmentation.InstanceNoise(),
        keras.Sequential([augmentation.InstanceNoise()]),
    ):
        with pytest.raises(ValueError, match=r"belongs in `compile\(augmentation=...\)`"):
            terms.ConsistencyRegularization(augmentation=layer)
    terms.ConsistencyRegularization(augmentation=augmentation.DiffAugment())


@keras.saving.register_keras_serializable("test")
class NormalizedHead(terms.Term):
    """A head on the real samples, its kernel normalized."""

    def attach(self, model):
        self.head = SpectralNormalization(keras.layers.Dense(3))
        self.head.build((None, 2))

    def discriminator_term(self, step):
        return keras.ops.sum(keras.ops.square(self.head(step.real) - 2.0), axis=-1)


@pytest.mark.slow
def test_normalized_layers_of_terms_take_their_power_steps():
    term = NormalizedHead()
    model = small.gan()
    model.compile(terms=[term], **small.adams(0.3))
    model.fit(small.points(64), batch_size=4, verbose=0)
    largest = np.linalg.svd(np.asarray(term.head.normalized_kernel()), compute_uv=False)[0]
    assert largest == pytest.approx(1, abs=0.01)


def test_a_models_layers_are_its_players_and_their_company():
    generator, critic = keras_gan.networks.mlp((2,), latent_dim=3, width=4, spectral_norm=True)
    model = keras_gan.GAN(generator, critic)
    model.compile(terms=["r1"])
    assert [layer.name for layer in model.layers if layer not in model.terms] == [
        "generator",
        "discriminator",
        "random_state",
    ]


def test_two_logged_augmentations_of_a_kind_are_refused():
    twice = keras.Sequential([augmentation.InstanceNoise(0.1), augmentation.InstanceNoise(0.2)])
    with pytest.raises(ValueError, match=r"one augmentation of each kind.*noise_sigma"):
        small.gan().compile(augmentation=twice)


def test_losses_add_up_from_zero():
    both = sum([losses.Hinge(), losses.NonSaturating()])
    assert repr(both) == "1 * Hinge() + 1 * NonSaturating(label_smoothing=0.0)"
    with pytest.raises(TypeError):
        1 + losses.Hinge()
