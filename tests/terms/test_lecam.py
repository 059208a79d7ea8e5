"""LeCam regularization against a literal moving average."""

import keras
import numpy as np
import pytest
from term_steps import compiled, linear_critic, normal, step_of, values_of

import keras_gan
from keras_gan.terms import LeCam, Term


class Scores(Term):
    """Keeps every update's mean logits."""

    def __init__(self):
        super().__init__()
        self.means = []

    def after_update(self, player, step):
        if player == "discriminator":
            pair = step.real_logits, step.fake_logits
            self.means.append([float(np.mean(logits)) for logits in pair])


def test_values():
    """(D(x) - a_F)^2 + (D(G(z)) - a_R)^2, for each logit."""
    critic, term = linear_critic((3,)), LeCam(weight=2.0)
    model = compiled(critic, [term])
    term.anchors.assign([0.5, -0.25])
    step = step_of(model, normal(6, 3))
    literal = (np.asarray(step.real_logits) + 0.25) ** 2 + (np.asarray(step.fake_logits) - 0.5) ** 2
    np.testing.assert_allclose(values_of(term, step), literal, rtol=1e-5)
    assert float(term.evaluate("discriminator", step)[1]) == pytest.approx(2 * literal.mean())


@pytest.mark.representatives(1)
@pytest.mark.parametrize("options", [{}, {"update": "simultaneous"}, {"discriminator_steps": 2}])
@pytest.mark.parametrize("interval", [1, 3])
def test_anchors_follow_every_update(interval, options):
    """a_R and a_F against the recurrence, lazy or not."""
    term, scores = LeCam(decay=0.9, interval=interval), Scores()
    rates = {f"{p}_optimizer": keras.optimizers.SGD(0.1) for p in ("generator", "discriminator")}
    model = compiled(linear_critic((3,)), [term, scores], **rates, **options)
    model.fit(normal(80, 3), batch_size=8, verbose=0)
    assert len(scores.means) == 10
    anchors = np.zeros(2)
    for means in scores.means:
        anchors = 0.9 * anchors + 0.1 * np.array(means)
    np.testing.assert_allclose(term.anchors.numpy(), anchors, rtol=1e-4)


def test_no_gradient_passes_through_the_anchors():
    term = LeCam()
    model = compiled(linear_critic((3,)), [term])
    assert term.trainable_variables == [] and len(term.non_trainable_variables) == 1
    assert len(model.game.discriminator.variables) == 2


def test_anchors_are_saved(tmp_path):
    model = compiled(linear_critic((3,)), ["lecam"])
    model.fit(normal(80, 3), batch_size=8, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    anchors = [m.terms[0].anchors.numpy() for m in (model, loaded)]
    assert np.abs(anchors[0]).min() > 0
    np.testing.assert_array_equal(*anchors)


@pytest.mark.slow
def test_two_replicas_average_as_one_device(two_replicas):
    """The generator makes its samples from the data's condition: equal on both."""
    states = []
    for strategy in (None, two_replicas):
        with strategy.scope() if strategy else keras.name_scope("one"):
            condition = keras.Input((2,))
            generator = keras.Model(condition, keras.layers.Dense(3)(condition))
            model = keras_gan.GAN(generator, linear_critic((3,)), latents=None, seed=0)
            for i, variable in enumerate((*generator.weights, *model.discriminator.weights)):
                variable.assign(normal(*variable.shape, seed=i))
            rates = {p: keras.optimizers.SGD(0.01) for p in ("generator", "discriminator")}
            model.compile(
                terms=[LeCam(decay=0.5)],
                **{f"{p}_optimizer": optimizer for p, optimizer in rates.items()},
            )
        model.fit(normal(24, 3), normal(24, 2, seed=1), batch_size=8, shuffle=False, verbose=0)
        values = getattr(model.terms[0].anchors.value, "values", [model.terms[0].anchors])
        states += [np.asarray(value) for value in values]
    assert len(states) == 3
    np.testing.assert_array_equal(states[1], states[2])
    np.testing.assert_allclose(states[0], states[1], rtol=1e-5)
