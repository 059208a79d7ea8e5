"""Speed of a served generator: samples per second and latencies, by batch size.

    python benchmarks/serving.py                               # the digits of saved_models
    python benchmarks/serving.py --image_size=28 --width=64    # a DCGAN for MNIST's shape
    python benchmarks/serving.py --model=digits --batch_size=8 --concurrency=4    # a running server

With --model a server is asked, by the flags of examples/serving_client.py. Without it requests go
through TensorFlow's C API, which model servers are built on, without their network. Beside them, in
the same process: `model.generate`, and the bare generator as a `tf.function` from NumPy to NumPy.
All of them take turns, request by request, as the machine's speed drifts; the ratio is the median
of the turns' own ratios to the bare function.
"""

import concurrent.futures
import pathlib
import sys
import tempfile
import time

import numpy as np
import tensorflow as tf
from absl import app, flags
from tqdm import tqdm

import keras_gan

ROOT = pathlib.Path(__file__).parent.parent
sys.path += [str(ROOT), str(ROOT / "examples")]

import serving_client  # noqa: E402

from tests.serving.c_api import Session  # noqa: E402

_REQUESTS = flags.DEFINE_integer("requests", 300, "Requests of each kind.", lower_bound=10)
_CONCURRENCY = flags.DEFINE_integer(
    "concurrency", 1, "Requests that a server is sent at a time.", lower_bound=1
)
_IMAGE_SIZE = flags.DEFINE_integer("image_size", 8, "Side of the images, in pixels.")
_WIDTH = flags.DEFINE_integer("width", 32, "The networks' width.")

BATCH_SIZES = (1, 16, 64)
LATENT_DIM = 64
# How much slower than the bare function `serving_default` may be, at the largest batch.
BAR = 1.10


def sources(model, session):
    """Return functions from seeds to samples, by name."""
    network = model.sampling_network
    bare = tf.function(
        lambda latents: network(latents, training=False),
        input_signature=[tf.TensorSpec((None, LATENT_DIM), tf.float32)],
    )
    drawn = model.latents.sample(tf.range(max(BATCH_SIZES), dtype=tf.int64)).numpy()
    return {
        "bare tf.function": lambda seeds: bare(drawn[: len(seeds)]).numpy(),
        "serving_default": lambda seeds: session.run(
            "serving_default", {"latents": drawn[: len(seeds)]}
        ),
        "sample": lambda seeds: session.run("sample", {"seed": seeds}),
        "sample_png": lambda seeds: session.run("sample_png", {"seed": seeds}),
        "model.generate": lambda seeds: model.generate(
            len(seeds), seed=int(seeds[0]), batch_size=len(seeds)
        ),
    }


def measure(functions, batch_size):
    """Return seconds of each request, by name, in turns."""
    seeds = np.arange(batch_size, dtype="int64")
    seconds = {name: [] for name in functions}
    bar = tqdm(range(-5, _REQUESTS.value), f"batch {batch_size}", disable=not sys.stderr.isatty())
    for turn in bar:
        for name, function in functions.items():
            start = time.perf_counter()
            function(seeds)
            if turn >= 0:  # The first ones trace and allocate.
                seconds[name].append(time.perf_counter() - start)
    return {name: np.array(values) for name, values in seconds.items()}


def report(seconds, batch_size):
    """Print a line for each source, and return the ratio of `serving_default` to the bare one."""
    bare = seconds["bare tf.function"]
    ratios = {name: np.median(values / bare) for name, values in seconds.items()}
    for name, values in seconds.items():
        p50, p99 = np.percentile(values, [50, 99]) * 1e3
        print(
            f"| {name} | {batch_size} | {batch_size / np.median(values):,.0f} | {p50:.2f} "
            f"| {p99:.2f} | {ratios[name]:.2f} |",
            flush=True,
        )
    return ratios["serving_default"]


def load(server):
    """Send a server requests, and print its samples per second and how long answers take."""
    count, threads = _REQUESTS.value, _CONCURRENCY.value
    first, size = flags.FLAGS.first_seed, flags.FLAGS.batch_size
    seeds = np.arange(first, first + size)
    inputs = serving_client.fill(server, "sample_png", seed=seeds, **serving_client.labels(size))

    def ask(number):
        """Return the seconds that one request takes; no two ask for the same."""
        batch = {**inputs, "seed": inputs["seed"] + number * size}
        begin = time.perf_counter()
        server.predict("sample_png", "image_bytes", batch)
        return time.perf_counter() - begin

    ask(count)  # Connects; and a server without warm-up requests is slow to answer its first.
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        begin = time.perf_counter()
        answers = pool.map(ask, range(count))
        seconds = [*tqdm(answers, total=count, unit=" requests", disable=not sys.stderr.isatty())]
        total = time.perf_counter() - begin
    p50, p90, p99, longest = 1000 * np.percentile(seconds, [50, 90, 99, 100])
    print(f"{count} requests of {size} samples, {threads} at a time, after one that is not counted")
    print(f"{count * size / total:.1f} samples/s")
    print(f"latency: p50 {p50:.1f} ms, p90 {p90:.1f} ms, p99 {p99:.1f} ms, max {longest:.1f} ms")


def compare():
    """Print what an export delivers beside `model.generate` and the bare generator."""
    shape = (_IMAGE_SIZE.value, _IMAGE_SIZE.value, 1)
    networks = keras_gan.networks.dcgan(shape, latent_dim=LATENT_DIM, width=_WIDTH.value)
    model = keras_gan.GAN(*networks, seed=0)
    print(f"DCGAN of width {_WIDTH.value}, {_IMAGE_SIZE.value} pixels; TensorFlow {tf.__version__}")
    print("| | batch | samples/s | p50, ms | p99, ms | to the bare function |")
    print("|---|---|---|---|---|---|")
    base = tempfile.TemporaryDirectory()
    with base, Session(model.export(f"{base.name}/digits")) as session:
        functions = sources(model, session)
        ratio = [report(measure(functions, size), size) for size in BATCH_SIZES][-1]
    verdict = "met" if ratio <= BAR else "MISSED"
    print(
        f"serving_default at batch {BATCH_SIZES[-1]}, at most {BAR:.2f} of the bare function's "
        f"time: {ratio:.2f}, {verdict}"
    )


def main(_):
    if flags.FLAGS.model is None:
        compare()
    else:
        serving_client.reach(load)


if __name__ == "__main__":
    app.run(main)
