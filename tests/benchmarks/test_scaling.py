"""What the comparison of workers makes of the steps that it has timed."""

import pytest


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [
        ([1, 2, 3], [1, 2, 3], 1),
        # Each step takes 2 together, of 1.5 on the average apart.
        ([1, 2, 1, 2], [2, 1, 2, 1], 0.75),
        # Both as fast as the slower: 2 / 3 of a step a second, of 1 + 1 / 3 apart.
        ([1, 1], [3, 3], 0.5),
    ],
)
def test_waiting_for_the_slower_at_each_step(benchmark, first, second, left):
    runs = (None, first), (None, second)
    assert benchmark("scaling").waiting(runs) == pytest.approx(left)
