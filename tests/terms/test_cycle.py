"""Cycle and Identity: closed forms, literal NumPy, finite differences, who learns from them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cycle_gan import domains
from integration import small
from keras import layers
from term_steps import step_of, values_of

import keras_gan
from keras_gan.terms import Cycle, Identity


def affine(factor, offset=0.0):
    """Return the network x -> factor * x + offset, with nothing to train."""
    x = keras.Input(domains.SHAPE)
    return keras.Model(x, layers.Rescaling(factor, offset)(x))


def played(a_to_b, b_to_a, terms):
    """Return images of both domains, a model, and a step of it with both forwards done."""
    model = keras_gan.CycleGAN(a_to_b, b_to_a, domains.critic(), domains.critic(), seed=3)
    model.compile(terms=terms, run_eagerly=True)
    real = {"a": domains.images(4, 0), "b": domains.images(4, 1)}
    return real, model, step_of(model, real, condition=real, player="generator")


def test_the_identity_and_the_negation_are_cycles():
    for factor in (1.0, -1.0):
        cycle, identity = Cycle(), Identity()
        real, _, step = played(affine(factor), affine(factor), [cycle, identity])
        for part, x in real.items():
            np.testing.assert_array_equal(
                step.generated["samples"][part], factor * real[other(part)]
            )
            np.testing.assert_array_equal(values_of(cycle, step, "generator")[part], np.zeros(4))
            distance = 0.0 if factor == 1 else 2 * np.abs(x).mean(axis=(1, 2, 3))
            found = values_of(identity, step, "generator")[part]
            np.testing.assert_allclose(found, distance, rtol=1e-6)


def other(part):
    return "b" if part == "a" else "a"


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_literal(norm):
    """Each sample and domain by itself, weighted by the mean over both."""
    cycle, identity = Cycle(weight=3.0, norm=norm), Identity(norm=norm)
    real, _, step = played(affine(0.5, 0.25), affine(3.0, -0.5), [cycle, identity])
    measure = {"l1": np.abs, "l2": np.square}[norm]
    back = {"a": 3 * (0.5 * real["a"] + 0.25) - 0.5, "b": 0.5 * (3 * real["b"] - 0.5) + 0.25}
    same = {"a": 3 * real["a"] - 0.5, "b": 0.5 * real["b"] + 0.25}
    for term, made in ((cycle, back), (identity, same)):
        literal = {p: measure(made[p] - real[p]).mean(axis=(1, 2, 3)) for p in real}
        for part, values in values_of(term, step, "generator").items():
            np.testing.assert_allclose(values, literal[part], rtol=1e-5, atol=1e-7)
        parts, weighted, _ = term.evaluate_parts("generator", step)
        means = {part: values.mean() for part, values in literal.items()}
        keys = {f"{term.name}/{part}": mean for part, mean in means.items()}
        keys[term.name] = (means["a"] + means["b"]) / 2
        assert parts.keys() == keys.keys() == set(term.log_names)
        for name, mean in keys.items():
            assert float(parts[name]) == pytest.approx(mean, rel=1e-5)
        assert float(weighted) == pytest.approx(term.weight * keys[term.name], rel=1e-5)


def test_a_cycle_reaches_both_generators_and_a_discriminator_one():
    cycle = Cycle()
    real, model, _ = played(domains.translation(), domains.translation(), [cycle])
    both = {"a": model.b_to_a, "b": model.a_to_b}

    def moved(values_of_step):
        """Return which networks a value's gradient reaches."""
        step = step_of_tape(model, real)
        with step.tape:
            value = tf.reduce_mean(values_of_step(step))
        variables = [network.trainable_variables for network in both.values()]
        gradients = step.tape.gradient(value, variables)
        return [
            part
            for part, of_network in zip(both, gradients, strict=True)
            if all(g is not None and np.abs(g).max() > 0 for g in of_network)
        ]

    for part in real:
        assert moved(lambda step: cycle.generator_term(step)[part]) == ["a", "b"]  # noqa: B023
        assert moved(lambda step: judged(step)[part]) == [part]  # noqa: B023


