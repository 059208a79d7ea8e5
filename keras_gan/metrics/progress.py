"""The progress bar of long evaluations."""

from tqdm.auto import tqdm

_PATIENCE = 1.0  # Seconds before it shows.


def progress(iterable, verbose, what, unit="batch"):
    """Return a progress bar over an iterable, which shows when it takes long and then goes.

    Args:
        iterable: what to go through.
        verbose: 0 for no bar.
        what: what is being done, in words.
        unit: what is counted.
    """
    return tqdm(iterable, what, disable=not verbose, delay=_PATIENCE, leave=False, unit=f" {unit}")
