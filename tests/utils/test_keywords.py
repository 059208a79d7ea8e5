"""Public constructors and functions answer keywords that they don't have, and stay the same."""

import inspect
import pickle
import pydoc

import keras
import numpy as np
import pytest

import keras_gan
from keras_gan import augmentation, callbacks, datasets, latents, layers, losses, networks, terms
from keras_gan import metrics as quality

ROOMS = [augmentation, callbacks, datasets, latents, layers, losses, quality, networks, terms]
ROOMS += [keras_gan.schedules, quality.features]
PUBLIC = {
    f"{room.__name__}.{name}": getattr(room, name)
    for room in ROOMS
    for name in room.__all__
    if callable(getattr(room, name))
}


# Those with Python's own constructor, and the one whose keywords are names of the user's.
OTHERS = {"BackupWarning", "CollapseWarning", "DivergenceWarning", "unpaired"}


@pytest.mark.parametrize("name", [n for n in PUBLIC if n.rpartition(".")[2] not in OTHERS])
def test_an_unknown_keyword_is_a_type_error_that_names_it(name):
    with pytest.raises(TypeError, match=r"`no_such_keyword`|\'no_such_keyword\'|no arguments"):
        PUBLIC[name](no_such_keyword=1)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_object_can_be_pickled_by_its_name(name):
    assert pickle.loads(pickle.dumps(PUBLIC[name])) is PUBLIC[name]


def test_signatures_and_help_are_those_of_the_source():
    assert [*inspect.signature(networks.mlp).parameters][:2] == ["sample_shape", "latent_dim"]
    assert [*inspect.signature(terms.R1).parameters][:2] == ["gamma", "interval"]
    assert inspect.getfullargspec(terms.R1.__init__).args[:3] == ["self", "gamma", "interval"]
    assert "mlp(sample_shape, latent_dim=16, width=64" in pydoc.plain(
        pydoc.render_doc(networks.mlp)
    )
    assert inspect.getsource(networks.mlp).startswith("def mlp(")
    assert inspect.getsource(terms.R1.__init__).lstrip().startswith("def __init__(self, gamma")


def test_a_function_that_takes_any_name_still_does():
    domains = {name: datasets.from_arrays(np.zeros((4, 2)), batch_size=2) for name in "ab"}
    assert datasets.unpaired(**domains).element_spec.keys() == {"a", "b"}


def test_what_keras_gives_its_layers_is_taken():
    for layer in (layers.Packing(2, dtype="float32"), augmentation.Cutout(trainable=False)):
        assert isinstance(layer, keras.layers.Layer)
    assert terms.R1(trainable=True, dtype="float16").dtype == "float32"


class Own(terms.R1):
    """A subclass with a constructor of its own."""

    def __init__(self, aim, **kwargs):
        super().__init__(**kwargs)
        self.aim = aim


def test_a_subclass_is_not_said_to_have_the_arguments_of_its_base():
    assert Own(1, gamma=2.0).gamma == 2.0
    with pytest.raises(TypeError, match=r"`R1` has no argument `weight`\. Write `gamma=`"):
        Own(1, weight=2.0)
