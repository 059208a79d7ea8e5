"""Errors as TensorFlow 2.21 raised them when one of two or three workers was killed or stopped."""

import types

import pytest
import tensorflow as tf

from keras_gan.workers import absence
from keras_gan.workers.cluster import Cluster
from tests.integration import small

UNAVAILABLE, DEADLINE, ABORTED = (
    tf.errors.UnavailableError,
    tf.errors.DeadlineExceededError,
    tf.errors.AbortedError,
)
GRAPH = "Graph execution error:\n\nDetected at node CollectiveReduceV2 defined at:\n\n"
REST = "The error could be from a previous operation. Restart your program to reset."
SILENT = (
    GRAPH + "Collective ops is aborted by: Error reported from /job:worker/task:1: The following "
    "tasks are unhealthy (stopped sending heartbeats):\n/job:worker/replica:0/task:1\nThe tasks "
    f"have crashed. Check the task logs for an earlier error.\n{REST}"
)
REFUSED = "Failed to connect to remote host: Connection refused"
HEARTBEAT = (
    GRAPH + "Collective ops is aborted by: Deadline Exceeded\n\n"
    f"RPC: /tensorflow.CoordinationService/Heartbeat\n{REST}"
)
CONTINUED = (
    GRAPH + "Collective ops is aborted by: Unexpected heartbeat request from an already-in-error "
    "task: /job:worker/replica:0/task:{0} with existing error: UNAVAILABLE: Task "
    "/job:worker/replica:0/task:{0} heartbeat timeout. This indicates that the remote task has "
    "failed, got preempted, or crashed unexpectedly. [type.googleapis.com/tensorflow."
    "CoordinationServiceError='']\n\nRPC: /tensorflow.CoordinationService/Heartbeat\n" + REST
)
BARRIER = (
    "Barrier timed out. Id: [Init]Wait_for_all_tasks_to_register::0. This usually happens because "
    "a task triggered the barrier too early or too slowly.\n# of tasks that reached the barrier: "
    "1/2.\nThe first task at the barrier: /job:worker/replica:0/task:0. Some timed out task names:"
    "\n/job:worker/replica:0/task:1\n\n"
)


def called(task, call, cause, status=14):
    """Return what a message says of a call that failed."""
    return (
        f"\nAdditional GRPC error information from remote target /job:worker/replica:0/task:{task} "
        f"while calling /tensorflow.{call}:\n:UNKNOWN:Error received from peer  "
        f'{{grpc_message:"{cause}", grpc_status:{status}}}'
    )


def cluster(own, count=3):
    return Cluster(
        [("worker", i) for i in range(count)], [f"10.0.0.{i}:12345" for i in range(count)], own
    )


