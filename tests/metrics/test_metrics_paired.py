"""Paired metrics against literal NumPy and SciPy, scikit-image, and figures worked out apart."""

import json

import keras
import numpy as np
import pytest
import scipy.ndimage
from literal import normal
from metric_refusals import refuses

from keras_gan import metrics
from keras_gan.metrics import features
from keras_gan.metrics.features.extractor import PixelTrunk

# Of a pair of images in [0, 1] that a formula makes: see `golden`.
GOLDEN = {"mse": 0.0044963113, "psnr": 23.471436, "ssim": 0.86187167, "ssim of 3": 0.86375344}
RGB = np.array([65.481, 128.553, 24.966])  # In [0, 1], to luminance without its 16.


def golden(channels=1):
    """Return two images of 48 by 40, one the other with a pattern on it, in [-1, 1]."""
    i, j = np.mgrid[:48, :40]
    x = 0.5 + 0.5 * np.sin(i / 3) * np.cos(j / 5)
    y = np.clip(x + 0.1 * np.sin(i * j / 7), 0, 1)
    moved = [(0, 0), (3, 0), (5, 1)][:channels]
    pair = [np.stack([np.roll(a, *m) for m in moved], -1)[None] for a in (x, y)]
    return [2 * a - 1 for a in pair]


def images(n=6, shape=(17, 14, 3), seed=0):
    """Return n images of noise, and the same with some more noise on them, in [-1, 1]."""
    real = np.random.default_rng(seed).uniform(-0.8, 0.8, (n, *shape)).astype("float32")
    noise = np.random.default_rng(seed + 1).uniform(-0.2, 0.2, real.shape).astype("float32")
    return real, real + noise * np.linspace(0.1, 1, n).reshape(-1, 1, 1, 1).astype("float32")


