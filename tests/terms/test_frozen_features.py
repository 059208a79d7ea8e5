"""Frozen features: what they are, that training leaves them alone, and how they come back."""

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src.legacy.saving import legacy_h5_format
from term_steps import frozen_layers, normal, step_of, values_of

import keras_gan
from keras_gan import terms
from keras_gan.metrics.features import train_classifier
from keras_gan.terms import FrozenFeatures, Reconstruction, vgg

MEANS = np.array([103.939, 116.779, 123.68])


def model_of(*added, channels=3, **options):
    """Return a compiled translator of images of any size."""
    source, target = (keras.Input((None, None, channels), name=n) for n in ("source", "target"))
    activation = options.pop("activation", "tanh")
    x = keras.layers.Conv2D(channels, 3, padding="same", activation=activation)(source)
    pair = keras.layers.Concatenate()([target, source])
    networks = (
        keras.Model(source, x),
        keras.Model([target, source], keras.layers.Conv2D(1, 3)(pair)),
    )
    model = keras_gan.GAN(*networks, latents=None, seed=0)
    model.compile(terms=list(added), **{"run_eagerly": True, **options})
    return model


def images(channels=3, side=8, seed=0):
    return np.tanh(normal(4, side, side, channels, seed=seed))


def expected(network, layers, real, fake, norm=np.abs):
    """Return the weighted distance of a network's layers, each made by a model of its own."""
    total = 0
    for name, weight in layers.items():
        inner = keras.Model(network.inputs[0], network.get_layer(name).output)
        maps = [np.asarray(inner(x, training=False)) for x in (real, fake)]
        total = total + weight * norm(maps[0] - maps[1]).mean((1, 2, 3))
    return total


@pytest.mark.parametrize(("norm", "literal"), [("l1", np.abs), ("l2", np.square)])
def test_weighted_layers(norm, literal):
    """The sum over layers, each weighted; a gradient through the generated side alone."""
    layers = {"second": 0.25, "first": 2.0}
    features = frozen_layers(layers=layers)
    term = Reconstruction(norm=norm, features=features)
    model = model_of(term)
    real, source = images(), images(seed=1)
    with tf.GradientTape(persistent=True) as tape:
        target = tf.constant(real)
        tape.watch(target)
        step = step_of(model, target, condition=tf.constant(source), player="generator")
        value = term.generator_term(step)
    distances = expected(features.source.network, layers, real, step.fake, literal)
    np.testing.assert_allclose(value, distances, rtol=1e-4)
    kernel = model.generator.trainable_variables[0]
    assert np.abs(tape.gradient(value, kernel)).max() > 0 and tape.gradient(value, target) is None


def test_each_side_runs_once(monkeypatch):
    features = frozen_layers()
    term, seen = Reconstruction(features=features), []
    model = model_of(term)
    step = step_of(model, images(), condition=tf.constant(images()), player="generator")
    run = features._extractor
    monkeypatch.setattr(features, "_made", lambda *a, **k: seen.append(k) or run(*a, **k))
    values_of(term, step, "generator")
    assert seen == [{"training": False}] * 2


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a model with features after two steps, its file, and what it began with."""
    features = frozen_layers(layers={"first": 1.0, "second": 0.5}, preprocess="torch")
    network = features.source.network
    before = [weight.numpy() for weight in network.weights]
    model = model_of(Reconstruction(2.0, features=features), terms.Style(1.0, features))
    bare = model_of()
    for _ in range(2):
        model.train_on_batch(images(), images(seed=1))
    path = tmp_path_factory.mktemp("frozen") / "model.keras"
    model.save(path)
    return model, bare, network, before, path


def test_training_leaves_the_network_alone(trained):
    """Statistics of its normalization too; it is in no list of the model's, and in no count."""
    model, bare, network, before, _ = trained
    for old, new in zip(before, network.weights, strict=True):
        np.testing.assert_array_equal(old, new)
    assert [w.shape for w in model.weights] == [w.shape for w in bare.weights]
    assert model.count_params() == bare.count_params()
    own = {id(weight) for weight in network.weights}
    held = [*model.variables, *(v for o in model.optimizer.optimizers for v in o.variables)]
    held += model.game.generator.variables
    assert not own & {id(variable) for variable in held}
    inner = [layer.name for layer in model._flatten_layers()]
    assert not {"frozen", "first", "second"} & set(inner)
    printed = []
    model.summary(print_fn=printed.append)
    assert "frozen" not in "".join(printed)


