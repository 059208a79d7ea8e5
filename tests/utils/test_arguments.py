"""Checks of arguments: what passes, as what, and what the errors say."""

import math

import numpy as np
import pytest

from keras_gan.utils import arguments


@pytest.mark.parametrize("value", [3, 3.0, np.float32(3), np.int64(3)])
def test_a_number_comes_back_as_a_float(value):
    number = arguments.number("x", value, low=3, high=3)
    assert number == 3.0
    assert type(number) is float


@pytest.mark.parametrize("value", ["1", None, True, [1.0], 1j])
def test_what_is_no_number(value):
    with pytest.raises(TypeError, match=r"Expected `x` to be a number\. Received: x="):
        arguments.number("x", value)


@pytest.mark.parametrize(
    ("bounds", "inside", "outside", "text"),
    [
        ({}, [0, 1e300], [-1e-9], "of at least 0"),
        ({"high": 1}, [0, 1], [-0.1, 1.1], "from 0 to 1"),
        ({"above": 0}, [1e-9], [0, -1], "above 0"),
        ({"above": 0, "high": 1}, [0.1, 1], [0, 1.1], "above 0 and at most 1"),
        ({"below": 1}, [0, 0.9], [1, -0.1], "of at least 0 and below 1"),
        ({"low": -1, "high": 1}, [-1, 1], [-2, 2], "from -1 to 1"),
        ({"low": -math.inf}, [-1e300, 1e300], [], ""),
        ({"low": -math.inf, "below": 2}, [-5, 1.9], [2], "below 2"),
        ({"low": -math.inf, "above": -3}, [-2.9], [-3], "above -3"),
    ],
)
def test_ranges(bounds, inside, outside, text):
    for value in inside:
        assert arguments.number("x", value, **bounds) == value
    for value in [*outside, math.inf, -math.inf, math.nan]:
        with pytest.raises(ValueError, match="Expected") as error:
            arguments.number("x", value, **bounds)
        wanted = f"a finite number {text}" if text else "a finite number"
        assert str(error.value) == f"Expected `x` to be {wanted}. Received: x={value}"


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_a_whole_number_comes_back_as_an_int(value):
    number = arguments.whole("n", value, most=3)
    assert number == 3
    assert type(number) is int


@pytest.mark.parametrize("value", [0, 4, 1.0, True, "2", None, [1]])
def test_what_is_no_whole_number_in_range(value):
    with pytest.raises(ValueError, match="Expected") as error:
        arguments.whole("n", value, most=3, other="'all'")
    assert str(error.value) == (
        "Expected `n` to be 'all' or a whole number of at least 1 and at most 3. "
        f"Received: n={value!r}"
    )


def test_a_whole_number_fits_into_a_tensor():
    assert arguments.whole("n", 2**63 - 1) == 2**63 - 1
    with pytest.raises(ValueError, match="of at least 1 and at most 9223372036854775807"):
        arguments.whole("n", 2**63)
    with pytest.raises(ValueError, match=r"of at least 1\. Received: n=0"):
        arguments.whole("n", 0)


def test_a_choice_is_one_of_the_options():
    for options in (("a", "b"), {"a": 1, "b": 2}, iter("ab")):
        assert arguments.choice("x", "b", options) == "b"
    for value in ("c", None, ["a"], {"a"}):  # Those that can't be hashed too.
        with pytest.raises(ValueError, match="Expected") as error:
            arguments.choice("x", value, {"a": 1, "b": 2})
        assert str(error.value) == f"Expected `x` to be one of ['a', 'b']. Received: x={value!r}"


def test_shapes():
    assert arguments.shape("size", np.int64(3)) == (3,)
    assert arguments.shape("size", [3]) == (3,)
    assert arguments.shape("size", (2, np.int32(4), 1)) == (2, 4, 1)
    for value in (None, "64", 2.5, ()):
        with pytest.raises(TypeError, match=r"a whole number or a tuple of them.*Received: size="):
            arguments.shape("size", value)
    with pytest.raises(ValueError, match=r"`size\[1\]` to be a whole.*Received: size\[1\]=0"):
        arguments.shape("size", (2, 0))
    with pytest.raises(ValueError, match=r"`size` to be a whole.*Received: size=0"):
        arguments.shape("size", 0)
