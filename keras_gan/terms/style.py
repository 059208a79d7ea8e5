"""Style and contextual losses: statistics of feature maps, and their nearest positions."""

import keras
from keras import ops

from keras_gan.terms.distances import distance
from keras_gan.terms.reconstruction import PairedTerm
from keras_gan.utils import arguments

# Keeps a sample's nearest distance away from 0.
_EPSILON = 1e-5


@keras.saving.register_keras_serializable("keras_gan")
class Style(PairedTerm):
    """Match which features appear together, wherever in the image, on the real sample of the row.

    Formula:

    ```
    L_G += weight * E sum_l w_l mean |A_l(G(y)) - A_l(x)|         "l1"
           weight * E sum_l w_l mean (A_l(G(y)) - A_l(x))^2       "l2"
    A_l = F F^T / (C H W)
    ```

    F is the map of layer l as a matrix of C rows of H W positions, A_l its Gram matrix. The means
    run over its C^2 numbers. Partial convolution has "l1" with weight 120; the squares are Johnson
    et al.'s, who add them up: their weights times C^2 are those here. The log shows the value
    without its weight.

    Args:
        weight: finite number of at least 0.
        features: `FrozenFeatures`, such as `vgg19(["relu1_1", "relu2_1", "relu3_1"])`.
        norm: `"l1"` or `"l2"`.
        of: `"samples"`, or the name of a side output of the generator.
        interval: compute it on every `interval`-th step only.
        schedule: factor of the weight over training steps, such as `keras_gan.schedules.Cosine`.
        name: key in the logs.

    Raises:
        ValueError: when `weight` is negative or not finite, `norm` another, `interval` no positive
            integer, or, in `compile`, real and generated samples are no pairs, or the features
            don't fit them.
        TypeError: when `weight` is no number, `schedule` no schedule, or `features` no
            `FrozenFeatures`.

    Example:

    ```python
    # Needs the file of the published weights, which does not come with keras_gan.
    pools = keras_gan.terms.vgg19(["pool1", "pool2", "pool3"])
    style = keras_gan.terms.Style(120.0, pools)
    ```

    Reference:
        - [Gatys et al., 2016](https://arxiv.org/abs/1508.06576)
        - [Johnson et al., 2016](https://arxiv.org/abs/1603.08155), Section 3 ("l2")
        - [Liu et al., 2018](https://arxiv.org/abs/1804.07723), Eq. (4) ("l1")
    """

    def __init__(
        self,
        weight,
        features,
        norm="l1",
        of="samples",
        interval=1,
        schedule=None,
        name="style",
        **kwargs,
    ):
        super().__init__(weight, features, of, interval, schedule, name, **kwargs)
        _check_features(self.features)
        self.norm = arguments.choice("norm", norm, ("l1", "l2"))

    def distance(self, real, fake):
        """Return the mean distance of the Gram matrices, for each sample."""
        return distance(self.norm, gram(fake), gram(real))

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "norm": self.norm}


@keras.saving.register_keras_serializable("keras_gan")
class Contextual(PairedTerm):
    """Match each position's features to the nearest of the real sample's, wherever that is.

    Formula:

    ```
    L_G += weight * E sum_l -w_l log mean_j max_i CX_ij
    CX_ij = v_ij / sum_k v_ik,   v_ij = exp((1 - d_ij / (min_k d_ik + 1e-5)) / h)
    ```

    i are the positions of a layer's map of the generated sample, j those of the real one, d_ij the
    cosine distance of their features, both minus the mean of the real one's. For pairs that are
    not aligned to the pixel. Time and memory grow with the square of the number of positions: take
    layers of small maps, such as `relu4_2`. The log shows the value without its weight.

    Args:
        weight: finite number of at least 0.
        features: `FrozenFeatures`, such as `vgg19("relu4_2")`.
        bandwidth: h, a finite number above 0.
        of: `"samples"`, or the name of a side output of the generator.
        interval: compute it on every `interval`-th step only.
        schedule: factor of the weight over training steps, such as `keras_gan.schedules.Cosine`.
        name: key in the logs.

    Raises:
        ValueError: when a number is out of range, `interval` no positive integer, or, in
            `compile`, real and generated samples are no pairs, or the features don't fit them.
        TypeError: when `weight` or `bandwidth` is no number, `schedule` no schedule, or `features`
            no `FrozenFeatures`.

    Example:

    ```python
    # Needs the file of the published weights, which does not come with keras_gan.
    contextual = keras_gan.terms.Contextual(1.0, keras_gan.terms.vgg19("relu4_2"))
    ```

    Reference:
        - [Mechrez et al., 2018](https://arxiv.org/abs/1803.02077), Section 3
    """

    def __init__(
        self,
        weight,
        features,
        bandwidth=0.5,
        of="samples",
        interval=1,
        schedule=None,
        name="contextual",
        **kwargs,
    ):
        super().__init__(weight, features, of, interval, schedule, name, **kwargs)
        _check_features(self.features)
        self.bandwidth = arguments.number("bandwidth", bandwidth, above=0)

    def distance(self, real, fake):
        """Return minus the logarithm of the contextual similarity, for each sample."""
        return -ops.log(similarity(by_position(real), by_position(fake), self.bandwidth))

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "bandwidth": self.bandwidth}


def gram(maps):
    """Return the Gram matrices F F^T / (C H W) of feature maps, of shape `(batch, C, C)`.

    Args:
        maps: tensor of shape `(batch, ..., C)`.
    """
    rows = by_position(maps)
    count = ops.cast(ops.shape(rows)[1] * maps.shape[-1], rows.dtype)
    return ops.matmul(ops.swapaxes(rows, 1, 2), rows) / count


def similarity(real, fake, bandwidth):
    """Return the contextual similarity of features at positions, from 0 to 1, for each sample.

    Args:
        real: tensor of shape `(batch, positions, channels)`.
        fake: the same, of any number of positions.
        bandwidth: how sharply the nearest position is told from the others.
    """
    center = ops.mean(real, axis=1, keepdims=True)
    real, fake = (unit(side - center) for side in (real, fake))
    distances = 1 - ops.matmul(fake, ops.swapaxes(real, 1, 2))
    nearest = ops.min(distances, axis=2, keepdims=True)
    shares = ops.softmax((1 - distances / (nearest + _EPSILON)) / bandwidth, axis=2)
    return ops.mean(ops.max(shares, axis=1), axis=1)


def unit(vectors, epsilon=1e-7):
    """Return vectors on the last axis as such of length 1; a vector of length 0 stays 0."""
    # Under the root, not beside it: its slope at 0 is infinite.
    return vectors / ops.sqrt(ops.sum(ops.square(vectors), axis=-1, keepdims=True) + epsilon**2)


def by_position(maps):
    """Return feature maps as `(batch, positions, channels)`."""
    return ops.reshape(maps, (ops.shape(maps)[0], -1, maps.shape[-1]))


def _check_features(features):
    if features is None:
        raise TypeError(
            "Expected `features`, layers of a frozen network: `keras_gan.terms.FrozenFeatures("
            "network, layers)` or `keras_gan.terms.vgg19(layers)`. Received: features=None"
        )
