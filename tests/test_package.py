import ast
import os
import pathlib
import runpy
import subprocess
import sys

import keras
import pytest

PACKAGE = pathlib.Path(__file__).parents[1] / "keras_gan"


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


def test_other_backends_are_refused_with_the_fix(monkeypatch):
    # Keras without JAX fails on its own: a stand-in is enough to name the backend.
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ImportError, match=r"(?s)'jax'.*KERAS_BACKEND=tensorflow"):
        runpy.run_path(PACKAGE / "__init__.py")


# From the ground up: a room imports from floors below its own, and from the rooms named beside it.
FLOORS = [
    {"utils": set(), "version": set()},
    {"workers": set()},
    {
        "averaging": {"schedules"},
        "latents": set(),
        "layers": set(),
        "losses": set(),
        "schedules": set(),
        "visualization": set(),
    },
    {"augmentation": set(), "datasets": set(), "networks": set()},
    {"data": set()},
    {"metrics": set(), "terms": set()},
    {"game": set(), "quality": set()},
    {"running": set()},
    # `callbacks.Backup` is a room of its own below them.
    {"callbacks": set(), "export": set(), "saving": set()},
    {"gan": set()},
    {"cycle_gan": set()},
    {"__init__": set()},
]


def imports_of(room):
    """Yield (file, the room it imports from) of each import of the package's own rooms."""
    path = PACKAGE / room
    for file in path.rglob("*.py") if path.is_dir() else [path.with_suffix(".py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "keras_gan":
                yield from ((file, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module.startswith("keras_gan."):
                yield file, node.module.split(".")[1]
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name.startswith("keras_gan."):
                        yield file, alias.name.split(".")[1]


def rooms():
    return {path.stem for path in PACKAGE.iterdir() if path.is_dir() or path.suffix == ".py"} - {
        "__pycache__"
    }


def test_every_room_has_a_floor():
    assert rooms() == {room for floor in FLOORS for room in floor}
    assert len(rooms()) <= 24


@pytest.mark.parametrize("height", range(len(FLOORS)))
def test_no_room_imports_upward(height):
    below = {room for floor in FLOORS[:height] for room in floor}
    for room, beside in FLOORS[height].items():
        for file, imported in imports_of(room):
            known = imported in rooms()  # Of the package itself, `__version__` is no room.
            allowed = below | beside | {room}
            assert not known or imported in allowed, f"{file.relative_to(PACKAGE)}: {imported}"


def functions_of(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def body_lines(function):
    """Return how many lines a function's body has, its docstring left out."""
    first, *rest = function.body
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    body = rest if documented else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_functions_are_short():
    long = [
        f"{file.relative_to(PACKAGE)}: {function.name}"
        for file in PACKAGE.rglob("*.py")
        for function in functions_of(file)
        if body_lines(function) > 60
    ]
    assert not long


def test_no_parameter_is_there_for_splatting():
    """A parameter named `_` takes what a splatted tuple has too much of."""
    splatted = [
        f"{file.relative_to(PACKAGE)}: {function.name}"
        for file in PACKAGE.rglob("*.py")
        for function in functions_of(file)
        if "_" in [argument.arg for argument in function.args.args if argument.arg == "_"]
        and function.args.defaults
    ]
    assert not splatted
