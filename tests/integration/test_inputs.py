"""Every form of data and of networks that `fit` takes, and how many updates it makes of them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan

from . import small

BATCH = 4


class Batches(keras.utils.PyDataset):
    """Batches of arrays, the last one as small as it comes out."""

    def __init__(self, *arrays):
        super().__init__()
        self.arrays = arrays

    def __len__(self):
        return -(-len(self.arrays[0]) // BATCH)

    def __getitem__(self, i):
        parts = tuple(array[i * BATCH : (i + 1) * BATCH] for array in self.arrays)
        return parts if len(parts) > 1 else parts[0]


def tf_data(*arrays):
    arrays = arrays if len(arrays) > 1 else arrays[0]
    return {"x": tf.data.Dataset.from_tensor_slices(arrays).batch(BATCH)}


def tf_data_of_unknown_length(*arrays):
    return {"x": tf_data(*arrays)["x"].filter(lambda *element: True)}


def tf_data_of_tuples_of_one(*arrays):
    dataset = tf_data(*arrays)["x"]
    return {"x": dataset if len(arrays) > 1 else dataset.map(lambda x: (x,))}


def numpy_arrays(*arrays):
    return {**dict(zip("xy", arrays, strict=False)), "batch_size": BATCH}


def tensors(*arrays):
    return numpy_arrays(*map(tf.constant, arrays))


def py_dataset(*arrays):
    return {"x": Batches(*arrays)}


# Name, how it is made, batches of 14 samples by 4: arrays leave the incomplete one out.
FORMS = [
    (tf_data, 4),
    (tf_data_of_unknown_length, 4),
    (tf_data_of_tuples_of_one, 4),
    (numpy_arrays, 3),
    (tensors, 3),
    (py_dataset, 4),
]


class Count(keras.callbacks.Callback):
    """Count the steps of each epoch."""

    def __init__(self):
        super().__init__()
        self.steps = []

    def on_epoch_begin(self, epoch, logs=None):
        self.steps.append(0)

    def on_train_batch_end(self, batch, logs=None):
        self.steps[-1] = batch + 1


@pytest.mark.representatives(
    "x-py_dataset--3", "labels-numpy_arrays--3", "labels-tf_data_of_unknown_length--3"
)
@pytest.mark.parametrize("discriminator_steps", [1, 3])
@pytest.mark.parametrize("form, batches", FORMS, ids=lambda v: getattr(v, "__name__", ""))
@pytest.mark.parametrize("classes", [None, 3], ids=["x", "labels"])
def test_steps_and_updates_of_an_epoch(form, batches, discriminator_steps, classes):
    model, count = small.gan(classes=classes), Count()
    # Eager: what is tested is which batches arrive, not what the step makes of them.
    model.compile(discriminator_steps=discriminator_steps, run_eagerly=True, **small.sgds())
    arrays = [small.points(14), *([small.labels(14)] if classes else [])]
    before = small.weights(model)
    history = model.fit(**form(*arrays), epochs=2, callbacks=[count], verbose=0).history
    steps = batches // discriminator_steps
    assert count.steps == [steps, steps]
    assert int(model.random_state.step) == 2 * steps
    assert int(model.generator_optimizer.iterations) == 2 * steps
    assert int(model.discriminator_optimizer.iterations) == 2 * steps * discriminator_steps
    assert np.isfinite(list(history.values())).all()
    assert not any(map(np.array_equal, before, small.weights(model)))


@pytest.mark.representatives("tf_data")
@pytest.mark.parametrize("form", [tf_data, py_dataset], ids=lambda form: form.__name__)
def test_grouped_batches_in_a_graph(form):
    """Batches of one group may differ in size: the last one of 14 samples by 4 is of 2."""
    model = small.gan(classes=3)
    model.compile(discriminator_steps=2, **small.sgds())
    model.fit(**form(small.points(14), small.labels(14)), verbose=0)
    assert int(model.generator_optimizer.iterations) == 2
    assert int(model.discriminator_optimizer.iterations) == 4


class Means(keras_gan.terms.Term):
    """Log the mean of the real batch that each discriminator step sees."""

    def discriminator_term(self, step):
        return tf.reduce_mean(step.real, axis=1)


def test_each_discriminator_step_sees_a_batch_of_its_own():
    model = small.gan()
    model.compile(discriminator_steps=3, terms=[Means(weight=0.0, name="means")], **small.sgds())
    x = np.repeat(np.arange(6, dtype="float32"), BATCH)[:, None] * np.ones((1, 2), "float32")
    history = model.fit(tf_data(x)["x"], verbose=0).history
    assert history["means"] == [pytest.approx(2.5)]


@pytest.mark.slow
def test_validation_data_and_split():
    model = small.gan()
    model.compile(**small.sgds(0.0))
    x = small.points(20)
    split = model.fit(x, validation_split=0.4, batch_size=BATCH, verbose=0).history
    data = model.fit(x[:12], validation_data=x[12:], batch_size=BATCH, verbose=0).history
    logits = np.array(model.discriminate(x[12:]))
    # The networks stand still: both see the last 8 samples, and score them alike.
    assert split["val_real_score"] == [pytest.approx(logits.mean(), abs=1e-6)]
    assert data["val_real_score"] == split["val_real_score"]
    assert int(model.random_state.step) == 3 + 3


def test_validation_split_keeps_the_conditions_together():
    model = small.gan(classes=3)
    model.compile(run_eagerly=True, **small.sgds(0.0))
    x, y = small.points(20), small.labels(20)
    history = model.fit(x, y, validation_split=0.4, batch_size=BATCH, verbose=0).history
    logits = np.array(model.discriminator([x[12:], y[12:]], training=False))
    assert history["val_real_score"] == [pytest.approx(logits.mean(), abs=1e-6)]


def test_labels_as_a_list():
    model = small.gan(classes=3)
    model.compile(run_eagerly=True, **small.sgds())
    labels = [int(label) for label in small.labels(8)]
    model.fit(small.points(8), labels, batch_size=4, validation_split=0.5, verbose=0)
    assert int(model.random_state.step) == 1


def test_a_condition_that_nothing_takes_is_ignored():
    model = small.gan()
    model.compile(run_eagerly=True, **small.sgds())
    model.fit(**tf_data(small.points(8), small.labels(8)), verbose=0)
    assert model.conditional is False


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(5,), (6, 2), (4, 4, 3), (3, 4, 4, 1)], ids=str)
def test_samples_of_any_rank(shape):
    model = small.gan(shape=shape)
    model.compile(terms=["r1"], **small.adams())
    x = np.random.default_rng(0).normal(size=(8, *shape)).astype("float32")
    history = model.fit(x, batch_size=4, verbose=0).history
    assert np.isfinite(list(history.values())).all()
    # The norm runs over all axes but the first.
    with tf.GradientTape() as tape:
        tensor = tf.constant(x)
        tape.watch(tensor)
        logits = model.discriminator(tensor)
    gradient = tape.gradient(logits, tensor).numpy().reshape(8, -1)
    model.compile(terms=["r1"], run_eagerly=True, **small.sgds(0.0))
    value = model.fit(x, batch_size=8, verbose=0).history["r1"]
    assert value == [pytest.approx(0.5 * (gradient**2).sum(axis=1).mean(), rel=1e-4)]
    assert model.generate(3, seed=0).shape == (3, *shape)


def nested_networks(kind):
    """Return networks whose condition is a tuple or a dict of two tensors."""

    def inputs():
        pair = keras.Input((2,), name="a"), keras.Input((), dtype="int32", name="b")
        return pair if kind == "tuple" else dict(zip("ab", pair, strict=True))

    def join(first, condition):
        a, b = condition if kind == "tuple" else (condition["a"], condition["b"])
        parts = [first, a, keras.layers.Embedding(3, 2)(b)]
        return keras.layers.Concatenate()(parts)

    z, x, c, k = keras.Input((3,), name="z"), keras.Input((2,), name="x"), inputs(), inputs()
    generator = keras.Model([z, c], keras.layers.Dense(2)(join(z, c)))
    return generator, keras.Model([x, k], keras.layers.Dense(1)(join(x, k)))


@pytest.mark.representatives("2-dict")
@pytest.mark.parametrize("kind", ["tuple", "dict"])
@pytest.mark.parametrize("discriminator_steps", [1, 2])
def test_conditions_that_are_nests(kind, discriminator_steps, recwarn):
    model = keras_gan.GAN(*nested_networks(kind), seed=0)
    assert model.conditional
    model.compile(discriminator_steps=discriminator_steps, **small.sgds())
    x, a, b = small.points(8), small.points(8, seed=1), small.labels(8)
    condition = (a, b) if kind == "tuple" else {"a": a, "b": b}
    data = tf.data.Dataset.from_tensor_slices((x, condition)).batch(4)
    assert np.isfinite(model.fit(data, verbose=0).history["d_loss"]).all()
    model.fit(x, condition, batch_size=4, verbose=0)
    assert int(model.discriminator_optimizer.iterations) == 4
    assert np.isfinite(model.evaluate(data, verbose=0, return_dict=True)["g_loss"])
    samples = model.generate(8, seed=0, condition=condition)
    assert samples.shape == (8, 2)
    structure = [str(w.message) for w in recwarn if "structure" in str(w.message)]
    assert not structure, structure[0]


def test_a_discriminator_without_the_condition():
    generator, _ = small.networks(classes=3)
    model = keras_gan.GAN(generator, small.networks()[1])
    assert model.conditional
    model.compile(run_eagerly=True, **small.sgds())
    model.fit(small.points(8), small.labels(8), batch_size=4, verbose=0)
    assert model.generate(2, seed=0, condition=1).shape == (2, 2)


@keras.saving.register_keras_serializable("tests")
class Sum(keras.Model):
    """A network of no fixed inputs: a Dense of all it is given."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.dense = keras.layers.Dense(units)

    def call(self, inputs, training=False):
        parts = [tf.cast(part, "float32") for part in keras.tree.flatten(inputs)]
        rows = tf.shape(parts[0])[0]
        size = sum(int(np.prod(part.shape[1:])) for part in parts)
        flat = tf.concat([tf.reshape(part, (rows, -1)) for part in parts], axis=1)
        return self.dense(tf.ensure_shape(flat, (None, size)))

    def get_config(self):
        return {"units": self.units, "name": self.name}


