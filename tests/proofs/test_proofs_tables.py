import math
import types

import commands
import numpy as np
import pytest

tables, page, rows = (commands.module(name) for name in ("tables", "page", "rows"))


def test_mean_and_standard_error():
    values = [3.0, 5.0, 10.0]
    mean, error = tables.mean_and_error(values)
    assert mean == pytest.approx(6.0)
    assert error == pytest.approx(np.std(values, ddof=1) / math.sqrt(3))
    assert tables.mean_and_error([4.0]) == (4.0, None)


@pytest.mark.parametrize(
    ("best", "worst"), [(max, "1.0"), (min, "9.0"), (7.0, "1.0"), (2.0, "9.0")]
)
def test_cell(best, worst):
    figure = tables.Figure("score", "the score", digits=1, best=best)
    assert tables.cell(figure, [1.0, 9.0]) == f"5.0 ± 4.0 ({worst})"
    assert tables.cell(figure, [1234.56]) == "1,234.6"
    assert tables.cell(figure, []) == "-"


ARM = types.SimpleNamespace(name="one", title="the arm")


def row(seed, score, error=None):
    return rows.Row("one", seed, 10, "", {"score": score}, 1.0, error)


def test_an_arm_may_lack_a_figure():
    arm = types.SimpleNamespace(name="one", title="the arm", steps=0, seeds=(0,), notes=())
    figures = [tables.Figure("score", "score", digits=1), tables.Figure("other", "other")]
    table = tables.summary([arm], {"one": [row(0, 0.5)]}, figures)
    assert "| the arm | 1 | - | 0.5 | - | 1 s |" in table


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        ({"low": 0.5}, "at least 0.5: on 2 of 3 runs, **not** on seed 1 (0.4)"),
        ({"high": 0.9}, "at most 0.9: on 3 of 3 runs"),
        (
            {"low": 0.45, "high": 0.7},
            "from 0.45 to 0.7: on 1 of 3 runs, **not** on seed 1",
        ),
        ({"low": 0.9, "high": 0.9}, "0.9: on 1 of 3 runs, **not** on seed 0"),
    ],
)
def test_claims_are_counted_run_by_run(bounds, text):
    arms, found = [ARM], [row(0, 0.5), row(1, 0.4), row(2, 0.9)]
    figures = [tables.Figure("score", "score", digits=1)]
    line = tables.kept([tables.Claim("one", "score", **bounds)], arms, {"one": found}, figures)
    assert line.startswith(f"- the arm, score {text}")


def test_a_run_that_failed_keeps_no_claim():
    arms, found = [ARM], {"one": [row(0, 0.5, error="ValueError: no")]}
    figures = [tables.Figure("score", "score")]
    line = tables.kept([tables.Claim("one", "score", low=0)], arms, found, figures)
    assert line.endswith("on 0 of 1 runs, **not** on seed 0 (failed)")


def test_difference_of_means_in_standard_errors():
    first, second = [3.0, 5.0, 10.0], [1.0, 2.0, 3.0]
    error = math.sqrt(np.var(first, ddof=1) / 3 + np.var(second, ddof=1) / 3)
    assert tables.apart(first, second) == pytest.approx((4.0, error, 4.0 / error))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (99.4, "99 s"), (100, "2 min"), (5900, "98 min"), (7500, "2 h 5 min")],
)
def test_duration(seconds, text):
    assert tables.duration(seconds) == text


def test_lines():
    assert tables.lines(["", "b"], [["1", "2"]]) == "|  | b |\n| --- | --- |\n| 1 | 2 |"


PAGE = (
    "# Title\n\n<!-- table:a -->\nold\n<!-- end:a -->\n\nBy hand.\n<!-- table:b -->\n<!-- end:b -->"
)


def test_page_changes_between_the_markers_alone(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    page.write(path, "a", "| new |\n")
    expected = PAGE.replace("\nold\n", "\n\n| new |\n\n")
    assert path.read_text() == expected
    page.write(path, "a", "| new |\n")
    assert path.read_text() == expected
    page.write(path, "b", "first\n\nsecond")
    assert path.read_text().startswith(expected[: expected.index("<!-- end:b")].rstrip("\n"))
    assert path.read_text().endswith("<!-- table:b -->\n\nfirst\n\nsecond\n\n<!-- end:b -->")
    assert [file.name for file in tmp_path.iterdir()] == ["page.md"]


@pytest.mark.parametrize(
    "text",
    [
        PAGE.replace("<!-- end:a -->", ""),
        PAGE + "\n<!-- table:a -->",
        "<!-- end:a -->\n<!-- table:a -->",
        PAGE.replace("<!-- table:a -->", "x <!-- table:a -->"),
    ],
)
def test_page_without_its_markers_is_left_as_it_is(tmp_path, text):
    path = tmp_path / "page.md"
    path.write_text(text)
    with pytest.raises(ValueError, match="each once and in this order"):
        page.write(path, "a", "new")
    assert path.read_text() == text


def test_the_published_page_has_all_markers(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(page.PAGE.read_text())
    # Of the third a line is what a classifier is worth that is trained anew.
    for name in ("dirac", "identities", "stacked_mnist"):
        page.write(path, name, "new")


@pytest.mark.parametrize(
    ("script", "published"),
    [
        ("mixtures", page.PAGE),
        ("losses_by_terms", page.PAGE),
        ("translations", page.TRANSLATION),
        ("inversion", page.TRANSLATION),
        ("conditional", page.NETWORKS),
        ("cifar10", page.NETWORKS),
        ("augment", page.NETWORKS),
        ("geometry", page.MOLECULES),
        ("sentences", page.CAPTIONS),
    ],
)
def test_published_tables_are_those_of_the_rows(script, published, tmp_path):
    path = tmp_path / "page.md"
    path.write_text(published.read_text())
    commands.run_here(commands.PROOFS / f"{script}.py", "--table_only", f"--page={path}")
    assert path.read_text() == published.read_text()


def test_fingerprint_is_of_what_figures_depend_on():
    runs = commands.module("runs")
    arm = runs.Arm("a", "A", 10)
    same = runs.Arm("b", "B", 10, (1, 2), notes=({"title": "published"},))
    assert arm.fingerprint == same.fingerprint
    assert arm.fingerprint != runs.Arm("a", "A", 11).fingerprint
    assert arm.fingerprint != runs.Arm("a", "A", 10, version=2).fingerprint
    assert rows.fingerprint({"b": 1, "a": 2}) == rows.fingerprint({"a": 2, "b": 1})
