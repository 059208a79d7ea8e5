"""Duality gap: how much the two players could gain by moving alone."""

import keras
import numpy as np

from keras_gan.metrics.metric import QualityMetric
from keras_gan.metrics.responses import LEAST, Arena
from keras_gan.metrics.undisturbed import outside_strategies
from keras_gan.utils import arguments
from keras_gan.utils.arguments import shown


def duality_gap(model, real, condition=None, steps=500, learning_rate=5e-3, batch_size=256, seed=0):
    """Return the duality gap of a model's game; see `DualityGap` for what it is.

    Args:
        model: a compiled `GAN`; nothing of it changes.
        real: array of real samples, at least 20, which the model was not trained on.
        condition: nest of arrays of as many rows, for a conditional model.
        steps: optimizer steps of each response.
        learning_rate: Adam's at the first of these steps; it falls to 0.
        batch_size: real samples, and generated ones, in a step.
        seed: of latents, batches and fresh weights.

    Returns:
        The gap, a float.

    Raises:
        ValueError: when the model is not compiled, can't be copied, or samples are too few.
    """
    metric = DualityGap(steps, learning_rate, batch_size, seed)
    metric.bind(model)
    metric.update_state(real=real if condition is None else (real, condition))
    return metric.result()


@keras.saving.register_keras_serializable("keras_gan")
class DualityGap(QualityMetric):
    """What the two players could gain by moving alone: 0 at equilibrium.

    Formula, with V(G, D) the value of the game, minus the discriminator's adversarial loss (for
    the logistic losses `E log s(D(x)) + E log(1 - s(D(G(z))))`, s the sigmoid):

    ```
    max_D' V(G, D') - min_G' V(G', D)
    ```

    For the logistic losses the first part is `2 JS(data, generated) - 2 log 2` at most, so a
    collapsed generator is found out whatever its discriminator says; the second falls below
    `-2 log 2` when the discriminator can be fooled.

    Both responses are copies of the model's networks, from where they stand, after some steps of
    Adam on two fifths of the real samples; a tenth chooses the best weights on the way, and the
    other half judges. The discriminator also responds from fresh weights, the better counts: one
    that has died can't move. Responses that were not found make the gap smaller than it is, so
    it grows with `steps`; compare gaps of equal settings only.

    - The generator judged is the averaged one where there is one; all run in inference mode.
    - G' stays within the least and the largest value that real and generated samples have, in
      each coordinate. Where samples have no bounds of their own, most discriminators can be
      followed to infinity, and the gap would be infinite but at equilibrium itself.
    - G' follows V itself, whatever loss the generator was trained by. The public code of
      Sidheekh et al. follows the generator's own; within these bounds both arrive at much the
      same value.
    - Penalties and augmentation are no part of V, and its scale is that of the loss.
    - It is slow: three times `steps` optimizer steps, seconds on toys and minutes for image
      networks on a CPU. `keras_gan.callbacks.Evaluation(every=...)` computes it now and then.
    - Each network needs a config. On mixed_float16 small gradients vanish, and so may responses.

    It wants the model: `compile(metrics=[...])` and `evaluate` hand it over, by hand `bind` does.

    Args:
        steps: optimizer steps of each response.
        learning_rate: Adam's at the first of these steps; it falls to 0.
        batch_size: real samples, and generated ones, in a step.
        seed: of latents, batches and fresh weights. The caller's random state is left alone.
        name: the key in logs.

    Raises:
        ValueError: for arguments out of range.

    Example:

    ```python
    metric = keras_gan.metrics.DualityGap(steps=50)
    metric.bind(model)
    metric.update_state(real=images)  # (x, condition) for a conditional model
    metric.result()
    ```

    Reference:
        - [Grnarova et al., 2019](https://arxiv.org/abs/1811.05512)
        - [Sidheekh et al., 2021](https://github.com/perturbed-dg/Perturbed-Duality-Gap), on
          responses that get stuck where they start
    """

    sides = ("real",)
    needed = ("real",)
    least = LEAST
    own_shape = True

    def __init__(self, steps=500, learning_rate=5e-3, batch_size=256, seed=0, name=None):
        super().__init__(name=name)
        self.steps = arguments.whole("steps", steps)
        self.learning_rate = arguments.number("learning_rate", learning_rate)
        if not self.learning_rate > 0:
            raise ValueError(
                "Expected `learning_rate` to be positive. "
                f"Received: learning_rate={shown(learning_rate)}"
            )
        self.batch_size = arguments.whole("batch_size", batch_size)
        self.seed = arguments.whole("seed", seed, least=0)
        self._model = self._arena = None

    def bind(self, model):
        """Choose the model whose game is judged, as it will be when `result` is called.

        Args:
            model: a `GAN`, compiled by then.
        """
        self._model = model

    def update_state(self, real=None, fake=None):
        """Take in real samples; generated ones are not looked at.

        Args:
            real: array of samples, or a tuple `(x, condition)` for a conditional model.
            fake: ignored: the metric generates its own.
        """
        x, condition = real if isinstance(real, tuple) else (real, None)
        before = self._real.count
        super().update_state(real=x)
        if condition is not None and self._real.count > before:
            self._conditions.append(keras.tree.map_structure(np.asarray, condition))

    def compute(self, real, fake):
        """Return the gap."""
        responses = self.responses()
        return responses.discriminator - responses.generator

    def responses(self):
        """Return the three values that the gap is made of, on the real samples seen so far.

        Returns:
            Named tuple of floats: `value`, V(G, D); `discriminator`, V(G, D'); `generator`,
            V(G', D).

        Raises:
            ValueError: without a model, or with too few samples.
        """
        if self._model is None:
            raise ValueError(
                f"The metric {self.name!r} judges a model: pass it to `compile(metrics=...)`, or "
                "call `metric.bind(model)` first. Received: no model"
            )
        return outside_strategies(self._respond)

    def _respond(self):
        if self._arena is None or not self._arena.fits(self._model):
            settings = self.steps, self.learning_rate, self.batch_size, self.seed
            self._arena = Arena(self._model, *settings)
        return self._arena.respond(self._real.values, self._condition())

    def merge_state(self, metrics):
        """Take in what other metrics of this kind have seen."""
        metrics = list(metrics)
        super().merge_state(metrics)
        for other in metrics:
            self._conditions.extend(other._conditions)

    def reset_state(self, keep_real=False):
        """Forget the samples seen so far, unless `keep_real`."""
        super().reset_state(keep_real)
        if not keep_real:
            self._conditions = []

    def set_reference(self, dataset, cache_dir=None, verbose=1):
        """Refuse: it keeps the real samples themselves, and there is nothing to compute once.

        Raises:
            ValueError: always.
        """
        raise ValueError(
            f"The metric {self.name!r} has no statistics of the real set to keep on disk: call "
            f"`update_state(real=...)` at each evaluation. Received: dataset={shown(dataset)}"
        )

    def get_config(self):
        """Return the constructor's arguments."""
        names = "name", "steps", "learning_rate", "batch_size", "seed"
        return {name: getattr(self, name) for name in names}

    def _condition(self):
        if not self._conditions:
            return None
        return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *self._conditions)
