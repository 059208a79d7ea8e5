"""Files from strangers: what they may not do. No file of ours holds code, or is pickled."""

import ast
import inspect
import io
import json
import os
import pathlib
import stat
import zipfile

import keras
import numpy as np
import pytest

import keras_gan
from tests.integration import begun, small

PACKAGE = pathlib.Path(keras_gan.__file__).parent


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return a `.keras` file of a compiled GAN."""
    model = small.gan()
    model.compile(terms=["r1"], ema=0.9, **small.adams())
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    model.save(path)
    return path


def crafted(saved, path, change=lambda config: None, members=None):
    """Write a copy of a `.keras` file with another config, and other members beside its own."""
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                config = json.loads(content)
                change(config)
                content = json.dumps(config)
            new.writestr(name, content)
        for name, content in (members or {}).items():
            new.writestr(name, content)
    return path


def test_the_file_that_is_crafted_loads_when_it_is_not(saved, tmp_path):
    loaded = keras.saving.load_model(crafted(saved, tmp_path / "same.keras"), safe_mode=True)
    original = keras.saving.load_model(saved)
    small.assert_equal_states(small.state(original), small.state(loaded))


def lambda_layer(evidence):
    """Return the config of a Lambda layer whose code leaves evidence when it is run."""
    code = f"lambda x: x if __import__('os').makedirs({str(evidence)!r}, exist_ok=True) else x"
    return keras.saving.serialize_keras_object(keras.layers.Lambda(eval(code), output_shape=(3,)))


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_a_lambda_layer_is_refused(saved, tmp_path, network):
    evidence = tmp_path / "evidence"

    def change(config):
        layers = config["config"][network]["config"]["layers"]
        last = layers[-1]
        last.update({**lambda_layer(evidence), "name": last["name"]})

    path = crafted(saved, tmp_path / "crafted.keras", change)
    with pytest.raises((ValueError, TypeError), match=r"(?i)lambda"):
        keras.saving.load_model(path)
    assert not evidence.exists()


FOREIGN = {
    "module": "subprocess",
    "class_name": "Popen",
    "config": {"args": ["touch", "evidence"]},
    "registered_name": None,
}


@pytest.mark.parametrize("place", ["layer", "latents", "generator", "term", "loss"])
def test_a_class_that_is_not_of_a_model_is_refused(saved, tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)

    def change(config):
        if place == "layer":
            layer = config["config"]["generator"]["config"]["layers"][-1]
            layer.update({**FOREIGN, "name": layer["name"]})
        elif place in config["config"]:
            config["config"][place] = FOREIGN
        elif place == "term":
            config["compile_config"]["terms"] = [FOREIGN]
        else:
            config["compile_config"]["loss"] = FOREIGN

    path = crafted(saved, tmp_path / "crafted.keras", change)
    with pytest.raises((ValueError, TypeError), match=r"Popen|subprocess"):
        keras.saving.load_model(path)
    assert os.listdir(tmp_path) == ["crafted.keras"]


OUTSIDE = "/tmp/keras_gan_evidence"
ESCAPING = ("../evidence", "assets/../../evidence", OUTSIDE, "..\\evidence", "C:\\evidence")


@pytest.fixture
def inside(tmp_path, monkeypatch):
    """Return a directory deep in the test's own, in which it works."""
    directory = tmp_path / "a" / "b"
    directory.mkdir(parents=True)
    monkeypatch.chdir(directory)
    monkeypatch.setenv("TMPDIR", str(directory))
    return directory


@pytest.mark.parametrize("name", ESCAPING)
def test_archives_whose_members_lead_outside_are_refused(saved, tmp_path, inside, name):
    path = crafted(saved, inside / "crafted.keras", members={name: b"evidence"})
    before = sorted(tmp_path.rglob("*"))
    model = keras.saving.load_model(saved)
    state = small.state(model)
    for load in (keras_gan.load_model, model.load_weights):
        with pytest.raises(ValueError, match="members don't stay inside") as caught:
            load(path)
        assert repr(name) in str(caught.value)
    small.assert_equal_states(state, small.state(model))
    assert sorted(tmp_path.rglob("*")) == before
    assert not os.path.exists(OUTSIDE)


def test_links_in_archives_are_refused(saved, inside):
    path = crafted(saved, inside / "crafted.keras")
    link = zipfile.ZipInfo("assets/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ValueError, match="assets/link"):
        keras_gan.load_model(path)


@pytest.mark.parametrize("name", ESCAPING[:3])
def test_keras_itself_writes_no_member_outside(saved, tmp_path, inside, name):
    path = crafted(saved, inside / "crafted.keras", members={name: b"evidence"})
    before = sorted(tmp_path.rglob("*"))
    keras.saving.load_model(path)
    assert sorted(tmp_path.rglob("*")) == before
    assert not os.path.exists(OUTSIDE)


def test_load_model_has_no_way_around_safe_mode(saved, tmp_path):
    """Not the model's own file, which loads, nor one with a Lambda, which does not."""
    parameters = list(inspect.signature(keras_gan.load_model).parameters)
    assert parameters == ["filepath", "custom_objects", "compile"]  # And no `safe_mode`.
    loaded = keras_gan.load_model(saved)
    small.assert_equal_states(small.state(keras.saving.load_model(saved)), small.state(loaded))
    evidence = tmp_path / "evidence"

    def change(config):
        last = config["config"]["generator"]["config"]["layers"][-1]
        last.update({**lambda_layer(evidence), "name": last["name"]})

    with pytest.raises((ValueError, TypeError), match=r"(?i)lambda"):
        keras_gan.load_model(crafted(saved, tmp_path / "crafted.keras", change))
    assert not evidence.exists()


@pytest.mark.slow
def test_weights_files_with_objects_are_refused(tmp_path):
    """An array of Python objects is pickled, and reading it would run it."""
    buffer = io.BytesIO()
    np.savez(buffer, best=np.array([{"a": 1}], dtype=object))
    backup = keras_gan.callbacks.Backup(tmp_path / "backup")
    model = small.gan()
    model.compile(**small.adams())
    model.fit(small.points(), batch_size=8, verbose=0, callbacks=[backup])
    (name,) = os.listdir(tmp_path / "backup")
    directory = tmp_path / "backup" / name
    (directory / "arrays.npz").write_bytes(buffer.getvalue())
    begun.sign(directory)
    with pytest.warns(keras_gan.callbacks.BackupWarning, match=r"damaged: .*Python objects.*aside"):
        model.fit(small.points(), batch_size=8, epochs=2, verbose=0, callbacks=[backup])


def test_nothing_in_the_package_pickles_or_evaluates():
    """Neither by name nor by the arguments through which NumPy and Keras do it."""
    modules = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name.split(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [(node.module or "").split(".")[0]]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                names = [node.func.id] if node.func.id in ("eval", "exec") else []
            elif isinstance(node, ast.keyword):
                unsafe = {"allow_pickle": True, "safe_mode": False}
                value = getattr(node.value, "value", None)
                names = [node.arg] if node.arg in unsafe and value is unsafe[node.arg] else []
            bad = modules | {"eval", "exec", "allow_pickle", "safe_mode"}
            found += [f"{path.relative_to(PACKAGE)}:{node}: {n}" for n in names if n in bad]
        text = path.read_text()
        assert "enable_unsafe_deserialization" not in text, path
    assert len(list(PACKAGE.rglob("*.py"))) > 60
    assert not found, found
