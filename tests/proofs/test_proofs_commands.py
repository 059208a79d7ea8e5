"""Each command once, with steps that are no training: that it runs, and writes its table."""

import os

import commands
import keras
import pytest

# The first trains the classifier, in the tests' own cache.
needs_mnist = pytest.mark.skipif(
    "TFDS_DATA_DIR" not in os.environ, reason="needs MNIST: set TFDS_DATA_DIR"
)


@pytest.mark.slow
# A generator of two steps makes grey images.
@pytest.mark.filterwarnings("ignore:Images are expected in")
@pytest.mark.parametrize(
    ("name", "trained", "given"),
    [
        ("mixtures", ["ring-pac2"], ["grid-perfect"]),
        pytest.param("stacked_mnist", ["packed2"], ["floor"], marks=needs_mnist),
        pytest.param("losses_by_terms", ["hinge-spectral_norm"], ["floor"], marks=needs_mnist),
    ],
)
def test_runs(name, trained, given, tmp_path):
    """Arms that train take the trial's steps and seed; real data has seeds of its own."""
    page = tmp_path / "page.md"
    page.write_text(f"Before.\n<!-- table:{name} -->\n<!-- end:{name} -->\nAfter.\n")
    paths = f"--rows_dir={tmp_path / 'rows'}", f"--page={page}"
    trial = "--steps=2", "--seeds=100", "--samples=1000"
    only = [f"--only={arm}" for arm in (*trained, *given)]
    script = commands.PROOFS / f"{name}.py"
    there = 0
    if name == "mixtures":
        # Once by processes as they are, with TensorFlow in each.
        out = commands.run(script, *trial, *paths, f"--only={trained[0]}").stdout
        assert f"[1/1] {trained[0]} seed 100: modes" in out
        there = 1
    out = commands.run_here(script, *trial, *paths, *only)
    assert "failed" not in out
    assert out.startswith(f"{name}: {there} of ")
    files = {file.stem for file in (tmp_path / "rows" / name).iterdir()}
    assert {file for file in files if file.endswith("-100")} == {f"{arm}-100" for arm in trained}
    assert {file.rsplit("-", 1)[0] for file in files} == {*trained, *given}
    text = page.read_text()
    assert text.startswith("Before.")
    assert text.endswith("After.\n")
    table = text[text.index("<summary>Every run</summary>") :]
    assert table.count("| 100 |") == len(trained)


@pytest.mark.slow
def test_dirac():
    case = "--matching=non-saturating + R1, gamma 2"
    out = commands.run_here(commands.PROOFS / "dirac.py", case)
    assert "| -0.134, -1.87 | -0.134, -1.87 |" in out
    assert "All 1 cases agree" in out


@pytest.mark.slow
def test_identities(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- table:identities -->\n<!-- end:identities -->\n")
    floatx = keras.config.floatx()
    try:
        commands.run_here(commands.PROOFS / "identities.py", f"--page={page}")
    finally:
        keras.config.set_floatx(floatx)
    assert "| hinge | 2 - 2 TV |" in page.read_text()
