import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gan import GAN, GeneratorAverage, averaging
from tests.integration.seeding import seeded


def networks():
    generator = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(4), keras.layers.BatchNormalization()]
    )
    discriminator = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    return generator, discriminator


def follow(average, values, images=10):
    """Average a generator whose every weight takes the given values, one a step."""
    generator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    generator.set_weights([np.full((1, 1), values[0])])
    average.follow(generator)
    seen = []
    for count, value in enumerate(values[1:]):
        generator.set_weights([np.full((1, 1), value)])
        average.update(generator, tf.constant(count, tf.int64), images)
        seen.append(average.network.get_weights()[0].item())
    return seen


def test_decay_is_the_textbook_recursion():
    expected, mean = [], 1.0
    for value in (2.0, 5.0, -1.0):
        mean = 0.9 * mean + 0.1 * value
        expected.append(mean)
    assert follow(GeneratorAverage(decay=0.9), [1.0, 2.0, 5.0, -1.0]) == pytest.approx(expected)


def test_half_life_counts_images_not_steps():
    """After half_life images the first value's share is one half, whatever the batch."""
    for images in (5, 10, 20):
        steps = 40 // images
        seen = follow(GeneratorAverage(half_life=40), [1.0] + [0.0] * steps, images)
        assert seen[-1] == pytest.approx(0.5, rel=1e-5)


def test_ramp_up_caps_the_half_life():
    expected, mean = [], 1.0
    for count in range(4):
        half_life = min(35.0, 0.5 * (count + 1) * 10)
        beta = 0.5 ** (10 / half_life)
        mean = beta * mean
        expected.append(mean)
    average = GeneratorAverage(half_life=35.0, ramp_up=0.5)
    assert follow(average, [1.0, 0.0, 0.0, 0.0, 0.0]) == pytest.approx(expected, rel=1e-5)


def test_training_averages_weights_and_buffers():
    """Against the recursion in NumPy over the generator's own values, BatchNorm's included."""
    seeded(0)
    model = GAN(*networks())
    model.compile(ema=0.5, generator_optimizer=keras.optimizers.SGD(0.1))
    expected = model.generator.get_weights()
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    for _ in range(3):
        model.train_on_batch(x)
        now = model.generator.get_weights()
        expected = [0.5 * old + 0.5 * new for old, new in zip(expected, now, strict=True)]
    for average, value in zip(model.average.network.get_weights(), expected, strict=True):
        assert np.allclose(average, value, atol=1e-6)
    assert not np.allclose(expected[-1], model.generator.get_weights()[-1])  # A moving variance.
    latents = np.ones((2, 2), "float32")
    assert np.allclose(model(latents), model.average.network(latents))
    assert not np.allclose(model(latents), model.generator(latents))


def test_average_is_not_trained():
    model = GAN(*networks())
    model.compile(ema=0.9)
    trained = {id(variable) for variable in model.trainable_variables}
    assert not trained & {id(variable) for variable in model.average.variables}


def test_recompiling_drops_the_old_average():
    model = GAN(*networks())
    before = len(model.variables)
    model.compile(ema=0.9)
    model.compile()
    assert model.average is None
    assert len(model.variables) == before


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: GeneratorAverage(), ValueError, "decay=None, half_life=None"),
        (lambda: GeneratorAverage(0.9, half_life=10), ValueError, "decay=0.9, half_life=10"),
        (lambda: averaging.get(1.0), ValueError, "ema=1.0"),
        (lambda: averaging.get(-0.1), ValueError, "ema=-0.1"),
        (lambda: averaging.get("0.9"), TypeError, "ema='0.9'"),
        (lambda: averaging.get(True), TypeError, "ema=True"),
        (lambda: GeneratorAverage(half_life=0), ValueError, "half_life=0"),
        (lambda: GeneratorAverage(half_life=9, ramp_up=0), ValueError, "ramp_up=0"),
        (lambda: GeneratorAverage(0.9, ramp_up=0.1), ValueError, "ramp_up=0.1"),
    ],
)
def test_errors(call, kind, text):
    with pytest.raises(kind) as caught:
        call()
    assert text in str(caught.value)
