"""The same game on one device, on 2 and 4 replicas, and as 1 and 2 workers."""

import pathlib
import sys

import numpy as np
import pytest

from tests.integration import launched
from tests.integration.replicated import GAMES

pytestmark = pytest.mark.slow

PROGRAM = launched.ROOT / "tests" / "integration" / "replicated.py"
# How the game is spread: replicas of one process, and workers. One device is the first of two.
SPREADS = {
    "2 replicas": (2, 0),
    "4 replicas": (4, 0),
    "1 worker": (1, 1),
    "2 workers": (1, 2),
}


@pytest.fixture(scope="module")
def kept(request, tmp_path_factory):
    """Return a function that reads what a worker kept of a scenario in one of the spreads.

    The first time, it plays all scenarios that the tests of this run want of the spread: a
    process's start takes longer than they do.
    """
    base, wanted = tmp_path_factory.mktemp("spreads"), scenarios_of(request.session.items)

    def play(name):
        replicas, workers = SPREADS[name]
        (base / name).mkdir()
        command = (PROGRAM, base / name, replicas, *wanted[name])
        if workers:
            process = launched.start(workers, *command)
        else:
            process = launched.run_quietly([sys.executable, *command])
        launched.ended(process)

    def read(spread, scenario, worker=0):
        if not (base / spread).exists():
            play(spread)
        with np.load(base / spread / f"{scenario} {worker}.npz") as file:
            return dict(file)

    return read


def scenarios_of(items):
    """Return the scenarios that tests want, in order, as a list for each spread."""
    wanted = {spread: {} for spread in SPREADS}
    for item in items:
        if item.path.name != pathlib.Path(__file__).name:
            continue
        chosen = item.callspec.params
        if "game" in chosen:
            wanted["2 replicas"][f"single {chosen['game']}"] = True
            wanted[chosen["spread"]][f"equal {chosen['game']}"] = True
        elif "losses" in chosen:
            for spread in ("2 replicas", "2 workers"):
                wanted[spread]["losses"] = True
        else:
            wanted[chosen["spread"]]["draws"] = True
    return wanted


def workers_of(spread):
    return range(max(1, SPREADS[spread][1]))


@pytest.mark.parametrize(
    ("spread", "game"),
    [
        (spread, game)
        for spread, games in {
            "2 replicas": GAMES,
            # Other spreads: what they may change is in one or two games.
            "2 workers": ("alternating", "batch statistics"),
            "4 replicas": ("batch statistics",),
            "1 worker": ("alternating",),
        }.items()
        for game in games
    ],
)
def test_five_steps_are_those_of_one_device(kept, spread, game):
    """Weights (which have all moved), optimizers, averages, terms' state, logs and metrics."""
    one = kept("2 replicas", f"single {game}")
    assert {"log d_loss", "log g_loss", "log val_d_loss"} <= one.keys()
    for worker in workers_of(spread):
        other = kept(spread, f"equal {game}", worker)
        assert one.keys() == other.keys()
        for name, value in one.items():
            np.testing.assert_allclose(other[name], value, rtol=0, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("losses", ["all"])
def test_every_loss_by_adam_is_finite_and_the_same_everywhere(kept, losses):
    """In their sum. On two replicas, the program itself compares their bits as it keeps them."""
    first, second = (kept("2 workers", "losses", worker) for worker in range(2))
    for name, value in first.items():
        assert np.isfinite(value).all(), name
        assert value.tobytes() == second[name].tobytes(), name
    for name, value in kept("2 replicas", "losses").items():
        assert np.isfinite(value).all(), name


def drawn(kept, spread, run, kind):
    """Return what each replica of each worker has drawn, in order."""
    parts = []
    for worker in workers_of(spread):
        rows = kept(spread, f"draws {run}", worker)
        parts += [rows[name] for name in sorted(rows) if name.startswith(kind)]
    return parts


@pytest.mark.parametrize("kind", ["latents", "mask", "noise"])
@pytest.mark.parametrize("spread", ["2 replicas", "2 workers"])
def test_every_replica_draws_its_own_and_a_seed_draws_the_same(kept, spread, kind):
    first, second, restored = (
        drawn(kept, spread, run, kind) for run in ("first", "second", "restored")
    )
    assert len(first) == 2
    for i, one in enumerate(first):
        assert np.unique(one).size > 1
        assert not any(np.array_equal(one, other) for other in first[:i])
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, restored)


@pytest.mark.parametrize("spread", ["2 replicas", "2 workers"])
def test_all_runs_of_the_draws_took_five_steps(kept, spread):
    for run in ("first", "second", "restored"):
        assert kept(spread, f"draws {run}")["step"] == 5
