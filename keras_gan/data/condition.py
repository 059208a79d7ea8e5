"""Conditions: the inputs of generator and discriminator beside latents and samples."""

import keras
import numpy as np
import tensorflow as tf

from keras_gan.data import elements
from keras_gan.data.examples import SIDE, varied_example
from keras_gan.data.labels import LabelForm
from keras_gan.data.matching import match_nests
from keras_gan.utils import arguments, nests
from keras_gan.utils.arguments import shown

_CHOICES = "auto", True, False, "generator", "samples"


class Condition:
    """Which condition a pair of networks takes, and which parts of it each player sees.

    Data elements, `generate`, callbacks, metrics and exports all ask here.

    Args:
        signature: the networks' `Signature`.
        has_latents: whether the generator takes latents.
        conditional: `"auto"` (read off the networks' inputs), `True`, `False`; `"generator"` when
            the discriminator takes samples alone; `"samples"` when the generator is given the
            real samples themselves (a translation between their parts).
        generator_keys: key, or list of keys, of a dict condition that the generator sees; `None`
            for all of it.
        discriminator_keys: the same for the discriminator.
        num_classes: number of classes of the labels in the condition; `None` to read it off the
            networks' embeddings.
        embedded: what the networks' embeddings say: see `labels.embedded`.

    Attributes:
        given: whether the generator takes a condition.
        judged: whether the discriminator does.
        of_samples: whether the condition is the real samples.
        num_classes: number of classes, or `None` when the condition is no label.

    Raises:
        ValueError: when the networks contradict each other or `conditional`, or keys are no keys.
    """

    def __init__(
        self,
        signature,
        has_latents,
        conditional="auto",
        generator_keys=None,
        discriminator_keys=None,
        num_classes=None,
        embedded=(None, ()),
    ):
        _check_conditional(conditional, has_latents)
        self._keys = {
            "generator": _checked_keys("generator_condition", generator_keys),
            "discriminator": _checked_keys("discriminator_condition", discriminator_keys),
        }
        self._has_latents = has_latents
        self.read(signature)
        if conditional == "auto":
            conditional = not has_latents or signature.is_conditional()
        self.of_samples = conditional == "samples"
        self.given = bool(conditional)
        told = signature.discriminator_condition
        takes_none = told is not None and not nests.leaves(told)
        alone = conditional in ("generator", "samples") or takes_none
        self.judged = self.given and not alone
        if num_classes is not None:
            num_classes = arguments.whole("num_classes", num_classes, least=2)
        told, self._embedded = embedded
        self.num_classes = num_classes if num_classes is not None or not self.given else told

    def read(self, signature):
        """Take note of what the networks say of their condition, once they say it."""
        self._specs = {
            "generator": signature.generator_condition,
            "discriminator": signature.discriminator_condition,
        }

    @property
    def conditional(self):
        """The `conditional` argument that says the same."""
        if self.of_samples:
            return "samples"
        return self.given and (self.judged or "generator")

    @property
    def keys(self):
        """Dict from player to the keys that it sees, `None` for all."""
        return dict(self._keys)

    # What the networks are called on.

    def to_generator(self, latents, condition):
        """Return what the generator is called on: latents, the condition, or both."""
        if not self._has_latents:
            return self.seen_by("generator", condition)
        return [latents, self.seen_by("generator", condition)] if self.given else latents

    def to_discriminator(self, samples, condition):
        """Return what the discriminator is called on: samples, or samples and condition."""
        if not self.judged:
            return samples
        return [samples, self.seen_by("discriminator", condition)]

    def seen_by(self, player, condition):
        """Return the parts of a condition that a player sees.

        Raises:
            ValueError: for a key that the condition does not have.
        """
        keys = self._keys[player]
        if keys is None or condition is None:
            return condition
        wanted = [keys] if isinstance(keys, str) else keys
        there = sorted(condition) if isinstance(condition, dict) else type(condition).__name__
        if not isinstance(condition, dict) or not set(wanted) <= set(condition):
            raise ValueError(
                f"Expected conditions that are dicts with the keys {wanted}, for "
                f"`{player}_condition={shown(keys)}`. Received: a condition of {there}"
            )
        return condition[keys] if isinstance(keys, str) else {key: condition[key] for key in keys}

    def replaced(self, player, condition, seen):
        """Return a condition in which the parts that a player sees are others.

        Args:
            player: `"generator"` or `"discriminator"`.
            condition: the whole condition.
            seen: the parts, as `seen_by` returns them.
        """
        keys = self._keys[player]
        if keys is None:
            return seen
        return {**condition, **({keys: seen} if isinstance(keys, str) else seen)}

    # Data elements.

    def split(self, element):
        """Return `(x, condition)` of a data element, `None` for a condition that nobody takes."""
        x, condition = elements.unpack(element)
        if self.of_samples and condition is None:
            return x, x
        return x, condition if self.given else None

    def check(self, condition):
        """Raise when a dataset's condition does not fit the networks.

        Args:
            condition: nest of tensors or specs, or `None`.

        Raises:
            ValueError: for a missing condition, unknown keys, or shapes that don't match.
        """
        if not self.given:
            return
        if condition is None:
            raise ValueError(
                "The networks take a condition: expected data elements `(x, condition)`, or "
                "`fit(x, condition)` with arrays. Received: elements of `x` alone"
            )
        self._match("generator", condition)
        if self.judged:
            self._match("discriminator", condition)

    def _match(self, player, condition, whose="The dataset's condition"):
        expected, seen = self._specs[player], self.seen_by(player, condition)
        if expected is None:
            return
        where = f"the {player}'s condition input"
        if self.of_samples:  # By name: domains of one shape would be mixed up.
            match_nests(whose, seen, where, expected)
            return
        # Flat: a network may take in a list what the data has in a dict.
        expected, seen = nests.leaves(expected), nests.leaves(seen)
        if len(expected) == len(seen) == 1:
            match_nests(whose, seen[0], where, expected[0])
        else:
            match_nests(whose, seen, where, expected)

    # Labels.

    def check_labels(self, condition):
        """Raise when labels are out of range, or no labels at all, in whatever form they come.

        Args:
            condition: nest of arrays, or `None`.

        Raises:
            ValueError: naming the range expected and the one received.
        """
        for form, part in zip(*self._forms_of(condition), strict=True):
            if part is not None and form is not None:
                form.check(part)

    def in_form(self, condition, images=lambda part, name: part):
        """Return a condition with its parts in the form that the networks take.

        Args:
            condition: nest of arrays or tensors, batch axis first, or `None`.
            images: function of a part, and its name, where the networks take floats.

        Raises:
            ValueError: for labels that are text.
        """
        if condition is None or not self.given:
            return condition

        def formed(form, part, name):
            if form is None or form.spec is None:
                return part
            form.check_type(part)
            floats = keras.backend.is_float_dtype(form.spec.dtype)
            return form.of(images(part, name) if floats else part)

        forms, parts = self._forms_of(condition)
        # One part is that part, whatever key it has.
        says = self._said()
        alone = len(nests.leaves(says)) == len(parts) == 1 and forms[0] is not None
        flat = map(formed, forms, parts, nests.names(condition))
        return nests.pack_as(says if alone else condition, list(flat))

    def _forms_of(self, condition):
        """Return the `LabelForm` of each part, `None` for one that nobody takes, and the parts."""
        parts = nests.named(condition) if self.given else {}
        wanted, known = {}, True
        for player in ("discriminator", "generator"):
            if player == "generator" or self.judged:
                known &= self._specs[player] is not None
                wanted.update(nests.named(self._told(player)))
        if len(wanted) == len(parts) == 1:
            parts = dict(zip(wanted, parts.values(), strict=True))
        forms = [
            LabelForm(wanted.get(name), self.num_classes, self._embedded)
            if name in wanted or not known
            else None
            for name in parts
        ]
        return forms, list(parts.values())

    def _told(self, player):
        """Return what a player says of its condition, an empty nest where it says nothing."""
        return () if self._specs[player] is None else self.structure(player)

    def _said(self):
        """Return the nest of the first player that says its condition."""
        return self._told("discriminator" if self._specs["generator"] is None else "generator")

    def of_labels(self, classes):
        """Return the condition that integer labels stand for: as they are, or one-hot.

        Args:
            classes: integer array of shape `(n,)`.
        """
        return self.in_form(np.asarray(classes, "int32"))

    def in_turn(self, n):
        """Return a condition of n rows in which all classes take turns, `None` without classes."""
        if not self.given or not self.num_classes:
            return None
        return self.of_labels(np.resize(np.arange(self.num_classes), n))

    # Sampling.

    def rows(self, condition, n, images=lambda part, name: part):
        """Return the condition of n samples as `generate` is given it, checked.

        Args:
            condition: nest of arrays of n rows, or one label for all; a list is one array.
            n: how many samples.
            images: see `in_form`.

        Raises:
            ValueError: for a missing condition, labels out of range, unknown keys, or rows and
                shapes that don't match.
        """
        if not self.given:
            if condition is not None:
                raise ValueError(
                    "This generator takes no condition. Drop it, or build conditional networks, "
                    f"for example with `num_classes=`. Received: condition={describe(condition)}"
                )
            return None
        if condition is None:
            raise ValueError(
                "The generator takes a condition: pass `condition=`, with a row for each of the "
                f"{n} samples (or one label for all). Received: condition=None"
            )
        condition = nests.map(lambda part: _rows(part, n), as_arrays(condition))
        for part in nests.leaves(condition):
            if len(part) != n:
                raise ValueError(
                    f"Expected a condition with a row for each of the n={n} samples. "
                    f"Received: {len(part)} rows"
                )
        self.check_labels(condition)
        condition = self.in_form(condition, images)
        self._match("generator", condition, "The condition")
        return condition

    # Requests of an export.

    def structure(self, player="generator"):
        """Return the nest of symbolic conditions that a player takes, under the data's keys.

        Raises:
            ValueError: when the network does not say its inputs.
        """
        if not self.given or (player == "discriminator" and not self.judged):
            return ()
        specs, keys = self._specs[player], self._keys[player]
        if specs is None:
            raise ValueError(
                f"Expected a Functional {player} to export a conditional GAN: the shape of its "
                f"condition is read off its inputs. Received: a {player} that does not say them"
            )
        if isinstance(keys, str):
            return {keys: nests.leaves(specs)[0]}
        if keys is not None:
            return dict(zip(sorted(keys), nests.leaves(specs), strict=True))
        return specs

    def specs(self, player="generator"):
        """Return the specs of a request's inputs, by name: `condition`, `condition_<key>`, ...

        Raises:
            ValueError: when the network does not say its inputs.
        """
        tensors = nests.by_name("condition", self.structure(player))
        return {
            name: tf.TensorSpec(tensor.shape, tensor.dtype, name=name)
            for name, tensor in tensors.items()
        }

    def of_inputs(self, inputs, player="generator"):
        """Return the condition that the inputs of a request make, `None` where there is none."""
        specs = self.specs(player) if self.given else {}
        if not specs:
            return None
        return nests.pack_as(self.structure(player), [inputs[name] for name in specs])

    def example(self, rows, value_range=(-1.0, 1.0), side=SIDE):
        """Return a condition of some rows: all labels in turn, floats within a range of values.

        Args:
            rows: how many.
            value_range: `(lowest, highest)` value of floats.
            side: length of sides that may be of any size.
        """
        inputs = {
            name: tf.constant(varied_example(spec, rows, side, value_range, self.num_classes))
            for name, spec in self.specs().items()
        }
        return self.of_inputs(inputs)


