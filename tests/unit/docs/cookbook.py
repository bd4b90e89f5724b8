"""The cookbook's queries and answers. `python -m tests.unit.docs.cookbook LAKE` writes the answers of a lake into the page."""

import re
import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import ccft
from tests.unit.docs.pages import DOCS, blocks

PAGE = DOCS / "sql-cookbook.md"
QUERIES = {name.removeprefix("q="): sql for name, sql in blocks(PAGE.read_text(encoding="utf-8"), "sql").items()}


def answer(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows as aligned text, as the page shows them: numbers to the right."""
    cells = [[f"{cell:f}" if isinstance(cell, Decimal) else str(cell) for cell in row] for row in rows]
    widths = [max(len(text) for text in column) for column in zip(names, *cells, strict=True)]
    right = [all(isinstance(row[index], int | float | Decimal) for row in rows) for index in range(len(names))]
    lines = [list(names), ["-" * width for width in widths], *cells]
    pad = [
        [
            text.rjust(width) if is_number else text.ljust(width)
            for text, width, is_number in zip(line, widths, right, strict=True)
        ]
        for line in lines
    ]
    return "\n".join("  ".join(line).rstrip() for line in pad) + "\n"


def duckdb_answer(lake: Any, name: str) -> str:
    result = lake.sql(QUERIES[name])
    return answer(result.columns, result.fetchall())


def main(root: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    lake = ccft.open(root)
    for name, sql in QUERIES.items():
        query = re.escape(f"```sql q={name}\n{sql}```\n")
        block = f"```sql q={name}\n{sql}```\n\n```text a={name}\n{duckdb_answer(lake, name)}```\n"
        text = re.sub(f"{query}(\n```text a={name}\n.*?^```\n)?", lambda _: block, text, flags=re.DOTALL | re.MULTILINE)  # noqa: B023
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
