"""Exports of nests: translations, composite latents, styles, and ranges of values."""

import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan.data import randomness
from keras_gan.latents import Categorical, Normal, Uniform
from tests.integration import translation
from tests.integration.seeding import seeded
from tests.serving import c_api

from . import translators

PRIOR = {"z": Normal(4), "noise": Normal((8, 8, 1)), "code": Categorical(10)}


def composite():
    """Return a GAN of images from latents of three parts."""
    z = {name: keras.Input(prior.shape, name=name) for name, prior in PRIOR.items()}
    joined = keras.layers.Concatenate()([z["z"], z["code"]])
    image = keras.layers.Reshape((8, 8, 1))(keras.layers.Dense(64)(joined))
    image = keras.layers.Activation("tanh")(keras.layers.Add()([image, z["noise"]]))
    x = keras.Input((8, 8, 1))
    logits = keras.layers.Dense(1)(keras.layers.Flatten()(x))
    return keras_gan.GAN(keras.Model(z, image), keras.Model(x, logits), latents=PRIOR, seed=0)


@pytest.fixture(scope="module")
def of_parts(tmp_path_factory):
    """Return a model of composite latents, and the path of its export."""
    seeded(0)
    model = composite()
    return model, model.export(tmp_path_factory.mktemp("parts") / "parts")


@pytest.fixture(scope="module")
def translating(tmp_path_factory):
    """Return a model of two domains, and the path of its export."""
    model = translation.model()
    path = tmp_path_factory.mktemp("translation") / "both"
    return model, model.export(path, include_discriminator=True)


def test_latents_to_the_bit_in_savedmodel_and_c_api(of_parts):
    model, path = of_parts
    seeds = np.arange(5, 10)
    drawn = model.latents.sample(tf.constant(seeds))
    images = model.generate(5, seed=5)
    loaded = tf.saved_model.load(path).signatures["sample"](
        seed=tf.constant(seeds), truncation=tf.constant([np.inf], tf.float32)
    )
    with c_api.Session(path) as session:
        served = session.run("sample", {"seed": seeds, "truncation": np.array([np.inf], "f4")})
    for answer in (loaded, served):
        for name, part in drawn.items():
            np.testing.assert_array_equal(answer[f"latents_{name}"], part)
        levels = np.asarray(answer["images"]).astype(int)
        assert np.abs(levels - np.rint((images + 1) * 127.5)).max() <= 1


def test_signatures_of_parts(of_parts):
    model, path = of_parts
    loaded = tf.saved_model.load(path)
    latents = model.latents.sample(tf.range(3, dtype=tf.int64))
    named = {f"latents_{name}": part for name, part in latents.items()}
    answer = loaded.signatures["serving_default"](**named)
    np.testing.assert_allclose(answer["images"], model(latents), atol=1e-6)
    between = loaded.signatures["interpolate"](
        seed_a=tf.zeros(2, tf.int64), seed_b=tf.ones(2, tf.int64), position=tf.constant([0.0, 1.0])
    )
    ends = np.rint((model.generate(2, seed=0) + 1) * 127.5)
    assert np.abs(np.asarray(between["images"]).astype(int) - ends).max() <= 1
    card = json.loads((pathlib.Path(path) / "model_card.json").read_text())
    assert "Categorical" in card["generator"]["latents"]


def test_both_directions_by_one_request_each(translating):
    model, path = translating
    sources = {part: images[:2] for part, images in translation.domains().items()}
    bytes_ = {part: np.rint((x + 1) * 127.5).astype("uint8") for part, x in sources.items()}
    made = model.generate(2, condition=bytes_)
    loaded = tf.saved_model.load(path).signatures
    directions = {f"{way}{form}" for way in ("a_to_b", "b_to_a") for form in ("", "_png")}
    assert {*loaded} == directions | {"serving_default", "sample", "sample_png", "discriminate"}
    with c_api.Session(path) as session:
        for part, source in (("a", "b"), ("b", "a")):
            name, key = f"{source}_to_{part}", f"condition_{source}"
            answer = session.run(name, {key: bytes_[source]})[f"images_{part}"]
            np.testing.assert_allclose(answer, (made[part] + 1) * 127.5, atol=0.5 + 1e-3)
            files = translators.pngs(bytes_[source])
            # Servers send as base64 what is named so.
            found = session.run(f"{name}_png", {key: files})[f"image_{part}_bytes"]
            np.testing.assert_array_equal([*map(translators.pixels, found)], answer)
    made = model.generate(2, condition=sources)
    whole = loaded["serving_default"](**{f"condition_{p}": x for p, x in sources.items()})
    for part in made:
        np.testing.assert_allclose(whole[f"images_{part}"], made[part], atol=1e-6)
    judged = loaded["discriminate"](**{f"images_{p}": x for p, x in sources.items()})
    for part, logits in model.discriminate(sources).items():
        np.testing.assert_allclose(judged[f"logits_{part}"], logits, atol=1e-5)