@pytest.mark.representatives("True")
@pytest.mark.parametrize("conditional", [False, True])
def test_subclassed_networks_are_built_by_fit(conditional, tmp_path):
    model = keras_gan.GAN(
        Sum(2), Sum(1), latents=keras_gan.latents.Normal(3), conditional=conditional, seed=1
    )
    model.compile(ema=0.5, **small.adams())
    condition = small.points(8, seed=3) if conditional else None
    history = model.fit(small.points(8), condition, batch_size=4, epochs=2, verbose=0).history
    assert np.isfinite(list(history.values())).all()
    assert int(model.generator_optimizer.iterations) == 4
    samples = model.generate(2, seed=0, condition=condition if condition is None else condition[:2])
    assert samples.shape == (2, 2)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    small.assert_equal_states(small.state(model), small.state(loaded))


def test_subclassed_networks_must_say_what_cannot_be_read():
    with pytest.raises(ValueError, match="latents"):
        keras_gan.GAN(Sum(2), Sum(1), conditional=False)
    with pytest.raises(ValueError, match="conditional=True"):
        keras_gan.GAN(Sum(2), Sum(1), latents=keras_gan.latents.Normal(3))


HEADS = {
    "column": lambda h: keras.layers.Dense(1)(h),
    "flat": lambda h: keras.layers.Reshape(())(keras.layers.Dense(1)(h)),
    "patches": lambda h: keras.layers.Reshape((2, 2, 1))(keras.layers.Dense(4)(h)),
    "dict": lambda h: {
        "logits": keras.layers.Dense(1)(h),
        "classes": keras.layers.Dense(5)(h),
    },
}


