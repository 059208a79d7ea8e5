"""`fit`, `evaluate` and `train_on_batch`, with their input checked before anything runs."""

import inspect

import keras
import numpy as np
import tensorflow as tf

from keras_gan import workers
from keras_gan.data import elements, shares
from keras_gan.data.adapting import Adapter
from keras_gan.data.source import Source, refuse_weights, too_few
from keras_gan.layers import packing
from keras_gan.running import resuming, stock_callbacks
from keras_gan.utils import arguments, nests
from keras_gan.utils.keras_internals import evaluated_by_fit, takes_optionals


class Fitting:
    """Keras's training loop, given data that fits the networks of a `GAN`."""

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        **kwargs,
    ):
        """Train both players; as `keras.Model.fit`, without weights for samples or classes.

        Args:
            x: `tf.data.Dataset` or `keras.utils.PyDataset` of batches `x` or `(x, condition)`,
                or of dicts `{"image": ..., "label": ...}`; or an array of samples, or a tuple
                `(samples, condition)` of arrays. Images of 8 bits (uint8) are scaled to
                `value_range`, batch by batch; grayscale ones may lack the axis of channels, as
                those of `keras.datasets.mnist.load_data()` do.
            y: condition of an array of samples: any nest of arrays. Labels may be integers,
                whole floats or one-hot rows, of shape `(n,)`, `(n, 1)` or `(n, num_classes)`:
                they become what the networks take.
            batch_size: samples in a batch, for arrays; 32 by default. The batch that would be
                incomplete is left out of each epoch, as is one of a dataset that several
                replicas, or the packs of a discriminator with `layers.Packing`, can't share.
            epochs: epoch to stop after.
            verbose: as in Keras.
            callbacks: as in Keras.
            validation_split: fraction of an array's last samples to validate on.
            validation_data: dataset, or `(x, condition)` arrays, for `evaluate` after each epoch.
            shuffle: whether to shuffle arrays, in an order that is a function of the model's
                seed and the epoch. Datasets, a `PyDataset` included, keep their own order.
            class_weight: refused.
            sample_weight: refused.
            **kwargs: `initial_epoch`, `steps_per_epoch`, `validation_steps`,
                `validation_batch_size` and `validation_freq`, as in Keras. A dataset with a
                method `seek(epoch)`, as `keras_gan.datasets` makes them, is moved to each epoch
                as it begins, so that a resumed run sees what an uninterrupted one does.

        Returns:
            `keras.callbacks.History`.

        Raises:
            ValueError: when the model is not compiled, the data does not fit the networks, or
                it holds NaN.
            TypeError: when `x` is none of the kinds above.
            tf.errors.UnavailableError: when another worker of the strategy is gone.
        """
        self._check_players("fit")
        _check_arguments(epochs, kwargs)
        refuse_weights(class_weight=class_weight, sample_weight=sample_weight)
        if not (isinstance(shuffle, str) and shuffle == "batch"):
            arguments.flag("shuffle", shuffle)
        source, held_out = self._split(x, y, batch_size, shuffle, validation_split)
        self._check_source(source, self.game.discriminator_steps)
        validation_data = held_out if validation_data is None else validation_data
        if validation_data is not None:
            size = kwargs.pop("validation_batch_size", None) or batch_size
            validation = self._source(*elements.unpack(validation_data), size)
            self._check_source(validation)
            validation.check_end(kwargs.get("validation_steps"), "validation_steps")
            self.quality.held_out = validation.batches
            if validation.element is not None:
                condition = self.condition.split(validation.element)[1]
                self.quality.check(self, condition, self.quality.held_out)
            validation_data = validation.grouped(1, self._shares(validation, size))
        asked = steps = kwargs.pop("steps_per_epoch", None)
        source.warn_of_no_end(steps)
        needed = self.game.discriminator_steps
        batches = source.grouped(needed, self._shares(source, batch_size, needed), steps)
        if hasattr(batches, "seek") and not isinstance(batches, keras.utils.PyDataset):
            steps = None  # Its epochs are of that many steps by now.
        self._fit_verbose = verbose
        validated = validation_data is not None
        callbacks = stock_callbacks.prepared(
            callbacks, self, validated, asked, source.steps(needed)
        )
        begin = kwargs.pop("initial_epoch", 0)
        run = resuming.run(self, batches, callbacks, begin, epochs, verbose, steps)
        with workers.readable_errors(self), source.readable_errors(), run as run:
            history = super().fit(
                batches,
                initial_epoch=run.initial_epoch,
                epochs=epochs,
                verbose=verbose,
                callbacks=run.callbacks,
                shuffle=False,  # The source is shuffled already, if it is to be.
                validation_data=validation_data,
                steps_per_epoch=steps,
                **kwargs,
            )
        # A dataset of unknown length shows only now that it had too little to give.
        if history.epoch and not run.resumed and not run.steps.taken:
            raise self._nothing_read(needed)
        return history

    @property
    def adapter(self):
        """The `Adapter` of data elements to the networks, as far as these are known."""
        return Adapter(self.signature, self.condition, self.value_range)

    def _pair(self, x, y):
        """Return samples and condition of two arguments, or of one that holds both."""
        pairs = isinstance(x, tuple) and isinstance(y, tuple) and len(x) == len(y) == 2
        if pairs and np.shape(x[0])[1:] == np.shape(y[0])[1:] != np.shape(x[1])[1:]:
            raise ValueError(
                "Expected one set of data, and the other as `validation_data=`: "
                "`fit(x_train, y_train, validation_data=(x_test, y_test))`. Received: two pairs"
            )
        return elements.unpack(x) if y is None and isinstance(x, tuple) else (x, y)

    @property
    def _order_seed(self):
        """The seed of the orders that arrays are shuffled in."""
        return self.random_state.start % 2**32

    def _source(self, x, y=None, batch_size=None, shuffle=False):
        """Return the `Source` of what a method was given."""
        return Source(*self._pair(x, y), batch_size, shuffle, self._order_seed)

    def _split(self, x, y, batch_size, shuffle, fraction):
        """Return the `Source` to train on, and arrays to validate on or `None`."""
        return self._source(x, y, batch_size, shuffle).split(fraction)

    def _shares(self, source, batch_size=None, needed=1):
        """Return in how many equal parts a batch must come: replicas, times samples in a pack.

        Args:
            source: the `Source`.
            batch_size: samples in a batch of arrays, 32 where not given.
            needed: how many batches a step takes.

        Raises:
            ValueError: for batches of a known size that can't be shared and packed.
        """
        if source.arrays is not None:
            count = elements.rows_of(source.arrays[0])
            size = min(batch_size or 32, count)
            sizes = [size, count % size]
        else:
            sizes = [source.element and nests.leaves(source.element[0])[0].shape[0]]
        replicas = self.distribute_strategy.num_replicas_in_sync
        return shares.shares(self.discriminator, sizes, replicas, needed)

    def _nothing_read(self, needed=1):
        """Return the error to raise when a dataset of unknown length had too little to give."""
        samples = shares.pack_size(self.discriminator)
        none = packing.does_not_divide(samples, "no such batch")
        return ValueError(too_few(needed) if samples == 1 else none)

    def _check_source(self, source, needed=1):
        """Raise what can be told before the first batch is read, and build what is not built.

        Args:
            source: the `Source`; its values are checked now or, a dataset's, as they are read.
            needed: how many batches it needs to have.
        """
        source.check_dense()
        source.adapt(self.adapter)
        source.check(needed)
        if source.element is not None:
            x, condition = self.condition.split(source.element)
            self.signature.check_element(x)
            self.condition.check(condition)
            if not self.game.generator.built or self.signature.heads is None:
                self._build_networks(x, condition)
        source.check_values(self.condition, self.range.known)

    def _build_networks(self, x, condition):
        """Call subclassed networks once, on zeros of the shapes that the data has."""
        rows = shares.pack_size(self.discriminator)

        def zeros(spec):
            return tf.repeat(elements.zeros_like_spec(spec), rows, axis=0)

        if elements.of_any_size((x, condition)):
            return  # Fully convolutional ones that are built already.
        x, condition = nests.map(zeros, (x, condition))
        with self.distribute_strategy.scope():
            latents = self.latents and self.latents.batch(rows, tf.constant([0, 0], tf.int64))
            generated = self.generator(self.generator_inputs(latents, condition), training=False)
            outputs = self.discriminator(self.discriminator_inputs(x, condition), training=False)
        self.assemble(generated, outputs, x)

    def evaluate(self, x=None, y=None, batch_size=None, return_dict=False, **kwargs):
        """Return the game's figures on held-out data, and the quality metrics.

        Played in inference mode with the network that samples come from, on latents that are
        the same at each evaluation. Metrics run after it, on `metric_samples` samples.

        Args:
            x: dataset of batches `x` or `(x, condition)`, or an array of samples.
            y: condition of an array of samples.
            batch_size: samples in a batch, for arrays.
            return_dict: whether to return a dict rather than a list.
            **kwargs: `verbose`, `steps` and `callbacks`, as in Keras.

        Returns:
            Dict of figures by name, or the list of their values.
        """
        self._assert_compile_called("evaluate")
        in_fit = evaluated_by_fit(kwargs)
        if not in_fit:
            accepted = inspect.signature(keras.Model.evaluate).parameters
            arguments.known("GAN.evaluate", kwargs, accepted)
        arguments.flag("return_dict", return_dict)
        _check_steps(kwargs, ["steps"])
        stock_callbacks.check(kwargs.get("callbacks"))
        refuse_weights(sample_weight=kwargs.pop("sample_weight", None))
        # Metrics read all samples, those too that replicas could not share.
        batches, whole = x, self.quality.held_out
        if not in_fit:  # `fit` has checked it.
            source = self._source(x, y, batch_size)
            self._check_source(source)
            source.check_end(kwargs.get("steps"), "steps")
            batches, whole = source.grouped(1, self._shares(source, batch_size)), source.batches
            self.quality.check_pairs(self, whole)
        if hasattr(batches, "seek"):
            batches.seek(0)  # The same order, hence the same figures, at each evaluation.
        verbose = self._fit_verbose if in_fit else kwargs.get("verbose", "auto")
        with workers.readable_errors(self):
            with self.game.logs.reporting(self.game.logs.evaluated):
                results = super().evaluate(batches, return_dict=True, **kwargs)
            if not results:
                raise self._nothing_read()
            results = {name: results[name] for name in self.game.logs.evaluated}  # Keras sorts.
            results |= self.quality.evaluate(
                self,
                whole,
                kwargs.get("steps"),
                keep_real=in_fit,  # The data of one fit is the same at every epoch.
                verbose=verbose in ("auto", 1),
            )
        return results if return_dict else list(results.values())

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """Take one training step on one batch; as `keras.Model.train_on_batch`.

        Raises:
            ValueError: with weights, or with `discriminator_steps` above 1, which takes several
                batches.
        """
        self._check_players("train_on_batch")
        refuse_weights(class_weight=class_weight, sample_weight=sample_weight)
        if self.game.discriminator_steps > 1:
            raise ValueError(
                "One training step takes several batches: use `fit`. "
                f"Received: discriminator_steps={self.game.discriminator_steps}"
            )
        batch = self._one_batch(x, y, return_dict)
        return super().train_on_batch(*batch, return_dict=return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """Play one batch without training; as `keras.Model.test_on_batch`.

        Raises:
            ValueError: with weights, and for data that does not fit the networks.
        """
        self._assert_compile_called("test_on_batch")
        refuse_weights(sample_weight=sample_weight)
        batch = self._one_batch(x, y, return_dict)
        with self.game.logs.reporting(self.game.logs.evaluated):
            return super().test_on_batch(*batch, return_dict=return_dict)

    def _one_batch(self, x, y, return_dict):
        """Return the tensors `(x, condition)` of one batch, in the form that the networks take."""
        arguments.flag("return_dict", return_dict)
        source = Source(*self._pair(x, y))
        if source.arrays is None:
            raise TypeError(
                "Expected the arrays of one batch, `x` or `(x, condition)`; `fit` and `evaluate` "
                f"take datasets. Received: x of type {type(x).__name__}"
            )
        self._check_source(source)
        shares.shares(self.discriminator, [elements.rows_of(source.arrays[0])])
        # Tensors: run eagerly, Keras would hand arrays on, and layers refuse arrays among tensors.
        return nests.map(tf.convert_to_tensor, self.adapter(source.arrays))

    def _check_players(self, method_name):
        """Raise when the players are not those that were compiled; start the average with them."""
        self._assert_compile_called(method_name)
        self.game.generator.check_unchanged(self.generator)
        self.game.discriminator.check_unchanged(self.discriminator)
        if self.average and self.average.built and not self.steps:
            self.average.follow(self.generator)  # Weights may have been loaded since `compile`.

    def get_metrics_result(self):
        """Return the figures of training or, while it runs, of evaluation."""
        return self.game.logs.results()

    def _assert_compile_called(self, method_name=None):
        if not self.compiled:
            raise ValueError(
                f"Call `compile()` before `{method_name}()`, for example "
                '`model.compile(loss="non_saturating")`.'
            )

    def _make_function(self, step_function):
        """Return what runs a step on the next batch of an iterator; several replicas do it here.

        Keras's own averages every figure over replicas once more, each in an exchange of its own
        between workers. The steps' figures are those of all replicas already.
        """
        strategy = self.distribute_strategy
        if strategy.num_replicas_in_sync == 1:
            return super()._make_function(step_function)

        def on_batch(batch):
            figures = strategy.run(takes_optionals(self, step_function), args=(batch,))
            return {
                name: strategy.experimental_local_results(value)[0]
                for name, value in figures.items()
            }

        def on_iterator(iterator):
            return on_batch(iterator.get_next())

        if not self.run_eagerly:
            on_batch = tf.function(on_batch, reduce_retracing=True, autograph=False)
            on_iterator = tf.function(on_iterator, reduce_retracing=True, autograph=False)

        def function(batches):
            if isinstance(batches, tf.data.Iterator | tf.distribute.DistributedIterator):
                return on_iterator(batches)
            return on_batch(next(batches))  # `train_on_batch` has one.

        return function

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Build nothing: all is built by now, and Keras would read a batch to build it again."""
        if isinstance(self.train_function, resuming.ResumedTrainFunction):
            self.train_function.note(iterator)


def _check_arguments(epochs, others):
    """Raise for a count that is none, and for an argument that `fit` does not have."""
    accepted = inspect.signature(keras.Model.fit).parameters
    arguments.known("GAN.fit", others, accepted)
    arguments.whole("epochs", epochs, least=0)
    arguments.whole("initial_epoch", others.get("initial_epoch", 0), least=0)
    _check_steps(others, ["steps_per_epoch", "validation_steps", "validation_batch_size"])
    if not isinstance(others.get("validation_freq"), (list, tuple)):
        _check_steps(others, ["validation_freq"])


def _check_steps(given, names):
    """Raise for a count among the arguments given that is neither `None` nor a whole number."""
    for name in names:
        if given.get(name) is not None:
            arguments.whole(name, given[name], other="None")
