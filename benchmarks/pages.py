"""Pages of figures: what a benchmark prints stands between two markers."""

import sys
from pathlib import Path


def fill(page: Path, name: str, text: str) -> None:
    """Replace what stands between ``<!-- name -->`` and ``<!-- end of name -->``.

    A page without both markers ends the program and stays as it is.
    """
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    old = page.read_text(encoding="utf-8")
    before, found, rest = old.partition(start)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        sys.exit(f"{page} has no {start} … {end}")
    new = f"{before}{start}\n\n{text.strip()}\n\n{end}{after}"
    page.write_text(new, encoding="utf-8")