def test_files_and_checkpoints_do_not_have_it(trained, tmp_path):
    model, bare, *_ = trained
    model.save_weights(tmp_path / "model.weights.h5")
    bare.save_weights(tmp_path / "bare.weights.h5")
    sizes = [(tmp_path / f"{name}.weights.h5").stat().st_size for name in ("model", "bare")]
    assert sizes[0] - sizes[1] < 4096  # The terms' own, empty groups.
    checkpoint = tf.train.Checkpoint(model=model).write(str(tmp_path / "checkpoint"))
    names = [name for name, _ in tf.train.list_variables(checkpoint)]
    assert len(names) and not [n for n in names if "features" in n or "frozen" in n]
    shapes = [shape for _, shape in tf.train.list_variables(checkpoint)]
    assert [3, 3, 4, 3] not in shapes  # Of the frozen network's second kernel.


def test_a_network_given_in_memory_is_to_be_given_back(trained):
    """Loading warns, training refuses, and then it goes on to the bit."""
    model, _, network, _, path = trained
    with pytest.warns(
        UserWarning, match="'reconstruction' has no features by now: training and evaluation"
    ):
        loaded = keras_gan.load_model(path)
    batch = images(), images(seed=1)
    assert loaded.generate(4, seed=0, condition=batch[1]).shape == (4, 8, 8, 3)
    with pytest.raises(ValueError, match=r"'frozen', which is in no file: .*restore\(network\)"):
        condition = tf.constant(batch[1])
        values_of(loaded.terms[0], step_of(loaded, batch[0], condition=condition), "generator")
    other = keras.models.clone_model(network)
    with pytest.raises(ValueError, match=r"made with, 'frozen', whose digest begins with"):
        loaded.terms[0].features.restore(other)
    with pytest.raises(TypeError, match=r"`network` to be a Keras model.*network='frozen'"):
        loaded.terms[0].features.restore("frozen")
    other.set_weights(network.get_weights())
    other.trainable = False
    for term in loaded.terms:
        term.features.restore(other)  # An equal one will do.
    logs = [m.train_on_batch(*batch, return_dict=True) for m in (model, loaded)]
    assert logs[0] == logs[1] and logs[0]["reconstruction"] > 0
    configs = [[term.get_config() for term in m.terms] for m in (model, loaded)]
    assert configs[0] == configs[1]


LITERAL = {
    "caffe": lambda x: (x[..., ::-1] + 1) * 127.5 - MEANS,
    "torch": lambda x: ((x + 1) / 2 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225],
    "tf": lambda x: x,
    None: lambda x: x,
}


