"""Metrics of samples of several parts, and of images in other ranges of values."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan import metrics
from keras_gan.metrics.ranges import in_range
from keras_gan.quality import FIRST_SEED
from tests.integration.seeding import seeded

SAMPLES = 40


def data(n=30):
    rng = np.random.default_rng(0)
    return {
        "x": rng.normal(size=(n, 2)).astype("float32"),
        "y": rng.uniform(-1, 1, (n, 4, 4, 1)).astype("float32"),
    }


def pair_gan():
    """Return a GAN whose samples are a vector `x` and an image `y`."""
    z = keras.Input((3,))
    y = keras.layers.Dense(16, activation="tanh")(z)
    made = {"x": keras.layers.Dense(2)(z), "y": keras.layers.Reshape((4, 4, 1))(y)}
    judged = {"x": keras.Input((2,), name="x"), "y": keras.Input((4, 4, 1), name="y")}
    both = keras.layers.Concatenate()([judged["x"], keras.layers.Flatten()(judged["y"])])
    discriminator = keras.Model(judged, keras.layers.Dense(1)(both))
    return keras_gan.GAN(keras.Model(z, made), discriminator, seed=0)


class Mean:
    """A metric of a user's own, without a config."""

    name = "mean"

    def reset_state(self):
        self.values = []

    def update_state(self, real=None, fake=None):
        if fake is not None:
            self.values.append(fake)

    def result(self):
        return np.concatenate(self.values).mean()


@pytest.fixture(scope="module")
def fitted():
    model = pair_gan()
    found = ["frechet_distance", "precision_recall", "fresh_discriminator", Mean()]
    model.compile(metrics=found, metric_samples=SAMPLES)
    history = model.fit(data(), batch_size=10, validation_data=data(), verbose=0).history
    return model, history


def test_every_part_is_judged_by_itself(fitted):
    model, history = fitted
    fake = model.generate(SAMPLES, seed=FIRST_SEED)
    for part, real in data().items():
        rows = [x.reshape(len(x), -1) for x in (real, fake[part])]
        moments = [(x.mean(0), np.cov(x, rowvar=False)) for x in rows]
        expected = metrics.frechet_distance(*moments[0], *moments[1])
        found = history[f"val_{part}/frechet_distance"][0]
        assert found == pytest.approx(expected, rel=1e-4)
        assert history[f"val_{part}/mean"][0] == pytest.approx(fake[part].mean(), abs=1e-5)
        assert f"val_{part}/precision_recall/recall" in history
        assert f"val_{part}/fresh_discriminator/js" in history
    assert not any(key.startswith("val_frechet") for key in history)


@pytest.mark.slow
def test_a_dict_chooses_parts_and_is_loaded(tmp_path):
    model = pair_gan()
    chosen = metrics.FrechetDistance(name="fid")
    model.compile(metrics={"y": [chosen, "kernel_distance"]}, metric_samples=SAMPLES)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    results = [m.evaluate(data(), return_dict=True, verbose=0) for m in (model, loaded)]
    assert results[0] == pytest.approx(results[1], rel=1e-5)
    assert {key for key in results[0] if "/" in key and key[0] in "xy"} == {
        *("y/fid", "y/kernel_distance/mean", "y/kernel_distance/standard_error"),
    }
    assert chosen.result() == pytest.approx(results[0]["y/fid"])


def test_one_metric_of_two_parts_has_two_states():
    shared = metrics.FrechetDistance()
    model = pair_gan()
    model.compile(metrics={"x": [shared], "y": [shared]}, metric_samples=SAMPLES)
    results = model.evaluate(data(), return_dict=True, verbose=0)
    assert results["x/frechet_distance"] != results["y/frechet_distance"]


def test_the_callback_takes_parts():
    model = pair_gan()
    model.compile()
    callback = keras_gan.callbacks.Evaluation(
        data(), {"y": ["frechet_distance"]}, samples=SAMPLES, verbose=0
    )
    history = model.fit(data(), callbacks=[callback], verbose=0).history
    assert "val_y/frechet_distance" in history
    assert "val_x/frechet_distance" not in history


class Uncopied(Mean):
    def __deepcopy__(self, memo):
        raise TypeError("no copies")


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"z": ["frechet_distance"]}, r"with the parts \['x', 'y'\]. Received: .*\['z'\]"),
        (["duality_gap"], "judges a whole game"),
        ({"y": ["duality_gap"]}, "judges a whole game"),
        ([Uncopied()], "can't be copied"),
        ({"y": ["frechet_distance", "frechet_distance"]}, "distinct names"),
    ],
)
def test_what_parts_refuse(chosen, message):
    with pytest.raises(ValueError, match=message):
        pair_gan().compile(metrics=chosen)


def test_a_dict_for_one_tensor_is_refused():
    pair = keras_gan.networks.mlp(2, latent_dim=3)
    with pytest.raises(ValueError, match="without parts"):
        keras_gan.GAN(*pair).compile(metrics={"y": ["frechet_distance"]})


def test_arrays_by_part():
    real, fake = data(), data(20)
    found = metrics.evaluate({"x": ["frechet_distance"]}, real, fake, verbose=0)
    alone = metrics.evaluate(["frechet_distance"], real["x"], fake["x"], verbose=0)
    assert found == {"x/frechet_distance": alone["frechet_distance"]}
    with pytest.raises(ValueError, match=r"with the parts \['x', 'y'\]"):
        metrics.evaluate(["frechet_distance"], real, fake, verbose=0)


