"""A table as a command: runs what is missing, prints the table and writes it into the page."""

import collections
import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable

import page
import tables
from absl import app, flags
from rows import ROWS, Row, Rows, fingerprint

_ONLY = flags.DEFINE_multi_string("only", [], "Run this arm alone; may be given several times.")
_SEEDS = flags.DEFINE_list("seeds", [], "Run these seeds instead of the arms' own; needs rows_dir.")
_STEPS = flags.DEFINE_integer("steps", None, "Steps of every run, for a trial; needs rows_dir.")
# Public for the tables' data: a trial reads no more than it judges.
SAMPLES = flags.DEFINE_integer(
    "samples", None, "Samples, real or generated, for a trial; needs rows_dir.", lower_bound=1
)
_JOBS = flags.DEFINE_integer("jobs", 2, "Processes at a time, of one thread each.", lower_bound=1)
_TABLE_ONLY = flags.DEFINE_bool("table_only", False, "Run nothing; show what is there.")
_AGAIN = flags.DEFINE_bool("again", False, "Run those again that failed.")
_ROWS = flags.DEFINE_string("rows_dir", None, "Directory of the rows, if not the published ones.")
_PAGE = flags.DEFINE_string(
    "page", None, "Page to write, if not the table's own; none with rows_dir."
)
_RUN = flags.DEFINE_string("run", None, "Internal: play this one run, `arm/seed`.")


# Two runs side by side are faster than one on two threads. In the environment, since TensorFlow's
# own settings come too late for a table that computes a figure when it is imported.
ONE_THREAD = {
    name: "1" for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
}

# In the environment of a run's process: who started it.
_PARENT = "KERAS_GAN_PROOFS_PARENT"


@dataclasses.dataclass(frozen=True)
class Arm:
    """One line of a table; a table's own arms add their settings.

    Attributes:
        name: of files and flags.
        title: as the table has it.
        steps: training steps of one run.
        seeds: the runs.
        version: raised when the code of the arm changes and its settings don't.
        notes: lines below it, see `tables.summary`.
    """

    name: str
    title: str
    steps: int
    seeds: tuple = (0,)
    version: int = 1
    notes: tuple = ()

    @property
    def fingerprint(self):
        """Digest of what a run's figures depend on."""
        shown = ("name", "title", "seeds", "notes")
        settings = {k: v for k, v in dataclasses.asdict(self).items() if k not in shown}
        return fingerprint(settings)


@dataclasses.dataclass(frozen=True)
class Table:
    """What makes a table of runs.

    Attributes:
        name: of the directory of rows and of the page's markers.
        arms: its lines.
        play: function of `(arm, seed)` that runs one and returns its figures by name.
        figures: its columns, `tables.Figure`s.
        prepare: function run once before the runs, such as the training of a classifier that all
            of them load.
        finish: function of `(arms, rows)` that draws a picture, or adds text below the table.
        page: that has the table's markers.
    """

    name: str
    arms: tuple
    play: Callable
    figures: tuple
    prepare: Callable | None = None
    finish: Callable | None = None
    page: pathlib.Path = page.PAGE


def command(*of):
    """Run the command line of one or several tables, whose arms differ in name."""
    app.run(lambda _: _command(of))


def _command(of):
    if (_STEPS.value or _SEEDS.value or SAMPLES.value) and not _ROWS.value:
        raise app.UsageError("--steps, --seeds and --samples are for trials: give --rows_dir too.")
    given = [(table, Rows(table.name, _ROWS.value or ROWS), _arms(table)) for table in of]
    if _RUN.value:
        name, seed = _RUN.value.rsplit("/", 1)
        _play(*next(_run(name, *each) for each in given if name in _names(each[2])), int(seed))
        return
    known = [name for _, _, arms in given for name in _names(arms)]
    wanted = _ONLY.value or known
    if unknown := set(wanted) - set(known):
        raise app.UsageError(f"No such arm: {', '.join(unknown)}. There are {', '.join(known)}.")
    for table, store, arms in given:
        if not _TABLE_ONLY.value:
            _run_missing(table, store, [arm for arm in arms if arm.name in wanted])
        _publish(table, store, arms)


def _names(arms):
    return [arm.name for arm in arms]


def _run(name, table, store, arms):
    return table, store, next(arm for arm in arms if arm.name == name)


def _arms(table):
    return [_tried(arm) for arm in table.arms]


def _tried(arm):
    """Return an arm as the flags of a trial change it: steps and seeds of those that train."""
    changes = {}
    if SAMPLES.value:
        changes["samples"] = SAMPLES.value
    if _STEPS.value and arm.steps:
        changes["steps"] = _STEPS.value
    if _SEEDS.value and arm.steps:
        changes["seeds"] = tuple(int(seed) for seed in _SEEDS.value)
    return dataclasses.replace(arm, **changes)


