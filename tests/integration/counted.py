"""An extractor that counts what passes it."""

import numpy as np

from keras_gan import metrics

SAMPLES = 40


class Counted(metrics.features.Trunk):
    """Samples and their squares, with a count of the samples that passed."""

    name = "counted"
    fingerprint = "abc"
    unavailable = None
    protocol = {"extractor": "counted"}  # noqa: RUF012

    def __init__(self):
        super().__init__()
        self.passed = 0

    def get_config(self):
        return {}

    def run(self, samples):
        self.passed += len(samples)
        return {"features": np.concatenate([samples, samples**2], axis=1)}
