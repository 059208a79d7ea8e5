"""Files that are damaged by chance or made by a stranger: refused, or loaded with equal values."""

import json
import resource
import time
import warnings
import zipfile

import h5py
import numpy as np
import pytest

import keras_gan
from keras_gan.metrics.features import caching
from keras_gan.utils import seals

from . import mutations, small

MOST_SECONDS, MOST_BYTES = 10, 200e6
MUTANTS = [100, pytest.param(2000, marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def model():
    made = small.gan(wide=16)
    made.compile(terms=["r1"], ema=0.9, run_eagerly=True, **small.adams())
    return made


@pytest.fixture(scope="module")
def files(model, tmp_path_factory):
    """Return the paths of a whole file of each kind."""
    directory = tmp_path_factory.mktemp("whole")
    paths = {kind: directory / f"whole.{kind}" for kind in ("keras", "weights.h5", "npz")}
    small.gan(wide=16).save(paths["keras"])  # Not compiled, which loads sooner.
    model.save_weights(paths["weights.h5"])
    caching.save(paths["npz"], {"x": np.arange(2000.0), "text": np.asarray("a b c")}, "key")
    return paths


@pytest.fixture(scope="module")
def loads(model):
    """Return, for each kind, what loads a path and returns what is in it."""
    variables, whole_state = model._saved_variables, small.state(model)
    before = [variable.numpy() for variable in variables]

    def weights(path):
        try:
            model.load_weights(path)
        finally:
            for value, variable in zip(before, variables, strict=True):
                np.testing.assert_array_equal(value, variable.numpy())
        return whole_state

    def whole(path):
        loaded = keras_gan.load_model(path)
        return {f"weight {i}": value for i, value in enumerate(small.weights(loaded))}

    return {"keras": whole, "weights.h5": weights, "npz": lambda path: caching.load(path, "key")}


def is_refused(load, path, whole):
    """Tell whether a file is refused by an error of ours; else it must hold what the whole does."""
    start = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's, of zip archives.
            values = load(path)
    except (ValueError, TypeError) as error:
        assert str(path) in str(error)
        values = None
    assert time.monotonic() - start < MOST_SECONDS
    if values is not None:
        small.assert_equal_states(whole, values)
    return values is None


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("count", MUTANTS)
@pytest.mark.parametrize("kind", ["keras", "weights.h5", "npz"])
def test_mutants_are_refused_or_equal(kind, count, files, loads, tmp_path):
    whole, content = loads[kind](files[kind]), files[kind].read_bytes()
    path, refused, used = tmp_path / f"mutant.{kind}", 0, peak()
    for number in range(count):
        mutant, _ = mutations.of_bytes(content, np.random.default_rng(number))
        path.write_bytes(mutant)
        refused += is_refused(loads[kind], path, whole)
    assert refused > 0.8 * count  # The rest was added behind the end, mostly.
    assert peak() - used < MOST_BYTES


def packed_again(whole, path, change):
    """Write a `.keras` file of the members that `change` makes of a dict of them."""
    with zipfile.ZipFile(whole) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
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
    "a member of 200 MB": lambda members: members.update({"assets/a": bytes(200 * 10**6)}),
    "a lookup table of a file here": another_layer("StringLookup", vocabulary="/etc/hostname"),
    "a program of a directory here": another_layer("TFSMLayer", filepath="saved_models/digits/1"),
}


@pytest.mark.parametrize("change", ARCHIVES.values(), ids=ARCHIVES)
def test_archives_of_strangers_are_refused(change, files, loads, tmp_path):
    path = tmp_path / "crafted.keras"
    packed_again(files["keras"], path, change)
    used = peak()
    assert is_refused(loads["keras"], path, None)
    assert peak() - used < MOST_BYTES


def test_an_archive_that_was_packed_again_is_loaded(files, loads, tmp_path):
    packed_again(files["keras"], tmp_path / "again.keras", lambda members: None)
    first, again = loads["keras"](files["keras"]), loads["keras"](tmp_path / "again.keras")
    small.assert_equal_states(first, again)


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
    file.create_dataset(name, (10**5, 10**5), "float32", chunks=(1000, 1000))


def twelve_of_16_mb(file):
    for number in range(12):
        file.create_dataset(f"vars/{number}", 2**22, "float32", chunks=(1000,))


def of_text(file):
    name, _ = first_array(file)
    file[name] = ["a", "b"]


def of_nothing(file):
    name, _ = first_array(file)
    file[name] = h5py.Empty("float32")


def of_another_shape(file):
    name, shape = first_array(file)
    file[name] = np.zeros((*shape, 2), "float32")


CONTENTS = [
    a_link,
    a_link_outside,
    a_group_in_itself,
    of_another_file,
    virtual,
    of_40_gb,
    twelve_of_16_mb,
    of_text,
    of_nothing,
    of_another_shape,
]


@pytest.mark.parametrize("change", CONTENTS, ids=lambda change: change.__name__)
@pytest.mark.parametrize("kind", ["weights.h5", "keras"])
def test_arrays_of_strangers_are_refused(kind, change, files, loads, tmp_path):
    """Whoever changes a file can seal it again."""
    path, used = tmp_path / f"crafted.{kind}", peak()
    content = tmp_path / "content.h5"
    content.write_bytes(files["weights.h5"].read_bytes())
    with h5py.File(content, "r+") as file:
        change(file)
    content = content.read_bytes()[512:]
    if kind == "keras":
        packed_again(files["keras"], path, lambda all: all.update({"model.weights.h5": content}))
    else:
        path.write_bytes(seals.of(content) + content)
    assert is_refused(loads[kind], path, None)
    assert peak() - used < MOST_BYTES
