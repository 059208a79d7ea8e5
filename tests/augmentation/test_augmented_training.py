"""Augmentations in training: every mode of running, seeds, replicas, files, and what stays out."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from integration import small

import keras_gan
from keras_gan import augmentation
from keras_gan.augmentation import Adaptive, Augmentation, DiffAugment, InstanceNoise
from keras_gan.schedules import Linear

SHAPE = (6, 6, 1)


def images(n=24):
    return np.random.default_rng(0).uniform(-1, 1, (n, *SHAPE)).astype("float32")


def everything():
    """Return all augmentations in one: their seeds are nested, and their state moves."""
    noise = InstanceNoise(0.3, Linear(1, 0, end=10))
    return keras.Sequential([Adaptive(interval=1, images=40, initial=0.5), noise])


def trained(layer, fit=True, **options):
    model = small.gan(shape=SHAPE)
    options = {"terms": ["r1"], **small.sgds(), **options}
    model.compile("non_saturating", augmentation=layer, **options)
    if fit:
        model.fit(images(), batch_size=8, verbose=0)
    return model


@pytest.fixture(scope="module")
def initial(tmp_path_factory):
    """Return the file of the state that `model` starts from."""
    return str(tmp_path_factory.mktemp("initial") / "initial.weights.h5")


@pytest.fixture(scope="module")
def model(initial):
    """A model that has trained in graph mode, under R1."""
    model = trained(everything(), fit=False)
    model.save_weights(initial)
    model.fit(images(), batch_size=8, verbose=0)
    return model


@pytest.fixture(scope="module")
def eager():
    """A model that has trained eagerly, made as `model` was."""
    return trained(everything(), run_eagerly=True)


def assert_equal(first, second):
    """Assert equality bit for bit, whatever layers are called."""
    for a, b in zip(small.state(first).values(), small.state(second).values(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_same_seed_same_result(model, initial):
    """From the same file; that a new model draws the same, the eager one tells."""
    before = small.state(model)
    model.load_weights(initial)
    assert model.steps == 0
    model.fit(images(), batch_size=8, verbose=0)
    small.assert_equal_states(before, small.state(model))


@pytest.mark.slow
def test_eager_agrees(model, eager):
    for a, b in zip(small.state(model).values(), small.state(eager).values(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def assert_trained(model):
    before = small.weights(small.gan(shape=SHAPE))
    changes = [np.abs(a - b) for a, b in zip(small.weights(model), before, strict=True)]
    assert model.steps == 3
    assert all(np.all(np.isfinite(change)) and np.any(change > 0) for change in changes)


@pytest.mark.slow
def test_xla():
    assert_trained(trained(everything(), jit_compile=True))


@pytest.mark.representatives(1)
@pytest.mark.parametrize("name", ["diff_augment", "adaptive", "instance_noise"])
def test_by_name(name):
    layer = trained(name, run_eagerly=True)._augmentations[0]
    assert type(layer) is type(augmentation.get(name))


def test_names():
    assert augmentation.get(None) is None
    layer = keras.layers.GaussianNoise(0.1)
    assert augmentation.get(layer) is layer
    config = keras.saving.serialize_keras_object(DiffAugment("cutout"))
    assert augmentation.get(config).policy == ["cutout"]


@pytest.mark.slow
def test_replicas_draw_differently(two_replicas):
    with two_replicas.scope():
        model = trained(everything(), terms=[])  # They draw nothing, and take long to trace.
    assert_trained(model)

    @tf.function
    def draw():
        def augment():
            model.random_state.stream().reseed(model.seed_states)
            return model.augment(tf.zeros((8, *SHAPE)))

        return two_replicas.run(augment)

    first, second = (part.numpy() for part in draw().values)
    # Noise makes all different; the rest is told by what was transformed at all.
    assert not np.any(first == second)
    seeds = [[copy.numpy() for copy in state.value.values] for state in model.seed_states]
    assert len(seeds) == 5
    assert not any(np.array_equal(*copies) for copies in seeds)
    for weight in model._augmentations[0].weights:
        copies = [copy.numpy() for copy in weight.value.values]
        np.testing.assert_array_equal(*copies)


def test_made_outside_the_scope(two_replicas):
    layer = DiffAugment()
    with two_replicas.scope():
        model = small.gan(shape=SHAPE)
        with pytest.raises(ValueError, match="outside the strategy's scope") as caught:
            model.compile(augmentation=layer)
    assert "DiffAugment" in str(caught.value)


@pytest.mark.representatives("weights")
@pytest.mark.parametrize("kind", ["keras", "weights", "checkpoint"])
def test_resumed(kind, tmp_path, eager):
    """A run that is saved, loaded and continued is the run that was not."""
    model = eager  # Its file says so, and the one that is loaded is not traced.
    path = str(tmp_path / {"weights": "m.weights.h5"}.get(kind, "m.keras"))
    resumed = trained(everything(), fit=False)
    if kind == "keras":
        model.save(path)
        resumed = keras.saving.load_model(path)
    elif kind == "weights":
        model.save_weights(path)
        resumed.load_weights(path)
    else:
        checkpoint = tf.train.Checkpoint(model=model).save(str(tmp_path / "checkpoint"))
        tf.train.Checkpoint(model=resumed).restore(checkpoint).assert_existing_objects_matched()
    assert_equal(model, resumed)
    if kind == "keras":
        keras.utils.set_random_seed(1)  # Nothing depends on it.
        for part in (model, resumed):
            part.fit(images(), batch_size=8, verbose=0)
        assert_equal(model, resumed)


class Spoiled(Augmentation):
    def call(self, samples, training=True):
        return samples * float("nan")


@pytest.mark.slow
def test_only_training_is_augmented():
    model = trained(Spoiled(), run_eagerly=True, fit=False)
    assert np.all(np.isfinite(list(model.evaluate(images(), verbose=0, return_dict=True).values())))
    assert np.all(np.isfinite(model.discriminate(images())))
    assert np.all(np.isfinite(model.generate(4, seed=0)))
    model.fit(images(8), batch_size=8, verbose=0)
    assert np.all(np.isnan(model.discriminate(images())))


def test_both_players_see_augmented_samples_of_both_kinds():
    """Real ones, generated ones, and those that the generator's gradient goes through."""
    calls = []

    class Counted(Augmentation):
        def call(self, samples, training=True):
            calls.append((training, samples.dtype.name))
            return samples

    trained(Counted(), run_eagerly=True)
    assert calls == 9 * [(True, "float32")]


