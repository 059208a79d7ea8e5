"""Inception network of published FIDs and Inception scores, from its frozen graph."""

import os

import keras
import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from keras_gan.metrics.features import caching, images
from keras_gan.metrics.features.classifier import Classifier
from keras_gan.metrics.features.files import FileTrunk
from keras_gan.utils.arguments import shown

FILE_NAME = "classify_image_graph_def.pb"
ARCHIVE = "http://download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz"
_INPUT = "ExpandDims"
_POOL = "pool_3"
_LOGITS = "softmax/logits/MatMul"
_GZIP = b"\x1f\x8b"
# Digests of the graphs that this program has opened by name. A graph is a program: one that only
# the config of a saved metric names may be anybody's.
_OPENED = set()


class Inception2015(Classifier):
    """The frozen graph of December 2015: features of the original FID, classes of the original IS.

    Images in [-1, 1] are rounded to the 256 levels of the 8-bit images that the graph was
    published for, and resized by the graph itself (bilinear, corners not aligned, no half-pixel
    centers, not antialiased). The probabilities leave the last layer's bias out, as the original
    code does.

    Args:
        path: the file classify_image_graph_def.pb, or the directory that holds it.

    Raises:
        ValueError: when there is no such file, or it holds another graph.

    Example:

    ```python
    # Needs the file of the published weights, which does not come with keras_gan.
    inception = keras_gan.metrics.features.Inception2015("classify_image_graph_def.pb")
    distance = keras_gan.metrics.FrechetDistance(inception.features)
    score = keras_gan.metrics.InceptionScore(inception)
    ```

    Reference:
        - [Heusel et al., 2017](https://arxiv.org/abs/1706.08500) (features)
        - [Salimans et al., 2016](https://arxiv.org/abs/1606.03498) (probabilities)
    """

    def __init__(self, path):
        trunk = Inception2015Trunk(path)
        if os.path.isfile(trunk.path):
            _OPENED.add(trunk.file.digest)
        if trunk.unavailable:
            raise ValueError(f"{trunk.unavailable} Received: path={os.fspath(path)!r}")
        _read_graph(trunk.path)
        super().__init__(trunk)


@keras.saving.register_keras_serializable("keras_gan")
class Inception2015Trunk(FileTrunk):
    """The network of `Inception2015`.

    Args:
        path: the file, or the directory that holds it.
        fingerprint: what the file's SHA-256 must begin with; by default what it does.
    """

    name = "inception_2015"

    def __init__(self, path, fingerprint=None):
        path = os.fspath(path)
        super().__init__(
            os.path.join(path, FILE_NAME) if os.path.isdir(path) else path, fingerprint
        )

    def how_to_bring(self):
        """Return a sentence on which file it is and where to get it."""
        return (
            f"The graph is the file {FILE_NAME} of {ARCHIVE}. Nothing is downloaded: where there "
            "is a network, fetch and unpack it, and pass the file's path."
        )

    def read(self):
        """Return the function from levels of RGB images to features and probabilities.

        In a session of its own: the graph holds operations that TensorFlow 2 runs in graphs of
        its age alone, which a `tf.function` is not.
        """
        graph = tf.Graph()
        with graph.as_default():
            pixels = tf.compat.v1.placeholder(tf.float32, (None, None, None, 3))
            pooled, product = tf.compat.v1.import_graph_def(
                _read_graph(self.path),
                input_map={f"{_INPUT}:0": pixels},
                return_elements=[f"{_POOL}:0", _LOGITS],
                name="",
            )
        options = tf.compat.v1.GPUOptions(allow_growth=True)
        config = tf.compat.v1.ConfigProto(gpu_options=options)
        session = tf.compat.v1.Session(graph=graph, config=config)
        kernel = session.run(product.inputs[1])

        def run(levels):
            features = session.run(pooled, {pixels: levels}).reshape(len(levels), -1)
            return {"features": features, "probabilities": _softmax(features @ kernel)}

        return run

    @property
    def unavailable(self):
        """`None`, or that the file is missing, another one, or named by a saved metric alone."""
        problem = super().unavailable
        if problem or self.file.digest in _OPENED:
            return problem
        return (
            f"A saved metric names the graph {self.path!r}, which this program has not opened: a "
            "graph is a program, and a stranger's file may name any. If you know this one, call "
            f"`keras_gan.metrics.features.Inception2015({self.path!r})` before."
        )

    @property
    def protocol(self):
        """All that affects the features."""
        return {
            "extractor": "Inception of 2015-12-05",
            "layer": f"{_POOL}:0; probabilities without bias",
            "resizer": "the graph's: bilinear to 299 x 299, no half-pixel centers, no antialias",
            "weights": f"sha256 {self.sha256}",
            **images.PROTOCOL,
        }

    @property
    def fingerprint(self):
        """Stands for the file."""
        return caching.fingerprint(self.name, self.sha256)

    def get_config(self):
        """Return where the graph is, and what it must be."""
        return {"path": self.path, "fingerprint": self.sha256}


def _read_graph(path):
    """Return the graph in a file, ready for batches of any size.

    Raises:
        ValueError: when the file is no such graph.
    """
    with open(path, "rb") as file:
        content = file.read()
    if content.startswith(_GZIP):
        raise ValueError(
            f"Expected {FILE_NAME}, not the archive it comes in: unpack that first, "
            f"`tar xzf {os.path.basename(path)} {FILE_NAME}`. Received: path={shown(path)}"
        )
    graph = tf.compat.v1.GraphDef()
    try:
        graph.ParseFromString(content)
    except DecodeError:
        raise ValueError(
            f"Expected a frozen TensorFlow graph, {FILE_NAME}. "
            f"Received: path={shown(path)}, which is none"
        ) from None
    missing = {_INPUT, _POOL, _LOGITS} - {node.name for node in graph.node}
    if missing:
        raise ValueError(
            f"Expected the Inception graph of 2015, {FILE_NAME}. "
            f"Received: path={shown(path)}, a graph without the nodes {sorted(missing)}"
        )
    return graph


def _softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)