@pytest.mark.parametrize(
    ("kind", "message", "own", "gone"),
    [
        # The chief is killed: in the first step, later, and as it sends.
        (
            UNAVAILABLE,
            "Collective ops is aborted by: failed to connect to all addresses"
            + called(0, "WorkerService/CompleteInstance", REFUSED),
            1,
            0,
        ),
        (
            UNAVAILABLE,
            "Collective ops is aborted by: recvmsg:Connection reset by peer"
            + called(0, "WorkerService/CompleteInstance", "recvmsg:Connection reset by peer"),
            1,
            0,
        ),
        (
            UNAVAILABLE,
            "Collective ops is aborted by: Socket closed"
            + called(0, "WorkerService/RecvBuf", "Socket closed"),
            1,
            0,
        ),
        # Another is killed or stopped, as the chief sees it, and as a third one does.
        (UNAVAILABLE, SILENT, 0, 1),
        (UNAVAILABLE, SILENT + called(0, "CoordinationService/Heartbeat", "unhealthy"), 2, 1),
        (
            UNAVAILABLE,
            "Collective ops is aborted by: recvmsg:Connection reset by peer"
            + called(1, "WorkerService/RecvBuf", "recvmsg:Connection reset by peer"),
            2,
            1,
        ),
        # The chief is stopped: no task is named.
        (DEADLINE, HEARTBEAT, 1, 0),
        # They come when it continues.
        (ABORTED, CONTINUED.format(0), 0, "own"),
        (
            ABORTED,
            CONTINUED.format(1) + called(0, "CoordinationService/Heartbeat", "Unexpected"),
            1,
            "own",
        ),
        (
            UNAVAILABLE,
            "Collective ops is aborted by: Failed to send RPC to coordination service. "
            "Either the leader task was preempted/died/restarted unexpectedly"
            + called(0, "CoordinationService/Heartbeat", REFUSED),
            1,
            0,
        ),
        # The chief has been started again meanwhile.
        (
            ABORTED,
            "Collective ops is aborted by: Leader incarnation ID mismatch: the coordination "
            "leader (usually slice 0 task 0) has restarted.",
            1,
            0,
        ),
        # While they connect.
        (DEADLINE, BARRIER + called(0, "CoordinationService/RegisterTask", BARRIER, 4), 0, 1),
        (DEADLINE, BARRIER + called(0, "CoordinationService/RegisterTask", BARRIER, 4), 2, 1),
        (
            DEADLINE,
            "Deadline Exceeded"
            + called(0, "CoordinationService/RegisterTask", "Deadline Exceeded", 4),
            1,
            0,
        ),
        # Nobody is named.
        (tf.errors.InternalError, "Collective ops is aborted by: unexpected exception", 1, None),
        (tf.errors.CancelledError, "Collective ops is aborted by: cancelled", 0, None),
        # Another one's own fault, as it is handed on.
        (
            tf.errors.InvalidArgumentError,
            "Collective ops is aborted by: Error reported from /job:worker/task:2: NaN",
            0,
            2,
        ),
    ],
)
def test_who_is_gone(kind, message, own, gone):
    said = absence.sentence(kind(None, None, message), cluster(own))
    if gone == "own":
        assert said.startswith(f"Worker {own} of 3 (10.0.0.{own}:12345), which this is, gave no")
    elif gone is None:
        assert said.startswith("A worker, TensorFlow does not say which, has ended")
    else:
        assert said.startswith(f"Worker {gone} of 3 (10.0.0.{gone}:12345) has ended or can't be")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (tf.errors.InvalidArgumentError, "Collective ops is aborted by: assertion failed: [NaN]"),
        (tf.errors.DataLossError, "truncated record at 17"),
        (tf.errors.UnavailableError, "the bucket can't be reached"),
        (tf.errors.ResourceExhaustedError, "Collective ops is aborted by: OOM on task:0"),
    ],
)
def test_a_workers_own_faults_stay_as_they_are(kind, message):
    error = kind(None, None, message)
    assert absence.sentence(error, cluster(0)) is None
    with pytest.raises(kind) as raised, absence.readable_errors(strategy(["a:1", "b:2"])):
        raise error
    assert raised.value is error


def strategy(addresses, job="worker", **jobs):
    """Return as much of a strategy as is looked at."""
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({job: addresses, **jobs}), task_type=job, task_id=0
    )
    return types.SimpleNamespace(cluster_resolver=resolver)


def test_contexts_within_each_other_tell_once():
    both = strategy(["a:1", "b:2"])
    told = absence.readable_errors
    with pytest.raises(tf.errors.UnavailableError) as raised, told(both), told(both):
        raise tf.errors.UnavailableError(None, None, SILENT)
    assert raised.value.message.startswith("Worker 1 of 2 (b:2) has ended")
    assert raised.value.message.count("Start all workers again") == 1


def test_a_chief_may_be_a_job_of_its_own():
    message = SILENT.replace("task:1", "task:0")
    told = absence.readable_errors(strategy(["a:1"], "chief", worker=["b:2", "c:3"]))
    with pytest.raises(tf.errors.UnavailableError, match=r"Worker 1 of 3 \(b:2\) has"), told:
        raise tf.errors.UnavailableError(None, None, message)


def test_one_process_has_nobody_to_miss():
    told = absence.readable_errors(tf.distribute.get_strategy())
    with pytest.raises(tf.errors.UnavailableError, match="Collective"), told:
        raise tf.errors.UnavailableError(None, None, SILENT)


@pytest.mark.slow
def test_evaluate_tells_of_a_loss_while_metrics_run(monkeypatch):
    """They come after the game's figures, which an exchange of all workers has made."""
    model = small.gan()
    model.compile()

    def lost(*arguments, **keywords):
        raise tf.errors.UnavailableError(None, None, SILENT)

    monkeypatch.setattr(model.quality, "evaluate", lost)
    monkeypatch.setattr(absence, "cluster_of", lambda resolver: cluster(0))
    with pytest.raises(tf.errors.UnavailableError, match=r"Worker 1 of 3 .* has ended"):
        model.evaluate(small.points(8), verbose=0)
