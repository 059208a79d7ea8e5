"""The examples as modules."""

import importlib.util

from absl import flags


def load(path):
    """Import a script, and take its flags off again: another script may define the same."""
    before = set(flags.FLAGS)
    spec = importlib.util.spec_from_file_location(f"script_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in set(flags.FLAGS) - before:
        delattr(flags.FLAGS, name)
    return module
