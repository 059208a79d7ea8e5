"""Instance noise: how much of it at which step, and what it does to the Dirac game."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from integration import small

import keras_gan
from keras_gan.augmentation import InstanceNoise
from keras_gan.schedules import Cosine, Linear


@pytest.mark.parametrize("shape", [(2000, 3), (500, 4, 3), (100, 8, 8, 1), (50, 4, 4, 4, 2)])
def test_noise_is_normal_and_of_each_value(shape):
    noise = np.asarray(InstanceNoise(0.5)(np.full(shape, 3.0, "float32"))) - 3.0
    assert scipy.stats.kstest(noise.ravel(), "norm", (0, 0.5)).pvalue > 1e-6
    assert len(np.unique(noise)) > 0.95 * noise.size


def test_noise_is_as_strong_as_the_weight_says():
    layer, x = InstanceNoise(0.5), np.ones((1000, 2), "float32")
    layer.current.assign(0.0)
    np.testing.assert_array_equal(layer(x), x)
    layer.current.assign(2.0)
    assert np.std(layer(x)) == pytest.approx(2.0, rel=5 / np.sqrt(4000))


@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
def test_dtype_stays_and_nothing_happens_out_of_training(dtype):
    x = tf.cast(np.ones((4, 2)), dtype)
    assert InstanceNoise(0.5)(x).dtype == x.dtype
    np.testing.assert_array_equal(InstanceNoise(0.5)(x, training=False), x)


@keras.saving.register_keras_serializable("test_instance_noise")
class Recorded(InstanceNoise):
    """Remembers which sigma it had at which training step, in eager mode."""

    def watch(self, model):
        self.steps, self.seen = lambda: model.steps, []

    def call(self, samples, training=True):
        self.seen.append((self.steps(), float(self.current)))
        return super().call(samples, training)


def recorded(model, **options):
    """Compile with noise that is scheduled, and return it."""
    noise = Recorded(0.8, SCHEDULE)
    noise.watch(model)
    compiled(model, noise, **options)
    return noise


def compiled(model, noise, **options):
    options = {"run_eagerly": True, **options}
    model.compile("non_saturating", augmentation=noise, **small.sgds(), **options)


SCHEDULE = Linear(1, 0, end=6, start=1)
EXPECTED = [0.8 * float(SCHEDULE(step)) for step in range(10)]


def assert_scheduled(noise, steps, forwards):
    """Assert that every forward of these steps had the sigma of its own step."""
    assert [step for step, _ in noise.seen] == [s for s in steps for _ in range(forwards)]
    for step, sigma in noise.seen:
        assert sigma == pytest.approx(EXPECTED[step])


@pytest.mark.representatives(1)
@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_sigma_of_every_step(update):
    model = small.gan()
    noise = recorded(model, update=update)
    model.fit(small.points(), batch_size=4, verbose=0)
    assert_scheduled(noise, range(8), forwards=3 if update == "alternating" else 2)


@pytest.mark.slow
def test_sigma_with_several_discriminator_steps():
    model = small.gan()
    noise = recorded(model, discriminator_steps=2)
    model.fit(small.points(), batch_size=4, verbose=0)
    assert_scheduled(noise, range(4), forwards=5)


@pytest.mark.representatives(1)
@pytest.mark.parametrize("file", ["model.keras", "model.weights.h5"])
def test_sigma_after_reload(file, tmp_path):
    model = small.gan()
    recorded(model)
    model.fit(small.points(12), batch_size=4, verbose=0)
    if file.endswith(".keras"):
        model.save(tmp_path / file)
        model = keras.saving.load_model(tmp_path / file)
    else:
        model.save_weights(tmp_path / file)
        model = small.gan(seed=8)
        recorded(model)
        model.load_weights(tmp_path / file)
    noise = model._augmentations[0]
    noise.watch(model)
    model.fit(small.points(12), batch_size=4, verbose=0)
    assert_scheduled(noise, range(3, 6), forwards=3)


@pytest.mark.slow
def test_sigma_when_noise_is_added_later():
    """A schedule counts the model's steps, not those since the noise was there."""
    model = small.gan()
    compiled(model, None)
    model.fit(small.points(12), batch_size=4, verbose=0)
    noise = recorded(model)
    model.fit(small.points(12), batch_size=4, verbose=0)
    assert_scheduled(noise, range(3, 6), forwards=3)


def test_log():
    """The mean over an epoch of what each step leaves for the next."""
    model = small.gan()
    compiled(model, InstanceNoise(0.8, SCHEDULE), run_eagerly=False)
    history = model.fit(small.points(16), batch_size=4, epochs=2, verbose=0).history
    expected = np.reshape(EXPECTED[1:9], (2, 4)).mean(axis=1)
    assert history["noise_sigma"] == pytest.approx(list(expected), abs=1e-6)


def test_dirac_discriminator_is_damped():
    """On equal data and samples D(x) = psi x is pulled to 0: by the integral over the noise."""
    n, psi, sigma = 100_000, 1.0, 1.5
    generator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    generator.set_weights([np.zeros((1, 1))])
    discriminator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    discriminator.set_weights([np.full((1, 1), psi)])
    model = keras_gan.GAN(generator, discriminator, seed=0)
    compiled(model, InstanceNoise(sigma))
    model.train_on_batch(np.zeros((n, 1), "float32"))
    gradient = (psi - discriminator.get_weights()[0].item()) / 0.1
    # d L_D / d psi = 2 E n sigmoid(psi n), n ~ N(0, sigma^2), by quadrature.
    grid = np.linspace(-9 * sigma, 9 * sigma, 20_001)
    values = grid / (1 + np.exp(-psi * grid)) * scipy.stats.norm.pdf(grid, scale=sigma)
    expected = 2 * values.sum() * (grid[1] - grid[0])
    assert gradient == pytest.approx(expected, abs=5 * sigma / np.sqrt(n))


def test_serialization():
    for layer in (InstanceNoise(), InstanceNoise(0.3, Cosine(1, 0.5, end=10), name="blur")):
        copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
        assert copy.get_config() == layer.get_config()
        assert float(copy.current) == float(layer.current)
    assert copy.schedule.get_config() == layer.schedule.get_config()


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: InstanceNoise(-0.1), ValueError, "sigma=-0.1"),
        (lambda: InstanceNoise(float("nan")), ValueError, "sigma=nan"),
        (lambda: InstanceNoise(float("inf")), ValueError, "sigma=inf"),
        (lambda: InstanceNoise("0.1"), TypeError, "sigma='0.1'"),
        (lambda: InstanceNoise(0.1, Linear(1, -1, end=10)), ValueError, "final=-1.0"),
        (lambda: InstanceNoise(0.1, schedule=0.5), TypeError, "schedule=0.5"),
        (lambda: InstanceNoise(0.1, schedule=Linear), TypeError, "schedule=<class"),
    ],
)
def test_errors(call, kind, text):
    with pytest.raises(kind) as caught:
        call()
    assert text in str(caught.value)