@pytest.mark.parametrize("mode", [None, "tf"])
def test_grey_networks_are_shown_grey_images(mode):
    x = images(1)
    inputs = keras.Input((None, None, 1))
    network = keras.Model(inputs, keras.layers.Activation("linear", name="same")(inputs))
    network.trunk = "an attribute of the user's own"
    (maps,) = FrozenFeatures(network, "same", preprocess=mode)(x)
    np.testing.assert_allclose(maps, x, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("mode", LITERAL)
def test_preprocessing(mode):
    """RGB images of any range, and grey ones, as published networks take them."""
    inputs = keras.Input((None, None, 3))
    network = keras.Model(inputs, keras.layers.Activation("linear", name="same")(inputs))
    features = FrozenFeatures(network, "same", preprocess=mode)
    x = images()
    (maps,) = features(x)
    np.testing.assert_allclose(maps, LITERAL[mode](x), rtol=1e-4, atol=1e-4)
    if mode is not None:  # Which has no range.
        (maps,) = features((x + 1) / 2, value_range=(0.0, 1.0))
        np.testing.assert_allclose(maps, LITERAL[mode](x), rtol=1e-4, atol=1e-4)
    (maps,) = features(x[..., :1])
    np.testing.assert_allclose(maps, LITERAL[mode](x[..., [0, 0, 0]]), rtol=1e-4, atol=1e-4)


def test_the_range_is_the_models():
    """A generator that ends in a sigmoid makes images in [0, 1]."""
    features = frozen_layers(layers=["first"], preprocess="torch")
    term = Reconstruction(features=features)
    model = model_of(term, channels=1, activation="sigmoid")
    real, source = (images(1, seed=seed) / 2 + 0.5 for seed in range(2))
    step = step_of(model, real, condition=tf.constant(source), player="generator")
    sides = [LITERAL["torch"](np.repeat(x, 3, -1) * 2 - 1) for x in (real, step.fake)]
    literal = expected(features.source.network, {"first": 1.0}, *sides)
    np.testing.assert_allclose(values_of(term, step, "generator"), literal, rtol=1e-4)


def test_what_can_not_be_features():
    network = frozen_layers().source.network
    inputs = [keras.Input((2,)), keras.Input((2,))]
    two = keras.Model(inputs, keras.layers.Add(name="sum")(inputs))
    for call, kind, text in [
        (lambda: FrozenFeatures(network, "frist"), ValueError, "Did you mean 'first'"),
        (lambda: FrozenFeatures(network, []), ValueError, "layers=[]"),
        (lambda: FrozenFeatures(network, {"first": -1}), ValueError, "layers['first']=-1"),
        (lambda: FrozenFeatures(network, 3), ValueError, "layers=3"),
        (lambda: FrozenFeatures(network, "first", "vgg"), ValueError, "preprocess='vgg'"),
        (lambda: FrozenFeatures("vgg19", "first"), TypeError, "network='vgg19' of type str"),
        (lambda: FrozenFeatures(two, "sum"), ValueError, "of one input"),
        (lambda: frozen_layers().restore(two), ValueError, "digest"),
    ]:
        with pytest.raises(kind) as caught:
            call()
        assert text in str(caught.value)


def test_networks_that_do_not_fit_the_game():
    sized = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(2, 3, name="c")])
    with pytest.raises(ValueError, match=r"takes samples of shape \(16, 16, 3\). Received: .*8, 8"):
        source = keras.Input((8, 8, 3))
        networks = (
            keras.Model(source, keras.layers.Conv2D(3, 1)(source)),
            keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(1, 3)]),
        )
        model = keras_gan.GAN(*networks, latents=None)
        model.compile(terms=[Reconstruction(features=FrozenFeatures(sized, "c"))])
    moved = FrozenFeatures(networks[1], networks[1].layers[-1].name)
    with pytest.raises(ValueError, match="those of the discriminator, which training moves"):
        model.compile(terms=[Reconstruction(features=moved)])


BUILD = vgg.build_network
SMALL = [(2, 2), (2, 2), (3, 4), (3, 4), (4, 4)]


def small_vgg():
    """Return VGG19's form with few filters, in all 16 convolutions."""
    return BUILD(SMALL)


@pytest.fixture
def vgg_file(tmp_path, monkeypatch):
    """Return a small VGG19 with weights, and their file."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setattr(vgg, "build_network", small_vgg)
    network = small_vgg()
    for i, variable in enumerate(network.weights):
        variable.assign(normal(*variable.shape, seed=i))
    network.save_weights(tmp_path / "vgg19.weights.h5")
    return network, tmp_path / "vgg19.weights.h5"


def test_vgg19_is_that_of_keras():
    """In its form, which its weights' shapes show, and in what it computes."""
    ours = vgg.build_network()
    theirs = keras.applications.VGG19(weights=None, include_top=False)
    assert ours.count_params() == theirs.count_params() == 20_024_384
    assert [w.shape for w in ours.weights] == [w.shape for w in theirs.weights]
    ours.set_weights(theirs.get_weights())
    x = normal(1, 32, 32, 3)
    names = {"relu1_2": "block1_conv2", "relu5_4": "block5_conv4", "pool3": "block3_pool"}
    for name, known in names.items():
        maps = keras.Model(theirs.inputs[0], theirs.get_layer(known).output)(x)
        ours_of = keras.Model(ours.inputs[0], ours.get_layer(name).output)
        np.testing.assert_allclose(ours_of(x), maps, rtol=1e-4, atol=1e-7)
    last = [
        keras.Model(ours.inputs[0], ours.get_layer(n).output)(x) for n in ("conv5_4", "relu5_4")
    ]
    np.testing.assert_array_equal(np.maximum(last[0], 0), last[1])


