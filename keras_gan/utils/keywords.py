"""Keywords that a public constructor or function does not have: answered with what was meant."""

import functools
import inspect
import sys

import keras

from keras_gan.utils import arguments

# What every layer takes by `**kwargs`.
_OF_LAYERS = (
    *inspect.signature(keras.layers.Layer.__init__).parameters,
    "input_shape",
    "input_dim",
)


def answer(*rooms):
    """Let public constructors and functions answer an unknown keyword as `GAN.compile` does.

    Python's own error names the keyword; this one also says what to write. Signatures, docstrings
    and sources are found as before, and classes remain the same objects.

    Args:
        *rooms: modules, whose `__all__` names what is public.
    """
    for room in rooms:
        for name in room.__all__:
            public = getattr(room, name)
            if inspect.isclass(public):
                _answer_class(public)
            elif inspect.isfunction(public) and not _takes_any(public):
                answering = _answering(public, f"{room.__name__.rpartition('.')[2]}.{name}")
                # Where it is defined too: that is where `pickle` looks for it.
                for module in (room, sys.modules[public.__module__]):
                    setattr(module, public.__name__, answering)


def _answer_class(public):
    """Give a class, or the one of ours that it has its constructor from, one that answers."""
    owner = next(each for each in public.__mro__ if "__init__" in vars(each))
    init = owner.__init__
    if owner.__module__.startswith("keras_gan.") and not hasattr(init, "__wrapped__"):
        owner.__init__ = _answering(init)


def _takes_any(function):
    """Tell whether a function takes keywords of any name: a constructor hands them to Keras."""
    parameters = inspect.signature(function).parameters.values()
    return any(each.kind is each.VAR_KEYWORD for each in parameters)


def _answering(function, call=None):
    """Return a function, or a constructor where there is no name of the call, that answers."""
    signature = inspect.signature(function)
    parameters = signature.parameters
    also = _OF_LAYERS if _takes_any(function) else ()

    def called(made):
        # Not a subclass that has a constructor of its own: its arguments are others.
        is_direct = type(made).__init__ is answering
        return type(made).__name__ if is_direct else function.__qualname__.partition(".")[0]

    @functools.wraps(function)
    def answering(*args, **kwargs):
        if not kwargs.keys() <= parameters.keys():
            arguments.known(call or called(args[0]), kwargs, parameters, also)
        return function(*args, **kwargs)

    answering.__signature__ = signature  # `inspect.getfullargspec`, which Keras calls, needs it.
    return answering
