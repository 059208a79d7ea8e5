"""A metric refuses samples it cannot use: it names what came, and its state is as it was.

Each row is a call that must fail; the table is the promise.
"""

import math

import numpy as np
import pytest
import tensorflow as tf
from literal import normal
from metric_refusals import poisoned, refuses

from keras_gan import metrics

CENTERS = np.array([[0.0] * 3, [4.0] * 3])

# On vectors of three features.
VECTORS = {
    "frechet_distance": metrics.FrechetDistance,
    "kernel_distance": metrics.KernelDistance,
    "precision_recall": metrics.PrecisionRecall,
    "density_coverage": metrics.DensityCoverage,
    "sliced_wasserstein": metrics.SlicedWasserstein,
    "nearest_neighbour": lambda: metrics.NearestNeighbour(normal(20, 3, seed=2)),
    "mode_coverage": lambda: metrics.ModeCoverage(CENTERS, 1.0),
}
TWO_SIDED = [name for name in VECTORS if name != "mode_coverage"]
FUNCTIONS = {
    "kernel_distance": metrics.kernel_distance,
    "precision_recall": metrics.precision_recall,
    "density_coverage": metrics.density_coverage,
    "sliced_wasserstein": metrics.sliced_wasserstein,
    "nearest_neighbour": metrics.nearest_neighbour,
}

every_metric = pytest.mark.parametrize("name", VECTORS)
two_sided = pytest.mark.parametrize("name", TWO_SIDED)
# Generated samples are all that mode coverage looks at.
every_side = pytest.mark.parametrize(
    ("name", "side"),
    [*((name, side) for name in TWO_SIDED for side in ("real", "fake")), ("mode_coverage", "fake")],
)
every_function = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=list(FUNCTIONS))


def filled(name):
    metric = VECTORS[name]()
    metric.update_state(real=normal(30, 3), fake=normal(30, 3, seed=1))
    return metric


def values(result):
    return list(result.values()) if isinstance(result, dict) else [result]


# What no side of a metric on three features takes: (id, rows, what the text must say).
BATCHES = [
    ("nan", poisoned(), ["(?i)nan|finite"]),
    ("inf", poisoned(value=math.inf), ["(?i)inf|finite"]),
    ("minus inf in float32", poisoned(value=-math.inf).astype("f4"), ["(?i)inf|finite"]),
    ("nan in a tensor", tf.constant(poisoned()), ["(?i)nan|finite"]),
    ("more features", normal(20, 4), ["3", "4", "Received"]),
    ("fewer features", normal(20, 2), ["3", "2", "Received"]),
    ("a scalar", np.float64(3.0), ["Received"]),
    ("text", np.array([["a", "b", "c"]] * 5), ["Received"]),
    ("complex numbers", normal(20, 3) + 1j, ["(?i)complex", "Received"]),
    ("nothing of an array", "abc", ["Received"]),
    ("rows of several lengths", [[1.0, 2.0, 3.0], [1.0, 2.0]], ["(?i)inhomogeneous|Received"]),
]


@every_side
@pytest.mark.parametrize("row", BATCHES, ids=[row[0] for row in BATCHES])
def test_refused_batch_leaves_the_state_as_it_was(name, side, row):
    _, rows, texts = row
    metric = filled(name)
    before = metric.result()
    refuses(lambda: metric.update_state(**{side: rows}), *texts)
    assert metric.result() == before
    metric.update_state(real=normal(9, 3, seed=4), fake=normal(9, 3, seed=5))
    assert not any(map(math.isnan, values(metric.result())))


@two_sided
@pytest.mark.parametrize("bad", ["real", "fake"])
def test_nothing_is_taken_in_of_a_half_bad_pair(name, bad):
    metric = filled(name)
    before = metric.result()
    sides = {"real": normal(20, 3, seed=4), "fake": normal(20, 3, seed=5)}
    refuses(lambda: metric.update_state(**(sides | {bad: poisoned()})), "(?i)nan|finite")
    assert metric.result() == before
    refuses(lambda: metric.update_state(**(sides | {bad: normal(20, 5)})), "3", "5")
    assert metric.result() == before


@every_metric
def test_a_bad_first_batch_does_not_fix_the_dimension(name):
    metric = VECTORS[name]()
    refuses(lambda: metric.update_state(fake=np.full((20, 3), math.nan)))
    refuses(lambda: metric.update_state(fake=np.full((20, 7), math.nan)))
    metric.update_state(real=normal(30, 3), fake=normal(30, 3, seed=1))
    assert metric.result() == filled(name).result()


@two_sided
def test_sides_of_different_dimensions(name):
    metric = VECTORS[name]()
    metric.update_state(real=normal(30, 3))
    refuses(lambda: metric.update_state(fake=normal(30, 4)), "3", "4", "Received", error=ValueError)
    metric = VECTORS[name]()
    refuses(
        lambda: metric.update_state(real=normal(30, 3), fake=normal(30, 4)),
        "3",
        "4",
        "Received",
        error=ValueError,
    )
    # Neither of them was taken in, nor its dimension.
    refuses(metric.result, r"\b0\b", error=ValueError)
    if name != "nearest_neighbour":
        metric.update_state(real=normal(30, 5), fake=normal(30, 5, seed=1))
        assert not any(map(math.isnan, values(metric.result())))


