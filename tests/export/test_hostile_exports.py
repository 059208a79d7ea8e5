"""Mutants of an export and of its list: refused, or equal byte for byte."""

import json
import pathlib
import shutil
import time
import tracemalloc
import warnings

import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan.export import digests
from tests.integration import mutations

SHIPPED = pathlib.Path(__file__).parents[2] / "saved_models" / "digits" / "1"
QUICK, ALL = 100, 2000
HASH = "0" * 64
RIGHT = json.loads((SHIPPED / "files.json").read_text())["files"]["saved_model.pb"]["sha256"]

# Entries that are added to a list, or stand in place of one: name, size, digest.
ENTRIES = [
    ("../saved_model.pb", 5, HASH),
    ("../../../../../../etc/passwd", 5, HASH),
    ("/etc/passwd", 5, HASH),
    ("/dev/zero", 0, HASH),
    ("variables/../saved_model.pb", 266785, HASH),
    ("./saved_model.pb", 266785, HASH),
    ("variables//variables.index", 791, HASH),
    ("files.json", 5, HASH),
    ("", 0, HASH),
    ("a" * 5000, 0, HASH),
    ("a/" * 100 + "a", 0, HASH),
    ("a/" * 15_000 + "a", 0, HASH),  # All its directories together are 225 MB of names.
    ("saved_model.pb\0", 266785, HASH),
    ("\ud800", 0, HASH),
    ("saved_model.pb", 2**63, RIGHT),
    ("saved_model.pb", 10**4000, RIGHT),
    ("saved_model.pb", -1, RIGHT),
    ("saved_model.pb", True, RIGHT),
    ("saved_model.pb", 266785.0, RIGHT),
    ("saved_model.pb", float("nan"), RIGHT),
    ("saved_model.pb", float("inf"), RIGHT),
    ("saved_model.pb", "266785", RIGHT),
    ("saved_model.pb", None, RIGHT),
    ("saved_model.pb", [], RIGHT),
    ("saved_model.pb", 266785, None),
    ("saved_model.pb", 266785, 0),
    ("saved_model.pb", 266785, {}),
    ("saved_model.pb", 266785, ""),
    ("saved_model.pb", 266785, HASH),
    ("saved_model.pb", 266785, "\u0660" * 64),
    ("saved_model.pb", 266785, HASH + "0"),
]
# What a list may be in place of itself.
TEXTS = [
    "",
    "{}",
    "[]",
    "null",
    "NaN",
    '"files"',
    '{"files": null}',
    '{"files": {}}',
    '{"files": []}',
    '{"files": {"saved_model.pb": null}}',
    '{"files": {"saved_model.pb": []}}',
    '{"files": {"saved_model.pb": {"bytes": 1}}}',
    '{"files": {}, "more": 1}',
    '{"files": {}, "files": {}}',
    "[" * 100_000,
    '{"files":' * 100_000,
    '{"files": {"saved_model.pb": {"bytes": ' + "9" * 100_000 + "}}}",
    "{" + '"a":{},' * 140_000 + '"b":{}}',
    " " * (2**20 + 1),
]


def entry_added(text, random):
    name, size, digest = ENTRIES[random.integers(len(ENTRIES))]
    found = json.loads(text)
    found["files"][name] = {"bytes": size, "sha256": digest}
    return json.dumps(found, allow_nan=True)


def entry_removed(text, random):
    found = json.loads(text)
    del found["files"][str(random.choice(sorted(found["files"])))]
    return json.dumps(found)


def entry_twice(text, random):
    """The first of two names is what some readers take, the last what others do."""
    found = json.loads(text)["files"]
    name = str(random.choice(sorted(found)))
    one = json.dumps({name: found[name]})[1:-1]
    return text.replace('"files": {', f'"files": {{{one},', 1)


def entries_swapped(text, random):
    found = json.loads(text)["files"]
    one, other = random.permutation(sorted(found))[:2]
    found[one], found[other] = found[other], found[one]
    return json.dumps({"files": found})


def another(text, random):
    return TEXTS[random.integers(len(TEXTS))]