def test_levels_of_a_range_from_zero_to_one(tmp_path):
    z, x = keras.Input((4,)), keras.Input((8, 8, 1))
    image = keras.layers.Dense(64, kernel_initializer=keras.initializers.RandomNormal(0, 2))(z)
    image = keras.layers.Activation("sigmoid")(keras.layers.Reshape((8, 8, 1))(image))
    networks = keras.Model(z, image), keras.Model(x, keras.layers.Dense(1)(x))
    model = keras_gan.GAN(*networks, seed=0)
    assert model.value_range == (0, 1)
    floats = model.generate(4, seed=0)
    loaded = tf.saved_model.load(model.export(tmp_path / "unit")).signatures
    asked = {"seed": tf.range(4, dtype=tf.int64), "truncation": tf.constant([np.inf])}
    levels = np.asarray(loaded["sample"](**asked)["images"]).astype(int)
    files = loaded["sample_png"](**asked)["image_bytes"]
    decoded = np.stack([tf.io.decode_png(file).numpy() for file in files]).astype(int)
    for found in (levels, decoded):
        assert np.abs(found - floats * 255).max() <= 0.5 + 1e-3
    card = json.loads((tmp_path / "unit" / "1" / "model_card.json").read_text())
    assert card["generator"]["value_range"] == [0, 1]
    assert "[0, 1]" in card["export"]["signatures"]["sample"]["outputs"]["images"]["meaning"]


@keras.saving.register_keras_serializable("test")
class Gumbel(keras.layers.Layer):
    """Codes from logits and noise: its own, or what it is given beside the logits."""

    def call(self, inputs):
        logits, noise = inputs if isinstance(inputs, (list, tuple)) else (inputs, None)
        if noise is None:
            noise = tf.random.uniform(tf.shape(logits), 1e-6, 1.0)
        return tf.nn.softmax(logits - tf.math.log(-tf.math.log(noise)))

    def compute_output_shape(self, shape):
        return shape[0] if isinstance(shape, list) else shape


@keras.saving.register_keras_serializable("test")
class AlwaysDropout(keras.layers.Dropout):
    """Dropout that is active at inference."""

    def call(self, inputs, training=False):
        return super().call(inputs, training=True)


def drawing(kind):
    """Return a GAN whose generator draws at inference, or would if it were not fed."""
    z = {"z": keras.Input((4,)), "noise": keras.Input((3,))}
    logits = keras.layers.Dense(3)(z["z"])
    made = {
        "fed": lambda: Gumbel(name="gumbel")([logits, z["noise"]]),
        "own": lambda: Gumbel(name="gumbel")(logits),
        "dropout": lambda: AlwaysDropout(0.5, name="noisy")(logits),
        "quiet": lambda: keras.layers.Dropout(0.5)(logits),
    }[kind]()
    latents = {"z": Normal(4), "noise": Uniform(3, 0.01, 0.99)}
    inputs = z if kind == "fed" else z["z"]
    x = keras.Input((3,))
    networks = keras.Model(inputs, made), keras.Model(x, keras.layers.Dense(1)(x))
    return keras_gan.GAN(*networks, latents=latents if kind == "fed" else latents["z"], seed=0)


@pytest.mark.parametrize(("kind", "layer"), [("own", "gumbel"), ("dropout", "noisy")])
def test_draws_at_inference_are_refused(kind, layer, tmp_path):
    model = drawing(kind)
    with pytest.warns(UserWarning, match=f"A seed names a sample(?s:.*){layer}"):
        model.generate(2, seed=0)
    with pytest.raises(ValueError, match=f"A seed names a sample(?s:.*){layer}"):
        model.export(tmp_path / "drawing")
    assert not (tmp_path / "drawing").exists()


class Within(keras.layers.Layer):
    """Noise that is drawn within a function, a branch or a loop."""

    def __init__(self, where, **kwargs):
        super().__init__(**kwargs)
        self.where = where

    def call(self, inputs):
        def noisy():
            return inputs + tf.random.normal(tf.shape(inputs))

        if self.where == "function":
            return tf.function(noisy)()
        if self.where == "branch":
            return tf.cond(tf.reduce_sum(inputs) > -1e9, noisy, lambda: inputs)
        return tf.map_fn(lambda row: row + tf.random.normal(tf.shape(row)), inputs)

    def compute_output_shape(self, shape):
        return shape


