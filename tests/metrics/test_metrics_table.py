"""Figures as text: digits, errors, what is missing, and how to read them."""

import re

import pytest

from keras_gan import metrics


@pytest.mark.parametrize(
    ("results", "shown"),
    [
        ({"a": 123.456}, ["a", "123.5"]),
        ({"a": 0.0123456}, ["a", "0.01235"]),
        ({"a": "inf"}, ["a", "inf"]),
        ({"a/mean": 1.23456, "a/std": 0.0234}, ["a", "1.235 ± 0.023"]),
        ({"frechet_distance": 2.0}, ["frechet_distance", "2", "lower is better"]),
    ],
)
def test_a_line_for_each_metric(results, shown):
    head, line = metrics.table(results).splitlines()
    assert head.split() == ["metric", "generated"]
    assert re.split(r"\s{2,}", line) == shown


def test_a_floor_beside_it_or_none():
    lines = metrics.table({"a": 1.0, "b": 2.0}, {"a": 0.5}).splitlines()
    assert [line.split() for line in lines] == [
        ["metric", "generated", "floor"],
        ["a", "1", "0.5"],
        ["b", "2"],
    ]
