"""The load test of a running server: benchmarks/serving.py."""

import pathlib
import re
import time

import pytest

from tests.examples import scripts

from .clients import TRANSPORTS, at


@pytest.fixture(scope="module")
def script():
    """The benchmark, which has the client's flags beside its own."""
    benchmarks = pathlib.Path(__file__).parents[2] / "benchmarks"
    with scripts.loaded(benchmarks / "serving.py") as module:
        yield module


@pytest.mark.slow
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_it_counts_what_it_sends(run, local, transport):
    """Three at a time, of 0.05 seconds and more each."""
    local.model.version("digits")  # Loaded.
    local.model.delay = 0.05
    begin = time.monotonic()
    printed = run(*at(local, transport), "--requests=12", "--batch_size=5", "--concurrency=3")
    took = time.monotonic() - begin
    assert (local.model.answered, local.model.together) == (13, 3)
    assert "12 requests of 5 samples, 3 at a time" in printed
    rate = float(re.search(r"([\d.]+) samples/s", printed)[1])
    assert 60 / took < rate < 60 / (4 * 0.05)
    found = re.search(
        r"p50 ([\d.]+) ms, p90 ([\d.]+) ms, p99 ([\d.]+) ms, max ([\d.]+) ms", printed
    )
    latencies = [float(value) for value in found.groups()]
    assert latencies[0] >= 50 and latencies == sorted(latencies) and latencies[-1] < 1000 * took
    assert len({float(value) for value in found.groups()}) > 1


@pytest.mark.representatives("rest")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_it_ends_with_the_first_failure(refusal, local, monkeypatch, transport):
    asked, find = [], local.model.version

    def version(*spec):
        asked.append(spec)
        local.model.ready = len(asked) < 20
        if not local.model.ready:
            time.sleep(0.05)  # The client has two seconds to notice, on the busiest machine.
        return find(*spec)

    monkeypatch.setattr(local.model, "version", version)
    where = *at(local, transport), "--batch_size=1"
    assert "not ready" in refusal(*where, "--requests=1000", "--concurrency=2")
    assert len(asked) < 100
