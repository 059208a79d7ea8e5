"""What all terms have in common: lazy and scheduled strength, precision, files, errors."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from term_steps import compiled, frozen_layers, linear_critic, linear_generator, normal, step_of

import keras_gan
from keras_gan import terms
from keras_gan.layers import LogMelSpectrogram
from keras_gan.utils.registry import classes_of
from tests.integration.seeding import seeded

CLASSES = classes_of("keras_gan.terms", terms.Term)
NAMES = sorted(CLASSES)
PLAYERS = ("discriminator", "generator")
# What they can't be made without.
NEEDED = {
    "contextual": {"weight": 1.0, "features": frozen_layers()},
    "patch_nce": {"layers": ["first"]},
    "style": {"weight": 1.0, "features": frozen_layers()},
}
# Terms of translations, labels, codes and other conditions: tests of their own play them.
TRANSLATING = {
    "attribute_cycle",
    "auxiliary_classifier",
    "contextual",
    "cycle",
    "data_to_data_cross_entropy",
    "domain_classification",
    "identity",
    "matching_aware",
    "matching_aware_gradient_penalty",
    "mutual_information",
    "paired_feature_matching",
    "patch_nce",
    "spectral_reconstruction",
    "reconstruction",
    "style",
    "total_variation",
}
PLAYED = [name for name in NAMES if name not in TRANSLATING]
ON_LOSSES = [name for name in PLAYED if terms.get(name).log_names]
# Arguments other than the defaults.
OTHERS = {
    "attribute_cycle": {"weight": 2.0, "norm": "l2", "image": "a", "source": "b", "target": "c"},
    "auxiliary_classifier": {
        "weight": 2.0,
        "generator_weight": 0.1,
        "on": ("real", "fake"),
        "output": "told",
        "labels": "digit",
        "label_smoothing": 0.1,
    },
    "contextual": {"bandwidth": 0.1, "of": "raw"},
    "cycle": {"weight": 2.0, "norm": "l2"},
    "data_to_data_cross_entropy": {
        "weight": 2.0,
        "temperature": 0.1,
        "margin": 0.9,
        "output": "embedded",
        "labels": "digit",
    },
    "identity": {"weight": 2.0, "norm": "l2"},
    "domain_classification": {"weight": 2.0, "output": "told", "source": "b", "exclusive": True},
    "matching_aware": {"weight": 0.25},
    "matching_aware_gradient_penalty": {"weight": 1.0, "power": 4.0},
    "mutual_information": {"weight": 2.0, "codes": ("code", "tilt")},
    "paired_feature_matching": {"weight": 2.0, "outputs": ["first", "second"]},
    "patch_nce": {"identity": True, "positions": 8, "temperature": 0.1, "width": 4},
    "reconstruction": {"norm": "charbonnier", "features": frozen_layers(), "of": "raw"},
    "spectral_reconstruction": {"weight": 2.0, "spectrogram": LogMelSpectrogram(8000), "of": "raw"},
    "style": {"norm": "l2", "of": "raw"},
    "total_variation": {"weight": 2.0, "of": "raw"},
    "consistency_regularization": {
        "weight": 2.0,
        "on": ("real", "fake"),
        "augmentation": keras.layers.GaussianNoise(0.5),
    },
    "dragan": {"weight": 2.0, "target": 0.5},
    "feature_matching": {"weight": 2.0, "output": "features"},
    "gradient_penalty": {"weight": 2.0, "target": 0.5, "one_sided": True},
    "latent_consistency": {"weight": 2.0, "generator_weight": 3.0, "noise": 0.5},
    "lecam": {"weight": 2.0, "decay": 0.5},
    "orthogonal_regularization": {"weight": 2.0, "player": "discriminator"},
    "path_length": {"weight": 1.0, "decay": 0.5},
    "r1": {"gamma": 2.0},
    "r2": {"gamma": 2.0},
    "weight_clipping": {"bound": 2.0},
}


def made(kind, /, **options):
    """Return a term of a kind, with what it needs."""
    return CLASSES[kind](**{**NEEDED.get(kind, {}), **options})


def small_critic(size=3):
    """Return a critic of two layers."""
    layers = [keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(1)]
    return keras.Sequential([keras.Input((size,)), *layers])


@pytest.mark.representatives(4)
@pytest.mark.parametrize("name", ON_LOSSES)
def test_lazy_terms_keep_their_mean_strength(name):
    """Over an interval they add what they would have added on every step, times the schedule."""
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([2], [0.5, 0.25])
    added = {}
    for options in ({}, {"interval": 3}, {"interval": 3, "schedule": schedule}):
        seeded(0)
        term = CLASSES[name](**options)
        model = compiled(small_critic(), [term], linear_generator((3,), activation="tanh"))
        total, runs = 0.0, []
        for count in range(6 if options else 1):
            model.random_state.step.assign(0)  # The same draws at every step.
            player = next(p for p in PLAYERS if term.acts_on(p))
            step = step_of(model, normal(6, 3), player=player)
            step.count = tf.constant(count, "int64")
            if name == "path_length":
                term.length.assign(0.0)
            mean, weighted, ran = term.evaluate(player, step)
            total += float(weighted) / (6 if options else 1)
            runs.append((float(ran), float(mean) != 0))
        added[len(options)] = total
        if options:
            assert runs == [(1.0, True), (0.0, False), (0.0, False)] * 2
    assert added[0] != 0
    assert added[1] == pytest.approx(added[0], rel=1e-5)
    assert added[2] == pytest.approx((0.5 + 0.25) / 2 * added[0], rel=1e-5)


@pytest.mark.representatives(4)
@pytest.mark.parametrize("name", ON_LOSSES)
def test_values_are_float32_in_mixed_precision(name):
    """And those of the same weights in float32, to what 16 bits hold of a forward."""
    values = {}
    for policy in ("float32", "mixed_bfloat16"):
        keras.config.set_dtype_policy(policy)
        try:
            critic, generator = small_critic(), linear_generator((3,), activation="tanh")
        finally:
            keras.config.set_dtype_policy("float32")
        for i, variable in enumerate((*critic.weights, *generator.weights)):
            variable.assign(normal(*variable.shape, seed=i))
        term = CLASSES[name]()
        if name == "latent_consistency":
            term.noise = 0.5  # Of a smaller step 16 bits show little.
        if name == "consistency_regularization":
            term = terms.ConsistencyRegularization(augmentation=keras.layers.Rescaling(2.0))
        model = compiled(critic, [term], generator)
        player = next(p for p in PLAYERS if term.acts_on(p))
        step = step_of(model, normal(200, 3), player=player)
        unreduced = getattr(term, f"{player}_term")(step)
        assert keras.backend.standardize_dtype(unreduced.dtype) == "float32"
        values[policy] = float(np.mean(unreduced))
    # A difference of means keeps less than its parts.
    rel = 0.2 if name == "feature_matching" else 0.05
    assert values["mixed_bfloat16"] == pytest.approx(values["float32"], rel=rel)


@pytest.mark.parametrize("term", [terms.R1(), terms.R2(), terms.GradientPenalty(), terms.DRAGAN()])
def test_norms_are_float32_to_the_last_digit_in_mixed_precision(term):
    """A linear critic's slope is its kernel as bfloat16 has it; a norm in 16 bits would show."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        critic = keras.Sequential([keras.Input((100,)), keras.layers.Dense(1)])
    finally:
        keras.config.set_dtype_policy("float32")
    critic.layers[-1].kernel.assign(normal(100, 1, seed=5))
    model = compiled(critic, [term])
    values = term.discriminator_term(step_of(model, normal(4, 100)))
    rounded = tf.cast(tf.cast(critic.layers[-1].kernel, tf.bfloat16), tf.float64).numpy()
    square = np.sum(rounded**2)
    half = isinstance(term, terms.R1 | terms.R2)
    expected = square / 2 if half else (np.sqrt(square) - term.target) ** 2
    np.testing.assert_allclose(np.asarray(values), expected, rtol=1e-6)


