"""Private names of Keras and TensorFlow: each is as the package takes it to be, and in one module.

A test's name ends in the name of the function that it is about.
"""

import ast
import inspect
import io
import pathlib
import re

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src.backend.tensorflow import trainer
from keras.src.saving import saving_lib
from keras.src.saving.serialization_lib import ObjectSharingScope
from keras.src.trainers.epoch_iterator import EpochIterator
from tensorflow.python.distribute import collective_all_reduce_strategy
from tensorflow.python.eager import context

import keras_gan
from keras_gan.utils import forms, keras_internals

PACKAGE = pathlib.Path(keras_gan.__file__).parent
MODULE = PACKAGE / "utils" / "keras_internals.py"
# It says which they are, and uses none of them.
LIST = PACKAGE / "utils" / "private_names.py"
# What a class of the package may override or call on itself because Keras has it.
BASES = (keras.Model, keras.callbacks.Callback, keras.Optimizer, keras.metrics.Metric)


def dense_model():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="dense")])


def test_layers_within():
    inner = dense_model()
    wrapper = keras.layers.TimeDistributed(keras.layers.Dense(1))
    outer = keras.Sequential([inner, keras.layers.Reshape((2, 1)), wrapper])
    found = keras_internals.layers_within(outer)
    assert found[0] is outer
    for layer in (inner, inner.layers[0], outer.layers[1], wrapper, wrapper.layer):
        assert sum(layer is other for other in found) == 1


def test_made_by():
    start = keras.Input((3,))
    split = keras.layers.Lambda(lambda x: (x, 2 * x))
    first, second = split(start)
    operation, inputs, index = keras_internals.made_by(second)
    assert operation is split
    assert index == 1
    assert len(inputs) == 1
    assert inputs[0] is start
    assert keras_internals.made_by(start)[1] == []
    # Of a layer that is called twice, the call that made the tensor.
    layer = keras.layers.Dense(3)
    layer(first)
    assert keras_internals.made_by(layer(second))[1][0] is second


def test_computed():
    start = keras.Input((3,))
    first, second = keras.layers.Lambda(lambda x: (x, 2 * x))(start)
    double = keras.layers.Dense(3, kernel_initializer="identity", name="double")
    end = double(keras.layers.add([double(second), first]))
    calls = []

    def call(layer, *inputs, **options):
        calls.append(layer.name)
        values = layer(*inputs, **options)
        return 10 * values if layer is double else values

    known = {id(start): np.ones((1, 3), "float32")}
    np.testing.assert_array_equal(keras_internals.computed(end, known, call), np.full((1, 3), 210))
    assert len(calls) == 4 and calls.count("double") == 2
    # What is known is not computed.
    known = {id(first): np.ones((1, 3), "float32"), id(second): np.zeros((1, 3), "float32")}
    np.testing.assert_array_equal(keras_internals.computed(end, known, call), np.full((1, 3), 10))


def test_rate_variable():
    for wrap in (lambda inner: inner, keras.optimizers.LossScaleOptimizer):
        optimizer = wrap(keras.optimizers.Adam(0.5))
        variable = keras_internals.rate_variable(optimizer)
        assert float(variable) == 0.5
        variable.assign(0.25)
        assert float(getattr(optimizer, "inner_optimizer", optimizer).learning_rate) == 0.25
        schedule = keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.9)
        assert keras_internals.rate_variable(wrap(keras.optimizers.Adam(schedule))) is None
        assert keras_internals.rate_variable(wrap(keras.optimizers.Adam(lambda: 0.5))) is None


def test_trained_by():
    model = dense_model()
    for wrap in (lambda inner: inner, keras.optimizers.LossScaleOptimizer):
        optimizer = wrap(keras.optimizers.Adam())
        optimizer.build(model.trainable_variables)
        found = keras_internals.trained_by(optimizer)
        assert [id(one) for one in found] == [id(one) for one in model.trainable_variables]


