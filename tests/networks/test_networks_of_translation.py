"""The networks of image to image with a partner: trained, saved, and in low precision."""

import keras
import numpy as np
import pytest

import keras_gan
from keras_gan.networks import (
    gated_inpainter,
    patch,
    resnet_translator,
    rrdb,
    sn_patch,
    srresnet,
    stargan,
    unet,
    unet_discriminator,
    vgg_discriminator,
)


def images(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (2, *shape)).astype("float32")


def holes(*shape):
    mask = np.zeros((2, *shape, 1), "float32")
    mask[:, 4:10, 3:9] = 1
    return {"image": images(*shape, 1) * (1 - mask), "mask": mask}


def domains():
    return {"image": images(16, 16, 1), "target": np.eye(3, dtype="float32")[:2]}


JUDGES_MASK = {"discriminator_condition": "mask"}
# Networks, what they are trained on, and options of GAN.
PAIRS = {
    "pix2pix": lambda: (
        unet((16, 32, 1), 3, width=2, depth=4),
        patch((16, 32, 3), (16, 32, 1), depth=1, width=2),
        (images(16, 32, 3), images(16, 32, 1)),
        {},
    ),
    "pix2pix over the batch": lambda: (
        unet((32, 32, 1), width=(2, 3, 3), normalization="batch"),
        patch((32, 32, 1), (32, 32, 1), depth=2, width=2, normalization="batch", padding="exact"),
        (images(32, 32, 1), images(32, 32, 1)),
        {},
    ),
    "pix2pixhd": lambda: (
        resnet_translator((16, 24, 2), 1, width=2, blocks=1, depth=3, upsampling="transposed"),
        patch((16, 24, 1), (16, 24, 2), 1, 2, scales=2, padding="wide", features=True),
        (images(16, 24, 1), images(16, 24, 2)),
        {},
    ),
    "free sides": lambda: (
        resnet_translator((None, None, 1), width=2, blocks=2, normalization="affine_instance"),
        patch((None, None, 1), depth=0, width=2, scales=2),
        (images(12, 20, 1), images(12, 20, 1)),
        {},
    ),
    "stargan": lambda: (
        *stargan((16, 16, 1), 3, width=2, blocks=1),
        (images(16, 16, 1), domains()),
        {"generator_condition": ["image", "target"]},
    ),
    "srgan": lambda: (
        srresnet((5, 7, 1), 3, width=2, blocks=1, form="original"),
        vgg_discriminator((15, 21, 1), width=2, form="srgan"),
        (images(15, 21, 1), images(5, 7, 1)),
        {},
    ),
    "denoising": lambda: (
        srresnet((None, 9, 3), 1, width=2, blocks=1),
        patch((None, 9, 3), depth=1, width=2, normalization=None),
        (images(11, 9, 3), images(11, 9, 3)),
        {},
    ),
    "esrgan": lambda: (
        rrdb((5, 6, 1), width=2, blocks=1, growth=2),
        vgg_discriminator((20, 24, 1), width=2),
        (images(20, 24, 1), images(5, 6, 1)),
        {},
    ),
    "real-esrgan": lambda: (
        rrdb((None, None, 1), scale=1, width=2, blocks=1, growth=2),
        unet_discriminator((None, None, 1), (None, None, 1), width=2),
        (images(16, 24, 1), images(16, 24, 1)),
        {},
    ),
    "inpainting": lambda: (
        gated_inpainter((16, 12, 1), width=4, stages=1, dilations=(2,)),
        patch((16, 12, 1), (16, 12, 1), depth=1, width=2, normalization="spectral"),
        (images(16, 12, 1), holes(16, 12)),
        JUDGES_MASK,
    ),
    "free-form inpainting": lambda: (
        gated_inpainter((32, None, 1), width=4, dilations=(2,)),
        sn_patch((32, None, 1), (32, None, 1), width=2, depth=2),
        (images(32, 48, 1), holes(32, 48)),
        JUDGES_MASK,
    ),
}
ALL = pytest.mark.parametrize("pair", PAIRS)


def leaves(outputs):
    return [keras.ops.convert_to_numpy(x) for x in keras.tree.flatten(outputs)]


def inputs_of(model, x, condition):
    """Return what the training step calls the generator and the discriminator on."""
    return (
        model.condition.to_generator(None, condition),
        model.condition.to_discriminator(x, condition),
    )


@pytest.mark.representatives("pix2pix")
@ALL
def test_they_train_against_each_other_and_are_loaded_as_they_were_saved(pair, tmp_path):
    generator, discriminator, (x, condition), options = PAIRS[pair]()
    model = keras_gan.GAN(generator, discriminator, latents=None, **options)
    # Any gradient but 0 moves a weight, however small.
    optimizers = (keras.optimizers.Adam(0.01, epsilon=1e-30) for _ in range(2))
    model.compile("least_squares", *optimizers, run_eagerly=True)
    before = [np.array(w) for w in (*generator.weights, *discriminator.weights)]
    logs = model.train_on_batch(x, condition, return_dict=True)
    assert np.isfinite(list(logs.values())).all()
    after = [*generator.weights, *discriminator.weights]
    still = [
        w.path for a, w in zip(before, after, strict=True) if w.trainable and np.array_equal(a, w)
    ]
    # What names a label is trained by a term.
    assert len(still) == (pair == "stargan"), still
    calls = zip((generator, discriminator), inputs_of(model, x, condition), strict=True)
    for network, inputs in calls:
        network.save(tmp_path / "network.keras")
        loaded = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
        for one, other in zip(leaves(loaded(inputs)), leaves(network(inputs)), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.representatives("pix2pix", "denoising")
@ALL
def test_low_precision_is_finite_and_ends_in_float32(pair):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        generator, discriminator, (x, condition), options = PAIRS[pair]()
    finally:
        keras.config.set_dtype_policy("float32")
    model = keras_gan.GAN(generator, discriminator, latents=None, **options)
    seen, judged = inputs_of(model, x, condition)
    outputs = discriminator(judged, training=True)
    logits = outputs["logits"] if isinstance(outputs, dict) else outputs
    for array in leaves([generator(seen, training=True), logits]):
        assert array.dtype == "float32" and np.isfinite(array).all()
