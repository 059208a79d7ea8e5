"""Arguments of metrics and their functions that are refused, each with a message that says why.

Each row is a call that must fail; the table is the promise.
"""

import math
import re

import numpy as np
import pytest
from literal import normal
from metric_refusals import poisoned, refuses

from keras_gan import metrics
from keras_gan.metrics import features

IDENTITY = features.pixels(value_range=None)
CENTERS = np.array([[0.0] * 3, [4.0] * 3])
NOT_COUNTS = [0, -1, 1.5, "3", None, math.nan]


def number(value):
    return f"Received: .*{re.escape(repr(value))}"


@pytest.mark.parametrize("value", NOT_COUNTS, ids=repr)
@pytest.mark.parametrize(
    ("argument", "make"),
    [
        ("k", metrics.PrecisionRecall),
        ("k", metrics.DensityCoverage),
        ("block_size", metrics.KernelDistance),
        ("splits", lambda splits: metrics.InceptionScore(IDENTITY, splits=splits)),
        ("projections", metrics.SlicedWasserstein),
        ("pairs", metrics.MultiScaleSSIM),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_counts_in_constructors(argument, make, value):
    refuses(lambda: make(**{argument: value}), f"`{argument}`", number(value))


@pytest.mark.parametrize("value", NOT_COUNTS, ids=repr)
@pytest.mark.parametrize(
    ("argument", "function"),
    [
        ("k", metrics.precision_recall),
        ("k", metrics.density_coverage),
        ("block_size", metrics.kernel_distance),
        ("projections", metrics.sliced_wasserstein),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_counts_in_functions(argument, function, value):
    sides = normal(30, 3), normal(30, 3, seed=1)
    refuses(lambda: function(*sides, **{argument: value}), f"`{argument}`", number(value))


def test_counts_in_functions_of_one_side():
    uniform, pictures = np.full((20, 4), 0.25), np.zeros((5, 8, 8, 1))
    for value in NOT_COUNTS:
        refuses(
            lambda value=value: metrics.inception_score(uniform, splits=value),
            "`splits`",
            number(value),
        )
        refuses(
            lambda value=value: metrics.multi_scale_ssim(pictures, pairs=value),
            "`pairs`",
            number(value),
        )


@pytest.mark.parametrize("value", [0, 0.5, -2, math.nan, math.inf, "2"], ids=repr)
def test_order_of_the_wasserstein_distance(value):
    refuses(lambda: metrics.SlicedWasserstein(p=value), "`p`", number(value))
    sides = normal(30, 3), normal(30, 3, seed=1)
    refuses(lambda: metrics.sliced_wasserstein(*sides, p=value), "`p`", number(value))


@pytest.mark.parametrize("make", [metrics.SlicedWasserstein, metrics.MultiScaleSSIM])
def test_seeds(make):
    for value in (-1, 1.5, "a"):
        refuses(lambda value=value: make(seed=value), "`seed`", number(value))


MODES = [
    ("std of zero", {"std": 0.0}, ["`std`", "0.0"]),
    ("negative std", {"std": -1.0}, ["`std`", "-1.0"]),
    ("nan std", {"std": math.nan}, ["`std`", "nan"]),
    ("infinite std", {"std": math.inf}, ["`std`", "inf"]),
    ("std of each mode", {"std": [1.0, 2.0]}, ["`std`", "Received"]),
    ("centers of one axis", {"centers": [0.0, 4.0]}, ["`?centers", r"\(2,\)"]),
    ("no centers", {"centers": np.zeros((0, 3))}, ["`?centers", r"\(0, 3\)|0"]),
    ("nan centers", {"centers": [[math.nan, 0.0, 0.0]]}, ["`?centers", "(?i)nan|finite"]),
    ("too few frequencies", {"frequencies": [1.0]}, ["`?frequencies", "2", r"\(1,\)|1"]),
    ("too many frequencies", {"frequencies": [0.2, 0.3, 0.5]}, ["`?frequencies", "3"]),
    ("negative frequencies", {"frequencies": [1.5, -0.5]}, ["`?frequencies", "-0.5"]),
    ("nan frequencies", {"frequencies": [math.nan, 0.5]}, ["`?frequencies", "nan"]),
    ("infinite frequencies", {"frequencies": [math.inf, 0.5]}, ["`?frequencies", "inf"]),
    ("no frequency at all", {"frequencies": [0.0, 0.0]}, ["`?frequencies", "0"]),
]


@pytest.mark.parametrize("row", MODES, ids=[row[0] for row in MODES])
def test_arguments_of_mode_coverage(row):
    _, changed, texts = row
    arguments = {"centers": CENTERS, "std": 1.0} | changed
    refuses(lambda: metrics.ModeCoverage(**arguments), *texts)
    refuses(lambda: metrics.mode_coverage(normal(9, 3), **arguments), *texts)


def test_samples_of_mode_coverage():
    refuses(lambda: metrics.mode_coverage(normal(9, 2), CENTERS, 1.0), "2", "3", error=ValueError)
    refuses(lambda: metrics.mode_coverage(np.zeros((0, 3)), CENTERS, 1.0), "0", error=ValueError)
    refuses(lambda: metrics.mode_coverage(poisoned(), CENTERS, 1.0), "(?i)finite|nan")


# Rows that are no probabilities of four classes.
IMPROBABLE = [
    ("logits", normal(20, 4), ["(?i)probabilit"]),
    ("negative, of sum one", np.tile([1.5, -0.5, 0.0, 0.0], (20, 1)), ["(?i)probabilit"]),
    ("counts", np.tile([3.0, 1.0, 0.0, 0.0], (20, 1)), ["(?i)probabilit"]),
    ("zeros", np.zeros((20, 4)), ["(?i)probabilit"]),
    ("nan", np.full((20, 4), math.nan), ["(?i)finite|nan"]),
]


@pytest.mark.parametrize("row", IMPROBABLE, ids=[row[0] for row in IMPROBABLE])
@pytest.mark.parametrize("kind", ["inception_score", "class_coverage"])
def test_rows_that_are_no_probabilities(kind, row):
    _, rows, texts = row
    make, function = {
        "inception_score": (metrics.InceptionScore, metrics.inception_score),
        "class_coverage": (metrics.ClassCoverage, metrics.class_coverage),
    }[kind]
    refuses(lambda: function(rows), *texts, error=ValueError)
    metric = make(IDENTITY)
    metric.update_state(fake=np.full((20, 4), 0.25))
    before = metric.result()
    refuses(lambda: metric.update_state(fake=rows), *texts, error=ValueError)
    assert metric.result() == before


def test_nothing_is_taken_in_beside_rows_that_are_no_probabilities():
    real, fake = np.eye(4)[[0, 0, 1, 2, 3]], np.full((20, 4), 0.25)
    metric = metrics.ClassCoverage(IDENTITY)
    metric.update_state(real=real, fake=fake)
    before = metric.result()
    refuses(lambda: metric.update_state(real=np.eye(4)[[0] * 9], fake=normal(20, 4)))
    assert metric.result() == before
    refuses(lambda: metric.update_state(real=normal(20, 4), fake=np.eye(4)[[0] * 9]))
    assert metric.result() == before


def test_probabilities_of_other_classes():
    metric = metrics.ClassCoverage(IDENTITY)
    metric.update_state(real=np.full((20, 4), 0.25))
    refuses(lambda: metric.update_state(fake=np.full((20, 5), 0.2)), "4", "5", error=ValueError)
    refuses(lambda: metrics.class_coverage(np.ones(5)), r"\(5,\)", error=ValueError)
    refuses(lambda: metrics.class_coverage(np.zeros((0, 5))), "0", error=ValueError)


@pytest.mark.parametrize(
    "frequencies", [[0.5, 0.5], [1.0, 1.0, 1.0, -1.0], [math.nan] * 4, [math.inf] * 4], ids=repr
)
def test_frequencies_of_the_classes(frequencies):
    def measured():
        metric = metrics.ClassCoverage(IDENTITY, frequencies)
        metric.update_state(fake=np.full((20, 4), 0.25))
        return metric.result()

    refuses(measured, "frequencies", error=ValueError)
    uniform = np.full((20, 4), 0.25)
    refuses(lambda: metrics.class_coverage(uniform, frequencies), "frequencies", error=ValueError)


def test_fewer_samples_than_splits():
    uniform = np.full((9, 4), 0.25)
    refuses(lambda: metrics.inception_score(uniform), "10", "9", error=ValueError)
    metric = metrics.InceptionScore(IDENTITY)
    metric.update_state(fake=uniform)
    refuses(metric.result, "10", "9", error=ValueError)


@pytest.mark.parametrize("make", [metrics.InceptionScore, metrics.ClassCoverage])
def test_what_is_no_classifier(make):
    for classifier in (None, 3, "mnist"):
        refuses(lambda classifier=classifier: make(classifier), "classifier", "Received")


@pytest.mark.parametrize("make", [metrics.FrechetDistance, metrics.SlicedWasserstein])
def test_what_is_no_extractor(make):
    for extractor in (3, "inception"):
        refuses(lambda extractor=extractor: make(extractor), "features", "Received")


def test_arguments_of_frechet_distance():
    mean, covariance = np.zeros(3), np.eye(3)
    wrong = [
        ((np.zeros(4), covariance, mean, covariance), ["3", "4"]),
        ((mean, covariance, np.zeros(2), np.eye(2)), ["3", "2"]),
        ((mean, np.eye(3)[:2], mean, covariance), [r"\(2, 3\)"]),
        ((mean, covariance, mean, np.ones(3)), [r"\(3,\)"]),
        ((mean, covariance * math.nan, mean, covariance), ["(?i)finite|nan"]),
        ((mean + math.inf, covariance, mean, covariance), ["(?i)finite|inf"]),
        ((mean, -covariance, mean, covariance), ["(?i)covariance"]),
        ((mean, np.triu(np.ones((3, 3))), mean, covariance), ["(?i)symmetric|covariance"]),
    ]
    for arguments, texts in wrong:
        refuses(
            lambda arguments=arguments: metrics.frechet_distance(*arguments),
            *texts,
            error=ValueError,
        )


def test_training_samples_of_nearest_neighbour():
    refuses(lambda: metrics.NearestNeighbour(np.zeros((0, 3))).update_state(fake=normal(5, 3)), "0")
    refuses(
        lambda: metrics.NearestNeighbour(poisoned()).update_state(fake=normal(5, 3)),
        "(?i)finite|nan",
    )
    refuses(
        lambda: metrics.NearestNeighbour(normal(9, 4)).update_state(fake=normal(5, 3)), "4", "3"
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("frechet", "frechet_distance"),
        ("fid_score", "Known names"),
        ("inception_score", "classifier|Known names"),
    ],
)
def test_names_that_do_not_resolve(name, text):
    refuses(lambda: metrics.get(name), text)


def test_what_is_no_metric():
    refuses(lambda: metrics.get(3), "Received")
    refuses(lambda: metrics.get(metrics.FrechetDistance), "(?i)call", error=TypeError)
