"""Evaluation with quality metrics during training, on chosen epochs and data."""

import keras

from keras_gan.data import elements
from keras_gan.data.source import Source
from keras_gan.quality import FIRST_SEED, Quality
from keras_gan.utils.arguments import shown, whole


class Evaluation(keras.callbacks.Callback):
    """Compute quality metrics on every n-th epoch and put them into the epoch's logs.

    Use it for metrics that take too long for every epoch, for more samples than `metric_samples`,
    for a dataset that is not the validation data, or for a model that was loaded without its
    metrics. Samples come from the averaged generator, where there is one, from the same seeds
    each time. Real features are extracted once. A progress bar shows what it is doing.

    Callbacks after it in the list see its results: put `ModelCheckpoint(monitor=...)`,
    `CSVLogger` and `CollapseMonitor` there. On the epochs in between the values are NaN, which
    counts as no improvement: Keras's callbacks want a key on every epoch, and a number on the
    first. (The patience of `EarlyStopping` counts the epochs in between too.)

    Args:
        dataset: the real side: dataset of batches `x` or `(x, condition)` with an end, or an
            array of samples. Conditions are what conditional samples are generated from. A
            dataset with `seek(epoch)` is read from epoch 0; of another one that shuffles, the
            first pass counts.
        metrics: list of `keras_gan.metrics`, or their names; for samples of several parts a dict
            of such lists by part chooses parts.
        samples: how many samples are generated; paired metrics compare all real ones.
        every: evaluate after each `every`-th epoch; the first and the last one of a `fit` always.
        seed: of the first sample; sample i is that of seed + i.
        prefix: what the keys in the logs begin with.
        batch_size: samples generated at a time.
        verbose: 0 for no progress bar.

    Raises:
        ValueError: when built, if an argument is out of range; when training starts, if the
            dataset does not fit the model.

    Example:

    ```python
    distance = keras_gan.metrics.FrechetDistance()
    model.fit(
        dataset,
        epochs=100,
        callbacks=[
            keras_gan.callbacks.Evaluation(held_out, [distance], samples=10_000, every=5),
            keras.callbacks.ModelCheckpoint(
                "best.keras", monitor="val_frechet_distance", mode="min", save_best_only=True
            ),
        ],
    )
    ```
    """

    def __init__(
        self,
        dataset,
        metrics,
        samples=1000,
        every=1,
        seed=FIRST_SEED,
        prefix="val_",
        batch_size=100,
        verbose=1,
    ):
        super().__init__()
        whole("samples", samples)
        whole("every", every)
        whole("seed", seed, least=0)
        whole("batch_size", batch_size)
        if isinstance(metrics, str) or not len(metrics):
            raise ValueError(
                "`metrics` must be a list of at least one metric. "
                f"Received: metrics={shown(metrics)}"
            )
        self._source = Source(*elements.unpack(dataset))
        self._source.check_end(None, "dataset.take")
        self._batches = self._source.batches
        self._quality = Quality(metrics, samples, seed)
        self._every = every
        self._prefix = prefix
        self._batch_size = batch_size
        self._verbose = verbose
        self._begun = False  # Whether this `fit` has come to the end of an epoch.

    def on_train_begin(self, logs=None):
        """Check that model and data fit each other, before the first step."""
        self._begun = False
        model = self.model
        if self._source.adapt(model.adapter):
            self._batches = self._source.batches
        if self._source.element is None:
            return
        x, condition = model.condition.split(self._source.element)
        model.condition.check(condition)
        model.signature.check_element(x)
        self._quality.check(model, condition, self._batches)

    @property
    def state_form(self):
        """The form of what `get_state` returns, for `utils.forms`."""
        return {"begun": bool}

    def get_state(self):
        """Return what a `Backup` has to keep."""
        return {"begun": self._begun}

    def set_state(self, state):
        """Go on from what `get_state` returned."""
        self._begun = state["begun"]

    def on_epoch_end(self, epoch, logs=None):
        """Evaluate, and add the results to the logs."""
        last = (self.params or {}).get("epochs") == epoch + 1
        first, self._begun = not self._begun, True
        if not first and not last and (epoch + 1) % self._every:
            results = self._quality.nothing()
        else:
            results = self._quality.evaluate(
                self.model,
                self._batches,
                keep_real=True,
                batch_size=self._batch_size,
                verbose=self._verbose,
            )
        if logs is not None:
            logs.update({f"{self._prefix}{name}": value for name, value in results.items()})