def test_outputs_of_calls():
    layer = keras.layers.Dense(3)
    outputs = [layer(keras.Input((3,))), layer(keras.Input((3,)))]
    found = [keras.tree.flatten(each) for each in keras_internals.outputs_of_calls(layer)]
    assert [id(output) for (output,) in found] == [id(output) for output in outputs]


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (keras.layers.Dense(2), (3, 2)),
        (keras.layers.Conv2D(2, 5), (5, 5, 3, 2)),
        (keras.layers.Conv2DTranspose(2, 5), (5, 5, 2, 3)),
    ],
)
def test_kernel_variable(layer, shape):
    layer.build((None, *([8] * (len(shape) - 2)), 3))
    kernel = keras_internals.kernel_variable(layer)
    assert kernel.shape == shape
    assert any(kernel is variable for variable in layer.trainable_variables)


def test_kernel_variable_of_embeddings_and_of_adapted_layers():
    table = keras.layers.Embedding(4, 2)
    table.build()
    assert keras_internals.kernel_variable(table) is table.trainable_variables[0]
    assert keras_internals.kernel_variable(keras.layers.Flatten()) is None
    dense = keras.layers.Dense(2)
    dense.build((None, 3))
    kernel = keras_internals.kernel_variable(dense)
    dense.enable_lora(1)
    assert keras_internals.kernel_variable(dense) is kernel


@pytest.mark.parametrize("scaled", [False, True])
def test_take_summed_gradients(two_replicas, scaled):
    """Each replica's step is by the gradient that it was given: nothing is added up once more."""
    with two_replicas.scope():
        variable = keras.Variable(1.0)
        optimizer = keras.optimizers.SGD(1.0)
        if scaled:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=1.0)
        optimizer.build([variable])
    keras_internals.take_summed_gradients(optimizer)

    @tf.function
    def step():
        two_replicas.run(lambda: optimizer.apply([tf.constant(0.25)], [variable]))

    step()
    assert variable.numpy() == 0.75  # 0.5 where both replicas' gradients are added.


def test_adam_moments():
    variable = keras.Variable([2.0, -1.0])
    optimizer = keras.optimizers.Adam(0.1, beta_1=0.5, beta_2=0.75)
    optimizer.build([variable])
    optimizer.apply([tf.constant([4.0, 2.0])], [variable])
    (first,), (second,) = keras_internals.adam_moments(optimizer)
    np.testing.assert_allclose(first, [2.0, 1.0])
    np.testing.assert_allclose(second, [4.0, 1.0])


@pytest.mark.parametrize("scaled", [False, True])
def test_has_schedule(scaled):
    falling = keras.optimizers.schedules.CosineDecay(0.1, 10)
    for rate, expected in ((0.1, False), (falling, True)):
        optimizer = keras.optimizers.SGD(rate)
        if scaled:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        assert keras_internals.has_schedule(optimizer) is expected


def test_evaluated_by_fit():
    seen = []

    class Model(keras.Sequential):
        def evaluate(self, *args, **kwargs):
            seen.append(keras_internals.evaluated_by_fit(kwargs))
            return super().evaluate(*args, **kwargs)

    model = Model([keras.layers.Dense(1)])
    model.compile(loss="mse")
    x = np.zeros((2, 1), "float32")
    model.fit(x, x, validation_data=(x, x), verbose=0)
    model.evaluate(x, x, verbose=0)
    assert seen == [True, False]


def test_takes_optionals():
    model = dense_model()
    missing = tf.experimental.Optional.empty(tf.TensorSpec(()))
    step = keras_internals.takes_optionals(model, lambda batch: batch)
    assert step((1, missing)) == (1, None)


def test_count_steps():
    """Keras renews an iterator over several epochs by its own count of steps."""
    iterator = EpochIterator(tf.data.Dataset.range(6).repeat(), steps_per_epoch=4)
    list(iterator.enumerate_epoch())
    before = iterator._steps_seen
    keras_internals.count_steps(iterator, 2)
    assert iterator._steps_seen == before + 2 == 6
    # It counts them by the same name.
    assert "_steps_seen" in inspect.getsource(EpochIterator.enumerate_epoch) + inspect.getsource(
        EpochIterator._enumerate_iterator
    )