def _play(table, store, arm, seed):
    """Play one run, on one thread, and keep its row."""
    _die_with(int(os.environ.get(_PARENT, os.getppid())))
    start, figures, error = time.perf_counter(), {}, None
    try:
        figures = {key: float(value) for key, value in table.play(arm, seed).items()}
    except Exception as problem:  # A run that fails is a result.
        error = f"{type(problem).__name__}: {str(problem).splitlines()[0] if str(problem) else ''}"
        print(error, file=sys.stderr)
    seconds = round(time.perf_counter() - start, 1)
    store.save(Row(arm.name, seed, arm.steps, arm.fingerprint, figures, seconds, error))


def _die_with(parent):
    """End this process and what it started when its own parent is gone, however that ended.

    Args:
        parent: process id of the parent.
    """

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _run_missing(table, store, arms):
    """Run what has no row, some at a time, with a line for each that is done."""
    # By seed first: a table that is not finished has runs of every arm.
    runs = sorted(((seed, arm) for arm in arms for seed in arm.seeds), key=lambda run: run[0])
    found = [(arm, seed, store.find(arm.name, seed, arm.fingerprint)) for seed, arm in runs]
    missing = [(arm, seed) for arm, seed, row in found if not row or (_AGAIN.value and row.failed)]
    done = [row for _, _, row in found if row and not (_AGAIN.value and row.failed)]
    print(f"{table.name}: {len(done)} of {len(runs)} runs are there.", flush=True)
    if missing and table.prepare:
        table.prepare()
    times = collections.defaultdict(list)
    for row in done:
        times[row.arm].append(row.seconds)
    for arm, seed, row in _finished(store, missing):
        missing.remove((arm, seed))
        if row is None:
            continue
        times[row.arm].append(row.seconds)
        shown = row.failed or ", ".join(
            f"{f.title} {f.text(row.figures[f.key])}" for f in table.figures if f.key in row.figures
        )
        left = _remaining(missing, times)
        print(
            f"[{len(runs) - len(missing)}/{len(runs)}] {arm.name} seed {seed}: {shown} "
            f"({tables.duration(row.seconds)}; {left} left)",
            flush=True,
        )


def _remaining(missing, times):
    """Return how long the missing runs will take, by those that are done."""
    every = [seconds for some in times.values() for seconds in some]
    left = sum(sum(s) / len(s) for s in (times.get(arm.name) or every for arm, _ in missing))
    return tables.duration(left / min(_JOBS.value, max(1, len(missing))))


def _finished(store, missing):
    """Run in processes of their own; yield `(arm, seed, row)` as they end, no row if killed."""
    waiting, running = collections.deque(missing), {}
    with tempfile.TemporaryDirectory() as logs:
        try:
            while waiting or running:
                while waiting and len(running) < _JOBS.value:
                    arm, seed = waiting.popleft()
                    log = pathlib.Path(logs) / f"{arm.name}-{seed}"
                    running[_start(arm, seed, log)] = arm, seed, log
                for process in [p for p in running if p.poll() is not None]:
                    arm, seed, log = running.pop(process)
                    yield arm, seed, _row(store, arm, seed, process.returncode, log)
                time.sleep(0.1)
        finally:
            for process in running:
                os.killpg(process.pid, signal.SIGKILL)


def _start(arm, seed, log):
    arguments = [argument for argument in sys.argv if not argument.startswith("--run=")]
    own = {"TF_CPP_MIN_LOG_LEVEL": "2", _PARENT: str(os.getpid())}
    environment = {**os.environ, **ONE_THREAD, **own}
    with open(log, "w") as file:
        return subprocess.Popen(
            [sys.executable, *arguments, f"--run={arm.name}/{seed}"],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
            # A group of its own, by which it is ended with what it has started.
            start_new_session=True,
        )


def _row(store, arm, seed, code, log):
    row = store.find(arm.name, seed, arm.fingerprint) if code == 0 else None
    if row is None:
        tail = "\n".join(log.read_text().splitlines()[-15:])
        print(f"{arm.name} seed {seed} ended with code {code}, without a row:\n{tail}", flush=True)
    return row


def _publish(table, store, arms):
    """Print the table, and write it into the page."""
    rows = {}
    for arm in arms:
        found = (store.find(arm.name, seed, arm.fingerprint) for seed in arm.seeds)
        rows[arm.name] = [row for row in found if row]
    parts = [
        tables.summary(arms, rows, table.figures),
        tables.provenance(rows),
        tables.every_run(arms, rows, table.figures),
    ]
    if table.finish:
        parts += [text for text in [table.finish(arms, rows)] if text]
    text = "\n\n".join(parts)
    print(text)
    publish(table.name, text, table.page)


def publish(name, text, usual=page.PAGE):
    """Write a table into the page that the flags say, if any.

    Args:
        name: the table's name.
        text: the table.
        usual: the page where no flag says another.
    """
    target = _PAGE.value or (None if _ROWS.value else usual)
    if target:
        page.write(target, name, text)
        print(f"Wrote the table into {target}")
