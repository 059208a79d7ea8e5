r"""Gain of a second worker: images per second of one process, of two, and of one job of two.

    python benchmarks/scaling.py

One core for each process, MNIST's shape, a DCGAN, 128 images a step for each worker. The ceiling is
what two processes reach that know nothing of each other: they share memory and caches, not a
gradient. What two workers of one job lose against it is what communication costs. All three take
turns, round after round.

A machine's speed drifts by more than that from one minute to the next. So the ratio is taken
again within the workers' own processes: in turns of some seconds they train one model together,
and each a model of its own at the same time.

Two that wait for each other at every step are as slow as the slower one of each. What that alone
would leave of the ceiling follows from the steps of the two that are apart, printed as "waiting":
with cores of uneven speed it is below 1 however little is exchanged.

With --exchange it measures a bare all-reduce between two workers, by size, which the model of
communication in docs/scaling.md is made of.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from absl import app, flags

_ROUNDS = flags.DEFINE_integer("rounds", 3, "How often to measure each.", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 150, "Training steps that are timed.", lower_bound=10)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 128, "Images in a worker's batch.")
_WIDTH = flags.DEFINE_integer("width", 32, "The networks' width.")
_EXCHANGE = flags.DEFINE_bool("exchange", False, "Measure bare exchanges of many sizes instead.")
_TURNS = flags.DEFINE_integer("turns", 10, "Turns together and apart, in one pair of processes.")
_ROLE = flags.DEFINE_enum(
    "role", None, ["train", "turns", "exchange"], "Internal: what a process does."
)
_GATE = flags.DEFINE_string("gate", None, "Internal: directory in which processes wait.")

WARM_UP = 20
# What two workers are to reach of two processes apart.
BAR = 0.85
SIZES = (1, 1_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000)


def child(core, gate, role, task_config=None):
    """Start a process on one core."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    if task_config:
        environment["TF_CONFIG"] = json.dumps(task_config)
    command = [sys.executable, *sys.argv, f"--role={role}", f"--gate={gate}"]
    return subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )


def rates(count, job, role="train"):
    """Return what each of several processes prints, by itself or as workers of one job."""
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "examples"))
    from launch_local import free_ports

    cores = sorted(os.sched_getaffinity(0))[:count]
    workers = [f"127.0.0.1:{port}" for port in free_ports(count)]
    with tempfile.TemporaryDirectory() as gate:
        processes = []
        for index, core in enumerate(cores):
            task = {"type": "worker", "index": index}
            config = {"cluster": {"worker": workers}, "task": task} if job else None
            processes.append(child(core, gate, role, config))
        while len(os.listdir(gate)) < count and all(p.poll() is None for p in processes):
            time.sleep(0.05)
        pathlib.Path(gate, "go").touch()
        outputs = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise RuntimeError(f"A process failed; it printed: {outputs}")
    return [json.loads(output.splitlines()[-1]) for output in outputs]


def wait_for_the_others():
    """Wait until all processes are ready, so that what is timed runs side by side."""
    gate = pathlib.Path(_GATE.value)
    (gate / str(os.getpid())).touch()
    while not (gate / "go").exists():
        time.sleep(0.01)


def train():
    """Train, and print the images per second of this process, and the seconds of each step."""
    strategy = strategy_of()
    rate, seconds = trainer(strategy, WARM_UP + _STEPS.value)(wait_for_the_others)
    print(json.dumps([rate, seconds]))


def turns():
    """Train together and apart in turns, and print images per second of this process in each."""
    strategy = strategy_of()
    import tensorflow as tf

    steps = WARM_UP + _STEPS.value // 4
    together = trainer(strategy, steps)
    apart = trainer(tf.distribute.get_strategy(), steps)
    wait_for_the_others()
    rates = [[together()[0], apart()[0]] for _ in range(_TURNS.value + 1)]
    print(json.dumps(rates[1:]))  # The first turn traces.


def strategy_of():
    """Return the strategy of this process, made before anything else."""
    import tensorflow as tf

    if "TF_CONFIG" in os.environ:
        return tf.distribute.MultiWorkerMirroredStrategy()
    return tf.distribute.get_strategy()


