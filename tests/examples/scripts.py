"""The examples as modules."""

import importlib.util
import sys

from absl import flags


def load(path):
    """Import a script, and take its flags off again: another script may define the same."""
    before = set(flags.FLAGS)
    spec = importlib.util.spec_from_file_location(f"script_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.path.append(str(path.parent))  # As where it is run: it may have another beside it.
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    for name in set(flags.FLAGS) - before:
        delattr(flags.FLAGS, name)
    return module
