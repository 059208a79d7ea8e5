import commands
import numpy as np
import pytest

from keras_gan import losses

identities = commands.module("identities")

TITLES = [case.title for case in identities.CASES]


@pytest.mark.parametrize("case", identities.CASES, ids=TITLES)
def test_identity_and_bound(case):
    # In float32 here, which the rest of the suite runs in: the command computes in float64.
    assert identities.largest_error(case) < identities.AGREE
    margins = identities.margins(case)
    assert len(margins) == identities.DISCRIMINATORS
    assert margins.min() > -identities.AGREE


def test_a_wrong_optimum_or_a_wrong_bound_is_seen():
    class Wrong(losses.NonSaturating):
        def divergence(self, d_loss):
            return super().divergence(d_loss) + 1e-3

    case = next(case for case in identities.CASES if case.title == "non-saturating")
    wrong = identities.dataclasses.replace(
        case, loss=Wrong(), optimum=lambda p, q: 1.01 * np.log(p / q)
    )
    assert identities.largest_error(wrong) > identities.AGREE
    assert identities.margins(wrong).min() < -identities.AGREE


def test_every_loss_is_here_or_explained():
    here = {type(case.loss).__name__ for case in identities.CASES}
    explained = {name for names in identities.WITHOUT for name in names.split(", ")}
    abstract = {"AdversarialLoss", "Equilibrium", "WeightedSum", "get"}
    assert set(losses.__all__) - abstract <= here | explained
