"""The private names of Keras and TensorFlow that the package uses, each with the reason.

The tests of this module fail, naming the function, when Keras or TensorFlow changes one of them;
private_names.py lists them for a check at import.
Private methods that the package overrides must stand in the classes that do so:

- `_trackable_children` (saving.py): what `tf.train.Checkpoint` saves of a model.
- `_assert_compile_called` (running/fitting.py): how Keras refuses a model that isn't compiled.
- `_make_function` (running/fitting.py): how a step is run on the batches of an iterator.
- `_maybe_symbolic_build` (running/fitting.py): how Keras builds a model from a first batch.
"""

import concurrent.futures
import contextlib
import io

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.common import global_state
from keras.src.saving import saving_lib
from tensorflow.compiler.xla.tsl.protobuf import coordination_config_pb2
from tensorflow.python.eager import context

from keras_gan.utils import forms
from keras_gan.utils.private_names import CALLBACKS

_CALLBACK_ATTRIBUTES = {
    getattr(keras.callbacks, name): attributes for name, attributes in CALLBACKS.items()
}
# What they may hold, for `utils.forms`.
_FORMS = {
    **dict.fromkeys(("wait", "stopped_epoch", "best_epoch", "cooldown_counter"), forms.count),
    **dict.fromkeys(("_global_train_batch", "_global_test_batch"), forms.count),
    "_batches_seen_since_last_saving": forms.count,
    "_last_batch_seen": (None, forms.count),
    "best": (None, forms.number),
    "best_weights": (None, [np.ndarray]),
    "epoch": [forms.count],
    "history": {str: list},
}


def layers_within(layer):
    """Return a layer and all layers inside it; Keras's public `layers` stops at the first level."""
    return layer._flatten_layers()


def made_by(tensor):
    """Return what made a symbolic tensor; no public name leads from a tensor to its layer.

    Args:
        tensor: a `keras.KerasTensor` of a Functional model.

    Returns:
        `(operation, inputs, index)`: the layer or operation, the list of the tensors that it was
        called on, and which of its outputs the tensor is.
    """
    operation, node, index = tensor._keras_history
    return operation, operation._inbound_nodes[node].input_tensors, index


def computed(tensor, known, call):
    """Return the value of a symbolic tensor, computed from those of others in the same network.

    `keras.Model` of tensors within a network calls its layers anew, and they remember that.

    Args:
        tensor: a `keras.KerasTensor` of a Functional model.
        known: dict from the `id` of symbolic tensors to their values. What is computed on the way
            is put into it.
        call: function of `(operation, *inputs, **options)` that calls an operation.
    """
    if id(tensor) not in known:
        operation, place, _ = tensor._keras_history
        node = operation._inbound_nodes[place]
        for each in node.input_tensors:
            computed(each, known, call)
        inputs, options = node.arguments.fill_in(known)
        values = keras.tree.flatten(call(operation, *inputs, **options))
        known.update(zip(map(id, node.outputs), values, strict=True))
    return known[id(tensor)]


def outputs_of_calls(layer):
    """Return the symbolic outputs of each call of a layer; `layer.output` refuses shared layers."""
    return [node.outputs for node in layer._inbound_nodes]


def kernel_variable(layer):
    """Return the variable of a layer's kernel or embeddings, or `None`.

    Not `layer.kernel`: a property in some layers, which may add an adapter to the variable.
    """
    for name in ("_kernel", "_embeddings", "kernel"):
        kernel = getattr(layer, name, None)
        if isinstance(kernel, keras.Variable):
            return kernel
    return None


def take_summed_gradients(optimizer):
    """Have an optimizer apply gradients that are summed over replicas; no option says so.

    As they are, optimizers add up gradients as they apply them: each player's in an exchange of
    its own, and after each replica's share has been clipped.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    inner._all_reduce_sum_gradients = lambda gradients_and_variables: gradients_and_variables


def adam_moments(optimizer):
    """Return Adam's first and second moments; `variables` lists them without saying which."""
    return optimizer._momentums, optimizer._velocities


