"""Terms added to a player's loss: gradient penalties, regularizers and auxiliary losses."""

from keras_gan.terms.attributes import AttributeCycle, DomainClassification
from keras_gan.terms.auxiliary_classifier import AuxiliaryClassifier
from keras_gan.terms.consistency import ConsistencyRegularization, LatentConsistency
from keras_gan.terms.cycle import Cycle, Identity
from keras_gan.terms.data_to_data import DataToDataCrossEntropy
from keras_gan.terms.feature_matching import FeatureMatching
from keras_gan.terms.frozen import FrozenFeatures
from keras_gan.terms.gradient_penalties import DRAGAN, R1, R2, GradientPenalty
from keras_gan.terms.lecam import LeCam
from keras_gan.terms.matching_aware import MatchingAware, MatchingAwareGradientPenalty
from keras_gan.terms.mutual_information import MutualInformation
from keras_gan.terms.orthogonal import OrthogonalRegularization
from keras_gan.terms.paired_feature_matching import PairedFeatureMatching
from keras_gan.terms.patch_nce import PatchNCE
from keras_gan.terms.path_length import PathLength
from keras_gan.terms.reconstruction import Reconstruction
from keras_gan.terms.spectral import SpectralReconstruction
from keras_gan.terms.style import Contextual, Style
from keras_gan.terms.term import Term
from keras_gan.terms.total_variation import TotalVariation
from keras_gan.terms.vgg import vgg19
from keras_gan.terms.weight_clipping import WeightClipping
from keras_gan.utils import registry

__all__ = [
    "DRAGAN",
    "R1",
    "R2",
    "AttributeCycle",
    "AuxiliaryClassifier",
    "ConsistencyRegularization",
    "Contextual",
    "Cycle",
    "DataToDataCrossEntropy",
    "DomainClassification",
    "FeatureMatching",
    "FrozenFeatures",
    "GradientPenalty",
    "Identity",
    "LatentConsistency",
    "LeCam",
    "MatchingAware",
    "MatchingAwareGradientPenalty",
    "MutualInformation",
    "OrthogonalRegularization",
    "PairedFeatureMatching",
    "PatchNCE",
    "PathLength",
    "Reconstruction",
    "SpectralReconstruction",
    "Style",
    "Term",
    "TotalVariation",
    "WeightClipping",
    "get",
    "vgg19",
]


def get(identifier):
    """Return the term that a name, a config or an instance stands for.

    Args:
        identifier: a `Term`, its snake_case name or its serialized config.

    Raises:
        ValueError: for an unknown name, with the known ones and the nearest.
        TypeError: for anything else.

    Example:

    >>> keras_gan.terms.get("r1").name
    'r1'
    """
    return registry.resolve(identifier, registry.classes_of(__name__, Term), Term, "term")
