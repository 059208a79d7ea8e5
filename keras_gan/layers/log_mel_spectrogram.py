"""Log-mel spectrograms of sound, with gradients: what vocoders are given and compared by."""

import functools

import keras
import numpy as np
import tensorflow as tf

from keras_gan.utils import arguments

# TensorFlow's and Keras's filters are of HTK's scale and of height 1; what models of speech predict
# is librosa's. Slaney's scale is linear up to 1 kHz, which is mel 15; from there 27 mels make 6.4.
_LINEAR, _KNEE, _MEL_AT_KNEE, _STEP = 200 / 3, 1000.0, 15.0, np.log(6.4) / 27
_UNDER_THE_ROOT = 1e-9


@keras.saving.register_keras_serializable("keras_gan")
class LogMelSpectrogram(keras.layers.Layer):
    """Turn waveforms into the logarithm of their mel spectrogram.

    Formula, with X the short-time Fourier transform under a Hann window and B the mel filters:

    ```
    y = log max(B sqrt(|X|^2 + 1e-9), floor)
    ```

    The filters are triangles on Slaney's scale, each of area 1, as in librosa. Waveforms are
    extended by reflection, `(fft_length - sequence_stride) / 2` steps at both ends, so that
    `sequence_stride` steps make one frame. The defaults are HiFi-GAN's for speech at 22,050 Hz,
    with `max_freq=8000` for its generator's input.

    Two recipes that differ in any argument are two languages: a vocoder answers noise to the
    other's spectrograms. Build the inputs of a vocoder by this layer, in training and in use.

    Args:
        sampling_rate: of the waveforms, in Hz.
        num_mel_bins: number of filters.
        fft_length: steps in a window.
        sequence_stride: steps from one frame to the next; it differs from `fft_length` by an even
            number.
        min_freq: where the lowest filter begins, in Hz.
        max_freq: where the highest filter ends, in Hz; `None` for half the sampling rate.
        floor: the least value before the logarithm.
        name: the layer's name.

    Input shape:
        `(batch, steps, 1)`, waveforms in [-1, 1].

    Output shape:
        `(batch, steps // sequence_stride, num_mel_bins)`, float32 under every policy.

    Raises:
        TypeError: when an argument is no number.
        ValueError: when one is out of range, a filter is so narrow that no frequency of the
            transform is in it, or the input has another shape or is too short to be extended.

    Example:

    >>> layer = keras_gan.layers.LogMelSpectrogram(8000, 64, fft_length=512, sequence_stride=128)
    >>> layer(keras.Input((4096, 1))).shape
    (None, 32, 64)

    Reference:
        - [Kong et al., 2020](https://arxiv.org/abs/2010.05646), Section 2.4 and its code
    """

    def __init__(
        self,
        sampling_rate=22050,
        num_mel_bins=80,
        fft_length=1024,
        sequence_stride=256,
        min_freq=0.0,
        max_freq=None,
        floor=1e-5,
        name=None,
        **kwargs,
    ):
        # Logarithms of small numbers lose their meaning in less.
        kwargs["dtype"] = "float32"
        super().__init__(name=name, **kwargs)
        self.sampling_rate = arguments.whole("sampling_rate", sampling_rate)
        self.num_mel_bins = arguments.whole("num_mel_bins", num_mel_bins)
        self.fft_length = arguments.whole("fft_length", fft_length)
        self.sequence_stride = arguments.whole("sequence_stride", sequence_stride)
        half = self.sampling_rate / 2
        self.min_freq = arguments.number("min_freq", min_freq)
        self.max_freq = half if max_freq is None else arguments.number("max_freq", max_freq)
        self.floor = arguments.number("floor", floor)
        if not self.min_freq < self.max_freq <= half:
            raise ValueError(
                f"Expected 0 <= min_freq < max_freq <= {half:g}, half the sampling rate. "
                f"Received: min_freq={self.min_freq:g}, max_freq={self.max_freq:g}"
            )
        if not self.floor > 0:
            raise ValueError(f"Expected `floor` to be above 0. Received: floor={self.floor:g}")
        self.margin, odd = divmod(self.fft_length - self.sequence_stride, 2)
        if self.margin < 0 or odd:
            raise ValueError(
                "Expected `fft_length` to be longer than `sequence_stride` by an even number. "
                f"Received: fft_length={self.fft_length}, sequence_stride={self.sequence_stride}"
            )
        self._filters = mel_filters(
            self.sampling_rate, self.num_mel_bins, self.fft_length, self.min_freq, self.max_freq
        )
        self.built = True

    def call(self, inputs):
        """Return the spectrograms of waveforms."""
        self.compute_output_shape(inputs.shape)
        ends = (self.margin, self.margin)
        x = tf.pad(tf.squeeze(inputs, -1), ((0, 0), ends), "REFLECT")
        transform = tf.signal.stft(x, self.fft_length, self.sequence_stride, self.fft_length)
        squares = tf.square(tf.math.real(transform)) + tf.square(tf.math.imag(transform))
        # The root's gradient at 0 is infinite.
        magnitudes = tf.sqrt(squares + _UNDER_THE_ROOT)
        return tf.math.log(tf.maximum(magnitudes @ self._filters, self.floor))

    def compute_output_shape(self, input_shape):
        """Return the shape of the spectrograms."""
        shape = tuple(input_shape)
        least = max(self.margin + 1, self.sequence_stride)
        steps = shape[1] if len(shape) == 3 and shape[2] == 1 else 0
        if steps is not None and steps < least:
            raise ValueError(
                f"Expected waveforms of shape (batch, steps, 1), of at least {least} steps. "
                f"Received: inputs of shape {shape}"
            )
        return shape[0], steps and steps // self.sequence_stride, self.num_mel_bins

    def get_config(self):
        """Return the constructor's arguments."""
        names = (
            "sampling_rate",
            "num_mel_bins",
            "fft_length",
            "sequence_stride",
            "min_freq",
            "max_freq",
            "floor",
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@functools.cache
def mel_filters(sampling_rate, num_mel_bins, fft_length, min_freq, max_freq):
    """Return triangular filters on Slaney's mel scale, each of area 1.

    Args:
        sampling_rate: in Hz.
        num_mel_bins: number of filters.
        fft_length: steps in a window.
        min_freq: where the lowest filter begins, in Hz.
        max_freq: where the highest filter ends, in Hz.

    Returns:
        float32 array of shape `(fft_length // 2 + 1, num_mel_bins)`.

    Raises:
        ValueError: when no frequency of the transform is within a filter.
    """
    corners = _hertz(np.linspace(_mel(min_freq), _mel(max_freq), num_mel_bins + 2))
    lower, center, upper = corners[:-2], corners[1:-1], corners[2:]
    frequencies = np.fft.rfftfreq(fft_length, 1 / sampling_rate)[:, None]
    rising = (frequencies - lower) / (center - lower)
    falling = (upper - frequencies) / (upper - center)
    filters = np.maximum(0, np.minimum(rising, falling)) * 2 / (upper - lower)
    empty = int((filters.max(axis=0) == 0).sum())
    if empty:
        raise ValueError(
            f"Expected every mel filter to hold a frequency of the transform; {empty} hold none. "
            "Take fewer filters or longer windows. "
            f"Received: num_mel_bins={num_mel_bins}, fft_length={fft_length}"
        )
    return filters.astype("float32")


def _mel(hertz):
    above = _MEL_AT_KNEE + np.log(max(hertz, _KNEE) / _KNEE) / _STEP
    return above if hertz >= _KNEE else hertz / _LINEAR


def _hertz(mels):
    above = _KNEE * np.exp(_STEP * (mels - _MEL_AT_KNEE))
    return np.where(mels >= _MEL_AT_KNEE, above, mels * _LINEAR)
