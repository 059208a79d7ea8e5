"""The weight of the generator's adversarial loss: the updates it scales, stages, files, errors."""

import keras
import numpy as np
import pytest
from integration import small

import keras_gan
from keras_gan import schedules

POINTS = small.points(16)


@keras.saving.register_keras_serializable("test")
class Size(keras_gan.terms.Term):
    """Mean square of generated samples."""

    player = "generator"

    def generator_term(self, step):
        return keras.ops.mean(keras.ops.square(step.fake), axis=1)


def moved(steps=1, **options):
    """Return how both players' weights have moved after SGD steps, and the last step's logs."""
    model = small.gan()
    model.compile(**{"run_eagerly": True, **small.sgds(), **options})
    players = model.generator, model.discriminator
    before = [[v.numpy() for v in player.trainable_variables] for player in players]
    for _ in range(steps):
        logs = model.train_on_batch(POINTS, return_dict=True)
    after = [[v.numpy() for v in player.trainable_variables] for player in players]
    changes = [
        [b - a for a, b in zip(*pair, strict=True)] for pair in zip(before, after, strict=True)
    ]
    return *changes, logs


@pytest.mark.representatives("simultaneous", "unrolled")
@pytest.mark.parametrize("update", ["alternating", "simultaneous", "unrolled"])
def test_it_multiplies_the_generators_adversarial_gradient_alone(update):
    (plain, critic, logs), (none, _, _), (mixed, other, weighted) = (
        moved(update=update, terms=[Size(weight=0.5)], **options)
        for options in ({}, {"adversarial_weight": 0}, {"adversarial_weight": 0.25})
    )
    for one, two in zip(critic, other, strict=True):
        np.testing.assert_array_equal(one, two)
    # Linear in the weight, between the term alone and both.
    for whole, term, part in zip(plain, none, mixed, strict=True):
        np.testing.assert_allclose(part, 0.75 * term + 0.25 * whole, rtol=1e-4, atol=1e-6)
        assert np.abs(whole - term).max() > 1e-4
    assert weighted == pytest.approx(logs, rel=1e-5)


def test_stages_of_one_run():
    """By its terms alone up to a step, by both from there; the discriminator from the first."""
    begin = schedules.Linear(0, 1, start=2, end=3)
    for steps in (1, 3, 4):
        generator, critic, _ = moved(steps, adversarial_weight=begin)
        stands = all(np.abs(change).max() == 0 for change in generator)
        assert stands == (steps < 4)
        assert all(np.abs(change).max() > 0 for change in critic)


@pytest.mark.slow
def test_a_resumed_run_goes_on_within_its_stages(tmp_path):
    def model():
        gan = small.gan()
        weight = schedules.Linear(0, 2, start=1, end=7)
        gan.compile(adversarial_weight=weight, run_eagerly=True, **small.adams())
        return gan

    dataset = keras_gan.datasets.from_arrays(POINTS, batch_size=4, seed=1)
    whole, half = model(), model()
    whole.fit(dataset, epochs=2, verbose=0)
    half.fit(dataset, epochs=1, verbose=0)
    half.save(tmp_path / "model.keras")
    loaded = keras_gan.load_model(tmp_path / "model.keras")
    again = loaded.game.generator.adversarial_weight
    assert isinstance(again, schedules.Linear) and again.final == 2
    loaded.fit(dataset, epochs=2, initial_epoch=1, verbose=0)
    small.assert_equal_states(small.state(whole), small.state(loaded), without=["seed_generator"])


def test_the_config_has_it():
    decay = keras.optimizers.schedules.CosineDecay(0.0, 10, warmup_target=1.0, warmup_steps=5)
    for weight in (1.0, 0.5, decay):
        model = small.gan()
        model.compile(adversarial_weight=weight)
        config = model.get_compile_config()
        other = small.gan()
        other.compile_from_config(config)
        found = other.game.generator.adversarial_weight
        if weight is decay:
            assert found.get_config() == decay.get_config()
        else:
            assert found == weight


@pytest.mark.parametrize(
    ("weight", "error", "text"),
    [
        (-0.1, ValueError, "at least 0.*adversarial_weight=-0.1"),
        (float("nan"), ValueError, "finite number.*adversarial_weight=nan"),
        (True, TypeError, "or a schedule such as .*adversarial_weight=True"),
        (None, TypeError, "or a schedule such as .*adversarial_weight=None"),
        ("linear", TypeError, "or a schedule such as .*adversarial_weight='linear'"),
        (
            schedules.Linear(-1, 1, end=10),
            ValueError,
            "`adversarial_weight` to stay at 0.*initial=-1",
        ),
    ],
)
def test_what_is_no_weight(weight, error, text):
    model = small.gan()
    with pytest.raises(error, match=f"(?s){text}"):
        model.compile(adversarial_weight=weight)
    assert not model.compiled
