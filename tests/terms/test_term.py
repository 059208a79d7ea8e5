import keras
import numpy as np
import pytest

import keras_gan
from keras_gan.terms import Term


def networks():
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    discriminator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    return generator, discriminator


@keras.saving.register_keras_serializable("test")
class Reconstruction(Term):
    """Recovers the latents from the samples by a head of its own, trained by the generator."""

    player = "generator"

    def attach(self, model):
        self.head = keras.layers.Dense(model.latents.shape[0])
        self.head.build((None, *model.generator.output_shape[1:]))

    def generator_term(self, step):
        return keras.ops.mean(keras.ops.square(self.head(step.fake) - step.latents), axis=1)


@keras.saving.register_keras_serializable("test")
class UpdateCounter(Term):
    """Counts who was updated, in state of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.counts = self.add_weight(shape=(2,), initializer="zeros", trainable=False)

    def discriminator_term(self, step):
        return keras.ops.zeros_like(step.real_logits)

    def after_update(self, player, step):
        self.counts.assign_add([1.0, 0.0] if player == "discriminator" else [0.0, 1.0])


@keras.saving.register_keras_serializable("test")
class Drift(Term):
    """Reads its config as Keras's own layers do."""

    def __init__(self, aim=0.0, **kwargs):
        super().__init__(**kwargs)
        self.aim = aim

    def discriminator_term(self, step):
        return keras.ops.square(step.real_logits - self.aim)

    def get_config(self):
        return {**super().get_config(), "aim": self.aim}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable("test")
class Unbuilt(Term):
    def attach(self, model):
        self.head = keras.layers.Dense(1)


def test_a_terms_own_weights_are_trained_and_saved(tmp_path):
    model = keras_gan.GAN(*networks())
    model.compile(
        terms=[Reconstruction()],
        generator_optimizer=keras.optimizers.Adam(0.02),
        discriminator_optimizer=keras.optimizers.SGD(0.0),
    )
    head = model.terms[0].head
    before = head.get_weights()[0].copy()
    x = np.random.default_rng(0).normal(size=(640, 3)).astype("float32")
    history = model.fit(x, batch_size=32, epochs=10, verbose=0).history
    assert not np.allclose(head.get_weights()[0], before)
    assert history["reconstruction"][-1] < 0.5 * history["reconstruction"][0]
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.saving.load_model(path)
    assert np.array_equal(loaded.terms[0].head.get_weights()[0], head.get_weights()[0])


def test_a_term_is_made_of_its_config(tmp_path):
    model = keras_gan.GAN(*networks())
    schedule = keras_gan.schedules.Linear(1.0, 0.5, end=10)
    model.compile(terms=[Drift(0.5, weight=0.1, interval=2, schedule=schedule), "r1"])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert [term.get_config() for term in loaded.terms] == [t.get_config() for t in model.terms]
    assert loaded.terms[0].aim == 0.5
    for term in (keras_gan.terms.GradientPenalty(2.0), Drift(dtype="float16")):
        again = type(term)(**term.get_config())
        assert again.get_config() == term.get_config()
        assert again.dtype == "float32"


@pytest.mark.slow
@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_after_update_follows_every_update(update):
    model = keras_gan.GAN(*networks())
    model.compile(terms=[UpdateCounter()], discriminator_steps=3, update=update)
    model.fit(np.zeros((24, 3), "float32"), batch_size=4, verbose=0)
    assert model.steps == 2
    assert model.terms[0].counts.numpy().tolist() == [6, 2]


def test_an_unbuilt_layer_is_refused_and_the_model_keeps_its_compile():
    model = keras_gan.GAN(*networks())
    model.compile("least_squares")
    with pytest.raises(ValueError, match="build them in `attach"):
        model.compile(terms=[Unbuilt()])
    assert model.loss.name == "least_squares"
    model.fit(np.zeros((8, 3), "float32"), verbose=0)


def test_names_are_log_keys_without_numbers():
    assert UpdateCounter().name == UpdateCounter().name == "update_counter"
    with pytest.raises(ValueError, match=r"\['update_counter'\] more than once"):
        keras_gan.GAN(*networks()).compile(terms=[UpdateCounter(), UpdateCounter()])
