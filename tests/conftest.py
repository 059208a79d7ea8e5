"""What every test shares: two logical CPUs, a fixed seed, no leftovers of the last test."""

import collections
import gc
import pathlib

import keras
import pytest
import tensorflow as tf

from tests.integration.seeding import seeded
from tests.precision import precision

# Before anything touches a device: two replicas of MirroredStrategy then fit in one process.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)

TESTS = pathlib.Path(__file__).parent
# The files that take longest. They begin, or one of them would be alone at the end.
LONG = ("test_documented.py",)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark what is slow, and put long files first."""
    _mark_slow(items)
    order = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(str(item.path.relative_to(TESTS)), len(LONG)))


def _mark_slow(items):
    """Mark slow all cases of a matrix but its `representatives`: the first n, or those named."""
    counts = collections.Counter()
    for item in items:
        marker = item.get_closest_marker("representatives")
        if marker is None or item.get_closest_marker("slow"):
            continue
        matrix = item.path, item.originalname
        counts[matrix] += 1
        if isinstance(marker.args[0], int):
            is_one = counts[matrix] <= marker.args[0]
        else:
            is_one = item.callspec.id in marker.args
        if not is_one:
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish():
    """Leave what is imported out of garbage collections: most objects are TensorFlow's own."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def fixed_seed():
    """Make every test's initial weights and data its own, whatever ran before it."""
    seeded(0)


@pytest.fixture
def double_precision():
    """Build and compute in float64."""
    with precision("float64", floatx="float64"):
        yield


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Keep the classifiers that tests and examples train out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_GAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module", autouse=True)
def forget_graphs():
    """Free the traced functions of a module's models before the next module."""
    yield
    keras.backend.clear_session()  # It collects garbage too.


@pytest.fixture(scope="session")
def two_replicas():
    """Return the MirroredStrategy on two logical CPUs.

    One for all tests: the collective operations of a second one in the same process take the
    keys of the first one's.
    """
    assert len(tf.config.list_logical_devices("CPU")) == 2  # Else the strategy would wait for ever.
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
