import json
import math
import os
import signal
import subprocess
import sys
import time

import commands
import pytest

rows = commands.module("rows")

# A table without TensorFlow: its runs note that they ran, and do as their names say.
TOY = """
import dataclasses, os, pathlib, signal, subprocess, sys
import runs, tables

signal.signal(signal.SIGINT, signal.default_int_handler)  # Ignored where it is so for its parent.

HERE = pathlib.Path(__file__).parent

@dataclasses.dataclass(frozen=True)
class Toy(runs.Arm):
    base: float = 0.0

def play(arm, seed):
    with open(HERE / "played", "a") as file:
        file.write(f"{arm.name}-{seed}\\n")
    if arm.name == "raises" and seed == 1:
        raise ArithmeticError("no luck")
    if arm.name == "slow":
        subprocess.run([sys.executable, "-c", "import time; time.sleep(60)", __file__])
    return {"score": float("nan") if arm.name == "nan" else arm.base + seed}

ARMS = tuple(Toy(name, f"The {name}", 10, (0, 1), base=BASE) for name in NAMES)
FIGURES = (tables.Figure("score", "the score", 1),)
runs.command(runs.Table("toy", ARMS, play, FIGURES))
"""


def toy(directory, *names, base=5.0):
    """Write a toy table's script; return it and its directory of rows."""
    script = directory / "toy.py"
    script.write_text(f"NAMES, BASE = {names!r}, {base!r}\n{TOY}")
    return script, f"--rows_dir={directory / 'rows'}"


def played(directory):
    file = directory / "played"
    text = file.read_text() if file.exists() else ""
    file.unlink(missing_ok=True)
    return sorted(text.split())


def test_finished_runs_are_not_run_again(tmp_path):
    script = toy(tmp_path, "good")
    first = commands.run(*script).stdout
    assert "| The good | 2 | 10 | 5.5 ± 0.5 (5.0) |" in first
    assert played(tmp_path) == ["good-0", "good-1"]
    again = commands.run(*script).stdout
    assert "toy: 2 of 2 runs are there." in again
    assert again.endswith(first[first.index("|  | runs") :])
    assert played(tmp_path) == []
    (tmp_path / "rows" / "toy" / "good-1.json").unlink()
    assert "The good | 1 of 2 | 10 | 5.0 |" in commands.run(*script, "--table_only").stdout
    assert played(tmp_path) == []


@pytest.mark.slow
def test_changed_settings_are_run_again(tmp_path):
    commands.run(*toy(tmp_path, "good"))
    played(tmp_path)
    assert "6.5 ± 0.5" in commands.run(*toy(tmp_path, "good", base=6.0)).stdout
    assert played(tmp_path) == ["good-0", "good-1"]
    trial = commands.run(*toy(tmp_path, "good", base=6.0), "--steps=3", "--seeds=7").stdout
    assert "| The good | 1 | 3 | 13.0 |" in trial
    assert played(tmp_path) == ["good-7"]


@pytest.mark.slow
def test_failed_runs_are_rows(tmp_path):
    script = toy(tmp_path, "good", "raises", "nan")
    out = commands.run(*script).stdout
    assert "| The raises | 1, 1 failed | 10 | 5.0 |" in out
    assert "| The nan | 0, 2 failed | 10 | - |" in out
    assert "failed: ArithmeticError: no luck" in out
    assert out.count("failed: not finite: score") == 2
    played(tmp_path)
    commands.run(*script)
    assert played(tmp_path) == []
    commands.run(*script, "--again", "--only=raises")
    assert played(tmp_path) == ["raises-1"]


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_an_ended_command_leaves_no_row_and_no_process(tmp_path, ending):
    script = toy(tmp_path, "good", "slow")
    command = [sys.executable, *map(str, script), "--jobs=3"]
    environment = {**os.environ, "PYTHONPATH": str(commands.PROOFS)}
    parent = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    wanted = {"good-0.json", "good-1.json"}
    found = tmp_path / "rows" / "toy"
    _wait(lambda: found.exists() and wanted <= set(os.listdir(found)))
    _wait(lambda: "slow-0" in (tmp_path / "played").read_text())
    parent.send_signal(ending)
    parent.wait()
    _wait(lambda: not _running(script[0]))
    assert set(os.listdir(found)) == wanted
    played(tmp_path)
    commands.run(*script, "--only=good")
    assert played(tmp_path) == []


def _wait(condition):
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.1)


def _running(script):
    # "ww": lines of any length.
    listed = subprocess.run(["ps", "-wweo", "args"], capture_output=True, text=True, check=True)
    return str(script) in listed.stdout


def test_trials_keep_away_from_what_is_published(tmp_path):
    script, _ = toy(tmp_path, "good")
    for arguments in (["--steps=3"], ["--seeds=100"]):
        result = commands.run(script, *arguments, check=False)
        assert result.returncode != 0
        assert "give --rows_dir too" in result.stderr
    assert "No such arm: bad" in commands.run(script, "--only=bad", check=False).stderr
    assert played(tmp_path) == []


def a_row(**changes):
    settings = {"arm": "a", "seed": 3, "steps": 9, "fingerprint": "f", "seconds": 1.5}
    return rows.Row(**{**settings, "figures": {"score": 1.0}, **changes})


def test_a_row_is_strict_json_and_signed(tmp_path):
    store = rows.Rows("table", tmp_path)
    store.save(a_row(figures={"score": 1.0, "broken": math.inf}))
    assert os.listdir(tmp_path / "table") == ["a-3.json"]
    text = store.path("a", 3).read_text()
    written = json.loads(text, parse_constant=lambda name: pytest.fail(name))  # Strict JSON.
    assert written["figures"] == {"score": 1.0, "broken": None}
    assert all(written[key] for key in ("date", "commit", "machine"))
    found = store.find("a", 3, "f")
    assert found.figures["score"] == 1.0
    assert found.failed == "not finite: broken"


def test_what_is_in_doubt_is_not_found(tmp_path):
    store = rows.Rows("table", tmp_path)
    assert store.find("a", 3, "f") is None
    store.save(a_row())
    assert store.find("a", 3, "other") is None
    for damaged in ('{"arm": "a"', "[]", '{"arm": "a"}'):
        store.path("a", 3).write_text(damaged)
        assert store.find("a", 3, "f") is None