@pytest.mark.parametrize("name", ON_LOSSES)
def test_gradients_against_finite_differences(name, double_precision):
    """With respect to the weights of each player whose loss the term is in."""
    arguments = {
        "consistency_regularization": OTHERS["consistency_regularization"],
        "gradient_penalty": {"target": 0.3},
        "latent_consistency": {"noise": 0.5},
    }
    term = CLASSES[name](**arguments.get(name, {}))
    model = compiled(small_critic(), [term], linear_generator((3,), activation="tanh"))
    h, rel = 1e-5, 1e-6

    def value(player):
        if name == "path_length":
            term.length.assign(0.3)
        step = step_of(model, normal(6, 3), player=player)
        return tf.reduce_mean(getattr(term, f"{player}_term")(step))

    for player in (p for p in PLAYERS if term.acts_on(p)):
        variables = getattr(model, player).trainable_variables
        start = [v.numpy() for v in variables]
        lines = [normal(*v.shape, seed=i) for i, v in enumerate(variables)]
        with tf.GradientTape() as tape:
            result = value(player)
        pairs = zip(tape.gradient(result, variables), lines, strict=True)
        slope = sum(np.sum(g.numpy() * line) for g, line in pairs if g is not None)
        ends = []
        for sign in (1, -1):
            for variable, at, line in zip(variables, start, lines, strict=True):
                variable.assign(at + sign * h * line)
            ends.append(float(value(player)))
        for variable, at in zip(variables, start, strict=True):
            variable.assign(at)
        assert slope == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=rel), player
        assert abs(slope) > 1e-4, player


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("others", [False, True])
def test_serialization(name, others):
    options = {**OTHERS[name], "interval": 4, "name": "mine"} if others else {}
    if others:
        options["schedule"] = keras_gan.schedules.Cosine(1.0, 0.1, end=100)
    term = made(name, **options)
    config = keras.saving.serialize_keras_object(term)
    copy = keras.saving.deserialize_keras_object(config, safe_mode=True)
    assert copy.get_config() == term.get_config() and type(copy) is type(term)
    assert copy.name == ("mine" if others else name)
    assert isinstance(terms.get(config), type(term))
    if others:
        assert float(copy.factor(100)) == pytest.approx(0.1)
        objects = {"augmentation", "features", "spectrogram"}
        for key in OTHERS[name].keys() - {*objects, "output", "outputs"}:
            assert getattr(copy, key) == OTHERS[name][key], key


