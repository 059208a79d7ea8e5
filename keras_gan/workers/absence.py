"""Errors that say which worker is gone, in place of how its absence showed."""

import contextlib
import re

import tensorflow as tf

from keras_gan.workers.cluster import cluster_of

# What TensorFlow says when workers can't go on together, of whatever kind the error is.
_SIGNS = re.compile(
    "(?i)collective|coordination|heartbeat|unhealthy|barrier|failed to connect|socket closed"
)
# Kinds that an absence shows as. Others are a worker's own fault, unless another one is named.
_KINDS = (
    tf.errors.UnavailableError,
    tf.errors.DeadlineExceededError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.InternalError,
    tf.errors.UnknownError,
    tf.errors.FailedPreconditionError,
)
_TASK = re.compile(r"/job:(\w+)/(?:replica:\d+/)?task:(\d+)")
# By whom an error was handed on, and who came in time: they are named, but not to blame.
_MESSENGERS = re.compile(
    r"(?:remote target|first task at the barrier:) (?:/job:\w+/(?:replica:\d+/)?task:\d+)"
)
# The service that watches over all workers is the chief's.
_OF_CHIEF = re.compile(r"CoordinationService|(?i:leader)")
# What the service answers to one that was silent for too long.
_OWN = re.compile("already-in-error task|agent is in error|task has been restarted")

ADVICE = (
    "Start all workers again; with `keras_gan.callbacks.Backup` training goes on from the last "
    "backup."
)


@contextlib.contextmanager
def readable_errors(model):
    """Say which worker is gone when one is, rather than how its absence showed.

    `fit` and `evaluate` do so by themselves. The context is for what comes before them, such as
    making a model, to which all workers are needed as well.

    Args:
        model: a `keras_gan.GAN`, or the strategy that it will be made under.

    Raises:
        tf.errors.UnavailableError: on the workers that are left, seconds after one has ended or
            can't be reached; and on one that was stopped for too long, when it continues.

    Example:

    >>> strategy = keras_gan.workers.connect()
    >>> with keras_gan.workers.readable_errors(strategy), strategy.scope():
    ...     model = keras_gan.GAN(*keras_gan.networks.mlp((2,), latent_dim=4))
    """
    try:
        yield
    except tf.errors.OpError as error:
        strategy = getattr(model, "distribute_strategy", model)
        cluster = cluster_of(getattr(strategy, "cluster_resolver", None))
        text = cluster and sentence(error, cluster)
        if not text:
            raise
        raise tf.errors.UnavailableError(error.node_def, error.op, f"{text} {ADVICE}") from error


def sentence(error, cluster):
    """Return what an error of TensorFlow's says of the workers, `None` if it says nothing.

    Args:
        error: a `tf.errors.OpError`.
        cluster: the `Cluster`.
    """
    message = error.message
    if not _SIGNS.search(message):
        return None
    others = set(cluster.others)
    blamed = _tasks(_MESSENGERS.sub("", message), cluster)
    if cluster.own in blamed and _OWN.search(message):
        return (
            f"{cluster.named([cluster.own])}, which this is, gave no sign of life for too long, "
            "and the others have ended without it."
        )
    gone = blamed & others or _tasks(message, cluster) & others
    if not gone and not isinstance(error, _KINDS):
        return None
    if not gone and cluster.own and _OF_CHIEF.search(message):
        gone = {0}
    which = cluster.named(gone) if gone else "A worker, TensorFlow does not say which,"
    return (
        f"{which} has ended or can't be reached, and the others can't go on without it: see its "
        "own output for why."
    )


def _tasks(text, cluster):
    """Return the numbers of the workers that a text names."""
    found = {(job, int(index)) for job, index in _TASK.findall(text)}
    return {cluster.tasks.index(task) for task in found if task in cluster.tasks}
