"""The sliced Wasserstein distance of patches against loops, blur and noise."""

import keras
import numpy as np
import pytest
import scipy.ndimage
from metric_refusals import refuses

from keras_gan import metrics


def images(n=12, shape=(20, 16, 3), seed=0):
    noise = np.random.default_rng(seed).uniform(-1, 1, (n, *shape))
    return scipy.ndimage.uniform_filter(noise, (0, 2, 2, 0)).astype("float32")


def literal_patches(pictures):
    """Return all patches of 7 by 7 of the luminance, each without its mean."""
    found = []
    for picture in pictures:
        plane = picture.astype("f8")
        if plane.shape[-1] == 3:
            plane = plane @ (np.array([65.481, 128.553, 24.966]) / 219)
        plane = plane.reshape(picture.shape[:2])
        for i in range(plane.shape[0] - 6):
            for j in range(plane.shape[1] - 6):
                patch = plane[i : i + 7, j : j + 7].ravel()
                found.append(patch - patch.mean())
    return np.array(found)


@pytest.mark.parametrize("channels", [1, 3])
def test_all_patches_against_loops(channels):
    real, fake = (images(4, (11, 9, channels), seed) for seed in (0, 1))
    fake *= 0.7
    patches = [literal_patches(side) for side in (real, fake)]
    found = metrics.patch_sliced_wasserstein(real, fake, patches=15, projections=40, seed=3)
    expected = metrics.sliced_wasserstein(*patches, projections=40, seed=3)
    assert found["distance"] == pytest.approx(expected, rel=1e-5)
    assert found["std_ratio"] == pytest.approx(patches[1].std() / patches[0].std(), rel=1e-5)
    assert 0.5 < found["std_ratio"] < 0.9


def test_it_sees_blur_and_noise_and_no_brightness():
    real, other = images(40), images(40, seed=1)
    floor = metrics.patch_sliced_wasserstein(real, other)
    assert floor["std_ratio"] == pytest.approx(1, abs=0.05)
    brighter = metrics.patch_sliced_wasserstein(real / 2, other / 2 + 0.4)
    assert brighter["distance"] == pytest.approx(floor["distance"] / 2, rel=1e-4)
    blurred = scipy.ndimage.gaussian_filter(other, (0, 1, 1, 0))
    noisy = np.clip(other + np.random.default_rng(2).normal(0, 0.3, other.shape), -1, 1)
    found = [metrics.patch_sliced_wasserstein(real, fake) for fake in (blurred, noisy)]
    assert found[0]["std_ratio"] < 0.7 and found[1]["std_ratio"] > 1.1
    assert min(each["distance"] for each in found) > 3 * floor["distance"]


def test_places_are_the_same_in_any_batches_and_any_metric():
    real, fake = images(), images(9, seed=1)
    metric = metrics.PatchSlicedWasserstein(patches=20)
    metric.update_state(real=real, fake=fake)
    expected = metric.result()
    again = metrics.get(keras.saving.serialize_keras_object(metric))
    for rows in (slice(4), slice(4, 5), slice(5, None)):
        again.update_state(fake=fake[rows])
        again.update_state(real=real[rows])
    assert again.result() == pytest.approx(expected, rel=1e-6)
    assert metric._real.values.shape == (12 * 20, 128 + 1)
    assert metrics.PatchSlicedWasserstein(patches=20, seed=1)._settings() != metric._settings()


def test_the_whole_of_few_patches_is_unbiased_by_their_choice():
    """Twenty patches of each of many images stand for all: within a few percent."""
    real, fake = images(100), images(100, seed=1) * 0.8
    some, every = (metrics.patch_sliced_wasserstein(real, fake, n) for n in (20, 10**6))
    assert some["distance"] == pytest.approx(every["distance"], rel=0.1)
    assert some["std_ratio"] == pytest.approx(every["std_ratio"], rel=0.02)


def test_what_it_refuses():
    refuses(lambda: metrics.patch_sliced_wasserstein(images(), images()[:, :6]), "7 pixels a side")
    two = images(3, (8, 8, 2))
    refuses(lambda: metrics.patch_sliced_wasserstein(two, two), r"one channel.*\(3, 8, 8, 2\)")
    refuses(lambda: metrics.patch_sliced_wasserstein(images() * 200, images()), r"\[-1, 1\]")
    for argument in ("patches", "projections"):
        for value in (0, 1.5, "3"):
            options = {argument: value}
            refuses(lambda o=options: metrics.PatchSlicedWasserstein(**o), f"`{argument}`")
    refuses(lambda: metrics.PatchSlicedWasserstein(seed=-1), "`seed`")
    refuses(lambda: metrics.get("patch_swd"), "'patch_sliced_wasserstein'")
    refuses(lambda: metrics.get("mae"), "'l1'")
