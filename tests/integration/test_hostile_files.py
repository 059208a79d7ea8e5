"""Files that are damaged by chance or made by a stranger: refused, or loaded with equal values."""

import contextlib
import io
import json
import os
import time
import warnings
import zipfile
import zlib

import h5py
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan.metrics.features import caching
from keras_gan.utils import seals

from . import mutations, peak_memory, small

MOST_SECONDS, MOST_MEGABYTES = 10, 200
MUTANTS = [100, pytest.param(2000, marks=pytest.mark.slow)]
KINDS = "keras", "compiled.keras", "weights.h5", "npz"


@pytest.fixture(scope="module")
def model():
    made = small.gan(wide=16)
    made.compile(terms=["r1"], ema=0.9, run_eagerly=True, **small.adams())
    return made


@pytest.fixture(scope="module")
def files(model, tmp_path_factory):
    """Return the paths of a whole file of each kind; the model has other values afterwards."""
    directory = tmp_path_factory.mktemp("whole")
    paths = {kind: directory / f"whole.{kind}" for kind in KINDS}
    small.gan(wide=16).save(paths["keras"])  # Not compiled, which loads sooner.
    model.save(paths["compiled.keras"])
    model.save_weights(paths["weights.h5"])
    caching.save(paths["npz"], {"x": np.arange(2000.0), "text": np.asarray("a b c")}, "key")
    return paths


@pytest.fixture(scope="module")
def loads(model, files):
    """Return, for each kind, what loads a path and returns what is in it."""
    variables = model._saved_variables
    whole = [variable.numpy() for variable in variables]
    others = [value + 1 if value.dtype.kind == "f" else value for value in whole]

    def assign(values):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    @tf.function(autograph=False)  # To read the variables one by one takes longer than to load.
    def is_as_before():
        pairs = zip(others, variables, strict=True)
        return tf.reduce_all([tf.reduce_all(value == variable.value) for value, variable in pairs])

    def into_the_model(path):
        """Return the model's state, and leave it as it was before; it is so after an error."""
        try:
            model.load_weights(path)
        except BaseException:
            assert is_as_before()
            raise
        state = small.state(model)
        assign(others)
        return state

    def whole_model(path):
        loaded = keras_gan.load_model(path)
        return {f"weight {i}": value for i, value in enumerate(small.weights(loaded))}

    assert not is_as_before()
    assign(others)
    return {
        "keras": whole_model,
        "compiled.keras": into_the_model,
        "weights.h5": into_the_model,
        "npz": lambda path: caching.load(path, "key"),
    }


def is_refused(load, path, whole):
    """Tell whether a file is refused by an error of ours; else it must hold what the whole does."""
    with within_memory():
        return is_refused_in_time(load, path, whole)


@contextlib.contextmanager
def within_memory():
    """Take little memory; to ask for the most takes longer than to refuse a file."""
    peak_memory.reset()
    before = peak_memory.megabytes()
    yield
    assert peak_memory.megabytes() - before < MOST_MEGABYTES


def is_refused_in_time(load, path, whole):
    """As `is_refused`, for many files one after the other."""
    start = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="zipfile")
            values = load(path)
    except (ValueError, TypeError) as error:
        assert str(path) in str(error)
        values = None
    assert time.monotonic() - start < MOST_SECONDS
    if values is not None:
        small.assert_equal_states(whole, values)
    return values is None


@pytest.mark.parametrize("count", MUTANTS)
@pytest.mark.parametrize("kind", KINDS)
def test_mutants_are_refused_or_equal(kind, count, files, loads, tmp_path):
    whole, content = loads[kind](files[kind]), files[kind].read_bytes()
    path, refused = tmp_path / f"mutant.{kind}", 0
    with within_memory():
        for number in range(count):
            mutant, _ = mutations.of_bytes(content, np.random.default_rng(number))
            path.write_bytes(mutant)
            refused += is_refused_in_time(loads[kind], path, whole)
    assert refused > 0.8 * count  # What is added behind the end of arrays changes none.


