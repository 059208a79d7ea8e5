"""Pictures of samples from fixed seeds, after every epoch."""

import importlib.util
import math
import os

import keras
import numpy as np
import tensorflow as tf

from keras_gan.callbacks.columns import columns_of, images_of, is_image
from keras_gan.data import elements
from keras_gan.data.condition import as_arrays
from keras_gan.data.shares import pack_size
from keras_gan.data.source import Source
from keras_gan.utils import forms, nests
from keras_gan.utils.arguments import shown, whole
from keras_gan.utils.files import path_of, prepare_directory
from keras_gan.visualization import files, pictures, plots
from keras_gan.workers import is_chief

_DEFAULT_SAMPLES = {"image": 64, "series": 16, "sound": 12, "line": 2048, "plane": 2048}
# Of which there are equally many of each class.
_BY_CLASS = ("image", "sound")
_PAIRS = 12  # Of sources and targets, several images each.
_MOST_CLASS_COLUMNS = 20
_MOST_SERIES_CHANNELS = 8


class SampleGrid(keras.callbacks.Callback):
    """Draw the samples of fixed seeds after each epoch, and animate them at the end of training.

    Writes `epoch_0001.png`, `epoch_0002.png`, ... and, when training ends, `training.gif` into
    `directory`. What is drawn depends on the shape of one sample:

    - `(height, width, 1, 3 or 4)`: a grid of images, small ones enlarged; of four channels the last
      is opacity, on white. For a model that knows its number of classes, each column is a class.
      Conditions that are images stand to the left of the image made from them, and the targets of
      `data` to the right: source, output, target. Of conditions `{"image": ..., "mask": ...}` the
      image is drawn, its hole in grey.
    - `(2,)`: generated points of the plane over the real ones.
    - `(1,)`: the densities of generated and real samples, and D(x), the sigmoid of the
      discriminator's logits (left out for conditional models, where it depends on the condition).
    - `(steps, channels)` with up to 8 channels: small line plots.

    Of samples of several parts, those that are images stand side by side, in the order of their
    names; the others are not drawn. Where the generator translates samples of two parts
    (`conditional="samples"`), each source stands beside what was made of it: the first part, the
    second made from it, then the second part and the first made from it; of pairs, what is made
    and what it should be are neighbours. The model's `value_range` says which values are black and
    white.

    Runs that continue with `initial_epoch` continue the numbers, and the animation covers all
    pictures up to the last epoch. Give every run its own directory: a run that starts again at
    epoch 1 overwrites. Each file is written in one step, so that an interrupted run leaves whole
    files. Under a distribution strategy the chief worker writes.

    Args:
        directory: where the pictures go; created when training starts.
        samples: how many samples are drawn. By default 64 images (rounded up to whole rows of
            classes), 16 series or 2048 points; with a `condition` of rows, one for each of them.
        seed: the first seed; the samples are those of seeds `seed` to `seed + samples - 1`.
        condition: for conditional models, the conditions of the samples: a tensor, an array or a
            nest of them with one row per sample, or one label for all; for `conditional="samples"`
            the samples to translate. By default labels that cycle through the classes
            (through 20 of them at most), where the model has `num_classes`.
        every: draw after each `every`-th epoch; the last one of `fit(epochs=...)` is always drawn.
        real: real samples for the plots of `(1,)` and `(2,)` data, shape `(n, 1)` or `(n, 2)`.
        data: in place of `condition`, pairs of what is wanted and what it is made from: a dataset
            of `(target, source)`, or the arrays of one batch. The first 12 are drawn, or the first
            `samples`. For `conditional="samples"` samples of both parts, with pairs or without.
        writer: a `tf.summary` writer; each picture is then also written to TensorBoard as
            "samples", at the step that Keras's own TensorBoard callback gives the epoch, which
            counts from 0. Needs the package `tensorboard`.

    Raises:
        ValueError: when built, if an argument is out of range; when training starts, if the
            directory cannot be written to, if the model and `condition` do not fit each other, or
            if its samples are of a shape that cannot be drawn.

    Example:
    ```python
    grid = keras_gan.callbacks.SampleGrid("runs/digits", every=5)
    model.fit(dataset, epochs=20, callbacks=[grid])
    ```

    Of a translation, beside its targets:

    ```text
    SampleGrid("runs/maps", data=held_out)
    ```
    """

    def __init__(
        self,
        directory,
        samples=None,
        seed=0,
        condition=None,
        every=1,
        real=None,
        writer=None,
        data=None,
    ):
        super().__init__()
        self.directory = _checked_directory(directory)
        if samples is not None:
            whole("samples", samples)
        whole("seed", seed, least=0)
        whole("every", every)
        _check_writer(writer)
        self.samples = samples
        self.seed = seed
        if data is not None and condition is not None:
            raise ValueError(
                "Expected `data`, which has the conditions, or `condition`. Received: both"
            )
        self.condition = as_arrays(condition)
        self._source = None if data is None else Source(*elements.unpack(data))
        self._targets = None
        self.every = every
        self.real = None if real is None else _with_axis(np.asarray(real, np.float32))
        self.writer = writer
        self._kind = None
        self._last_epoch = 0

    def on_train_begin(self, logs=None):
        """Check everything that could go wrong later, before the first step."""
        if is_chief(self.model):
            prepare_directory(self.directory)
        self._last_epoch = 0
        if self._source is not None:
            self._targets, self.condition = self._pairs()
        probe = self._generate(self._count("image"))
        self._kind = self._kind_of(probe)
        self._check_real(probe)

    def on_epoch_end(self, epoch, logs=None):
        """Draw the samples of the epoch that has ended."""
        self._last_epoch = epoch + 1
        last = (self.params or {}).get("epochs") == epoch + 1
        if last or (epoch + 1) % self.every == 0:
            # Every worker draws, though only the chief writes: a network that talks to the others
            # would wait for them forever.
            samples = self._generate(self._count(self._kind))
            picture = getattr(self, f"_draw_{self._kind}")(samples, f"epoch {epoch + 1}")
            if is_chief(self.model):
                self._write(picture, samples, epoch)

    def on_train_end(self, logs=None):
        """Animate the pictures."""
        if is_chief(self.model):
            paths = files.epoch_paths(self.directory, self._last_epoch)
            if paths:
                files.save_gif(paths, os.path.join(self.directory, "training.gif"))

    @property
    def state_form(self):
        """The form of what `get_state` returns, for `utils.forms`."""
        return {"last_epoch": forms.count}

    def get_state(self):
        """Return what a `Backup` has to keep."""
        return {"last_epoch": self._last_epoch}

    def set_state(self, state):
        """Go on from what `get_state` returned."""
        self._last_epoch = state["last_epoch"]

    def _kind_of(self, samples):
        """Return how samples are drawn: of several parts, the images."""
        if nests.is_nest(samples):
            if images_of(samples):
                return "image"
        elif samples.shape[1:] in ((1,), (2,)):
            return "line" if samples.shape[1:] == (1,) else "plane"
        elif is_image(samples):
            return "image"
        elif samples.ndim == 3 and samples.shape[-1] <= _MOST_SERIES_CHANNELS:
            return "series"
        raise ValueError(
            "SampleGrid draws samples of shape (height, width, 1, 3 or 4), (1,), (2,) or (steps, "
            f"channels) with up to {_MOST_SERIES_CHANNELS} channels; of several parts, the images. "
            "Leave it out, or draw others in a callback of your own from `model.generate`. "
            f"Received: samples of shape {_shapes_of(samples)}"
        )

    def _draw_image(self, samples, title):
        value_range, count = self.model.value_range, elements.rows_of(samples)
        targets = elements.take(self._targets, slice(count))
        shown = columns_of(self.model, samples, self._condition(count), targets)
        images = pictures.side_by_side(*(each for _, each in shown), value_range=value_range)
        classes = self._classes() if self.condition is None else ()
        columns = min(len(classes), count) or pictures.square_columns(count, *images.shape[1:3])
        names = [str(name) for name in classes[:columns]] or _names(shown) * columns
        grid = pictures.image_grid(images, columns, value_range=value_range)
        return pictures.captioned(grid, title, names)

    def _pairs(self):
        """Return the first targets of the data, and the conditions that these are made from."""
        if not self.model.condition.given:
            raise ValueError(
                "Expected a generator that takes a condition, of which `data` has pairs: leave "
                "`data` out. Received: a model with conditional=False"
            )
        self._source.adapt(self.model.adapter)
        wanted, found = self.samples or _PAIRS, []
        for element in elements.batches(self._source.batches, steps=wanted):
            x, condition = self.model.condition.split(element)
            self.model.condition.check(condition)
            found.append((x, condition))
            if sum(elements.rows_of(rows) for rows, _ in found) >= wanted:
                break
        return elements.take(elements.concatenate(found), slice(wanted))

    def _draw_line(self, samples, title):
        # A discriminator that packs has no probability for one sample.
        packed = pack_size(self.model.discriminator) > 1
        probability = None if self.model.conditional or packed else self._probability
        return plots.density_plot(samples, self.real, probability, title)

    def _draw_plane(self, samples, title):
        return plots.scatter_plot(samples, self.real, title)

    def _draw_series(self, samples, title):
        return plots.series_plot(samples, title)

    def _probability(self, x):
        logits = keras.ops.convert_to_numpy(self.model.discriminate(x))
        return 0.5 + 0.5 * np.tanh(0.5 * logits.reshape(len(x), -1).mean(axis=1))

    def _write(self, picture, samples, epoch):
        del samples
        files.save_png(picture, files.epoch_path(self.directory, epoch + 1))
        if self.writer is not None:
            with self.writer.as_default(), tf.summary.record_if(True):
                tf.summary.image("samples", picture[None], step=epoch)

    def _generate(self, count):
        condition = self._condition(count)
        samples = self.model.generate(count, seed=self.seed, condition=condition)
        return nests.map(np.asarray, samples)

    def _count(self, kind):
        """Return how many samples a picture of this kind holds."""
        rows = _rows_of(self.condition)
        if self.samples is not None or rows is not None:
            return rows if self.samples is None else self.samples
        count, columns = _DEFAULT_SAMPLES[kind], len(self._classes())
        return math.ceil(count / columns) * columns if columns and kind in _BY_CLASS else count

    def _condition(self, count):
        classes, condition = self._classes(), self.condition
        if condition is None and len(classes):
            condition = self.model.condition.of_labels(np.resize(classes, count))
        return self.model.condition.rows(condition, count, self.model.adapter.scaled)

    def _classes(self):
        """Return the labels that are shown, one for each column; empty if there are none."""
        known = self.model.condition.num_classes if self.model.condition.given else None
        shown = min(known or 0, _MOST_CLASS_COLUMNS)
        return np.linspace(0, (known or 1) - 1, shown).round().astype(np.int32)

    def _check_real(self, samples):
        if self.real is None:
            return
        shape = () if nests.is_nest(samples) else samples.shape[1:]
        if self._kind not in ("line", "plane") or self.real.shape[1:] != shape:
            raise ValueError(
                "`real` must hold samples of the shape the generator makes, (1,) or (2,); real "
                "samples of other shapes are not drawn: leave `real` out. Received: "
                f"real.shape={self.real.shape}, samples of shape {_shapes_of(samples)}"
            )


