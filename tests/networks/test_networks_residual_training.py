"""SNGAN, SAGAN and BigGAN, trained for three steps in every precision, with labels and without."""

import numpy as np
import pytest
import training
from network_calls import call, normal
from residual import CLASSES, SMALL, small

SHAPE = 16, 16, 3
# By how much a sample's pixels may differ with the others of its batch, in [-1, 1].
ALONE = {"float32": 1e-5, "mixed_bfloat16": 0.03}


def game(name, num_classes, policy="float32", strategy=None, head="projection", **options):
    return training.game(lambda: small(name, num_classes, head=head), policy, strategy, **options)


def assert_samples_stand_alone(model, policy):
    """Assert that a sample depends on its latents and its label, and on no other sample."""
    latents = normal(4, model.generator.inputs[0].shape[1])
    labels = [np.array([0, 2, 1, 2], "int32")] if model.conditional else []
    together = call(model.generator, latents, *labels)
    alone = call(model.generator, latents[:1], *(each[:1] for each in labels))
    atol = ALONE[policy]
    np.testing.assert_allclose(alone, together[:1], rtol=0, atol=atol)
    if labels:
        others = call(model.generator, latents, np.array([1, 0, 2, 1], "int32"))
        assert np.abs(others - together).max((1, 2, 3)).min() > 1e-4


CASES = [
    pytest.param(name, policy, num_classes, id=f"{name}-{policy}-{num_classes}")
    for name in SMALL
    for policy in training.ROUNDING
    for num_classes in (None, CLASSES)
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "policy", "num_classes"), CASES)
def test_training(name, policy, num_classes, tmp_path):
    data = training.examples(SHAPE, num_classes)
    model = training.trained(game(name, num_classes, policy), data)
    assert_samples_stand_alone(model, policy)
    training.assert_exported(model, tmp_path, policy)
    training.assert_saved_and_resumed(model, data, tmp_path)


def test_training_op_by_op():
    model = game("sngan", CLASSES, run_eagerly=True)
    training.trained(model, training.examples(SHAPE, CLASSES))
    assert_samples_stand_alone(model, "float32")


@pytest.mark.slow
def test_training_with_the_hinge_loss_and_a_classifier():
    options = {"loss": "hinge", "terms": [], "discriminator_steps": 2, "ema": 0.9}
    model = game("biggan", CLASSES, head="classifier", **options)
    assert model.num_classes == CLASSES
    data = training.examples(SHAPE, CLASSES, steps=6)
    # No term reads the classes here.
    training.trained(model, data, frozen=("classes",))


@pytest.mark.slow
def test_replicas_stay_equal(two_replicas):
    model = game("biggan", CLASSES, strategy=two_replicas)
    training.trained(model, training.examples(SHAPE, CLASSES))
    training.assert_equal_replicas(model)