@pytest.mark.representatives("function")
@pytest.mark.parametrize("where", ["function", "branch", "loop"])
def test_draws_within_functions_are_found(where):
    z, x = keras.Input((4,)), keras.Input((3,))
    made = Within(where, name="noisy")(keras.layers.Dense(3)(z))
    model = keras_gan.GAN(keras.Model(z, made), keras.Model(x, keras.layers.Dense(1)(x)), seed=0)
    with pytest.warns(UserWarning, match=r"Received: \['noisy'\]"):
        model.generate(2, seed=0)
    with pytest.raises(ValueError, match=r"Received: \['noisy'\]"):
        randomness.check(model)


def test_examples_of_conditions_are_in_the_range_of_values():
    source, x = keras.Input((8, 8, 1)), keras.Input((8, 8, 1))
    made = keras.layers.Conv2D(1, 1, activation="sigmoid")(source)
    networks = keras.Model(source, made), keras.Model(x, keras.layers.Conv2D(1, 3)(x))
    model = keras_gan.GAN(*networks, latents=None, conditional="generator")
    example = np.asarray(model.condition.example(8, model.value_range))
    assert 0 <= example.min() < 0.1 and 0.9 < example.max() <= 1


def test_parts_whose_names_would_be_one_are_refused(tmp_path):
    z = keras.Input((4,))
    made = {"a": {"b": keras.layers.Dense(3)(z)}, "a_b": keras.layers.Dense(2)(z)}
    judged = {"a": {"b": keras.Input((3,))}, "a_b": keras.Input((2,), name="a_b")}
    joined = keras.layers.Concatenate()([judged["a"]["b"], judged["a_b"]])
    critic = keras.Model(judged, keras.layers.Dense(1)(joined))
    model = keras_gan.GAN(keras.Model(z, made), critic)
    with pytest.raises(ValueError, match=r"rename one.*'a/b', 'a_b'.*'images_a_b'"):
        model.export(tmp_path / "one", warmup=False)


@pytest.mark.representatives("fed")
@pytest.mark.filterwarnings("error:A seed names a sample")
@pytest.mark.parametrize("kind", ["fed", "quiet"])
def test_draws_from_latents_pass(kind, tmp_path):
    model = drawing(kind)
    np.testing.assert_array_equal(model.generate(3, seed=4), model.generate(3, seed=4))
    assert model.export(tmp_path / "quiet")


def styled():
    """Return a GAN with a mapping network of two layers, and what its styles are made to."""
    z, x = keras.Input((4,)), keras.Input((3,))
    styles = keras.layers.Dense(6, "tanh")(keras.layers.Dense(6, "tanh")(z))
    styles = keras_gan.layers.MeanStyle(decay=0.5, name="mean_style")(styles)
    sample = keras.layers.Dense(3, name="synthesis")(styles)
    generator = keras.Model(z, {"samples": sample, "styles": styles})
    return keras_gan.GAN(generator, keras.Model(x, keras.layers.Dense(1)(x)), seed=0)


@pytest.mark.slow
def test_styles_are_truncated_towards_their_mean(tmp_path):
    seeded(0)
    model = styled()
    model.compile(terms=[keras_gan.terms.PathLength(of="styles")])
    model.fit(np.random.default_rng(0).normal(size=(32, 3)).astype("f4"), batch_size=8, verbose=0)
    mean = model.generator.get_layer("mean_style").mean.numpy()
    assert np.abs(mean).max() > 0
    synthesis = model.generator.get_layer("synthesis")
    latents = model.latents.sample(tf.range(5, dtype=tf.int64))
    styles = model.generator(latents, training=False)["styles"].numpy()
    for psi in (0.0, 0.4, 1.0):
        by_hand = synthesis(mean + psi * (styles - mean)).numpy()
        np.testing.assert_allclose(model.generate(5, seed=0, truncation=psi), by_hand, atol=1e-5)
    np.testing.assert_array_equal(model.generate(5, seed=0), model.generate(5, 0, truncation=1))
    loaded = tf.saved_model.load(model.export(tmp_path / "styles")).signatures["sample"]
    asked = {"seed": tf.range(5, dtype=tf.int64)}
    found = loaded(**asked, truncation=tf.constant([0.4]))["images"]
    np.testing.assert_allclose(found, model.generate(5, seed=0, truncation=0.4), atol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least 0"):
        loaded(**asked, truncation=tf.constant([-1.0]))