@pytest.mark.slow
def test_mixed_precision():
    """What comes in single precision is transformed in single precision."""
    seen = []

    class Seen(DiffAugment):
        def call(self, samples, training=True):
            seen.append((samples.dtype.name, super().call(samples, training).dtype.name))
            return super().call(samples, training)

    policy = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        assert_trained(trained(Seen(), run_eagerly=True))
    finally:
        keras.mixed_precision.set_global_policy(policy)
    assert all(before == after for before, after in seen)
    assert seen[0] == ("float32", "float32")  # The first batch of real images.


def test_logs():
    model = trained(everything(), fit=False, run_eagerly=True)
    history = model.fit(images(8), batch_size=8, verbose=0).history
    adaptive, noise = (part for part in model.game.augmentation.following if part.log_names)
    assert history["augment_p"] == [pytest.approx(float(adaptive.p))]
    assert history["augment_rt"] == [pytest.approx(float(adaptive.rt))]
    assert history["noise_sigma"] == [pytest.approx(float(noise.current))]
    assert "augment_p" not in model.evaluate(images(), verbose=0, return_dict=True)


def test_two_keys_of_one_name_are_refused():
    twice = keras.Sequential([InstanceNoise(0.1), InstanceNoise(0.2)])
    with pytest.raises(ValueError, match="noise_sigma"):
        trained(twice)


def test_vectors_are_refused_by_image_augmentations():
    with pytest.raises(ValueError, match=r"Color transforms images.*Received.*2\)"):
        small.gan().compile(augmentation="diff_augment")


@pytest.mark.parametrize(
    ("identifier", "kind", "text"),
    [
        ("diff_augmnt", ValueError, "Did you mean 'diff_augment'"),
        ("color_jitter", ValueError, "['adaptive', 'color', 'cutout', 'diff_augment'"),
        (3, TypeError, "augmentation=3"),
        (DiffAugment, TypeError, "augmentation=<class"),
        (lambda x: x, TypeError, "augmentation=<function"),
    ],
)
def test_errors(identifier, kind, text):
    model = keras_gan.GAN(*small.networks())
    with pytest.raises(kind) as caught:
        model.compile(augmentation=identifier)
    assert text in str(caught.value)