def image_gan(activation):
    """Return a GAN of 4x4 images that are the same pixels in [-1, 1] or in [0, 1]."""
    seeded(0)
    z = keras.Input((3,))
    made = keras.layers.Dense(16, "tanh")(z)
    if activation == "sigmoid":  # tanh(x) = 2 sigmoid(2 x) - 1
        dense = keras.layers.Dense(16, "sigmoid")
        other = keras.Model(z, made)
        made = dense(z)
        dense.set_weights([2 * w for w in other.get_weights()])
    generator = keras.Model(z, keras.layers.Reshape((4, 4, 1))(made))
    x = keras.Input((4, 4, 1))
    critic = keras.Model(x, keras.layers.Dense(1)(keras.layers.Flatten()(x)))
    return keras_gan.GAN(generator, critic, seed=0)


@pytest.mark.slow
def test_equal_pixels_score_the_same_in_any_range(recwarn):
    images = data(60)["y"]
    scores = []
    for activation in ("tanh", "sigmoid"):
        model = image_gan(activation)
        nearest = metrics.NearestNeighbour(images if activation == "tanh" else (images + 1) / 2)
        chosen = ["frechet_distance", "multi_scale_ssim", nearest]
        model.compile(metrics=chosen, metric_samples=SAMPLES)
        real = images[::-1] * 0.5
        real = real if activation == "tanh" else (real + 1) / 2
        results = model.evaluate(real, return_dict=True, verbose=0)
        names = "frechet_distance", "multi_scale", "nearest"
        scores.append({k: v for k, v in results.items() if k.startswith(names)})
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)
    assert len(scores[0]) == 7
    assert not [w for w in recwarn if "[0, 1]" in str(w.message)]


def test_images_outside_of_the_models_range_are_refused():
    model = image_gan("sigmoid")
    model.compile(metrics=["frechet_distance"], metric_samples=SAMPLES)
    with pytest.raises(ValueError, match=r"images in \[0, 1\], the `value_range` of the model"):
        model.evaluate(data()["y"], verbose=0)


def test_arrays_in_another_range():
    images = data(60)["y"]
    found = [
        metrics.evaluate(["frechet_distance"], x[:30], x[30:], verbose=0, value_range=given)
        for x, given in ((images, None), (images * 127.5 + 127.5, (0, 255)))
    ]
    assert found[0] == pytest.approx(found[1], abs=1e-6)


def test_the_map_is_linear():
    x = np.array([0.0, 0.25, 1.0], "float32").reshape(1, 3, 1, 1)
    mapped = in_range(x, (0, 1), (-1, 1))
    np.testing.assert_array_equal(mapped.ravel(), [-1, -0.5, 1])
    assert mapped.dtype == np.float32
    assert in_range(x, (0, 1), None) is x
    assert in_range(x[0], (0, 1), (-1, 1)).ndim == 3


def headed_gan(several):
    """Return a GAN whose discriminator has two heads, or one that is both in one row."""
    seeded(0)
    z, x = keras.Input((3,)), keras.Input((2,))
    made = {"samples": keras.layers.Dense(2)(z), "side": keras.layers.Dense(1)(z)}
    heads = [keras.layers.Dense(1)(x), keras.layers.Dense(1)(x)]
    outputs = heads if several else keras.layers.Concatenate()(heads)
    model = keras_gan.GAN(keras.Model(z, made), keras.Model(x, outputs), seed=0)
    model.compile("non_saturating")
    return model


@pytest.mark.slow
def test_the_value_of_a_game_of_heads_is_the_mean_over_heads():
    """With heads of one length, the mean over heads is the mean over their logits in one row."""
    found = []
    for several in (True, False):
        metric = metrics.DualityGap(steps=1)
        metric.bind(headed_gan(several))
        metric.update_state(real=data(40)["x"])
        found.append(metric.responses().value)
    assert found[0] == pytest.approx(found[1], abs=1e-6)


def test_a_game_of_parts_has_no_duality_gap():
    model = pair_gan()
    model.compile()
    with pytest.raises(ValueError, match=r"one tensor.*the parts \['x', 'y'\]"):
        metrics.duality_gap(model, data(40)["x"])


@pytest.mark.slow
def test_a_reference_is_of_one_part(tmp_path):
    whole = tf.data.Dataset.from_tensor_slices(data()).batch(10)
    metric = metrics.FrechetDistance()
    with pytest.raises(TypeError, match=r"one part\. Received: real of type dict .* \['x', 'y'\]"):
        metric.set_reference(whole, cache_dir=tmp_path, verbose=0)
    metric.set_reference(whole.map(lambda x: x["y"]), cache_dir=tmp_path, verbose=0)
    model, found = pair_gan(), []
    for listed in (metric, metrics.FrechetDistance()):
        model.compile(metrics={"y": [listed]}, metric_samples=SAMPLES)
        found.append(model.evaluate(data(), batch_size=10, verbose=0, return_dict=True))
    assert found[0]["y/frechet_distance"] == pytest.approx(found[1]["y/frechet_distance"], rel=1e-6)
