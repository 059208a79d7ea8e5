"""Sounds in a folder, or in one folder per class."""

import concurrent.futures
import math

import numpy as np
import tensorflow as tf

from keras_gan.datasets.epochs import check_batching, gathered
from keras_gan.datasets.images import on_images
from keras_gan.datasets.listing import Kind
from keras_gan.utils import arguments

_LOUDEST = 2**15 - 1


def from_sounds(path, steps, sampling_rate, batch_size=64, seed=0, shuffle=True, slices="first"):
    """Make a dataset of the sounds in a folder.

    A folder of sounds gives `x`. A folder of folders gives `(x, label)`: one class per subfolder,
    numbered in the sorted order of their names. Files are read in sorted order, in every format
    that soundfile reads: WAV, FLAC, OGG, MP3 and more. They are mixed to one channel and resampled
    to one rate. A sound that is shorter than `steps` ends in silence. What is no sound is left out:
    a warning counts it by kind.

    Needs the packages soundfile and scipy, which the extra `sound` brings.

    Args:
        path: Path of the folder.
        steps: Length of a sample.
        sampling_rate: Of the samples, in Hz.
        batch_size: Sounds in a batch. Where there are fewer, they make one batch.
        seed: Integer from 0 to 2**32 - 1.
        shuffle: Whether to shuffle each epoch and drop its incomplete last batch.
        slices: `"first"`, the beginning of each file, for hits, notes and words; or `"all"`, slices
            one after the other, for speech and music. A last slice that is not whole is left out.

    Returns:
        A `tf.data.Dataset` of float32 sounds of shape `(batch, steps, 1)` in [-1, 1], or of
        `(sounds, int32 labels)`, with a `seek(epoch)` method. They are kept in memory, in 16 bits.

    Raises:
        ValueError: If there are no sounds, or one cannot be read or is silent throughout (the error
            names it), or an argument is out of range.
        ImportError: If soundfile or scipy is missing.

    Example:

    ```text
    drums = keras_gan.datasets.from_sounds("drums", steps=4096, sampling_rate=8000)
    sounds, kinds = next(iter(drums))
    ```
    """
    batch_size, seed = check_batching(batch_size, seed)
    steps = arguments.whole("steps", steps)
    sampling_rate = arguments.whole("sampling_rate", sampling_rate)
    slices = arguments.choice("slices", slices, ("first", "all"))
    files, labels = SOUNDS.by_class(path)

    def read(file):
        return _sliced(_resampled(file, sampling_rate), steps, slices)

    # Reading and resampling let other threads work.
    with concurrent.futures.ThreadPoolExecutor() as pool:
        parts = list(pool.map(read, files))
    sounds = np.concatenate(parts)
    if labels is not None:
        labels = np.repeat(labels, [len(part) for part in parts])
    arrays = sounds if labels is None else (sounds, labels)
    return gathered(arrays, batch_size, seed, shuffle, on_images(_scaled))


def _endings():
    """Return the endings of the files that soundfile reads."""
    names = {name.lower() for name in _soundfile().available_formats()}
    return {f".{name}" for name in names | {"aif", "oga", "opus"}}


SOUNDS = Kind("sounds", ".wav or .flac", _endings)


def _soundfile():
    try:
        import soundfile
    except ImportError as error:
        raise ImportError(
            'Reading sounds needs soundfile and scipy: pip install "keras-gan[sound]"'
        ) from error
    return soundfile


def _resampled(file, sampling_rate):
    """Return a sound of one channel at a rate, float32."""
    from scipy import signal

    soundfile = _soundfile()
    try:
        sound, rate = soundfile.read(file, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise ValueError(
            f"{str(file)!r} cannot be read as a sound: {error}. Repair or remove it."
        ) from error
    sound = sound.mean(axis=1)
    if not np.isfinite(sound).all() or not np.any(sound):
        what = "silent throughout" if np.isfinite(sound).all() else "not all finite numbers"
        raise ValueError(f"{str(file)!r} is {what}. Remove it.")
    divisor = math.gcd(rate, sampling_rate)
    return signal.resample_poly(sound, sampling_rate // divisor, rate // divisor)


def _sliced(sound, steps, slices):
    """Return slices of a sound in 16 bits, of shape `(n, steps, 1)`."""
    whole = max(1, len(sound) // steps) if slices == "all" else 1
    sound = np.pad(sound[: whole * steps], (0, max(0, whole * steps - len(sound))))
    levels = np.rint(np.clip(sound, -1, 1) * _LOUDEST)
    return levels.astype("int16").reshape(whole, steps, 1)


def _scaled(levels):
    return tf.cast(levels, tf.float32) / _LOUDEST
