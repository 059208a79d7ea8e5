"""The examples as modules."""

import contextlib
import importlib.util
import sys

from absl import flags


@contextlib.contextmanager
def without_flags():
    """Take flags that are defined meanwhile off again: another script may define the same."""
    before = set(flags.FLAGS)
    try:
        yield
    finally:
        for name in set(flags.FLAGS) - before:
            delattr(flags.FLAGS, name)


@contextlib.contextmanager
def loaded(path):
    """Import a script, and take its flags off again in the end."""
    spec = importlib.util.spec_from_file_location(f"script_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # Dataclasses look their module up.
    sys.path.append(str(path.parent))  # As where it is run: it may have another beside it.
    others = {each.stem for each in path.parent.glob("*.py")} - sys.modules.keys()
    try:
        with without_flags():
            spec.loader.exec_module(module)
            yield module
    finally:
        sys.path.remove(str(path.parent))
        # The next time anew, and so are the flags of those beside it.
        for name in {spec.name, *others} & sys.modules.keys():
            del sys.modules[name]


def load(path):
    """Import a script without its flags."""
    with loaded(path) as module:
        return module