@two_sided
def test_refused_features(name):
    """`update_features` is as strict as `update_state`."""
    metric = filled(name)
    before = metric.result()
    for bad in (poisoned(), normal(20, 4), normal(20, 3)[:, 0], normal(20, 3)[..., None]):
        refuses(lambda bad=bad: metric.update_features(fake=bad), "Received", error=ValueError)
        refuses(
            lambda bad=bad: metric.update_features(real=normal(20, 3), fake=bad),
            "Received",
            error=ValueError,
        )
        assert metric.result() == before


@every_metric
@pytest.mark.parametrize("side", ["real", "fake"])
def test_empty_batch_is_ignored_or_refused(name, side):
    metric = filled(name)
    before = metric.result()
    try:
        metric.update_state(**{side: np.zeros((0, 3))})
    except ValueError as error:
        assert "0" in str(error)
    assert metric.result() == before


@every_metric
def test_empty_first_batch(name):
    metric = VECTORS[name]()
    for side in ("real", "fake"):
        try:
            metric.update_state(**{side: np.zeros((0, 3))})
        except ValueError as error:
            assert "0" in str(error)
    refuses(metric.result, error=ValueError)
    metric.update_state(real=normal(30, 3), fake=normal(30, 3, seed=1))
    assert metric.result() == filled(name).result()


@every_metric
def test_no_samples_at_all(name):
    refuses(VECTORS[name]().result, "(?i)sample|row", "fake|real", error=ValueError)


@two_sided
@pytest.mark.parametrize("missing", ["real", "fake"])
def test_no_samples_on_one_side(name, missing):
    metric = VECTORS[name]()
    metric.update_state(**{"fake" if missing == "real" else "real": normal(30, 3)})
    refuses(metric.result, missing, "0", error=ValueError)


LEAST = [
    ("frechet_distance", metrics.FrechetDistance, 1, 2),
    ("kernel_distance", metrics.KernelDistance, 1, 4),
    ("kernel_distance of three", metrics.KernelDistance, 3, 4),
    ("precision_recall", lambda: metrics.PrecisionRecall(k=3), 3, 4),
    ("density_coverage", lambda: metrics.DensityCoverage(k=5), 5, 6),
]


@pytest.mark.parametrize(
    ("row", "few_side"),
    # Density and coverage build no balls around generated samples.
    [
        pytest.param(row, side, id=f"{row[0]} {side}")
        for row in LEAST
        for side in ("real", "fake", "both")
        if (row[0], side) != ("density_coverage", "fake")
    ],
)
def test_too_few_samples(row, few_side):
    """The count that came and the one that is needed are both in the message."""
    _, make, few, least = row
    counts = [few if few_side in (side, "both") else 30 for side in ("real", "fake")]
    metric = make()
    metric.update_state(real=normal(counts[0], 3), fake=normal(counts[1], 3, seed=1))
    refuses(metric.result, rf"\b{least}\b", rf"\b{few}\b", error=ValueError)
    function = FUNCTIONS.get(metric.name)
    if function:
        k = {"k": least - 1} if "k" in metric.get_config() else {}
        sides = normal(counts[0], 3), normal(counts[1], 3, seed=1)
        refuses(lambda: function(*sides, **k), rf"\b{few}\b|\({few}, 3\)", error=ValueError)


@pytest.mark.parametrize("row", LEAST, ids=[row[0] for row in LEAST])
@pytest.mark.filterwarnings("ignore:.*dimension")
def test_just_enough_samples(row):
    _, make, _, least = row
    metric = make()
    metric.update_state(real=normal(least, 3), fake=normal(least, 3, seed=1))
    assert not any(map(math.isnan, values(metric.result())))


@pytest.mark.parametrize("name", ["sliced_wasserstein", "nearest_neighbour", "mode_coverage"])
def test_a_single_sample_is_enough_or_refused(name):
    metric = VECTORS[name]()
    metric.update_state(real=normal(1, 3), fake=normal(1, 3, seed=1))
    try:
        result = metric.result()
    except ValueError as error:
        assert "1" in str(error)
    else:
        assert not any(map(math.isnan, values(result)))


def test_held_out_samples_that_are_training_samples():
    """The ratio has no denominator then: an error or infinity, but not NaN."""
    training = normal(20, 3)
    metric = metrics.NearestNeighbour(training)
    metric.update_state(real=training, fake=training)
    try:
        result = metric.result()
    except ValueError as error:
        assert "held-out" in str(error)
    else:
        assert not any(map(math.isnan, values(result)))


