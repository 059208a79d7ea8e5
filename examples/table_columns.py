"""Columns of tables as rows of numbers that a GAN can make, and back.

A number is a mode of a mixture and its place within it, as in CTGAN: columns may have several
modes. Values that many rows share, such as a gain of 0, and missing ones are modes too. Dates are
numbers of days. A category, and a number of few values, is one of its values.
"""

import dataclasses
import json
import warnings

import numpy as np
import pandas as pd
from sklearn import exceptions, mixture

FEW = 30  # A number of at most so many values is a category.
MOST = 500  # Categories of a column; more are likely names or ids.
MODES, LEAST_SHARE = 10, 0.005  # Of a mixture, and of the rows that a mode stands for.
MASS = 0.05  # Share of rows that makes one value a mode.
FITTED = 5_000  # Rows that a mixture is fitted to.
SPAN = 4  # Standard deviations of a mode that -1 and 1 stand for.


@dataclasses.dataclass(frozen=True)
class Category:
    """A column of categories, of which `None` is a missing value."""

    name: str
    values: tuple
    dtype: str

    @property
    def choices(self):
        """Return the number of entries of which one is 1."""
        return len(self.values)

    has_scalar = False

    @classmethod
    def of(cls, series):
        """Return the column of these values."""
        values = sorted(series.dropna().unique().tolist(), key=lambda each: (str(type(each)), each))
        if len(values) > MOST:
            raise ValueError(
                f"Column {series.name!r} has {len(values)} different values, more than the {MOST} "
                "of which each is an output of the generator. Leave out names and ids with --drop."
            )
        missing = [None] if series.isna().any() else []
        return cls(series.name, (*values, *missing), str(series.dtype))

    def encode(self, series, rng):
        """Return one-hot rows."""
        del rng
        place = {value: number for number, value in enumerate(self.values)}
        found = [None if pd.isna(value) else value for value in series]
        strange = {value for value in found if value not in place}
        if strange:
            raise ValueError(f"Column {self.name!r} has values that it had not: {len(strange)}.")
        return np.eye(len(self.values), dtype="float32")[[place[value] for value in found]]

    def decode(self, rows):
        """Return the values of the largest entries."""
        chosen = np.asarray(rows).argmax(axis=1)
        values = pd.Series([self.values[choice] for choice in chosen], name=self.name, dtype=object)
        return values if self.dtype == "object" else values.astype(self.dtype)


@dataclasses.dataclass(frozen=True)
class Number:
    """A column of numbers or dates.

    Attributes:
        name: of the column.
        means: of the mixture's modes.
        deviations: their standard deviations.
        masses: values that many rows share.
        missing: whether values may be missing.
        low: the least value.
        high: the greatest one.
        decimals: that all values have at most; `None` for more than six.
        dtype: of the column.
    """

    name: str
    means: tuple
    deviations: tuple
    masses: tuple
    missing: bool
    low: float
    high: float
    decimals: int | None
    dtype: str

    has_scalar = True

    @property
    def choices(self):
        """Return the number of modes."""
        return len(self.means) + len(self.masses) + self.missing

    @classmethod
    def of(cls, series, seed):
        """Return the column of these values."""
        values = _numbers(series)
        known = values[~np.isnan(values)]
        different, counts = np.unique(known, return_counts=True)
        masses = different[counts > MASS * len(values)]
        rest = known[~np.isin(known, masses)]
        means, deviations = _modes(rest, seed) if len(rest) else ((), ())
        return cls(
            series.name,
            tuple(map(float, means)),
            tuple(map(float, deviations)),
            tuple(map(float, masses)),
            bool(np.isnan(values).any()),
            float(known.min()),
            float(known.max()),
            _decimals(different),
            str(series.dtype),
        )

    def encode(self, series, rng):
        """Return the place within a mode, drawn by its share in the value, and the mode's one-hot.

        Args:
            series: the values.
            rng: what draws the modes.
        """
        values = _numbers(series)
        rows = np.zeros((len(values), 1 + self.choices), "float32")
        chosen = np.full(len(values), self.choices - 1)  # Missing ones are the last.
        known = ~np.isnan(values)
        if not self.missing and not known.all():
            raise ValueError(f"Column {self.name!r} has missing values, which it had not.")
        for place, mass in enumerate(self.masses):
            chosen[values == mass] = len(self.means) + place
        mixed = known & ~np.isin(values, self.masses)
        if mixed.any():
            means, deviations = np.array(self.means), np.array(self.deviations)
            z = (values[mixed, None] - means) / deviations
            log_density = -0.5 * z**2 - np.log(deviations)
            # The largest of a Gumbel-perturbed row is a draw from its softmax.
            modes = (log_density + rng.gumbel(size=z.shape)).argmax(axis=1)
            chosen[mixed] = modes
            rows[mixed, 0] = np.clip(z[np.arange(len(z)), modes] / SPAN, -0.99, 0.99)
        rows[np.arange(len(values)), 1 + chosen] = 1
        return rows

    def decode(self, rows):
        """Return the values that rows stand for, within what the data had, rounded as these."""
        rows = np.asarray(rows, "float64")
        chosen = rows[:, 1:].argmax(axis=1)
        missing = [np.nan] if self.missing else []
        centers = np.array([*self.means, *self.masses, *missing])[chosen]
        widths = np.array([*self.deviations, *np.zeros(len(self.masses) + self.missing)])[chosen]
        values = np.clip(centers + SPAN * widths * rows[:, 0], self.low, self.high)
        if self.decimals is not None:
            values = np.round(values, self.decimals)
        values = pd.Series(values, name=self.name)
        if self.dtype.startswith("datetime"):
            return pd.to_datetime(values, unit="D").astype(self.dtype)
        return values.astype(self.dtype)


