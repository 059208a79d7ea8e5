import keras
import numpy as np
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
