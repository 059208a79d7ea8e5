"""The Dirac-GAN of every loss and term: the steps' eigenvalues against closed forms."""

import commands
import numpy as np
import pytest

import keras_gan

dirac, games, cases = (commands.module(name) for name in ("dirac", "dirac_games", "dirac_cases"))

CASES = [case for case in cases.cases() if case.push.damping is not None]
# The large batches of the noisy ones take seconds; the command plays them all.
QUICK = [case for case in CASES if case.draws <= 4]


def titles(some):
    return [case.title for case in some]


@pytest.mark.representatives(5)
@pytest.mark.parametrize("case", QUICK, ids=titles(QUICK))
def test_eigenvalues(case):
    for update in case.updates:
        play = dirac.Play(case, update)
        jacobian = play.jacobian(run_eagerly=True)
        error = dirac.eigenvalue_error(case, update, jacobian)
        assert error <= dirac.EIGENVALUES_AGREE, update


# One of a kind: of a bias, of overflow, of each way to leave the linear game.
WALKED = [
    case
    for case in cases.cases()
    if case.title
    in (
        "relativistic average, least squares",
        "Wasserstein + R1, gamma 0.3",
        "f-GAN, squared Hellinger",
        "Wasserstein + gradient penalty around 1, weight 1",
        "non-saturating + DRAGAN, weight 1",
        "Wasserstein + clipping at 0.5",
        "non-saturating + LeCam, weight 1",
        "non-saturating + feature matching, weight 0.1",
        "non-saturating + unrolled by 5",
    )
]


@pytest.mark.representatives("Wasserstein + R1, gamma 0.3")
@pytest.mark.parametrize("case", WALKED, ids=titles(WALKED))
def test_walks(case):
    update = case.updates[0]
    errors = dirac.radius_errors(case, update, dirac.Play(case, update).walk())
    assert max(errors) <= dirac.RADII_AGREE
    assert len(WALKED) == 9


def test_the_games_by_hand_agree_with_what_is_on_record():
    recorded = [case for case in cases.cases() if case.recorded]
    assert len(recorded) == 10
    for case in recorded:
        for update, radii in case.recorded.items():
            states = games.walk(case.game, case.push, update, dirac.STEPS)
            for state, radius in zip(states, radii, strict=True):
                # Two digits where they are two.
                tolerance = 0.04 if radius < 1e-3 else 5e-3
                assert games.radius(case.game, state) == pytest.approx(radius, tolerance, 1e-16)


@pytest.mark.parametrize("name", games.GAMES)
@pytest.mark.parametrize("update", ["simultaneous", "alternating"])
def test_closed_forms_are_those_of_the_games_by_hand(name, update):
    """The eigenvalues on paper against differences of one step by hand."""
    game, push = games.GAMES[name], games.Push("", lambda theta, psi: 0.7 * psi, 0.7, pull=0.3)
    rest = np.array([0.0, 0.0, game.bias[0] if game.bias else 0.0])
    columns = [
        (games.step(game, push, update, *(rest + d)) - games.step(game, push, update, *(rest - d)))
        / 2e-5
        for d in 1e-5 * np.eye(3)
    ]
    size = 3 if game.bias else 2
    jacobian = np.stack(columns, axis=1)[:size, :size]
    expected = games.step_eigenvalues(game, push, update)
    assert dirac.farthest(np.linalg.eigvals(jacobian), expected) < 1e-6


def test_every_loss_and_term_is_played_or_explained():
    played = {type(case.game.make()).__name__ for case in CASES}
    played |= {type(term).__name__ for case in cases.cases() for term in case.terms()}
    explained = {name for names in cases.NOT_APPLICABLE for name in names.split(", ")}
    shipped = {*keras_gan.losses.__all__, *keras_gan.terms.__all__} - {
        "AdversarialLoss",
        "Equilibrium",
        "Term",
        "WeightedSum",
        "get",
    }
    assert shipped <= played | explained
    assert not played & explained


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([-0.15 + 0.477j, -0.15 - 0.477j, -2], "-0.15 ± 0.477 i, -2"),
        ([0.5j, -0.5j], "± 0.5 i"),
        ([-1.866, -0.134], "-0.134, -1.87"),
        ([1e-6, -1e-6], "0, 0"),
    ],
)
def test_eigenvalues_as_on_paper(values, text):
    assert dirac.eigenvalue_text(np.array(values, complex)) == text