def packed_again(whole, path, change, compression=zipfile.ZIP_STORED):
    """Write a `.keras` file of the members that `change` makes of a dict of them."""
    with zipfile.ZipFile(whole) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def config_with(change):
    """Return a change of members that changes the config."""

    def changed(members):
        config = json.loads(members["config.json"])
        change(config)
        members["config.json"] = json.dumps(config)

    return changed


def layer_with(name, **arguments):
    """Return a change of members that sets arguments of the generator's first layer of a class."""

    def change(config):
        layers = config["config"]["generator"]["config"]["layers"]
        layer = next(layer for layer in layers if layer["class_name"] == name)
        layer["config"].update(arguments)

    return config_with(change)


def another_layer(name, **arguments):
    """Return a change of members that puts a layer in the place of the generator's last."""

    def change(config):
        last = config["config"]["generator"]["config"]["layers"][-1]
        arguments["name"] = last["config"]["name"]
        last.update(module="keras.layers", class_name=name, config=arguments, registered_name=None)

    return config_with(change)


ARCHIVES = {
    "a layer of 400 GB": layer_with("Dense", units=10**11),
    "a layer of 2 GB": layer_with("Dense", units=10**8),
    "a config that is no object": lambda members: members.update({"config.json": "[1, 2]"}),
    "a config without end": lambda members: members.update({"config.json": "[" * 10**5}),
    "a config of another class": config_with(
        lambda c: c.update(class_name="Nothing", registered_name="Nothing")
    ),
    "a config without its networks": config_with(lambda c: c["config"].clear()),
    "a config with an unknown word": config_with(lambda c: c["config"].update(evil=1)),
    "no config": lambda members: members.pop("config.json"),
    "no weights": lambda members: members.pop("model.weights.h5"),
    "weights under another name": lambda members: members.update(
        {"model.weights.npz": members.pop("model.weights.h5")}
    ),
    "members with each other's content": lambda members: members.update(
        {"config.json": members["metadata.json"], "metadata.json": members["config.json"]}
    ),
    "a config of 60 MB": lambda members: members.update(
        {"config.json": members["config.json"][:-1] + b', "x": [' + b"[]," * 2 * 10**7 + b"1]}"}
    ),
    "30,000 members": lambda members: members.update({f"a/{i}": b"" for i in range(30_000)}),
    "an optimizer's array of another shape": lambda members: members.update(
        {"model.weights.h5": with_arrays(members["model.weights.h5"], of_another_optimizer)}
    ),
    "a lookup table of a file here": another_layer("StringLookup", vocabulary="/etc/hostname"),
    "a program of a directory here": another_layer("TFSMLayer", filepath="saved_models/digits/1"),
}


@pytest.mark.parametrize("change", ARCHIVES.values(), ids=ARCHIVES)
def test_archives_of_strangers_are_refused(change, files, loads, tmp_path):
    path = tmp_path / "crafted.keras"
    packed_again(files["compiled.keras"], path, change)
    assert is_refused(loads["keras"], path, None)


def test_an_archive_that_was_packed_again_is_loaded(files, loads, tmp_path):
    packed_again(files["keras"], tmp_path / "again.keras", lambda members: None)
    first, again = loads["keras"](files["keras"]), loads["keras"](tmp_path / "again.keras")
    small.assert_equal_states(first, again)
    packed_again(files["keras"], tmp_path / "less.keras", lambda _: None, zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="zip -0"):
        loads["keras"](tmp_path / "less.keras")


def with_arrays(content, change):
    """Return the bytes of an HDF5 file that `change` has changed."""
    memory = io.BytesIO(content)
    with h5py.File(memory, "r+") as file:
        change(file)
    return memory.getvalue()


def a_link(file):
    del file["vars"]
    file["vars"] = h5py.SoftLink("/generator")


def a_link_outside(file):
    del file["vars"]
    file["vars"] = h5py.ExternalLink("/etc/passwd", "/")


def a_group_in_itself(file):
    file["generator/again"] = file["generator"]


def first_array(file):
    """Return the name of an array of weights, and of no use by now."""
    names = []
    file.visititems(lambda name, item: names.append(name) if hasattr(item, "shape") else None)
    name = next(name for name in names if name.startswith("generator"))
    shape = file[name].shape
    del file[name]
    return name, shape


