"""Paired metrics of a model: whole sets in their order, in `fit`, `evaluate` and the callback."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan import metrics
from keras_gan.quality import FIRST_SEED

from . import small, translation
from .seeding import seeded

SHAPE = (8, 8, 1)


def pairs(n=13, seed=0):
    """Return n targets and their sources, float32 in [-1, 1]; 13 are a last batch of one."""
    targets = np.random.default_rng(seed).uniform(-1, 1, (n, *SHAPE)).astype("float32")
    return targets, targets[:, ::-1] * np.float32(0.5)


def translator(latent_dim=None, masked=False):
    """Return an uncompiled GAN of one convolution a player, from sources to targets."""
    seeded(1)
    source = {"image": keras.Input(SHAPE, name="image"), "mask": keras.Input(SHAPE, name="mask")}
    if not masked:
        source = source["image"]
    inputs, features = source, keras.ops.concatenate(keras.tree.flatten(source), axis=-1)
    if latent_dim:
        z = keras.Input((latent_dim,), name="latents")
        inputs = [z, source]
        drawn = keras.layers.Reshape(SHAPE)(keras.layers.Dense(64)(z))
        features = keras.layers.Concatenate()([features, drawn])
    made = keras.layers.Conv2D(1, 3, padding="same", activation="tanh")(features)
    x = keras.Input(SHAPE, name="x")
    critic = keras.Model(x, keras.layers.Dense(1)(keras.layers.Flatten()(x)))
    options = {} if latent_dim else {"latents": None}
    return keras_gan.GAN(
        keras.Model(inputs, made), critic, conditional="generator", seed=1, **options
    )


class Seen:
    """A paired metric of a user's own, which keeps the pairs and their sources."""

    name, paired = "seen", True

    def reset_state(self):
        self.real, self.fake, self.source = [], [], []

    def update_state(self, real=None, fake=None, source=None):
        for kept, given in ((self.real, real), (self.fake, fake), (self.source, source)):
            kept.append(given)

    def result(self):
        return sum(map(len, self.real))


@pytest.fixture(scope="module")
def fitted():
    """Return a trained model, its history, what its metric saw last, and the callback's."""
    model, seen = translator(), Seen()
    model.compile(
        metrics=["psnr", "ssim", "l1", "sliced_wasserstein", seen], metric_samples=8, ema=0.9
    )
    targets, sources = pairs()
    held_out = tf.data.Dataset.from_tensor_slices((targets, sources)).batch(4).prefetch(1)
    callback = keras_gan.callbacks.Evaluation(held_out, ["l1"], samples=3, prefix="own_", verbose=0)
    history = model.fit(
        *pairs(8, 1), epochs=2, validation_data=held_out, callbacks=[callback], verbose=0
    ).history
    return model, history, seen


def test_the_whole_set_is_compared_in_its_order(fitted):
    """Whatever `metric_samples` says, with the averaged generator."""
    model, history, seen = fitted
    targets, sources = pairs()
    fake = model.generate(13, condition=sources)
    np.testing.assert_array_equal(np.concatenate(seen.real), targets)
    np.testing.assert_array_equal(np.concatenate(seen.source), sources)
    np.testing.assert_allclose(np.concatenate(seen.fake), fake, atol=1e-6)
    assert [len(batch) for batch in seen.real] == [4, 4, 4, 1]
    expected = {
        "val_psnr/pooled": metrics.psnr(targets, fake)["pooled"],
        "val_psnr/mean": metrics.psnr(targets, fake)["mean"],
        "val_ssim": metrics.ssim(targets, fake),
        "val_l1": np.abs(targets - fake).mean(),
        "own_l1": np.abs(targets - fake).mean(),
        "val_seen": 13,
    }
    for name, value in expected.items():
        assert history[name][-1] == pytest.approx(value, rel=1e-5), name
    assert history["val_l1"][0] != history["val_l1"][1]
    assert history["own_l1"] == pytest.approx(history["val_l1"], rel=1e-6)
    results = model.evaluate(targets, sources, batch_size=5, return_dict=True, verbose=0)
    assert {f"val_{name}" for name in results} == {n for n in history if n.startswith("val_")}
    assert results["psnr/mean"] == pytest.approx(expected["val_psnr/mean"], rel=1e-5)
    cut = model.evaluate(targets, sources, batch_size=5, steps=1, return_dict=True, verbose=0)
    assert cut["l1"] == pytest.approx(np.abs(targets - fake)[:5].mean(), rel=1e-5)


def test_sample_i_is_made_from_seed_i():
    model = translator(latent_dim=3)
    model.compile(metrics=["l1"], metric_samples=2)
    targets, sources = pairs()
    fake = model.generate(13, FIRST_SEED, condition=sources)
    for batch_size in (3, 13):
        found = model.evaluate(targets, sources, batch_size, return_dict=True, verbose=0)["l1"]
        assert found == pytest.approx(np.abs(targets - fake).mean(), rel=1e-5)


