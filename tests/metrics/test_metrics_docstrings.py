"""The examples in the docstrings of the metrics print what they say."""

import doctest
import importlib
import pathlib

import keras
import numpy as np
import pytest

import keras_gan
from keras_gan import metrics

ROOT = pathlib.Path(metrics.__file__).parent
NAMES = [
    "keras_gan.metrics." + ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted(ROOT.rglob("*.py"))
    if ">>> " in path.read_text()
]


@pytest.mark.parametrize("name", NAMES)
def test_examples(name):
    module = importlib.import_module(name)
    given = {"np": np, "keras": keras, "keras_gan": keras_gan}
    finder = doctest.DocTestFinder(exclude_empty=True)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for test in finder.find(module, name, extraglobs=given):
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0