def literal_ssim(x, y):
    """Wang et al. (2004) of two planes in [0, 1], by SciPy's Gaussian filter."""

    def mean(z):  # Eleven pixels wide: five on either side.
        return scipy.ndimage.gaussian_filter(z, 1.5, truncate=5 / 1.5)[5:-5, 5:-5]

    mx, my, c1, c2 = mean(x), mean(y), 0.01**2, 0.03**2
    vx, vy, both = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    return (((2 * mx * my + c1) * (2 * both + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean()


def test_golden_figures():
    one, three = golden(), golden(3)
    assert np.square(one[0] - one[1]).mean() / 4 == pytest.approx(GOLDEN["mse"], abs=1e-10)
    figures = {"pooled": GOLDEN["psnr"], "mean": GOLDEN["psnr"]}
    assert metrics.psnr(*one) == pytest.approx(figures, abs=1e-6)
    assert metrics.ssim(*one) == pytest.approx(GOLDEN["ssim"], abs=2e-7)
    assert metrics.ssim(*three) == pytest.approx(GOLDEN["ssim of 3"], abs=2e-7)
    # Of an image and its negative; on [-1, 1] itself it would come out near +0.86.
    assert metrics.ssim(one[0], -one[0]) == pytest.approx(-0.6945, abs=2e-4)


def test_psnr_is_that_of_the_pooled_error_and_the_mean_of_each_images():
    real, fake = images()
    errors = np.square(real.astype("f8") - fake).mean(axis=(1, 2, 3))
    expected = {
        "pooled": 10 * np.log10(4 / errors.mean()),
        "mean": np.mean(10 * np.log10(4 / errors)),
    }
    assert metrics.psnr(real, fake) == pytest.approx(expected, rel=1e-9)
    assert expected["mean"] > expected["pooled"] + 1


def test_equal_images_are_infinite_and_left_out_of_the_mean():
    real, fake = images()
    without = metrics.psnr(real[1:], fake[1:])
    fake[0] = real[0]
    found = metrics.psnr(real, fake)
    assert found["mean"] == pytest.approx(without["mean"])
    assert found["pooled"] == pytest.approx(without["pooled"] + 10 * np.log10(6 / 5))
    assert metrics.psnr(real, real) == {"pooled": np.inf, "mean": np.inf}
    assert metrics.ssim(real, real) == pytest.approx(1, abs=1e-6)


def test_luminance_without_border_as_papers_on_super_resolution_have_it():
    """Errors of Y, from 16 to 235, against 255."""
    real, fake = images()
    luma = [(16 + (x.astype("f8") + 1) / 2 @ RGB)[:, 3:-3, 3:-3] for x in (real, fake)]
    errors = np.square(luma[0] - luma[1]).mean(axis=(1, 2))
    expected = np.mean(10 * np.log10(255**2 / errors))
    assert metrics.psnr(real, fake, luminance=True, crop=3)["mean"] == pytest.approx(expected)
    planes = [x[0] / 255 for x in ((16 + (x.astype("f8") + 1) / 2 @ RGB) for x in (real, fake))]
    expected = literal_ssim(*planes)
    assert metrics.ssim(real[:1], fake[:1], luminance=True) == pytest.approx(expected, abs=1e-6)
    refuses(lambda: metrics.psnr(real, fake, crop=7), "more than 14 pixels", r"\(6, 17, 14, 3\)")
    refuses(lambda: metrics.psnr(real[..., :2], fake[..., :2], luminance=True), "red, green")


def test_ssim_against_scipy():
    real, fake = images()
    planes = [[(x[k, ..., c].astype("f8") + 1) / 2 for x in (real, fake)]
              for k in range(6) for c in range(3)]  # fmt: skip
    expected = np.mean([literal_ssim(*pair) for pair in planes])
    assert metrics.ssim(real, fake) == pytest.approx(expected, abs=1e-6)
    assert expected < 0.999


def test_against_scikit_image():
    skimage = pytest.importorskip("skimage.metrics")
    real, fake = images()
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    options |= {"data_range": 2, "channel_axis": -1}
    pairs = [(x.astype("f8") + 1, y.astype("f8") + 1) for x, y in zip(real, fake, strict=True)]
    similarity = np.mean([skimage.structural_similarity(*pair, **options) for pair in pairs])
    ratio = np.mean([skimage.peak_signal_noise_ratio(*pair, data_range=2) for pair in pairs])
    assert metrics.ssim(real, fake) == pytest.approx(similarity, abs=1e-6)
    assert metrics.psnr(real, fake)["mean"] == pytest.approx(ratio, rel=1e-9)


def test_many_scales_of_pairs_are_those_of_two_images_of_a_set():
    """The other metric's pairs, of a set of two, are all of one kind."""
    pair = [side[1:] for side in images(2, (24, 30, 1), seed=3)]
    expected = metrics.multi_scale_ssim(np.concatenate(pair), pairs=1)
    assert metrics.paired_multi_scale_ssim(*pair) == pytest.approx(expected, abs=1e-6)
    assert expected < 0.999


def test_a_mask_says_which_pixels_count():
    real, fake = images()
    mask = np.zeros((6, 17, 14, 1), "float32")
    mask[:5, 4:9, 2:7] = 1  # The last image has no hole.
    inside = [x[:5, 4:9, 2:7].astype("f8") for x in (real, fake)]
    found = metrics.evaluate(
        [metrics.PSNR(mask="mask"), metrics.L1(mask="mask")], real, fake, verbose=0,
        source={"image": real, "mask": mask},
    )  # fmt: skip
    errors = np.square(inside[0] - inside[1]).mean(axis=(1, 2, 3))
    assert found["psnr/pooled"] == pytest.approx(10 * np.log10(4 / errors.mean()))
    assert found["psnr/mean"] == pytest.approx(np.mean(10 * np.log10(4 / errors)))
    assert found["l1"] == pytest.approx(np.abs(inside[0] - inside[1]).mean())
    rows = (np.arange(6) > 2).reshape(-1, 1, 1, 1)
    metric = metrics.PSNR(crop=2, mask="mask")
    metric.update_state(real, fake, {"mask": rows})
    assert metric.result() == pytest.approx(metrics.psnr(real[3:], fake[3:], crop=2))
    whole = metrics.evaluate(["l1"], real, fake, verbose=0)["l1"]
    assert whole == pytest.approx(np.abs(real.astype("f8") - fake).mean())


def test_what_a_mask_refuses():
    real, fake = images(2)
    metric = metrics.L1(mask="hole")
    update = metric.update_state
    refuses(lambda: update(real, fake), "key 'hole'", "NoneType")
    refuses(lambda: update(real, fake, {"mask": real}), "key 'hole'", r"\['mask'\]")
    refuses(lambda: update(real, fake, {"hole": real[:, :9]}), "Expected a mask of the samples'")
    refuses(lambda: update(real, fake, {"hole": real[:1]}), r"\(1, 17, 14, 3\)")
    update(real, fake, {"hole": np.zeros_like(real)})
    refuses(metric.result, "above 0", "mask='hole'")
    update = metrics.PSNR(luminance=True, mask="hole").update_state
    refuses(lambda: update(real, fake, {"hole": real}), r"\(2, 17, 14, 1\)", r"\(2, 17, 14, 3\)")
    refuses(lambda: metrics.PSNR(mask=3), "`mask`")
    refuses(lambda: metrics.PSNR(crop=-1), "`crop`")
    refuses(lambda: metrics.SSIM(luminance="y"), "`luminance`")


def test_distances_of_features():
    real, fake = normal(9, 5), normal(9, 5, seed=1)
    expected = np.mean([np.linalg.norm(a - b) for a, b in zip(real, fake, strict=True)])
    assert metrics.feature_distance(real, fake) == pytest.approx(expected)
    network = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2, use_bias=False)])
    kernel = keras.ops.convert_to_numpy(network.layers[0].kernel)
    metric = metrics.FeatureDistance(features.from_model(network, value_range=None))
    metric.update_state(real, fake)
    expected = np.mean(np.linalg.norm((real - fake) @ kernel, axis=1))
    assert metric.result() == pytest.approx(expected, rel=1e-5)
    refuses(lambda: metrics.get("feature_distance"), r"FeatureDistance\(features\)")
    refuses(lambda: metrics.feature_distance(real, fake[:8]), "9 real and 8 fake")


