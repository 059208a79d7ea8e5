"""Projection: literals of its parts and of its steps, recovered images, resumed runs, refusals."""

import dataclasses
import os
import pathlib
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import stylegan2_literal as literal
import tensorflow as tf
from network_calls import normal
from projection_literal import Literal, fixed_noise, resemblance, tried

import keras_gan
from keras_gan.networks import (
    interpolate_styles,
    mix_styles,
    project,
    style_descent,
    stylegan2,
    synthesize,
)
from keras_gan.networks.style_parts import StyleParts
from tests.precision import precision

SIDES = (4, 8, 16)
SIZE = 16 + 2 * 64 + 2 * 256
SMALL = {"latent_dim": 5, "style_dim": 4, "channel_base": 64, "max_channels": 8}


def small(**options):
    """Return a generator whose biases are not 0, and whose noise is seen."""
    keras.utils.set_random_seed(0)
    generator, _ = stylegan2((16, 16, 1), **{**SMALL, **options})
    for i, weight in enumerate(generator.weights):
        if weight.name in ("bias", "strength"):
            weight.assign(weight + 0.2 * normal(*weight.shape, seed=i))
    return generator


@pytest.fixture(scope="module")
def generator():
    return small()


@pytest.fixture(scope="module")
def classes():
    return small(num_classes=3, noise="latents")


@pytest.fixture(scope="module")
def made(generator):
    """Return two of the generator's own images."""
    return generator(normal(2, 5, seed=3))["samples"].numpy()


