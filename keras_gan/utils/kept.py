"""Variables that keep the values they had, unless all goes well."""

import contextlib


@contextlib.contextmanager
def kept(variables):
    """Give variables the values back that they had, after an error or Ctrl-C in the context.

    Args:
        variables: list of variables.
    """
    values = [variable.numpy() for variable in variables]
    try:
        yield
    except BaseException:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        raise