PAIRED = {
    "psnr": lambda: metrics.PSNR(luminance=True, crop=1),
    "ssim": metrics.SSIM,
    "paired_multi_scale_ssim": metrics.PairedMultiScaleSSIM,
    "l1": metrics.L1,
    "feature_distance": lambda: metrics.FeatureDistance(features.Features(PixelTrunk((-1, 1)))),
}
every_metric = pytest.mark.parametrize("name", PAIRED)


@every_metric
def test_batches_merges_and_configs(name):
    """However pairs come, in whichever metrics, the result is one."""
    real, fake = images()
    metric = PAIRED[name]()
    assert metric.name == name
    metric.update_state(real, fake)
    expected = metric.result()
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(metric)))
    halves = [keras.saving.deserialize_keras_object(config) for _ in range(2)]
    for rows in (slice(3), slice(3, 3), slice(3, None)):
        halves[rows.start == 3].update_state(real[rows], fake[rows])
    halves[0].merge_state(halves[1:])
    assert halves[0].result() == pytest.approx(expected, rel=1e-6)
    halves[0].reset_state()
    refuses(halves[0].result, name, r"real=\.\.\., fake=\.\.\.", "0 fake samples")
    assert metric.variables == []


@every_metric
def test_what_is_no_pair_is_refused_and_leaves_the_state(name):
    real, fake = images(2)
    metric = PAIRED[name]()
    metric.update_state(real, fake)
    before = metric.result()
    refuses(lambda: metric.update_state(real=real), "pairs", "fake=None")
    refuses(lambda: metric.update_state(real, fake[:1]), r"\(1, 17, 14, 3\)", "one order")
    refuses(lambda: metric.update_state(real, np.full_like(real, np.nan)), "(?i)nan|finite")
    refuses(lambda: metric.update_state(real, fake + 1j), "(?i)real-valued|range|complex")
    refuses(lambda: metric.update_features(real, fake), "pairs")
    refuses(lambda: metric.set_reference(real), "pairs")
    if name != "l1":  # Of samples of any kind.
        refuses(lambda: metric.update_state(real, fake * 100), r"\[-1, 1\]")
    assert metric.result() == before


def test_pairs_from_anywhere_in_any_batches():
    """Arrays, batches and datasets of conditions on either side, in one order."""
    real, fake = images()
    names = ["l1", "psnr", "sliced_wasserstein"]
    expected = metrics.evaluate(names, real, fake, verbose=0)
    alone = metrics.evaluate(["sliced_wasserstein"], real, fake, verbose=0)
    assert expected["sliced_wasserstein"] == alone["sliced_wasserstein"]
    batches = [(real[:1], real[:1]), (real[1:4], real[1:4]), (real[4:], real[4:])]
    found = metrics.evaluate(names, batches, [fake[:2], fake[2:]], verbose=0)
    assert found == pytest.approx(expected)
    by_part = metrics.evaluate(
        {"b": ["l1"]}, {"a": fake, "b": real}, {"a": real, "b": fake}, verbose=0
    )
    assert by_part == {"b/l1": pytest.approx(expected["l1"])}
    unit = metrics.evaluate(names, (real + 1) / 2, (fake + 1) / 2, verbose=0, value_range=(0, 1))
    assert unit == pytest.approx(expected, abs=1e-5)


class Seen:
    """A paired metric of a user's own."""

    name, paired = "seen", True

    def reset_state(self):
        self.pairs = []

    def update_state(self, real=None, fake=None, source=None):
        self.pairs += zip(real[:, 0, 0, 0], fake[:, 0, 0, 0], source, strict=True)

    def result(self):
        return len(self.pairs)


def test_sources_are_conditions_or_given():
    real, fake = images()
    for data, source in (((real, np.arange(6)), None), (real, np.arange(6))):
        metric = Seen()
        metrics.evaluate([metric], data, [fake[:3], fake[3:]], verbose=0, source=source)
        expected = zip(real[:, 0, 0, 0], fake[:, 0, 0, 0], range(6), strict=True)
        assert metric.pairs == list(expected)

    class Sourceless(Seen):
        def update_state(self, real=None, fake=None):
            """Take in no sources."""

    refuses(lambda: metrics.get(Sourceless()), "`update_state.real=None, fake=None, source=None.`")


def test_what_can_not_be_paired():
    real, fake = images()
    refuses(lambda: metrics.evaluate(["l1"], real, fake[:4], verbose=0), "6 of real, 4 of fake")
    refuses(lambda: metrics.evaluate(["l1"], real, [fake, fake], verbose=0), "6 of real, 12 of f")
    refuses(lambda: metrics.evaluate(["l1"], None, fake, verbose=0), r"\['l1'\].*", "real=None")
    of_sets = metrics.SlicedWasserstein()
    refuses(lambda: metrics.evaluate([of_sets, "l1"], None, fake, verbose=0), "real=None")
    assert of_sets._fake.count == 0, "refused before anything is read"
    refuses(lambda: metrics.evaluate(["l1"], iter([real]), fake, verbose=0), "iterator")