def has_schedule(optimizer):
    """Tell whether a schedule sets the learning rate; `learning_rate` gives its value alone."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return isinstance(inner._learning_rate, keras.optimizers.schedules.LearningRateSchedule)


def rate_variable(optimizer):
    """Return the variable of a learning rate, `None` where a schedule or a function gives it."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return inner._learning_rate if isinstance(inner._learning_rate, keras.Variable) else None


def trained_by(optimizer):
    """Return the variables that an optimizer was built on; it keeps them to itself."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return inner._trainable_variables


def evaluated_by_fit(arguments):
    """Tell by the arguments of `evaluate` whether `fit` calls it; Keras says it no other way."""
    return bool(arguments.get("_use_cached_eval_dataset", False))


def takes_optionals(model, step):
    """Return a step to which a `tf.experimental.Optional` in a batch is `None`, as in Keras's own.

    The model's steps run in a function of the package's, which Keras does not wrap so.
    """
    return model._autoconvert_optionals(step)


def count_steps(iterator, count):
    """Tell the iterator of Keras's `fit` of steps taken elsewhere; it renews itself by its count.

    Args:
        iterator: the `EpochIterator` that `fit` has made.
        count: how many steps it is to count in addition; may be negative.
    """
    iterator._steps_seen += count


def resource_owner(captured):
    """Return the lookup table whose handle a function captures, or `None`; only handles know it."""
    owner = getattr(captured, "_parent_trackable", None)
    return owner and owner()


def callback_attributes(callback):
    """Return the attributes in which one of Keras's callbacks remembers, or `None`.

    Returns:
        Dict from their names to what they may hold, as `utils.forms` has it.
    """
    for kind, attributes in _CALLBACK_ATTRIBUTES.items():
        if isinstance(callback, kind):
            return {name: _FORMS[name] for name in attributes}
    return None


def weights_file(model):
    """Return the bytes that Keras would write into a `.weights.h5` file; it writes to paths only.

    On a full disk HDF5 ends the process by a segmentation fault, as it closes a file of small
    arrays (h5py 3.14): it is given memory to write to, and the file is written by Python.
    """
    memory = io.BytesIO()
    store = saving_lib.H5IOStore(memory, mode="w")
    saving_lib._save_state(
        model,
        weights_store=store,
        assets_store=None,
        inner_path="",
        visited_saveables=set(),
    )
    store.close()
    return memory.getbuffer()


def note_keras_attributes():
    """Note which attributes all Keras objects have, which Keras looks up as it saves and loads.

    It makes an optimizer to see them, and again for every file: it looks for what it found under
    another name than it notes it by (Keras 3.15). The variables of each take 70 KiB that
    TensorFlow never gives back, 200 MiB a day at one backup a minute. And in the scope of a
    strategy of several workers to make a variable takes all of them, where the chief alone saves:
    hence the thread, which is in no scope.
    """
    kinds = ("Operation", "Layer", "Functional", "Sequential", "Metric", "Optimizer", "Loss")
    names = {kind: f"saving_attr_skiplist_{kind}" for kind in kinds}
    if all(global_state.get_global_attribute(name) for name in names.values()):
        return
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        for kind, name in names.items():
            found = thread.submit(saving_lib.get_attr_skipset, kind).result()
            global_state.set_global_attribute(name, found)


@contextlib.contextmanager
def sharing_nothing():
    """Return a context in which Keras takes no two objects of configs for one.

    In a file it marks layers that two networks share, and gives the second network the first one's
    layer as it reads it, which then counts its calls from a number that the second does not know.
    """
    names = "shared_objects/id_to_obj_map", "shared_objects/id_to_config_map"
    before = {name: global_state.get_global_attribute(name) for name in names}
    try:
        for name in names:
            global_state.set_global_attribute(name, None)
        yield
    finally:
        for name, value in before.items():
            global_state.set_global_attribute(name, value)


# Operations by which a function goes on from a state that lasts from one call to the next.
_STATEFUL = {"AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", "RngReadAndSkip"}


def inputs_of(dataset):
    """Return the datasets that a `tf.data.Dataset` is derived of; no public name says them."""
    return dataset._inputs()


def causes_of_disorder(dataset, once=False):
    """Return why another process may see a `tf.data.Dataset` in another order.

    TensorFlow has no public way to ask a dataset what it is made of: `_inputs`, `_functions`,
    `_functions` of graphs, and the seeds of its shuffles are private.

    Args:
        dataset: A `tf.data.Dataset`.
        once: Whether a single iterator, read from its beginning, serves for a whole run.

    Returns:
        Set of "seek" (an input has that method, which the dataset itself has lost), "shuffle",
        "generator" (a Python one) and "random" (a function draws without a seed, or from a state
        that it moves on); empty where every pass is like the first, in any process.
    """
    causes = set()
    for function in dataset._functions():
        causes |= _causes_in_graph(function.function.graph)
    if hasattr(dataset, "_seed"):  # Of `shuffle`, `Dataset.random` and what is made of these.
        seeded = bool(dataset._seed.numpy() or dataset._seed2.numpy())
        # Unless it draws anew in each pass: a new process begins with the order of the first.
        anew = getattr(dataset, "_reshuffle_each_iteration", None)
        anew = getattr(dataset, "_rerandomize", None) if anew is None else anew
        if not seeded or (anew and not once):
            causes.add("shuffle")
    once = once or "Cache" in type(dataset).__name__  # It keeps the first pass.
    for source in inputs_of(dataset):
        causes |= {"seek"} if hasattr(source, "seek") else causes_of_disorder(source, once)
    return causes


def _causes_in_graph(graph):
    causes = {cause for operation in graph.get_operations() for cause in _causes_of(operation)}
    return causes.union(*(_causes_in_graph(inner.graph) for inner in graph._functions.values()))


def _causes_of(operation):
    kind, attributes = operation.type, operation.node_def.attr
    if kind.startswith("GeneratorDataset"):
        yield "generator"
    if kind.startswith(("ShuffleDataset", "ShuffleAndRepeatDataset", "RandomDataset")):
        arguments = zip(operation.op_def.input_arg, operation.inputs, strict=False)
        seeds = [value for name, value in arguments if name.name in ("seed", "seed2")]
        if all(tf.get_static_value(seed) == 0 for seed in seeds):
            yield "shuffle"
    # As an attribute a seed belongs to a draw, and 0 means that there is none.
    unseeded = "seed" in attributes and not (attributes["seed"].i or attributes["seed2"].i)
    if unseeded or kind in _STATEFUL:
        yield "random"


def watch_workers(jobs, leader, patience, heartbeat):
    """Limit how long TensorFlow waits for workers, and for signs of life from them.

    Without it a worker waits for the chief for an hour, and the chief for the others for ever.
    The strategy of several workers keeps what is configured before it is made.

    Args:
        jobs: dict of the number of tasks in each job.
        leader: the chief's name, such as "/job:worker/replica:0/task:0".
        patience: seconds until all must be there.
        heartbeat: seconds without a sign of life after which a worker counts as gone.
    """
    tasks = [
        coordination_config_pb2.CoordinatedJob(name=name, num_tasks=count)
        for name, count in jobs.items()
    ]
    context.context().configure_coordination_service(
        service_type="standalone",
        service_leader=leader,
        cluster_register_timeout_in_ms=int(1000 * patience),
        heartbeat_timeout_in_ms=int(1000 * heartbeat),
        coordinated_jobs=tasks,
    )
    # Otherwise the limit is one of the others' wait alone, not of the chief's.
    context.context().coordination_service.cluster_register_with_barrier = True
