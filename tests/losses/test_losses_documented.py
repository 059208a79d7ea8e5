"""The figures of docs/losses.md are the script's, and the script's those of closed forms."""

import importlib.util
import math
import pathlib

import pytest

from keras_gan import losses

ROOT = pathlib.Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "losses.md").read_text()


@pytest.fixture(scope="module")
def figures():
    path = ROOT / "benchmarks" / "pages" / "losses.py"
    spec = importlib.util.spec_from_file_location("pages_losses", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tables(figures):
    """Return `(names, rows)` of each table, computed once."""
    names = "equilibrium_table", "bounds_table", "slope_table", "push_table"
    return {name: getattr(figures, name)() for name in names}


def documented(names):
    """Return the rows of the page's table of these columns."""
    head = "| " + " | ".join(names) + " |\n"
    assert PAGE.count(head) == 1, head
    lines = PAGE.split(head)[1].split("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize(
    "table", ["equilibrium_table", "bounds_table", "slope_table", "push_table"]
)
def test_page_shows_what_the_script_prints(tables, table):
    names, rows = tables[table]
    for cells, row in zip(documented(names), rows, strict=True):
        for cell, value in zip(cells, row, strict=True):
            if isinstance(value, str):
                assert cell == value
            else:
                assert float(cell) == pytest.approx(value, rel=1e-3, abs=1e-9), (cells, row)


def test_every_loss_is_on_the_page():
    shipped = {
        cls
        for cls in map(losses.__dict__.get, losses.__all__)
        if isinstance(cls, type) and issubclass(cls, losses.AdversarialLoss) and cls.name
    } - {losses.WeightedSum}
    for cls in shipped:
        assert f'| `"{cls.name}"` | `{cls.__name__}(' in PAGE
        key = cls().logged_name if cls is not losses.FDivergence else "jensen_shannon"
        assert key is None or f"`{key}`" in PAGE


def test_divergences_of_normals_are_those_of_closed_forms(figures):
    """Of N(3, 1) and N(4, 1), one standard deviation apart."""
    true, affinity = figures.true_values(4.0), math.exp(-1 / 8)
    expected = {
        "kl": 0.5,
        "reverse_kl": 0.5,
        "pearson": math.e - 1,
        "hellinger": 1 - affinity,
        "squared_hellinger": 2 - 2 * affinity,
        "tv": math.erf(0.5 / math.sqrt(2)),
    }
    # The total variation has a kink between two points of the grid.
    assert {key: true[key] for key in expected} == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_discriminators_prove_at_most_what_there_is(tables):
    _, rows = tables["bounds_table"]
    for _, _, optimal, *others, true in rows:
        assert optimal == pytest.approx(true, rel=1e-6)
        assert all(bound < optimal for bound in others)


@pytest.mark.slow
def test_generators_are_pushed_down_the_slope_of_their_divergence(tables):
    """Of an f-divergence; that of two normals `mean` apart is known."""
    slopes = {
        "kl": lambda mean: mean,
        "reverse_kl": lambda mean: mean,
        "pearson": lambda mean: 2 * mean * math.exp(mean**2),
        "squared_hellinger": lambda mean: mean / 2 * math.exp(-(mean**2) / 8),
    }
    pushes = {row[0]: row[1:3] for row in tables["push_table"][1]}
    for divergence, slope in slopes.items():
        expected = slope(1.0), slope(3.0)
        assert pushes[f'`FDivergence("{divergence}")`'] == pytest.approx(expected, rel=1e-6)
