"""The jobs of image to image: killed and resumed, on two replicas, in bfloat16, exported."""

import pathlib
import signal

import keras
import numpy as np
import pytest

from integration import jobs, programs, small
from tests.precision import precision
from tests.serving import c_api

pytestmark = pytest.mark.slow


def run(directory, step, *names):
    directory.mkdir(exist_ok=True)
    script = pathlib.Path(__file__).with_name("translated_run.py")
    return programs.run(script, directory, step, *names)


def kept(directory, name):
    with np.load(directory / f"{name}.npz") as file:
        return dict(file)


def levels(floats):
    """Return floats of an image in [-1, 1], or of a mask, as bytes."""
    low = -1 if floats.min() < 0 else 0
    return np.rint((floats - low) * (255 / (1 - low))).astype("uint8")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the directory of runs that nothing has ended."""
    directory = tmp_path_factory.mktemp("whole")
    done = run(directory, 0, *jobs.JOBS)
    assert done.returncode == 0, done.output
    return directory


@pytest.mark.parametrize("name", jobs.JOBS)
def test_resumed_exactly_after_sigkill(whole, tmp_path, name):
    """In the middle of the second epoch; the adversary of super-resolution has just come."""
    killed = run(tmp_path, 6, name)
    assert killed.returncode == -signal.SIGKILL, killed.output
    assert not (tmp_path / f"{name}.npz").exists()
    assert run(tmp_path, 0, name).returncode == 0
    small.assert_equal_states(kept(whole, name), kept(tmp_path, name))


@pytest.mark.parametrize("name", jobs.JOBS)
def test_two_replicas_are_one_device(two_replicas, name):
    job = jobs.JOBS[name]
    # Replays are of one device.
    sgds = {f"{player}_optimizer": "sgd" for player in small.PLAYERS} | {"replay": None}
    one = job.model(**sgds, run_eagerly=True)
    with two_replicas.scope():
        two = job.model(**sgds)
    before = small.weights(one)
    for model in (one, two):
        model.fit(job.dataset(), epochs=1, verbose=0)
    moved = [np.abs(w - start).max() for w, start in zip(small.weights(one), before, strict=True)]
    assert max(moved) > 1e-3
    for first, second in zip(small.weights(one), small.weights(two), strict=True):
        np.testing.assert_allclose(first, second, atol=1e-5)


@pytest.fixture(params=jobs.JOBS, scope="module")
def in_bfloat16(request):
    """Return a job, its model in mixed precision, trained, and the logs."""
    job = jobs.JOBS[request.param]
    with precision("mixed_bfloat16"):
        model = job.model()
    history = model.fit(job.dataset(), epochs=3, verbose=0).history
    return job, model, history


def test_mixed_precision_trains(in_bfloat16):
    job, model, history = in_bfloat16
    assert {layer.compute_dtype for layer in model.generator.layers} >= {"bfloat16"}
    assert np.isfinite([values for values in history.values()]).all()
    [term] = {"cycle", "reconstruction"} & history.keys()
    assert history[term][-1] < history[term][0]
    made = model.generate(2, condition=job.sources())
    assert {leaf.dtype for leaf in keras.tree.flatten(made)} == {np.dtype("float32")}


# Both directions of a CycleGAN, and PNG files, are tests/export/test_nests.py's.
@pytest.mark.parametrize("name", [name for name in jobs.JOBS if name != "cycle_gan"])
def test_exports_answer_as_generate_does(name, tmp_path):
    """Through TensorFlow's C API, in levels of 8 bits, and known pixels to the bit."""
    model = jobs.JOBS[name].model()
    rng = np.random.default_rng(0)
    for weight in model.sampling_network.weights:  # As they start, images are grey.
        weight.assign(rng.normal(0, 0.2, weight.shape))
    sources = keras.tree.map_structure(levels, jobs.JOBS[name].sources())
    expected = np.clip((model.generate(2, condition=sources) + 1) * 127.5, 0, 255)
    parts = sources if isinstance(sources, dict) else {"": sources}
    with c_api.Session(model.export(tmp_path / "job", warmup=False)) as session:
        given = {f"condition_{part}".strip("_"): array for part, array in parts.items()}
        answer = session.run("translate", given)["images"]
    np.testing.assert_allclose(answer, expected, atol=0.5 + 1e-3)
    assert len(np.unique(answer)) > 20
    if name == "inpainting":
        known = sources["mask"] == 0
        np.testing.assert_array_equal(answer[known], sources["image"][known])
