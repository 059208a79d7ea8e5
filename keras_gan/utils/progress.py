"""Progress bars of long work."""

import sys

from tqdm.auto import tqdm

PATIENCE = 1.0  # Seconds before it shows.


def progress(verbose, what, unit, total=None):
    """Return a progress bar, which shows when the work takes long and goes when it is done.

    Args:
        verbose: 0 for no bar.
        what: what is being done, in words.
        unit: what is counted.
        total: how many there are, where that is known.
    """
    return tqdm(
        desc=what,
        unit=f" {unit}",
        total=total,
        disable=not verbose,
        delay=PATIENCE,
        leave=False,
    )


def say(bar, what):
    """Change what a bar says is being done: at once where a person looks, not in a log file."""
    bar.set_description(what, refresh=sys.stderr.isatty())