def test_resource_owner():
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [1]), -1)
    weight = tf.Variable(1)

    @tf.function(input_signature=[tf.TensorSpec((), tf.string)])
    def look_up(key):
        return table.lookup(key) + weight

    captures = look_up.get_concrete_function().graph.captures
    owners = [keras_internals.resource_owner(handle) for handle, _ in captures]
    assert [owner for owner in owners if isinstance(owner, tf.lookup.StaticHashTable)] == [table]


def test_callback_attributes(tmp_path):
    """All of them are there once a run has begun, and `None` is for callbacks of other kinds."""
    model = dense_model()
    model.compile(loss="mse")
    callbacks = [
        keras.callbacks.EarlyStopping("loss"),
        keras.callbacks.ReduceLROnPlateau("loss"),
        keras.callbacks.ModelCheckpoint(str(tmp_path / "model.keras")),
        keras.callbacks.TensorBoard(str(tmp_path)),
    ]
    history = model.fit(np.zeros((2, 3)), np.zeros((2, 2)), callbacks=callbacks, verbose=0)
    for callback in [*callbacks, history]:
        for name, form in keras_internals.callback_attributes(callback).items():
            assert name in vars(callback), f"{type(callback).__name__}.{name}"
            assert forms.fits(vars(callback)[name], form), f"{type(callback).__name__}.{name}"
    assert keras_internals.callback_attributes(keras.callbacks.Callback()) is None


def test_weights_file(tmp_path):
    """The bytes are what Keras writes to a path: the same arrays under the same names."""

    def arrays(file):
        found = {}
        with h5py.File(file) as store:
            store.visititems(
                lambda name, node: (
                    found.update({name: node[()]}) if isinstance(node, h5py.Dataset) else None
                )
            )
        return found

    model = dense_model()
    model.compile(optimizer="adam", loss="mse")
    model.fit(np.ones((2, 3)), np.ones((2, 2)), verbose=0)
    model.save_weights(tmp_path / "by_keras.weights.h5")
    expected = arrays(tmp_path / "by_keras.weights.h5")
    found = arrays(io.BytesIO(keras_internals.weights_file(model)))
    assert len(found) > 4
    assert sorted(found) == sorted(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)


def test_note_keras_attributes(monkeypatch, tmp_path):
    """Once noted, no save makes an optimizer to see what attributes one has."""
    keras.backend.clear_session()
    keras_internals.note_keras_attributes()
    model = dense_model()
    model.compile(optimizer="sgd", loss="mse")
    made, make = [], keras.Optimizer.__init__
    monkeypatch.setattr(
        keras.Optimizer, "__init__", lambda self, *a, **k: made.append(1) or make(self, *a, **k)
    )
    model.save(tmp_path / "model.keras")
    assert not made
    assert saving_lib.get_attr_skipset("Optimizer") >= {"learning_rate"}


def private_names(tree):
    """Return the private names that code reaches for, by attribute or by a string."""
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    strings = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {name for name in attributes | strings if re.fullmatch(r"_[a-z]\w*", name)}


