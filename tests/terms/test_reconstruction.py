"""Reconstruction and total variation against literal NumPy, and against Keras itself."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from term_steps import normal, step_of, values_of

import keras_gan
from keras_gan.terms import Reconstruction, TotalVariation

NORMS = {
    "l1": np.abs,
    "l2": np.square,
    "charbonnier": lambda d: np.sqrt(d**2 + 1e-6),
}


def translator(channels=1, side=None):
    """Return a generator of one convolution, and a discriminator of pairs."""
    source, target = (keras.Input((side, side, channels)) for _ in range(2))
    generator = keras.Model(source, keras.layers.Conv2D(channels, 3, padding="same")(source))
    pair = keras.layers.Concatenate()([target, source])
    return generator, keras.Model([target, source], keras.layers.Conv2D(1, 3)(pair))


def model_of(*terms, networks=None, **options):
    model = keras_gan.GAN(*(networks or translator()), latents=None, seed=0)
    model.compile(terms=list(terms), run_eagerly=True, **options)
    return model


def pairs(rows=3, side=6, channels=1):
    return [normal(rows, side, side, channels, seed=seed) for seed in range(2)]


def test_distances_of_pixels():
    added = {norm: Reconstruction(norm=norm, name=norm) for norm in NORMS}
    model = model_of(*added.values())
    target, source = pairs()
    step = step_of(model, target, condition=tf.constant(source), player="generator")
    difference = np.asarray(step.fake) - target
    for norm, term in added.items():
        values = values_of(term, step, "generator")
        np.testing.assert_allclose(values, NORMS[norm](difference).mean((1, 2, 3)), rtol=1e-5)


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_a_step_is_that_of_the_generator_alone(norm):
    """With a constant discriminator: as `generator.compile(SGD, loss)`, the weight its factor."""
    generator, discriminator = translator()
    for variable in discriminator.weights:
        variable.assign(tf.zeros_like(variable))
    alone = keras.models.clone_model(generator)
    alone.set_weights(generator.get_weights())
    target, source = pairs()
    alone.compile(keras.optimizers.SGD(0.3), {"l1": "mae", "l2": "mse"}[norm], run_eagerly=True)
    alone.train_on_batch(source, target)
    rates = {"generator": 0.1, "discriminator": 0.0}
    sgds = {f"{player}_optimizer": keras.optimizers.SGD(rate) for player, rate in rates.items()}
    model = model_of(Reconstruction(3.0, norm), networks=(generator, discriminator), **sgds)
    before = generator.get_weights()
    model.train_on_batch(target, source)
    for old, new, expected in zip(
        before, generator.get_weights(), alone.get_weights(), strict=True
    ):
        np.testing.assert_allclose(new, expected, rtol=1e-5, atol=1e-7)
        assert np.abs(new - old).max() > 1e-3


def inpainter():
    """Return a generator that composites and returns what it did before, and a discriminator."""
    image, mask = keras.Input((6, 6, 1), name="image"), keras.Input((6, 6, 1), name="mask")
    inputs = {"image": image, "mask": mask}
    raw = keras.layers.Conv2D(1, 3, padding="same")(keras.layers.Concatenate()([image, mask]))
    composite = keras.ops.where(mask > 0, raw, image)
    sample = keras.Input((6, 6, 1))
    logits = keras.layers.Conv2D(1, 3)(keras.layers.Concatenate()([sample, mask]))
    judged = keras.Model([sample, inputs], logits)
    return keras.Model(inputs, {"samples": composite, "raw": raw}), judged


def test_the_gradient_of_holes_stays_in_them():
    """Of a generator that composites; that of its raw output is everywhere."""
    holes, everywhere = Reconstruction(6.0), Reconstruction(of="raw", name="raw")
    model = model_of(holes, everywhere, networks=inpainter())
    target = normal(2, 6, 6, 1)
    mask = np.zeros_like(target)
    mask[:, 2:4, 1:5] = 1
    condition = {"image": tf.constant(target * (1 - mask)), "mask": tf.constant(mask)}
    with tf.GradientTape(persistent=True) as tape:
        raw = model.generator(condition)["raw"]
        tape.watch(raw)
        step = step_of(model, target, condition=condition, player="generator")
        composite = tf.where(mask > 0, raw, condition["image"])
        step.generated.update(samples=composite, raw=raw)
        values = holes.generator_term(step)
        both = values, everywhere.generator_term(step)
    np.testing.assert_array_equal(composite.numpy()[mask == 0], target[mask == 0])
    gradients = [tape.gradient(value, raw).numpy() for value in both]
    assert ((gradients[0] != 0) == (mask > 0)).all()
    assert (gradients[1] != 0).all()
    # Partial convolution's L_valid + 6 L_hole, both sizes those of the whole image.
    difference = np.abs(raw.numpy() - target)
    literal = ((difference * (1 - mask)) + 6 * difference * mask).mean((1, 2, 3))
    np.testing.assert_allclose(both[1] + 5 * both[0], literal, rtol=1e-5)


def test_parts_of_samples_count_the_same():
    """However large they are; each of them is a pair."""
    label = keras.Input((2,))
    shapes = {"a": (4, 4, 1), "b": (2, 2, 3)}
    samples = {
        part: keras.layers.Reshape(shape)(keras.layers.Dense(int(np.prod(shape)))(label))
        for part, shape in shapes.items()
    }
    inputs = {part: keras.Input(shape, name=part) for part, shape in shapes.items()}
    heads = {part: keras.layers.Dense(1)(keras.layers.Flatten()(x)) for part, x in inputs.items()}
    networks = keras.Model(label, samples), keras.Model(inputs, heads)
    term = Reconstruction()
    model = keras_gan.GAN(*networks, latents=None, conditional="generator", seed=0)
    model.compile(terms=[term], run_eagerly=True)
    real = {part: normal(3, *shape) for part, shape in shapes.items()}
    fake = model.generator(normal(3, 2))
    literal = [np.abs(fake[part] - real[part]).mean() for part in shapes]
    logs = model.train_on_batch(real, normal(3, 2), return_dict=True)
    assert logs["reconstruction"] == pytest.approx(np.mean(literal), rel=1e-5)


def test_total_variation():
    term = TotalVariation(0.1)
    model = model_of(term)
    target, source = pairs(channels=1)
    step = step_of(model, target, condition=tf.constant(source), player="generator")
    fake = np.asarray(step.fake)
    literal = sum(np.abs(np.diff(fake, axis=axis)).mean((1, 2, 3)) for axis in (1, 2))
    np.testing.assert_allclose(values_of(term, step, "generator"), literal, rtol=1e-5)
    step.generated["samples"] = tf.constant(normal(3, 7, 2))  # A series of two channels.
    literal = np.abs(np.diff(step.generated["samples"], axis=1)).mean((1, 2))
    np.testing.assert_allclose(values_of(term, step, "generator"), literal, rtol=1e-5)
    step.generated["samples"] = step.generated["samples"][:, :, None]  # Of one column: the same.
    np.testing.assert_allclose(values_of(term, step, "generator"), literal, rtol=1e-5)
    step.generated["samples"] = tf.zeros((3, 1, 1, 2))
    with pytest.raises(ValueError, match=r"neighbouring positions.*\(3, 1, 1, 2\)"):
        term.generator_term(step)


def swapping():
    """Return networks that translate two domains to each other."""
    x = {part: keras.Input((4, 4, 1), name=part) for part in "ab"}
    fake = {part: keras.layers.Conv2D(1, 1)(x["ab".replace(part, "")]) for part in "ab"}
    heads = {part: keras.layers.Conv2D(1, 3)(x[part]) for part in "ab"}
    return keras.Model(x, fake), keras.Model(x, heads)


def test_without_pairs_it_is_refused():
    model = keras_gan.GAN(*swapping(), latents=None, conditional="samples")
    for name in ("reconstruction", "paired_feature_matching"):
        with pytest.raises(ValueError, match="are not paired: hold translations to their sources"):
            model.compile(terms=[name])
    plain = keras_gan.GAN(*keras_gan.networks.mlp((2,), latent_dim=3, width=4))
    with pytest.raises(ValueError, match=r"nothing makes them a pair.*without a condition"):
        plain.compile(terms=["reconstruction"])
    with pytest.raises(ValueError, match=r"vectors have none. Received: .*\(None, 2\)"):
        plain.compile(terms=["total_variation"])
    with pytest.raises(ValueError, match="needs the generator's side output 'raw'"):
        model_of(Reconstruction(of="raw"))
    with pytest.raises(ValueError, match="needs the generator's side output 'raw'"):
        model_of(TotalVariation(of="raw"))


def test_a_side_output_of_another_shape_is_refused():
    """It could be broadcast: one channel to three."""
    source = keras.Input((6, 6, 3))
    outputs = {
        "samples": keras.layers.Conv2D(3, 1)(source),
        "raw": keras.layers.Conv2D(1, 1)(source),
    }
    judge = keras.Sequential([keras.Input((6, 6, 3)), keras.layers.Conv2D(1, 3)])
    model = keras_gan.GAN(keras.Model(source, outputs), judge, latents=None)
    with pytest.raises(ValueError, match=r"'raw', and the samples .*\(6, 6, 1\) and \(6, 6, 3\)"):
        model.compile(terms=[Reconstruction(of="raw")])


def test_which_terms_evaluation_can_show():
    """Not those with layers of the players, which run as in training, or with heads."""
    terms = keras_gan.terms
    for shown in (terms.Contextual, terms.Reconstruction, terms.Style, terms.TotalVariation):
        assert shown.evaluated
    assert terms.DomainClassification.evaluated and terms.AttributeCycle.evaluated
    for other in (terms.Term, terms.PatchNCE, terms.PairedFeatureMatching):
        assert not other.evaluated


def test_a_term_belongs_to_one_model():
    """Whose range of values it knows."""
    term = Reconstruction()
    model_of(term)
    with pytest.raises(ValueError, match="belongs to another model"):
        model_of(term)
