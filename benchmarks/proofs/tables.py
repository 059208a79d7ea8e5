"""Tables of runs: mean and worst of each arm, and every run below."""

import dataclasses
import math
import statistics


@dataclasses.dataclass(frozen=True)
class Figure:
    """One column.

    Attributes:
        key: name among a row's figures.
        title: head of the column.
        digits: after the point.
        best: `max`, `min`, or a number: the worst run is the farthest from it.
    """

    key: str
    title: str
    digits: int = 2
    best: object = max

    def text(self, value):
        """Return a value as the table shows it."""
        return f"{value:,.{self.digits}f}" if math.isfinite(value) else str(value)

    def worst(self, values):
        """Return the worst of some values."""
        if self.best in (max, min):
            return (min if self.best is max else max)(values)
        return max(values, key=lambda value: abs(value - self.best))


@dataclasses.dataclass(frozen=True)
class Claim:
    """What every run of an arm is held to.

    Attributes:
        arm: its name.
        key: of the figure.
        low: the least that it may be.
        high: the most that it may be.
    """

    arm: str
    key: str
    low: float = -math.inf
    high: float = math.inf

    def holds(self, row):
        """Tell whether it holds for a run; not for one that failed."""
        return not row.failed and self.low <= row.figures[self.key] <= self.high


def kept(claims, arms, rows, figures):
    """Return a list of claims, each with the runs on which it holds, and those on which it doesn't.

    Args:
        claims: list of `Claim`s.
        arms: the arms.
        rows: the finished runs by arm.
        figures: the columns.
    """
    titles = {arm.name: arm.title for arm in arms}
    columns = {figure.key: figure for figure in figures}
    return "\n".join(
        f"- {titles[claim.arm]}, {columns[claim.key].title} {_bounds(claim)}: "
        + _where(claim, rows[claim.arm], columns[claim.key])
        for claim in claims
    )


def _bounds(claim):
    if claim.low == claim.high:
        return f"{claim.low:g}"
    if math.inf in (claim.high, -claim.low):
        return f"at most {claim.high:g}" if claim.high < math.inf else f"at least {claim.low:g}"
    return f"from {claim.low:g} to {claim.high:g}"


def _where(claim, rows, figure):
    missed = [row for row in rows if not claim.holds(row)]
    text = f"on {len(rows) - len(missed)} of {len(rows)} runs"
    shown = (
        f"{r.seed} ({'failed' if r.failed else figure.text(r.figures[claim.key])})" for r in missed
    )
    return text + (f", **not** on seed {', '.join(shown)}" if missed else "")


def apart(first, second):
    """Return the difference of two means, its standard error, and how often it is that.

    Args:
        first: list of values.
        second: list of values.
    """
    (one, one_error), (other, other_error) = mean_and_error(first), mean_and_error(second)
    error = math.hypot(one_error, other_error)
    return one - other, error, (one - other) / error


def mean_and_error(values):
    """Return the mean and its standard error, `None` for a single value.

    Formula: `s / sqrt(n)`, s with n - 1 degrees of freedom.
    """
    if len(values) < 2:
        return values[0], None
    return statistics.fmean(values), statistics.stdev(values) / math.sqrt(len(values))


def cell(figure, values):
    """Return `mean ± standard error (worst)` of a figure, or a dash for no values."""
    if not values:
        return "-"
    mean, error = mean_and_error(values)
    if error is None:
        return figure.text(mean)
    return f"{figure.text(mean)} ± {figure.text(error)} ({figure.text(figure.worst(values))})"


def lines(head, body):
    """Return a Markdown table.

    Args:
        head: the columns' titles.
        body: rows of as many strings.
    """
    table = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in table)


def duration(seconds):
    """Return a time as a reader wants it: `47 s`, `12 min`, `2 h 5 min`."""
    minutes = round(seconds / 60)
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def summary(arms, rows, figures):
    """Return the table of arms.

    Args:
        arms: the arms, each with `name`, `title`, `steps`, `seeds` and `notes`: for each note a
            row of its own, a dict of texts by figure, its own title under `"title"`.
        rows: the finished runs by arm.
        figures: the columns; an arm may lack some.
    """
    body = []
    for arm in arms:
        done = rows.get(arm.name, [])
        good = [row for row in done if not row.failed]
        values = [cell(f, [r.figures[f.key] for r in good if f.key in r.figures]) for f in figures]
        seconds = [duration(statistics.fmean(row.seconds for row in done)) if done else "-"]
        steps = f"{arm.steps:,}" if arm.steps else "-"
        body.append([arm.title, _count(arm, done, good), steps, *values, *seconds])
        for note in arm.notes:
            texts = [note.get(figure.key, "") for figure in figures]
            body.append([f"*{note['title']}*", "", note.get("steps", ""), *texts, ""])
    return lines(["", "runs", "steps", *(f.title for f in figures), "a run"], body)


def _count(arm, done, good):
    text = str(len(good)) if len(done) == len(arm.seeds) else f"{len(good)} of {len(arm.seeds)}"
    return text + (f", {len(done) - len(good)} failed" if len(done) > len(good) else "")


def every_run(arms, rows, figures):
    """Return the table of runs, folded up: the bad ones too."""
    body = []
    for arm in arms:
        for row in rows.get(arm.name, []):
            values = [f.text(row.figures[f.key]) if f.key in row.figures else "-" for f in figures]
            result = f"failed: {row.failed}" if row.failed else ""
            body.append([arm.title, str(row.seed), *values, duration(row.seconds), result])
    head = ["", "seed", *(figure.title for figure in figures), "time", ""]
    table = lines(head, body)
    return f"<details>\n<summary>Every run</summary>\n\n{table}\n\n</details>"


def provenance(rows):
    """Return the line that says when, on what and how long the runs ran."""
    done = [row for some in rows.values() for row in some]
    if not done:
        return "No runs yet."
    seeds = ", ".join(str(seed) for seed in sorted({row.seed for row in done}))
    dates = [row.date for row in done]
    whole = duration(sum(row.seconds for row in done))
    parts = [
        f"{len(done)} run{'s' * (len(done) > 1)}, seeds {seeds}, {whole} in all",
        " to ".join(dict.fromkeys((min(dates), max(dates)))),
        "; ".join(sorted({row.machine for row in done})),
        "commit " + ", ".join(sorted({row.commit for row in done})),
    ]
    return "; ".join(parts) + "."
