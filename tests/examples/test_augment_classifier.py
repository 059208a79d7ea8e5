"""The example that compares classifiers of few labels, in short."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
import scripts

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "augment_classifier.py"


def test_intervals_are_students():
    module = scripts.load(SCRIPT)
    mean, half = module.interval([1.0, 2.0, 3.0, 4.0, 5.0])
    # 2.776 is the 97.5 % quantile of t with 4 degrees of freedom; the standard error is .7071.
    assert (mean, half) == (3.0, pytest.approx(2.776 * 0.70711, rel=1e-3))
    assert np.isnan(module.interval([1.0])[1])


def test_subsets_are_balanced_and_follow_from_their_seed():
    module = scripts.load(SCRIPT)
    labels = np.repeat(np.arange(3), 20)
    images = np.arange(60.0)
    chosen, of_class = module.subset(images, labels, 4, seed=1)
    assert np.bincount(of_class).tolist() == [4, 4, 4] and len(set(chosen)) == 12
    np.testing.assert_array_equal(labels[chosen.astype(int)], of_class)
    np.testing.assert_array_equal(module.subset(images, labels, 4, seed=1)[0], chosen)
    assert set(module.subset(images, labels, 4, seed=2)[0]) != set(chosen)


@pytest.mark.slow
def test_it_compares_and_goes_on(tmp_path):
    command = [
        sys.executable,
        str(SCRIPT),
        "--dataset=digits",
        "--labels=5",
        "--gan_steps=5",
        "--classifier_steps=20",
        "--width=4",
        "--shift=1",
        f"--run_dir={tmp_path}",
    ]
    for subsets in (1, 2):
        result = subprocess.run(
            [*command, f"--subsets={subsets}"], capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr[-2000:]
    assert "| 5 | real, classical augmentation |" in result.stdout
    assert {path.name for path in (tmp_path / "samples").iterdir()} == {"5_0.png", "5_1.png"}
    other = subprocess.run([*command, "--flip"], capture_output=True, text=True, check=False)
    assert other.returncode and "other settings" in other.stderr
