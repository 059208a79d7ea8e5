"""The package as it is built: what is in it, what it says of itself, what it needs."""

import ast
import configparser
import email
import importlib.metadata
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile

import pytest

import keras_gan

ROOT = pathlib.Path(__file__).parents[1]
BUILD = """
import pathlib, setuptools.build_meta as backend, sys, tarfile, os
out = sys.argv[1]
with tarfile.open(pathlib.Path(out, backend.build_sdist(out))) as archive:
    archive.extractall(out, filter="data")
    os.chdir(pathlib.Path(out, archive.getnames()[0]))
backend.build_wheel(out)
"""
# What runs and tools leave beside files of the repository.
CRUFT = (
    "docs/runs/digits/samples.png",
    "tests/build/lib/module.py",
    "tests/__pycache__/test_packaging.cpython-311.pyc",
    "tests/.pytest_cache/README.md",
    "benchmarks/dist/keras_gan.tar.gz",
    "examples/.venv/pyvenv.cfg",
    "examples/other.egg-info/PKG-INFO",
    "saved_models/.ruff_cache/0",
    "keras_gan/__pycache__/gan.cpython-311.pyc",
)


def setup_cfg():
    found = configparser.ConfigParser()
    found.read(ROOT / "setup.cfg", encoding="utf-8")
    return found


def required(text):
    """Return the names that a list of requirements has."""
    return {re.match(r"[\w.-]+", line).group().lower() for line in text.split("\n") if line}


