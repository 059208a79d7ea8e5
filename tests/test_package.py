import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[1]


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_import_is_light():
    """What is slow to import is imported where it is used."""
    heavy = ["matplotlib", "PIL", "scipy", "sklearn", "tensorflow_datasets"]
    code = (
        "import sys, tensorflow, keras; before = set(sys.modules); import keras_gan; "
        f"print([name for name in {heavy} if name in set(sys.modules) - before])"
    )
    result = run(code)
    assert result.stdout.strip() == "[]", result.stderr


def test_other_backends_are_refused_with_the_fix():
    # Keras without JAX fails on its own: a stand-in is enough to name the backend.
    code = (
        "import keras; keras.backend.backend = lambda: 'jax'\n"
        "try:\n    import keras_gan\n"
        "except ImportError as error:\n    print(error)"
    )
    printed = run(code).stdout
    assert "'jax'" in printed
    assert "KERAS_BACKEND=tensorflow" in printed


def test_every_file_knows_its_room():
    """The floors of the house: no room imports upward."""
    below = {
        "arguments.py": set(),
        "losses": {"arguments", "precision", "registry", "replicas", "shapes"},
        # Consistency moves images as DiffAugment does; features are found from the logits back.
        "terms": {
            "arguments",
            "augmentation",
            "checks",
            "kernels",
            "precision",
            "registry",
            "replicas",
            "schedules",
            "step",
        },
        "layers": {"arguments", "kernels"},
        "augmentation": {"arguments", "registry", "replicas", "schedules"},
        "schedules.py": set(),
        "precision.py": set(),
        "replicas.py": set(),
        "metrics": {"arguments", "copying", "registry", "shapes"},
        "latents.py": {"registry"},
        "averaging.py": {"copying"},
        "copying.py": set(),
        "networks": {"arguments", "layers"},
        "datasets": set(),
        # `Evaluation` runs what `evaluate` runs, on what `fit` reads; `Backup` is what `fit` asks.
        "callbacks": {
            "arguments",
            "checks",
            "disk",
            "evaluation",
            "inputs",
            "metrics",
            "resuming",
            "workers",
        },
        "workers.py": set(),
        "disk.py": set(),
        # What a request may ask, and how versions lie on a disk, know nothing of the model.
        "player.py": {"replicas"},
        "seeds.py": set(),
    }
    for room, allowed in below.items():
        path = ROOT / "keras_gan" / room
        for file in path.rglob("*.py") if path.is_dir() else [path]:
            for line in file.read_text().splitlines():
                words = line.replace(",", " ").split()
                if words[:1] not in (["from"], ["import"]) or not words[1].startswith("keras_gan"):
                    continue
                part = words[1].split(".")[1:2] or words[3:]
                own = {room.removesuffix(".py")}
                assert set(part) <= allowed | own, f"{file.name}: {line}"
