"""Every example of a docstring, and every Python block of README and docs, runs."""

import doctest
import functools

import documented
import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

import keras_gan
from keras_gan.datasets import loading
from keras_gan.utils import nests

DIGITS = 128  # Of each split: enough batches for one step of every game on a page.
BUILD, FIT = keras_gan.GAN.compile, keras_gan.GAN.fit


@pytest.fixture(scope="module")
def prepared():
    """Return the names that examples may take for granted, beside a model of their own."""
    images, labels = keras_gan.datasets.load_digits("train")
    images, labels = images[:DIGITS], labels[:DIGITS]
    return {
        "keras_gan": keras_gan,
        "keras": keras,
        "np": np,
        "tf": tf,
        "images": images,
        "dataset": keras_gan.datasets.from_arrays(images, labels, batch_size=64, seed=0),
        "held_out": keras_gan.datasets.load("digits", "test", shuffle=False),
        "callbacks": [],
    }


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Return a directory of images that differ in size."""
    directory = tmp_path_factory.mktemp("photos")
    for i in range(64):
        size = 8 + i % 3, 8
        PIL.Image.new("RGB", size, (4 * i, 100, 150)).save(directory / f"{i:02d}.png")
    return directory


class Played:
    """Games of examples on small networks, op by op and a step each: tracing is what tests cost.

    Each `fit` takes one step. So does a game that is compiled and not trained, as the next one is
    compiled or in the end.

    Attributes:
        calls: the names of the methods that examples have called, in order.
    """

    def __init__(self):
        self.calls = []
        self._untrained = None

    def compile(self, model, *args, **kwargs):
        """Stand in for `GAN.compile`."""
        self.calls.append("compile")
        self.train()
        BUILD(model, *args, **{**kwargs, "run_eagerly": True})
        self._untrained = model

    def fit(self, model, *args, initial_epoch=0, **kwargs):
        """Stand in for `GAN.fit`."""
        self.calls.append("fit")
        self._untrained = None if self._untrained is model else self._untrained
        kwargs.update(initial_epoch=initial_epoch, epochs=initial_epoch + 1, verbose=0)
        history = FIT(model, *args, **{"steps_per_epoch": 1, **kwargs})
        _check(model, history.history)
        return history

    def train(self):
        """Train the model whose game has not been played yet, if there is one."""
        model, self._untrained = self._untrained, None
        if model is not None:
            _check(model, FIT(model, _one_step(model), verbose=0).history)


@pytest.fixture
def played(monkeypatch):
    """Have examples play small games on few digits, and return what keeps account of them."""
    monkeypatch.setattr(loading, "load_digits", _few(loading.load_digits))
    monkeypatch.setattr(keras_gan.networks, "dcgan", _narrow(keras_gan.networks.dcgan))
    games = Played()

    @functools.wraps(BUILD)
    def compiled(model, *args, **kwargs):
        games.compile(model, *args, **kwargs)

    @functools.wraps(FIT)
    def fitted(model, *args, **kwargs):
        return games.fit(model, *args, **kwargs)

    monkeypatch.setattr(keras_gan.GAN, "compile", compiled)
    monkeypatch.setattr(keras_gan.GAN, "fit", fitted)
    return games


def _few(load_digits):
    return lambda split: tuple(array[:DIGITS] for array in load_digits(split))


def _narrow(dcgan):
    @functools.wraps(dcgan)
    def narrow(*args, **kwargs):
        return dcgan(*args, **{"width": 2, **kwargs})

    return narrow


def _one_step(model):
    """Return the data of one training step, of the samples that the generator makes."""
    count = 4 * model.discriminator_steps
    random = np.random.default_rng(0)

    def drawn(structure):
        return nests.map(
            lambda part: random.uniform(-1, 1, (count, *part.shape[1:])).astype("float32"),
            structure,
        )

    element = x = drawn(model.signature.samples)
    if model.num_classes:
        element = x, random.integers(model.num_classes, size=count).astype("int32")
    elif model.conditional and not model.condition.of_samples:
        condition = drawn(model.signature.generator_condition)
        for term in model.terms:  # What the generator does not see.
            if hasattr(term, "source"):
                condition[term.source] = condition[term.target]
        element = x, condition
    return tf.data.Dataset.from_tensor_slices(element).batch(4)


def _check(model, history):
    """Assert that training logged what the terms say, in finite numbers."""
    assert {name for term in model.terms for name in term.log_names} <= history.keys()
    assert all(np.isfinite(values).all() for values in history.values()), history


@pytest.fixture
def namespace(prepared, photos, played, two_replicas, tmp_path, monkeypatch):
    """Return the prepared names, and work in a directory of the example's own."""
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", lambda: two_replicas)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").symlink_to(photos)
    return dict(prepared)


