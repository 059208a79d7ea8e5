"""The check, at import, of the private names of Keras and TensorFlow."""

import ast
import configparser
import importlib
import pathlib
import re
import runpy
import sys

import keras
import pytest
import tensorflow as tf
from keras.src.saving import saving_lib

import keras_gan
from keras_gan.utils import keras_internals, private_names

PACKAGE = pathlib.Path(keras_gan.__file__).parent
CASES = [
    (table, place, name)
    for table in (private_names.MEMBERS, private_names.NAMED)
    for place, names in table.items()
    for name in names
]


@pytest.fixture(autouse=True)
def looked_at_anew():
    private_names._names_in.cache_clear()
    yield
    private_names._names_in.cache_clear()


def test_all_are_there():
    assert private_names.missing() == []


@pytest.mark.parametrize(
    ("owner", "name"),
    [(keras.Layer, "_flatten_layers"), (saving_lib, "_save_state"), (tf.data.Dataset, "_inputs")],
)
def test_one_that_is_gone_is_told_at_import(monkeypatch, owner, name):
    monkeypatch.delattr(owner, name)
    with pytest.raises(ImportError) as caught:
        runpy.run_path(PACKAGE / "__init__.py")
    text = str(caught.value)
    assert f".{name}. It is tested with keras " in text
    assert f"Received: keras {keras.__version__} and tensorflow {tf.__version__}." in text
    assert 'pip install "keras~=' in text


def test_a_module_that_is_gone_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras.src.saving.saving_lib", None)
    assert private_names.missing() == ["keras.src.saving.saving_lib"]


@pytest.mark.parametrize(("table", "place", "name"), [CASES[0], CASES[-1]], ids=["member", "named"])
def test_one_that_is_not_there_is_missed(monkeypatch, table, place, name):
    """Renamed by Keras, a name is no longer found where the table says."""
    monkeypatch.setitem(table, place, (f"{name}_of_old",))
    (found,) = private_names.missing()
    assert found == f"{place.replace(':', '.')}.{name}_of_old"


def test_an_attribute_that_no_method_sets_any_more_is_missed(monkeypatch):
    module, _, kind = "keras.src.trainers.epoch_iterator:EpochIterator".partition(":")
    owner = getattr(importlib.import_module(module), kind)
    for method in [key for key, value in vars(owner).items() if hasattr(value, "__code__")]:
        monkeypatch.setattr(owner, method, lambda self: None)
    assert f"{module}.{kind}._steps_seen" in private_names.missing()


def test_every_private_name_that_the_package_uses_is_looked_for():
    source = (PACKAGE / "utils" / "keras_internals.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    used = {name for name in used if re.fullmatch(r"_[a-z]\w*", str(name))}
    used |= set(re.findall(r"`(_\w+)`", keras_internals.__doc__))
    assert used <= {name for _, _, name in CASES}


def test_versions_are_the_floors_that_are_declared():
    file = configparser.ConfigParser()
    file.read(PACKAGE.parent / "setup.cfg", encoding="utf-8")
    declared = file["options"]["install_requires"].split("\n")
    assert {f"{name}>={version}" for name, version in private_names.TESTED.items()} <= {*declared}
