"""Registries: the names that follow from a package's `__all__`."""

import keras
import numpy as np
import pytest

import keras_gan
from keras_gan import averaging, schedules
from keras_gan.augmentation import Augmentation
from keras_gan.losses import AdversarialLoss
from keras_gan.metrics import QualityMetric
from keras_gan.terms import Term
from keras_gan.utils import registry

# Written out once: what files and scripts say must stay.
NAMES = {
    AdversarialLoss: "exponential f_divergence hinge least_squares minimax non_saturating "
    "relativistic_average relativistic_pairing wasserstein weighted_sum",
    Term: "attribute_cycle auxiliary_classifier consistency_regularization contextual cycle "
    "data_to_data_cross_entropy domain_classification "
    "dragan feature_matching gradient_penalty identity latent_consistency lecam "
    "matching_aware matching_aware_gradient_penalty mutual_information orthogonal_regularization "
    "paired_feature_matching patch_nce path_length r1 r2 reconstruction "
    "spectral_reconstruction style total_variation weight_clipping",
    Augmentation: "adaptive color cutout diff_augment instance_noise translation",
    QualityMetric: "class_coverage density_coverage duality_gap feature_distance frechet_distance "
    "fresh_discriminator inception_score kernel_distance l1 mode_coverage multi_scale_ssim "
    "nearest_neighbour paired_multi_scale_ssim patch_sliced_wasserstein precision_recall "
    "psnr sliced_wasserstein ssim",
}
PACKAGES = {
    AdversarialLoss: keras_gan.losses,
    Term: keras_gan.terms,
    Augmentation: keras_gan.augmentation,
    QualityMetric: keras_gan.metrics,
}


@pytest.mark.parametrize("base", NAMES)
def test_names(base):
    package = PACKAGES[base]
    classes = registry.classes_of(package.__name__, base)
    assert sorted(classes) == NAMES[base].split()
    for name, cls in classes.items():
        assert getattr(package, cls.__name__) is cls
        try:
            made = package.get(name)
        except ValueError as error:
            assert f"needs an argument: pass {cls.__name__}(" in str(error)
            with pytest.raises(TypeError, match="required positional"):
                cls()
        else:
            assert type(made) is cls
            assert made.name == name or base is Augmentation  # Keras numbers layers' names.


def test_which_arguments_are_needed_is_said():
    with pytest.raises(ValueError, match=r"pass ModeCoverage\(centers, std\).*metric='mode_cov"):
        keras_gan.metrics.get("mode_coverage")


@pytest.mark.parametrize(
    ("name", "resolve", "whole"),
    [
        ("loss", keras_gan.losses.get, keras_gan.losses.Hinge()),
        (
            "loss",
            lambda loss: keras_gan.losses.WeightedSum([loss], [1.0]),
            keras_gan.losses.Hinge(),
        ),
        ("term", keras_gan.terms.get, keras_gan.terms.R1(2.0)),
        ("metric", keras_gan.metrics.get, keras_gan.metrics.SlicedWasserstein(seed=3)),
        ("ema", averaging.get, keras_gan.GeneratorAverage(0.9)),
        ("schedule", schedules.get, schedules.Cosine(1.0, 0.0, end=9)),
        ("ema", averaging.get, keras_gan.GeneratorAverage(half_life=schedules.Cosine(0, 9, end=9))),
        (
            "half_life",
            lambda half_life: keras_gan.GeneratorAverage(half_life=half_life),
            schedules.Cosine(0, 9, end=9),
        ),
        (
            "beta_2",
            lambda beta_2: schedules.ScheduledAdam(beta_2=beta_2),
            schedules.Cosine(0.9, 0.99, end=9),
        ),
        ("features", lambda features: keras_gan.terms.Reconstruction(features=features), None),
        ("features", keras_gan.metrics.FrechetDistance, None),
    ],
)
def test_a_dict_is_a_config_or_refused(name, resolve, whole):
    if whole is not None:
        resolve(keras.saving.serialize_keras_object(whole))
    for wrong in ({}, {"a": np.array(0.12345678)}, {"class_name": None, "config": {}}):
        with pytest.raises(TypeError, match=f"Expected `{name}` as an object") as caught:
            resolve(wrong)
        assert "0.1234" not in str(caught.value)


def test_a_schedule_of_keras_may_have_a_short_config():
    settings = {"initial_learning_rate": 1.0, "decay_steps": 9, "decay_rate": 0.5}
    schedule = schedules.get({"class_name": "ExponentialDecay", "config": settings})
    assert isinstance(schedule, keras.optimizers.schedules.ExponentialDecay)


@pytest.mark.parametrize(
    ("name", "snake"),
    [("LeastSquares", "least_squares"), ("R1", "r1"), ("DiffAugment", "diff_augment")],
)
def test_snake_case(name, snake):
    assert registry.snake_case(name) == snake
