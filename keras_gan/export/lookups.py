"""What networks look up: the numbers of a request that choose one of n entries.

They are read off the traced graphs, whatever layers or code stand behind them. A lookup is an
operation that takes indices: `Embedding` gathers rows of a table, `one_hot` and `CategoryEncoding`
set one of n columns. A number is a label where its own value arrives there, too large ones
included. What is hashed, clipped or found in a vocabulary on its way is right whatever it was.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from keras_gan.data.examples import SIDE, example

# Up to so many numbers in a row are tried one by one: each may have a table of its own.
_APART = 16

# Lengths that are tried for sides which may be of any: first those that most networks take.
_SIDES = SIDE, 128, 96, 256, 192, 512, 384, 32, 16, 8, 4, 2, 1, *range(65, 256), *range(63, 2, -1)


@dataclasses.dataclass(frozen=True)
class Labels:
    """The labels that an input takes: numbers from `low` to `high`.

    Attributes:
        low: array of floats, one for all numbers of a row, or of the shape of a row; -inf for a
            number that is no label.
        high: the same, inf for a number that is no label.
        whole: the same of booleans: whether fractions would be cut off.
    """

    low: np.ndarray
    high: np.ndarray
    whole: np.ndarray

    @classmethod
    def below(cls, count):
        """Return the labels from 0 to count - 1."""
        return cls(np.array(0.0), np.array(count - 1.0), np.array(True))

    def within(self, other):
        """Return the labels that are among others too; `None` stands for any."""
        if other is None:
            return self
        one, other = self, other
        if one.low.shape != other.low.shape:
            one, other = one._in_common(), other._in_common()
        return Labels(
            np.maximum(one.low, other.low),
            np.minimum(one.high, other.high),
            one.whole | other.whole,
        )

    def _in_common(self):
        """Return the labels that all numbers of a row take."""
        return Labels(self.low.max(), self.high.min(), self.whole.any())

    @property
    def ranges(self):
        """The range `[low, high]` of all labels.

        Where numbers of a row differ, a list of their ranges in order, `None` for no label.
        """
        found = [
            [int(low), int(high)] if np.isfinite(high) else None
            for low, high in zip(self.low.ravel(), self.high.ravel(), strict=True)
        ]
        return found[0] if all(each == found[0] for each in found) else found


class Traced:
    """The graph of a network as requests call it, in which any tensor can be looked at.

    Args:
        function: function of a dict of tensors that returns such a dict.
        specs: dict of `tf.TensorSpec`s by name, the batch axis first.
        rows: how many rows it is tried on.

    Attributes:
        specs: as given.
        graph: the `tf.Graph`.
        outputs: what the function returns, by name.
    """

    def __init__(self, function, specs, rows=1):
        self.specs, self._rows, self._shapes = specs, rows, {}
        traced = tf.function(function, input_signature=[specs], autograph=False)
        before = tf.config.functions_run_eagerly()
        # Functions within it become a part of this graph.
        tf.config.run_functions_eagerly(True)
        try:
            self._function = traced.get_concrete_function()
        finally:
            tf.config.run_functions_eagerly(before)
        self.graph, self.outputs = self._function.graph, self._function.structured_outputs
        # Nests are sorted by key. Behind the inputs come variables and constants.
        self._inputs = {
            name: tensor.name
            for name, tensor in zip(sorted(specs), self._function.inputs, strict=False)
        }
        self._constants = {
            inner.name: outer.numpy()
            for outer, inner in self.graph.captures
            if inner.dtype not in (tf.resource, tf.variant)
        }

    def shapes(self, side=SIDE):
        """Return the shapes of the outputs for inputs of 0, by name.

        Args:
            side: length of sides that may be of any size.
        """
        if side not in self._shapes:
            examples = {name: example(spec, self._rows, side) for name, spec in self.specs.items()}
            made = self._function(tf.nest.map_structure(tf.constant, examples))
            self._shapes[side] = {name: tuple(tensor.shape) for name, tensor in made.items()}
        return self._shapes[side]

    def side(self, allowed=lambda side: True):
        """Return a length for those sides of the inputs that may be of any.

        Args:
            allowed: function that tells whether it may be a given one.

        Raises:
            ValueError: when the function takes none of many that were tried.
        """
        is_free = any(None in spec.shape[1:] for spec in self.specs.values())
        refusal = "none is allowed"
        for side in filter(allowed, _SIDES):
            try:
                if not is_free or all(map(all, self.shapes(side).values())):
                    return side
                refusal = "what it makes is empty"
            except (tf.errors.OpError, ValueError) as error:
                refusal = str(error).strip().split("\n")[0]
        raise ValueError(
            "Expected a generator that takes images or sequences of some length between 1 and 512, "
            "on which the export measures how they grow: give its inputs fixed sides, or pass a "
            f"larger max_pixels. Received: none that it takes; of the last: {refusal}"
        )

    def labels(self):
        """Return the `Labels` of the inputs that are looked up, by name."""
        found = {}
        # A session of the graph is asked for what comes before its variables.
        config = tf.compat.v1.ConfigProto(device_count={"GPU": 0}, allow_soft_placement=True)
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        with tf.compat.v1.Session(graph=self.graph, config=config) as session:
            for indices, entries in self._lookups():
                behind = self._inputs_behind(indices)
                for name in behind:
                    labels = self._labels(session, name, behind, indices, entries)
                    if labels is not None:
                        found[name] = labels.within(found.get(name))
        return found

    def _lookups(self):
        """Return pairs of indices and the number of entries that they choose from, each once."""
        found = map(_lookup_of, self.graph.get_operations())
        # Tensors can't be compared; their names can.
        keyed = {(pair[0].name, getattr(pair[1], "name", pair[1])): pair for pair in found if pair}
        return list(keyed.values())

    def _inputs_behind(self, tensor):
        """Return the names of the inputs that a tensor is made of."""
        behind, seen = [tensor], set()
        while behind:
            tensor = behind.pop()
            if tensor.name not in seen:
                seen.add(tensor.name)
                behind += tensor.op.inputs
        return [name for name, own in self._inputs.items() if own in seen]

    def _labels(self, session, name, names, indices, entries):
        """Return the `Labels` of an input that may choose from some entries, or `None`.

        Args:
            session: of the graph.
            name: the input's.
            names: those of all inputs that the indices are made of.
            indices: tensor of the indices.
            entries: how many there are; see `_lookup_of`.
        """
        spec = self.specs[name]
        if not (spec.dtype.is_integer or spec.dtype.is_floating):
            return None
        sides = spec.shape[1:]
        apart = 1 < (sides.num_elements() or 0) <= _APART
        columns = [(slice(None), *place) for place in np.ndindex(*sides)] if apart else [...]
        usual = {each: example(self.specs[each], self._rows) for each in names}

        def looked_up(column, value):
            array = usual[name].copy()
            array[column] = value
            inputs = {self._inputs[key]: given for key, given in (usual | {name: array}).items()}
            asked = [indices, entries] if tf.is_tensor(entries) else [indices]
            found, count = [*session.run(asked, self._constants | inputs), entries][:2]
            return found.astype("int64"), int(array.max()), np.asarray(count, "int64")

        try:
            found = [_range(usual[name].dtype, looked_up, column) for column in columns]
        except tf.errors.OpError:  # It depends on weights, or can't be asked such numbers.
            return None
        if not any(found):
            return None
        parts = zip(*(each or (-np.inf, np.inf, False) for each in found), strict=True)
        return Labels(*(np.reshape(part, sides if apart else ()) for part in parts))


def _range(dtype, looked_up, column):
    """Return `(low, high, whole)` of numbers in a column, see `Labels`; `None` for no labels.

    Args:
        dtype: NumPy's type of the numbers.
        looked_up: function of a column and a value that returns which entries are looked up, the
            value in the numbers' own type, and how many entries there are.
        column: the numbers' place in a batch.
    """
    first, _, count = looked_up(column, 0)
    is_integer = dtype.kind in "iu"
    largest = np.iinfo(dtype).max if is_integer else np.inf
    beyond, value, _ = looked_up(column, min(int(count.max()) + 1, largest))
    if beyond.shape != first.shape:
        return None
    # What moves as far as the number does is the number, but for a constant.
    moved = beyond - first == value
    if not moved.any():
        return None
    room = np.broadcast_to(count - 1 - first, first.shape)
    # A cast cuts -0.75 to 0; `round` and `floor` don't: such a network takes fractions.
    whole = not is_integer and (looked_up(column, -0.75)[0] == first)[moved].all()
    return -float(first[moved].min()), float(room[moved].min()), bool(whole)


def _lookup_of(operation):
    """Return the indices that an operation takes, and the number of entries; `None` if it has none.

    The number is an integer or a tensor; a tuple of them for indices that have several on their
    last axis.
    """
    kind, inputs = operation.type, operation.inputs
    if kind in ("OneHot", "DenseBincount", "Bincount"):
        return inputs[0], inputs[1]
    if kind == "GatherV2":
        axis, shape = tf.get_static_value(inputs[2]), inputs[0].shape
        count = None if axis is None or shape.rank is None else shape[int(axis)]
        return count and (inputs[1], count)
    if kind == "GatherNd":
        deep, shape = inputs[1].shape[-1], inputs[0].shape
        known = deep and shape.rank is not None and None not in shape[:deep].as_list()
        return (inputs[1], tuple(shape[:deep])) if known else None
    if kind == "ResourceGather":
        shape = _shape_of(operation.graph, inputs[0])
        return shape and (inputs[1], shape[operation.get_attr("batch_dims")])
    return None


def _shape_of(graph, handle):
    """Return the shape of the variable that a graph's tensor stands for, `None` if unknown."""
    outer = next((outer for outer, inner in graph.captures if inner is handle), None)
    return next((variable.shape for variable in graph.variables if variable.handle is outer), None)


def of_model(model, players):
    """Return the `Labels` of the inputs of requests, by name.

    Where the networks hide what they look up (behind a loop, or a comparison), the model's
    `num_classes` says it.

    Args:
        model: a built `GAN`.
        players: the networks, `Traced`.
    """
    found, specs = {}, {}
    for player in players:
        specs |= player.specs
        for name, labels in player.labels().items():
            found[name] = labels.within(found.get(name))
    integers = {
        name: spec.shape[1:].num_elements()
        for name, spec in specs.items()
        if name.startswith("condition") and spec.dtype.is_integer
    }
    for name, size in integers.items() if model.num_classes else ():
        if size == 1 or (len(integers) == 1 and name not in found):
            found[name] = Labels.below(model.num_classes).within(found.get(name))
    return found
