import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan


def test_the_end_of_a_dataset_counts_no_step():
    """A step that finds no more data must not have counted, averaged or advanced anything."""
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    discriminator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model = keras_gan.GAN(generator, discriminator)
    model.compile(ema=0.9)

    def batches():
        for _ in range(3):
            yield np.ones((4, 2), "float32")

    # Of unknown length: Keras finds the end by running into it.
    dataset = tf.data.Dataset.from_generator(batches, output_signature=tf.TensorSpec((None, 2)))
    model.fit(dataset, epochs=2, verbose=0)
    assert model.steps == 6
    for optimizer in model.optimizer.optimizers:
        assert int(optimizer.iterations.numpy()) == 6


@keras.saving.register_keras_serializable("test")
class Subclassed(keras.Model):
    """A network that says nothing of its shapes before it has run."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.dense = keras.layers.Dense(units)

    def call(self, x):
        return self.dense(x)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@pytest.mark.slow
def test_subclassed_networks_may_generate_before_they_train():
    model = keras_gan.GAN(
        Subclassed(3), Subclassed(1), latents=keras_gan.latents.Normal(2), conditional=False
    )
    model.compile(ema=0.5)
    before = model.generate(2, seed=0)
    model.fit(np.zeros((8, 3), "float32"), verbose=0)
    assert model.steps == 1
    assert before.shape == model.generate(2, seed=0).shape == (2, 3)


def test_a_discriminator_of_samples_alone_in_a_conditional_game():
    """Super-resolution: the generator takes the condition, the discriminator does not."""
    model = keras_gan.GAN(Subclassed(3), Subclassed(1), latents=None, conditional="generator")
    model.compile()
    model.fit(np.zeros((8, 3), "float32"), np.ones((8, 2), "float32"), verbose=0)
    assert model.generate(2, condition=np.ones((2, 2), "float32")).shape == (2, 3)
    copy = keras_gan.GAN.from_config(model.get_config())
    assert copy.conditional and not copy.judges_condition


def test_recompiling_keeps_the_average():
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    discriminator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model = keras_gan.GAN(generator, discriminator)
    model.compile(ema=0.9, generator_optimizer=keras.optimizers.SGD(1.0))
    model.fit(np.ones((64, 3), "float32"), batch_size=8, verbose=0)
    before = model.generate(2, seed=0)
    model.compile(ema=0.99)
    assert np.array_equal(model.generate(2, seed=0), before)
    assert not np.allclose(model.generator(np.ones((2, 2))), model(np.ones((2, 2))))


def test_an_interrupted_evaluation_leaves_the_logs_of_training():
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    discriminator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model = keras_gan.GAN(generator, discriminator)
    model.compile(terms=["r1"])

    def interrupt(batch, logs):
        raise KeyboardInterrupt

    x = np.zeros((8, 3), "float32")
    with pytest.raises(KeyboardInterrupt):
        stop = keras.callbacks.LambdaCallback()
        stop.on_test_batch_end = interrupt
        model.evaluate(x, callbacks=[stop], verbose=0)
    assert "r1" in model.fit(x, verbose=0).history


def test_nan_in_a_condition_is_refused():
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    discriminator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model = keras_gan.GAN(generator, discriminator, latents=None)
    model.compile()
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.zeros((8, 3), "float32"), np.full((8, 2), np.nan, "float32"), verbose=0)
