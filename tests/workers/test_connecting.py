"""What `connect` reads off TF_CONFIG, and what it does with a wait in vain."""

import json
import signal

import pytest
import tensorflow as tf

from keras_gan.workers import cluster, connect, connecting, meeting

ADDRESSES = ["a:1", "b:2"]


@pytest.fixture
def configure(monkeypatch):
    """Return a function that sets TF_CONFIG, and have TensorFlow's own strategy be a word."""
    monkeypatch.setattr(connecting, "_strategy", lambda options: "strategy")
    monkeypatch.setattr(connecting, "watch_workers", lambda *arguments: None)
    monkeypatch.delenv("TF_CONFIG", raising=False)

    def configure(config):
        text = config if isinstance(config, str) else json.dumps(config)
        monkeypatch.setenv("TF_CONFIG", text)

    return configure


def task(index, kind="worker", **jobs):
    return {"cluster": jobs or {"worker": ADDRESSES}, "task": {"type": kind, "index": index}}


def test_all_jobs_that_train_are_workers(configure):
    configure(task(1, chief=["a:1"], worker=ADDRESSES[1:] * 2, evaluator=["c:3"]))
    found = cluster.from_environment()
    assert found.tasks == [("chief", 0), ("worker", 0), ("worker", 1)]
    assert (found.own, found.others) == (2, [0, 1])
    assert found.named([1, 0]) == "Worker 0 of 3 (a:1) and 1 of 3 (b:2)"


def test_of_many_the_first_are_named():
    many = cluster.Cluster([("worker", i) for i in range(9)], [f"w:{i}" for i in range(9)], 0)
    assert many.named(many.others).endswith(" and 5 of 9 (w:5) and 3 more")


@pytest.mark.parametrize(
    "config", [None, "{}", task(0, worker=["a:1"]), task(0, "evaluator", worker=ADDRESSES)]
)
def test_one_by_itself_meets_nobody(configure, config, monkeypatch):
    monkeypatch.delattr(meeting, "meet")
    if config is not None:
        configure(config)
    assert connect() == "strategy"


@pytest.mark.parametrize("text", ["{", '{"cluster": 3}', '{"cluster": {"worker": 3}}'])
def test_a_broken_config_is_refused(configure, text):
    configure(text)
    with pytest.raises(ValueError, match="TF_CONFIG to be JSON such as"):
        connect()


def test_a_wait_in_vain_says_what_to_do(configure, monkeypatch):
    def meet(workers, patience):
        raise meeting.AbsentError(f"{workers.named(workers.others)} {patience:g}")

    monkeypatch.setattr(meeting, "meet", meet)
    configure(task(0))
    with pytest.raises(tf.errors.UnavailableError) as error:
        connect(patience=3)
    assert error.value.message.startswith("Worker 1 of 2 (b:2) 3 Start all workers again; with")


def test_tensorflows_handler_of_a_signal_is_replaced(configure, monkeypatch):
    handlers = []
    monkeypatch.setattr(meeting, "meet", lambda *arguments: None)
    monkeypatch.setattr(signal, "signal", lambda *arguments: handlers.append(arguments))
    configure(task(0))
    connect()
    assert handlers == [(signal.SIGTERM, signal.getsignal(signal.SIGTERM))]


@pytest.mark.parametrize("name", ["patience", "heartbeat"])
def test_seconds_are_checked(name):
    with pytest.raises(ValueError, match=name):
        connect(**{name: 0})
