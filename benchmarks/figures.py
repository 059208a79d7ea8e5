"""Tables and pictures of the pages of docs/, computed by the library.

python benchmarks/figures.py                              # the tables of all pages
python benchmarks/figures.py losses                       # those of one
python benchmarks/figures.py game augmentation --images=docs/images
"""

import importlib
import os

from absl import app, flags

_IMAGES = flags.DEFINE_string("images", None, "Directory to draw pictures into; none by default.")

PAGES = ("augmentation", "game", "losses")


def table(title, names, rows):
    """Print rows of numbers and words as a Markdown table, numbers to four digits."""
    print(f"\n{title}\n\n| " + " | ".join(names) + " |\n" + "|---" * len(names) + "|")
    for row in rows:
        print("| " + " | ".join(x if isinstance(x, str) else f"{x:.4g}" for x in row) + " |")


def main(argv):
    pages = argv[1:] or PAGES
    if unknown := sorted(set(pages) - set(PAGES)):
        raise app.UsageError(f"Expected pages among {PAGES}. Received: {unknown}")
    if _IMAGES.value is not None:
        os.makedirs(_IMAGES.value, exist_ok=True)
    for page in pages:
        importlib.import_module(f"pages.{page}").show(table, _IMAGES.value)


if __name__ == "__main__":
    app.run(main)
