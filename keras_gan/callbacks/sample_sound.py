"""Sounds of fixed seeds, after every epoch, to listen to and to look at."""

import numpy as np
import tensorflow as tf

from keras_gan.callbacks.sample_grid import SampleGrid
from keras_gan.data import elements
from keras_gan.utils import arguments, nests
from keras_gan.visualization import files, plots

_MOST_CHANNELS = 2


class SampleSound(SampleGrid):
    """Write the sounds of fixed seeds after each epoch, and draw their spectrograms.

    Writes `epoch_0001.wav`, `epoch_0002.wav`, ..., 16-bit WAV files that hold the sounds one after
    the other, with a quarter of a second of silence between them; `epoch_0001.png`, ... with their
    spectrograms in the same order, row by row; and, when training ends, `training.gif`. For a model
    that knows its number of classes, sounds of the classes take turns.

    With `data`, pairs of a sound and what it is made from, each sound is followed by the model's:
    what a vocoder makes of its spectrogram beside what it should be.

    All else is as of `SampleGrid`: numbers of epochs, files that are written in one step, one
    directory for each run, the chief worker.

    Args:
        directory: where the files go; created when training starts.
        sampling_rate: of the sounds, in Hz.
        samples: how many sounds, by default 12 (rounded up to as many of each class).
        seed: the first seed; the sounds are those of seeds `seed` to `seed + samples - 1`.
        condition: for conditional models, the conditions of the sounds, as of `SampleGrid`.
        every: write after each `every`-th epoch; the last one of `fit(epochs=...)` is always
            written.
        data: in place of `condition`, pairs of what is wanted and what it is made from, as of
            `SampleGrid`; the first 12, or the first `samples`.
        writer: a `tf.summary` writer; sounds and pictures then go to TensorBoard too, as "samples".

    Raises:
        ValueError: when built, if an argument is out of range; when training starts, if the
            directory cannot be written to, `condition` does not fit, or samples are no sounds:
            `(steps, 1)` or `(steps, 2)`.

    Example:
    ```python
    generator, discriminator = keras_gan.networks.wavegan((4096, 1), width=4)
    model = keras_gan.GAN(generator, discriminator)
    model.compile(**keras_gan.recipes.wavegan(discriminator_steps=1))
    hits = np.random.default_rng(0).uniform(-1, 1, (8, 4096, 1)).astype("float32")
    sounds = keras_gan.callbacks.SampleSound("runs/drums", sampling_rate=8000, samples=4)
    model.fit(hits, batch_size=4, callbacks=[sounds])
    ```
    """

    def __init__(
        self,
        directory,
        sampling_rate,
        samples=None,
        seed=0,
        condition=None,
        every=1,
        data=None,
        writer=None,
    ):
        super().__init__(directory, samples, seed, condition, every, writer=writer, data=data)
        self.sampling_rate = arguments.whole("sampling_rate", sampling_rate)

    def _kind_of(self, samples):
        is_series = not nests.is_nest(samples) and samples.ndim == 3
        if is_series and samples.shape[-1] <= _MOST_CHANNELS:
            return "sound"
        raise ValueError(
            "SampleSound writes sounds, samples of shape (steps, 1) or (steps, 2); SampleGrid "
            "draws images and other series. Received: samples of shape "
            f"{nests.describe(samples, lambda part: part.shape[1:])}"
        )

    def _draw_sound(self, samples, title):
        return plots.spectrogram_plot(self._in_order(samples), self.sampling_rate, title)

    def _write(self, picture, samples, epoch):
        super()._write(picture, samples, epoch)
        sounds = self._in_order(samples)
        path = files.epoch_path(self.directory, epoch + 1, "wav")
        files.save_wav(sounds, self.sampling_rate, path)
        if self.writer is not None:
            with self.writer.as_default(), tf.summary.record_if(True):
                tf.summary.audio("samples", sounds, self.sampling_rate, epoch, len(sounds))

    def _in_order(self, samples):
        """Return sounds in [-1, 1] as they are heard: what is wanted, then what is made."""
        low, high = self.model.value_range
        parts = [samples]
        if self._targets is not None:
            parts.insert(0, elements.take(self._targets, slice(len(samples))))
        sounds = np.stack(parts, axis=1).reshape(-1, *samples.shape[1:])
        return (2 * sounds - low - high) / (high - low)
