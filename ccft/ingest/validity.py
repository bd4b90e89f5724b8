"""Validity in months: rows of one thing follow each other without overlap.

| account_id | valid_from | valid_to | covers_from | covers_until |
|---|---|---|---|---|
| 000000000001 | 2022-01 | 2022-09 | (ever) | 2022-11 |
| 000000000001 | 2022-11 | | 2022-11 | (ever) |

`covers_from` (inclusive) and `covers_until` (exclusive) leave no gap, so that every month finds exactly one row of a known account,
whatever is wrong with the table; whether the row is valid in that month is a second question.
"""

from typing import Final

from ccft.schema.tables import Table

COVERS: Final = ("covers_from", "covers_until")
_BEFORE_ALL: Final = "0000-00"
_AFTER_ALL: Final = "9999-99"
_LAST_MONTH: Final = "9999-12"

LAST_SQL: Final = f"coalesce(valid_to, '{_LAST_MONTH}')"
"""Last valid month, for rows that are open."""


def has_validity(table: Table) -> bool:
    """Whether rows of the table are valid for some months only."""
    return "valid_from" in table.key


def thing(table: Table) -> tuple[str, ...]:
    """What is valid: the key without the month."""
    return tuple(name for name in table.key if name != "valid_from")


def covers_sql(window: str) -> list[str]:
    """SQL of `covers_from` and `covers_until`; `window` follows a thing through its months."""
    return [
        f"IF(lag(valid_from) {window} IS NULL, '{_BEFORE_ALL}', valid_from) AS covers_from",
        f"coalesce(lead(valid_from) {window}, '{_AFTER_ALL}') AS covers_until",
    ]


def overlaps_sql() -> str:
    """Whether the next row of the thing begins before this one ends."""
    return f"covers_until > valid_from AND covers_until <= {LAST_SQL}"


def covers(period: str) -> str:
    """Whether this is the row of the thing to look at for a month."""
    return f"{period} >= covers_from AND {period} < covers_until"


def is_valid(period: str) -> str:
    """Whether the row is valid in a month."""
    return f"{period} BETWEEN valid_from AND {LAST_SQL}"
