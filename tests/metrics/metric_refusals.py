"""Calls that must fail, and the check that the error says what it should."""

import math
import re

import pytest
from literal import normal


def refuses(call, *texts, error=(ValueError, TypeError)):
    with pytest.raises(error) as caught:
        call()
    for text in texts:
        assert re.search(text, str(caught.value)), f"{text!r} is not in: {caught.value}"
    assert len(str(caught.value)) < 1000


def poisoned(n=20, value=math.nan):
    """Return rows of three features, one of which is no number."""
    rows = normal(n, 3, seed=3)
    rows[n // 2, 1] = value
    return rows