@pytest.fixture
def eagerly():
    """Run steps one by one: few of them cost less than a graph."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def test_images_are_those_that_the_generator_makes_of_styles_and_noise(generator, classes):
    found = generator(normal(3, 5))
    np.testing.assert_array_equal(synthesize(generator, found["styles"]), found["samples"])
    # As many as are made in several batches, on noise of one's own; here and there.
    styles, noise = normal(33, 6, 4), normal(33, SIZE, seed=1)
    for each in (generator, classes):
        images = synthesize(each, styles, noise)
        for i in (0, 32):
            expected = literal.drawn(each, styles[i].astype("float64"), SIDES, noise[i])
            np.testing.assert_allclose(images[i], expected, rtol=1e-3, atol=1e-4)
    latents = {"z": normal(3, 5), "noise": noise[:3]}
    found = classes([latents, np.array([0, 1, 2])])
    np.testing.assert_array_equal(synthesize(classes, found["styles"], noise[:3]), found["samples"])


def test_the_parts_leave_no_trace_on_the_generator(generator):
    calls = [len(layer._inbound_nodes) for layer in generator.layers]
    parts = StyleParts(generator)
    parts.drawn(parts.mapped(normal(2, 5)), normal(2, SIZE))
    assert [len(layer._inbound_nodes) for layer in generator.layers] == calls


def test_lines_and_mixtures_of_styles():
    start, end = normal(3, 6, 4), normal(3, 6, 4, seed=1)
    line = interpolate_styles(start, end, 5)
    assert line.dtype == "float32"
    np.testing.assert_array_equal(line[[0, -1]], [start, end])
    np.testing.assert_allclose(line[1], 0.75 * start + 0.25 * end, atol=1e-6)
    columns = normal(2, 6, 4, seed=2)
    for layers, donated in {"coarse": [0, 1], "middle": [2, 3], "fine": [4, 5], 5: [5]}.items():
        mixed = mix_styles(start, columns, layers)
        for i, j, layer in np.ndindex(3, 2, 6):
            source = columns[j] if layer in donated else start[i]
            np.testing.assert_array_equal(mixed[i, j, layer], source[layer])
    of_eight = [mix_styles(np.zeros((1, 8, 1)), np.ones((1, 8, 1)), each).ravel()
                for each in ("coarse", "middle", "fine")]  # fmt: skip
    assert [list(np.flatnonzero(row)) for row in of_eight] == [[0, 1, 2], [3, 4, 5], [6, 7]]


def test_penalty():
    for side, scales in ((4, 1), (16, 2), (32, 3)):
        fields = normal(2, side, side)
        expected = [resemblance(field.astype("float64")) for field in fields]
        found = style_descent.autocorrelation(fields[..., None])
        np.testing.assert_allclose(found, expected, rtol=1e-4)
        # Of one value all neighbours are alike, on every scale and both axes.
        flat = style_descent.autocorrelation(np.ones((1, side, side, 1), "float32"))
        np.testing.assert_allclose(flat, [2 * scales])


@pytest.mark.parametrize(("space", "layers"), [("w", 1), ("w+", 6)])
def test_steps_are_those_of_the_formula(generator, made, eagerly, space, layers):
    expected = Literal(generator, made, 5, layers)
    assert len({0, *expected.first}) == 3  # Neither image is nearest to the mean's.
    for k in range(5):
        expected.step(k)
    found = project(generator, made, steps=5, seed=7, space=space, verbose=0)
    styles = np.broadcast_to(expected.values[0], (2, 6, 4))
    np.testing.assert_allclose(found.styles, styles, atol=1e-5)
    np.testing.assert_allclose(found.noise, expected.values[1], atol=1e-3)
    assert np.abs(found.styles - found.styles[:, :1]).max() > 1e-2 or space == "w"


SETTINGS = {"steps": 150, "record": (0, 40), "verbose": 0}


@pytest.fixture(scope="module")
def found(generator, made):
    """Return a projection of both images, and the weights from before it."""
    before = [each.numpy() for each in generator.variables]
    return project(generator, made, **SETTINGS), before


def test_a_generators_own_images_are_recovered(generator, made, found):
    found, before = found
    assert found.images.shape == made.shape
    for variable, value in zip(generator.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)
    images = synthesize(generator, found.styles, found.noise)
    np.testing.assert_allclose(images, found.images, atol=1e-5)
    errors = np.clip(found.images, -1, 1).astype("float64") - np.clip(made, -1, 1)
    np.testing.assert_allclose(found.psnr, [10 * np.log10(4 / np.mean(e**2)) for e in errors])
    assert min(found.psnr) >= 30
    for step, least in ((0, 4), (40, 1.5)):
        error = np.mean((found.recorded[step] - made) ** 2, axis=(1, 2, 3))
        assert (error > least * np.mean((found.images - made) ** 2, axis=(1, 2, 3))).all()
    maps = np.split(found.noise, np.cumsum([16, 64, 64, 256]), axis=1)
    for each in maps:
        np.testing.assert_allclose(each.mean(1), 0, atol=1e-5)
        np.testing.assert_allclose(each.std(1), 1, atol=1e-5)


def assert_equal(one, other):
    for name, value in dataclasses.asdict(one).items():
        keras.tree.map_structure(np.testing.assert_array_equal, value, getattr(other, name))


def test_an_interrupted_projection_goes_on_to_the_same_bits(
    generator, made, found, tmp_path, monkeypatch
):
    path = tmp_path / "found.npz"
    settings = {**SETTINGS, "checkpoint": path, "checkpoint_steps": 35}
    write = style_descent.Checkpoint.write

    def fall(self):
        if self._descent.step == 105:  # What has been done since the last write is lost.
            raise KeyboardInterrupt
        write(self)

    monkeypatch.setattr(style_descent.Checkpoint, "write", fall)
    with pytest.raises(KeyboardInterrupt):
        project(generator, made, **settings)
    monkeypatch.undo()
    with np.load(path) as arrays:
        assert arrays["step"] == 70
    assert_equal(project(generator, made, **settings), found[0])
    # What is done is read again, without a step.
    monkeypatch.setattr(style_descent.Descent, "_take_steps", None)
    assert_equal(project(generator, made, **settings), found[0])
    monkeypatch.undo()
    for other in ({"steps": 151}, {"seed": 1}, {"space": "w"}, {"record": ()}):
        with pytest.raises(ValueError, match=r"of this projection.*of another one"):
            project(generator, made, **{**settings, **other})
    with pytest.raises(ValueError, match="of another one"):
        project(generator, made + 0.01, **settings)
    with np.load(path) as arrays:
        identity = str(arrays["identity"])
    np.savez(path, identity=identity, step=70)
    with pytest.raises(ValueError, match="an array is missing or of another shape"):
        project(generator, made, **settings)
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(ValueError, match=r"that a projection has written.*no file of arrays"):
        project(generator, made, **settings)


def test_each_image_is_projected_by_itself(classes, eagerly):
    """As alone, with the label of its own; and maps of noise that come from latents."""
    images, labels = normal(3, 16, 16, 1), [2, 0, 2]
    images[2] += 2
    settings = {"steps": 6, "seed": 2, "verbose": 0}
    together = project(classes, images, condition=labels, **settings)
    for i in range(2):
        alone = project(classes, images[i], condition=labels[i], **settings)
        for one, other in ((alone.styles, together.styles), (alone.images, together.images)):
            np.testing.assert_allclose(one[0], other[i], atol=1e-4)
        np.testing.assert_allclose(alone.noise[0], together.noise[i], atol=2e-3)
    # It starts at the nearest style of its class; the first step has a rate of 0.
    start = project(classes, images, condition=labels, **{**settings, "steps": 1}).styles
    noise = tf.random.stateless_normal((1, SIZE), [2, -2], alg="philox")
    nearest = []
    for i, label in enumerate(labels):
        styles, drawn = tried(classes, noise, 2, label)
        nearest.append(((drawn - images[i]) ** 2).mean(axis=(1, 2, 3)).argmin())
        np.testing.assert_allclose(start[i], styles[nearest[i]], atol=1e-5)
    assert nearest[0] != nearest[2]


def test_features_count_in_the_choice_of_the_start(generator, made, eagerly):
    inputs = keras.Input((16, 16, 1))
    outputs = keras.layers.GlobalAveragePooling2D()(inputs)
    settings = {"features": keras.Model(inputs, outputs), "feature_weight": 1e6}
    start = project(generator, made, steps=1, seed=2, verbose=0, **settings).styles
    styles, drawn = tried(generator, fixed_noise(generator), 2)
    for i in range(2):
        darkness = np.abs(drawn.mean(axis=(1, 2, 3)) - made[i].mean())
        np.testing.assert_allclose(start[i], styles[darkness.argmin()], atol=1e-5)


def test_a_start_that_overflows_is_not_taken(generator, made, eagerly, monkeypatch):
    drawn = StyleParts.drawn
    expected = project(generator, made, steps=1, verbose=0).styles

    def overflowing(self, styles, noise=None):
        images = drawn(self, styles, noise)
        return tf.where(images == images[0], np.nan, images) if len(images) > 2 else images

    monkeypatch.setattr(StyleParts, "drawn", overflowing)
    found = project(generator, made, steps=1, verbose=0).styles
    np.testing.assert_array_equal(found, expected)


def test_features_count_beside_pixels(generator, made, eagerly):
    inputs = keras.Input((16, 16, 1))
    features = keras.Model(inputs, {"a": keras.layers.Conv2D(3, 3)(inputs)})
    before = [np.array(each) for each in features.variables]
    plain, other, zero = (
        project(generator, made, steps=4, verbose=0, features=model, feature_weight=weight)
        for model, weight in ((None, 1.0), (features, 5.0), (features, 0.0))
    )
    assert np.abs(plain.styles - other.styles).max() > 1e-2
    np.testing.assert_allclose(plain.styles, zero.styles, atol=1e-5)
    for variable, value in zip(features.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_bfloat16_and_a_generator_without_noise(eagerly):
    with precision("mixed_bfloat16"):
        generator = small(noise=None)
        found = project(generator, np.zeros((16, 16, 1), "float32"), steps=3, verbose=0)
    assert found.noise is None
    assert found.images.dtype == found.styles.dtype == "float32"
    assert np.isfinite(found.images).all()


def test_a_gan_stands_for_what_it_samples_from(generator, made, eagerly):
    _, discriminator = stylegan2((16, 16, 1), **SMALL)
    model = keras_gan.GAN(generator, discriminator)
    found = project(model, made, steps=2, verbose=0)
    assert_equal(found, project(generator, made, steps=2, verbose=0))


def test_refusals(generator, classes, tmp_path):
    images = np.zeros((2, 16, 16, 1), "float32")
    latents = keras.Input((5,))
    dense = keras.Model(latents, keras.layers.Dense(3)(latents))
    for wrong, error, message in (
        ({"images": images[:, :8]}, ValueError, r"`images` of shape \(n, 16, 16, 1\)"),
        ({"images": images[:0]}, ValueError, r"`images` of shape"),
        ({"images": images.astype("uint8")}, ValueError, r"write `images / 127.5 - 1`.*uint8"),
        ({"images": images + 255}, ValueError, r"not finite or too large"),
        ({"images": images + np.nan}, ValueError, r"not finite or too large"),
        ({"condition": [0, 1]}, ValueError, "the generator has latents alone"),
        ({"generator": classes}, ValueError, "Expected `condition`, of each image"),
        ({"generator": classes, "condition": [0, 3]}, ValueError, r"in \[0, 3\)"),
        ({"generator": classes, "condition": [0, 1, 2]}, ValueError, "one, or 2, one for"),
        ({"generator": classes, "condition": 0.5}, ValueError, "whole numbers"),
        ({"generator": dense}, ValueError, 'a dict with "samples" and "styles"'),
        ({"generator": 3}, TypeError, "`generator` to be a Functional"),
        ({"features": 3}, TypeError, "`features` to be None or a built Keras model"),
        ({"space": "z"}, ValueError, r"`space` to be one of \['w\+', 'w'\]"),
        ({"steps": 0}, ValueError, "`steps`"),
        ({"record": 301}, ValueError, "`record`.*at most 300"),
        ({"checkpoint": "gs://a/b.npz"}, ValueError, "`checkpoint` to be a local path"),
        ({"checkpoint": tmp_path / "no" / "a.npz"}, FileNotFoundError, "no such directory"),
    ):
        given = {"generator": generator, "images": images, "verbose": 0, **wrong}
        with pytest.raises(error, match=message):
            project(**given)
    with pytest.raises(ValueError, match=r"`styles` of shape \(n, 6, 4\)"):
        synthesize(generator, normal(6, 4))
    with pytest.raises(ValueError, match=r"`noise` of shape \(2, 656\).*noise=None"):
        synthesize(classes, normal(2, 6, 4))
    with pytest.raises(ValueError, match="`start` and `end` of one shape"):
        interpolate_styles(normal(6, 4), normal(5, 4), 3)
    with pytest.raises(ValueError, match="`rows` and `columns` of shape"):
        mix_styles(normal(2, 6, 4), normal(2, 6, 3))
    with pytest.raises(ValueError, match=r"`layers`.*at most 5"):
        mix_styles(normal(2, 6, 4), normal(2, 6, 4), [6])


def test_samples_of_more_than_styles_are_refused(generator):
    latents, other = keras.Input((5,)), keras.Input((16, 16, 1), name="other")
    found = generator(latents)
    outputs = {"samples": found["samples"] + other, "styles": found["styles"]}
    with pytest.raises(ValueError, match=r"depend on the styles alone"):
        StyleParts(keras.Model([latents, other], outputs))


@pytest.mark.slow
def test_the_default_form_finds_its_images_again():
    """At 32 pixels, in 300 steps; alone as beside others."""
    keras.utils.set_random_seed(1)
    generator, _ = stylegan2((32, 32, 1))
    latents = normal(3, 64)
    deviation = np.std(generator(latents)["samples"])
    for side in (4, 8, 16, 32):  # Images are linear in these: as wide as data in [-1, 1].
        kernel = generator.get_layer(f"{side}_colors").kernel
        kernel.assign(kernel * (0.5 / deviation))
    targets = generator(latents)["samples"].numpy()
    assert np.std(targets) == pytest.approx(0.5, rel=1e-4)
    together = project(generator, targets, verbose=0)
    alone = project(generator, targets[0], verbose=0)
    assert min(*together.psnr, *alone.psnr) >= 30


PROGRAM = """
import sys
sys.path.insert(0, sys.argv[2])
import numpy as np, keras
from test_networks_projection import small
from keras_gan.networks import project
keras.utils.set_random_seed(0)
found = project(
    small(), np.zeros((16, 16, 1), "float32"), steps=60, checkpoint=sys.argv[1],
    checkpoint_steps=1, verbose=0,
)
np.save(sys.argv[1] + ".npy", np.concatenate([found.styles.ravel(), found.noise.ravel()]))
"""


@pytest.mark.slow
def test_a_killed_process_goes_on_to_the_same_bits(tmp_path):
    root = pathlib.Path(keras_gan.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root)}

    def start(name):
        here = str(pathlib.Path(__file__).parent)
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / name), here]
        return subprocess.Popen(command, env=environment)

    def done():
        with np.load(tmp_path / "killed.npz") as arrays:
            return int(arrays["step"])

    killed = start("killed.npz")
    while not (tmp_path / "killed.npz").exists() or done() < 20:
        assert killed.poll() is None
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    assert 20 <= done() < 60
    results = []
    for name in ("killed.npz", "whole.npz"):
        assert start(name).wait() == 0
        results.append(np.load(tmp_path / f"{name}.npy"))
    np.testing.assert_array_equal(*results)