def _numbers(series):
    """Return a column as float64: dates as days since 1970."""
    if str(series.dtype).startswith("datetime"):
        days = (series - pd.Timestamp(0)) / pd.Timedelta(days=1)
        return days.to_numpy("float64")
    return series.to_numpy("float64")


def _modes(values, seed):
    """Return means and standard deviations of a mixture's modes."""
    rng = np.random.default_rng(seed)
    some = rng.permutation(values)[:FITTED]
    scale, middle = max(np.std(some), 1e-12), np.mean(some)
    fitted = mixture.BayesianGaussianMixture(
        n_components=min(MODES, len(np.unique(some))),
        weight_concentration_prior=0.001,
        max_iter=100,
        random_state=seed,
    )
    with warnings.catch_warnings():  # A rough mixture is as good: modes only have to be near.
        warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
        fitted.fit((some[:, None] - middle) / scale)
    kept = fitted.weights_ > LEAST_SHARE
    means = fitted.means_[kept, 0] * scale + middle
    return means, np.sqrt(fitted.covariances_[kept, 0, 0]) * scale


def _decimals(values, most=6):
    exact = (k for k in range(most + 1) if np.allclose(values, np.round(values, k), 1e-12, 1e-12))
    return next(exact, None)


@dataclasses.dataclass(frozen=True)
class Columns:
    """All columns of a table, in order."""

    columns: tuple

    @classmethod
    def of(cls, frame, seed=0):
        """Return the columns of a table.

        Args:
            frame: `pandas.DataFrame`.
            seed: of the mixtures.

        Raises:
            ValueError: when a column has one value, or is of names; or there are no rows.
        """
        if not len(frame):
            raise ValueError("Expected a table of some rows. Received: none")
        return cls(tuple(_column(frame[name], seed) for name in frame.columns))

    @property
    def width(self):
        """Return the length of a row."""
        return sum(column.has_scalar + column.choices for column in self.columns)

    def encode(self, frame, seed=0):
        """Return a table as float32 rows."""
        rng = np.random.default_rng(seed)
        return np.concatenate([each.encode(frame[each.name], rng) for each in self.columns], axis=1)

    def decode(self, rows):
        """Return the table of some rows."""
        parts, start = [], 0
        for column in self.columns:
            size = column.has_scalar + column.choices
            parts.append(column.decode(rows[:, start : start + size]))
            start += size
        return pd.concat(parts, axis=1)

    def to_json(self):
        """Return what `from_json` takes."""
        kinds = {Category: "category", Number: "number"}
        return json.dumps(
            [{"kind": kinds[type(each)], **dataclasses.asdict(each)} for each in self.columns]
        )

    @classmethod
    def from_json(cls, text):
        """Return the columns that a text says."""
        kinds = {"category": Category, "number": Number}
        tuples = ("values", "means", "deviations", "masses")
        return cls(
            tuple(
                kinds[fields.pop("kind")](
                    **{k: tuple(v) if k in tuples else v for k, v in fields.items()}
                )
                for fields in json.loads(text)
            )
        )


def _column(series, seed):
    if series.nunique(dropna=False) < 2:
        raise ValueError(
            f"Column {series.name!r} has one value: there is nothing to learn. Leave it out with "
            "--drop."
        )
    numeric = pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series)
    dates = pd.api.types.is_datetime64_any_dtype(series)
    if (numeric and series.nunique() > FEW) or dates:
        return Number.of(series, seed)
    return Category.of(series)
