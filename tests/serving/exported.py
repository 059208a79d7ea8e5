"""What is served in tests: one conditional model of images, with all signatures."""

import numpy as np

from tests.export import models

CLASSES = 3
LARGEST = 16


def export(base):
    """Return a model of three classes, and the directory of its export."""
    model = models.labelled()
    path = model.export(
        base / "digits", include_discriminator=True, max_batch_size=LARGEST, warmup=True
    )
    return model, path


def good_requests(rows=4):
    """Return inputs that every signature answers, by name."""
    seeds = {"seed": np.arange(rows), "truncation": np.full(rows, 1.5, "float32")}
    ends = {"seed_a": np.arange(rows), "seed_b": np.arange(rows) + 50}
    rng = np.random.default_rng(0)
    requests = {
        "serving_default": {"latents": rng.normal(size=(rows, 5)).astype("float32")},
        "sample": seeds,
        "sample_png": seeds,
        "interpolate": {**ends, "position": np.linspace(0, 1, rows, dtype="float32")},
        "discriminate": {"images": rng.uniform(-1, 1, (rows, 8, 8, 1)).astype("float32")},
    }
    condition = (np.arange(rows) % CLASSES).astype("int32")
    return {name: {**inputs, "condition": condition} for name, inputs in requests.items()}