def test_all_terms_train_in_one_graph_and_go_on_from_a_file(tmp_path):
    """Lazy and scheduled; the loaded model repeats the original's next steps to the bit."""
    seeded(0)
    generator, critic = keras_gan.networks.dcgan((8, 8, 1), latent_dim=3, width=2)
    model = keras_gan.GAN(generator, critic, seed=1)
    schedule = keras_gan.schedules.Linear(1.0, 0.5, end=10)
    added = [CLASSES[name](interval=2, schedule=schedule) for name in PLAYED]
    model.compile("hinge", terms=added)
    data = np.tanh(normal(24, 8, 8, 1))
    logs = model.fit(data, batch_size=8, verbose=0, shuffle=False).history
    keys = {key for term in added for key in term.log_names}
    assert keys <= logs.keys() and np.isfinite([logs[key] for key in logs]).all()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert [t.get_config() for t in loaded.terms] == [t.get_config() for t in model.terms]
    for m in (model, loaded):
        m.run_eagerly = True
        m.train_function = None
    # Two steps: one on which lazy terms run, one on which they don't.
    for batch in (data[:8], data[8:16]):
        both = [m.train_on_batch(batch, return_dict=True) for m in (model, loaded)]
        assert both[0].keys() == both[1].keys()
        for key in keys:
            assert both[0][key] == both[1][key], key
    for one, other in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy(), err_msg=one.path)


def test_two_of_a_kind_need_names():
    pair = [terms.ConsistencyRegularization(), terms.ConsistencyRegularization(on=("fake",))]
    with pytest.raises(ValueError, match=r"\['consistency_regularization'\] more than once"):
        compiled(linear_critic((3,)), pair)
    named = terms.ConsistencyRegularization(5.0, on=("fake",), name="consistency_fake")
    model = compiled(linear_critic((3,)), [pair[0], named])
    logs = model.train_on_batch(normal(4, 3), return_dict=True)
    assert {"consistency_regularization", "consistency_fake"} <= logs.keys()


NUMBERS = [
    (name, argument)
    for name in NAMES
    for argument in ("weight", "gamma", "bound", "target", "decay", "noise", "generator_weight")
    if isinstance(made(name).get_config().get(argument), float)
]


@pytest.mark.parametrize(("name", "argument"), NUMBERS)
def test_numbers_out_of_range(name, argument):
    make = functools.partial(made, name)
    for value in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=rf"`{argument}` to be a finite.*{argument}={value}"):
            make(**{argument: value})
    for value in ("1", None, True):
        with pytest.raises(TypeError, match=rf"`{argument}` to be a number.*{argument}={value!r}"):
            make(**{argument: value})
    make(**{argument: 0})
    make(**{argument: np.float32(0.5)})
    if argument == "decay":
        with pytest.raises(ValueError, match="from 0 to 1"):
            make(decay=1.1)


