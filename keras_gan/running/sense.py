"""Whether a model that was just restored could be that of a run."""

import math

import keras


def reason(model):
    """Return what of a model's state no run has, in words; `None` where there is nothing.

    Weights may be anything. What steers the training is looked at: learning rates, loss scales
    and counts of steps.

    Args:
        model: the compiled `GAN`.
    """
    if model.steps < 0:
        return f"{model.steps} steps"
    for optimizer in model.optimizer.optimizers:
        for name in ("learning_rate", "dynamic_scale", "iterations"):
            value = getattr(optimizer, name, None)
            value = 0.0 if value is None else float(keras.ops.convert_to_numpy(value))
            if not 0 <= value < math.inf:
                return f"`{name}` {value:g} of an optimizer"
    return None
