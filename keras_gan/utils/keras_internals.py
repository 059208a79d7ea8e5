"""Private names of Keras and TensorFlow, each with why it is needed."""

import tensorflow as tf

# Operations by which a function goes on from a state that lasts from one call to the next.
_STATEFUL = {"AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", "RngReadAndSkip"}


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
    for source in dataset._inputs():
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
