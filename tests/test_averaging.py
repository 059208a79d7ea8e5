import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gan import GAN, GeneratorAverage, averaging
from keras_gan.schedules import Cosine
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


def test_a_half_life_that_follows_a_schedule():
    """From 0, where the average is the network itself, to R3GAN's way of growing."""
    schedule = Cosine(0.0, 40.0, end=4)
    expected, mean = [], 1.0
    values = [1.0, 3.0, 2.0, 0.0, 5.0, 4.0, 1.0]
    for count, value in enumerate(values[1:]):
        half_life = 40 * np.sin(np.pi / 2 * min(count / 4, 1)) ** 2
        beta = 0.5 ** (10 / half_life) if half_life else 0.0
        mean = beta * mean + (1 - beta) * value
        expected.append(mean)
    average = GeneratorAverage(half_life=schedule)
    seen = follow(average, values)
    assert seen[0] == values[1]
    assert seen == pytest.approx(expected, rel=1e-5)
    capped = GeneratorAverage(half_life=Cosine(30.0, 30.0, end=1), ramp_up=0.5)
    plain = GeneratorAverage(half_life=30.0, ramp_up=0.5)
    assert follow(capped, values) == pytest.approx(follow(plain, values), rel=1e-6)


def test_published_half_lives():
    """StyleGAN2's for CIFAR-10, at its end and ramped at 100,000 images; R3GAN's at its end."""

    def beta(average, batch, images=0):
        count = tf.constant(images // batch - 1, tf.int64)
        return float(average._beta(count, tf.constant(batch, tf.float32)))

    assert beta(GeneratorAverage(half_life=500_000), 64) == pytest.approx(0.99991128, abs=6e-8)
    ramped = GeneratorAverage(half_life=500_000, ramp_up=0.05)
    before, behind = (beta(ramped, 64, batches * 64) for batches in (1562, 1563))
    assert before < 0.99116696 < behind  # Of 100,000 images, half way between two batches.
    rising = GeneratorAverage(half_life=Cosine(0, 5e6, end=20_000_000 // 512))
    assert beta(rising, 512, 25_000_000) == pytest.approx(0.99992902, abs=6e-8)


def test_its_config_round_trips():
    average = GeneratorAverage(half_life=Cosine(0.0, 40.0, end=4), ramp_up=0.1, name="mean")
    config = json.loads(json.dumps(average.get_config()))
    copy = GeneratorAverage.from_config(config)
    assert copy.get_config() == average.get_config()
    assert float(copy.half_life(2)) == pytest.approx(20.0)
    kept = averaging.get(keras.saving.serialize_keras_object(average))
    assert kept.get_config() == average.get_config()


def test_a_saved_model_goes_on_with_its_schedule(tmp_path):
    seeded(0)
    model = GAN(*networks())
    model.compile(ema=GeneratorAverage(half_life=Cosine(0, 20, end=3)), run_eagerly=True)
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    model.fit(x, batch_size=4, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for each in (model, loaded):
        each.fit(x, batch_size=4, shuffle=False, verbose=0)
    pair = (each.average.network.get_weights() for each in (model, loaded))
    for one, other in zip(*pair, strict=True):
        np.testing.assert_array_equal(one, other)


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
        (lambda: GeneratorAverage(half_life=Cosine(-1, 9, end=2)), ValueError, "initial=-1.0"),
        (lambda: GeneratorAverage(half_life="9"), TypeError, "half_life='9'"),
        (lambda: GeneratorAverage(0.9, half_life=Cosine(0, 9, end=2)), ValueError, "decay=0.9"),
        (lambda: GeneratorAverage(half_life=9, ramp_up=0), ValueError, "ramp_up=0"),
        (lambda: GeneratorAverage(0.9, ramp_up=0.1), ValueError, "ramp_up=0.1"),
    ],
)
def test_errors(call, kind, text):
    with pytest.raises(kind) as caught:
        call()
    assert text in str(caught.value)
