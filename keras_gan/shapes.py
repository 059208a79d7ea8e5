"""Shapes that may have unknown sides."""


def compatible(first, second):
    """Tell whether two shapes agree, `None` standing for any side."""
    if len(first) != len(second):
        return False
    return all(a is None or b is None or a == b for a, b in zip(first, second, strict=True))
