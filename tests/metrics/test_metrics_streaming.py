"""How samples reach a metric does not matter: batches, order of sides, merging, types, configs."""

import dataclasses
import json
from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf
from literal import normal

import keras_gan
from keras_gan import metrics
from keras_gan.metrics import features


@dataclasses.dataclass
class Case:
    """A metric, samples for both sides, and the function of its name."""

    make: Callable
    real: np.ndarray
    fake: np.ndarray
    function: Callable | None = None


def points(n, seed):
    return normal(n, 3, seed, mean=0.3 * seed).astype("float32")


def probabilities(n, seed):
    return np.random.default_rng(seed).dirichlet([0.5] * 4, n)


def pictures(n, seed):
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, (n, 8, 8, 1))
    return (noise + np.linspace(-0.5, 0.5, 8)[:, None]).astype("float32")


CENTERS = np.array([[0.0, 0, 0], [1, 1, 1], [0, 2, 0]])
IDENTITY = features.pixels(value_range=None)

CASES = {
    "frechet_distance": Case(metrics.FrechetDistance, points(41, 0), points(60, 1)),
    "kernel_distance": Case(
        lambda: metrics.KernelDistance(block_size=4),
        points(41, 0),
        points(60, 1),
        lambda x, y: metrics.kernel_distance(x, y, block_size=4),
    ),
    "inception_score": Case(
        lambda: metrics.InceptionScore(IDENTITY, splits=3),
        probabilities(41, 0),
        probabilities(60, 1),
        lambda x, y: metrics.inception_score(y, splits=3),
    ),
    "precision_recall": Case(
        lambda: metrics.PrecisionRecall(k=2),
        points(41, 0),
        points(60, 1),
        lambda x, y: metrics.precision_recall(x, y, k=2),
    ),
    "density_coverage": Case(
        lambda: metrics.DensityCoverage(k=2),
        points(41, 0),
        points(60, 1),
        lambda x, y: metrics.density_coverage(x, y, k=2),
    ),
    "sliced_wasserstein": Case(
        lambda: metrics.SlicedWasserstein(projections=7, p=1, seed=5),
        points(41, 0),
        points(60, 1),
        lambda x, y: metrics.sliced_wasserstein(x, y, projections=7, p=1, seed=5),
    ),
    "multi_scale_ssim": Case(
        lambda: metrics.MultiScaleSSIM(pairs=30, seed=2), pictures(41, 0), pictures(60, 1)
    ),
    "nearest_neighbour": Case(
        lambda: metrics.NearestNeighbour(points(30, 2)), points(41, 0), points(60, 1)
    ),
    "mode_coverage": Case(
        lambda: metrics.ModeCoverage(CENTERS, 0.5),
        points(41, 0),
        points(60, 1),
        lambda x, y: metrics.mode_coverage(y, CENTERS, 0.5),
    ),
    "class_coverage": Case(
        lambda: metrics.ClassCoverage(IDENTITY, frequencies=[0.1, 0.2, 0.3, 0.4]),
        probabilities(41, 0),
        probabilities(60, 1),
        lambda x, y: metrics.class_coverage(y, frequencies=[0.1, 0.2, 0.3, 0.4]),
    ),
    "class_coverage against real": Case(
        lambda: metrics.ClassCoverage(IDENTITY), probabilities(41, 0), probabilities(60, 1)
    ),
}


def every_metric_but(*names):
    chosen = [name for name in CASES if name not in names]
    return pytest.mark.parametrize("case", [CASES[name] for name in chosen], ids=chosen)


every_metric = every_metric_but()
# Training samples are in no config.
every_loadable_metric = every_metric_but("nearest_neighbour")


def fed(metric, real, fake):
    metric.update_state(real=real, fake=fake)
    return metric


def at_once(case):
    return fed(case.make(), case.real, case.fake).result()


def close(value):
    return pytest.approx(value, rel=1e-9, abs=1e-9)


def parts(x, sizes):
    """Cut rows into batches of the given sizes, the last one taking the rest."""
    return np.split(x, np.minimum(np.cumsum(sizes), len(x)))


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.function])
def test_result_is_the_function(name):
    case = CASES[name]
    assert at_once(case) == close(case.function(case.real, case.fake))


@every_metric
def test_result_is_made_of_floats(case):
    result = at_once(case)
    values = result.values() if isinstance(result, dict) else [result]
    assert all(type(value) is float for value in values)


@every_metric
@pytest.mark.parametrize(
    ("real_sizes", "fake_sizes"),
    [([10] * 3, [7] * 8), ([1] * 40, [50]), ([40, 1], [1, 2, 3, 5, 8, 13])],
)
def test_any_batches(case, real_sizes, fake_sizes):
    metric = case.make()
    for batch in parts(case.real, real_sizes):
        metric.update_state(real=batch) if len(batch) else None
    for batch in parts(case.fake, fake_sizes):
        metric.update_state(fake=batch) if len(batch) else None
    assert metric.result() == close(at_once(case))


