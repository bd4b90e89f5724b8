"""What both usage tables share: flaws of a row, identical copies, conflicting rows.

A month of a key without its day (or hour) holds every day once when it has as many rows as days: one bit per day and a count show it,
exactly, while the amounts are summed. Only the months that fail this, or have flawed rows, are looked at row by row.

A row of a large table is set aside for one reason, the first that applies: a key that cannot be read or is incomplete; rows of
one key with different values; a value that cannot be read, is missing or negative; a key that the other tables do not know.

| day | account | units | row_count | flaw | copies |
|---|---|---|---|---|---|
| 1 | A | 5, 5 | 2 | | 1 |
| 1 | B | 5, 6 | 2 | conflicting | 0 |
| 1 | C | -1 | 1 | negative | 0 |
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.ingest.fingerprint import hash_sums_sql, row_hash_sql
from ccft.ingest.types import DELIVERED, MALFORMED, UNREAD, too_large_sql
from ccft.schema.columns import Column
from ccft.schema.spark import quote
from ccft.schema.tables import Table

FLAWS: Final = (
    "",
    "CCFT-INPUT-WRONG-TYPE",
    "CCFT-INPUT-MISSING-VALUE",
    "CCFT-INPUT-AMOUNT-TOO-LARGE",
    "CCFT-INPUT-NEGATIVE-QUANTITY",
    "CCFT-INPUT-CONFLICTING-ROWS",
    "CCFT-INPUT-CACHED-ABOVE-INPUT",
    "CCFT-INPUT-AFTER-RETIREMENT",
)
"""Conditions of a row by number: grouping by a byte costs a fraction of grouping by text."""
SOUND, WRONG, MISSING, TOO_LARGE, NEGATIVE, CONFLICTING, CACHED, RETIRED = range(len(FLAWS))

MONTH: Final = "month"
"""First day of the month of the row's day or hour (date): the period as it is cheap to group by."""
_HOURS_PER_WORD: Final = 62
_WORDS_OF_HOURS: Final = 12
"""Words of a bit per hour: 744 hours of a month of 31 days."""
KEY_FLAW: Final = "key_flaw"
VALUE_FLAW: Final = "value_flaw"
FLAW_COLUMN: Final = "flaw_column"
FLAW_TEXT: Final = "flaw_text"
ROW_JSON: Final = "row_json"
PERIOD_SQL: Final = f"substring(CAST({MONTH} AS STRING), 1, 7)"


@dataclass(frozen=True)
class Flaw:
    """Rows for which the SQL predicate `when` is true have the flaw, seen in `column`."""

    when: str
    number: int
    column: str


def values_of(table: Table) -> tuple[Column, ...]:
    """Amounts of a usage table: what is no key."""
    return tuple(column for column in table.columns if column.name not in table.key)


def key_flaws(table: Table, malformed: Sequence[str] = ()) -> list[Flaw]:
    """Flaws that make a key useless; `malformed`: column of lines with a wrong number of fields, if the format has it."""
    found = [Flaw(f"{name} IS NOT NULL", WRONG, name) for name in malformed]
    for name in table.key:
        found += [Flaw(UNREAD + name, WRONG, name), Flaw(f"{name} IS NULL", MISSING, name)]
    return found


def value_flaws(table: Table) -> list[Flaw]:
    """Flaws of amounts."""
    found = []
    for column in values_of(table):
        name, unread = column.name, UNREAD + column.name
        found += [Flaw(f"{unread} AND {too_large_sql(column)}", TOO_LARGE, name), Flaw(unread, WRONG, name)]
        found += [] if column.nullable else [Flaw(f"{name} IS NULL", MISSING, name)]
        found += [] if column.minimum is None else [Flaw(f"{name} < {column.minimum}", NEGATIVE, name)]
    return found


