"""Classes by their snake_case names, with an error that helps when there is none of that name."""

import difflib
import inspect
import re
import sys

import keras

from keras_gan.utils import habits
from keras_gan.utils.arguments import shown

_LOSS_FIRST = (
    " The loss comes first, then the optimizers: "
    "`compile(loss, generator_optimizer, discriminator_optimizer)`."
)


def from_config(value, name, deserialize=keras.saving.deserialize_keras_object):
    """Return the object that a config stands for; what is no dict is returned as it is.

    Args:
        value: the config that `keras.saving.serialize_keras_object` made of an object, or an
            object.
        name: what errors call it.
        deserialize: function of Keras for configs of this kind, which may be shorter.

    Raises:
        TypeError: for a dict that is no config.
    """
    if not isinstance(value, dict):
        return value
    if not isinstance(value.get("class_name"), str):
        raise TypeError(
            f"Expected `{name}` as an object, or as the config that `keras.saving."
            "serialize_keras_object` makes of one, a dict with the keys 'class_name' and 'config'. "
            f"Received: {name}={shown(value)}"
        )
    return deserialize(value)


def resolve(identifier, classes, base, kind):
    """Return the object that a name, a config or an instance stands for.

    Args:
        identifier: an instance of `base`, a snake_case name of one of `classes`, or the config
            that `keras.saving.serialize_keras_object` made of such an instance.
        classes: dict from snake_case name to class; see `classes_of`.
        base: the class that the result must be an instance of.
        kind: what to call it in errors, such as `"loss"`.

    Returns:
        An instance of `base`.

    Raises:
        ValueError: for an unknown name; it lists the known ones and suggests the nearest. For the
            name of a class that needs arguments; it says which.
        TypeError: for anything that is neither name, config nor instance.
    """
    identifier = from_config(identifier, kind)
    if isinstance(identifier, str):
        if identifier not in classes:
            raise ValueError(_unknown(identifier, classes, kind))
        identifier = _made(classes[identifier], identifier, kind)
    if isinstance(identifier, base):
        return identifier
    names = f" or one of the names {sorted(classes)}" if classes else ""
    raise TypeError(
        f"Expected `{kind}` to be a `{base.__module__}.{base.__name__}`{names}."
        f"{_hint(identifier, base, kind)} "
        f"Received: {kind}={shown(identifier)} of type {type(identifier)}"
    )


def classes_of(package, base):
    """Return the classes that a package's `__all__` has, by the names that they have by default.

    Args:
        package: the package's full name. It is looked up when this is called, so a module of the
            package may call it.
        base: the class that they are subclasses of; it is not one of them itself, nor is one
            that has `abstract = True` of its own.

    Returns:
        Dict from name to class: a class's attribute `name`, or the default of its constructor's
        `name`, or else the class's own name in snake case.
    """
    module = sys.modules[package]
    public = [getattr(module, name) for name in module.__all__]
    classes = [each for each in public if isinstance(each, type) and issubclass(each, base)]
    return {
        _name_of(cls): cls for cls in classes if cls is not base and not vars(cls).get("abstract")
    }


def _name_of(cls):
    parameter = inspect.signature(cls).parameters.get("name")
    names = getattr(cls, "name", None), parameter and parameter.default
    return next((name for name in names if isinstance(name, str)), snake_case(cls.__name__))


def _made(cls, name, kind):
    """Return the object of a class, if it needs no arguments."""
    parameters = inspect.signature(cls).parameters.values()
    variadic = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    needed = [p for p in parameters if p.default is p.empty and p.kind not in variadic]
    if needed:
        wanted = ", ".join(parameter.name for parameter in needed)
        raise ValueError(
            f"The {kind} {name!r} needs an argument: pass {cls.__name__}({wanted}) in its place. "
            f"Received: {kind}={name!r}"
        )
    return cls()


def snake_case(name):
    """Return a class's name in snake case, by which logs and `compile` know it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _hint(identifier, base, kind):
    """Return what to do about an object of another kind, a sentence or nothing."""
    if isinstance(identifier, type) and issubclass(identifier, base):
        return " Did you forget to call it? An instance is wanted."
    if kind == "loss" and isinstance(identifier, keras.losses.Loss):
        meant = habits.NAMES[kind].get(snake_case(type(identifier).__name__))
        return (
            " A loss of Keras compares labels with predictions; that of a GAN says what each "
            f"player minimizes of real and fake logits.{f' Write {meant}.' if meant else ''}"
        )
    if kind == "loss" and isinstance(identifier, keras.optimizers.Optimizer):
        return _LOSS_FIRST
    if kind == "loss" and (callable(identifier) or isinstance(identifier, (tuple, list))):
        return (
            " A loss of your own is one object that says what each player minimizes: subclass "
            "`keras_gan.losses.AdversarialLoss`, whose docstring has an example."
        )
    if kind == "metric" and isinstance(identifier, keras.metrics.Metric):
        return (
            " A metric of Keras compares labels with predictions; that of a GAN compares real "
            "and generated samples: `update_state(real=None, fake=None)`."
        )
    return ""


def _unknown(name, classes, kind):
    plain = name.lower().replace("-", "_").replace(" ", "_")
    meant = habits.NAMES.get(kind, {}).get(plain)
    near = difflib.get_close_matches(plain, classes, n=1, cutoff=0.5)
    suggestion = f" Did you mean {meant or repr(near[0])}?" if meant or near else ""
    if kind == "loss" and not meant and _is_optimizer(plain):
        suggestion = _LOSS_FIRST
    return (
        f"Unknown {kind} {name!r}.{suggestion} Known names: {sorted(classes)}. "
        f"Received: {kind}={name!r}"
    )


def _is_optimizer(name):
    try:
        return keras.optimizers.get(name) is not None
    except ValueError:
        return False