def used_of_others(tree):
    """Return the private names that code reaches for on anything but `self` and `cls`."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) not in ("self", "cls")
    }


def strings_of(tree):
    """Return the strings of code."""
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def own_names(trees):
    """Return the private names that the package gives: functions, classes and attributes."""
    names = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if ast.unparse(node.value) in ("self", "cls"):
                names.add(node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


TREES = {
    file: ast.parse(file.read_text(encoding="utf-8"))
    for file in PACKAGE.rglob("*.py")
    if file not in (MODULE, LIST)
}
OVERRIDDEN = set(re.findall(r"`(_\w+)`", keras_internals.__doc__))
INTERNALS = {
    name
    for file in (MODULE, LIST)
    for name in private_names(ast.parse(file.read_text(encoding="utf-8")))
} - OVERRIDDEN


def test_sharing_nothing():
    """Within a file Keras marks what is there twice, and reads it as one; here it does not."""
    layer = keras.layers.Dense(1)
    serialize, read = keras.saving.serialize_keras_object, keras.saving.deserialize_keras_object
    with ObjectSharingScope():
        configs = [serialize(layer) for _ in range(2)]
        assert configs[0]["shared_object_id"] == configs[1]["shared_object_id"]
        assert read(configs[0]) is read(configs[1])
        with keras_internals.sharing_nothing():
            assert read(configs[0]) is not read(configs[1])
            assert "shared_object_id" not in serialize(layer)
        assert read(configs[0]) is read(configs[1])


def test_private_names_of_others_are_in_one_module():
    """Neither the names that it holds are used elsewhere, nor any other that is not our own."""
    assert {"_flatten_layers", "_use_cached_eval_dataset", "_kernel"} <= INTERNALS
    own = own_names(TREES.values())
    for file, tree in TREES.items():
        used = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and re.fullmatch(r"_[a-z]\w*", node.attr)
        }
        assert not used - own, file
        # Of one name by chance: what an object of ours keeps to itself.
        foreign = used_of_others(tree) | strings_of(tree)
        assert not foreign & INTERNALS, file


def test_private_modules_of_others_are_imported_in_one_module():
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                assert not re.search(r"keras\.src|tensorflow\.python", ast.unparse(node)), file


def test_overridden_private_methods_are_those_listed():
    """Keras has each of them still, and the package overrides no other."""
    for name in OVERRIDDEN:
        assert callable(getattr(keras.Model, name, None)), name
    of_keras = {name for base in BASES for name in dir(base) if re.fullmatch(r"_[a-z]\w*", name)}
    defined = {
        node.name
        for tree in TREES.values()
        for owner in ast.walk(tree)
        if isinstance(owner, ast.ClassDef)
        for node in owner.body
        if isinstance(node, ast.FunctionDef)
    }
    assert defined & of_keras == OVERRIDDEN


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("_trackable_children", ["save_type"]),
        ("_assert_compile_called", ["method_name"]),
        ("_make_function", ["step_function"]),
        ("_maybe_symbolic_build", ["iterator", "data_batch"]),
    ],
)
def test_keras_calls_overridden_methods_with_the_same_arguments(name, parameters):
    assert name in OVERRIDDEN
    signature = inspect.signature(getattr(keras.Model, name))
    assert [each for each in signature.parameters if each not in ("self", "kwargs")] == parameters
    if name != "_trackable_children":  # That one TensorFlow calls.
        assert f"self.{name}(" in inspect.getsource(trainer.TensorFlowTrainer)


def test_causes_of_disorder():
    """The rest of it is in test_causes_of_disorder.py."""
    data = tf.data.Dataset.range(4)
    assert keras_internals.causes_of_disorder(data) == set()
    assert keras_internals.causes_of_disorder(data.shuffle(2).batch(2)) == {"shuffle"}


def test_every_function_has_a_test_of_its_name():
    functions = inspect.getmembers(keras_internals, inspect.isfunction)
    ours = (name for name, function in functions if function.__module__.endswith("internals"))
    public = {name for name in ours if not name.startswith("_")}
    assert {f"test_{name}" for name in public} <= set(globals())


def test_watch_workers(monkeypatch):
    """TensorFlow's strategy keeps what is configured before it, and its limits have these names."""
    own = context.Context()
    monkeypatch.setattr(context, "context", lambda: own)
    keras_internals.watch_workers({"worker": 3}, "/job:worker/replica:0/task:0", 7, 2.5)
    config = own.config.experimental.coordination_config
    assert config.service_leader == "/job:worker/replica:0/task:0"
    assert (config.cluster_register_timeout_in_ms, config.heartbeat_timeout_in_ms) == (7000, 2500)
    assert config.cluster_register_with_barrier
    assert [(job.name, job.num_tasks) for job in config.coordinated_job_list] == [("worker", 3)]
    strategy = inspect.getsource(collective_all_reduce_strategy)
    assert "if context.context().coordination_service is None:" in strategy


def test_inputs_of():
    numbers, letters = tf.data.Dataset.range(3), tf.data.Dataset.from_tensors("a")
    both = tf.data.Dataset.zip((numbers, letters))
    assert keras_internals.inputs_of(both) == [numbers, letters]
    assert keras_internals.inputs_of(both.map(lambda *x: x).prefetch(1)) != [both]
    assert keras_internals.inputs_of(both.prefetch(1)) == [both]
    assert keras_internals.inputs_of(numbers) == []