@every_metric
def test_sides_in_any_order(case):
    batches = [("real", x) for x in parts(case.real, [10] * 4)]
    batches += [("fake", x) for x in parts(case.fake, [15] * 3)]
    sides = np.random.default_rng(0).permutation([side for side, _ in batches])
    queues = {side: iter([x for s, x in batches if s == side]) for side in ("real", "fake")}
    metric = case.make()
    for side in sides:
        metric.update_state(**{side: next(queues[side])})
    assert metric.result() == close(at_once(case))


@every_metric
def test_both_sides_in_one_call(case):
    metric = case.make()
    for real, fake in zip(parts(case.real, [10] * 4), parts(case.fake, [12] * 4), strict=True):
        metric.update_state(real, fake)
    assert metric.result() == close(at_once(case))


@every_metric
def test_result_twice_and_update_after_it(case):
    metric = fed(case.make(), case.real[:30], case.fake[:30])
    first = metric.result()
    assert metric.result() == first
    metric.update_state(real=case.real[30:])
    metric.update_state(fake=case.fake[30:])
    assert metric.result() == close(at_once(case))
    assert metric.result() != first


@every_metric
def test_caller_may_reuse_a_batch(case):
    """What was given is taken in; changing the array afterwards does not reach the metric."""
    metric = case.make()
    real, fake = case.real.copy(), case.fake.copy()
    metric.update_state(real=real, fake=fake)
    real[:], fake[:] = case.real[::-1].copy(), case.fake[0]
    assert metric.result() == close(at_once(case))


@every_metric
@pytest.mark.parametrize("others", [1, 3])
def test_merge_is_the_samples_one_after_the_other(case, others):
    pairs = zip(
        np.array_split(case.real, others + 1), np.array_split(case.fake, others + 1), strict=True
    )
    first, *rest = [fed(case.make(), real, fake) for real, fake in pairs]
    alone = rest[0].result()
    first.merge_state(rest)
    assert first.result() == close(at_once(case))
    assert rest[0].result() == close(alone)


@every_metric
def test_merge_of_metrics_that_saw_one_side(case):
    real, fake, metric = case.make(), case.make(), case.make()
    real.update_state(real=case.real)
    fake.update_state(fake=case.fake)
    metric.merge_state([real, fake, case.make()])
    assert metric.result() == close(at_once(case))
    # What was merged is not shared: the sources can go on by themselves.
    fake.update_state(fake=case.fake[:20])
    assert metric.result() == close(at_once(case))


@every_metric
def test_merge_then_update(case):
    first = fed(case.make(), case.real[:15], case.fake[:20])
    second = fed(case.make(), case.real[15:30], case.fake[20:40])
    first.merge_state([second])
    first.update_state(real=case.real[30:], fake=case.fake[40:])
    assert first.result() == close(at_once(case))
    expected = fed(case.make(), case.real[15:30], case.fake[20:40]).result()
    assert second.result() == close(expected)


@every_metric
def test_reset_forgets(case):
    metric = fed(case.make(), case.fake[::-1] * 1, case.real[::-1] * 1)
    metric.result()
    metric.reset_state()
    with pytest.raises(ValueError, match=r"(?i)sample|row"):
        metric.result()
    metric.update_state(real=case.real, fake=case.fake)
    assert metric.result() == at_once(case)


@pytest.mark.parametrize(
    "name",
    [
        "frechet_distance",
        "kernel_distance",
        "precision_recall",
        "density_coverage",
        "sliced_wasserstein",
    ],
)
def test_reset_forgets_the_dimension(name):
    """After a reset other samples may come, as wide as they like."""
    case = CASES[name]
    metric = fed(case.make(), case.real, case.fake)
    metric.reset_state()
    wider = [np.concatenate([x, x[::-1]], axis=1) for x in (case.real, case.fake)]
    assert fed(metric, *wider).result() == fed(case.make(), *wider).result()


@every_metric
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("convert", [np.asarray, tf.constant, tf.Variable, np.ndarray.tolist])
def test_types_of_samples(case, dtype, convert):
    """Samples of float32 are exact in float64, so both give the same figure."""
    real, fake = (x.astype("float32").astype(dtype) for x in (case.real, case.fake))
    expected = fed(case.make(), real.astype("float64"), fake.astype("float64")).result()
    if convert is np.ndarray.tolist:
        result = fed(case.make(), real.tolist(), fake.tolist()).result()
    else:
        result = fed(case.make(), convert(real), convert(fake)).result()
    assert result == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", [name for name in CASES if "class" not in name])
