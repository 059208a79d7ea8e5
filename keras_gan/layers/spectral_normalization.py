"""Spectral normalization: kernels of spectral norm 1, as a reparametrization."""

import keras
from keras import ops

from keras_gan.layers.reparametrized import Reparametrized
from keras_gan.utils.kernels import as_matrix, kernel_of

# Below it a norm counts as zero: squares of float32 numbers lose their digits before that.
_TINY = 1e-12
_FIRST_STEPS = 15


@keras.saving.register_keras_serializable("keras_gan")
class SpectralNormalization(Reparametrized):
    """Let a layer work with its kernel divided by the kernel's largest singular value.

    Formula, with W the kernel as a matrix of one row for each output channel:

    ```
    W / sigma(W),    sigma(W) = u^T W v
    before each update:    v <- W^T u / ||W^T u||,    u <- W v / ||W v||
    ```

    The layer is then 1-Lipschitz in its input as far as the matrix says: exactly so for a Dense
    layer; of a convolution W is the kernel, not the larger matrix that slides it over an image.
    The bias is left alone.

    A reparametrization: W itself is the trainable weight and is never overwritten, and the gradient
    flows through sigma (u and v are constants in it), so that it is orthogonal to W. The vectors u
    and v are float32 weights that no optimizer trains. `call` never changes them, in training
    neither: a discriminator is called several times in a step, also for the generator's sake, and
    all calls between two updates see one and the same function. They take one step of power
    iteration before each update of the network that holds the layer, in a `keras_gan.GAN` by the
    training step itself; in a loop of your own, call `before_update()`. When the layer is built
    they take 15. After a kernel was replaced by hand, call `before_update()` some times.

    It differs from `keras.layers.SpectralNormalization`, which overwrites the kernel with the
    normalized one at every call in training (the optimizer then moves that), lets no gradient
    through sigma, and changes the discriminator during the generator's step too.

    - A kernel regularizer acts on W, whose length has no effect on the output; leave it out.
    - A kernel of zeros stays as it is: its sigma counts as 1. Its first values after that are
      divided by a sigma that u and v, still random, put far too low. Don't start from zeros.
    - In mixed precision W / sigma is computed in float32 and rounded once.
    - Wrapped in a generator, as in SAGAN, it takes one power step for each generator update. An
      average of the generator averages u and v too; they are scaled to length 1 at use.

    Args:
        layer: the layer to wrap: Dense, Conv1D to Conv3D, Conv1DTranspose to Conv3DTranspose,
            Embedding, or another with one kernel, its output channels on the last axis (not a
            depthwise convolution or EinsumDense).
        name: the layer's name.

    Attributes:
        u: float32 weight of shape `(output channels,)`, the left singular vector.
        v: float32 weight of as many numbers as the kernel has for each output channel, the right
            one.

    Raises:
        TypeError: when `layer` is not a Keras layer.
        ValueError: when it is built and has no kernel.

    Example:

    ```python
    layer = keras_gan.layers.SpectralNormalization(keras.layers.Conv2D(64, 4, 2, padding="same"))
    features = layer(images)
    ```

    Reference:
        - [Miyato et al., 2018](https://arxiv.org/abs/1802.05957), Algorithm 1
        - [Zhang et al., 2019](https://arxiv.org/abs/1805.08318), in the generator too
    """

    def build(self, input_shape):
        """Build the layer, and take the first power steps."""
        super().build(input_shape)
        rest, channels = as_matrix(self.layer, kernel_of(self.layer)).shape
        self.u = self._add_vector("u", channels, self._first_u)
        self.v = self._add_vector("v", rest, self._first_v)

    def _add_vector(self, name, size, first):
        normal = keras.initializers.RandomNormal()

        # Keras may create variables long before it gives them values, the kernel's first: only
        # an initializer sees them.
        def initial(shape, dtype):
            return first(normal(shape, dtype))

        return self.add_weight(
            (size,), initial, dtype="float32", trainable=False, autocast=False, name=name
        )

    def _first_u(self, u):
        matrix = self._matrix("float32")
        v = ops.zeros(matrix.shape[0], "float32")

        def step(_, vectors):
            return _power_step(matrix, *vectors)

        return ops.fori_loop(0, _FIRST_STEPS, step, (u, v))[0]

    def _first_v(self, v):
        return _direction(ops.matmul(self._matrix("float32"), ops.convert_to_tensor(self.u)), v)

    def normalized_kernel(self):
        """Return `W / sigma(W)` in the kernel's shape, in float32 or, of a float64 kernel, that."""
        dtype = self._kernel_dtype
        matrix = self._matrix(dtype)
        u, v = (ops.stop_gradient(_unit(ops.cast(w, dtype))) for w in (self.u, self.v))
        sigma = ops.sum(v * ops.matmul(matrix, u))
        sigma = ops.where(sigma > _TINY, sigma, ops.ones_like(sigma))
        return ops.cast(kernel_of(self.layer), dtype) / sigma

    def before_update(self):
        """Take one step of power iteration, before an update of the network that holds the layer.

        A layer that is not built yet has nothing to do.
        """
        if self.built:
            u, v = (ops.convert_to_tensor(w) for w in (self.u, self.v))
            u, v = _power_step(self._matrix("float32"), u, v)
            self.u.assign(u)
            self.v.assign(v)

    def _matrix(self, dtype):
        """Return the kernel as a matrix of one column for each output channel."""
        return as_matrix(self.layer, ops.cast(kernel_of(self.layer), dtype))


def _power_step(matrix, u, v):
    """Return u and v after one step; where the matrix sends one to zero it stays as it was.

    Args:
        matrix: the transpose of W.
        u: vector, one number for each of its columns.
        v: vector, one number for each of its rows.
    """
    v = _direction(ops.matmul(matrix, u), v)
    return _direction(ops.matmul(v, matrix), u), v


def _direction(vector, otherwise):
    norm = ops.norm(vector)
    return ops.where(norm > _TINY, vector / ops.maximum(norm, _TINY), otherwise)


def _unit(vector):
    return vector / ops.maximum(ops.norm(vector), _TINY)
