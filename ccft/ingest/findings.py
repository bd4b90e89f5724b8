"""Findings: cases of a condition, as rows of a frame, with the values that its message shows.

| table_name | condition | values |
|---|---|---|
| racks | CCFT-INPUT-UNKNOWN-CLUSTER | {table: racks, key: r-17, value: eu-9} |
"""

from collections.abc import Iterable, Mapping, Sequence
from string import Formatter
from typing import Any, Final

from pyspark.sql import DataFrame

from ccft.errors import CONDITIONS, Problem
from ccft.ingest.types import DELIVERED
from ccft.schema.spark import quote
from ccft.schema.tables import Table

LISTED: Final = 20
"""Problems listed per condition and table; of the others, the number."""


def findings_sql(table: Table, condition: str, values: Mapping[str, str]) -> list[str]:
    """Select list of a frame of findings: SQL of the condition and of each value; null shows as nothing."""
    pairs = {"table": quote(table.name), **values}
    items = ", ".join(f"{quote(name)}, coalesce(CAST({value} AS STRING), '')" for name, value in pairs.items())
    return [f"{quote(table.name)} AS table_name", f"{condition} AS condition", f"map({items}) AS values"]


def key_sql(names: Sequence[str], prefix: str = "") -> str:
    """The key of a row for messages."""
    return f"concat_ws(' ', {', '.join(f'''coalesce(CAST({prefix}{name} AS STRING), '-')''' for name in names)})"


def delivered_key_sql(table: Table) -> str:
    """The key of a row as delivered; where a part of it is missing, the whole row."""
    required = [f"{DELIVERED}{name} IS NULL" for name in table.key if not table.column(name).nullable]
    row = ", ".join(f"{DELIVERED}{name} AS {name}" for name in table.column_names)
    return f"IF({' OR '.join(required)}, substring(to_json(struct({row})), 1, 200), {key_sql(table.key, DELIVERED)})"


def first_of_each(findings: DataFrame, limit: int = LISTED) -> DataFrame:
    """The first findings per table and condition, in the order of their values, with `rank` from 1 to `limit` + 1."""
    window = "PARTITION BY table_name, condition ORDER BY to_json(values)"
    return findings.selectExpr("*", f"row_number() OVER ({window}) AS rank").where(f"rank <= {limit + 1}")


def problems(rows: Iterable[Any], counts: Mapping[tuple[str, str], int], limit: int = LISTED) -> list[Problem]:
    """Problems of the rows of `first_of_each`, in a fixed order; what lies above the limit as a number."""
    listed = []
    for row in sorted(rows, key=lambda row: (row["table_name"], row["condition"], row["rank"])):
        if row["rank"] <= limit:
            listed.append(Problem(row["condition"], dict(row["values"])))
        else:
            count = counts[row["table_name"], row["condition"]] - limit
            values = {"table": row["table_name"], "count": count, "condition": row["condition"]}
            listed.append(Problem("CCFT-INPUT-MORE-PROBLEMS", values))
    return listed


def message_sql(codes: Sequence[str]) -> str:
    """SQL of the filled-in message of a finding, from its columns `condition` (one of `codes`) and `values`."""
    cases = []
    for code in codes:
        parts: list[str] = []
        for literal, name, _spec, _conversion in Formatter().parse(CONDITIONS[code].template):
            parts += [quote(literal)] if literal else []
            parts += [f"coalesce(try_element_at(values, {quote(name)}), '')"] if name else []
        cases.append(f"WHEN condition = {quote(code)} THEN concat({', '.join(parts)})")
    return f"CASE {' '.join(cases)} END"
