"""Spectral reconstruction: each generated sound near the real one of its row, by spectrograms."""

import keras
import tensorflow as tf

from keras_gan.layers import LogMelSpectrogram
from keras_gan.terms.distances import distance
from keras_gan.terms.reconstruction import PairedTerm
from keras_gan.utils.arguments import shown


@keras.saving.register_keras_serializable("keras_gan")
class SpectralReconstruction(PairedTerm):
    """Bring the spectrogram of each generated sound near that of the real one of its row.

    Formula, with φ the spectrogram:

    ```
    L_G += weight * E mean |φ(G(y)) - φ(x)|
    ```

    For paired data `(x, y)`: the waveform x and what it is made of, y, such as its mel spectrogram.
    Waveforms with equal spectra but other phases sound the same and differ in every step; so
    spectrograms are compared and not steps. The log shows the value without its weight.

    Args:
        weight: finite number of at least 0. HiFi-GAN has 45 beside a sum of squares over its eight
            heads; beside `LeastSquares`, which takes half of their mean, that is 45 / 16 = 2.8125.
        spectrogram: a Keras layer without weights, `waveforms -> spectrograms`; by default
            `keras_gan.layers.LogMelSpectrogram()`, up to half the sampling rate.
        of: `"samples"`, or the name of a side output of the generator of the real samples' shape.
        interval: compute it on every `interval`-th step only.
        schedule: factor of the weight over training steps, such as `keras_gan.schedules.Cosine`.
        name: key in the logs.

    Raises:
        ValueError: when `weight` is negative or not finite, `interval` no positive integer, the
            spectrogram has weights, or, in `compile`, real and generated samples are no pairs, or
            the spectrogram refuses them.
        TypeError: when `weight` is no number, `schedule` no schedule, `spectrogram` no layer, or
            `of` no name.

    Example:

    ```python
    spectrogram = keras_gan.layers.LogMelSpectrogram(8000, 20, fft_length=128, sequence_stride=32)
    frames, waveforms = keras.Input((32, 20)), keras.Input((1024, 1))
    sound = keras.layers.Conv1DTranspose(1, 64, 32, "same", activation="tanh")(frames)
    discriminator = keras.Model(waveforms, keras.layers.Conv1D(1, 16, 16)(waveforms))
    model = keras_gan.GAN(keras.Model(frames, sound), discriminator, latents=None)
    term = keras_gan.terms.SpectralReconstruction(2.8125, spectrogram)
    model.compile("least_squares", terms=[term])
    ```

    Reference:
        - [Kong et al., 2020](https://arxiv.org/abs/2010.05646), Eq. (5)
    """

    def __init__(
        self,
        weight=1.0,
        spectrogram=None,
        of="samples",
        interval=1,
        schedule=None,
        name="spectral_reconstruction",
        **kwargs,
    ):
        super().__init__(weight, None, of, interval, schedule, name, **kwargs)
        if isinstance(spectrogram, dict):
            spectrogram = keras.saving.deserialize_keras_object(spectrogram)
        spectrogram = LogMelSpectrogram() if spectrogram is None else spectrogram
        if not isinstance(spectrogram, keras.layers.Layer):
            raise TypeError(
                "Expected `spectrogram` to be a Keras layer, such as "
                "`keras_gan.layers.LogMelSpectrogram(22050)`. "
                f"Received: spectrogram={shown(spectrogram)}"
            )
        self.spectrogram = spectrogram

    def attach(self, model):
        """Check that there are pairs, and that the spectrogram takes the samples.

        Raises:
            ValueError: when there are none, or it does not, or has weights.
        """
        super().attach(model)
        for samples in tf.nest.flatten(model.signature.samples):
            self.spectrogram(keras.KerasTensor(samples.shape, samples.dtype))
        if self.spectrogram.weights:
            raise ValueError(
                "Expected `spectrogram` to have no weights, as nothing would train them. "
                f"Received: {len(self.spectrogram.weights)} weights of {self.spectrogram.name!r}"
            )

    def distance(self, real, fake):
        """Return the mean absolute differences of the spectrograms, for each sample."""
        return distance("l1", self.spectrogram(fake), tf.stop_gradient(self.spectrogram(real)))

    def get_config(self):
        """Return the constructor's arguments."""
        config = super().get_config()
        del config["features"]
        return {**config, "spectrogram": keras.saving.serialize_keras_object(self.spectrogram)}
