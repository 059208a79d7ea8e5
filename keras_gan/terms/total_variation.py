"""Total variation: generated images without noise between neighbouring pixels."""

import keras
from keras import ops

from keras_gan.terms.distances import mean_of_each
from keras_gan.terms.path_length import check_side_output, output_of_generator
from keras_gan.terms.term import Term
from keras_gan.utils import nests
from keras_gan.utils.tensors import wide


@keras.saving.register_keras_serializable("keras_gan")
class TotalVariation(Term):
    """Penalize differences between neighbouring pixels of generated images.

    Formula:

    ```
    weight * E sum_a mean |G_(i+1) - G_i|       i along each axis a of the positions
    ```

    The anisotropic form: absolute differences along each axis by themselves. The axes are all
    between the batch and the channels: of images height and width, of series time. The log shows
    the value without its weight.

    Args:
        weight: finite number of at least 0.
        of: `"samples"`, or the name of a side output of the generator.
        interval: compute it on every `interval`-th step only.
        schedule: factor of the weight over training steps, such as `keras_gan.schedules.Cosine`.
        name: key in the logs.

    Raises:
        ValueError: when `weight` is negative or not finite, `interval` no positive integer, or, in
            `compile`, the generator has no such side output; in training, for samples that are
            vectors.
        TypeError: when `weight` is no number, `schedule` no schedule, or `of` no name.

    Example:

    ```python
    model.compile("hinge", terms=[keras_gan.terms.TotalVariation(0.1)])
    ```

    Reference:
        - [Rudin et al., 1992](https://doi.org/10.1016/0167-2789(92)90242-F)
        - [Liu et al., 2018](https://arxiv.org/abs/1804.07723), weight 0.1
    """

    player = "generator"
    evaluated = True

    def __init__(
        self,
        weight=1.0,
        of="samples",
        interval=1,
        schedule=None,
        name="total_variation",
        **kwargs,
    ):
        super().__init__(weight=weight, interval=interval, schedule=schedule, name=name, **kwargs)
        self.of = output_of_generator("samples", of)

    def attach(self, model):
        """Check that there are neighbours.

        Raises:
            ValueError: when the generator has no such side output, or samples are vectors.
        """
        if self.of != "samples":
            check_side_output(self, model, self.of)
            return
        for samples in nests.leaves(model.signature.samples):
            self._check(samples)

    def generator_term(self, step):
        """Return the mean differences, for each sample, of each part of the samples."""
        return nests.map(self._variation, step.generated[self.of])

    def _variation(self, samples):
        self._check(samples)
        samples = wide(samples)
        differences = (ops.diff(samples, axis=axis) for axis in _with_neighbours(samples))
        return sum(mean_of_each(ops.abs(difference)) for difference in differences)

    def _check(self, samples):
        if not _with_neighbours(samples):
            raise ValueError(
                f"The term {self.name!r} compares neighbouring positions, and vectors have none. "
                f"Received: samples of shape {tuple(samples.shape)}"
            )

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "of": self.of}


def _with_neighbours(samples):
    """Return the axes between the batch and the channels that have more than one position."""
    return [axis for axis, side in enumerate(samples.shape[:-1]) if axis and side != 1]