def marked(typed: DataFrame, delivered: Sequence[str], table: Table, further: Sequence[Flaw] = ()) -> DataFrame:
    """Name the flaws of each row.

    Parameters
    ----------
    typed
        Rows of `types.typed`.
    delivered
        Names of the delivered columns: they make the row's JSON.
    table
        Registry entry.
    further
        Flaws of amounts that the table has beyond those of its columns.

    Returns
    -------
    DataFrame
        Grain unchanged: registry columns, `month`, `key_flaw`, `value_flaw` (numbers of `FLAWS`), and for the rows set aside
        `flaw_column`, `flaw_text`, `row_json`, which cost nothing where they are not read.
    """
    in_key = key_flaws(table, [MALFORMED] if MALFORMED in delivered else [])
    in_value = [*value_flaws(table), *further]
    either = [*in_key, *in_value]
    own = [f"{_text(name.lower(), table)} AS `{name}`" for name in delivered]
    return typed.selectExpr(
        *table.column_names,
        f"trunc({table.delivered_by}, 'MM') AS {MONTH}",
        f"CAST({_first(in_key, [str(flaw.number) for flaw in in_key], str(SOUND))} AS TINYINT) AS {KEY_FLAW}",
        f"CAST({_first(in_value, [str(flaw.number) for flaw in in_value], str(SOUND))} AS TINYINT) AS {VALUE_FLAW}",
        f"{_first(either, [quote(flaw.column) for flaw in either], 'NULL')} AS {FLAW_COLUMN}",
        f"{_first(either, [_text(flaw.column, table) for flaw in either], 'NULL')} AS {FLAW_TEXT}",
        f"to_json(struct({', '.join(own)})) AS {ROW_JSON}",
    )


def _text(name: str, table: Table) -> str:
    return DELIVERED + name if name in table.column_names else f"`{name}`"


def _first(flaws: Sequence[Flaw], results: Sequence[str], otherwise: str) -> str:
    """CASE over the flaws in order."""
    cases = " ".join(f"WHEN {flaw.when} THEN {result}" for flaw, result in zip(flaws, results, strict=True))
    return f"CASE {cases} ELSE {otherwise} END"


def group_key(table: Table) -> tuple[str, ...]:
    """Key of a usage table with the month in place of the day or hour."""
    return (MONTH, *(name for name in table.key if name != table.delivered_by))


def _slots(table: Table) -> list[str]:
    """SQL of bit masks with the bit of a row's day, or hour, in its month."""
    when = table.delivered_by
    if table.column(when).type == "date":
        return [f"shiftleft(1L, dayofmonth({when})) AS slot_0"]
    slot = f"((dayofmonth({when}) - 1) * 24 + hour({when}))"
    return [
        f"IF({slot} div {_HOURS_PER_WORD} = {word}, shiftleft(1L, {slot} % {_HOURS_PER_WORD}), 0L) AS slot_{word}"
        for word in range(_WORDS_OF_HOURS)
    ]


def grouped(rows: DataFrame, table: Table) -> DataFrame:
    """Sum each key over the days of a month, and see whether its rows can be trusted.

    Parameters
    ----------
    rows
        Rows of `marked`.
    table
        Registry entry.

    Returns
    -------
    DataFrame
        One row per `group_key`: the amounts, `row_count`, `is_doubtful` (a flawed row, or a day twice), and the sums of the rows'
        hashes `high`, `low`.
    """
    slots = _slots(table)
    masks = [f"slot_{word}" for word in range(len(slots))]
    hashed = rows.selectExpr(
        *group_key(table),
        *(column.name for column in values_of(table)),
        *slots,
        f"greatest({KEY_FLAW}, {VALUE_FLAW}) AS flaw",
        f"{row_hash_sql(table)} AS h",
    )
    sums = [f"sum({column.name}) AS {column.name}" for column in values_of(table)]
    seen = [f"bit_or({mask}) AS {mask}" for mask in masks]
    counts = ["count(*) AS row_count", *seen, "max(flaw) AS worst", *hash_sums_sql("h")]
    groups = hashed.groupBy(*group_key(table)).agg(*(F.expr(sql) for sql in (*sums, *counts)))
    different = " + ".join(f"bit_count({mask})" for mask in masks)
    doubtful = groups.selectExpr("*", f"worst <> {SOUND} OR {different} <> row_count AS is_doubtful")
    return doubtful.drop(*masks, "worst")


