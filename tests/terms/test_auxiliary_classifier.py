"""The auxiliary classifier against literal NumPy: whose labels, whose samples, whose weight."""

import math

import heads
import keras
import numpy as np
import pytest
import tensorflow as tf
from term_steps import normal, step_of, values_of

import keras_gan
from keras_gan.terms import AuxiliaryClassifier, classes

BOTH = ("real", "fake")


def entropy(logits, labels, smoothing=0.0):
    """The cross-entropy of labels of which a share is spread over all classes."""
    powers = np.exp(np.asarray(logits).astype("float64"))
    rows = np.eye(powers.shape[1])[labels]
    targets = (1 - smoothing) * rows + smoothing / powers.shape[1]
    return -(targets * np.log(powers / powers.sum(1, keepdims=True))).sum(1)


@pytest.fixture(scope="module")
def judged():
    """Return a step, and the class logits of its real and its generated samples."""
    model = heads.model_of()
    x, labels = heads.data()
    step = step_of(model, x, condition=labels)
    told = [model.discriminator(each)["classes"] for each in (x, step.fake)]
    return step, labels, *told


def test_sides(judged):
    step, labels, real, fake = judged
    of_real, of_fake = entropy(real, labels), entropy(fake, labels)
    smoothed = entropy(real, labels, 0.3)
    cases = [
        ({}, of_real),
        ({"on": "fake"}, of_fake),
        ({"on": BOTH}, of_real + of_fake),
        ({"on": BOTH, "label_smoothing": 0.3}, smoothed + of_fake),
    ]
    for options, expected in cases:
        term = AuxiliaryClassifier(**options)
        np.testing.assert_allclose(values_of(term, step), expected, rtol=1e-5)
        np.testing.assert_allclose(values_of(term, step, "generator"), of_fake, rtol=1e-5)
    assert np.abs(of_real - smoothed).max() > 0.01 < np.abs(of_real - of_fake).max()


def test_forms_of_labels():
    logits, labels = normal(6, 4), np.array([0, 3, 2, 1, 0, 2])
    rows = np.eye(4, dtype="float32")[labels]
    for form in (labels, labels[:, None], rows, rows.astype("int64")):
        for smoothing in (0.0, 0.1):
            found = classes.cross_entropy(tf.constant(form), logits, smoothing=smoothing)
            np.testing.assert_allclose(found, entropy(logits, labels, smoothing), rtol=1e-5)
        assert classes.class_numbers(tf.constant(form), 4).numpy().tolist() == labels.tolist()
    with pytest.raises(ValueError, match=r"rows of 4 numbers.*shape \(6, 3\) and type float32"):
        classes.class_numbers(tf.zeros((6, 3)), 4)


def test_uniform_guesses_cost_log_n_a_side(judged):
    """Whatever the labels, and however smooth."""
    step, labels, *_ = judged
    model = heads.model_of()
    model.discriminator.get_layer("classes").set_weights([np.zeros((7, 3)), np.full(3, 5.0)])
    step = step_of(model, heads.data()[0], condition=labels)
    for on, sides in (("real", 1), ("fake", 1), (BOTH, 2)):
        term = AuxiliaryClassifier(on=on, label_smoothing=0.2)
        np.testing.assert_allclose(values_of(term, step), sides * math.log(3), rtol=1e-6)


@pytest.mark.parametrize(("own", "theirs"), [(None, 2.0), (0.1, 0.1), (0, 0)])
def test_weights_of_players(own, theirs):
    term = AuxiliaryClassifier(2.0, generator_weight=own)
    assert (term.weight_of("discriminator"), term.weight_of("generator")) == (2.0, theirs)


def test_labels_of_a_dict():
    x, labels = heads.data()
    condition = {"digit": labels, "other": 1 - labels}
    label = keras.Input((), dtype="int32")
    generator, discriminator = heads.networks()
    z = generator.input[0]
    generator = keras.Model([z, label], generator([z, label]))
    model = keras_gan.GAN(
        generator, discriminator, heads.LATENTS, "generator", generator_condition="digit", seed=0
    )
    term = AuxiliaryClassifier(labels="digit")
    model.compile(terms=[term], run_eagerly=True)
    step = step_of(model, x, condition=condition)
    expected = entropy(model.discriminator(x)["classes"], labels)
    np.testing.assert_allclose(values_of(term, step), expected, rtol=1e-5)
    for key, wrong in ((None, "digit', 'other"), ("label", "the part 'label'")):
        with pytest.raises(ValueError, match=wrong):
            AuxiliaryClassifier(labels=key).discriminator_term(step)


def test_training_and_evaluation_tell_of_both_players():
    model = heads.model_of(AuxiliaryClassifier(0.0))
    x, labels = heads.data()
    keys = {"auxiliary_classifier/discriminator", "auxiliary_classifier/generator"}
    logs = model.train_on_batch(x, labels, return_dict=True)
    assert keys <= logs.keys()
    logs = model.test_on_batch(x, labels, return_dict=True)
    expected = entropy(model.discriminator(x)["classes"], labels).mean()
    assert logs["auxiliary_classifier/discriminator"] == pytest.approx(expected, rel=1e-5)
    assert keys <= logs.keys()


def test_what_can_not_be_is_refused():
    with pytest.raises(ValueError, match="reads labels, and this model takes none"):
        heads.model_of(AuxiliaryClassifier(), labelled=False)
    with pytest.raises(ValueError, match="output='told'"):
        heads.model_of(AuxiliaryClassifier(output="told"))
    with pytest.raises(ValueError, match=r"logits of all 3 classes\. Received: logits of 2"):
        heads.model_of(AuxiliaryClassifier(), outputs={"classes": 2})
    generator, discriminator = heads.networks()
    told = {name: discriminator.output[name] for name in ("logits", "classes")}
    told["classes"] = keras.layers.Softmax()(told["classes"])
    model = keras_gan.GAN(generator, keras.Model(discriminator.input, told), heads.LATENTS)
    with pytest.raises(ValueError, match=r"'classes' to be logits.*ends in a softmax"):
        model.compile(terms=["auxiliary_classifier"])
    with pytest.raises(ValueError, match=r"replay=5, with the terms \['auxiliary_classifier'\]"):
        heads.model_of(AuxiliaryClassifier(on="fake"), replay=5)
    heads.model_of(AuxiliaryClassifier(), replay=5).train_on_batch(*heads.data())


@pytest.mark.slow
def test_acgan_makes_the_class_that_it_is_asked_for():
    """Two classes of vectors, at 1 and at -1; a discriminator that takes no label."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 512).astype("int32")
    x = (2.0 * labels[:, None] - 1 + rng.normal(0, 0.2, (512, 6))).astype("float32")
    x = np.clip(x, -1, 1)
    for terms, learned in (([AuxiliaryClassifier(on=BOTH)], True), ([], False)):
        keras.utils.set_random_seed(0)
        adam = {f"{p}_optimizer": keras.optimizers.Adam(2e-3, 0.5) for p in heads.PLAYERS}
        model = heads.model_of(*terms, loss="non_saturating", run_eagerly=False, **adam)
        model.fit(x, labels, batch_size=32, epochs=15, verbose=0)
        asked = np.arange(200, dtype="int32") % 2
        made = model.generate(200, seed=0, condition=asked)
        right = float(((made.mean(1) > 0) == asked).mean())
        assert (right > 0.95) is learned, right
