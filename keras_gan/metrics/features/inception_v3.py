"""Inception-v3 as Keras has it."""

import os

import h5py
import keras
import tensorflow as tf

from keras_gan.metrics.features import caching, images
from keras_gan.metrics.features.classifier import Classifier
from keras_gan.metrics.features.files import FileTrunk
from keras_gan.metrics.undisturbed import undisturbed
from keras_gan.utils import archives, weights_files
from keras_gan.utils.arguments import choice, shown

FILE_NAME = "inception_v3_weights_tf_dim_ordering_tf_kernels.h5"
URL = f"https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/{FILE_NAME}"
_MD5 = "9a0d58056eeedaa3f26cb7ebd46da564"
_SIDE = 299
_WIDTH = 2048
_RESIZERS = ("bilinear", "bicubic")


class InceptionV3(Classifier):
    """`keras.applications.InceptionV3`: 2048 features, and the probabilities of ImageNet's classes.

    These are other weights than those of published FIDs, and values on them compare only with
    each other; for published ones see `Inception2015`. Images in [-1, 1] are rounded to 256
    levels and resized to 299 pixels a side with half-pixel centers, antialiased where they
    shrink, both as in a well-behaved image library.

    Args:
        weights: path of a weights file, `.h5` or `.weights.h5`; `"imagenet"` to let Keras
            download its own where it is missing; `None` for Keras's own file where Keras caches
            it, without any download. A file without the classification layer gives features
            alone.
        resizer: `"bilinear"` or `"bicubic"`.

    Raises:
        ValueError: when there is no such file, or it holds other weights.

    Example:

    ```python
    # Needs the file of the published weights, which does not come with keras_gan.
    inception = keras_gan.metrics.features.InceptionV3("inception.weights.h5")
    distance = keras_gan.metrics.FrechetDistance(inception.features)
    score = keras_gan.metrics.InceptionScore(inception)
    ```

    Reference:
        - [Szegedy et al., 2016](https://arxiv.org/abs/1512.00567)
        - [Parmar et al., 2022](https://arxiv.org/abs/2104.11222) (resizing and rounding)
    """

    def __init__(self, weights=None, resizer="bilinear"):
        choice("resizer", resizer, _RESIZERS)
        if weights == "imagenet":
            keras.utils.get_file(FILE_NAME, URL, cache_subdir="models", file_hash=_MD5)
            weights = None
        trunk = InceptionV3Trunk(weights and os.fspath(weights), resizer)
        if trunk.unavailable:
            raise ValueError(f"{trunk.unavailable} Received: weights={shown(weights)}")
        trunk.classes  # noqa: B018  Looks into the file, and raises when it is none of weights.
        super().__init__(trunk)

    @property
    def probabilities(self):
        """`Features` that are class probabilities.

        Raises:
            ValueError: when the weights file has no classification layer.
        """
        if not self.trunk.classes:
            raise ValueError(
                "The weights file holds no classification layer ('notop'): bring the one with it, "
                f"{FILE_NAME}. Received: weights={shown(self.trunk.path)}"
            )
        return super().probabilities


@keras.saving.register_keras_serializable("keras_gan")
class InceptionV3Trunk(FileTrunk):
    """The network of `InceptionV3`.

    Args:
        weights: path of the weights file, or `None` for where Keras caches its own.
        resizer: `"bilinear"` or `"bicubic"`.
        fingerprint: what the file's SHA-256 must begin with; by default what it does.
    """

    name = "inception_v3"

    def __init__(self, weights=None, resizer="bilinear", fingerprint=None):
        super().__init__(weights or weights_files.find(FILE_NAME), fingerprint)
        self.weights = weights
        self.resizer = resizer

    def how_to_bring(self):
        """Return a sentence on which file it is and where to get it."""
        if self.weights:
            return f"`weights` is the path of an Inception-v3 weights file, such as {FILE_NAME}."
        places = " and ".join(weights_files.places(FILE_NAME))
        return (
            f"Keras's own weights were looked for in {places}. Nothing is "
            f"downloaded: bring {URL} there, pass its path as `weights`, or pass "
            "weights='imagenet' to let Keras download it (96 MB)."
        )

    @property
    def classes(self):
        """How many classes the file's last layer has, 0 where there is none.

        Raises:
            ValueError: when it is no HDF5 file, or a damaged one.
        """
        shapes = []

        def look(_, item):
            if isinstance(item, h5py.Dataset):
                shapes.append(item.shape)

        try:
            archives.check(self.path)
            with h5py.File(self.path, "r") as file:
                file.visititems(look)
        except ValueError as error:
            raise ValueError(
                f"Expected an HDF5 file of Inception-v3 weights, such as {FILE_NAME}. "
                f"Received: weights={shown(self.path)} ({error})"
            ) from error
        # All other kernels are those of convolutions, of rank 4.
        return next((s[1] for s in shapes if len(s) == 2 and s[0] == _WIDTH), 0)

    def read(self):
        """Return the function from levels of RGB images to features and probabilities."""
        with undisturbed(), archives.variables_within(archives.check(self.path)):
            network = _network(self.path, self.classes)

        levels = tf.TensorSpec((None, None, None, 3), tf.float32)

        @tf.function(input_signature=[levels], autograph=False)
        def run(levels):
            sizes = (_SIDE, _SIDE)
            x = tf.image.resize(levels, sizes, method=self.resizer, antialias=True)
            return network(x / 127.5 - 1, training=False)

        return run

    @property
    def protocol(self):
        """All that affects the features."""
        return {
            "extractor": "keras.applications.InceptionV3",
            "layer": "avg_pool",
            "resizer": f"tf.image.resize {self.resizer}, antialias, to {_SIDE} x {_SIDE}",
            "weights": f"sha256 {self.sha256}",
            **images.PROTOCOL,
        }

    @property
    def fingerprint(self):
        """Stands for the weights file and the resizer."""
        return caching.fingerprint(self.name, self.sha256, self.resizer)

    def get_config(self):
        """Return where the weights are, and what they must be."""
        return {"weights": self.weights, "resizer": self.resizer, "fingerprint": self.sha256}


def _network(path, classes):
    """Return the network from images in [-1, 1] to features, and probabilities where there are."""
    options = {"classes": classes} if classes else {"include_top": False, "pooling": "avg"}
    shape = (_SIDE, _SIDE, 3)
    network = keras.applications.InceptionV3(weights=None, input_shape=shape, **options)
    try:
        network.load_weights(path)
    except Exception as error:  # Of a file that anyone may have made.
        raise ValueError(
            "Expected the weights of `keras.applications.InceptionV3`. "
            f"Received: weights={shown(path)}, which do not fit: {error}"
        ) from error
    if not classes:
        return keras.Model(network.inputs, {"features": network.output})
    pooled = network.get_layer("avg_pool").output
    return keras.Model(network.inputs, {"features": pooled, "probabilities": network.output})
