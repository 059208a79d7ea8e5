"""The private names of Keras and TensorFlow that the package uses, each with the reason.

The tests of this module fail, naming the function, when Keras or TensorFlow changes one of them.
Private methods that the package overrides must stand in the classes that do so:

- `_trackable_children` (saving.py): what `tf.train.Checkpoint` saves of a model.
- `_assert_compile_called` (running/fitting.py): how Keras refuses a model that isn't compiled.
- `_make_function` (running/fitting.py): how a step is run on the batches of an iterator.
- `_maybe_symbolic_build` (running/fitting.py): how Keras builds a model from a first batch.
"""

import concurrent.futures
import io

import keras
from keras.src.backend.common import global_state
from keras.src.saving import saving_lib

# Keras's callbacks can't say what they remember: these attributes are what a resumed run needs.
_CALLBACK_ATTRIBUTES = {
    keras.callbacks.EarlyStopping: ("wait", "stopped_epoch", "best", "best_epoch", "best_weights"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "best", "cooldown_counter"),
    keras.callbacks.ModelCheckpoint: (
        "best",
        "_batches_seen_since_last_saving",
        "_last_batch_seen",
    ),
    keras.callbacks.TensorBoard: ("_global_train_batch", "_global_test_batch"),
    keras.callbacks.History: ("epoch", "history"),
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
    """Return the names of the attributes in which one of Keras's callbacks remembers, or `None`."""
    for kind, attributes in _CALLBACK_ATTRIBUTES.items():
        if isinstance(callback, kind):
            return attributes
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
