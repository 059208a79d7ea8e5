"""The contrast of patches: golden values, literal NumPy, and what it does to a generator."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from term_steps import normal, step_of, values_of

import keras_gan
from keras_gan.terms import PatchNCE, patch_nce

layers = keras.layers


def test_golden_values():
    """Orthogonal positions are told apart but for e^(-1/T); equal ones not at all."""
    orthogonal = np.tile(np.eye(256, dtype="float32"), (2, 1, 1))
    expected = np.log1p(255 * np.exp(-1 / 0.07))
    assert expected == pytest.approx(1.6e-4, rel=0.01)
    found = patch_nce.contrast(*[tf.constant(orthogonal)] * 2, 0.07)
    np.testing.assert_allclose(found, [expected] * 2, rtol=0.01)  # float32 near 0.
    double = patch_nce.contrast(*[tf.constant(orthogonal, tf.float64)] * 2, 0.07)
    np.testing.assert_allclose(double, [expected] * 2, rtol=1e-9)
    equal = np.zeros((1, 256, 8), "float32")
    equal[..., 3] = 1
    found = patch_nce.contrast(*[tf.constant(equal)] * 2, 0.07)
    np.testing.assert_allclose(found, [np.log(256)], rtol=1e-6)


def networks(norm=False):
    x = source = keras.Input((6, 6, 1), name="pixels")
    x = layers.Conv2D(3, 3, padding="same", activation="tanh", name="first")(x)
    x = layers.BatchNormalization()(x) if norm else x
    x = layers.Conv2D(4, 3, strides=2, activation="tanh", name="second")(x)
    x = layers.Conv2DTranspose(1, 3, strides=3)(x)
    generator = keras.Model(source, layers.Activation("tanh")(x))
    critic = [layers.Conv2D(1, 4, 2)]
    return generator, keras.Sequential([keras.Input((6, 6, 1)), *critic])


NAMES = ["pixels", "first", "second"]


def model_of(term, keys=None, **options):
    given = {"latents": None, "conditional": "generator", "generator_condition": keys, "seed": 0}
    model = keras_gan.GAN(*networks(), **given)
    model.compile("least_squares", terms=[term], **{"run_eagerly": True, **options})
    return model


def literal(term, generator, source, translated, draws):
    """Return the mean cross-entropy as the paper has it, one image and one query at a time."""
    total = np.zeros(len(source))
    for name, head in zip(term.layers, term.heads, strict=True):
        inner = keras.Model(generator.inputs[0], generator.get_layer(name).output)
        maps = [np.asarray(inner(x)) for x in (source, translated)]
        places = maps[0].shape[1] * maps[0].shape[2]
        numbers = np.asarray(tf.random.stateless_uniform((places,), draws.next()))
        chosen = np.argsort(-numbers, kind="stable")[: term.positions]
        for i, (k, q) in enumerate(zip(*maps, strict=True)):
            sides = [np.asarray(head(s.reshape(1, places, -1)[:, chosen]))[0] for s in (k, q)]
            keys, queries = (s / np.linalg.norm(s, axis=1, keepdims=True) for s in sides)
            for s, query in enumerate(queries):
                powers = np.exp(keys @ query / term.temperature)
                total[i] -= np.log(powers[s] / powers.sum()) / len(chosen) / len(term.layers)
    return total


@pytest.mark.parametrize(("identity", "keys"), [(False, None), (True, None), (True, "image")])
def test_values(identity, keys):
    """Also where the condition has parts that the generator does not see."""
    term = PatchNCE(NAMES, identity=identity, positions=7, temperature=0.3, width=5)
    model = model_of(term, keys)
    for head in term.heads:
        for i, variable in enumerate(head.weights):
            variable.assign(normal(*variable.shape, seed=i))
    real, source = normal(3, 6, 6, 1), normal(3, 6, 6, 1, seed=1)
    condition = source if keys is None else {keys: source, "mask": real}
    step = step_of(model, real, condition=condition, player="generator")
    draws = model.random_state.stream()
    draws.reseed(model.seed_states)
    expected = literal(term, model.generator, source, step.fake, draws)
    if identity:
        same = model.generator(real)
        expected = (expected + literal(term, model.generator, real, same, draws)) / 2
    np.testing.assert_allclose(values_of(term, step, "generator"), expected, rtol=1e-3)


def test_positions_are_drawn_without_repetition():
    seeds = [tf.constant([0, i], tf.int64) for i in range(300)]
    drawn = np.array([patch_nce._drawn(6, 3, seed) for seed in seeds])
    assert all(len(set(row)) == 3 for row in drawn)
    counts = np.bincount(drawn.ravel(), minlength=6)
    assert counts.min() > 110 and counts.max() < 190  # Of 150 each.
    assert sorted(patch_nce._drawn(4, 256, seeds[0]).numpy()) == [0, 1, 2, 3]


def test_heads_belong_to_the_generator_and_are_saved(tmp_path):
    """A loaded model goes on to the bit, with the positions it would have drawn."""
    term = PatchNCE(NAMES, identity=True, positions=4, width=3)
    model = model_of(term)
    heads = [v for head in term.heads for v in head.trainable_variables]
    assert len(heads) == 12 == len(term.weights)
    trained = model.game.generator.variables
    assert {id(v) for v in heads} <= {id(v) for v in trained}
    assert len(trained) == len(model.generator.trainable_variables) + 12
    before = [v.numpy() for v in heads]
    x = np.tanh(normal(4, 6, 6, 1))
    model.train_on_batch(x, x[::-1].copy())
    assert all(
        np.abs(v.numpy() - old).max() > 0 for v, old in zip(heads[::2], before[::2], strict=True)
    )
    model.save(tmp_path / "model.keras")
    loaded = keras_gan.load_model(tmp_path / "model.keras")
    logs = [m.train_on_batch(x, x[::-1].copy(), return_dict=True) for m in (model, loaded)]
    assert logs[0] == logs[1]
    assert loaded.count_params() == model.count_params()


def test_keys_have_no_gradient():
    """The source's own features are what is to be told: they don't come nearer."""
    queries, keys = (tf.constant(normal(1, 4, 3, seed=seed)) for seed in range(2))
    term = PatchNCE("pixels", positions=4, width=3)
    model = model_of(term)
    with tf.GradientTape() as tape:
        tape.watch([queries, keys])
        seed = tf.constant([0, 1], tf.int64)
        head = term.heads[0]
        value = term._of_layer(lambda x: head(x[..., :1]), keys, queries, seed)
    of_queries, of_keys = tape.gradient(value, [queries, keys])
    assert of_queries is not None and of_keys is None
    assert model.terms[0] is term


def test_generators_that_do_not_fit():
    x = keras.Input((6, 6, 1))
    wide = keras.Model(x, layers.Conv2D(3, 1, name="first")(x))
    judge = keras.Sequential([keras.Input((6, 6, 3)), layers.Conv2D(1, 3)])
    options = {"latents": None, "conditional": "generator"}
    with pytest.raises(ValueError, match=r"makes one of the same shape.*\(6, 6, 1\), \(6, 6, 3\)"):
        keras_gan.GAN(wide, judge, **options).compile(terms=[PatchNCE("first")])
    plain = keras_gan.GAN(*keras_gan.networks.mlp((2,), latent_dim=2, width=4))
    with pytest.raises(ValueError, match="takes one image and makes one of the same shape"):
        plain.compile(terms=[PatchNCE("first")])
    with pytest.raises(ValueError, match="Did you mean 'second'"):
        model_of(PatchNCE("secnd"))
    with pytest.raises(ValueError, match=r"names of one layer.*layers=3"):
        PatchNCE(3)
