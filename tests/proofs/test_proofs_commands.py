"""Each command once, with steps that are no training: that it runs, and writes its table."""

import os

import commands
import pytest

mnist = pytest.mark.skipif(
    "TFDS_DATA_DIR" not in os.environ, reason="needs MNIST: set TFDS_DATA_DIR"
)


@pytest.mark.parametrize(
    ("name", "arms"),
    [
        ("mixtures", ["grid-pac2", "grid-rp-r1-r2", "grid-recipe", "grid-perfect"]),
        pytest.param("stacked_mnist", ["packed2", "floor"], marks=mnist),
        pytest.param("losses_by_terms", ["hinge-spectral_norm", "floor"], marks=mnist),
    ],
)
def test_runs(name, arms, tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text(f"Before.\n<!-- table:{name} -->\n<!-- end:{name} -->\nAfter.\n")
    paths = f"--rows_dir={tmp_path / 'rows'}", f"--page={page}"
    only = [f"--only={arm}" for arm in arms]
    out = commands.run(
        commands.PROOFS / f"{name}.py", "--steps=2", "--seeds=100", *paths, *only
    ).stdout
    assert "failed" not in out
    files = {file.name for file in (tmp_path / "rows" / name).iterdir()}
    assert len(files) >= len(arms)
    assert {
        f"{arm}-100.json" for arm in arms if "floor" not in arm and "perfect" not in arm
    } <= files
    text = page.read_text()
    assert text.startswith("Before.") and text.endswith("After.\n")
    assert "<summary>Every run</summary>" in text
    assert out.count("| 100 |") == len([file for file in files if file.endswith("-100.json")])


def test_dirac(tmp_path):
    case = "--matching=non-saturating + R1, gamma 2"
    out = commands.run(commands.PROOFS / "dirac.py", case, "--page=unused").stdout
    assert "| -0.134, -1.87 | -0.134, -1.87 |" in out
    assert "All 1 cases agree" in out


def test_identities(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- table:identities -->\n<!-- end:identities -->\n")
    commands.run(commands.PROOFS / "identities.py", f"--page={page}")
    assert "| hinge | 2 - 2 TV |" in page.read_text()
