"""The cases of the Dirac-GAN: what is shipped, beside what it adds on paper."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
from dirac_games import GAMES, NOTHING, STEP, UNROLLED, Game, Push, damped

from keras_gan import augmentation, terms

UPDATES = ("simultaneous", "alternating")


@dataclasses.dataclass(frozen=True)
class Case:
    """A game, the terms it is played with, and how it is compared.

    Attributes:
        game: one of `GAMES`.
        push: what the terms add, by hand.
        terms: returns the terms of `compile`.
        augmentation: returns its augmentation, or `None`.
        batch: copies of the data's one point in a batch.
        draws: over how many steps of training, each with its own noise, the Jacobian is averaged.
        walks: whether its walk is compared; not where it is random.
        updates: the orders of updates it is played in.
        recorded: radii on record, by order of updates, to as many digits as they have.
    """

    game: Game
    push: Push = NOTHING
    terms: Callable = list
    augmentation: Callable = lambda: None
    batch: int = 1
    draws: int = 1
    walks: bool = True
    updates: tuple = UPDATES
    recorded: dict = dataclasses.field(default_factory=dict)

    @property
    def title(self):
        """The losses and the terms, as the table has them."""
        return " + ".join(filter(None, (self.game.title, self.push.title)))


def _recorded(simultaneous, alternating):
    return dict(zip(UPDATES, (simultaneous, alternating), strict=True))


# Radii on record, without a term, with R1 of gamma 0.3, 1 and 2: the two logistic games after
# Mescheder et al. (2018) with the discriminator first, the others computed likewise.
RECORDED = {
    ("minimax", 0.0): _recorded((2.179, 3.225), (1.399, 1.376)),
    ("non_saturating", 0.0): _recorded((0.5211, 0.4508), (0.3902, 0.2000)),
    ("relativistic_pairing", 0.0): _recorded((0.5211, 0.4508), (0.3902, 0.2000)),
    ("wasserstein", 0.0): _recorded((17.02, 29640), (1.410, 1.367)),
    ("hinge", 0.0): _recorded((1.437, 1.570), (1.410, 1.367)),
    ("minimax", 0.3): _recorded((0.00182, 1.5e-12), (0.00094, 1.1e-13)),
    ("non_saturating", 0.3): _recorded((0.00111, 8.3e-13), (0.00062, 7.6e-14)),
    ("non_saturating", 1.0): _recorded((6.4e-10, 0.0), (8.8e-9, 0.0)),
    ("non_saturating", 2.0): _recorded((0.00159, 2.6e-12), (0.00168, 3.7e-12)),
    ("wasserstein", 0.3): _recorded((0.00915, 2.7e-9), (0.00072, 9.2e-14)),
}


def _r1(name, gamma):
    """gamma/2 (dD/dx)² = gamma/2 psi²."""
    push = damped(f"R1, gamma {gamma:g}", gamma)
    recorded = RECORDED.get((name, gamma), {})
    return Case(GAMES[name], push, lambda: [terms.R1(gamma)], recorded=recorded)


def _norm_towards(title, weight, target):
    """Weight (|psi| - target)²: without a derivative at 0 unless the target is 0."""
    return Push(
        title,
        lambda theta, psi: 2 * weight * (abs(psi) - target) * np.sign(psi),
        None if target else 2 * weight,
    )


def _noise(sigma):
    """Second derivative of softplus at 0, a quarter, times sigma², of real and fake each."""
    return Case(
        GAMES["non_saturating"],
        damped(f"instance noise, sigma {sigma:g}", 0.5 * sigma**2),
        augmentation=lambda: augmentation.InstanceNoise(sigma),
        batch=2**18,
        draws=max(4, int(16 * sigma**2)),
        walks=False,
    )


def _others():
    """Return the cases of terms other than R1 alone."""
    logistic, critic = GAMES["non_saturating"], GAMES["wasserstein"]
    return [
        Case(logistic, damped("R2, gamma 0.3", 0.3), lambda: [terms.R2(0.3)]),
        Case(logistic, damped("R1 + R2, gamma 0.3", 0.6), lambda: [terms.R1(0.3), terms.R2(0.3)]),
        Case(critic, damped("R1 + R2, gamma 0.3", 0.6), lambda: [terms.R1(0.3), terms.R2(0.3)]),
        Case(
            logistic,
            _norm_towards("gradient penalty around 0, weight 0.15", 0.15, 0.0),
            lambda: [terms.GradientPenalty(0.15, target=0.0)],
        ),
        Case(
            critic,
            _norm_towards("gradient penalty around 1, weight 1", 1.0, 1.0),
            lambda: [terms.GradientPenalty(1.0)],
        ),
        # The data does not vary: DRAGAN's perturbation, in units of its deviation, is none.
        Case(
            logistic,
            _norm_towards("DRAGAN, weight 1", 1.0, 1.0),
            lambda: [terms.DRAGAN(1.0)],
        ),
        Case(
            critic,
            Push("clipping at 0.5", damping=None, clip=0.5),
            lambda: [terms.WeightClipping(0.5)],
        ),
        # D(x) - D(x + 1/2) = -psi/2, squared, with weight 1: psi²/4, of real samples alone.
        Case(
            logistic,
            damped("consistency under a shift by 1/2", 0.5),
            lambda: [_consistency("real")],
        ),
        # And as much of the generated ones.
        Case(
            logistic,
            damped("balanced consistency under a shift by 1/2", 1.0),
            lambda: [_consistency("real", "fake")],
        ),
        # A 1 by 1 matrix has nothing off its diagonal.
        Case(
            logistic,
            damped("orthogonal regularization", 0.0),
            lambda: [terms.OrthogonalRegularization(1.0, player="discriminator")],
        ),
        # (D(x) - a_F)² + (D(G) - a_R)²: the real logit is 0, hence a_R too. (psi theta)² is left.
        Case(
            logistic,
            Push("LeCam, weight 1", lambda theta, psi: 2 * psi * theta**2),
            lambda: [terms.LeCam(1.0)],
        ),
        # The features of a single layer are its input: theta² for the generator.
        Case(
            logistic,
            Push("feature matching, weight 0.1", pull=0.2),
            lambda: [terms.FeatureMatching(0.1)],
        ),
        # psi_K = psi - K h l theta ahead: the generator's slope is -a (psi - 2 K h l theta).
        Case(
            logistic,
            Push(f"unrolled by {UNROLLED}", pull=0.5 * UNROLLED * STEP),
            updates=("unrolled",),
        ),
        *(_noise(sigma) for sigma in (0.5, 1.0, 2.0)),
    ]


def _consistency(*sides):
    shift = keras.layers.Rescaling(1.0, offset=0.5)
    return terms.ConsistencyRegularization(1.0, on=sides, augmentation=shift)


# Terms and layers of which a Dirac-GAN says nothing.
NOT_APPLICABLE = {
    "SpectralNormalization": "of one weight it leaves the sign: D(x) = ±x has no equilibrium",
    "MinibatchStdDev": "a batch of one point does not vary",
    "Packing": "of copies of one point: the same game with as many weights",
    "DiffAugment, Adaptive": "they transform images",
    "PathLength, LatentConsistency, MutualInformation": "the generator has no latents",
    "Reconstruction, SpectralReconstruction, Cycle, Identity, PairedFeatureMatching, "
    "PatchNCE": "there is no source",
    "AttributeCycle, AuxiliaryClassifier, DataToDataCrossEntropy, "
    "DomainClassification": "there are no labels",
    "MatchingAware, MatchingAwareGradientPenalty": "there is no condition",
    "Contextual, FrozenFeatures, Style, TotalVariation, vgg19": "they compare images",
}


def cases():
    """Return all cases: each loss, each with R1, and the other terms on two of them."""
    alone = [Case(game, recorded=RECORDED.get((name, 0.0), {})) for name, game in GAMES.items()]
    return [
        *alone,
        *(_r1(name, 0.3) for name in GAMES),
        *(_r1("non_saturating", gamma) for gamma in (1.0, 2.0)),
        *_others(),
    ]
