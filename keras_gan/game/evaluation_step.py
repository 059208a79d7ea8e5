"""One batch in evaluation, for the terms that are evaluated: nothing is trained, or moves."""

from keras_gan.game.step import Step


class EvaluationStep(Step):
    """A batch that both players answer in inference mode.

    What a term reads of a training step is here too, made by the network that samples come from.
    No gradients are recorded, nothing is augmented, and networks are called in inference mode,
    even where a term asks for `training=True`.

    Args:
        game: the `Game`.
        real: a batch of real samples.
        condition: their condition, or `None`.
        seeds: `SeedStream` of this batch.
        values: the `Collector` of what the logs show of it.
        network: the network that samples come from.
    """

    def __init__(self, game, real, condition, seeds, values, network):
        super().__init__(game, real, condition, seeds, values)
        self._sampling_network = network

    @property
    def generator(self):
        """The network that samples come from, in inference mode."""
        return _InInference(self._sampling_network)

    @property
    def discriminator(self):
        """The discriminator network, in inference mode."""
        return _InInference(super().discriminator)

    def _conditions_asked_for(self):
        return self.condition

    def _generate_watched(self):
        return self._generate(self.latents)

    def _watched(self, of, condition):
        return self.discriminate(getattr(self, of), condition)

    def _augmented(self, samples, condition):
        return samples, condition


class _InInference:
    """A network that runs in inference mode, whatever it is asked for."""

    def __init__(self, network):
        self._network = network

    def __call__(self, *inputs, training=False, **options):
        return self._network(*inputs, training=False, **options)

    def __getattr__(self, name):
        return getattr(self._network, name)