def test_half_precision_is_taken_in_full(name, dtype):
    """Mixed precision generators return half floats; sums of them are not taken in half."""
    if name == "inception_score":
        dtype = "float16"  # Probabilities in bfloat16 don't sum to 1.
    case = CASES[name]
    real, fake = (tf.cast(x, dtype) for x in (case.real, case.fake))
    expected = fed(case.make(), *(tf.cast(x, "float64") for x in (real, fake))).result()
    assert fed(case.make(), real, fake).result() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "name", ["frechet_distance", "kernel_distance", "sliced_wasserstein", "precision_recall"]
)
def test_samples_of_any_rank_are_flattened(name):
    case = CASES[name]
    reals, fakes = (pictures(n, seed)[:, :3, :2] for n, seed in ((41, 0), (60, 1)))
    expected = fed(case.make(), reals.reshape(41, -1), fakes.reshape(60, -1)).result()
    assert fed(case.make(), reals, fakes).result() == close(expected)


@every_metric
def test_metrics_are_independent_of_each_other(case):
    """No state hides in the class or in the shared extractor."""
    first = fed(case.make(), case.real[:20], case.fake[:20])
    expected = first.result()
    fed(case.make(), case.real, case.fake).result()
    assert first.result() == expected


@every_metric
def test_caller_keeps_its_random_state(case):
    np.random.seed(3)
    expected = np.random.random()
    np.random.seed(3)
    at_once(case)
    assert np.random.random() == expected


@every_metric
def test_figure_has_no_say_in_the_training(case):
    """Quality metrics have no variables for Keras to save or to reset in a graph."""
    metric = fed(case.make(), case.real, case.fake)
    assert metric.variables == []


@every_loadable_metric
def test_config_makes_the_same_metric(case):
    metric = case.make()
    copy = type(metric).from_config(metric.get_config())
    assert copy.get_config() == metric.get_config()
    assert copy.name == metric.name
    assert fed(copy, case.real, case.fake).result() == close(at_once(case))


@every_loadable_metric
def test_keras_serialization(case):
    """Through JSON, as in a saved model's config."""
    metric = fed(case.make(), case.real[:9], case.fake[:9])
    config = keras.saving.serialize_keras_object(metric)
    assert config["registered_name"] == f"keras_gan>{type(metric).__name__}"
    copy = keras.saving.deserialize_keras_object(json.loads(json.dumps(config)))
    # The copy starts empty.
    assert fed(copy, case.real, case.fake).result() == close(at_once(case))
    assert fed(metrics.get(config), case.real, case.fake).result() == close(at_once(case))


def test_metric_without_its_training_samples_says_so():
    metric = CASES["nearest_neighbour"].make()
    copy = type(metric).from_config(metric.get_config())
    assert metric.unavailable is None
    assert "training" in copy.unavailable
    with pytest.raises(ValueError, match="training"):
        copy.update_state(fake=points(5, 0))
        copy.result()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("frechet_distance", metrics.FrechetDistance),
        ("kernel_distance", metrics.KernelDistance),
        ("precision_recall", metrics.PrecisionRecall),
        ("density_coverage", metrics.DensityCoverage),
        ("sliced_wasserstein", metrics.SlicedWasserstein),
        ("multi_scale_ssim", metrics.MultiScaleSSIM),
    ],
)
def test_names_resolve(name, kind):
    metric = keras_gan.metrics.get(name)
    assert type(metric) is kind
    assert metric.name == name
    assert metrics.get(metric) is metric
    assert isinstance(metric, keras.metrics.Metric)


@pytest.mark.parametrize("case", CASES.items(), ids=list(CASES))
def test_name_is_the_class_in_snake_case(case):
    assert case[1].make().name == case[0].split()[0]


def test_name_of_the_callers_own():
    metric = metrics.FrechetDistance(name="fid")
    assert metric.name == "fid"
    assert type(metric).from_config(metric.get_config()).name == "fid"


def test_features_given_in_place_of_samples():
    case = CASES["kernel_distance"]
    metric = case.make()
    metric.update_features(real=case.real)
    metric.update_features(fake=case.fake)
    assert metric.result() == close(at_once(case))


def test_features_of_the_caller_are_used():
    case = CASES["frechet_distance"]
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, use_bias=False)])
    metric = metrics.FrechetDistance(features.from_model(network))
    weights = keras.ops.convert_to_numpy(network.layers[0].kernel)
    expected = fed(metrics.FrechetDistance(), case.real @ weights, case.fake @ weights).result()
    assert fed(metric, case.real, case.fake).result() == pytest.approx(expected, rel=1e-4)
