"""Workers of a distribution strategy: how they meet, agree, and notice that one is gone."""

from keras_gan.workers.absence import readable_errors
from keras_gan.workers.agreement import are_several, is_chief, of_chief, total, wait_for_all
from keras_gan.workers.connecting import connect

__all__ = [
    "are_several",
    "connect",
    "is_chief",
    "of_chief",
    "readable_errors",
    "total",
    "wait_for_all",
]
