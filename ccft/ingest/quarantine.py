"""Rows of large tables that are set aside, and the limit above which a period is rejected."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.errors import Problem
from ccft.ingest import usage
from ccft.ingest.findings import findings_sql, key_sql, message_sql
from ccft.ingest.types import expected
from ccft.schema.spark import quote
from ccft.schema.tables import Table

CONDITIONS: Final = (
    "CCFT-INPUT-WRONG-TYPE",
    "CCFT-INPUT-MISSING-VALUE",
    "CCFT-INPUT-NEGATIVE-QUANTITY",
    "CCFT-INPUT-CONFLICTING-ROWS",
    "CCFT-INPUT-UNKNOWN-CLUSTER",
    "CCFT-INPUT-UNKNOWN-SERVICE",
    "CCFT-INPUT-UNKNOWN-ACCOUNT",
    "CCFT-INPUT-INVALID-ACCOUNT",
    "CCFT-INPUT-UNKNOWN-RACK",
    "CCFT-INPUT-NETWORK-RACK-USAGE",
    "CCFT-INPUT-UNKNOWN-DEPLOYMENT",
    "CCFT-INPUT-INVALID-DEPLOYMENT",
    "CCFT-INPUT-UNKNOWN-MODEL",
    "CCFT-INPUT-CACHED-ABOVE-INPUT",
    "CCFT-INPUT-AFTER-RETIREMENT",
)
"""What sets a row aside."""
TOO_LARGE: Final = "CCFT-INPUT-AMOUNT-TOO-LARGE"
"""What rejects the delivery, in a row or in a monthly sum."""
_SUBJECT: Final = {
    "CCFT-INPUT-UNKNOWN-CLUSTER": "cluster_id",
    "CCFT-INPUT-UNKNOWN-SERVICE": "service_id",
    "CCFT-INPUT-UNKNOWN-ACCOUNT": "account_id",
    "CCFT-INPUT-INVALID-ACCOUNT": "account_id",
    "CCFT-INPUT-UNKNOWN-RACK": "rack_id",
    "CCFT-INPUT-NETWORK-RACK-USAGE": "rack_id",
    "CCFT-INPUT-UNKNOWN-DEPLOYMENT": "deployment_id",
    "CCFT-INPUT-INVALID-DEPLOYMENT": "deployment_id",
    "CCFT-INPUT-UNKNOWN-MODEL": "model_id",
}
_PER_CENT: Final = 100


@dataclass(frozen=True)
class Tally:
    """Delivered rows of a table in a month by condition; month None: no readable date; condition None: usable."""

    table: str
    period: str | None
    condition: str | None
    rows: int
    copies: int
    sums: int


def tally(pools: DataFrame, table: Table) -> DataFrame:
    """Count what became of the delivered rows: one row per month and condition, fields of `Tally`."""
    condition = F.expr(f"IF(condition IS NULL AND is_beyond_range, {quote(TOO_LARGE)}, condition) AS condition")
    counted = pools.groupBy("period", condition).agg(
        F.expr("sum(row_count) AS rows"), F.expr("sum(copies) AS copies"), F.expr("count(*) AS sums")
    )
    return counted.selectExpr(f"{quote(table.name)} AS table", "*")


def set_aside(tallies: Iterable[Tally], table: str, period: str | None) -> dict[str, int]:
    """Rows set aside per condition in a period, those without a readable date included."""
    counts: dict[str, int] = {}
    for line in tallies:
        if line.table == table and line.condition is not None and line.period in {period, None}:
            counts[line.condition] = counts.get(line.condition, 0) + line.rows
    return dict(sorted(counts.items()))


def set_aside_in_all(tallies: Iterable[Tally], table: str) -> dict[str, int]:
    """Rows set aside per condition in the whole delivery, each counted once."""
    counts: dict[str, int] = {}
    for line in tallies:
        if line.table == table and line.condition is not None:
            counts[line.condition] = counts.get(line.condition, 0) + line.rows
    return dict(sorted(counts.items()))


def rejected_periods(
    tallies: Sequence[Tally], table: str, periods: Sequence[str], share_limit: Decimal, rows_limit: int
) -> list[Problem]:
    """Periods of which too many rows were set aside.

    Parameters
    ----------
    tallies
        Of all tables.
    table
        Name of the table.
    periods
        Periods of its delivery; a row without a readable date counts in each. None at all: the delivery as such is judged, because
        its rows can be kept nowhere.
    share_limit, rows_limit
        A period is rejected above both.
    """
    problems = []
    for period in periods or ["(no readable date)"]:
        counts = set_aside(tallies, table, period)
        rejected = sum(counts.values())
        rows = sum(line.rows for line in tallies if line.table == table and line.period in {period, None})
        is_homeless = not periods and rejected > 0
        if is_homeless or (rejected > rows_limit and rejected > share_limit * rows):
            values = {
                "table": table,
                "period": period,
                "rejected": rejected,
                "rows": rows,
                "conditions": ", ".join(f"{count} {code}" for code, count in counts.items()),
                "limit": f"{(share_limit * _PER_CENT).normalize():f} % of the rows and {rows_limit} rows",
            }
            problems.append(Problem("CCFT-INPUT-TOO-MANY-REJECTED", values))
    return problems


def suspects(pools: DataFrame, key: Sequence[str]) -> DataFrame:
    """Where rows to be set aside went: keys of the sums that cannot be used."""
    return pools.where("condition IS NOT NULL").select(*key).distinct()


def rejected(
    rows: DataFrame,
    table: Table,
    suspicious: DataFrame,
    condition: Callable[[DataFrame], DataFrame],
) -> DataFrame:
    """Find the delivered rows that were set aside.

    Only rows that went into a suspicious sum are looked at again.

    Parameters
    ----------
    rows
        Rows of `usage.marked`.
    table
        Registry entry.
    suspicious
        Frame of `suspects`.
    condition
        Adds `period` and `condition` to frames of `usage.daily`.

    Returns
    -------
    DataFrame
        One row per delivered row: `table_name`, `condition`, `values` (of its message), `period`, `row_json`.
    """
    near = usage.same_keys(rows, suspicious, suspicious.columns, "left_semi")
    key = (*table.key, usage.KEY_FLAW)
    judged = condition(usage.daily(near, table)).where("condition IS NOT NULL")
    kept = judged.selectExpr(*key, "period", "condition", "row_count AS key_rows")
    found = usage.same_keys(near, kept, key, "inner")
    return found.selectExpr(*findings_sql(table, "condition", _values(table)), "period", usage.ROW_JSON)


def _values(table: Table) -> dict[str, str]:
    """What the messages of `CONDITIONS` show."""
    subjects = [(code, column) for code, column in _SUBJECT.items() if column in table.column_names]
    value = " ".join(f"WHEN condition = {quote(code)} THEN {column}" for code, column in subjects)
    kind = " ".join(f"WHEN {usage.FLAW_COLUMN} = {quote(c.name)} THEN {quote(expected(c))}" for c in table.columns)
    return {
        "key": key_sql(table.key),
        "column": usage.FLAW_COLUMN,
        "value": f"CASE {value} ELSE {usage.FLAW_TEXT} END",
        "type": f"CASE {kind} ELSE 'as many fields as the header' END",
        "period": "period",
        "count": "key_rows",
    }


def rejected_rows(found: DataFrame, periods: DataFrame, run_id: str) -> DataFrame:
    """Rows of the table `rejected_rows`.

    Parameters
    ----------
    found
        Frame of `rejected`.
    periods
        `table_name`, `usage_period` of the delivery: a row without a readable date is kept in each.
    run_id
        Delivery.
    """
    placed = found.join(
        F.broadcast(periods.withColumnRenamed("table_name", "delivered")),
        F.expr("table_name = delivered AND coalesce(period = usage_period, true)"),
        "inner",
    )
    return placed.selectExpr(
        "usage_period",
        "table_name",
        "row_json",
        "condition",
        f"{message_sql(CONDITIONS)} AS message",
        f"{quote(run_id)} AS run_id",
    )


def oversized_sums(pools: DataFrame, table: Table, key: Sequence[str]) -> DataFrame:
    """Monthly sums above the range of their column, as findings."""
    names, amounts = [], []
    for column in usage.values_of(table):
        is_large = f"WHEN {column.name} IS NOT NULL AND try_cast({column.name} AS {column.type}) IS NULL"
        names.append(f"{is_large} THEN {quote(f'sum of {column.name}')}")
        amounts.append(f"{is_large} THEN CAST({column.name} AS STRING)")
    values = {"key": key_sql(key), "column": f"CASE {' '.join(names)} END", "value": f"CASE {' '.join(amounts)} END"}
    return pools.where("condition IS NULL AND is_beyond_range").selectExpr(
        *findings_sql(table, quote(TOO_LARGE), values)
    )
