"""Files of pictures and sounds: atomic writes, numbering, animations."""

import os
import re
import wave

import numpy as np

from keras_gan.utils.files import whole_file

_MOST_FRAMES = 100
_LARGEST_SIDE = 1024
_LAST_FRAME_MS = 2000
# Of a second, between sounds.
_SILENCE = 0.25


def save_png(picture, path):
    """Write a picture as PNG, in one step: a reader sees the old file or the new one.

    Args:
        picture: uint8 array of shape `(height, width, channels)`.
        path: where to write.
    """
    with whole_file(path) as partial:
        _to_pil(picture).save(partial, format="PNG")


def save_gif(paths, path):
    """Animate PNG files of equal size as a GIF that loops and rests on its last frame.

    Of more than 100 pictures, 100 at even distances are used, the first and the last included.
    Pictures of another size than the last one (left by a run with other settings) are left out.

    Args:
        paths: PNG files, in order.
        path: where to write.
    """
    paths = list(_of_one_size(paths))
    if len(paths) > _MOST_FRAMES:
        chosen = np.linspace(0, len(paths) - 1, _MOST_FRAMES).round().astype(int)
        paths = [paths[i] for i in chosen]
    milliseconds = int(np.clip(10_000 / len(paths), 100, 500))
    durations = [milliseconds] * (len(paths) - 1) + [_LAST_FRAME_MS]
    # Opened one at a time: a hundred large frames at once would be hundreds of megabytes.
    frames = (_frame(each) for each in paths[1:])
    options = {"save_all": True, "append_images": frames, "duration": durations, "loop": 0}
    with whole_file(path) as partial:
        _frame(paths[0]).save(partial, format="GIF", **options)


def save_wav(sounds, sampling_rate, path):
    """Write sounds one after the other as a WAV file of 16 bits, in one step.

    A quarter of a second of silence is between them. Values outside of [-1, 1] are clipped, and
    those that are no numbers silent.

    Args:
        sounds: array of shape `(n, steps, channels)` in [-1, 1].
        sampling_rate: in Hz.
        path: where to write.
    """
    levels = np.rint(np.clip(np.nan_to_num(sounds), -1, 1) * (2**15 - 1)).astype("<i2")
    silence = int(_SILENCE * sampling_rate)
    apart = np.pad(levels, ((0, 0), (0, silence), (0, 0))).reshape(-1, levels.shape[-1])
    with whole_file(path) as partial, wave.open(os.fspath(partial), "wb") as file:
        file.setnchannels(levels.shape[-1])
        file.setsampwidth(2)
        file.setframerate(sampling_rate)
        file.writeframes(apart[: len(apart) - silence].tobytes())


def epoch_path(directory, epoch, ending="png"):
    """Return the path of an epoch's picture or sounds; `epoch` counts from 1."""
    return os.path.join(directory, f"epoch_{epoch:04d}.{ending}")


def epoch_paths(directory, last):
    """Return the paths of the pictures of epochs up to `last`, in the order of their epochs."""
    matches = (re.fullmatch(r"epoch_(\d{4,})\.png", name) for name in os.listdir(directory))
    epochs = sorted(int(match[1]) for match in matches if match)
    return [epoch_path(directory, epoch) for epoch in epochs if epoch <= last]


def _of_one_size(paths):
    from PIL import Image

    def size(path):
        with Image.open(path) as image:
            return image.size

    last = size(paths[-1])
    return (path for path in paths if size(path) == last)


def _frame(path):
    from PIL import Image

    with Image.open(path) as image:
        image.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE))
        return image.copy()


def _to_pil(picture):
    from PIL import Image

    return Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
