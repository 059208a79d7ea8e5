"""A replay of generated samples: older ones that the discriminator is shown among the new."""

import keras
import tensorflow as tf

from keras_gan.utils import arguments, nests


class Replay(keras.layers.Layer):
    """Keep generated samples, and show the discriminator one of them in half of the cases.

    Until `size` samples are kept, each new one is kept and shown. From then on each is shown
    itself, with probability 1/2; or else a kept one, drawn at random, is shown, and the new one
    takes its place. Within one batch no kept sample is shown twice. A sample is kept with the
    condition that the discriminator judges it by. Only the discriminator's own updates are shown
    older samples.

    All of it is saved with the model, so that a resumed run goes on exactly.

    Args:
        size: how many samples to keep, at least 2; 50 in the paper.

    Raises:
        ValueError: when `size` is below 2.

    Reference:
        - [Shrivastava et al., 2017](https://arxiv.org/abs/1612.07828), Section 2.3
    """

    def __init__(self, size, **kwargs):
        super().__init__(trainable=False, dtype="float32", name="replay", **kwargs)
        self.size = arguments.whole("replay", size, least=2)

    def attach(self, signature, condition):
        """Create what is kept, in the shapes that the networks say.

        Args:
            signature: the networks' `Signature`.
            condition: their `Condition`.

        Raises:
            ValueError: when the networks don't say their shapes, or a side is not fixed.
        """
        if self.built:
            return
        judged = signature.discriminator_condition if condition.judged else ()
        if signature.samples is None or judged is None:
            raise ValueError(
                "Expected networks that say the shapes of samples and conditions, Functional ones, "
                "for `replay`: it keeps samples in variables. "
                f"Received: replay={self.size} with subclassed networks"
            )
        self._condition = condition
        self._samples = [self._kept(spec, "samples") for spec in nests.leaves(signature.samples)]
        self._conditions = [self._kept(spec, "condition") for spec in nests.leaves(judged)]
        self.count = self.add_weight((), "zeros", dtype="int64", trainable=False, name="count")
        self.built = True

    def _kept(self, spec, name):
        shape = tuple(spec.shape)[1:]
        if None in shape:
            raise ValueError(
                "Expected samples and conditions of fixed shapes for `replay`. "
                f"Received: replay={self.size}, with {name} of shape {(None, *shape)}"
            )
        dtype = keras.backend.standardize_dtype(spec.dtype)
        dtype = "float32" if "float" in dtype else dtype
        return self.add_weight(
            (self.size, *shape), "zeros", dtype=dtype, trainable=False, name=name
        )

    def exchange(self, samples, condition, seed):
        """Return samples and conditions to show, and keep some of those given.

        Args:
            samples: nest of generated samples.
            condition: the whole condition that they were made from, or `None`.
            seed: int tensor of shape (2,).
        """
        rows = nests.batch_size(samples)
        old, fills, slots = self._choose(rows, seed)
        shown = [
            self._swap(kept, new, old, fills, slots)
            for kept, new in zip(self._samples, nests.leaves(samples), strict=True)
        ]
        judged = self._condition.seen_by("discriminator", condition) if self._conditions else ()
        recalled = [
            self._swap(kept, new, old, fills, slots)
            for kept, new in zip(self._conditions, nests.leaves(judged), strict=True)
        ]
        self.count.assign(tf.minimum(self.count + tf.cast(rows, "int64"), self.size))
        if self._conditions:
            condition = self._condition.replaced(
                "discriminator", condition, nests.pack_as(judged, recalled)
            )
        return nests.pack_as(samples, shown), condition

    def _choose(self, rows, seed):
        """Return which rows show a kept sample, which only fill a place, and the places."""
        seeds = [tf.random.experimental.stateless_fold_in(seed, i) for i in range(2)]
        count = tf.cast(tf.convert_to_tensor(self.count), tf.int32)
        places = count + tf.range(rows)
        fills = places < self.size
        # Places in random order, none twice; a batch may be larger than what is kept.
        order = tf.argsort(tf.random.stateless_uniform((self.size,), seeds[0], alg="philox"))
        order = tf.pad(order, [[0, tf.maximum(rows - self.size, 0)]], constant_values=self.size)
        slots = order[:rows]
        chance = tf.random.stateless_uniform((rows,), seeds[1], alg="philox") < 0.5
        old = chance & ~fills & (slots < count)
        return old, fills, tf.where(fills, places, slots)

    def _swap(self, kept, new, old, fills, slots):
        value = tf.convert_to_tensor(kept)
        new = tf.cast(new, value.dtype)
        before = tf.gather(value, tf.minimum(slots, self.size - 1))
        shown = tf.where(_over(old, new), before, new)
        stored = tf.boolean_mask(tf.range(tf.shape(new)[0]), old | fills)
        update = tf.tensor_scatter_nd_update(
            value, tf.gather(slots, stored)[:, None], tf.gather(new, stored)
        )
        kept.assign(update)
        return shown

    def get_config(self):
        """Return the constructor's arguments."""
        return {"size": self.size}


def _over(rows, tensor):
    """Return bools of rows in the shape that broadcasts over a tensor."""
    return tf.reshape(rows, [-1, *[1] * (len(tensor.shape) - 1)])


def get(replay):
    """Return the `Replay` that `compile(replay=...)` stands for, or `None`.

    Raises:
        ValueError: when it is no whole number of at least 2.
    """
    if replay is None or isinstance(replay, Replay):
        return replay
    return Replay(replay)
