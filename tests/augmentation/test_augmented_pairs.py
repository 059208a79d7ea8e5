"""Several tensors of one sample, augmented: parts of samples, and image conditions beside them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan import augmentation
from keras_gan.augmentation.together import together

N, SIDE = 16, 8


def images(side=SIDE, channels=1, n=N):
    return np.random.default_rng(side).uniform(-1, 1, (n, side, side, channels)).astype("float32")


class Recorder(keras.layers.Layer):
    """Pass a pair on, and keep what it was called on in training."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seen = []

    def call(self, pair, training=False):
        if training:
            tf.py_function(lambda *both: self.seen.append([x.numpy() for x in both]), pair, [])
        return keras.ops.concatenate(pair, axis=-1)


def translator():
    """Return a GAN that starts as the identity, and whose discriminator records its pairs."""
    source = keras.Input((SIDE, SIDE, 1))
    same = keras.layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones")
    generator = keras.Model(source, same(source))
    pair = [keras.Input((SIDE, SIDE, 1)), keras.Input((SIDE, SIDE, 1))]
    recorder = Recorder()
    hidden = keras.layers.Flatten()(recorder(pair))
    discriminator = keras.Model(pair, keras.layers.Dense(1)(hidden))
    return keras_gan.GAN(generator, discriminator, latents=None, seed=0), recorder


GEOMETRIC = {
    "translation": lambda: augmentation.Translation(0.5),
    "cutout": augmentation.Cutout,
    "diff_augment": lambda: augmentation.DiffAugment("translation,cutout"),
    "adaptive": lambda: augmentation.Adaptive(
        augmentation.DiffAugment("translation,cutout"), images=float("inf"), initial=0.7
    ),
    "adaptive_flip": lambda: augmentation.Adaptive(
        keras.layers.RandomFlip(), images=float("inf"), initial=0.5
    ),
    "flip": keras.layers.RandomFlip,
    "shift": lambda: keras.layers.RandomTranslation(0.3, 0.3),
    "rotation": lambda: keras.layers.RandomRotation(0.3),
    "zoom": lambda: keras.layers.RandomZoom(0.5),
    "shear": lambda: keras.layers.RandomShear(0.5, 0.5),
    "perspective": keras.layers.RandomPerspective,
    "sequential": lambda: keras.Sequential(
        [keras.layers.RandomFlip(), augmentation.Translation(0.5)]
    ),
}


@pytest.mark.parametrize("name", GEOMETRIC)
def test_images_of_one_sample_move_alike(name):
    x = tf.constant(images())
    (first, second), (condition,) = together(GEOMETRIC[name](), [x, x], [x])
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, condition)
    assert not np.array_equal(first, x)


def test_a_crop_takes_the_same_window():
    x = tf.constant(images())
    (first,), (condition,) = together(keras.layers.RandomCrop(5, 5), [x], [x])
    assert first.shape == (N, 5, 5, 1)
    np.testing.assert_array_equal(first, condition)


@pytest.mark.parametrize("name", ["diff_augment", "flip"])
def test_the_discriminator_is_shown_pairs_that_match(name):
    model, recorder = translator()
    model.compile(augmentation=GEOMETRIC[name]())
    x = images()
    model.fit(x, x, batch_size=N, epochs=1, verbose=0)
    for samples, condition in recorder.seen:
        np.testing.assert_array_equal(samples, condition)
    assert not any(np.array_equal(samples, x) for samples, _ in recorder.seen)


@pytest.mark.representatives(1)
@pytest.mark.parametrize("on", [("real",), ("real", "fake")])
def test_consistency_moves_conditions_too(on):
    model, recorder = translator()
    term = keras_gan.terms.ConsistencyRegularization(on=on, augmentation=GEOMETRIC["translation"]())
    model.compile(terms=[term])
    x = images()
    model.fit(x, x, batch_size=N, epochs=1, verbose=0)
    for samples, condition in recorder.seen:
        np.testing.assert_array_equal(samples, condition)
    # Moved images have rows or columns of zeros.
    assert sum((samples == 0).any() for samples, _ in recorder.seen) == len(on)


def test_other_sizes_move_in_proportion():
    layer = augmentation.Translation(0.5)
    small, large = tf.constant(images(8)), tf.repeat(tf.repeat(tf.constant(images(8)), 2, 1), 2, 2)
    (moved,), (other,) = layer.together([small], [large])
    np.testing.assert_array_equal(np.repeat(np.repeat(moved, 2, 1), 2, 2), other)
    layer = augmentation.Cutout(0.5)
    (moved,), (other,) = layer.together([small], [large])
    np.testing.assert_array_equal(np.repeat(np.repeat(moved, 2, 1), 2, 2), other)


def test_a_single_tensor_draws_as_the_layer_alone():
    for make in (augmentation.DiffAugment, augmentation.Cutout, augmentation.Adaptive):
        keras.utils.set_random_seed(1)
        alone = make()(images(), training=True)
        keras.utils.set_random_seed(1)
        (pair, _), _ = make().together([tf.constant(images())] * 2, [])
        np.testing.assert_array_equal(alone, pair)


def test_colors_change_each_part_and_no_condition():
    x = tf.constant(images())
    (first, second), (condition,) = together(augmentation.Color(), [x, x], [x])
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(condition, x)


def test_noise_takes_parts_of_any_rank():
    parts = [tf.constant(images()), tf.zeros((N, 3)), tf.zeros((N,), "int32")]
    (first, second, third), _ = together(augmentation.InstanceNoise(0.1), parts, [])
    assert not np.array_equal(first, parts[0])
    assert second.shape == (N, 3)
    assert third is parts[2]


def test_parts_that_are_no_images_are_refused():
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    discriminator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model = keras_gan.GAN(generator, discriminator)
    with pytest.raises(ValueError, match=r"transforms images .*shape \(None, 3\)"):
        model.compile(augmentation="diff_augment")
    with pytest.raises(ValueError, match=r"transforms images .*shape \(16, 3\)"):
        together(augmentation.DiffAugment(), [tf.constant(images()), tf.zeros((N, 3))], [])


def test_images_of_other_sizes_are_refused_for_stock_layers():
    source = keras.Input((4, 4, 1))
    upscaled = keras.layers.UpSampling2D(2)(source)
    generator = keras.Model(source, keras.layers.Conv2D(1, 3, padding="same")(upscaled))
    pair = [keras.Input((8, 8, 1)), keras.Input((4, 4, 1))]
    flat = keras.layers.Concatenate()([keras.layers.Flatten()(x) for x in pair])
    discriminator = keras.Model(pair, keras.layers.Dense(1)(flat))
    model = keras_gan.GAN(generator, discriminator, latents=None)
    for layer in (keras.layers.RandomFlip(), keras.Sequential([keras.layers.RandomFlip()])):
        with pytest.raises(ValueError, match=r"one height and width.*\(8, 8, 1\), \(4, 4, 1\)"):
            model.compile(augmentation=layer)
    model.compile(augmentation="diff_augment")


def test_an_augmentation_of_your_own_that_moves_sees_one_image():
    class Mirror(augmentation.Augmentation):
        moves = True

        def call(self, samples, training=True):
            return samples[:, :, ::-1]

    x, y = tf.constant(images()), tf.constant(images(channels=3))
    (first,), (condition,) = together(Mirror(), [x], [y])
    np.testing.assert_array_equal(first, x[:, :, ::-1])
    np.testing.assert_array_equal(condition, y[:, :, ::-1])
