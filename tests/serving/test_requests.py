"""Requests that an export must refuse, and that it must still answer after any of them.

They go through TensorFlow's C API, as a model server's do: with its look at names and types, and
without, where a fed value meets the graph as it is.
"""

import numpy as np
import psutil
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from . import c_api, exported

GOOD = exported.good_requests()


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """Return a model and its export's directory."""
    return exported.export(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def session(export):
    """Return a session that looks at names, types and shapes first."""
    with c_api.Session(export[1]) as session:
        yield session


@pytest.fixture(scope="module")
def bare(export):
    """Return a session that hands on whatever it is given."""
    with c_api.Session(export[1], checked=False) as session:
        yield session


@pytest.fixture(scope="module")
def answers(session):
    """Return the answers to good requests."""
    return {name: session.run(name, inputs) for name, inputs in GOOD.items()}


def assert_answers_as_before(session, name, answers):
    for key, array in session.run(name, GOOD[name]).items():
        np.testing.assert_array_equal(array, answers[name][key])


def wrong_values(key, array):
    """Yield values that an input must not have, each in the last row of good ones."""
    if array.dtype.kind == "f":
        yield from (np.nan, np.inf, -np.inf) if key != "truncation" else (np.nan, -np.inf, 0, -1)
    if key == "position":
        yield from (-1e-6, 1 + 1e-6, 17)
    if key == "condition":
        yield from (-1, exported.CLASSES, 2**31 - 1, -(2**31))


def wrong_shapes(key, array):
    """Yield arrays of an input's type in shapes that are not its own."""
    yield array[0]
    yield array[..., None]
    yield np.stack([array, array])
    yield array.reshape(-1)[:0].reshape(0, *[1] * array.ndim)
    if array.ndim > 1:
        yield array[:, :-1]
        yield np.concatenate([array, array], axis=-1)


def wrong_types(array):
    """Yield an input's rows as other types."""
    for dtype in ("float64", "int64", "int32", "float32", "uint8", "bool", "float16"):
        if dtype != array.dtype:
            yield np.nan_to_num(array).astype(dtype)
    yield np.full(array.shape, "7", object)


def table():
    """Return (signature, what is wrong, inputs) of every kind."""
    found = []
    for name, good in GOOD.items():

        def add(what, inputs, name=name):
            found.append((name, what, inputs))

        add("a batch of none", {key: array[:0] for key, array in good.items()})
        many = exported.LARGEST + 1
        add("a row too many", {key: np.resize(a, (many, *a.shape[1:])) for key, a in good.items()})
        add("a huge batch", {key: np.resize(a, (50_000, *a.shape[1:])) for key, a in good.items()})
        add("nothing", {})
        add("an unknown input", {**good, "unknown": np.zeros(4, "float32")})
        for key, array in good.items():
            if key != "truncation":
                add(f"no {key}", {k: v for k, v in good.items() if k != key})
            add(f"{key} misspelled", {k + "s" * (k == key): v for k, v in good.items()})
            add(f"rows of {key}", {**good, key: np.resize(array, (3, *array.shape[1:]))})
            for value in wrong_values(key, array):
                changed = array.copy()
                changed[-1] = value
                add(f"{key} of {value}", {**good, key: changed})
            for changed in wrong_shapes(key, array):
                add(f"{key} of shape {changed.shape}", {**good, key: changed})
            for changed in wrong_types(array):
                add(f"{key} of type {changed.dtype}", {**good, key: changed})
    return found


TABLE = table()


def test_there_are_hundreds():
    assert len(TABLE) >= 200
    assert {name for name, _, _ in TABLE} == {*GOOD}


@pytest.mark.parametrize("name", GOOD)
def test_every_bad_request_is_refused_and_the_next_good_one_answered(session, answers, name):
    for where, what, inputs in TABLE:
        if where == name:
            with pytest.raises(c_api.RequestError) as caught:
                session.run(name, inputs)
                pytest.fail(f"{what} was answered")
            assert caught.value.code == "INVALID_ARGUMENT", (what, caught.value)
            assert "xpected" in caught.value.message, (what, caught.value)
            assert_answers_as_before(session, name, answers)


@pytest.mark.parametrize("name", GOOD)
def test_the_graph_itself_refuses_them(bare, answers, name):
    """All but names that the graph has no place for: those a server finds."""
    for where, what, inputs in TABLE:
        if where == name and inputs.keys() <= GOOD[name].keys():
            with pytest.raises(c_api.RequestError) as caught:
                bare.run(name, inputs)
                pytest.fail(f"{what} was answered")
            assert caught.value.code == "INVALID_ARGUMENT", (what, caught.value)
            assert_answers_as_before(bare, name, answers)


LIMITS = [
    ("sample", "seed", np.arange(17), "Expected the batch of .* of 1 to 16 rows.*17"),
    ("sample", "condition", np.full(4, 3, "int32"), r"condition to be labels from 0 to 2.*\[3\]"),
    ("sample", "truncation", np.zeros(4, "float32"), r"truncation to be above 0.*\[0\]"),
    ("interpolate", "position", np.full(4, 2, "float32"), r"position to be from 0 to 1.*\[2\]"),
    ("serving_default", "latents", np.full((4, 5), np.nan, "float32"), "latents to be finite.*nan"),
    (
        "discriminate",
        "images",
        np.full((4, 8, 8, 1), np.inf, "float32"),
        "images to be finite.*inf",
    ),
    ("interpolate", "seed_b", np.arange(3), "of as many rows as"),
]


@pytest.mark.parametrize(
    "name, key, value, message", LIMITS, ids=[f"{x[0]} {x[1]}" for x in LIMITS]
)
def test_a_limit_is_a_sentence(session, name, key, value, message):
    rows = exported.good_requests(rows=len(value))[name] if len(value) > 16 else GOOD[name]
    with pytest.raises(c_api.RequestError, match=message):
        session.run(name, {**rows, key: value})


def test_the_graph_says_which_shape_it_expects(bare):
    with pytest.raises(c_api.RequestError, match=r"\[4,4\] is not compatible .* \[\?,5\]"):
        bare.run("serving_default", {**GOOD["serving_default"], "latents": np.zeros((4, 4), "f")})


def test_the_limits_themselves_are_answered(session):
    """The largest batch, labels, and both ends of the way."""
    for name, inputs in exported.good_requests(rows=exported.LARGEST).items():
        for array in session.run(name, inputs).values():
            assert len(array) == exported.LARGEST


def test_truncation_may_be_left_out_or_said_once(session):
    good = {key: array for key, array in GOOD["sample"].items() if key != "truncation"}
    free = session.run("sample", good)
    infinite = session.run("sample", {**good, "truncation": np.full(4, np.inf, "float32")})
    np.testing.assert_array_equal(free["latents"], infinite["latents"])
    once = session.run("sample", {**good, "truncation": np.array([0.5], "float32")})
    rows = session.run("sample", {**good, "truncation": np.full(4, 0.5, "float32")})
    np.testing.assert_array_equal(once["latents"], rows["latents"])
    assert np.abs(once["latents"]).max() <= 0.5 < np.abs(free["latents"]).max()


# What Hypothesis draws: any inputs of a signature, some of them as they should be.


def any_input(key, array):
    """Return a strategy for an input: nearly right more often than not."""
    shapes = st.one_of(
        st.integers(0, exported.LARGEST + 2).map(lambda rows: (rows, *array.shape[1:])),
        arrays.array_shapes(min_dims=0, max_dims=array.ndim + 1, max_side=9),
    )
    dtypes = st.one_of(
        st.just(array.dtype), st.sampled_from([np.dtype(d) for d in ("int32", "float32", "int64")])
    )
    kinds = {"i": st.integers(-2, 4), "f": st.floats(-2, 2, width=32) | st.just(np.nan)}
    return st.tuples(dtypes, shapes).flatmap(
        lambda drawn: arrays.arrays(*drawn, elements=kinds[drawn[0].kind])
    )


@st.composite
def any_request(draw):
    """Draw a signature with inputs, of which one or more are anything."""
    name = draw(st.sampled_from([*GOOD]))
    inputs = dict(exported.good_requests(rows=draw(st.integers(1, exported.LARGEST)))[name])
    for key in draw(st.sets(st.sampled_from([*inputs]), min_size=0)):
        inputs[key] = draw(any_input(key, inputs[key]))
    if draw(st.booleans()):
        inputs.pop(draw(st.sampled_from([*inputs])))
    return name, inputs


def is_right(name, inputs):
    """Tell whether a request keeps to the documentation."""
    good = GOOD[name]
    if inputs.keys() - {"truncation"} != good.keys() - {"truncation"}:
        return False
    for key, array in inputs.items():
        if array.dtype != good[key].dtype or array.shape[1:] != good[key].shape[1:]:
            return False
        if array.ndim != good[key].ndim:
            return False
        within = {
            "condition": lambda a: (a >= 0) & (a < exported.CLASSES),
            "position": lambda a: (a >= 0) & (a <= 1),
            "truncation": lambda a: a > 0,
        }.get(key, np.isfinite)
        if not within(array).all():
            return False
    rows = {key: len(array) for key, array in inputs.items()}
    truncated = rows.pop("truncation", 1)
    sizes = set(rows.values())
    if len(sizes) != 1:
        return False
    (size,) = sizes
    return 1 <= size <= exported.LARGEST and truncated in (1, size)


@pytest.mark.representatives(1)
@pytest.mark.parametrize("checked", [True, False], ids=["as a server", "the graph alone"])
def test_any_request_is_answered_or_refused(session, bare, answers, checked):
    asked = session if checked else bare
    seen = {True: 0, False: 0}

    @settings(max_examples=400, deadline=None, derandomize=True, database=None)
    @given(any_request())
    def ask(request):
        name, inputs = request
        right = is_right(name, inputs)
        seen[right] += 1
        try:
            outputs = asked.run(name, inputs)
        except c_api.RequestError as error:
            assert not right, error
            assert error.code == "INVALID_ARGUMENT", error
            assert_answers_as_before(asked, name, answers)
        else:
            assert right, inputs
            size = len(inputs["condition"])
            for array in outputs.values():
                assert len(array) == size
                assert array.dtype == object or np.isfinite(array.astype("float64")).all()

    ask()
    assert min(seen.values()) > 20, seen


@pytest.mark.slow
def test_ten_thousand_requests_leave_memory_as_it_was(session):
    process = psutil.Process()
    names = [*GOOD]

    def ask(count):
        for i in range(count):
            session.run(names[i % len(names)], GOOD[names[i % len(names)]])
        return process.memory_info().rss

    before = ask(1000)
    after = ask(10_000)
    # A leak of 500 bytes a request would be 5 MB.
    assert after - before < 4_000_000, (before, after)


def test_python_and_the_c_api_agree(export, session):
    model, path = export
    loaded = tf.saved_model.load(path)
    condition = np.array([0, 1, 2, 2], "int32")
    seeds = np.arange(30, 34)
    tensors = {"seed": tf.constant(seeds), "condition": tf.constant(condition)}
    python = loaded.signatures["sample"](**tensors, truncation=tf.constant([np.inf]))
    served = session.run("sample", {"seed": seeds, "condition": condition})
    own = model.generate(4, seed=30, condition=condition)
    latents = model.latents.sample(tf.constant(seeds)).numpy()
    np.testing.assert_array_equal(served["latents"], python["latents"])
    np.testing.assert_array_equal(served["latents"], latents)
    levels = np.rint((own + 1) * 127.5)
    for images in (served["images"], python["images"].numpy()):
        assert images.dtype == np.uint8
        assert np.abs(images - levels).max() <= 1
