"""The balance report: accuracies, gradients and updates, against values computed by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan.game.balance import ACCURACIES, NORMS

from . import small

KEYS = {*ACCURACIES, *NORMS}


def linear_gan(bias=0.0):
    """Return a GAN without latents on numbers: G(c) = 2 c, D(x) = 3 x + bias."""
    condition, x = keras.Input((1,)), keras.Input((1,))
    generator = keras.Model(condition, keras.layers.Dense(1, use_bias=False)(condition))
    critic = keras.Model(x, keras.layers.Dense(1)(x))
    model = keras_gan.GAN(generator, critic, latents=None, conditional="generator", seed=0)
    generator.set_weights([np.array([[2.0]])])
    critic.set_weights([np.array([[3.0]]), np.array([bias])])
    return model


def norm(arrays):
    return float(np.sqrt(sum(np.sum(np.square(a)) for a in arrays)))


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


@pytest.mark.representatives(1)
@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_figures_of_one_step(update):
    """Against the gradients of the logistic game, written out."""
    model = linear_gan(bias=-0.5)
    model.compile(balance=True, update=update, **small.sgds(0.1))
    real = np.array([[0.1], [0.5], [1.0], [-0.3]], "float32")
    condition = np.array([[0.2], [-0.4], [0.05], [0.6]], "float32")
    logs = model.train_on_batch(real, condition, return_dict=True)
    fake, weight, bias = 2 * condition, 3.0, -0.5
    real_logits, fake_logits = weight * real + bias, weight * fake + bias
    assert logs["balance/real_accuracy"] == pytest.approx(np.mean(real_logits > 0))
    assert logs["balance/fake_accuracy"] == pytest.approx(np.mean(fake_logits <= 0))
    on_real, on_fake = -sigmoid(-real_logits), sigmoid(fake_logits)
    gradient = [np.mean(on_real * real + on_fake * fake), np.mean(on_real + on_fake)]
    assert logs["balance/discriminator_gradient"] == pytest.approx(norm(gradient), rel=1e-5)
    ratio = 0.1 * norm(gradient) / norm([weight, bias])
    assert logs["balance/discriminator_update"] == pytest.approx(ratio, rel=1e-4)
    if update == "alternating":  # The generator answers the updated discriminator.
        weight, bias = weight - 0.1 * gradient[0], bias - 0.1 * gradient[1]
    gradient = np.mean(-sigmoid(-(weight * fake + bias)) * weight * condition)
    assert logs["balance/generator_gradient"] == pytest.approx(abs(gradient), rel=1e-5)
    assert logs["balance/generator_update"] == pytest.approx(0.1 * abs(gradient) / 2, rel=1e-4)


def test_accuracy_of_labels_that_are_not_about_zero():
    """With least squares a sample is called real when its logit is nearer to the real label."""
    real = tf.constant([[0.4], [0.6], [3.0]])
    for loss, expected in (
        (keras_gan.losses.LeastSquares(), [False, True, True]),
        (keras_gan.losses.LeastSquares(1, 0, 0), [True, False, False]),
        (keras_gan.losses.LeastSquares(-1, 1, 0), [True, True, True]),
        (0.5 * keras_gan.losses.LeastSquares(), [False, True, True]),
        (keras_gan.losses.NonSaturating(), [True, True, True]),
    ):
        assert loss.says_real(real).numpy().ravel().tolist() == expected, loss


def test_only_who_asks_gets_it_and_training_is_the_same():
    weights = []
    for balance in (False, True):
        model = small.gan()
        model.compile(balance=balance, terms=["r1"], ema=0.9, **small.adams())
        history = model.fit(small.points(), epochs=2, batch_size=8, verbose=0).history
        assert history.keys() >= KEYS if balance else not KEYS & history.keys()
        weights.append(small.weights(model))
    assert np.isfinite(list(history.values())).all()
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_evaluation_tells_accuracies_of_held_out_data():
    model = linear_gan()
    model.compile(balance=True)
    x = np.array([[1.0], [-1.0], [2.0], [3.0]], "float32")
    results = model.evaluate(x, x, return_dict=True, verbose=0)
    assert results["balance/real_accuracy"] == 0.75
    assert results["balance/fake_accuracy"] == 0.25
    assert not set(NORMS) & results.keys()


def test_a_critic_that_has_diverged_is_right_about_nothing():
    model = linear_gan()
    model.compile(balance=True)
    model.discriminator.set_weights([np.full((1, 1), np.nan), np.zeros(1)])
    results = model.evaluate(np.ones((4, 1)), np.ones((4, 1)), return_dict=True, verbose=0)
    assert [results[key] for key in ACCURACIES] == [0, 0]
    assert list(results) == ["d_loss", "g_loss", "real_score", "fake_score", "js", *ACCURACIES]


@pytest.mark.slow
def test_it_is_saved_with_the_model(tmp_path):
    model = small.gan()
    model.compile(balance=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    history = loaded.fit(small.points(), verbose=0).history
    assert history.keys() >= KEYS


@pytest.mark.slow
def test_loss_scales_are_divided_out():
    """Under mixed_float16 the gradients that the optimizer is given are scaled by 2^15."""
    histories = []
    for policy in ("float32", "mixed_float16"):
        keras.config.set_dtype_policy(policy)
        try:
            model = small.gan()
        finally:
            keras.config.set_dtype_policy("float32")
        model.compile(balance=True, **small.sgds())
        histories.append(model.fit(small.points(8), verbose=0).history)
    for key in NORMS:
        np.testing.assert_allclose(histories[1][key], histories[0][key], rtol=0.05, err_msg=key)


@pytest.mark.slow
def test_two_replicas_report_what_one_device_does(two_replicas):
    x = np.random.default_rng(0).normal(size=(8, 1)).astype("float32")
    logs = []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            model = linear_gan()
            model.compile(balance=True, **small.sgds())
        data = tf.data.Dataset.from_tensor_slices((x, x[::-1].copy())).batch(8, drop_remainder=True)
        logs.append(model.fit(data, verbose=0).history)
    for key in KEYS:
        np.testing.assert_allclose(logs[1][key], logs[0][key], rtol=1e-5, err_msg=key)