def trainer(strategy, steps):
    """Return a function that trains and returns images per second, and the seconds of each step.

    Args:
        strategy: of this process.
        steps: how many, the first of which are not timed.
    """
    import keras

    import keras_gan

    class Clock(keras.callbacks.Callback):
        def __init__(self, warmed_up):
            super().__init__()
            self.warmed_up = warmed_up

        def on_train_batch_end(self, batch, logs=None):
            if batch + 1 == WARM_UP:
                self.warmed_up()
                self.ends = []
            if batch + 1 >= WARM_UP:
                self.ends.append(time.perf_counter())

    with strategy.scope():
        networks = keras_gan.networks.dcgan((28, 28, 1), latent_dim=64, width=_WIDTH.value)
        model = keras_gan.GAN(*networks, seed=0)
        model.compile("non_saturating")
    batch = _BATCH_SIZE.value * strategy.num_replicas_in_sync
    shape = (min(steps * batch, 20_000), 28, 28, 1)
    images = np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")
    data = keras_gan.datasets.from_arrays(images, batch_size=batch, seed=0)
    data = data.repeat(steps * batch // len(images) + 1).take(steps)

    def rate(warmed_up=lambda: None):
        clock = Clock(warmed_up)
        model.fit(data, callbacks=[clock], verbose=0)
        seconds = np.diff(clock.ends)
        return _BATCH_SIZE.value / seconds.mean(), seconds.tolist()

    return rate


def exchange():
    """Time all-reduces of many sizes, and print seconds for each."""
    import tensorflow as tf

    strategy = tf.distribute.MultiWorkerMirroredStrategy()

    def summed(value):
        context = tf.distribute.get_replica_context()
        return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(value))

    @tf.function
    def several(value, times):
        for _ in tf.range(times):
            value = strategy.run(summed, args=(value,)) / 2
        return value

    seconds = {}
    wait_for_the_others()
    for size in SIZES:
        value, times = tf.ones(size), 100 if size < 100_000 else 20
        several(value, times)
        start = time.perf_counter()
        several(value, times).numpy()
        seconds[size] = (time.perf_counter() - start) / times
    print(json.dumps(seconds))


def compare():
    """Print images per second of the three, and the ratio to the ceiling."""
    columns = "alone", "two apart", "two workers", "to ceiling", "waiting"
    print(f"{'round':>6}" + "".join(f"{column:>13}" for column in columns), flush=True)
    rows = []
    for number in range(1, _ROUNDS.value + 1):
        runs = [rates(1, False), rates(2, False), rates(2, True)]
        alone, apart, together = (sum(rate for rate, _ in run) for run in runs)
        rows.append((alone, apart, together, together / apart, waiting(runs[1])))
        print(line(number, rows[-1]), flush=True)
    medians = [statistics.median(column) for column in zip(*rows, strict=True)]
    alone, apart, together, ratio, _ = medians
    print(line("median", medians))
    print(f"to the ceiling at least {BAR}: {'met' if ratio >= BAR else 'MISSED'}")
    print(f"to one alone: two apart {apart / alone:.2f}, two workers {together / alone:.2f}")
    workers = np.array(rates(2, True, "turns"))  # By worker, turn, and together or apart.
    ratios = (workers[:, :, 0].sum(axis=0) / workers[:, :, 1].sum(axis=0)).tolist()
    print(
        f"in turns, two workers to two apart: median {statistics.median(ratios):.3f}, from "
        f"{min(ratios):.3f} to {max(ratios):.3f} in {len(ratios)} turns"
    )


def waiting(runs):
    """Return what is left of the ceiling when each step takes as long as on the slower of both.

    Args:
        runs: of two processes apart, as `rates` returns them.
    """
    first, second = (np.array(seconds) for _, seconds in runs)
    return 2 / np.maximum(first, second).mean() / (1 / first.mean() + 1 / second.mean())


def line(head, row):
    """Return a line of the table: three rates and two ratios."""
    cells = [f"{value:13.0f}" for value in row[:3]] + [f"{value:13.3f}" for value in row[3:]]
    return f"{head:>6}" + "".join(cells)


def exchanges():
    """Print the time of an all-reduce by size, and the latency and bandwidth they amount to."""
    seconds = np.array([list(each.values()) for each in rates(2, True, "exchange")]).max(axis=0)
    print(f"{'floats':>10}{'ms':>10}")
    for size, time_taken in zip(SIZES, seconds, strict=True):
        print(f"{size:>10,}{1e3 * time_taken:10.3f}")
    slope, begin = np.polyfit(np.array(SIZES) * 4, seconds, 1)
    print(f"an exchange takes {1e3 * begin:.2f} ms, and {1e9 * slope:.3f} ms for each MB")


def main(_):
    if _ROLE.value:
        {"train": train, "turns": turns, "exchange": exchange}[_ROLE.value]()
    elif _EXCHANGE.value:
        exchanges()
    else:
        compare()


if __name__ == "__main__":
    app.run(main)
