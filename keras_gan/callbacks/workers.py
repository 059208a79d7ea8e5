"""Which worker of a distribution strategy writes what all of them have computed."""


def is_chief(model):
    """Return whether this process is the one that writes files; without workers it is.

    Args:
        model: a `keras_gan.GAN`.
    """
    strategy = getattr(model, "distribute_strategy", None)
    # The default strategy has no such attribute.
    extended = getattr(strategy, "extended", None)
    return getattr(extended, "should_save_checkpoint", True)
