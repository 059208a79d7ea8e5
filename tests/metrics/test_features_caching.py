import hashlib
import os
import stat
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan.data import elements
from keras_gan.metrics.features import caching
from keras_gan.utils.fingerprints import file_fingerprint

X = np.random.default_rng(0).normal(size=(30, 2, 3)).astype("float32")
LABELS = np.arange(30) % 4


def cut(order, sizes):
    parts = np.split(order, np.cumsum(sizes)[:-1])
    return [(X[part], LABELS[part]) for part in parts]


def test_order_and_batches_leave_the_fingerprint_as_it_is():
    expected = caching.fingerprint_of((X, LABELS))
    order = np.random.default_rng(1).permutation(30)
    assert caching.fingerprint_of(cut(order, [7, 20, 3])) == expected
    dataset = tf.data.Dataset.from_tensor_slices((X, LABELS)).shuffle(30).batch(8)
    assert caching.fingerprint_of(dataset) == expected
    assert caching.fingerprint_of((tf.constant(X), LABELS.astype("uint8"))) == expected
    assert caching.fingerprint_of((X.astype("float64"), LABELS)) == expected
    halves = tf.cast(X, "bfloat16")
    assert caching.fingerprint_of(halves) == caching.fingerprint_of(tf.cast(halves, "float32"))


def test_what_differs_changes_the_fingerprint():
    changed = X.copy()
    changed[17, 1, 2] += 1e-6
    labels = LABELS.copy()
    labels[3] = 2
    data = [
        (X, LABELS),
        X,
        (changed, LABELS),
        (X, labels),
        (X, LABELS[::-1]),
        (X[:29], LABELS[:29]),
        (np.concatenate([X, X[:1]]), np.concatenate([LABELS, LABELS[:1]])),
        (np.concatenate([X, X[:1], X[:1]]), np.concatenate([LABELS, LABELS[:1], LABELS[:1]])),
        X.reshape(30, 6),
    ]
    assert len({caching.fingerprint_of(each) for each in data}) == len(data)


def test_conditions_may_be_text_and_nests():
    words = np.array([b"red", b"green", b"blue"] * 10, object)
    whole = caching.fingerprint_of((X, {"word": words, "label": LABELS}))
    dataset = tf.data.Dataset.from_tensor_slices((X, {"word": words, "label": LABELS})).batch(7)
    assert caching.fingerprint_of(dataset) == whole
    assert caching.fingerprint_of((X, {"word": words[::-1], "label": LABELS})) != whole


def test_a_seekable_dataset_is_always_read_from_its_first_epoch():
    dataset = keras_gan.datasets.from_arrays(X, LABELS, batch_size=8, seed=3)
    first = caching.fingerprint_of(dataset)  # Each epoch drops other samples.
    assert caching.fingerprint_of(dataset) == first


def test_batches_come_from_every_kind_of_data():
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return X[index * 10 : index * 10 + 10], LABELS[index * 10 : index * 10 + 10]

    flat = X.reshape(30, 6)
    for labelled, data, expected in (
        (False, X, X),
        (True, (X, LABELS), X),
        (False, [flat[:10], flat[10:]], flat),
        (True, Batches(), X),
        (True, cut(np.arange(30), [10, 20]), X),
    ):
        parts = list(elements.batches(data))
        np.testing.assert_array_equal(np.concatenate([x for x, _ in parts]), expected)
        assert all((condition is not None) == labelled for _, condition in parts)


def test_a_list_that_may_hold_images_or_batches_is_refused():
    """Of shape (10, 2, 3): ten rows of two steps, or one image of three channels."""
    with pytest.raises(ValueError, match=r"`np.stack\(images\)`.*\(10, 2, 3\)"):
        list(elements.batches([X[:10], X[10:20]]))


def test_data_that_cannot_be_read_are_refused():
    dataset = tf.data.Dataset.from_tensor_slices(X).batch(10)
    with pytest.raises(ValueError, match="with an end"):
        list(elements.batches(dataset.repeat()))
    with pytest.raises(ValueError, match="no samples"):
        list(elements.batches(X[:0]))
    # A class has its instances' `__iter__`, and is no data.
    for wrong in (5, "digits", b"digits", dict, tf.data.Dataset, keras.utils.PyDataset):
        with pytest.raises(TypeError, match="Received: dataset="):
            list(elements.batches(wrong))
    for condition in ("next", LABELS[:-1], {"class": LABELS, "size": 3}):
        with pytest.raises(ValueError, match="a condition of as many rows"):
            list(elements.batches((X, condition)))
    with pytest.raises(TypeError, match="not an iterator"):
        elements.check_repeatable(iter([X]))
    elements.check_repeatable(dataset)
    elements.check_repeatable(type(iter([X])))