def repository():
    """Return the paths of the repository's files."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("What the package has to hold is known in a git checkout alone.")
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    paths = done.stdout.decode().split("\0")
    return {path for path in paths if path and (ROOT / path).exists()}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return the source distribution, and the wheel that is built from it."""
    pytest.importorskip("setuptools", minversion="77")
    copy, out = tmp_path_factory.mktemp("repository"), tmp_path_factory.mktemp("built")
    for path in repository():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, copy / path)
    for path in CRUFT:
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_text("")
    done = subprocess.run(
        [sys.executable, "-c", BUILD, out], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Deprecat" not in done.stderr + done.stdout
    (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def metadata(built):
    """Return what the wheel says of itself."""
    with zipfile.ZipFile(built[1]) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(wheel.read(name))


def test_the_source_distribution_is_the_repository(built):
    with tarfile.open(built[0]) as archive:
        members = {m.name.partition("/")[2]: m for m in archive.getmembers() if not m.isdir()}
    made = {name for name in members if name.startswith("keras_gan.egg-info/")}
    assert members.keys() - made - {"PKG-INFO"} == repository()
    assert all(member.isfile() for member in members.values())
    assert members[".ci/run"].mode & 0o111


def test_cruft_is_of_every_kind_that_git_ignores():
    ignored = {line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split("\n") if line}
    parts = {part for path in CRUFT for part in path.split("/")[:-1]}
    assert ignored
    for name in ignored:
        assert any(pathlib.PurePath(part).match(name) for part in parts), name


def test_the_wheel_is_the_library_alone(built):
    with zipfile.ZipFile(built[1]) as wheel:
        names = set(wheel.namelist())
    library = {path for path in repository() if path.startswith("keras_gan/")}
    assert {name for name in names if ".dist-info/" not in name} == library
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_licence_and_version(metadata):
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["License-File"] == "LICENSE"
    assert "License" not in metadata
    assert not [text for text in metadata.get_all("Classifier") if text.startswith("License")]
    assert metadata["Version"] == keras_gan.__version__


def test_supported_pythons_are_stated_once_and_the_same(metadata):
    floor = metadata["Requires-Python"].removeprefix(">=")
    target = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["target-version"]
    assert target == f"py{floor.replace('.', '')}"
    for page in ("README.md", "DESCRIPTION.md"):
        assert f"Python {floor} or newer" in (ROOT / page).read_text()


def test_the_floor_of_setuptools_is_the_one_that_tests_build_with():
    (floor,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert floor in setup_cfg()["options.extras_require"]["test"].split("\n")


# A page's own pictures and pages are found where it lies, and nowhere else.
LINK = re.compile(r"\]\(([^)\s]+)(?: [^)]*)?\)|(?:src|href)=\"([^\"]+)\"")


def links(text):
    """Return where a page's links lead, but for other sites; code holds none."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
    found = (one or other for one, other in LINK.findall(text))
    return [link for link in found if not re.match(r"https?://|mailto:", link)]


def anchors(text):
    """Return the names of a page's headings, as they are linked to."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_long_description_leads_nowhere_that_is_not_there(metadata):
    """On an index its links are relative to nothing."""
    text = metadata.get_payload()
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert text.startswith("# keras_gan\n")
    assert links(text) == []


ROOMS = ("benchmarks", "docs", "examples", "saved_models", "serving", "tests")
PAGES = [*ROOT.glob("*.md"), *(page for room in ROOMS for page in (ROOT / room).rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_pages_lead_to_something(page):
    for link in links(page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert ROOT in target.resolve().parents, link
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


def test_the_descriptions_program_is_the_readmes():
    program = re.compile(r"```python\n(.*?)```", re.DOTALL)
    (described,) = program.findall((ROOT / "DESCRIPTION.md").read_text())
    assert described == program.findall((ROOT / "README.md").read_text())[0]


SOURCES = [
    file
    for room in ("keras_gan", "examples", "benchmarks", "tests")
    for file in (ROOT / room).rglob("*.py")
]


def modules_imported(file):
    """Yield the dotted names that a file imports, and whether it can't be read without them."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node in tree.body) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from ((f"{node.module}.{a.name}", node in tree.body) for a in node.names)


def distributions_of(module, known):
    """Return the distributions that have a module, by their names in lower case."""
    top, *rest = module.split(".")
    found = {name.lower() for name in known.get(top, ())}
    if len(found) < 2 or not rest:  # Of names that several share: those with the module's part.
        return found
    return {
        name
        for name in found
        for path in importlib.metadata.files(name) or ()
        if path.parts[:2] == (top, rest[0])
    }


def imported(*directories):
    """Return `(distributions, file, at import)` of all that is neither Python's nor our own."""
    known = importlib.metadata.packages_distributions()
    files = [file for file in SOURCES if file.relative_to(ROOT).parts[0] in directories]
    own = {file.stem for file in SOURCES} | {file.parent.name for file in SOURCES}
    for file in files:
        for module, at_import in modules_imported(file):
            top = module.split(".")[0]
            if top not in own and top not in sys.stdlib_module_names:
                distributions = distributions_of(module, known)
                yield distributions or {f"nobody's {module}"}, file.relative_to(ROOT), at_import


# Examples that are about what an extra is for as a whole.
WHOLE = {
    **dict.fromkeys(("molecules", "conformers", "z_matrix"), "molecules"),
    **dict.fromkeys(("tables", "table_columns", "table_scores"), "tables"),
}


def test_what_is_imported_is_declared():
    """By the library at import: at run time. By what is optional: in an extra of its own."""
    pytest.importorskip("tensorflow_serving")
    extras = {key: required(text) for key, text in setup_cfg()["options.extras_require"].items()}
    needed = required(setup_cfg()["options"]["install_requires"])
    optional = needed | extras["serving"] | extras["onnx"] | extras["sound"]
    for distributions, file, at_import in imported("keras_gan"):
        assert distributions & (needed if at_import else optional), (file, distributions)
    inside = extras["serving"] | extras["translation"]
    for distributions, file, at_import in imported("examples"):
        own = extras[WHOLE[file.stem]] if file.stem in WHOLE else set()
        allowed = needed | extras["examples"] | own | (set() if at_import else inside)
        assert distributions & allowed, (file, distributions)
    for distributions, file, _ in imported("benchmarks", "tests"):
        assert distributions & (needed | extras["test"]), (file, distributions)


INSTALLED = re.compile(r"pip install [-a-z ]*([\"']*[\w.-]+\[[\w,]+\]\S*)")


def test_commands_that_install_extras_can_be_pasted():
    """Some shells take brackets for a pattern, so they are quoted; the extras are there."""
    extras = {*setup_cfg()["options.extras_require"]}
    texts = [*PAGES, ROOT / "Makefile", *SOURCES]
    commands = [found for file in texts for found in INSTALLED.findall(file.read_text())]
    assert commands
    for command in commands:
        match = re.match(r'"(?:keras-gan|\.)\[([\w,]+)\]"', command)
        assert match, command
        assert {*match.group(1).split(",")} <= extras, command


@pytest.mark.slow
def test_the_tests_of_the_source_distribution_are_found_in_it(built, tmp_path):
    """Unpacked anywhere, they test the library beside them."""
    with tarfile.open(built[0]) as archive:
        archive.extractall(tmp_path, filter="data")
    (root,) = tmp_path.iterdir()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    here = {path for path in repository() if re.search(r"tests/(.*/)?test_\w+\.py$", path)}
    assert {line.partition("::")[0] for line in done.stdout.split("\n") if "::" in line} == here
