"""Models for the client to ask for, and what its pictures and answers say."""

import itertools
import pathlib

import keras
import numpy as np
from PIL import Image

import keras_gan
from tests.integration.seeding import seeded

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "serving_client.py"
SIDE, LATENTS, ROWS = 8, 8, 100
TRANSPORTS = ("rest", "grpc")


def build(classes=None):
    """Return a model whose images vary: those of an untrained one are nearly grey."""
    seeded(0)
    shape = (SIDE, SIDE, 1)
    networks = keras_gan.networks.dcgan(shape, latent_dim=LATENTS, width=8, num_classes=classes)
    for layer in networks[0].layers:
        if isinstance(layer, keras.layers.Embedding):
            layer.embeddings.assign(20 * layer.embeddings)
    last = [layer for layer in networks[0].layers if layer.weights][-1]
    last.kernel.assign(20 * last.kernel)
    return keras_gan.GAN(*networks, seed=0)


def at(running, transport, model="digits"):
    """Return the flags that lead to a server."""
    return (
        f"--transport={transport}",
        f"--port={getattr(running, transport)}",
        f"--model={model}",
    )


def connect(script, running, transport, **options):
    """Return the script's connection to a server."""
    kind = {"rest": script.Rest, "grpc": script.Grpc}[transport]
    return kind(script.Target("localhost", getattr(running, transport), "digits", **options))


def statement(version, name="digits"):
    return f"Synthetic image, made by a generative model: {name}, version {version} (keras_gan)"


def levels(model, *args, **kwargs):
    """Return generated images as they are in pictures."""
    return np.clip(np.rint((model.generate(*args, **kwargs) + 1) * 127.5), 0, 255)[..., 0]


def tiles(path, columns, count):
    """Return the images that a picture is tiled of, and check that only whole ones are."""
    pixels = np.asarray(Image.open(path)).astype("float64")
    assert pixels.ndim == 2
    step = (pixels.shape[1] - 2) // columns
    scale, left = divmod(step - 2, SIDE)
    assert left == 0 and pixels.shape[0] == 2 + -(-count // columns) * step
    assert scale == max(1, 512 // (columns * SIDE))
    found = []
    for row, column in itertools.islice(np.ndindex(count, columns), count):
        y, x = 2 + row * step, 2 + column * step
        image = pixels[y : y + SIDE * scale, x : x + SIDE * scale]
        found.append(image[::scale, ::scale])
        np.testing.assert_array_equal(image, np.kron(found[-1], np.ones((scale, scale))))
    return np.array(found)


def sample(script, server, rows=2):
    """Return the first image of a good request."""
    files = server.predict("sample_png", "image_bytes", seeds(rows))
    assert len(files) == rows
    return script.Image.open(script.io.BytesIO(files[0]))


def seeds(rows, bounds=None):
    bounds = [np.inf] * rows if bounds is None else bounds
    return {"seed": np.arange(rows), "truncation": np.array(bounds, "float32")}
