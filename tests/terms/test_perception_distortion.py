"""The line from least distortion to perfect perception, walked by a weight on the reconstruction.

x ~ N(0, 1) is seen as y = x + n, n ~ N(0, 1), and restored as a y. The mean square is least at
a = 1/2; the restored have the distribution of x at a = 1/sqrt(2), at no more than twice the
distortion. (Blau and Michaeli, 2018, Section 4.)
"""

import keras
import numpy as np
import pytest
from scipy import integrate, optimize, stats

import keras_gan
from keras_gan.terms import Reconstruction, Term


@keras.saving.register_keras_serializable("test")
class Quadratic(keras.Model):
    """D(x) = b + c x^2, which holds the logarithm of the ratio of two centered normal densities."""

    def __init__(self):
        super().__init__()
        self.b, self.c = (self.add_weight((), initializer="zeros", name=name) for name in "bc")
        self.built = True

    def call(self, x):
        return self.b + self.c * keras.ops.square(x)


@keras.saving.register_keras_serializable("test")
class BestResponse(Term):
    """Sets the discriminator to the best there is against the generator as it is."""

    def after_update(self, player, step):
        if player == "discriminator":
            variance = 2 * keras.ops.square(step.generator.weights[0][0, 0])
            step.discriminator.b.assign(keras.ops.log(variance) / 2)
            step.discriminator.c.assign((1 / variance - 1) / 2)


def grid(side=48):
    """Return x and y of a product of quantiles, their moments exactly 1, 1 and 0."""
    points = stats.norm.ppf((np.arange(side) + 0.5) / side)
    x, noise = np.meshgrid(points / points.std(), points / points.std())
    return x.reshape(-1, 1), (x + noise).reshape(-1, 1)


def divergence(a):
    """Return twice the Jensen-Shannon divergence of N(0, 1) and N(0, 2 a^2), by integration."""
    p, q = stats.norm(0, 1).pdf, stats.norm(0, np.sqrt(2) * a).pdf

    def density(x):
        middle = (p(x) + q(x)) / 2
        return p(x) * np.log(p(x) / middle) + q(x) * np.log(q(x) / middle)

    return integrate.quad(density, -12, 12, limit=200)[0]


def exact(weight):
    """Return the minimizer of divergence + weight x mean square."""

    def objective(a):
        return divergence(a) + weight * (1 + 2 * a**2 - 2 * a)

    return optimize.minimize_scalar(objective, bounds=(0.4, 0.8), method="bounded").x


def trained(weight, steps=150):
    """Return a of a generator that was trained against best responses."""
    generator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    generator.layers[0].kernel.assign([[0.6]])
    options = {"latents": None, "conditional": "generator", "seed": 0}
    model = keras_gan.GAN(generator, Quadratic(), **options)
    model.compile(
        "minimax",
        keras.optimizers.SGD(0.2 / (0.3 + weight)),
        keras.optimizers.SGD(0.0),
        terms=[Reconstruction(weight, "l2"), BestResponse()],
    )
    x, y = grid()
    for _ in range(steps):
        model.train_on_batch(x.astype("float32"), y.astype("float32"))
    return float(generator.layers[0].kernel.numpy()[0, 0])


@pytest.mark.slow
def test_from_least_distortion_to_perfect_perception():
    assert exact(1e4) == pytest.approx(0.5, abs=1e-3)
    assert exact(1e-4) == pytest.approx(np.sqrt(0.5), abs=1e-3)
    weights = (30.0, 0.3, 1e-3)
    found = [trained(weight) for weight in weights]
    for weight, a in zip(weights, found, strict=True):
        assert a == pytest.approx(exact(weight), abs=3e-3), weight
    assert found[0] == pytest.approx(0.5, abs=0.01)
    assert found[0] < found[1] - 0.05 < found[1] < found[2] - 0.05
    assert found[2] == pytest.approx(np.sqrt(0.5), abs=0.01)
    distortions = [1 + 2 * a**2 - 2 * a for a in found]
    assert distortions[2] == pytest.approx(2 - np.sqrt(2), rel=0.01)
    assert distortions[2] < 2 * distortions[0]