def step_of_tape(model, real):
    """Return a step whose generator has answered on the step's tape."""
    seeds = model.random_state.stream()
    element = tuple(2 * [{part: tf.constant(x) for part, x in real.items()}])
    return model.game.begin(element, seeds, model.game.logs.collector())


def judged(step):
    """Return the generator's least squares for each domain."""
    _, heads = step.discriminate(step.generated["samples"])
    return {part: (logits - 1) ** 2 / 2 for part, logits in heads.items()}


@pytest.mark.representatives(1)
@pytest.mark.parametrize("term", [Cycle(norm="l2"), Identity(norm="l2"), Cycle()], ids=str)
def test_gradients_are_finite_differences(double_precision, term):
    real, model, _ = played(domains.translation(), domains.translation(), [term])

    def value():
        step = step_of_tape(model, real)
        with step.tape:
            values = term.generator_term(step)
            return step, tf.reduce_mean([tf.reduce_mean(v) for v in values.values()])

    variables = [*model.a_to_b.trainable_variables, *model.b_to_a.trainable_variables]
    step, mean = value()
    gradients = step.tape.gradient(mean, variables)
    rng, size = np.random.default_rng(0), 1e-6
    for variable, gradient in zip(variables, gradients, strict=True):
        assert gradient.dtype == "float64"
        direction, before = rng.normal(size=variable.shape), variable.numpy()
        ends = []
        for sign in (1, -1):
            variable.assign(before + sign * size * direction)
            ends.append(float(value()[1]))
        variable.assign(before)
        slope = (ends[0] - ends[1]) / (2 * size)
        assert slope == pytest.approx(float(np.sum(gradient * direction)), rel=1e-5, abs=1e-9)


@pytest.mark.slow
def test_a_lazy_term_in_a_graph_logs_its_parts_where_it_ran():
    model = domains.cycle_gan()
    model.compile(terms=[Cycle(interval=2), "identity"], **small.sgds(0.0))
    x = {"a": domains.images(8, 0), "b": domains.images(8, 1)}
    history = model.fit(x, batch_size=2, shuffle=False, verbose=0).history
    rows = [0, 1, 4, 5]  # Of the first and the third of four batches.
    made = model.generate(8, condition=x)
    back = model.generate(8, condition=made)
    for part in x:
        distances = np.abs(back[part] - x[part])[rows].mean()
        assert history[f"cycle/{part}"][0] == pytest.approx(distances, rel=1e-4)
    same = np.abs(model.translate(x["b"], to="b") - x["b"]).mean()
    assert history["identity/b"][0] == pytest.approx(same, rel=1e-4)


def test_what_they_need():
    model = small.gan()
    with pytest.raises(ValueError, match=r"term 'cycle'.*`keras_gan.CycleGAN`.*conditional=False"):
        model.compile(terms=["cycle"])
    shapes = (6, 6, 1), (6, 6, 3)
    one_way = [keras.Input(shape) for shape in shapes]
    to_b = keras.Model(one_way[0], layers.Conv2D(3, 1)(one_way[0]))
    to_a = keras.Model(one_way[1], layers.Conv2D(1, 1)(one_way[1]))
    model = keras_gan.CycleGAN(to_b, to_a, *(domains.critic(shape) for shape in shapes))
    with pytest.raises(ValueError, match=r"'identity'.*one shape.*'b': \(6, 6, 3\)"):
        model.compile(terms=["identity"])
    with pytest.raises(ValueError, match=r"`norm` to be one of .*norm='l3'"):
        Cycle(norm="l3")


def test_configs():
    for kind in (Cycle, Identity):
        term = kind(weight=2.0, norm="l2", interval=3, name="other")
        again = keras_gan.terms.get(keras.saving.serialize_keras_object(term))
        assert (again.weight, again.norm, again.interval, again.name) == (2, "l2", 3, "other")
        assert kind.evaluated and not keras_gan.terms.Term.evaluated