def _names(columns):
    """Return the names of columns, none where they are of several widths."""
    highest = max(images.shape[1] for _, images in columns)
    widths = {highest // images.shape[1] * images.shape[2] for _, images in columns}
    return [name for name, _ in columns if name] if len(widths) == 1 else []


def _shapes_of(samples):
    return nests.describe(samples, lambda part: part.shape[1:])


def _rows_of(condition):
    """Return how many rows a condition has, `None` where it is one label for all."""
    return next((len(part) for part in nests.leaves(condition) if part.ndim), None)


def _with_axis(samples):
    return samples[:, None] if samples.ndim == 1 else samples


def _checked_directory(directory):
    advice = "for remote storage give a `writer` to TensorBoard, or copy the pictures afterwards"
    return path_of("directory", directory, advice)


def _check_writer(writer):
    if writer is None:
        return
    if not isinstance(writer, tf.summary.SummaryWriter):
        raise TypeError(
            "`writer` must be a tf.summary writer, such as "
            f"tf.summary.create_file_writer('logs'). Received: writer={shown(writer)}"
        )
    if importlib.util.find_spec("tensorboard") is None:
        raise ValueError(
            "`writer` needs the package tensorboard, through which tf.summary writes images: "
            f"pip install tensorboard. Received: writer={shown(writer)}"
        )