def test_what_was_computed_is_read_the_next_time(tmp_path):
    calls = []

    def compute():
        calls.append(1)
        return {"x": X, "count": 3, "text": "väl"}

    for _ in range(2):
        arrays = caching.cached("thing", "ab" * 32, compute, tmp_path / "deep" / "er")
        np.testing.assert_array_equal(arrays["x"], X)
        assert int(arrays["count"]) == 3 and str(arrays["text"]) == "väl"
    assert len(calls) == 1
    assert os.listdir(tmp_path / "deep" / "er") == ["thing-" + "ab" * 16 + ".npz"]
    caching.cached("thing", "cd" * 32, compute, tmp_path / "deep" / "er")
    assert len(calls) == 2


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "other", "array"])
def test_a_damaged_file_is_named_and_made_anew(tmp_path, damage):
    path = caching.path_of("thing", "ab", tmp_path)
    caching.save(path, {"x": X})
    content = bytearray(path.read_bytes())
    content[300] ^= 255
    damaged = {"cut": content[: len(content) // 2], "flip": content, "empty": b"", "other": b"{}"}
    if damage == "array":
        with open(path, "wb") as file:
            np.save(file, X)
    else:
        path.write_bytes(bytes(damaged[damage]))
    with pytest.warns(UserWarning, match=f"{path.name}.*damaged.*made anew"):
        arrays = caching.cached("thing", "ab", lambda: {"x": X + 1}, tmp_path)
    np.testing.assert_array_equal(arrays["x"], X + 1)
    np.testing.assert_array_equal(caching.load(path)["x"], X + 1)


def with_members(path, members):
    """Write an archive of arrays by hand, as nothing of ours would."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def npy(shape="(30, 2, 3)", dtype="'<f4'", content=b""):
    """Return an `.npy` file of a header of one's own and little content."""
    header = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


STRANGE = {
    "no key": lambda path: np.savez(path, x=X, keras_gan_sha256=caching._digest({"x": X})),
    "no digest": lambda path: np.savez(path, x=X),
    "another's": lambda path: caching.save(path, {"x": X}, "thing cd"),
    "40 GB": lambda path: with_members(path, {"x.npy": npy("(10000000000,)", content=bytes(9))}),
    "negative": lambda path: with_members(path, {"x.npy": npy("(-1, 2)", content=bytes(9))}),
    "objects": lambda path: np.savez(path, x=np.array([{"a": 1}], object)),
    "pickled": lambda path: with_members(path, {"x.npy": npy("(1,)", "'|O'", b"cos\n.")}),
    "code": lambda path: with_members(path, {"x.npy": npy("__import__('os').abort()")}),
    "text": lambda path: with_members(path, {"x.npy": b"text"}),
    "outside": lambda path: with_members(path, {"../x.npy": npy("(1,)", content=bytes(4))}),
    "a directory": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
def test_files_of_strangers_are_made_anew(strange, tmp_path):
    path = caching.path_of("thing", "ab", tmp_path)
    strange(path)
    with pytest.warns(UserWarning, match=rf"{path.name}.*damaged(?s:.*)made anew"):
        arrays = caching.cached("thing", "ab", lambda: {"x": X + 1}, tmp_path)
    np.testing.assert_array_equal(arrays["x"], X + 1)
    if path.is_file():
        np.testing.assert_array_equal(caching.load(path)["x"], X + 1)


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    caching.save(path, {"x": X})

    def full(file, **_):
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="no space"):
        caching.save(path, {"x": X + 1})
    assert os.listdir(tmp_path) == ["a.npz"]
    np.testing.assert_array_equal(caching.load(path)["x"], X)
    with pytest.warns(UserWarning, match=r"could not be written \(no space"):
        arrays = caching.cached("thing", "ab", lambda: {"x": X}, tmp_path)
    np.testing.assert_array_equal(arrays["x"], X)


def test_files_are_as_readable_as_any_other(tmp_path):
    caching.save(tmp_path / "a.npz", {"x": X})
    (tmp_path / "b").write_text("b")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a.npz", "b")]
    assert modes[0] == modes[1]


def test_a_directory_that_cannot_be_is_refused_before_anything_is_computed(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="KERAS_GAN_CACHE"):
        caching.cached("thing", "ab", lambda: pytest.fail("computed"), tmp_path / "file" / "x")


def test_where_the_cache_lies(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_GAN_CACHE", raising=False)
    assert caching.cache_directory() == tmp_path / ".cache" / "keras_gan"
    monkeypatch.setenv("KERAS_GAN_CACHE", str(tmp_path / "elsewhere"))
    assert caching.cache_directory() == tmp_path / "elsewhere"
    assert caching.cache_directory("~/mine") == tmp_path / "mine"


def test_parts_of_a_fingerprint_do_not_run_together(tmp_path):
    assert caching.fingerprint("ab", "c") != caching.fingerprint("a", "bc")
    assert caching.fingerprint(X) != caching.fingerprint(X.reshape(-1))
    assert caching.fingerprint(X) == caching.fingerprint(np.asfortranarray(X))
    (tmp_path / "a").write_bytes(b"content")
    assert file_fingerprint(tmp_path / "a") == hashlib.sha256(b"content").hexdigest()