def encoded(text, random):
    return text.encode(("utf-16", "utf-32", "utf-8-sig")[random.integers(3)])


def reordered(text, random):
    """The same list."""
    found = json.loads(text)["files"]
    names = [str(name) for name in random.permutation(sorted(found))]
    return json.dumps({"files": {name: found[name] for name in names}}, indent=None)


def mangled(text, random):
    return mutations.of_bytes(text.encode(), random)[0]


REWRITES = [
    entry_added,
    entry_added,
    entry_removed,
    entry_twice,
    entries_swapped,
    another,
    encoded,
    reordered,
    mangled,
]


def rewritten(path, number, random):
    """Rewrite a copy's list; return how."""
    rewrite = REWRITES[number % len(REWRITES)]
    text = rewrite((path / "files.json").read_text(), random)
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    (path / "files.json").write_bytes(content)
    return rewrite.__name__


def contents(path):
    """Return the bytes of a directory's files by name, but for its list."""
    return {
        each.relative_to(path).as_posix(): each.read_bytes()
        for each in path.rglob("*")
        if each.is_file() and each.name != "files.json"
    }


@pytest.fixture(scope="module")
def original():
    return contents(SHIPPED)


def survivors(original, numbers, directory):
    """Return the kinds of mutants that were accepted; each is equal to the original.

    Every third has another list, and the others are changed in one of their members.
    """
    accepted = []
    for number in numbers:
        random = np.random.default_rng(number)
        path = directory / "1"
        if number % 3:
            kind = mutations.of_directory(SHIPPED, path, random)
        else:
            shutil.rmtree(path, ignore_errors=True)
            shutil.copytree(SHIPPED, path)
            kind = rewritten(path, number // 3, random)
        start = time.perf_counter()
        try:
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always")
                whole = keras_gan.export.verify(path)
            assert whole or "has no files.json" in str(warned[0].message), (number, kind)
            assert contents(path) == original, (number, kind)
            accepted.append(kind)
        except ValueError as error:
            assert str(error).startswith("Expected the files that files.json lists"), kind
            assert len(str(error)) < 1000, (number, kind)
        assert time.perf_counter() - start < 10, (number, kind)
    return accepted


def test_a_hundred_mutants_are_refused_or_equal(original, tmp_path):
    accepted = survivors(original, range(QUICK), tmp_path)
    assert "reordered" in accepted
    assert not {"entry_twice", "entry_removed", "entries_swapped"} & {*accepted}
    assert len(accepted) < QUICK / 10


@pytest.mark.slow
def test_two_thousand_mutants_are_refused_or_equal(original, tmp_path):
    accepted = survivors(original, range(QUICK, QUICK + ALL), tmp_path)
    assert len(accepted) < ALL / 10


@pytest.mark.parametrize("content", [*TEXTS, *ENTRIES], ids=lambda value: str(value)[:30])
def test_lists_of_strangers(tmp_path, content):
    path = pathlib.Path(shutil.copytree(SHIPPED, tmp_path / "1"))
    text = content
    if not isinstance(content, str):
        name, size, digest = content
        found = json.loads((path / "files.json").read_text())
        found["files"][name] = {"bytes": size, "sha256": digest}
        text = json.dumps(found)
    (path / "files.json").write_text(text, errors="surrogatepass")
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"Expected the files that files.json lists") as caught:
            keras_gan.export.verify(path)
        assert len(str(caught.value)) < 1000
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()


def test_malice_is_not_found(tmp_path):
    """Who writes files and list alike is believed: it is damage that a list is for."""
    path = pathlib.Path(shutil.copytree(SHIPPED, tmp_path / "1"))
    mutations.changed(path / "variables", np.random.default_rng(0))
    with pytest.raises(ValueError, match="is damaged"):
        keras_gan.export.verify(path)
    digests.write(path)
    assert keras_gan.export.verify(path)
    # What comes of it is TensorFlow's: here it looks at checksums of its own, elsewhere not.
    with pytest.raises((tf.errors.OpError, ValueError, RuntimeError)):
        tf.saved_model.load(str(path))
