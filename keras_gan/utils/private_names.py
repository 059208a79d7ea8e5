"""The private names of Keras and TensorFlow that the package needs, and a check that they exist.

Neither of the two is capped: most versions change none of these names. One that does is told at
import, and not as an AttributeError in the middle of a run.
"""

import functools
import importlib

# What the tests have run with: the floors of setup.cfg.
TESTED = {"keras": "3.15", "tensorflow": "2.21"}

# What Keras's callbacks remember, which they can't say.
CALLBACKS = {
    "EarlyStopping": ("wait", "stopped_epoch", "best", "best_epoch", "best_weights"),
    "ReduceLROnPlateau": ("wait", "best", "cooldown_counter"),
    "ModelCheckpoint": ("best", "_batches_seen_since_last_saving", "_last_batch_seen"),
    "TensorBoard": ("_global_train_batch", "_global_test_batch"),
    "History": ("epoch", "history"),
}

# What modules and classes have, by their names.
MEMBERS = {
    "keras:Layer": ("_flatten_layers",),
    "keras:Model": (
        "_assert_compile_called",
        "_autoconvert_optionals",
        "_make_function",
        "_maybe_symbolic_build",
        "_trackable_children",
    ),
    "keras.optimizers:Adam": ("_all_reduce_sum_gradients",),
    "keras.src.backend.common.global_state": ("get_global_attribute", "set_global_attribute"),
    "keras.src.ops.node:Node": ("input_tensors",),
    "keras.src.ops.symbolic_arguments:SymbolicArguments": ("fill_in",),
    "keras.src.saving.saving_lib": ("H5IOStore", "_save_state", "get_attr_skipset"),
    "tensorflow.compiler.xla.tsl.protobuf.coordination_config_pb2": ("CoordinatedJob",),
    "tensorflow.data:Dataset": ("_functions", "_inputs"),
    "tensorflow.python.eager.context:Context": (
        "configure_coordination_service",
        "coordination_service",
    ),
}
# What the methods of classes name: attributes that their objects have, or arguments.
NAMED = {
    "keras:Layer": ("_inbound_nodes",),
    "keras:Model": ("_use_cached_eval_dataset",),
    "keras.layers:Conv2D": ("_kernel",),
    "keras.layers:Dense": ("_kernel",),
    "keras.layers:Embedding": ("_embeddings",),
    "keras.optimizers:Adam": (
        "_learning_rate",
        "_momentums",
        "_trainable_variables",
        "_velocities",
    ),
    "keras.optimizers:LossScaleOptimizer": ("inner_optimizer",),
    "keras.src.ops.node:Node": ("_keras_history", "arguments", "outputs"),
    "keras.src.trainers.epoch_iterator:EpochIterator": ("_steps_seen",),
    "tensorflow:Graph": ("_functions",),
    "tensorflow.python.data.ops.random_op:_RandomDataset": ("_rerandomize", "_seed", "_seed2"),
    "tensorflow.python.data.ops.shuffle_op:_ShuffleDataset": (
        "_reshuffle_each_iteration",
        "_seed",
        "_seed2",
    ),
    "tensorflow.python.trackable.resource:CapturableResource": ("_parent_trackable",),
    **{f"keras.callbacks:{name}": attributes for name, attributes in CALLBACKS.items()},
}


def missing():
    """Return which names are not there, each with its owner's."""
    return [*_missing(MEMBERS, hasattr), *_missing(NAMED, _names)]


def _missing(table, has):
    for place, names in table.items():
        module, _, kind = place.partition(":")
        whole = place.replace(":", ".")
        try:
            owner = importlib.import_module(module)
            owner = getattr(owner, kind) if kind else owner
        except (ImportError, AttributeError):
            yield whole
            continue
        yield from (f"{whole}.{name}" for name in names if not has(owner, name))


def explanation(names):
    """Return what to say of names that are not there."""
    found = [f"{name} {importlib.import_module(name).__version__}" for name in TESTED]
    tested = [f"{name} {version}" for name, version in TESTED.items()]
    command = " ".join(f'"{name}~={version}.0"' for name, version in TESTED.items())
    return (
        "keras_gan uses some names of Keras and TensorFlow that are not public, and these are no "
        f"longer there: {', '.join(names)}. It is tested with {' and '.join(tested)}. "
        f"Received: {' and '.join(found)}. Install what it is tested with, by `pip install "
        f"{command}`, or a keras_gan that is made for newer ones."
    )


def _names(owner, name):
    return any(name in _names_in(kind) for kind in owner.__mro__)


@functools.cache
def _names_in(kind):
    """Return the names in the code of a class.

    To make an object would take a device, or a number from the counters that name layers.
    """
    names = set()
    for value in vars(kind).values():
        functions = (value.fget, value.fset) if isinstance(value, property) else (value,)
        for function in functions:
            while hasattr(function, "__wrapped__"):
                function = function.__wrapped__
            code = getattr(function, "__code__", None)
            if code is not None:  # Strings are names of keyword arguments.
                names.update(code.co_names, (s for s in code.co_consts if isinstance(s, str)))
    return names
