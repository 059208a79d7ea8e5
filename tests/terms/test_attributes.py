"""StarGAN's terms against literal NumPy, and its whole game from the library's parts."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from term_steps import normal, step_of, values_of

import keras_gan
from keras_gan.terms import AttributeCycle, DomainClassification, attributes

layers = keras.layers


def networks(classes=3, side=4):
    """Return StarGAN's generator of one image and a label, and its discriminator, small."""
    image = keras.Input((side, side, 1), name="image")
    target = keras.Input((classes,), name="target")
    x = keras_gan.layers.LabelPlanes()([image, target])
    x = layers.Conv2D(1, 3, padding="same", activation="tanh")(x)
    generator = keras.Model({"image": image, "target": target}, x)
    judged = keras.Input((side, side, 1))
    hidden = layers.LeakyReLU(0.01)(layers.Conv2D(4, 4, 2, "same")(judged))
    told = layers.Conv2D(classes, side // 2)(hidden)  # A map of one place, as StarGAN's.
    heads = {"logits": layers.Conv2D(1, 3, padding="same")(hidden), "classes": told}
    return generator, keras.Model(judged, heads)


def model_of(*terms, loss="wasserstein", **options):
    keys = {"generator_condition": ["image", "target"]}
    model = keras_gan.GAN(*networks(), latents=None, conditional="generator", seed=0, **keys)
    model.compile(loss, terms=list(terms), **{"run_eagerly": True, **options})
    return model


def attributes_of(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2, (n, 3)).astype("float32")


def data(n=5):
    x = np.tanh(normal(n, 4, 4, 1))
    return x, {"image": x, "source": attributes_of(n), "target": attributes_of(n, 1)}


def binary(logits, labels):
    p = 1 / (1 + np.exp(-logits.astype("float64")))
    return -(labels * np.log(p) + (1 - labels) * np.log(1 - p)).sum(axis=1)


def exclusive(logits, labels):
    powers = np.exp(logits.astype("float64"))
    return -np.log(powers[np.arange(len(labels)), labels] / powers.sum(axis=1))


def test_the_right_label_for_each_player():
    """D of real samples with their own, G of its samples with what was asked for."""
    term = DomainClassification()
    model = model_of(term)
    x, condition = data()
    condition = {key: tf.constant(part) for key, part in condition.items()}
    step = step_of(model, x, condition=condition, player="generator")
    for player, samples, key in [
        ("discriminator", x, "source"),
        ("generator", step.fake, "target"),
    ]:
        logits = np.asarray(model.discriminator(samples)["classes"]).reshape(5, 3)
        expected = binary(logits, condition[key].numpy())
        np.testing.assert_allclose(values_of(term, step, player), expected, rtol=1e-4)
    assert term.log_names == [
        "domain_classification/discriminator",
        "domain_classification/generator",
    ]


def test_forms_of_labels():
    logits, classes = normal(6, 4), np.array([0, 3, 2, 1, 0, 2])
    expected = exclusive(logits, classes)
    rows = np.eye(4, dtype="float32")[classes]
    for labels, flag in [(classes, False), (classes[:, None], False), (rows, True)]:
        found = attributes.cross_entropy(tf.constant(labels), tf.constant(logits), flag)
        np.testing.assert_allclose(found, expected, rtol=1e-4)
    flags = tf.constant(rows, tf.uint8)
    found = attributes.cross_entropy(flags, tf.constant(logits), exclusive=False)
    np.testing.assert_allclose(found, binary(logits, rows), rtol=1e-4)
    far = tf.constant([[1e4, -1e4]])
    with tf.GradientTape() as tape:
        tape.watch(far)
        value = attributes.cross_entropy(tf.constant([[0.0, 1.0]]), far, exclusive=False)
    assert float(value[0]) == 2e4 and tape.gradient(value, far).numpy().tolist() == [[1, -1]]
    with pytest.raises(ValueError, match=r"rows of 4 numbers.*shape \(6, 3\) and type float32"):
        attributes.cross_entropy(tf.zeros((6, 3)), tf.constant(logits), exclusive=False)


def test_in_a_graph_of_any_batch_size():
    logits, labels = normal(5, 1, 1, 3), attributes_of(5)
    spec = [tf.TensorSpec((None, 1, 1, 3)), tf.TensorSpec((None, 3))]
    term = DomainClassification()
    graph = tf.function(lambda x, y: term._told({"classes": x}, y), input_signature=spec)
    np.testing.assert_allclose(graph(logits, labels), binary(logits[:, 0, 0], labels), rtol=1e-4)


def test_the_cycle_goes_back_to_the_source():
    term = AttributeCycle(norm="l2")
    model = model_of(term)
    x, condition = data()
    condition = {key: tf.constant(part) for key, part in condition.items()}
    step = step_of(model, x, condition=condition, player="generator")
    there = model.generator({"image": condition["image"], "target": condition["target"]})
    back = np.asarray(model.generator({"image": there, "target": condition["source"]}))
    expected = np.square(back - x).mean((1, 2, 3))
    np.testing.assert_allclose(values_of(term, step, "generator"), expected, rtol=1e-4)


def test_evaluation_tells_of_them():
    """Without moving anything; of data as of training, with the labels asked for."""
    model = model_of("domain_classification", "attribute_cycle")
    x, condition = data()
    before = [weight.numpy() for weight in model.weights]
    logs = model.test_on_batch(x, condition, return_dict=True)
    for old, new in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(old, new)
    there = model.generator({"image": x, "target": condition["target"]})
    told = np.asarray(model.discriminator(there)["classes"]).reshape(5, 3)
    asked = binary(told, condition["target"]).mean()
    assert logs["domain_classification/generator"] == pytest.approx(asked, rel=1e-4)
    back = model.generator({"image": there, "target": tf.constant(condition["source"])})
    assert logs["attribute_cycle"] == pytest.approx(np.abs(back - x).mean(), rel=1e-4)


def test_conditions_without_labels_are_named():
    for term, key in [
        (DomainClassification(source="own"), "own"),
        (AttributeCycle(image="x"), "x"),
        (AttributeCycle(target="wanted"), "wanted"),
    ]:
        model = model_of(term)
        x, condition = data()
        with pytest.raises(ValueError, match=f"reads the part '{key}'.*'image', 'source'"):
            model.train_on_batch(x, condition)
    with pytest.raises(ValueError, match="output='told'"):
        model_of(DomainClassification(output="told"))


@pytest.mark.slow
def test_stargan_learns_to_set_an_attribute():
    """Brightness: all of v1's parts; images asked to be bright become so, dark ones dark."""
    rng = np.random.default_rng(0)
    bright = rng.integers(0, 2, (512, 1)).astype("float32")
    texture = rng.uniform(-0.2, 0.2, (512, 4, 4, 1))
    images = (texture + 0.6 * (2 * bright[:, None, None] - 1)).astype("float32")
    dataset = keras_gan.datasets.from_arrays(images, bright, batch_size=16, seed=0)

    def with_target(image, label, seed):
        target = tf.random.experimental.stateless_shuffle(label, seed)
        return image, {"image": image, "source": label, "target": target}

    image, target = keras.Input((4, 4, 1), name="image"), keras.Input((1,), name="target")
    x = keras_gan.layers.LabelPlanes()([image, target])
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(1, 3, padding="same", activation="tanh")(x)
    generator = keras.Model({"image": image, "target": target}, x)
    judged = keras.Input((4, 4, 1))
    hidden = layers.LeakyReLU(0.01)(layers.Conv2D(8, 4, 2, "same")(judged))
    heads = {
        "logits": layers.Conv2D(1, 3, padding="same")(hidden),
        "classes": layers.Dense(1)(layers.Flatten()(hidden)),
    }
    model = keras_gan.GAN(
        generator,
        keras.Model(judged, heads),
        latents=None,
        conditional="generator",
        generator_condition=["image", "target"],
        seed=0,
    )
    adam = {
        f"{player}_optimizer": keras.optimizers.Adam(2e-3, beta_1=0.5, beta_2=0.999)
        for player in ("generator", "discriminator")
    }
    terms = ["gradient_penalty", "domain_classification", AttributeCycle(10.0)]
    model.compile("wasserstein", terms=terms, discriminator_steps=2, **adam)
    model.fit(keras_gan.datasets.map(dataset, with_target, seed=1), epochs=10, verbose=0)
    means = {}
    for wanted in (0, 1):
        condition = {
            "image": images,
            "source": bright,
            "target": np.full_like(bright, wanted),
        }
        means[wanted] = model.generate(512, seed=0, condition=condition).mean((1, 2, 3))
    assert means[0].mean() < -0.4 and means[1].mean() > 0.4, {k: v.mean() for k, v in means.items()}
    assert (means[1] > 0).mean() > 0.95 and (means[0] < 0).mean() > 0.95
