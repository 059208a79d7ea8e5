"""The strategy of several workers, made when all of them are there."""

import collections
import contextlib
import signal
import threading

import tensorflow as tf

from keras_gan.utils import arguments
from keras_gan.utils.keras_internals import watch_workers
from keras_gan.workers import absence, cluster, meeting


def connect(patience=600.0, heartbeat=10.0, communication_options=None):
    """Return the strategy of all workers that TF_CONFIG names, when they are there.

    A `tf.distribute.MultiWorkerMirroredStrategy` like any other, made before anything else touches
    TensorFlow. By itself it waits for workers that don't come for an hour or for ever, without a
    word. This says every ten seconds who is awaited, and ends.

    SIGTERM stays what it was, by default the end of the process, until `fit` with
    `callbacks.Backup` takes it for a wish to stop. (TensorFlow would have it ignored.)

    Args:
        patience: seconds to wait for the others. Then they have as long again to connect, which
            takes them moments: one can be lost meanwhile. Longer than a cluster may take to start
            a worker again.
        heartbeat: seconds without a sign of life after which a worker counts as gone. Signs are
            given twice as often: a worker may stand still for less than half of it.
        communication_options: a `tf.distribute.experimental.CommunicationOptions`, or `None`.

    Returns:
        A `tf.distribute.MultiWorkerMirroredStrategy`.

    Raises:
        ValueError: when TF_CONFIG is wrong, or not the same for all workers.
        tf.errors.UnavailableError: when the others are not there in time; it names them.

    Example:
    ```python
    strategy = keras_gan.workers.connect()
    with keras_gan.workers.readable_errors(strategy), strategy.scope():
        model = keras_gan.GAN(*keras_gan.networks.dcgan((8, 8, 1), latent_dim=64))
        model.compile()
    ```
    """
    arguments.number("patience", patience, above=0)
    arguments.number("heartbeat", heartbeat, above=0)
    workers = cluster.from_environment()
    if workers is None:
        return _strategy(communication_options)
    try:
        meeting.meet(workers, patience)
    except meeting.AbsentError as error:
        raise tf.errors.UnavailableError(None, None, f"{error} {absence.ADVICE}") from None
    jobs = collections.Counter(job for job, _ in workers.tasks)
    job, index = workers.tasks[0]
    watch_workers(jobs, f"/job:{job}/replica:0/task:{index}", patience, heartbeat)
    try:
        with _signals_kept():
            strategy = _strategy(communication_options)
    except tf.errors.OpError as error:
        text = absence.sentence(error, workers)
        if text is None:
            raise
        raise tf.errors.UnavailableError(None, None, f"{text} {absence.ADVICE}") from error
    return strategy


@contextlib.contextmanager
def _signals_kept():
    """Set the handler of SIGTERM again that TensorFlow replaces, unknown to Python, by its own."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    if before is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)


def _strategy(options):
    return tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