def of_another_file(file):
    name, shape = first_array(file)
    file.create_dataset(name, shape, "float32", external=[("/etc/passwd", 0, 4096)])


def virtual(file):
    name, shape = first_array(file)
    layout = h5py.VirtualLayout(shape, "float32")
    layout[...] = h5py.VirtualSource("/etc/passwd", "x", shape)
    file.create_virtual_dataset(name, layout)


def of_40_gb(file):
    name, _ = first_array(file)
    file.create_dataset(name, (10**5, 10**5), "float32")


def in_chunks_of_1_gb(file):
    name, shape = first_array(file)
    data = file.create_dataset(
        name, shape, "float32", chunks=(2**28, 1), maxshape=(None, None), compression="gzip"
    )
    data.id.write_direct_chunk((0, 0), zlib.compress(bytes(100)))


def of_texts_in_numbers(file):
    name, shape = first_array(file)
    file.create_dataset(name, shape, np.dtype([("a", h5py.vlen_dtype(np.uint8))]))


def under_two_names(file):
    names = []
    file.visit(names.append)
    name = next(n for n in names if isinstance(file[n], h5py.Dataset))
    for number in range(1000):
        file[f"{name}_{number}"] = file[name]


def of_30_000_groups(file):
    for number in range(30_000):
        file.create_group(f"a/{number}")


def of_text(file):
    name, _ = first_array(file)
    file[name] = ["a", "b"]


def of_nothing(file):
    name, _ = first_array(file)
    file[name] = h5py.Empty("float32")


def of_another_shape(file):
    name, shape = first_array(file)
    file[name] = np.zeros((*shape, 2), "float32")


def of_another_optimizer(file):
    """Behind some that fit: Keras would load those, and forget what went wrong with this one."""
    del file["generator_optimizer/vars/4"]
    file["generator_optimizer/vars/4"] = np.full((3, 3, 3), 5.0, "float32")


def of_a_smaller_optimizer(file):
    del file["generator_optimizer/vars/4"]


def of_no_generator_optimizer(file):
    del file["generator_optimizer"]


CONTENTS = [
    a_link,
    a_link_outside,
    a_group_in_itself,
    of_another_file,
    virtual,
    of_40_gb,
    in_chunks_of_1_gb,
    of_texts_in_numbers,
    under_two_names,
    pytest.param(of_30_000_groups, marks=pytest.mark.slow),
    of_text,
    of_nothing,
    of_another_shape,
    of_another_optimizer,
    of_a_smaller_optimizer,
    of_no_generator_optimizer,
]


@pytest.mark.parametrize("change", CONTENTS, ids=lambda change: change.__name__)
@pytest.mark.parametrize("kind", ["weights.h5", "compiled.keras"])
def test_arrays_of_strangers_are_refused(kind, change, files, loads, tmp_path):
    """Whoever changes a file can seal it again."""
    path = tmp_path / f"crafted.{kind}"
    content = with_arrays(files["weights.h5"].read_bytes()[512:], change)
    if kind == "weights.h5":
        path.write_bytes(seals.of(content) + content)
    else:
        new = {"model.weights.h5": content}
        packed_again(files[kind], path, lambda members: members.update(new))
    assert is_refused(loads[kind], path, None)


@pytest.mark.parametrize("first", ["a pipe", "a device", "a directory", "nothing"])
def test_shards_that_are_no_files_are_refused(first, files, loads, tmp_path):
    """Keras opens the first one even where the index does not name it."""
    for names in (["model_00000.weights.h5"], ["other.weights.h5"]):
        path, shard = tmp_path / "model.weights.json", tmp_path / "model_00000.weights.h5"
        (tmp_path / "other.weights.h5").write_bytes(files["weights.h5"].read_bytes())
        path.write_text(json.dumps({"metadata": {}, "weight_map": {"/vars": names}}))
        if shard.is_symlink() or shard.exists():
            shard.rmdir() if shard.is_dir() else shard.unlink()
        make = {"a pipe": os.mkfifo, "a directory": os.mkdir, "nothing": lambda _: None}
        make.get(first, lambda shard: shard.symlink_to("/dev/zero"))(shard)
        assert is_refused(loads["weights.h5"], path, None)