@pytest.mark.representatives("simultaneous-flat", "alternating-dict", "simultaneous-patches")
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_forms_of_logits(head, update):
    x = keras.Input((2,))
    hidden = keras.layers.Dense(3, activation="tanh")(x)
    model = keras_gan.GAN(small.networks()[0], keras.Model(x, HEADS[head](hidden)), seed=0)
    model.compile(terms=["r1"], update=update, run_eagerly=True, **small.sgds(0.0))
    data = small.points(8)
    history = model.fit(data, batch_size=8, verbose=0).history
    logits = np.array(model.discriminate(data))
    assert logits.shape == {"flat": (8,), "patches": (8, 2, 2, 1)}.get(head, (8, 1))
    assert history["real_score"] == [pytest.approx(logits.mean(), abs=1e-6)]
    assert np.isfinite(list(history.values())).all()


def test_networks_own_losses_change_the_updates():
    """A step with a regularizer of l2 differs from one without by -rate * 2 * l2 * kernel."""
    models = [small.gan(l2=l2) for l2 in (None, 0.25)]
    start = None
    for model in models:
        model.compile(update="simultaneous", **small.sgds(0.1))
        start = start or small.weights(model)
        for weight, value in zip(model.generator.weights, start, strict=False):
            weight.assign(value)
        model.fit(small.points(8), batch_size=8, verbose=0)
    plain, penalized = map(small.weights, models)
    # Weights in order: kernel, bias, kernel, bias of each player; the first kernels are penalized.
    for i, (before, one, other) in enumerate(zip(start, plain, penalized, strict=True)):
        expected = one - 0.1 * 2 * 0.25 * before if i in (0, 4) else one
        np.testing.assert_allclose(other, expected, rtol=1e-5, atol=1e-6, err_msg=str(i))
    for key in ("d_loss", "g_loss"):
        pair = [m.evaluate(small.points(8), verbose=0, return_dict=True)[key] for m in models]
        assert pair[0] == pytest.approx(pair[1], abs=0.2), "logs are the adversarial parts alone"


def test_steps_per_epoch_of_an_endless_dataset():
    model, count = small.gan(), Count()
    model.compile(discriminator_steps=2, **small.sgds())
    endless = tf_data(small.points(16))["x"].repeat()
    model.fit(endless, steps_per_epoch=3, epochs=2, callbacks=[count], verbose=0)
    assert count.steps == [3, 3]
    assert int(model.discriminator_optimizer.iterations) == 12
