"""The same game on one device, on 2 and 4 replicas, and as 1 and 2 workers."""

import sys

import numpy as np
import pytest

from tests.integration import launched
from tests.integration.game_pieces import LOSSES
from tests.integration.replicated import GAMES

PROGRAM = launched.ROOT / "tests" / "integration" / "replicated.py"
# How the game is spread: replicas of one process, and workers.
SPREADS = {
    "1 replica": (1, 0, ("equal",)),
    "2 replicas": (2, 0, ("equal", "draws")),
    "4 replicas": (4, 0, ("equal",)),
    "1 worker": (1, 1, ("equal",)),
    "2 workers": (1, 2, ("equal", "draws")),
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Return a function that reads what a worker kept of a scenario in one of the spreads."""
    return played(tmp_path_factory.mktemp("spreads"), SPREADS)


@pytest.fixture(scope="module")
def kept_losses(tmp_path_factory):
    """Return the same of every loss, on two replicas and as two workers."""
    spreads = {"2 replicas": (2, 0, ("losses",)), "2 workers": (1, 2, ("losses",))}
    return played(tmp_path_factory.mktemp("losses"), spreads)


def played(base, spreads):
    """Return a function that reads what was kept of a scenario; it plays a spread once."""

    def play(name):
        replicas, workers, scenarios = spreads[name]
        (base / name).mkdir()
        command = (PROGRAM, base / name, replicas, *scenarios)
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


def workers_of(spread):
    return range(max(1, SPREADS[spread][1]))


@pytest.mark.representatives(5)
@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("spread", [name for name in SPREADS if name != "1 replica"])
def test_five_steps_are_those_of_one_device(kept, spread, game):
    """Weights (which have all moved), optimizers, averages, terms' state, logs and metrics."""
    one = kept("1 replica", f"equal {game}")
    assert {"log d_loss", "log g_loss", "log val_d_loss"} <= one.keys()
    for worker in workers_of(spread):
        other = kept(spread, f"equal {game}", worker)
        assert one.keys() == other.keys()
        for name, value in one.items():
            np.testing.assert_allclose(other[name], value, rtol=0, atol=1e-5, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_by_adam_is_finite_and_the_same_everywhere(kept_losses, loss):
    """On two replicas, the program itself compares their bits as it keeps them."""
    first, second = (kept_losses("2 workers", f"losses {loss}", worker) for worker in range(2))
    for name, value in first.items():
        assert np.isfinite(value).all(), name
        assert value.tobytes() == second[name].tobytes(), name
    for name, value in kept_losses("2 replicas", f"losses {loss}").items():
        assert np.isfinite(value).all(), name


def drawn(kept, spread, run, kind):
    """Return what each replica of each worker has drawn, in order."""
    parts = []
    for worker in workers_of(spread):
        rows = kept(spread, f"draws {run}", worker)
        parts += [rows[name] for name in sorted(rows) if name.startswith(kind)]
    return parts


@pytest.mark.representatives(3)
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


@pytest.mark.representatives(1)
@pytest.mark.parametrize("spread", ["2 replicas", "2 workers"])
def test_all_runs_of_the_draws_took_five_steps(kept, spread):
    for run in ("first", "second", "restored"):
        assert kept(spread, f"draws {run}")["step"] == 5