def test_masks_are_those_of_the_condition():
    model = translator(masked=True)
    model.compile(metrics=[metrics.PSNR(mask="mask"), metrics.L1(mask="mask", name="hole")])
    targets, sources = pairs()
    mask = (np.random.default_rng(0).uniform(size=targets.shape) < 0.3).astype("float32")
    condition = {"image": sources, "mask": mask}
    model.quality.check(model, condition)
    found = model.evaluate(targets, condition, return_dict=True, verbose=0)
    error = np.abs(targets - model.generate(13, condition=condition))[mask > 0]
    assert found["hole"] == pytest.approx(error.mean(), rel=1e-5)
    expected = 10 * np.log10(4 / np.square(error).mean(dtype="f8"))
    assert found["psnr/pooled"] == pytest.approx(expected, rel=1e-5)
    other = translator()
    other.compile(metrics=[metrics.PSNR(mask="mask")])
    with pytest.raises(ValueError, match="key 'mask'"):
        other.fit(*pairs(), validation_data=pairs(), verbose=0)
    assert other.steps == 0


def test_a_generator_that_has_diverged_has_no_values():
    model = translator()
    model.compile(metrics=["psnr", "ssim"])
    model.generator.set_weights([np.full_like(w, np.nan) for w in model.generator.get_weights()])
    with pytest.warns(UserWarning, match="training has diverged"):
        found = model.evaluate(*pairs(), return_dict=True, verbose=0)
    assert np.isnan([found[key] for key in ("psnr/pooled", "psnr/mean", "ssim")]).all()


def test_without_a_condition_there_are_no_pairs():
    model = small.gan()
    with pytest.raises(ValueError, match=r"takes no condition.*\['psnr', 'ssim'\]"):
        model.compile(metrics=["psnr", "ssim", "frechet_distance"])
    model.compile()
    callback = keras_gan.callbacks.Evaluation(small.points(8), ["l1"])
    with pytest.raises(ValueError, match=r"takes no condition.*\['l1'\]"):
        model.fit(small.points(8), callbacks=[callback], verbose=0)


def test_domains_without_pairs_are_refused_and_those_with_pairs_compared():
    """However the dataset was derived; the truth of a part is the data's."""
    model = translation.model(metrics={"b": ["l1"], "a": [metrics.PSNR()]}, run_eagerly=True)
    unpaired = translation.dataset()
    assert unpaired.paired is False
    ways = [
        lambda d: d,
        lambda d: d.map(lambda x: x).prefetch(2),
        lambda d: keras_gan.datasets.map(d, lambda x: x),
        lambda d: keras_gan.datasets.zip((d,)).map(lambda x: x),
    ]
    for way in ways:
        with pytest.raises(ValueError, match=r"no pairs: .*\['l1', 'psnr'\]"):
            model.evaluate(way(unpaired), verbose=0)
    with pytest.raises(ValueError, match="no pairs"):
        model.fit(unpaired, validation_data=unpaired, verbose=0)
    assert model.steps == 0
    data = translation.domains(n=6, m=6)
    zipped = keras_gan.datasets.zip(
        {part: keras_gan.datasets.from_arrays(x, batch_size=2) for part, x in data.items()}
    )
    assert zipped.paired is True
    fake = model.generate(6, condition=data)
    for paired in (data, zipped):
        found = model.evaluate(paired, return_dict=True, verbose=0)
        assert found["b/l1"] == pytest.approx(np.abs(fake["b"] - data["b"]).mean(), rel=1e-5)
        assert found["a/psnr/mean"] == pytest.approx(
            metrics.psnr(data["a"], fake["a"])["mean"], rel=1e-5
        )
        assert "a/l1" not in found


def test_pictures_of_any_sides_are_compared():
    source, x = keras.Input((None, None, 1)), keras.Input((None, None, 1))
    generator = keras.Model(
        source, keras.layers.Conv2D(1, 3, padding="same", activation="tanh")(source)
    )
    critic = keras.Model(x, keras.layers.Conv2D(1, 3)(x))
    model = keras_gan.GAN(generator, critic, latents=None, conditional="generator", seed=1)
    model.compile(metrics=["l1"], run_eagerly=True)
    targets = [pairs(1)[0][:, :height, :width] for height, width in ((8, 5), (4, 7))]
    spec = tf.TensorSpec((1, None, None, 1))
    held_out = tf.data.Dataset.from_generator(
        lambda: ((target, target / 2) for target in targets), output_signature=(spec, spec)
    )
    history = model.fit(*pairs(4), validation_data=held_out, verbose=0).history
    errors = [
        np.abs(target - model.generate(1, condition=target / 2)).ravel() for target in targets
    ]
    assert history["val_l1"] == pytest.approx([np.concatenate(errors).mean()], rel=1e-5)


@pytest.mark.slow
def test_replicas_compare_the_whole_set(two_replicas):
    """Thirteen samples in batches of four: the last can't be shared, and counts all the same."""
    targets, sources = pairs()
    held_out = tf.data.Dataset.from_tensor_slices((targets, sources)).batch(4)
    with two_replicas.scope():
        model = translator()
        model.compile(metrics=["l1"], **small.adams())
    history = model.fit(*pairs(8, 1), batch_size=4, validation_data=held_out, verbose=0).history
    expected = np.abs(model.generate(13, condition=sources) - targets).mean()
    assert history["val_l1"][0] == pytest.approx(expected, rel=1e-5)
    found = model.evaluate(held_out, return_dict=True, verbose=0)["l1"]
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_a_loaded_model_has_them(tmp_path):
    model = translator()
    model.compile(metrics=["ssim", metrics.PSNR(luminance=True, crop=1, name="y")])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    found = [m.evaluate(*pairs(), return_dict=True, verbose=0) for m in (model, loaded)]
    assert found[0] == pytest.approx(found[1], rel=1e-5)
    assert {"ssim", "y/pooled", "y/mean"} <= found[0].keys()
