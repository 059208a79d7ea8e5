"""The command that compares golden runs: what its hashes see, and what it runs."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def golden(benchmark):
    """Return the command's module."""
    return benchmark("golden")


def test_a_hash_sees_every_bit_every_shape_and_every_type(golden):
    array = np.linspace(0, 1, 6, dtype="float32")
    other = array.copy()
    other[3] = np.nextafter(other[3], 1, dtype="float32")
    parts = [array, other, array.reshape(2, 3), array.astype("float64"), array[::-1]]
    hashes = [golden.fingerprint([part, 1.5]) for part in parts]
    assert len(set(hashes)) == len(parts)
    assert hashes[0] == golden.fingerprint([array.copy(), 1.5])
    assert hashes[0] != golden.fingerprint([1.5, array])


def test_it_runs_what_a_change_of_the_core_may_break(golden):
    kinds = ["simultaneous", "unrolled", "discriminator_steps", "r1_r2", "gradient_penalty", "lazy"]
    kinds += ["consistency", "feature_matching", "average", "adaptive", "packing", "spectral_norm"]
    kinds += ["labels", "translation", "bfloat16", "two_replicas"]
    assert len(golden.RUNS) >= 16
    assert all(any(name.startswith(kind) for name in golden.RUNS) for kind in kinds)
