"""What `DivergenceGuard` takes for a divergence, from losses that are written down."""

import os
import re
import warnings

import pytest
from played import FakeGAN, play

from keras_gan.callbacks import DivergenceGuard, DivergenceWarning

# Of several warnings, the tests look for one.
pytestmark = pytest.mark.filterwarnings("ignore::keras_gan.callbacks.DivergenceWarning")


@pytest.mark.parametrize(
    "epochs",
    [
        # A critic that sets out at nothing and finds samples 3,547 apart, as far as can be.
        ([0.001], [-3547.0] * 3, [-20.0]),
        ([0.0], [900.0], [-90_000.0]),
        # An overconfident discriminator: losses near 0, and large logits for the generator.
        ([1.386], [1e-6], [60.0], [1e-9], [100.0]),
        ([999_999.0],),
    ],
)
def test_large_losses_of_healthy_games_are_none_of_its_business(epochs):
    limit = DivergenceGuard(growth=1e4) if epochs[0] == [0.001] else DivergenceGuard()
    with warnings.catch_warnings():
        warnings.simplefilter("error", DivergenceWarning)
        assert play(limit, *epochs) == []


@pytest.mark.parametrize(
    ("options", "epochs", "where", "figure"),
    [
        ({}, ([1.0, 1_000_001.0],), (1, 2), "d_loss"),
        ({}, ([1.0, float("-inf")],), (1, 2), "d_loss"),
        ({"limit": None, "growth": None}, ([float("inf")],), (1, 1), "d_loss"),
        ({"limit": float("inf")}, ([float("inf")],), (1, 1), "d_loss"),
        ({"limit": 10.0}, ([-10.0, -11.0],), (1, 2), "d_loss"),
        ({}, ([1.4], [1399.0, 1401.0]), (2, 2), "d_loss"),
        ({}, ([0.1], [999.0], [998_000.0, 2e6]), (3, 2), "d_loss"),
        # Only the last five epochs count.
        ({}, ([5.0], *[[1.0]] * 4, [4000.0]), None, None),
        ({}, ([5.0], *[[1.0]] * 5, [4000.0]), (7, 1), "d_loss"),
        ({"growth": None}, ([0.1], [999_999.0]), None, None),
        ({"growth": 2}, ([0.1], [1.9], [3.7]), None, None),
    ],
)
def test_losses_that_grow_without_end_are_found(options, epochs, where, figure):
    found = play(DivergenceGuard(**options), *epochs)
    assert [(one[:2], one.cause) for one in found] == ([(where, figure)] if where else [])


def test_one_step_is_found_in_the_mean_of_many():
    """Logs hold the epoch's running mean, in which a loss of 2,000,000 weighs 1/1000."""
    (found,) = play(DivergenceGuard(), [*[1.0] * 999, 2000.999])
    assert (found.step, found.value) == (1000, pytest.approx(2e6))
    assert play(DivergenceGuard(), [*[1.0] * 999, 500.0]) == []


def test_the_warning_says_what_was_expected():
    with pytest.warns(DivergenceWarning, match=r"d_loss is 3000, expected within \+-1000\."):
        play(DivergenceGuard(), [0.5], [3000.0])


@pytest.mark.parametrize(
    ("epochs", "restored"),
    [
        (([2.0], [1.0], [9.0, 1e7]), "2"),
        (([2.0], [1.0], [1e7]), "1"),
        # More than 10 times the usual before it diverges: the epoch before has not ended well.
        (([2.0], [1.0], [30.0, 1e7]), "1"),
        (([2.0], [1.0], [30.0, 19.0, 1e7]), "2"),
        (([2.0], [1e7]), "0"),
        (([1e7],), "0"),
    ],
)
def test_an_epochs_state_is_good_once_the_next_begins_well(tmp_path, epochs, restored):
    model = FakeGAN()
    assert len(play(DivergenceGuard(tmp_path), *epochs, model=model)) == 1
    assert model.state == restored
    assert (tmp_path / "last_good.weights.h5").read_text() == restored
    assert os.listdir(tmp_path) == ["last_good.weights.h5"]


class Disturbed(DivergenceGuard):
    """A guard with a second run in its directory, after each of its epochs."""

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.seen = set(os.listdir(self.directory))
        play(DivergenceGuard(self.directory), [1.0], [1.0])


def test_the_state_of_another_run_is_not_taken_for_the_last_good_one(tmp_path):
    guard = Disturbed(tmp_path)
    with pytest.raises(ValueError, match=r"another run keeps its last good state.*Received: dir"):
        play(guard, [2.0], [1.0], [1e7])
    # What is not whole yet has a name that no other writer has.
    (partial,) = guard.seen - {"last_good.weights.h5"}
    assert re.fullmatch(r"\.partial-[0-9a-f]{8}-last_good\.weights\.h5", partial)


def test_a_state_sets_nothing_but_what_a_guard_remembers(tmp_path):
    guard = DivergenceGuard(tmp_path)
    play(guard, [1.0])
    state = guard.get_state()
    state["epoch"] = {**state["epoch"], "directory": "/etc", "_path": "/etc/passwd"}
    guard.set_state(state)
    assert guard.directory == str(tmp_path) and guard._path != "/etc/passwd"


def test_the_losses_of_an_epoch_that_ended_badly_are_no_measure():
    found = play(DivergenceGuard(rollbacks=2), [1.0], [900.0], [1e7, 1500.0])
    assert [one[:2] for one in found] == [(3, 1), (3, 2)]
    assert found[1].limit == 1000