def test_vgg19_from_a_file(vgg_file, tmp_path):
    network, path = vgg_file
    features = terms.vgg19({"relu1_1": 1 / 32, "conv5_4": 1.0}, weights=str(path))
    assert (
        terms.vgg19("conv5_4", weights=path).get_config()["network"]
        == (features.get_config()["network"])
    )
    x = images(side=32)
    maps = features(x)
    inner = keras.Model(network.inputs[0], network.get_layer("conv5_4").output)
    np.testing.assert_allclose(maps[1], inner(LITERAL["caffe"](x)), rtol=1e-3, atol=1e-2)
    model = model_of(Reconstruction(features=features))
    model.save(tmp_path / "model.keras")
    loaded = keras_gan.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.terms[0].features(x)[1], maps[1])
    with pytest.raises(ValueError, match="come from a file, which is looked for"):
        features.restore(network)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.warns(UserWarning, match="another one than the term was made with"):
        loaded = keras_gan.load_model(tmp_path / "model.keras")
    path.unlink()
    with pytest.warns(UserWarning, match="There is no file"):
        loaded = keras_gan.load_model(tmp_path / "model.keras")
    assert loaded.terms[0].features.get_config() == features.get_config()


def fused(blocks):
    """Return VGG19's form as Keras has it: each convolution with its ReLU."""
    x = inputs = keras.Input((None, None, 3))
    for filters, depth in blocks:
        for _ in range(depth):
            x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = keras.layers.MaxPooling2D()(x)
    return keras.Model(inputs, x)


def test_files_of_keras_fit(tmp_path):
    """The published one, of Keras's old format, and those of today."""
    theirs = fused(SMALL)
    theirs.save_weights(tmp_path / "new.weights.h5")
    with h5py.File(tmp_path / "old.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, theirs)
    for name in ("new.weights.h5", "old.h5"):
        ours = small_vgg()
        ours.load_weights(tmp_path / name)
        for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_missing_vgg19_says_where_it_was_looked_for(vgg_file, tmp_path):
    place = tmp_path / ".keras" / "models" / vgg.FILE_NAME
    with pytest.raises(ValueError) as caught:
        terms.vgg19("conv5_4")
    for text in (str(place), vgg.URL, "weights='imagenet'", "Nothing is downloaded"):
        assert text in str(caught.value)
    with pytest.raises(ValueError, match=r"`weights` is the path of a file.*weights='none.h5'"):
        terms.vgg19("conv5_4", weights="none.h5")
    frozen_layers().source.network.save_weights(tmp_path / "other.weights.h5")
    with pytest.raises(ValueError, match=r"Expected the weights of `keras.applications.VGG19"):
        terms.vgg19("conv5_4", weights=tmp_path / "other.weights.h5")
    with pytest.raises(ValueError, match="Did you mean 'conv5_4'"):
        terms.vgg19("conv5_5", weights=vgg_file[1])


def test_a_trained_classifier(tmp_path):
    """Its maps have names, its file brings it back."""
    x, labels = images(1, 8), np.array([0, 1, 0, 1])
    x, labels = np.concatenate([x] * 5), np.concatenate([labels] * 5)
    classifier = train_classifier((x, labels), epochs=1, cache_dir=tmp_path, verbose=0)
    outputs = classifier.trunk(x[:4])
    features = FrozenFeatures(classifier, ["convolution_0", "features"])
    maps = features(x[:4])
    assert maps[0].shape == (4, 8, 8, 32)
    np.testing.assert_allclose(maps[1], outputs["features"], rtol=1e-4, atol=1e-5)
    config = keras.saving.serialize_keras_object(Reconstruction(features=features))
    copy = keras.saving.deserialize_keras_object(config, safe_mode=True)
    np.testing.assert_array_equal(copy.features(x[:4])[0], maps[0])
    probabilities = keras.ops.softmax(classifier.trunk.network(x[:4]))
    np.testing.assert_allclose(probabilities, outputs["probabilities"], rtol=1e-4, atol=1e-6)
