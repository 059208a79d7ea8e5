"""The workers that TF_CONFIG names, each with its number and address."""

import dataclasses

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Cluster:
    """All workers of a job, in the order of their numbers; the first one is the chief.

    Attributes:
        tasks: list of `(job, index)`, TensorFlow's names: jobs are "chief" and "worker".
        addresses: list of `host:port`.
        own: the number of this process.
    """

    tasks: list
    addresses: list
    own: int

    @property
    def others(self):
        """The numbers of the other workers."""
        return [number for number in range(len(self.tasks)) if number != self.own]

    def named(self, numbers):
        """Return workers in words, such as "Worker 1 of 2 (10.0.0.2:12345)".

        Args:
            numbers: which; of many, the first few are named.
        """
        numbers = sorted(numbers)
        texts = [f"{i} of {len(self.tasks)} ({self.addresses[i]})" for i in numbers[:5]]
        rest = len(numbers) - len(texts)
        return f"Worker {' and '.join(texts)}" + (f" and {rest} more" if rest else "")


def cluster_of(resolver):
    """Return the `Cluster` that a cluster resolver of TensorFlow's describes.

    Args:
        resolver: a `tf.distribute.cluster_resolver.ClusterResolver`, or `None`.

    Returns:
        A `Cluster`, or `None` where this process is no worker of several.
    """
    jobs = resolver.cluster_spec().as_dict() if resolver else {}
    tasks = [(job, index) for job in ("chief", "worker") for index in range(len(jobs.get(job, [])))]
    own = (resolver.task_type, resolver.task_id) if tasks else None
    if len(tasks) < 2 or own not in tasks:
        return None
    addresses = [jobs[job][index] for job, index in tasks]
    return Cluster(tasks, addresses, tasks.index(own))


def from_environment():
    """Return the `Cluster` of the environment variable TF_CONFIG, `None` without several workers.

    Raises:
        ValueError: when TF_CONFIG is not what TensorFlow expects.
    """
    try:
        return cluster_of(tf.distribute.cluster_resolver.TFConfigClusterResolver())
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            "Expected the environment variable TF_CONFIG to be JSON such as "
            '{"cluster": {"worker": ["10.0.0.1:12345", "10.0.0.2:12345"]}, '
            f'"task": {{"type": "worker", "index": 0}}}}. Received: {error}'
        ) from error
