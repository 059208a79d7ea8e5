"""Metrics that monitor, compare and diagnose a generator: real against generated samples."""

from keras_gan.metrics import features
from keras_gan.metrics.class_coverage import ClassCoverage, class_coverage
from keras_gan.metrics.duality_gap import DualityGap, duality_gap
from keras_gan.metrics.evaluation import evaluate, get
from keras_gan.metrics.feature_distance import FeatureDistance, feature_distance
from keras_gan.metrics.frechet_distance import FrechetDistance, frechet_distance
from keras_gan.metrics.fresh_discriminator import FreshDiscriminator, fresh_discriminator
from keras_gan.metrics.inception_score import InceptionScore, inception_score
from keras_gan.metrics.kernel_distance import KernelDistance, kernel_distance
from keras_gan.metrics.manifolds import (
    DensityCoverage,
    PrecisionRecall,
    density_coverage,
    precision_recall,
)
from keras_gan.metrics.metric import QualityMetric
from keras_gan.metrics.mode_coverage import ModeCoverage, mode_coverage
from keras_gan.metrics.multi_scale_ssim import MultiScaleSSIM, multi_scale_ssim
from keras_gan.metrics.nearest_neighbour import NearestNeighbour, nearest_neighbour
from keras_gan.metrics.paired import PairedMetric
from keras_gan.metrics.patch_sliced_wasserstein import (
    PatchSlicedWasserstein,
    patch_sliced_wasserstein,
)
from keras_gan.metrics.pixel_errors import L1, PSNR, l1, psnr
from keras_gan.metrics.sliced_wasserstein import SlicedWasserstein, sliced_wasserstein
from keras_gan.metrics.structural_similarity import (
    SSIM,
    PairedMultiScaleSSIM,
    paired_multi_scale_ssim,
    ssim,
)
from keras_gan.metrics.table import table

__all__ = [
    "L1",
    "PSNR",
    "SSIM",
    "ClassCoverage",
    "DensityCoverage",
    "DualityGap",
    "FeatureDistance",
    "FrechetDistance",
    "FreshDiscriminator",
    "InceptionScore",
    "KernelDistance",
    "ModeCoverage",
    "MultiScaleSSIM",
    "NearestNeighbour",
    "PairedMetric",
    "PairedMultiScaleSSIM",
    "PatchSlicedWasserstein",
    "PrecisionRecall",
    "QualityMetric",
    "SlicedWasserstein",
    "class_coverage",
    "density_coverage",
    "duality_gap",
    "evaluate",
    "feature_distance",
    "features",
    "frechet_distance",
    "fresh_discriminator",
    "get",
    "inception_score",
    "kernel_distance",
    "l1",
    "mode_coverage",
    "multi_scale_ssim",
    "nearest_neighbour",
    "paired_multi_scale_ssim",
    "patch_sliced_wasserstein",
    "precision_recall",
    "psnr",
    "sliced_wasserstein",
    "ssim",
    "table",
]
