"""Copies of networks, made from their configs."""


def copy_of(network):
    """Return a network of the same architecture, with variables and initial values of its own.

    Args:
        network: a built Keras model.

    Raises:
        ValueError: when the network can't be rebuilt from its config.
    """
    try:
        copy = type(network).from_config(network.get_config())
        if not copy.built:
            copy.build_from_config(network.get_build_config())
    except (NotImplementedError, TypeError, ValueError) as error:
        raise ValueError(
            "A copy of a network (for `ema`, or the duality gap) is made from its config. Give it "
            "a `get_config` that its constructor takes, and registered layers in place of Lambdas. "
            f"Received: network={network.name!r}. Keras says: {error}"
        ) from error
    return copy
