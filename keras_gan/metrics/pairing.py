"""Pairs of real and generated samples, shown to paired metrics in one order."""

from keras_gan.data import elements
from keras_gan.metrics.paired import is_paired
from keras_gan.metrics.ranges import in_range
from keras_gan.utils import nests
from keras_gan.utils.progress import progress


def paired_of(by_part, paired=True):
    """Return the metrics that are paired, or those that are not, by part of the samples.

    Args:
        by_part: dict of lists of metrics.
        paired: which of the two.
    """
    found = {part: [m for m in ms if is_paired(m) == paired] for part, ms in by_part.items()}
    return {part: metrics for part, metrics in found.items() if metrics}


def feed(by_part, triples, verbose=0, total=None, value_range=None):
    """Show all pairs to every paired metric.

    Args:
        by_part: dict from parts of the samples to lists of paired metrics.
        triples: iterable of batches `(real, fake, source)`, nests of arrays of as many rows.
        verbose: 0 for no progress bar.
        total: pairs in all, where that is known.
        value_range: see `evaluate`.
    """
    with progress(verbose, "Pairs", "pair", total) as bar:
        for real, fake, source in triples:
            pair = nests.named(real), nests.named(fake)
            for part, metrics in by_part.items():
                for metric in metrics:
                    wanted = getattr(metric, "value_range", None)
                    shown = [in_range(side[part], value_range, wanted) for side in pair]
                    metric.update_state(*shown, source=source)
            bar.update(elements.rows_of(real))


def aligned(real, fake, source=None):
    """Yield batches `(real, fake, source)` of as many rows from streams in other batches.

    Args:
        real: what `elements.batches` reads: arrays, or batches `x` or `(x, condition)`.
        fake: the same of the generated samples, in the same order.
        source: array or nest of arrays, or batches of these; `None` for the conditions that
            `real` has, if any.

    Raises:
        ValueError: when they are not of equally many samples.
    """
    streams = {"real": elements.batches(real), "fake": elements.batches(fake)}
    if source is not None:
        streams["source"] = elements.batches(source)
    waiting, counts = dict.fromkeys(streams), dict.fromkeys(streams, 0)
    while True:
        for name, stream in streams.items():
            if waiting[name] is None:
                waiting[name] = next(stream, None)
                counts[name] += _rows(waiting[name])
        if None in waiting.values():
            break
        rows = min(map(_rows, waiting.values()))
        batch = {name: elements.take(ahead, slice(rows)) for name, ahead in waiting.items()}
        waiting = {name: _behind(ahead, rows) for name, ahead in waiting.items()}
        (x, condition), made = batch["real"], batch["fake"][0]
        yield x, made, condition if source is None else batch["source"][0]
    _check_counts(streams, counts)


def _check_counts(streams, counts):
    """Raise when one stream has more samples than another, once one is at its end."""
    for name, stream in streams.items():
        counts[name] += sum(map(_rows, stream))
    if len(set(counts.values())) > 1:
        raise ValueError(
            "Expected pairs for paired metrics: as many samples on both sides, in one order. "
            f"Received: {', '.join(f'{count} of {name}' for name, count in counts.items())}"
        )


def _rows(element):
    return 0 if element is None else elements.rows_of(element[0])


def _behind(element, rows):
    """Return what is left of an element behind some rows, `None` for nothing."""
    return elements.take(element, slice(rows, None)) if _rows(element) > rows else None
