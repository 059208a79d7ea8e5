"""Mistakes with image to image, and what is said of each: what was expected, received, to do."""

import keras
import numpy as np
import pytest
from PIL import Image

import keras_gan
from integration import translation
from keras_gan import datasets, metrics, networks, terms
from keras_gan.datasets import degrade

from .jobs import JOBS


def folder(path, *sizes):
    """Return a folder with an image of each (width, height)."""
    path.mkdir()
    for i, size in enumerate(sizes):
        Image.new("RGB", size).save(path / f"{i}.png")
    return path


def pairs_of_two_sizes(tmp_path):
    edges, photos = folder(tmp_path / "edges", (8, 8)), folder(tmp_path / "photos", (12, 8))
    datasets.from_folders(edges, photos)


def files_that_hold_no_two_images(tmp_path):
    datasets.from_side_by_side(folder(tmp_path / "both", (9, 8)), source="left")


def no_partner(tmp_path):
    edges, photos = folder(tmp_path / "edges", (8, 8)), folder(tmp_path / "photos", *[(8, 8)] * 2)
    datasets.from_folders(edges, photos)


def domain_without_images(tmp_path):
    horses, zebras = folder(tmp_path / "horses", (8, 8)), folder(tmp_path / "zebras")
    datasets.unpaired(datasets.from_folder(horses, 2), datasets.from_folder(zebras, 2))


def masks_between(tmp_path):
    degrade.masked(np.zeros((1, 8, 8, 1), "float32"), np.full((1, 8, 8, 1), 0.5, "float32"))


def side_that_does_not_halve(tmp_path):
    networks.unet((100, 100, 3), depth=5)


def image_that_does_not_halve(tmp_path):
    network = networks.unet((None, None, 1), depth=3, width=(4, 4, 4))
    network(np.zeros((1, 20, 16, 1), "float32"))


def no_vgg_file(tmp_path):
    terms.Reconstruction(features=terms.vgg19(["block2_conv2"]))


def metric_of_pairs_without_pairs(tmp_path):
    model = translation.model(metrics=[metrics.PSNR()], run_eagerly=True)
    model.evaluate(translation.dataset(), verbose=0)


def metric_of_pairs_without_condition(tmp_path):
    model = keras_gan.GAN(*networks.mlp((2,), latent_dim=3, width=8))
    model.compile(metrics=[metrics.L1()])
    model.evaluate(np.zeros((8, 2), "float32"), verbose=0)


def domain_that_is_none(tmp_path):
    translation.model().translate(translation.domains()["a"], to="c")


def images_of_the_other_domain(tmp_path):
    translation.model().translate(translation.domains()["b"], to="b")


def reconstruction_without_pairs(tmp_path):
    translation.model(terms=[terms.Reconstruction()])


def layers_that_are_none(tmp_path):
    generator, critic, given = JOBS["pix2pix"].networks()
    model = keras_gan.GAN(generator, critic, latents=None, **given)
    network = keras.Sequential([keras.Input((16, 16, 1)), keras.layers.Conv2D(2, 3, name="first")])
    features = terms.FrozenFeatures(network, ["second"])
    model.compile(terms=[terms.Reconstruction(features=features)])


MISTAKES = {
    pairs_of_two_sizes: r"pair differ in size: '.*edges/0.png' is 8 x 8.*'.*photos/0.png' is 8 x "
    r"12\. Pass image_size=",
    files_that_hold_no_two_images: r"two images side by side: it is 9 pixels wide",
    no_partner: r"partner of the same name.*Without one: '.*photos/1.png'\. For domains without",
    domain_without_images: r"zebras' holds no images\. Expected image files",
    masks_between: r"masks of 0 and 1, where 1 is hole.*`mask > 127`",
    side_that_does_not_halve: r"that 32 divides.*Nearest to 100: 96 and 128\. Pad, crop or resize",
    image_that_does_not_halve: r"that 8 divides.*[Nn]earest to 20: 16 and 24\. Pad, crop or resize",
    no_vgg_file: r"There is no file '.*/models/vgg19_weights.*h5'.*download",
    metric_of_pairs_without_pairs: r"\['psnr'\] compare each real sample.*no pairs.*paired=False",
    metric_of_pairs_without_condition: r"\['l1'\] compare.*takes no condition.*of two sets",
    domain_that_is_none: r"`to` to be.*'a'.*'b'.*Received: to='c'",
    images_of_the_other_domain: r"\(16, 16, 3\) and \(32, 32, 1\).*differ in channels: convert",
    reconstruction_without_pairs: r"'reconstruction' compares.*not paired.*`Cycle`.*`PatchNCE`",
    layers_that_are_none: r"'first'.*Received.*second",
}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_mistakes_are_told(mistake, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_HOME", raising=False)
    with pytest.raises((ValueError, TypeError), match=f"(?s){MISTAKES[mistake]}") as told:
        mistake(tmp_path)
    assert len(str(told.value)) < 1000
