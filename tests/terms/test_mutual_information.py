"""InfoGAN's bound against literal NumPy, known informations, and what went wrong for others."""

import math
import types

import heads
import keras
import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf
from term_steps import normal, step_of, values_of

import keras_gan
from keras_gan.latents import Categorical, Normal, TruncatedNormal, Uniform
from keras_gan.terms import MutualInformation, mutual_information

layers = keras.layers


def softened(log_variance):
    """The log variance that an output stands for."""
    return np.log1p(np.exp(log_variance + 6)) - 6


def output_for(log_variance):
    """The output that stands for a log variance."""
    return np.log(np.expm1(log_variance + 6)) - 6


def density(x, mean, variance):
    return np.exp(-((x - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)


def value(prior, code, told):
    """A code's values for outputs of the discriminator, by the public way."""
    latents = {"z": Normal(2), "c": prior}
    term = MutualInformation()
    heads.model_of(term, outputs={"c": np.shape(told)[1]}, latents=latents, labelled=False)
    code, told = (tf.constant(np.asarray(each, "float32")) for each in (code, told))
    seen = types.SimpleNamespace(latents={"c": code}, fake_outputs={"c": told, "logits": None})
    return term.discriminator_term(seen)["c"].numpy()


def test_each_code_against_numpy():
    """Of generated samples alone, by the name of its part, for either player."""
    term = MutualInformation()
    model = heads.model_of(term)
    assert term.parts == ("code", "tilt")
    x, labels = heads.data()
    step = step_of(model, x, condition=labels, player="generator")
    told = {k: np.asarray(v, "float64") for k, v in model.discriminator(step.fake).items()}
    powers = np.exp(told["code"])
    code, tilt = (step.latents[name].numpy() for name in ("code", "tilt"))
    chosen = (powers / powers.sum(1, keepdims=True))[code == 1]
    ratios = density(tilt, told["tilt"], 1) / density(tilt, 0, 1)
    expected = {"code": -np.log(chosen) - np.log(4), "tilt": -np.log(ratios).sum(1)}
    for player in heads.PLAYERS:
        found = values_of(term, step, player)
        assert found.keys() == expected.keys()
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-6)
        means = term.means(player, step)
        start = f"mutual_information/{player}"
        assert list(means) == [start, f"{start}/code", f"{start}/tilt"]
        whole = sum(each.mean() for each in expected.values())
        assert float(means[start]) == pytest.approx(whole, rel=1e-5)


def test_means_with_variances():
    code, told = normal(5, 2, 3), normal(5, 12, seed=1)
    prior = Uniform((2, 3), -1.0, 3.0)
    mean, variance = told[:, :6], np.exp(softened(told[:, 6:]))
    flat = code.reshape(5, 6)
    ratios = density(flat, mean, variance) / density(flat, 1, 16 / 12)
    np.testing.assert_allclose(value(prior, code, told), -np.log(ratios).sum(1), rtol=1e-4)
    # One that is far off costs no more than the least variance lets it, and has a slope.
    far = tf.constant([[1.0, -100.0]])
    with tf.GradientTape() as tape:
        tape.watch(far)
        worst = mutual_information._value("c", Normal(1), tf.constant([[0.0]]), far)
    assert float(worst[0]) == pytest.approx((np.exp(6) - 6) / 2, rel=1e-5)
    assert np.isfinite(tape.gradient(worst, far)).all()


def test_several_categorical_codes_are_told_one_by_one():
    rows = np.eye(3, dtype="float32")[[[0, 1], [2, 2], [1, 0]]]
    logits = normal(3, 6)
    powers = np.exp(logits.reshape(3, 2, 3).astype("float64"))
    chosen = (powers / powers.sum(2, keepdims=True))[rows == 1].reshape(3, 2)
    expected = (-np.log(chosen) - np.log(3)).sum(1)
    np.testing.assert_allclose(value(Categorical((2, 3)), rows, logits), expected, rtol=1e-4)


def test_golden_values():
    """Ten categories are worth 2.302585 at most, a uniform code 1/6; no information is 0."""
    rows = np.eye(10)
    assert value(Categorical(10), rows, 1e3 * rows) == pytest.approx(-2.302585, rel=1e-6)
    assert value(Categorical(10), rows, 0 * rows + 7) == pytest.approx(0, abs=1e-6)
    code = (np.arange(2000)[:, None] + 0.5) / 1000 - 1  # Every share of the prior once.
    assert value(Uniform(1), code, code).mean() == pytest.approx(-1 / 6, abs=1e-6)
    assert value(Uniform(1), code, 0 * code).mean() == pytest.approx(0, abs=1e-6)
    shifted = value(Uniform(1, 4, 6), code + 5, 0 * code + 5)
    assert shifted.mean() == pytest.approx(0, abs=1e-6)
    # What is known without a sample: mean and variance of the prior.
    blind = np.concatenate([0 * code, 0 * code + output_for(np.log(1 / 3))], axis=1)
    assert value(Uniform(1), code, blind).mean() == pytest.approx(0, abs=1e-6)


def test_the_bound_is_the_information_at_the_posterior():
    """Of a channel between categories, and of correlated normal numbers; below it elsewhere."""
    rng = np.random.default_rng(0)
    channel = rng.dirichlet(np.ones(5), size=3)  # p(x|c), c uniform
    joint = channel / 3
    exact = (joint * np.log(joint / (joint.sum(0) * joint.sum(1)[:, None]))).sum()
    code = np.repeat(np.eye(3), 5, axis=0)
    posterior = np.tile(np.log(channel).T, (3, 1))
    bound = -(joint.ravel() * value(Categorical(3), code, posterior)).sum()
    assert bound == pytest.approx(exact, rel=1e-5)
    other = -(joint.ravel() * value(Categorical(3), code, 0.5 * posterior)).sum()
    assert other < bound - 0.01

    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    weights = np.outer(weights, weights).ravel() / (2 * np.pi)
    c, noise = (grid.ravel()[:, None] for grid in np.meshgrid(nodes, nodes))
    rho = 0.8
    x = rho * c + np.sqrt(1 - rho**2) * noise
    told = np.concatenate([rho * x, 0 * x + output_for(np.log(1 - rho**2))], axis=1)
    bound = -(weights * value(Normal(1), c, told)).sum()
    assert bound == pytest.approx(-0.5 * math.log(1 - rho**2), rel=1e-5)


def test_moments_of_priors():
    grid = np.linspace(-1.5, 1.5, 200_001)
    weights = density(grid, 0, 1)
    mean, variance = mutual_information._moments(TruncatedNormal(1, 1.5))
    assert mean == 0
    assert variance == pytest.approx((weights * grid**2).sum() / weights.sum(), rel=1e-4)
    assert mutual_information._moments(Uniform(1, 2, 5)) == (3.5, 0.75)
    assert mutual_information._moments(Normal(3)) == (0, 1)


def test_both_players_learn_from_it_and_the_trunk_too():
    """A trunk that is frozen for the codes lets the generator ignore its noise."""
    term = MutualInformation()
    model = heads.model_of(term)
    x, labels = heads.data()
    slopes = {}
    for player in heads.PLAYERS:
        networks = {"discriminator": model.discriminator, "generator": model.generator}
        variables = [v for network in networks.values() for v in network.trainable_variables]
        with tf.GradientTape() as tape:
            step = step_of(model, x, condition=labels, player=player)
            whole = term.means(player, step)[term.log_name(player)]
        found = zip(variables, tape.gradient(whole, variables), strict=True)
        slopes[player] = {v.path: g for v, g in found if g is not None}
    of_discriminator = {path for path in slopes["discriminator"]}
    assert of_discriminator == {
        f"{name}/{kind}" for name in ("trunk", "code", "tilt") for kind in ("kernel", "bias")
    }
    assert all(np.abs(g).max() > 1e-4 for g in slopes["discriminator"].values())
    generated = {v.path for v in model.generator.trainable_variables}
    assert generated <= slopes["generator"].keys()


def test_codes_can_be_chosen():
    term = MutualInformation(codes="tilt")
    model = heads.model_of(term, MutualInformation(2.0, codes=["code"], name="more"))
    assert term.parts == ("tilt",)
    logs = model.train_on_batch(*heads.data(), return_dict=True)
    assert logs["mutual_information/generator"] == logs["mutual_information/generator/tilt"]
    assert "more/discriminator/code" in logs and "more/discriminator/tilt" not in logs
    assert np.isfinite(list(logs.values())).all()
    tested = model.test_on_batch(*heads.data(), return_dict=True)
    assert {"mutual_information/generator", "more/generator/code"} <= tested.keys()


@keras.saving.register_keras_serializable("test")
class Silent(keras.Model):
    """A discriminator that does not say what it returns."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def call(self, x):
        return self.network(x)


def test_a_subclassed_discriminator_needs_the_names():
    generator, discriminator = heads.networks(labelled=False)
    for codes in (None, ["code"]):
        model = keras_gan.GAN(
            generator, Silent(discriminator), heads.LATENTS, conditional=False, seed=0
        )
        term = MutualInformation(codes=codes)
        if codes is None:
            with pytest.raises(ValueError, match=r"pass `codes=\[...\]`.*of type Silent"):
                model.compile(terms=[term], run_eagerly=True)
                model.train_on_batch(heads.data()[0])
        else:
            model.compile(terms=[term], run_eagerly=True)
            logs = model.train_on_batch(heads.data()[0], return_dict=True)
            assert "mutual_information/generator/code" in logs


def refused(match, term=None, **options):
    with pytest.raises(ValueError, match=match):
        heads.model_of(term or MutualInformation(), labelled=False, **options)


def test_what_can_not_be_is_refused():
    flat = keras_gan.GAN(*keras_gan.networks.mlp((6,), latent_dim=4))
    with pytest.raises(ValueError, match=r"parts of the latents: pass a dict.*Normal\(size=4\)"):
        flat.compile(terms=["mutual_information"])
    refused("an output for each code.*returns \\['logits', 'other'\\]", outputs={"other": 2})
    refused("have 4 numbers.*logits of the code.*Received: 3", outputs={"code": 3})
    refused("have 2 or 4 numbers.*log variances.*Received: 3", outputs={"tilt": 3})
    missing = MutualInformation(codes=["code", "mood"])
    refused(r"`codes` among.*'tilt', 'z'.*\['mood'\] are none", missing)
    unheard = MutualInformation(codes=["code", "tilt"])
    refused("key 'tilt' beside 'logits'", unheard, outputs={"code": 4})
    refused(r"replay=9, with the terms \['mutual_information'\]", replay=9)
    logits = {"logits": Normal(1), "z": Normal(2)}
    refused("with an output for each code", outputs={"other": 2}, latents=logits)


def test_a_head_of_another_kind_of_code_is_refused():
    """A continuous code read off a softmax, or logits that are probabilities."""
    for name, activation in (("tilt", "softmax"), ("code", "softmax"), ("tilt", "sigmoid")):
        generator, discriminator = heads.networks(labelled=False)
        told = dict(discriminator.output)
        told[name] = layers.Activation(activation)(told[name])
        judge = keras.Model(discriminator.input, told)
        model = keras_gan.GAN(generator, judge, latents=heads.LATENTS)
        with pytest.raises(ValueError, match=f"'{name}' to be logits.*ends in a {activation}"):
            model.compile(terms=["mutual_information"])


def test_a_part_of_another_prior_is_no_code():
    @keras.saving.register_keras_serializable("test")
    class Other(keras_gan.latents.Prior):
        def draw(self, shape, seed, truncation=None):
            return tf.random.stateless_normal(shape, seed)

    refused("of Categorical, Uniform.*the code 'tilt'", latents={"z": Normal(1), "tilt": Other(2)})


@pytest.mark.slow
def test_infogan_finds_the_clusters():
    """Four clusters of vectors, no labels: each category of the code makes one of them."""
    rng = np.random.default_rng(0)
    centers = 0.8 * np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    x = centers[rng.integers(0, 4, 1024)] + rng.normal(0, 0.05, (1024, 2))
    z, code = keras.Input((2,), name="z"), keras.Input((4,), name="code")
    h = layers.Dense(32, activation="relu")(layers.Concatenate()([z, code]))
    h = layers.Dense(32, activation="relu")(h)
    judged = keras.Input((2,))
    trunk = layers.Dense(32, activation="relu")(judged)
    trunk = layers.Dense(32, activation="relu")(trunk)
    told = {"logits": layers.Dense(1)(trunk), "code": layers.Dense(4)(trunk)}
    model = keras_gan.GAN(
        keras.Model({"z": z, "code": code}, layers.Dense(2)(h)),
        keras.Model(judged, told),
        latents={"z": Normal(2), "code": Categorical(4)},
        seed=0,
    )
    adam = {f"{p}_optimizer": keras.optimizers.Adam(2e-3, 0.5) for p in heads.PLAYERS}
    model.compile("non_saturating", terms=["r1", "mutual_information"], **adam)
    logs = model.fit(x.astype("float32"), batch_size=64, epochs=40, verbose=0).history
    assert logs["mutual_information/generator"][-1] < -0.95 * math.log(4)
    latents = model.latents.sample(tf.range(400, dtype=tf.int64))
    made = model.predict(latents, verbose=0)
    nearest = np.square(made[:, None] - centers).sum(2).argmin(1)
    counts = np.zeros((4, 4))
    np.add.at(counts, (latents["code"].numpy().argmax(1), nearest), 1)
    matched = scipy.optimize.linear_sum_assignment(-counts)
    assert counts[matched].sum() / 400 > 0.95, counts