@pytest.mark.parametrize("name", NAMES)
def test_intervals_and_schedules_of_the_wrong_kind(name):
    make = functools.partial(made, name)
    for interval in (0, -1, 1.5, True, "2", None):
        with pytest.raises(ValueError, match=rf"`interval`.*interval={interval!r}"):
            make(interval=interval)
    with pytest.raises(ValueError, match=r"0 or above.*final=-1.0"):
        make(schedule=keras_gan.schedules.Linear(1.0, -1.0, end=10))
    for schedule in (0.5, "cosine", lambda step: 1.0):
        with pytest.raises(TypeError, match=r"LearningRateSchedule.*Received: schedule="):
            make(schedule=schedule)


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: terms.ConsistencyRegularization(on=()), ValueError, "on=()"),
        (lambda: terms.ConsistencyRegularization(on=None), ValueError, "on=()"),
        (lambda: terms.FeatureMatching(output=3), TypeError, "output=3"),
        (lambda: terms.GradientPenalty(one_sided="no"), TypeError, "one_sided='no'"),
        (lambda: terms.ConsistencyRegularization(on="latents"), ValueError, "on=('latents',)"),
        (lambda: terms.ConsistencyRegularization(on=("real", "real")), ValueError, "Received"),
        (lambda: terms.ConsistencyRegularization(augmentation=abs), TypeError, "a Keras layer"),
        (lambda: terms.OrthogonalRegularization(player="both"), ValueError, "player='both'"),
        (lambda: terms.Reconstruction(norm="l3"), ValueError, "norm='l3'"),
        (lambda: terms.Reconstruction(features="vgg"), TypeError, "features='vgg' of type str"),
        (lambda: terms.Reconstruction(of=3), TypeError, "of=3"),
        (lambda: terms.Style(1.0, None), TypeError, "features=None"),
        (lambda: made("style", norm="charbonnier"), ValueError, "norm='charbonnier'"),
        (lambda: made("contextual", bandwidth=0.0), ValueError, "above 0"),
        (lambda: terms.get("style"), ValueError, "pass Style(weight, features)"),
        (lambda: terms.PairedFeatureMatching(outputs=[]), TypeError, "outputs=[]"),
        (lambda: terms.PairedFeatureMatching(outputs=[3]), TypeError, "outputs=[3]"),
        (lambda: terms.PatchNCE([]), ValueError, "layers=[]"),
        (lambda: made("patch_nce", positions=1), ValueError, "positions=1"),
        (lambda: made("patch_nce", temperature=0), ValueError, "temperature=0"),
        (lambda: made("patch_nce", identity=1), TypeError, "identity=1"),
        (lambda: terms.DomainClassification(output=1), TypeError, "output=1"),
        (lambda: terms.DomainClassification(exclusive="no"), TypeError, "exclusive='no'"),
        (lambda: terms.AttributeCycle(image=None), TypeError, "image=None"),
        (lambda: terms.AuxiliaryClassifier(on="latents"), ValueError, "on=('latents',)"),
        (lambda: terms.AuxiliaryClassifier(generator_weight=-1.0), ValueError, "_weight=-1.0"),
        (lambda: terms.AuxiliaryClassifier(label_smoothing=1.0), ValueError, "smoothing=1.0"),
        (lambda: terms.AuxiliaryClassifier(output=None), TypeError, "output=None"),
        (lambda: terms.AuxiliaryClassifier(labels=3), TypeError, "labels=3"),
        (lambda: terms.MutualInformation(codes=()), TypeError, "codes=()"),
        (lambda: terms.MutualInformation(codes=[3]), TypeError, "codes=[3]"),
        (lambda: terms.DataToDataCrossEntropy(temperature=0), ValueError, "temperature=0"),
        (lambda: terms.DataToDataCrossEntropy(margin=1.1), ValueError, "margin=1.1"),
        (lambda: terms.DataToDataCrossEntropy(output=3), TypeError, "output=3"),
        (lambda: terms.DataToDataCrossEntropy(labels=3), TypeError, "labels=3"),
        (lambda: terms.get("dragon"), ValueError, "Did you mean 'dragan'"),
        (lambda: terms.get(terms.LeCam), TypeError, "forget to call it"),
    ],
)
def test_errors_of_all_kinds(call, kind, text):
    with pytest.raises(kind) as caught:
        call()
    assert text in str(caught.value)
