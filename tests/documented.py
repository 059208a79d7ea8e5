"""The examples of docstrings and pages: where they stand, and how to run them."""

import ast
import doctest
import pathlib
import re
from dataclasses import dataclass

import keras_gan

ROOT = pathlib.Path(keras_gan.__file__).parents[1]
PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
DOCUMENTED = ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef
FENCED = re.compile(r"^( *)```python\n(.*?)^ *```$", flags=re.DOTALL | re.MULTILINE)
# The first line of a block that needs what can't be had here, and why.
NEEDS = re.compile(r"# (Needs .*)\n")


@dataclass(frozen=True)
class Documented:
    """The text of a docstring or a page, from a line of a file on.

    Attributes:
        name: of the object or the page.
        path: of the file, below the root.
        line: on which the text begins, from 1.
        text: as in the file, indentation included.
    """

    name: str
    path: str
    line: int
    text: str

    @property
    def blocks(self):
        """Return `(line, code)` of each Python block."""
        return [
            (self._line_of(match.start(2)), _dedented(match.group(2), len(match.group(1))))
            for match in FENCED.finditer(self.text)
        ]

    @property
    def needs(self):
        """Return the reasons why blocks can't run here."""
        matches = (NEEDS.match(code) for _, code in self.blocks)
        return [match.group(1) for match in matches if match]

    def prompts(self, namespace):
        """Return the `>>>` examples, to run in a namespace, as a `doctest.DocTest`."""
        parser = doctest.DocTestParser()
        path = str(ROOT / self.path)
        return parser.get_doctest(self.text, namespace, self.name, path, self.line - 1)

    def run(self, namespace):
        """Run the blocks, then what follows prompts; what is printed is compared."""
        for line, code in self.blocks:
            # Blank lines before it, so that a traceback shows the line of the file.
            source = "\n" * (line - 1) + code
            exec(compile(source, str(ROOT / self.path), "exec"), namespace)
        options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        doctest.DebugRunner(optionflags=options).run(self.prompts(namespace), clear_globs=False)

    def _line_of(self, position):
        return self.line + self.text.count("\n", 0, position)


def docstrings():
    """Return the docstrings of keras_gan that have an example."""
    return [
        found
        for path in sorted((ROOT / "keras_gan").rglob("*.py"))
        for found in _docstrings_of(path)
        if ">>> " in found.text or found.blocks
    ]


def pages():
    """Return the pages that have a Python block."""
    found = [Documented(page, page, 1, (ROOT / page).read_text()) for page in PAGES]
    return [page for page in found if page.blocks]


def _docstrings_of(path):
    path = path.relative_to(ROOT)
    parts = path.with_suffix("").parts
    name = ".".join(part for part in parts if part != "__init__")
    return _docstrings_in(ast.parse((ROOT / path).read_text()), name, str(path))


def _docstrings_in(node, name, path):
    """Yield the docstrings of a syntax tree, those within functions too."""
    if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None:
        literal = node.body[0].value
        yield Documented(name, path, literal.lineno, literal.value)
    for child in ast.iter_child_nodes(node):
        inner = f"{name}.{child.name}" if isinstance(child, DOCUMENTED[1:]) else name
        yield from _docstrings_in(child, inner, path)


def _dedented(code, width):
    return "\n".join(line[width:] for line in code.splitlines()) + "\n"
