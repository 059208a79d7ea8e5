"""An export answers as the model does, in a process without its code, and holds no more."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan

from . import models

IMAGES = ("batch norm", "labels", "source image", "mixed precision")
QUICK = ("labels",)


def nest():
    """Return a model whose condition is a text and a number, and inputs of two rows."""
    z, text, size = keras.Input((3,)), keras.Input((), dtype="string"), keras.Input((1,))
    known = keras.layers.StringLookup(vocabulary=["cat", "dog"])(text)
    parts = [z, keras.layers.Embedding(3, 2)(known), size]
    made = keras.layers.Dense(2)(keras.layers.Concatenate()(parts))
    generator = keras.Model([z, {"text": text, "size": size}], made)
    x = keras.Input((2,))
    discriminator = keras.Model(x, keras.layers.Dense(1)(x))
    model = keras_gan.GAN(generator, discriminator, conditional="generator")
    inputs = {
        **models.inputs_of(model, rows=2),
        "latents": np.ones((2, 3), "float32"),
        "condition_text": np.array(["dog", "cat"]),
        "condition_size": np.ones((2, 1), "float32"),
    }
    return model, inputs


@pytest.fixture(scope="module")
def exports(request, tmp_path_factory):
    """Return each kind of model that tests of this run want, with what its signatures gave.

    Beside that its inputs and its path. One process serves them all: its start is what takes time.
    """
    base = tmp_path_factory.mktemp("exports")
    items = (item for item in request.session.items if item.path == request.path)
    wanted = {item.callspec.params.get("kind") for item in items if hasattr(item, "callspec")}
    made = {kind: make() for kind, make in models.KINDS.items() if kind in wanted}
    inputs = {kind: models.inputs_of(model) for kind, model in made.items()}
    if "nest" in wanted:
        made["nest"], inputs["nest"] = nest()
    paths = {
        kind: model.export(base / kind.replace(" ", "_"), include_discriminator=kind in IMAGES)
        for kind, model in made.items()
    }
    for kind in made.keys() & {*IMAGES}:
        inputs[kind]["images"] = models.pictures(4)
    answers = models.served([(paths[kind], inputs[kind]) for kind in made])
    return {
        kind: (made[kind], inputs[kind], paths[kind], answer)
        for kind, answer in zip(made, answers, strict=True)
    }


def tolerance(kind):
    return 1e-2 if kind == "mixed precision" else 1e-5


@pytest.mark.representatives(*QUICK)
@pytest.mark.parametrize("kind", models.KINDS)
def test_an_export_is_the_models_own_inference(exports, kind):
    model, inputs, _, answers = exports[kind]
    condition = inputs.get("condition")
    expected = model(inputs.get("latents", condition), condition, training=False)
    np.testing.assert_allclose(
        answers["serving_default images"], expected, rtol=0, atol=tolerance(kind)
    )
    # Not the raw network's where there is an average, and not the training mode's.
    if kind == "average":
        assert (
            np.abs(answers["serving_default images"] - model.generator(inputs["latents"])).max()
            > 1e-3
        )


@pytest.mark.representatives(*QUICK)
@pytest.mark.parametrize("kind", models.KINDS)
def test_a_seed_is_the_sample_of_generate(exports, kind):
    model, inputs, _, answers = exports[kind]
    expected = model.generate(4, seed=5, condition=inputs.get("condition"))
    images = answers["sample images"]
    if kind in IMAGES:
        assert images.dtype == np.uint8
        assert np.abs(images - np.rint((expected + 1) * 127.5)).max() <= 1
    else:
        np.testing.assert_allclose(images, expected, rtol=1e-5, atol=1e-6)
    if model.latents is not None:
        np.testing.assert_array_equal(answers["sample latents"], inputs["latents"])


@pytest.mark.representatives(*QUICK)
@pytest.mark.parametrize("kind", [kind for kind in models.KINDS if kind != "source image"])
def test_interpolation_begins_and_ends_at_its_seeds(exports, kind):
    model, inputs, _, answers = exports[kind]
    condition = inputs.get("condition")
    ends = [
        model.generate(1, seed=seed, condition=condition if condition is None else condition[[row]])
        for seed, row in ((0, 0), (4, 3))
    ]
    ends = np.concatenate(ends)
    if kind in IMAGES:
        ends = np.rint((ends + 1) * 127.5)
    found = answers["interpolate images"][[0, 3]].astype("float64")
    assert np.abs(found - ends).max() <= (1 if kind in IMAGES else 1e-5)
    assert np.abs(found[0] - found[1]).max() > (1 if kind in IMAGES else 1e-3)


@pytest.mark.representatives(*QUICK)
@pytest.mark.parametrize("kind", IMAGES)
def test_the_discriminator_answers_as_the_model_does(exports, kind):
    model, inputs, _, answers = exports[kind]
    expected = model.discriminate(inputs["images"], inputs.get("condition"))
    np.testing.assert_allclose(
        answers["discriminate logits"], expected, rtol=tolerance(kind), atol=tolerance(kind)
    )
    np.testing.assert_allclose(
        answers["discriminate probability"],
        1 / (1 + np.exp(-answers["discriminate logits"].astype("float64"))),
        rtol=1e-5,
    )


@pytest.mark.representatives(*QUICK)
@pytest.mark.parametrize("kind", models.KINDS)
def test_each_kind_has_the_signatures_that_apply(exports, kind):
    *_, answers = exports[kind]
    points = {"serving_default", "sample", "interpolate"}
    images = {*points, "sample_png", "discriminate"}
    expected = {
        "batch norm": images,
        "average": points,
        "labels": images,
        "spectral norm": points,
        "source image": images - {"interpolate"} | {"translate", "translate_png"},
        "mixed precision": images,
    }
    assert {key.split()[0] for key in answers} == expected[kind]


@pytest.mark.representatives(*QUICK)
@pytest.mark.parametrize("kind", models.KINDS)
def test_an_export_holds_what_it_reads_and_no_more(exports, kind):
    """No optimizer, no seeds of dropout, no step count; no discriminator unless asked for."""
    model, _, path, _ = exports[kind]
    stored = [
        (shape, tf.train.load_variable(f"{path}/variables/variables", name))
        for name, shape in tf.train.list_variables(f"{path}/variables/variables")
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH"
    ]
    networks = [model.sampling_network, *([model.discriminator] if kind in IMAGES else [])]
    wanted = [weight for network in networks for weight in network.weights]
    assert sorted(list(shape) for shape, _ in stored) == sorted(list(w.shape) for w in wanted)
    for _, value in stored:
        assert value.dtype == np.float32
        assert any(
            weight.shape == value.shape and np.array_equal(weight, value) for weight in wanted
        )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["nest"])
def test_a_nest_of_a_text_and_a_number_is_exported(exports, kind):
    """Each part under its name; the table that texts are looked up in goes along."""
    model, inputs, _, answers = exports[kind]
    condition = {key: inputs[f"condition_{key}"] for key in ("text", "size")}
    tensors = {key: tf.constant(value) for key, value in condition.items()}
    np.testing.assert_allclose(
        answers["serving_default images"], model(inputs["latents"], tensors), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(
        answers["sample images"],
        model.generate(2, seed=5, condition=condition),
        rtol=1e-5,
        atol=1e-6,
    )


def test_a_translation_of_any_size_whose_discriminator_sees_results_alone(tmp_path):
    source, judged = keras.Input((None, None, 3)), keras.Input((None, None, 3))
    drawn = keras.layers.Conv2D(3, 3, padding="same", activation="tanh")(source)
    critic = keras.Model(judged, {"logits": keras.layers.Conv2D(1, 3)(judged), "more": judged})
    model = keras_gan.GAN(keras.Model(source, drawn), critic, latents=None)
    path = model.export(tmp_path / "any", include_discriminator=True)
    signatures = tf.saved_model.load(path).signatures
    sources = np.random.default_rng(0).uniform(-1, 1, (2, 5, 7, 3)).astype("float32")
    expected = np.rint((model.generate(2, condition=sources) + 1) * 127.5)
    png = signatures["sample_png"](condition=tf.constant(sources))["image_bytes"]
    images = np.stack([tf.io.decode_png(file) for file in png])
    assert np.abs(images - expected).max() <= 1
    logits = signatures["discriminate"](images=tf.constant(sources))["logits"]
    np.testing.assert_allclose(logits, model.discriminate(sources), rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_replicas_export_the_same(tmp_path, two_replicas):
    """The weights of replicas are stored once."""
    with two_replicas.scope():
        model = models.small.gan(norm=True, dropout=0.2)
        model.compile(ema=0.9, run_eagerly=True, **models.small.adams(0.05))
    model.fit(models.small.points(16), batch_size=8, verbose=0)
    path = model.export(tmp_path / "replicas")
    names = [name for name, _ in tf.train.list_variables(f"{path}/variables/variables")]
    assert len(names) == 1 + len(model.sampling_network.weights)
    signature = tf.saved_model.load(path).signatures["sample"]
    given = {"seed": tf.range(4, dtype=tf.int64), "truncation": tf.constant([np.inf])}
    np.testing.assert_allclose(
        signature(**given)["images"], model.generate(4, seed=0), rtol=1e-5, atol=1e-6
    )