def as_arrays(condition):
    """Return a condition as a nest of arrays: as in `datasets.from_arrays`, a list is one array."""
    if condition is None:
        return None
    if isinstance(condition, dict):
        return {key: as_arrays(part) for key, part in condition.items()}
    if isinstance(condition, tuple) and any(map(np.ndim, condition)):
        return tuple(map(as_arrays, condition))
    return elements.as_array(condition, "condition")


def describe(condition):
    """Return the shapes of a condition as text: errors never show the data itself."""
    return nests.describe(as_arrays(condition), lambda part: f"shape {np.shape(part)}")


def _rows(part, n):
    if part.dtype == np.int64:
        part = part.astype(np.int32)
    return np.repeat(part, n) if part.ndim == 0 else part


def _check_conditional(conditional, has_latents):
    arguments.choice("conditional", conditional, _CHOICES)
    if not has_latents and conditional is False:
        raise ValueError(
            "A generator without latents needs a condition: pass `conditional=True`, or "
            f"latents. Received: latents=None, conditional={conditional}"
        )


def _checked_keys(name, keys):
    if keys is None or isinstance(keys, str):
        return keys
    if not isinstance(keys, (list, tuple)) or not keys or not all(isinstance(k, str) for k in keys):
        raise ValueError(
            f"Expected `{name}` to be None, a key of the data's condition or a list of keys. "
            f"Received: {name}={shown(keys)}"
        )
    return list(keys)
