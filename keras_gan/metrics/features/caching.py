"""Cache on disk, by fingerprint, with atomic writes."""

import hashlib
import os
import pathlib
import warnings

import keras
import numpy as np

from keras_gan.data import elements
from keras_gan.utils import archives, files
from keras_gan.utils.fingerprints import fingerprint

_MODULUS = 2**256
# What a file holds beside its arrays: what they are, and their digest.
_KEY, _DIGEST = "keras_gan_key", "keras_gan_sha256"


def cache_directory(cache_dir=None):
    """Return the directory of cached files, which need not exist yet.

    Args:
        cache_dir: directory; by default `$KERAS_GAN_CACHE`, or else `~/.cache/keras_gan`.

    Returns:
        A `pathlib.Path`.
    """
    chosen = cache_dir or os.environ.get("KERAS_GAN_CACHE") or "~/.cache/keras_gan"
    return pathlib.Path(chosen).expanduser()


def path_of(kind, fingerprint, cache_dir=None):
    """Return the path of the file that holds one result.

    Args:
        kind: what it is, the first part of the file's name.
        fingerprint: hexadecimal string, from all that the result depends on.
        cache_dir: see `cache_directory`.

    Returns:
        A `pathlib.Path`.
    """
    return cache_directory(cache_dir) / f"{kind}-{fingerprint[:32]}.npz"


def cached(kind, fingerprint, compute, cache_dir=None):
    """Return what `compute` returns, from disk when it was computed before.

    A file that is not as it was written, or that was written for another fingerprint, is named in
    a warning and made anew.

    Args:
        kind: what it is, the first part of the file's name.
        fingerprint: hexadecimal string, from all that the result depends on.
        compute: function without arguments that returns a dict of arrays (of numbers or text).
        cache_dir: see `cache_directory`.

    Returns:
        The dict of arrays.

    Raises:
        ValueError: when the directory can't be written to; before anything is computed.

    Example:

    ```python
    from keras_gan.metrics.features import caching

    key = caching.fingerprint("mean", caching.fingerprint_of(images))
    caching.cached("mean", key, lambda: {"mean": images.mean(axis=0)})
    ```
    """
    path, key = path_of(kind, fingerprint, cache_dir), f"{kind} {fingerprint}"
    if path.exists():
        try:
            return load(path, key)
        except ValueError as error:
            warnings.warn(f"{error} It is made anew.", stacklevel=2)
    advice = "Pass another, or set the environment's KERAS_GAN_CACHE."
    files.prepare_directory(path.parent, "cache_dir", advice)
    arrays = {name: np.asarray(array) for name, array in compute().items()}
    try:
        save(path, arrays, key)
    except OSError as error:
        warnings.warn(f"{path} could not be written ({error}); go on without it.", stacklevel=2)
    return arrays


def load(path, key=None):
    """Return the dict of arrays in a file.

    Args:
        path: the file.
        key: what it must have been saved as; `None` for anything.

    Raises:
        ValueError: naming the file, when it is missing, damaged or something else.
    """
    if not os.path.exists(path):
        raise ValueError(f"There is no file {os.fspath(path)!r}.")
    try:
        arrays = archives.arrays_of(path)
    except archives.FileError as error:
        raise ValueError(f"The file {os.fspath(path)!r} is damaged: {error}.") from error
    digest = arrays.pop(_DIGEST, None)
    if digest is None or str(digest) != _digest(arrays):
        raise ValueError(
            f"The file {os.fspath(path)!r} is damaged: it is not what was written, or was written "
            "by another program."
        )
    found = str(arrays.pop(_KEY, ""))
    if key is not None and found != key:
        raise ValueError(f"The file {os.fspath(path)!r} is damaged: it is that of {found!r}.")
    return arrays


def save(path, arrays, key=""):
    """Write a dict of arrays in one step: a reader sees the old file or the new one.

    Args:
        path: where to write, in a directory that exists.
        arrays: dict of arrays of numbers or text.
        key: what they are, for `load` to compare.
    """
    arrays = {**arrays, _KEY: np.asarray(key)}
    with files.whole_file(path) as partial, open(partial, "xb") as file:
        np.savez(file, **arrays, **{_DIGEST: np.asarray(_digest(arrays))})


def _digest(arrays):
    return fingerprint(*(part for name in sorted(arrays) for part in (name, arrays[name])))


def fingerprint_of(dataset, ordered=False):
    """Return the fingerprint of data: the same for any cut into batches.

    Args:
        dataset: as `elements.batches` takes it. Conditions count as part of their samples.
        ordered: whether the same samples in another order are other data.

    Returns:
        Hexadecimal string.
    """
    total, count, sequence = 0, 0, hashlib.sha256()
    for x, condition in elements.batches(dataset):
        digests = sample_digests(x, condition)
        sequence.update(b"".join(digests))
        # A sum, so that order does not matter and a repeated sample does.
        total = (total + sum(int.from_bytes(digest, "little") for digest in digests)) % _MODULUS
        count += len(digests)
    return fingerprint("data", count, sequence.hexdigest() if ordered else total)


def sample_digests(x, condition=None):
    """Return the SHA-256 of each sample with its condition, as bytes."""
    leaves = [np.asarray(leaf) for leaf in keras.tree.flatten((x, condition)) if leaf is not None]
    head = ";".join(f"{_kind(leaf)}{leaf.shape[1:]}" for leaf in leaves).encode()
    rows = zip(*(_rows_as_bytes(leaf) for leaf in leaves), strict=True)
    return [hashlib.sha256(head + b"".join(parts)).digest() for parts in rows]


def _kind(leaf):
    return {"f": "float", "V": "float", "i": "int", "u": "int", "b": "int"}.get(leaf.dtype.kind, "")


def _rows_as_bytes(leaf):
    """Return each row's bytes, in a width that does not depend on how the data came."""
    if _kind(leaf) == "int":
        return [row.tobytes() for row in np.ascontiguousarray(leaf, "<i8")]
    if _kind(leaf) != "float":
        return [repr(row.tolist() if isinstance(row, np.ndarray) else row).encode() for row in leaf]
    narrow = np.ascontiguousarray(leaf, "<f4")
    if leaf.dtype != np.float64:
        return [row.tobytes() for row in narrow]
    # What float32 can't hold would otherwise be taken for what it rounds to.
    same = (narrow == leaf).reshape(len(leaf), -1).all(axis=1)
    return [
        short.tobytes() if equal else b"wide" + np.ascontiguousarray(row, "<f8").tobytes()
        for short, row, equal in zip(narrow, leaf, same, strict=True)
    ]
