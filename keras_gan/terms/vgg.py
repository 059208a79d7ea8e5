"""The network VGG19, from a file of Keras's weights that the user brings."""

import functools
import os

import keras

from keras_gan.terms.frozen import FrozenFeatures
from keras_gan.utils import archives, weights_files
from keras_gan.utils.arguments import shown
from keras_gan.utils.weights_files import WeightsFile

FILE_NAME = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
URL = f"https://storage.googleapis.com/tensorflow/keras-applications/vgg19/{FILE_NAME}"
_MD5 = "253f8cb515780f3b799900260a226db6"
# Filters of a block's convolutions, and how many of them.
_BLOCKS = (64, 2), (128, 2), (256, 4), (512, 4), (512, 4)


def vgg19(layers, weights=None):
    """Return layers of the VGG19 of ImageNet, for perceptual and style terms.

    Layers are named as in papers: `conv5_4` before its ReLU, `relu5_4` behind it, `pool5` the end
    of a block. Images of any range and 1 or 3 channels are brought to what the network was trained
    on: BGR from 0 to 255, minus (103.939, 116.779, 123.68).

    SRGAN takes `relu5_4` (VGG54) or `relu2_2` (VGG22), ESRGAN `conv5_4`, pix2pixHD `relu1_1`,
    `relu2_1`, ... `relu5_1` with the weights 1/32, 1/16, 1/8, 1/4 and 1.

    These are the weights that the authors published, as Keras has them. Code for PyTorch uses
    others, trained anew with other preprocessing: features differ in scale, and so do weights of
    terms.

    Args:
        layers: name of a layer, list of names, or dict from names to weights.
        weights: path of Keras's file of VGG19 without its last layers, `.h5` or `.weights.h5`;
            `"imagenet"` to let Keras download it where it is missing; `None` for the file where
            Keras caches it, without any download.

    Returns:
        `FrozenFeatures`. A saved model's come back from the file.

    Raises:
        ValueError: when there is no such file (the error says where it was looked for), it holds
            other weights, or the network has no such layer.

    Example:

    ```python
    # Needs the file of the published weights, which does not come with keras_gan.
    perceptual = keras_gan.terms.Reconstruction(1.0, features=keras_gan.terms.vgg19("conv5_4"))
    ```

    Reference:
        - [Simonyan and Zisserman, 2015](https://arxiv.org/abs/1409.1556), Table 1, E
    """
    if weights == "imagenet":
        keras.utils.get_file(FILE_NAME, URL, cache_subdir="models", file_hash=_MD5)
        weights = None
    network = VGG19(weights)
    if network.unavailable:
        raise ValueError(f"{network.unavailable} Received: weights={shown(weights)}")
    return FrozenFeatures(network, layers, preprocess="caffe")


@keras.saving.register_keras_serializable("keras_gan")
class VGG19:
    """The network of `vgg19`, made when it is first used.

    Args:
        weights: path of the file, or `None` for where Keras caches its own.
        fingerprint: what the file's SHA-256 must begin with; by default what it does.
    """

    def __init__(self, weights=None, fingerprint=None):
        self.weights = None if weights is None else os.fspath(weights)
        path = weights_files.find(FILE_NAME) if weights is None else weights
        self.file = WeightsFile(path, fingerprint, made="term")

    @functools.cached_property
    def network(self):
        """The Keras model from BGR images, ImageNet's means subtracted, to the last block.

        Raises:
            ValueError: when the file holds other weights.
        """
        self.file.digest  # noqa: B018  Of what is read now, for the config.
        sizes = archives.check(self.file.path)
        with archives.variables_within(sizes):
            network = build_network()
        try:
            network.load_weights(self.file.path)
        except Exception as error:  # Of a file that anyone may have made.
            raise ValueError(
                "Expected the weights of `keras.applications.VGG19(include_top=False)`. "
                f"Received: weights={shown(self.file.path)}, which do not fit: {error}"
            ) from error
        return network

    @property
    def unavailable(self):
        """`None`, or that the file is missing or another one."""
        return None if "network" in self.__dict__ else self.file.problem(self._how_to_bring())

    def _how_to_bring(self):
        if self.weights is not None:
            return f"`weights` is the path of a file of VGG19's weights, {FILE_NAME}."
        return (
            "Keras's own weights were looked for in "
            f"{' and '.join(weights_files.places(FILE_NAME))}. Nothing is downloaded: bring {URL} "
            "there, pass its path as `weights`, or pass weights='imagenet' to let Keras download "
            "it (80 MB)."
        )

    def get_config(self):
        """Return where the weights are, and what they must be."""
        return {"weights": self.weights, "fingerprint": self.file.sha256}

    @classmethod
    def from_config(cls, config):
        """Build it from its config."""
        return cls(**config)


def build_network(blocks=_BLOCKS):
    """Return VGG19 without its last layers, each convolution apart from its ReLU.

    Every name is given and all weights are 0, so that building it neither counts up Keras's names
    nor draws random numbers.

    Args:
        blocks: filters of each block's convolutions, and how many of them.
    """
    x = inputs = keras.Input((None, None, 3), dtype="float32", name="images")
    for block, (filters, depth) in enumerate(blocks, 1):
        for i in range(1, depth + 1):
            x = keras.layers.Conv2D(
                filters,
                3,
                padding="same",
                kernel_initializer="zeros",
                dtype="float32",
                name=f"conv{block}_{i}",
            )(x)
            x = keras.layers.ReLU(dtype="float32", name=f"relu{block}_{i}")(x)
        x = keras.layers.MaxPooling2D(dtype="float32", name=f"pool{block}")(x)
    return keras.Model(inputs, x, name="vgg19")