def _with_model(namespace):
    generator, discriminator = keras_gan.networks.dcgan((8, 8, 1))
    model = keras_gan.GAN(generator, discriminator)
    BUILD(model, "non_saturating", run_eagerly=True)
    return {**namespace, "generator": generator, "discriminator": discriminator, "model": model}


def _run(example, namespace, played):
    if example.needs:
        pytest.skip("; ".join(example.needs))
    needs_model = any(name in example.text for name in ("model", "generator", "discriminator"))
    example.run(_with_model(namespace) if needs_model else namespace)
    played.train()
    code = "\n".join(code for _, code in example.blocks)
    for method in ("compile", "fit"):
        assert played.calls.count(method) >= code.count(f"model.{method}(")


# Those that train or export more than others do.
LONG = {
    "keras_gan.callbacks.evaluation.Evaluation",
    "keras_gan.export.exporter.export",
    "keras_gan.metrics.duality_gap.DualityGap",
    "keras_gan.metrics.features.training.train_classifier",
    "keras_gan.metrics.fresh_discriminator.FreshDiscriminator",
    "keras_gan.metrics.fresh_discriminator.fresh_discriminator",
}


@pytest.mark.parametrize(
    "docstring",
    [
        pytest.param(each, id=each.name, marks=[pytest.mark.slow] * (each.name in LONG))
        for each in documented.docstrings()
    ],
)
def test_docstrings(docstring, namespace, played):
    _run(docstring, namespace, played)


@pytest.mark.representatives("README.md", "docs/nests.md")
@pytest.mark.parametrize("page", documented.pages(), ids=lambda each: each.name)
def test_pages(page, namespace, played):
    _run(page, namespace, played)


def test_nothing_is_left_out():
    """Count examples in the raw text, where no parser can lose one."""
    found = documented.docstrings() + documented.pages()
    raw = "".join(path.read_text() for path in sorted(documented.ROOT.glob("keras_gan/**/*.py")))
    raw += "".join((documented.ROOT / page).read_text() for page in documented.PAGES)
    assert sum(len(each.blocks) for each in found) == raw.count("```python\n")
    assert sum(len(each.prompts({}).examples) for each in found) == raw.count(">>> ")


def test_wrong_examples_are_caught():
    """By what they print, by a name that is missing, and with the line of the file."""
    text = "Example:\n\n    ```python\n    a = 1\n    b = c\n    ```\n\n    >>> 1 + 1\n    3\n"
    wrong = documented.Documented("wrong", "wrong.py", 10, text)
    with pytest.raises(NameError) as error:
        wrong.run({})
    assert error.traceback[-1].lineno + 1 == 14
    with pytest.raises(doctest.DocTestFailure) as error:
        documented.Documented("wrong", "wrong.py", 10, text.replace("b = c\n", "b = a\n")).run({})
    assert error.value.example.lineno + error.value.test.lineno + 1 == 17
    documented.Documented("right", "right.py", 1, ">>> 1 + 1\n2\n").run({})
