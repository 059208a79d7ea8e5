"""Finding a class by its snake_case name, with an error that helps when there is none."""

import difflib
import re

import keras


def resolve(identifier, classes, base, kind):
    """Return the object that a name, a config or an instance stands for.

    Args:
        identifier: an instance of `base`, a snake_case name of one of `classes`, or the config
            that `keras.saving.serialize_keras_object` made of such an instance.
        classes: dict from snake_case name to class, each constructible without arguments.
        base: the class that the result must be an instance of.
        kind: what to call it in errors, such as `"loss"`.

    Returns:
        An instance of `base`.

    Raises:
        ValueError: for an unknown name; it lists the known ones and suggests the nearest.
        TypeError: for anything that is neither name, config nor instance.
    """
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    if isinstance(identifier, str):
        if identifier not in classes:
            raise ValueError(_unknown(identifier, classes, kind))
        identifier = classes[identifier]()
    if isinstance(identifier, base):
        return identifier
    is_class = isinstance(identifier, type) and issubclass(identifier, base)
    hint = " Did you forget to call it? An instance is wanted." if is_class else ""
    raise TypeError(
        f"Expected `{kind}` to be a `{base.__module__}.{base.__name__}` or one of the names "
        f"{sorted(classes)}.{hint} Received: {kind}={identifier!r} of type {type(identifier)}"
    )


def snake_case(name):
    """Return a class's name in snake case, by which logs and `compile` know it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _unknown(name, classes, kind):
    near = difflib.get_close_matches(name, classes, n=1, cutoff=0.5)
    suggestion = f" Did you mean {near[0]!r}?" if near else ""
    return (
        f"Unknown {kind} {name!r}.{suggestion} Known names: {sorted(classes)}. "
        f"Received: {kind}={name!r}"
    )
