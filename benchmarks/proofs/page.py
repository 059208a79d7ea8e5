"""Generated tables within a page written by hand."""

import pathlib
import re

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "proofs.md"
TRANSLATION = PAGE.with_name("translation.md")
NETWORKS = PAGE.with_name("networks.md")
MOLECULES = PAGE.with_name("molecules.md")
CAPTIONS = PAGE.with_name("captions.md")


def write(path, name, table):
    """Put a table between its markers, and leave all else of the page as it is.

    Args:
        path: the Markdown file.
        name: the table's name: the markers are `<!-- table:NAME -->` and `<!-- end:NAME -->`, each
            on a line of its own.
        table: the text.

    Raises:
        ValueError: when the page does not hold each marker once, in this order.
    """
    path = pathlib.Path(path)
    text = path.read_text()
    start, end = f"<!-- table:{name} -->", f"<!-- end:{name} -->"
    parts = re.split(f"^({re.escape(start)}|{re.escape(end)})$", text, flags=re.MULTILINE)
    if parts[1::2] != [start, end]:
        raise ValueError(
            f"Expected {path} to hold the lines {start!r} and {end!r}, each once and in this "
            f"order. Received: {parts[1::2]}"
        )
    before, after = parts[0], parts[4]
    path.write_text(f"{before}{start}\n\n{table.strip()}\n\n{end}{after}")
