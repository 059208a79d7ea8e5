"""Samples of several parts, heads of logits, side outputs and composite latents in a game."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from integration import small, translation
from keras_gan import latents, terms

from .seeding import seeded


def three_headed(seed=0):
    """Return networks whose discriminator has heads of 1, 3 and 5 logits for a sample."""
    seeded(seed)
    generator, _ = small.networks()
    x = keras.Input((2,))
    hidden = keras.layers.Dense(6, "tanh")(x)
    heads = [keras.layers.Dense(size, name=f"head{size}")(hidden) for size in (1, 3, 5)]
    return generator, keras.Model(x, heads)


def gradients_by_hand(model, real):
    """Return the discriminator's loss and gradients: the mean over heads of each one's mean."""
    fake = model.generator(small.latents_of_step(model, len(real)), training=True)
    with tf.GradientTape() as tape:
        pairs = zip(model.discriminator(real), model.discriminator(fake), strict=True)
        means = [tf.reduce_mean((r - 1) ** 2 / 2 + f**2 / 2) for r, f in pairs]
        loss = sum(means) / 3
    return float(loss), means, tape.gradient(loss, model.discriminator.trainable_variables)


@pytest.mark.parametrize("run_eagerly", [True, False])
def test_heads_of_different_lengths_count_the_same(run_eagerly):
    model = keras_gan.GAN(*three_headed(), seed=3)
    sgds = keras.optimizers.SGD(0.0), keras.optimizers.SGD(1.0)
    model.compile("least_squares", *sgds, run_eagerly=run_eagerly)
    real = small.points(16)
    loss, means, gradients = gradients_by_hand(model, real)
    before = [v.numpy() for v in model.discriminator.trainable_variables]
    logs = model.train_on_batch(real, return_dict=True)
    assert logs["d_loss"] == pytest.approx(loss, rel=1e-6)
    for i, mean in enumerate(means):
        assert logs[f"d_loss/{i}"] == pytest.approx(float(mean), rel=1e-6)
    for old, new, gradient in zip(
        before, model.discriminator.trainable_variables, gradients, strict=True
    ):
        np.testing.assert_allclose(old - new.numpy(), gradient, rtol=1e-5, atol=1e-6)


def test_each_head_is_penalized_by_itself():
    """R1 and the gradient penalty of a linear discriminator with two heads, in closed form."""
    generator, _ = small.networks()
    x = keras.Input((2,))
    heads = {"p": keras.layers.Dense(1, name="p")(x), "q": keras.layers.Dense(1, name="q")(x)}
    discriminator = keras.Model(x, {"logits": heads})
    for name, kernel in (("p", [3.0, 4.0]), ("q", [0.0, 1.0])):
        discriminator.get_layer(name).set_weights([np.array(kernel)[:, None], np.zeros(1)])
    model = keras_gan.GAN(generator, discriminator, seed=0)
    model.compile("hinge", terms=["r1", "gradient_penalty"], run_eagerly=True)
    logs = model.train_on_batch(small.points(8), return_dict=True)
    assert logs["r1"] == pytest.approx((25 / 2 + 1 / 2) / 2)
    assert logs["gradient_penalty"] == pytest.approx(((5 - 1) ** 2 + (1 - 1) ** 2) / 2, abs=1e-5)


@keras.saving.register_keras_serializable("test")
class Classify(terms.Term):
    """Cross-entropy of a side output of the generator against its labels."""

    player = "generator"

    def generator_term(self, step):
        logits = step.generated["logits"]
        return keras.losses.sparse_categorical_crossentropy(
            step.condition, logits, from_logits=True
        )


def with_side_output():
    """Return conditional networks whose generator says of its samples which label they have."""
    z, y = keras.Input((3,)), keras.Input((), dtype="int32")
    embedded = keras.layers.Embedding(3, 2)(y)
    hidden = keras.layers.Dense(8, "tanh")(keras.layers.Concatenate()([z, embedded]))
    sample = keras.layers.Dense(2)(hidden)
    outputs = {"samples": sample, "logits": keras.layers.Dense(3)(sample)}
    x = keras.Input((2,))
    return keras.Model([z, y], outputs), keras.Model(x, keras.layers.Dense(1)(x))


def test_a_term_on_a_side_output_trains(tmp_path):
    seeded(0)
    model = keras_gan.GAN(*with_side_output(), seed=0)
    model.compile(terms=[Classify(weight=10.0)], **small.adams(0.01))
    x, y = small.points(64), small.labels(64)
    history = model.fit(x, y, epochs=30, batch_size=32, verbose=0).history
    assert history["classify"][0] > 0.9
    assert history["classify"][-1] < 0.5 * history["classify"][0]
    samples = model.generate(4, seed=0, condition=1)
    assert samples.shape == (4, 2)
    model.save(tmp_path / "model.keras")
    loaded = keras_gan.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.generate(4, seed=0, condition=1), samples)


def test_side_outputs_that_no_network_gives():
    model = small.gan(classes=3)
    model.compile(terms=[Classify()], run_eagerly=True)
    with pytest.raises(ValueError, match=r"side output 'logits'(?s:.*)side outputs \[\]"):
        model.fit(small.points(8), small.labels(8), verbose=0)
    with pytest.raises(ValueError, match=r"'path_length'(?s:.*)'styles'(?s:.*)\[\]"):
        small.gan().compile(terms=[terms.PathLength(of="styles")])


def composite():
    """Return networks of composite latents: z, a map of noise and a code."""
    z = {
        "z": keras.Input((4,), name="z"),
        "noise": keras.Input((8, 8, 1), name="noise"),
        "code": keras.Input((10,), name="code"),
    }
    joined = keras.layers.Concatenate()([z["z"], z["code"]])
    image = keras.layers.Reshape((8, 8, 1))(keras.layers.Dense(64)(joined))
    image = keras.layers.Activation("tanh")(keras.layers.Add()([image, z["noise"]]))
    x = keras.Input((8, 8, 1))
    logits = keras.layers.Dense(1)(keras.layers.Flatten()(x))
    return keras.Model(z, image), keras.Model(x, logits)


PRIOR = {
    "z": latents.Normal(4),
    "noise": latents.Normal((8, 8, 1)),
    "code": latents.Categorical(10),
}


def test_composite_latents(tmp_path):
    seeded(0)
    model = keras_gan.GAN(*composite(), latents=PRIOR, seed=0)
    model.compile(terms=[terms.PathLength(), terms.LatentConsistency()], **small.adams())
    x = np.random.default_rng(0).uniform(-1, 1, (16, 8, 8, 1)).astype("float32")
    model.fit(x, batch_size=8, verbose=0)
    eight = model.generate(8, seed=3)
    np.testing.assert_allclose(model.generate(2, seed=5), eight[2:4], atol=1e-6)
    model.save(tmp_path / "model.keras")
    loaded = keras_gan.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.generate(8, seed=3), eight)
    # As graphs: eagerly, hundreds of seeds take seconds.
    drawn = tf.function(model.latents.sample)(tf.range(1000, dtype=tf.int64))
    np.testing.assert_array_equal(np.sum(drawn["code"], axis=1), np.ones(1000))
    assert np.abs(np.mean(drawn["code"], axis=0) - 0.1).max() < 0.03
    assert np.abs(np.corrcoef(drawn["z"][:, 0], drawn["noise"][:, 0, 0, 0])[0, 1]) < 0.1
    bounded = tf.function(lambda seeds: model.latents.sample(seeds, {"z": 0.5}))(
        tf.range(100, dtype=tf.int64)
    )
    assert np.abs(bounded["z"]).max() <= 0.5
    np.testing.assert_array_equal(bounded["noise"], drawn["noise"][:100])
    # A part more leaves the others as they are.
    fewer = latents.Composite({"z": latents.Normal(4)}).sample(tf.range(4, dtype=tf.int64))
    np.testing.assert_array_equal(fewer["z"], drawn["z"][:4])


def test_codes_switch_at_the_middle():
    prior = latents.Composite(PRIOR)
    ends = [prior.sample(tf.constant([seed, seed], tf.int64)) for seed in (0, 3)]
    between = prior.interpolate(*ends, tf.constant([0.4, 0.6]))
    np.testing.assert_array_equal(between["code"][0], ends[0]["code"][0])
    np.testing.assert_array_equal(between["code"][1], ends[1]["code"][1])
    assert np.abs(between["z"][0] - ends[0]["z"][0]).max() > 0.01


@pytest.mark.parametrize(
    ("truncation", "text"),
    [
        ({"code": 0.5}, r"part 'code'(?s:.*)can't be truncated(?s:.*)'noise', 'z'"),
        ({"w": 0.5}, r"parts among \['code', 'noise', 'z'\](?s:.*)\['w'\]"),
        ({"z": -1.0}, "positive"),
    ],
)
def test_truncation_of_parts_that_have_none(truncation, text):
    model = keras_gan.GAN(*composite(), latents=PRIOR)
    with pytest.raises(ValueError, match=text):
        model.generate(2, seed=0, truncation=truncation)


def test_latents_that_do_not_match_show_both():
    with pytest.raises(
        ValueError, match=r"'noise': \(8, 8, 1\)(?s:.*)Received(?s:.*)'noise': \(4,"
    ):
        keras_gan.GAN(*composite(), latents={**PRIOR, "noise": latents.Normal(4)})
    with pytest.raises(ValueError, match=r"takes \(3,\)(?s:.*)Received(?s:.*)'z': \(3,\)"):
        keras_gan.GAN(*small.networks(), latents={"z": latents.Normal(3)})


def test_parts_of_different_batch_sizes():
    model = translation.model(run_eagerly=True)
    with pytest.raises(ValueError, match=r"as many rows each(?s:.*)'a': 4(?s:.*)'b': 3"):
        model.train_on_batch(translation.domains(4, 3))


def test_heads_that_are_missing():
    generator, _ = small.networks()
    x = keras.Input((2,))
    features = {"features": keras.layers.Dense(3)(x), "classes": keras.layers.Dense(2)(x)}
    with pytest.raises(ValueError, match=r"'logits'(?s:.*)\['classes', 'features'\]"):
        keras_gan.GAN(generator, keras.Model(x, features))


def test_unknown_keys_of_conditions():
    def conditional(key):
        z, y, x = keras.Input((3,)), keras.Input((4,)), keras.Input((2,))
        made = keras.layers.Dense(2)(keras.layers.Concatenate()([z, y]))
        networks = keras.Model([z, y], made), keras.Model(x, keras.layers.Dense(1)(x))
        return keras_gan.GAN(*networks, generator_condition=key)

    x, condition = small.points(8), {"text": np.zeros((8, 4), "float32"), "other": np.zeros(8)}
    model = conditional("text")
    model.compile(run_eagerly=True)
    model.fit(x, condition, batch_size=8, verbose=0)
    assert model.generate(3, condition={"text": np.ones((3, 4), "float32")}).shape == (3, 2)
    model = conditional("txt")
    model.compile(run_eagerly=True)
    with pytest.raises(
        ValueError, match=r"\['txt'\](?s:.*)generator_condition(?s:.*)'other', 'text'"
    ):
        model.fit(x, condition, batch_size=8, verbose=0)


def test_conditions_by_player():
    """The generator sees one part, the discriminator the other; the losses say so."""
    z, low, x, label = (keras.Input(shape) for shape in ((3,), (4,), (2,), (5,)))
    made = keras.layers.Dense(2)(keras.layers.Concatenate()([z, low]))
    judged = keras.layers.Dense(1)(keras.layers.Concatenate()([x, label]))
    networks = keras.Model([z, low], made), keras.Model([x, label], judged)
    model = keras_gan.GAN(
        *networks, generator_condition="low", discriminator_condition="label", num_classes=5
    )
    assert (model.conditional, model.judges_condition) == (True, True)
    model.compile(run_eagerly=True, replay=4)
    condition = {"low": np.ones((8, 4), "float32"), "label": np.eye(5, dtype="float32")[[0] * 8]}
    model.fit(small.points(8), condition, batch_size=4, verbose=0)
    logits = model.discriminate(small.points(8), condition)
    by_hand = model.discriminator([small.points(8), condition["label"]])
    np.testing.assert_array_equal(logits, by_hand)


def test_one_hot_labels():
    z, y, x = keras.Input((3,)), keras.Input((4,)), keras.Input((2,))
    made = keras.layers.Dense(2)(keras.layers.Concatenate()([z, y]))
    networks = keras.Model([z, y], made), keras.Model(x, keras.layers.Dense(1)(x))
    model = keras_gan.GAN(*networks, num_classes=4)
    one_hot = np.eye(4, dtype="float32")
    by_rows = model.generate(4, seed=0, condition=one_hot[[2, 2, 2, 2]])
    np.testing.assert_array_equal(model.generate(4, seed=0, condition=2), by_rows)
    np.testing.assert_array_equal(model.condition.in_turn(6), one_hot[[0, 1, 2, 3, 0, 1]])
    with pytest.raises(ValueError, match="labels from 0 to 3"):
        model.generate(4, condition=4)


@pytest.mark.parametrize("replay", [1, 0, 2.5, "50"])
def test_replay_below_two(replay):
    with pytest.raises(ValueError, match=r"`replay`(?s:.*)at least 2"):
        small.gan().compile(replay=replay)


def test_replay_is_refused_on_several_replicas(two_replicas):
    with two_replicas.scope():
        model = small.gan()
        with pytest.raises(ValueError, match=r"drop `replay`(?s:.*)2 replicas"):
            model.compile(replay=50)
