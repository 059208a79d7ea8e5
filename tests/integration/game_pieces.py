"""Every shipped loss and term, and networks on which all of them can be played."""

import keras
import numpy as np

import keras_gan
from keras_gan import losses, terms

# One of each class, and of each form that a class has.
LOSSES = {
    "minimax": losses.Minimax,
    "non_saturating": losses.NonSaturating,
    "smoothed": lambda: losses.NonSaturating(label_smoothing=0.1),
    "least_squares": losses.LeastSquares,
    "wasserstein": losses.Wasserstein,
    "hinge": losses.Hinge,
    "relativistic_pairing": losses.RelativisticPairing,
    **{
        f"relativistic_average_{form}": lambda form=form: losses.RelativisticAverage(form=form)
        for form in ("logistic", "least_squares", "hinge")
    },
    **{
        f"f_divergence_{row}": lambda row=row: losses.FDivergence(divergence=row)
        for row in (
            "kl",
            "reverse_kl",
            "pearson",
            "squared_hellinger",
            "jensen_shannon",
            "gan",
        )
    },
    "exponential": losses.Exponential,
    "sum": lambda: 0.5 * losses.NonSaturating() + 0.5 * losses.RelativisticPairing(),
}

TERMS = {
    "r1": terms.R1,
    "r2": terms.R2,
    "gradient_penalty": terms.GradientPenalty,
    "one_sided": lambda: terms.GradientPenalty(one_sided=True, name="one_sided"),
    "dragan": terms.DRAGAN,
    "lecam": terms.LeCam,
    "consistency": terms.ConsistencyRegularization,
    "balanced_consistency": lambda: terms.ConsistencyRegularization(
        on=("real", "fake"), name="balanced"
    ),
    "latent_consistency": terms.LatentConsistency,
    "feature_matching": terms.FeatureMatching,
    "orthogonal_regularization": terms.OrthogonalRegularization,
    "weight_clipping": lambda: terms.WeightClipping(0.1),
    "path_length": terms.PathLength,
}

# Terms of images and their translations, of labels, codes and other conditions, which
# tests/terms plays.
TRANSLATING = {
    "AttributeCycle",
    "AuxiliaryClassifier",
    "Contextual",
    "Cycle",
    "DataToDataCrossEntropy",
    "DomainClassification",
    "Identity",
    "MatchingAware",
    "MatchingAwareGradientPenalty",
    "MutualInformation",
    "PairedFeatureMatching",
    "PatchNCE",
    "SpectralReconstruction",
    "Reconstruction",
    "Style",
    "TotalVariation",
}

# All of them in few games, for tracing is what costs: those of one game as a weighted sum.
LOSS_GROUPS = {
    "unbounded": ["wasserstein", "exponential", "f_divergence_kl", "f_divergence_reverse_kl"],
    "relativistic": [
        "relativistic_pairing",
        "relativistic_average_logistic",
        "relativistic_average_least_squares",
        "relativistic_average_hinge",
        "sum",
    ],
    "squares": ["hinge", "least_squares", "f_divergence_pearson", "f_divergence_squared_hellinger"],
    "logistic": [
        "non_saturating",
        "minimax",
        "smoothed",
        "f_divergence_jensen_shannon",
        "f_divergence_gan",
    ],
}


def summed(group):
    """Return the sum of the losses of a group."""
    first, *others = (1.0 * LOSSES[name]() for name in LOSS_GROUPS[group])
    return sum(others, first)


def missing():
    """Return the names of shipped losses and terms that are not above, but for sums of losses."""
    made = {type(make()).__name__ for make in (*LOSSES.values(), *TERMS.values())}
    shipped = {
        name
        for room, base in ((losses, losses.AdversarialLoss), (terms, terms.Term))
        for name in room.__all__
        if isinstance(getattr(room, name), type)
        and issubclass(getattr(room, name), base)
        and getattr(room, name) not in (base, losses.WeightedSum)
    }
    return shipped - made - TRANSLATING


def images(n=8, size=16, seed=0):
    """Return n random images in [-1, 1]."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, size=(n, size, size, 1)).astype("float32")


def image_networks(size=16, latent_dim=4):
    """Return convolutional players, the discriminator with spectral normalization."""
    normalized = keras_gan.layers.SpectralNormalization
    generator = keras.Sequential(
        [
            keras.Input((latent_dim,)),
            keras.layers.Dense((size // 2) ** 2 * 4),
            keras.layers.Reshape((size // 2, size // 2, 4)),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.Conv2DTranspose(1, 4, strides=2, padding="same"),
            keras.layers.Activation("tanh", dtype="float32"),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((size, size, 1)),
            normalized(keras.layers.Conv2D(4, 4, strides=2, padding="same")),
            keras.layers.LeakyReLU(negative_slope=0.2),
            keras_gan.layers.MinibatchStdDev(group_size=4),
            keras.layers.Flatten(),
            keras.layers.Dense(1, dtype="float32"),
        ]
    )
    return generator, discriminator
