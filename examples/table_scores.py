"""Scores of generated table rows beside held-out ones: SDMetrics's, and classifiers'."""

import warnings

import numpy as np
import pandas as pd
from sdmetrics.reports import QualityReport
from sdmetrics.single_table import DCROverfittingProtection
from sklearn import compose, ensemble, metrics, model_selection, pipeline, preprocessing
from table_columns import Category

DISTANCES = 2_000  # Rows whose nearest ones are looked for.


def shuffled(frame, rng):
    """Return a table of independent columns: each is put in an order of its own."""
    parts = {name: rng.permutation(frame[name].to_numpy()) for name in frame.columns}
    return pd.DataFrame(parts, columns=frame.columns).astype(frame.dtypes)


def shuffled_within(frame, target, rng):
    """Return a table whose columns are independent among rows of one class."""
    parts = [shuffled(part, rng) for _, part in frame.groupby(target, sort=True)]
    return pd.concat(parts).sample(frac=1, random_state=0).reset_index(drop=True)


def classifier(frame):
    """Return an untrained classifier of rows with such columns."""
    names = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    numbers = preprocessing.OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
    )
    columns = compose.make_column_transformer((numbers, names), remainder="passthrough")
    boosted = ensemble.HistGradientBoostingClassifier(random_state=0)
    return pipeline.make_pipeline(columns, boosted)


def score_target(fake, test, target):
    """Return accuracy, macro F1 and AUC on held-out rows, of a classifier of generated ones."""
    if fake[target].nunique() < 2:
        return {
            "accuracy": (test[target] == fake[target].iloc[0]).mean(),
            "macro F1": 0,
            "AUC": 0.5,
        }
    told = classifier(fake.drop(columns=target)).fit(fake.drop(columns=target), fake[target])
    x = test.drop(columns=target)
    predicted, probabilities = told.predict(x), told.predict_proba(x)
    classes = list(told.classes_)
    scores = {
        "accuracy": (predicted == test[target]).mean(),
        "macro F1": metrics.f1_score(test[target], predicted, average="macro"),
    }
    if len(classes) == 2:
        scores["AUC"] = metrics.roc_auc_score(test[target] == classes[1], probabilities[:, 1])
    return scores


def detection(fake, test):
    """Return the AUC of telling generated rows from held-out ones; 0.5 is chance."""
    count = min(len(fake), len(test))
    both = pd.concat([fake.iloc[:count], test.iloc[:count]]).reset_index(drop=True)
    labels = np.repeat([1, 0], count)
    first, second, of_first, of_second = model_selection.train_test_split(
        both, labels, test_size=0.5, random_state=0, stratify=labels
    )
    told = classifier(both).fit(first, of_first)
    return metrics.roc_auc_score(of_second, told.predict_proba(second)[:, 1])


def _metadata(columns):
    """Return what SDMetrics has to know of columns."""

    def kind(column):
        if isinstance(column, Category):
            return "categorical"
        return "datetime" if column.dtype.startswith("datetime") else "numerical"

    return {"tables": {"rows": {"columns": {c.name: {"sdtype": kind(c)} for c in columns.columns}}}}


def _rows(frame):
    """Return an iterator of a table's rows, in which missing values equal each other."""
    return frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None)


def score(fake, train, test, target, columns, checks=()):
    """Return all scores of a table.

    Args:
        fake: the table, as long as `train` as a rule.
        train: the rows of training.
        test: held-out rows.
        target: the column that classifiers are to tell.
        columns: `Columns` of the tables.
        checks: what should hold of a row, as `pandas.DataFrame.eval` has it.
    """
    told = _metadata(columns)
    # As many training rows as held-out ones: among more of them a nearer one is sooner found.
    some = train.sample(min(len(train), len(test)), random_state=0)
    report = QualityReport()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of columns that became constant: their score says so.
        report.generate({"rows": test}, {"rows": fake}, told, verbose=False)
        near = DCROverfittingProtection.compute_breakdown(
            some, fake, test, told, "rows", num_rows_subsample=DISTANCES
        )
    properties = report.get_properties().set_index("Property")["Score"]
    known = set(_rows(train))
    scores = {
        **score_target(fake, test, target),
        "column shapes": properties["Column Shapes"],
        "pair trends": properties["Column Pair Trends"],
        "detection AUC": detection(fake, test),
        "nearer to train": near["synthetic_data_percentages"]["closer_to_training"],
        "copies": sum(row in known for row in _rows(fake)),
        **{f"holds: {check}": fake.eval(check).mean() for check in checks},
    }
    # Where no two columns depend on each other there are no trends.
    return {name: float(value) for name, value in scores.items() if not np.isnan(value)}
