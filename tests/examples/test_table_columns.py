"""Columns of tables as rows of numbers, and back."""

import pathlib

import numpy as np
import pandas as pd
import pytest

from tests.examples import scripts

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "table_columns.py"


@pytest.fixture(scope="module")
def script():
    with scripts.loaded(SCRIPT) as module:
        yield module


def table(rows=2_000):
    """Return a table of every kind of column."""
    rng = np.random.default_rng(0)
    two_modes = np.where(rng.random(rows) < 0.3, rng.normal(-5, 0.5, rows), rng.normal(8, 2, rows))
    gain = np.where(rng.random(rows) < 0.9, 0, rng.integers(100, 9_000, rows))
    price = np.round(rng.lognormal(3, 1, rows), 2)
    price[rng.random(rows) < 0.1] = np.nan
    kind = rng.choice(["red", "green", "blue"], rows, p=[0.7, 0.2, 0.1]).astype(object)
    kind[rng.random(rows) < 0.05] = None
    return pd.DataFrame(
        {
            "two modes": two_modes,
            "gain": gain,
            "price": price,
            "kind": kind,
            "grade": rng.integers(1, 6, rows),
            "member": rng.random(rows) < 0.4,
            "day": pd.Timestamp("2020-02-01") + pd.to_timedelta(rng.integers(0, 900, rows), "D"),
        }
    )


def test_what_is_encoded_is_decoded(script):
    frame = table()
    columns = script.Columns.of(frame)
    rows = columns.encode(frame)
    assert rows.shape == (len(frame), columns.width) and rows.dtype == np.float32
    back = columns.decode(rows)
    assert (back.dtypes == frame.dtypes).all()
    for name in ("gain", "kind", "grade", "member"):
        pd.testing.assert_series_equal(back[name], frame[name])
    np.testing.assert_array_equal(back["price"].isna(), frame["price"].isna())
    # Of values far out in their mode's tail the place is clipped, as in CTGAN.
    np.testing.assert_allclose(back["two modes"], frame["two modes"], atol=1e-3)
    assert (np.abs(back["price"] - frame["price"]) > 0.005).mean() < 0.01
    assert (back["day"] == frame["day"]).mean() > 0.999


def test_rows_have_one_mode_and_a_place_within_it(script):
    frame = table()
    start = 0
    for column in (columns := script.Columns.of(frame)).columns:
        rows = columns.encode(frame)[:, start : start + column.has_scalar + column.choices]
        if column.has_scalar:
            assert np.abs(rows[:, 0]).max() <= 0.99 and rows[:, 0].std() > 0.03
        one_hot = rows[:, int(column.has_scalar) :]
        np.testing.assert_array_equal(np.sort(one_hot)[:, -1], 1)
        np.testing.assert_array_equal(one_hot.sum(axis=1), 1)
        start += column.has_scalar + column.choices


def test_modes_are_those_of_the_data(script):
    columns = {each.name: each for each in script.Columns.of(table()).columns}
    two, gain = columns["two modes"], columns["gain"]
    assert min(abs(mean + 5) for mean in two.means) < 0.2
    assert min(abs(mean - 8) for mean in two.means) < 1.5
    assert gain.masses == (0.0,) and not gain.missing and gain.decimals == 0
    assert columns["price"].missing and columns["price"].decimals == 2
    assert columns["kind"].values == ("blue", "green", "red", None)
    assert columns["grade"].values == (1, 2, 3, 4, 5)


def test_no_row_of_a_generator_is_out_of_range(script):
    frame = table()
    columns = script.Columns.of(frame)
    rng = np.random.default_rng(1)
    made = columns.decode(rng.uniform(-1, 1, (500, columns.width)))
    for name in ("two modes", "gain", "price", "day"):
        known = made[name].dropna()
        assert known.min() >= frame[name].min() and known.max() <= frame[name].max()
    known = made["price"].dropna()
    assert len(known) > 100
    np.testing.assert_allclose(known, known.round(2), atol=1e-12)
    assert set(made["gain"] % 1) == {0}


def test_encoding_is_of_its_seed(script):
    frame = table()
    columns, again = (script.Columns.of(frame, seed=3) for _ in range(2))
    assert columns == again == script.Columns.from_json(columns.to_json())
    rows = columns.encode(frame, seed=1)
    np.testing.assert_array_equal(rows, columns.encode(frame, seed=1))
    assert not np.array_equal(rows, columns.encode(frame, seed=2))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [1, 1, 1]}, r"'a' has one value.*--drop"),
        ({"a": [None, None]}, r"'a' has one value"),
        ({"a": [f"name {k}" for k in range(600)]}, r"'a' has 600 different values.*--drop"),
        ({"a": []}, "some rows"),
    ],
)
def test_what_cannot_be_learned_is_refused(script, columns, message):
    with pytest.raises(ValueError, match=message):
        script.Columns.of(pd.DataFrame(columns))


def test_strange_values_are_refused(script):
    frame = table()
    columns = script.Columns.of(frame)
    with pytest.raises(ValueError, match=r"'kind' has values that it had not: 1\."):
        columns.encode(frame.assign(kind="pink"))
    with pytest.raises(ValueError, match="'gain' has missing values"):
        columns.encode(frame.assign(gain=frame["gain"].where(frame["gain"] > 0)))
