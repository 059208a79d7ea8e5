"""SNGAN, SAGAN and BigGAN: against NumPy, where labels and latents go, and shapes at every side."""

import keras
import numpy as np
import pytest
import residual
import tensorflow as tf
from network_calls import call, kernels_within_wrappers, normal
from residual import CLASSES, SMALL, small

from keras_gan import GAN, networks
from keras_gan.layers import ConditionalBatchNormalization, SelfAttention, SpectralNormalization
from keras_gan.utils.keras_internals import layers_within
from tests.precision import precision

LABELS = np.array([2, 0, 1, 2], "int32")


@pytest.fixture(scope="module")
def pairs():
    """Return networks of each paper with classes, and with weights that are none of the first."""
    return {
        name: [residual.randomized(network) for network in small(name, CLASSES)] for name in SMALL
    }


def build_only(build, *arguments, **options):
    """Return networks whose weights have shapes and no values."""
    with keras.StatelessScope(initialize_variables=False):
        built = build(*arguments, **options)
    keras.backend.clear_session()
    return built


def attended(network):
    found = [layer for layer in layers_within(network) if isinstance(layer, SelfAttention)]
    return [layer.input.shape[1:3] for layer in found]


@pytest.mark.parametrize("num_classes", [None, CLASSES])
def test_sngan_is_the_chain_of_blocks_of_the_paper(num_classes):
    pair = small("sngan", num_classes)
    generator, discriminator = (residual.randomized(network) for network in pair)
    labels = [] if num_classes is None else [LABELS]
    images = call(generator, normal(4, 5), *labels)
    expected = residual.generated(generator, normal(4, 5), *labels)
    np.testing.assert_allclose(images, expected, rtol=1e-3, atol=1e-5)
    features = keras.Model(discriminator.inputs[0], discriminator.get_layer("features").output)
    expected = residual.features(discriminator, images)
    np.testing.assert_allclose(call(features, images), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", SMALL)
def test_the_logit_is_a_score_and_a_projection_on_the_class(pairs, name):
    _, discriminator = pairs[name]
    images = normal(4, 16, 16, 3)
    inner = keras.Model(discriminator.inputs[0], discriminator.get_layer("features").output)
    features = call(inner, images)
    kernel, bias = residual.kernel_and_bias(discriminator.get_layer("score"))
    table = np.asarray(discriminator.get_layer("label_embedding").normalized_kernel())
    logits = np.stack([call(discriminator, images, np.full(4, y)) for y in range(CLASSES)])
    score = features @ kernel + bias
    scale = 1e-5 * np.abs(logits).max()
    for y in range(CLASSES):
        np.testing.assert_allclose(logits[y], score + features @ table[y][:, None], atol=scale)
    difference = features @ (table[0] - table[1])[:, None]
    np.testing.assert_allclose(logits[0] - logits[1], difference, atol=scale)
    of_all = features @ table.sum(0)[:, None]
    np.testing.assert_allclose(logits.sum(0) - CLASSES * score, of_all, atol=3 * scale)


@pytest.mark.parametrize("name", SMALL)
def test_classes_may_be_numbered_otherwise(pairs, name):
    order = np.array([1, 2, 0])
    renamed = np.argsort(order)[LABELS].astype("int32")
    latents = normal(4, pairs[name][0].input_shape[0][1])
    for network, x in zip(pairs[name], (latents, normal(4, 16, 16, 3)), strict=True):
        before, weights = call(network, x, LABELS), network.get_weights()
        for layer in layers_within(network):
            if isinstance(layer, keras.layers.Embedding):
                layer.embeddings.assign(np.asarray(layer.embeddings)[order])
            if isinstance(layer, SpectralNormalization) and layer.name == "label_embedding":
                layer.v.assign(np.asarray(layer.v)[order])
        np.testing.assert_allclose(call(network, x, renamed), before, rtol=1e-5, atol=1e-5)
        assert np.abs(call(network, x, LABELS) - before).max() > 1e-3
        network.set_weights(weights)


@pytest.mark.representatives("3")
@pytest.mark.parametrize("num_classes", [None, CLASSES])
def test_a_part_of_biggan_s_latents_changes_nothing_before_its_block(pairs, num_classes):
    generator = pairs["biggan"][0] if num_classes else small("biggan")[0]
    assert generator.inputs[0].shape == (None, 6)  # 7 cut to three parts of 2.
    blocks = [layer.output for layer in generator.layers if isinstance(layer, keras.layers.Add)]
    first = next(x.output for x in generator.layers if isinstance(x, keras.layers.Reshape))
    labels = [tf.constant(LABELS)] if num_classes else []
    inner = keras.Model(generator.inputs, [first, *blocks])

    def maps(latents):
        given = [tf.constant(latents), *labels]
        return [np.asarray(each) for each in inner(given if labels else given[0])]

    before = maps(normal(4, 6))
    for part in range(3):
        latents = normal(4, 6)
        latents[:, 2 * part : 2 * part + 2] += 1
        changed = [np.abs(x - y).max() > 1e-3 for x, y in zip(maps(latents), before, strict=True)]
        assert changed == [stage >= part for stage in range(3)]


def test_biggan_s_classes_can_be_mixed(pairs):
    generator, _ = pairs["biggan"]
    latents = normal(4, 6)
    copy = keras.models.clone_model(generator)
    copy.set_weights(generator.get_weights())
    embedding = copy.get_layer("label_embedding")
    mixing = keras.Model([copy.inputs[0], embedding.output], copy.output)
    table = np.asarray(embedding.embeddings)
    expected = call(generator, latents, LABELS)
    np.testing.assert_array_equal(call(mixing, latents, table[LABELS]), expected)
    mixed = call(mixing, latents, np.tile(table[:2].mean(0), (4, 1)))
    for label in (0, 1):
        alone = call(generator, latents, np.full(4, label, "int32"))
        assert np.abs(mixed - alone).max() > 1e-3


@pytest.mark.parametrize("name", SMALL)
def test_what_is_normalized(pairs, name):
    generator, discriminator = pairs[name]
    count, wrapped = kernels_within_wrappers(discriminator)
    assert count == wrapped > 10
    count, wrapped = kernels_within_wrappers(generator)
    tables = sum(isinstance(each, keras.layers.Embedding) for each in layers_within(generator))
    assert tables == (1 if name == "biggan" else 8)  # Four normalizations, two each.
    assert wrapped == (0 if name == "sngan" else count - tables)
    kinds = ConditionalBatchNormalization, keras.layers.BatchNormalization
    found = [layer for layer in generator.layers if isinstance(layer, kinds)]
    assert [isinstance(layer, kinds[0]) for layer in found] == [True] * 4 + [False]
    epsilon = 2e-5 if name == "sngan" else 1e-5
    assert {(layer.epsilon, layer.momentum) for layer in found} == {(epsilon, 0.9)}
    assert not [layer for layer in layers_within(discriminator) if isinstance(layer, kinds)]
    assert attended(generator) == ([] if name == "sngan" else [(8, 8)])
    seen = {"sngan": [], "sagan": [(4, 4)], "biggan": [(8, 8)]}
    assert attended(discriminator) == seen[name]


@pytest.mark.representatives("sngan")
@pytest.mark.parametrize("name", SMALL)
def test_the_core_finds_the_number_of_classes(pairs, name):
    assert GAN(*pairs[name]).num_classes == CLASSES
    generator, discriminator = small(name, CLASSES, head="classifier")
    assert {key: x.shape[1:] for key, x in discriminator.output.items()} == {
        "logits": (1,),
        "classes": (CLASSES,),
    }
    assert isinstance(discriminator.get_layer("classes"), SpectralNormalization)
    model = GAN(generator, discriminator)
    assert model.num_classes == CLASSES and model.conditional


def test_kernels_of_sngan_start_as_published():
    generator, discriminator = networks.sngan((8, 8, 3), width=32)
    for network in (generator, discriminator):
        for layer in network.layers:
            layer = getattr(layer, "layer", layer)
            if not isinstance(layer, keras.layers.Conv2D):
                continue
            *sides, inner, outer = layer.kernel.shape
            # Glorot's bound, larger by the root of 2 within blocks alone.
            within = sides[0] == 3 and outer != 3
            bound = np.sqrt((12 if within else 6) / (np.prod(sides) * (inner + outer)))
            largest = np.abs(layer.kernel).max()
            assert 0.9 * bound < largest <= bound


@pytest.mark.slow
def test_kernels_of_biggan_start_as_published():
    _, discriminator = networks.biggan((16, 16, 3), width=4)
    layer = discriminator.get_layer("logits").layer
    assert np.linalg.norm(layer.kernel) == pytest.approx(1, rel=1e-5)
    _, discriminator = networks.biggan((16, 16, 3), width=16, initializer="normal")
    kernels = [x.layer.kernel for x in discriminator.layers if isinstance(x, SpectralNormalization)]
    for kernel in kernels[-4:-1]:
        assert np.std(kernel) == pytest.approx(0.02, rel=0.02)


@pytest.mark.slow
def test_flat_latents_of_biggan_have_tables_near_one():
    options = {"hierarchical": False, "initializer": "normal"}
    generator, _ = networks.biggan((16, 16, 1), 5, 16, num_classes=10, **options)
    assert generator.inputs[0].shape == (None, 5)
    layers = [x for x in generator.layers if isinstance(x, ConditionalBatchNormalization)]
    assert len(layers) == 4
    for layer in layers:
        assert layer.num_classes == 10
        for table in (layer.scale, layer.offset):
            assert np.std(table.embeddings) == pytest.approx(0.02, rel=0.1)
    generator, _ = networks.biggan((16, 16, 1), 5, 2, hierarchical=False)
    assert not [x for x in generator.layers if isinstance(x, ConditionalBatchNormalization)]


# Of the generator the first map, of both the channels of all maps, of the discriminator the sides.
PLANS = {
    ("sngan", 8): (4, [1, 1], [(4, 1), (2, 1), (2, 1), (2, 1)]),
    ("sngan", 28): (7, [1, 1, 1], [(14, 1), (7, 1), (7, 1), (7, 1)]),
    ("sngan", 32): (4, [1, 1, 1, 1], [(16, 1), (8, 1), (8, 1), (8, 1)]),
    ("sngan", 48): (6, [8, 4, 2, 1], [(24, 1), (12, 2), (6, 4), (3, 8), (3, 16)]),
    ("sngan", 56): (7, [8, 4, 2, 1], [(28, 1), (14, 2), (7, 4), (7, 8)]),
    ("sngan", 64): (4, [16, 8, 4, 2, 1], [(32, 1), (16, 2), (8, 4), (4, 8), (2, 16)]),
    ("sagan", 128): (
        4,
        [16, 16, 8, 4, 2, 1],
        [(64, 1), (32, 2), (16, 4), (8, 8), (4, 16), (4, 16)],
    ),
    ("biggan", 28): (7, [4, 4, 4], [(14, 4), (7, 4), (7, 4), (7, 4)]),
    ("biggan", 48): (6, [8, 8, 4, 2], [(24, 1), (12, 2), (6, 4), (6, 8)]),
    ("biggan", 64): (4, [16, 16, 8, 4, 2], [(32, 1), (16, 2), (8, 4), (4, 8), (4, 16)]),
    ("biggan", 256): (
        4,
        [16, 16, 8, 8, 4, 2, 1],
        [(128, 1), (64, 2), (32, 4), (16, 8), (8, 8), (4, 16), (4, 16)],
    ),
}


@pytest.mark.representatives("sngan-28", "sngan-64", "biggan-256")
@pytest.mark.parametrize(
    ("name", "side"), [pytest.param(*each, id=f"{each[0]}-{each[1]}") for each in PLANS]
)
def test_maps(name, side):
    first, channels, judged = PLANS[name, side]
    options = {"initializer": "normal"} if name == "biggan" else {}
    long = side if side > 64 else 2 * side
    shape, width = (side, long, 3), 8 if name == "sagan" else 1
    generator, discriminator = build_only(getattr(networks, name), shape, width=width, **options)
    assert generator.output_shape[1:] == shape == discriminator.input_shape[1:]
    maps = [
        layer.output.shape[1:]
        for layer in generator.layers
        if isinstance(layer, (keras.layers.Reshape, keras.layers.Add))
    ]
    sides = [first * 2**stage for stage in range(len(channels))]
    wider = long // side
    assert maps == [(s, wider * s, width * c) for s, c in zip(sides, channels, strict=True)]
    added = [x for x in discriminator.layers if isinstance(x, keras.layers.Add)]
    maps = [layer.output.shape[1:] for layer in added]
    assert maps == [(s, wider * s, width * c) for s, c in judged]


@pytest.mark.representatives(3)
@pytest.mark.parametrize(
    ("side", "made", "seen"),
    [(16, 8, 4), (28, 14, 14), (32, 16, 8), (48, 24, 24), (64, 32, 32), (128, 32, 32)],
)
def test_where_sagan_attends(side, made, seen):
    generator, discriminator = build_only(networks.sagan, (side, side, 3), width=8)
    assert attended(generator) == [(made, made)]
    assert attended(discriminator) == [(seen, seen)]


@pytest.mark.representatives("sngan")
@pytest.mark.parametrize("name", SMALL)
def test_digits_of_28_pixels(name):
    options = {**SMALL[name], "attention": 14} if name == "biggan" else SMALL[name]
    generator, discriminator = getattr(networks, name)((28, 28, 1), **options)
    images = call(generator, normal(2, generator.input_shape[1]))
    assert images.shape == (2, 28, 28, 1) and np.abs(images).max() <= 1
    assert images.std(axis=0).min() > 0
    assert call(discriminator, images).shape == (2, 1)


@pytest.mark.representatives("sngan")
@pytest.mark.parametrize("name", SMALL)
def test_saved_networks_load_in_safe_mode_and_from_their_configs(pairs, name, tmp_path):
    for network, x in zip(pairs[name], (normal(4, 6), normal(4, 16, 16, 3)), strict=True):
        x = x[:, : network.input_shape[0][1]]
        path = tmp_path / f"{network.name}.keras"
        network.save(path)
        loaded = keras.saving.load_model(path, safe_mode=True)
        copied = keras.Model.from_config(network.get_config())
        copied.set_weights(network.get_weights())
        for other in (loaded, copied):
            np.testing.assert_array_equal(call(other, x, LABELS), call(network, x, LABELS))


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_images_and_logits_are_float32_in_bfloat16_too(name):
    with precision("mixed_bfloat16"):
        generator, discriminator = small(name, CLASSES, head="classifier")
    images = call(generator, normal(4, generator.input_shape[0][1]), LABELS)
    assert images.dtype == "float32"
    assert {x.dtype for x in discriminator(images).values()} == {tf.float32}


BAD = [
    ("sngan", {"image_shape": (7, 8, 1)}, ValueError, "from 8 to 128"),
    ("sagan", {"image_shape": (8, 8, 1)}, ValueError, "from 16 to 128"),
    ("biggan", {"image_shape": (257, 257, 1)}, ValueError, "from 8 to 256"),
    ("sngan", {"image_shape": (36, 36, 1)}, ValueError, "8 divides.*Nearest to 36: 32 and 40"),
    ("sngan", {"image_shape": "16"}, TypeError, "tuple"),
    ("sngan", {"width": 0}, ValueError, "width=0"),
    ("sagan", {"discriminator_width": 0.5}, ValueError, "discriminator_width=0.5"),
    ("sagan", {"width": 4}, ValueError, "at least 8 channels"),
    ("sngan", {"latent_dim": 0}, ValueError, "latent_dim=0"),
    ("biggan", {"latent_dim": 2}, ValueError, "at least 3.*latent_dim=2"),
    ("sagan", {"num_classes": 1}, ValueError, "num_classes=1"),
    ("biggan", {"head": "linear"}, ValueError, "head='linear'"),
    ("sngan", {"head": "classifier"}, ValueError, "num_classes=None"),
    ("biggan", {"initializer": "zeros"}, ValueError, "initializer='zeros'"),
    ("biggan", {"hierarchical": None}, TypeError, "hierarchical=None"),
    ("biggan", {"embedding_dim": 0}, ValueError, "embedding_dim=0"),
    ("biggan", {"attention": 4}, ValueError, r"one of \[8\].*attention=4"),
    ("biggan", {"attention": "auto"}, ValueError, "attention='auto'"),
]


@pytest.mark.parametrize(("name", "arguments", "error", "message"), BAD, ids=str)
def test_bad_arguments_are_named(name, arguments, error, message):
    with pytest.raises(error, match=message):
        getattr(networks, name)(**{"image_shape": (16, 16, 1), **arguments})