@every_function
def test_functions_refuse_bad_rows(function):
    good = normal(30, 3)
    for bad in (poisoned(), poisoned(value=math.inf)):
        refuses(lambda bad=bad: function(good, bad), "(?i)finite|nan|inf", error=ValueError)
        refuses(lambda bad=bad: function(bad, good), "(?i)finite|nan|inf", error=ValueError)
    refuses(lambda: function(good, normal(30, 4)), "3", "4", "Received", error=ValueError)
    refuses(lambda: function(good, np.zeros((0, 3))), "0", error=ValueError)
    refuses(lambda: function(np.zeros((0, 3)), good), "0", error=ValueError)
    refuses(lambda: function(good[:, 0], good[:, 0]), r"\(30,\)", error=ValueError)
    refuses(lambda: function(good[..., None], good[..., None]), r"\(30, 3, 1\)", error=ValueError)


IMAGES = [
    ("bytes", np.full((5, 8, 8, 3), 200, "uint8"), ["(?i)uint8|integer|8-bit"]),
    ("integers in range", np.zeros((5, 8, 8, 3), "int32"), ["(?i)int32|integer"]),
    ("from 0 to 255", np.full((5, 8, 8, 3), 200.0), ["-1", "1", "200"]),
    ("a little out of range", np.full((5, 8, 8, 3), -1.5), ["-1", "1", r"-1\.5"]),
    ("nan", np.full((5, 8, 8, 3), math.nan), ["(?i)nan|finite"]),
]


@pytest.mark.parametrize("row", IMAGES, ids=[row[0] for row in IMAGES])
@pytest.mark.parametrize(
    "make", [metrics.FrechetDistance, metrics.PrecisionRecall, metrics.MultiScaleSSIM]
)
@pytest.mark.parametrize("side", ["real", "fake"])
def test_images_that_are_not_in_range(make, side, row):
    _, pictures, texts = row
    metric = make()
    refuses(lambda: metric.update_state(**{side: pictures}), *texts)
    refuses(metric.result, error=ValueError)


@pytest.mark.parametrize("row", IMAGES, ids=[row[0] for row in IMAGES])
def test_images_of_multi_scale_ssim(row):
    _, pictures, texts = row
    refuses(lambda: metrics.multi_scale_ssim(pictures), *texts)


def test_shapes_of_multi_scale_ssim():
    refuses(lambda: metrics.multi_scale_ssim(np.zeros((1, 8, 8, 1))), "1", error=ValueError)
    refuses(lambda: metrics.multi_scale_ssim(np.zeros((0, 8, 8, 1))), "0", error=ValueError)
    refuses(lambda: metrics.multi_scale_ssim(np.zeros((5, 8, 8))), r"\(5, 8, 8\)")
    refuses(lambda: metrics.multi_scale_ssim(np.zeros((5, 64))), r"\(5, 64\)")
    metric = metrics.MultiScaleSSIM()
    refuses(lambda: metric.update_state(fake=np.zeros((5, 64))), r"\(5, 64\)")
    metric.update_state(fake=np.zeros((1, 8, 8, 1)))
    refuses(metric.result, "1", error=ValueError)
    refuses(lambda: metric.update_state(fake=np.zeros((5, 9, 9, 1))), "8", "9")
    metric.update_state(fake=np.zeros((1, 8, 8, 1)))
    assert metric.result() == pytest.approx({"fake": 1.0})


@every_metric
def test_inside_a_graph(name):
    metric = VECTORS[name]()

    @tf.function
    def step(x):
        metric.update_state(fake=x)

    refuses(lambda: step(tf.zeros((5, 3))), "(?i)graph|tf.function|eager|symbolic")
    metric.update_state(real=normal(30, 3), fake=normal(30, 3, seed=1))
    assert metric.result() == filled(name).result()


@every_metric
def test_merge_with_another_kind(name):
    metric, before = filled(name), filled(name).result()
    other = filled("frechet_distance" if name != "frechet_distance" else "kernel_distance")
    refuses(lambda: metric.merge_state([other]), "Received")
    refuses(lambda: metric.merge_state([filled(name), other]), "Received")
    assert metric.result() == before


@pytest.mark.parametrize(
    "name", ["frechet_distance", "kernel_distance", "precision_recall", "sliced_wasserstein"]
)
def test_merge_with_another_dimension(name):
    metric, before = filled(name), filled(name).result()
    other = VECTORS[name]()
    other.update_state(real=normal(30, 4), fake=normal(30, 4))
    refuses(lambda: metric.merge_state([other]), "3", "4", error=ValueError)
    assert metric.result() == before
    empty = VECTORS[name]()
    refuses(lambda: empty.merge_state([metric, other]), "3", "4", error=ValueError)
    empty.merge_state([metric])
    assert empty.result() == before


@pytest.mark.parametrize("options", [{"seed": 1}, {"projections": 64}])
def test_merge_over_other_projections(options):
    """What is kept are projections: others are of no use, or worse, nonsense unnoticed."""
    metric, before = filled("sliced_wasserstein"), filled("sliced_wasserstein").result()
    other = metrics.SlicedWasserstein(**options)
    other.update_state(real=normal(30, 3), fake=normal(30, 3, seed=1))
    refuses(lambda: metric.merge_state([other]), "Received", error=ValueError)
    assert metric.result() == before