def trusted(groups: DataFrame, table: Table) -> DataFrame:
    """Rows of `grouped` that need no second look, as the rows of `looked_at`."""
    amounts = [column.name for column in values_of(table)]
    sound = ["CAST(0 AS TINYINT) AS flaw", *amounts, "row_count", "CAST(0 AS BIGINT) AS copies"]
    return groups.where("NOT is_doubtful").selectExpr(*group_key(table), *sound)


def looked_at(rows: DataFrame, groups: DataFrame, table: Table) -> DataFrame:
    """Doubtful months, row by row: identical copies count once, flawed and conflicting rows are kept apart.

    Returns
    -------
    DataFrame
        One row per `group_key` and `flaw` (number of `FLAWS`): the amounts, `row_count`, `copies`.
    """
    key = group_key(table)
    near = same_keys(rows, groups.where("is_doubtful").select(*key), key, "left_semi")
    return daily(near, table).groupBy(*key, "flaw").agg(*(F.expr(sql) for sql in monthly_sums(table)))


def same_keys(left: DataFrame, right: DataFrame, key: Sequence[str], how: str) -> DataFrame:
    """Join on equal keys, nulls equal; both keys stay in an inner join, the right one with a prefix."""
    renamed = right.withColumnsRenamed({name: f"right_{name}" for name in key})
    return left.join(renamed, F.expr(" AND ".join(f"{name} <=> right_{name}" for name in key)), how)


def daily(rows: DataFrame, table: Table) -> DataFrame:
    """Count identical copies once, and find keys with different values.

    Parameters
    ----------
    rows
        Rows of `marked`.
    table
        Registry entry.

    Returns
    -------
    DataFrame
        One row per key of the table (and `key_flaw`): the amounts, `month`, `flaw` (number of `FLAWS`), `row_count` (delivered
        rows), `copies` (of them identical to another, above the first).
    """
    amounts = [column.name for column in values_of(table)]
    partly = [column.name for column in values_of(table) if column.nullable]
    compared = [*amounts, VALUE_FLAW]
    aggregates = ["count(*) AS row_count"]
    aggregates += [sql for name in compared for sql in (f"min({name}) AS {name}", f"max({name}) AS most_{name}")]
    aggregates += [f"count({name}) AS filled_{name}" for name in partly]
    once = rows.groupBy(*table.key, MONTH, KEY_FLAW).agg(*(F.expr(sql) for sql in aggregates))
    differs = [f"{name} <> most_{name}" for name in compared]
    differs += [f"(filled_{name} > 0 AND filled_{name} < row_count)" for name in partly]
    flaw = f"CASE WHEN {KEY_FLAW} <> {SOUND} THEN {KEY_FLAW} WHEN {' OR '.join(differs)} THEN {CONFLICTING} ELSE {VALUE_FLAW} END"
    judged = once.selectExpr(*table.key, MONTH, KEY_FLAW, f"CAST({flaw} AS TINYINT) AS flaw", *amounts, "row_count")
    return judged.selectExpr("*", f"IF(flaw = {SOUND}, row_count - 1, 0) AS copies")


def flaw_cases() -> str:
    """WHEN branches from the number of a flaw to its condition."""
    return " ".join(f"WHEN flaw = {number} THEN {quote(code)}" for number, code in enumerate(FLAWS) if code)


def monthly_sums(table: Table) -> list[str]:
    """SQL of monthly sums: amounts, each null only where every row is null, in types wide enough for any month; counts."""
    names = [column.name for column in values_of(table)] + ["row_count", "copies"]
    return [f"sum({name}) AS {name}" for name in names]


def beyond_range(table: Table) -> str:
    """SQL: whether a monthly sum leaves the type of its column."""
    return " OR ".join(
        f"({column.name} IS NOT NULL AND try_cast({column.name} AS {column.type}) IS NULL)"
        for column in values_of(table)
    )
