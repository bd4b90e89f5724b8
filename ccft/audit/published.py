"""Which result of a period counts: the newest line of `run_log` that says published (publish page, section 0)."""

import json
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


@dataclass(frozen=True)
class Line:
    """A published period x version."""

    period: str
    methodology_version: str
    run_id: str
    finished_at: datetime
    table_versions: dict[str, int]


def lines(run_log: DataFrame) -> list[Line]:
    """All published period x versions, the newest line of each, in order of period and version."""
    rows = run_log.where("status = 'published'").select(
        "usage_period", "methodology_version", "run_id", "finished_at", "table_versions"
    )
    newest_lines: dict[tuple[str, str], Line] = {}
    for row in sorted(rows.collect(), key=lambda row: row["finished_at"]):
        line = Line(
            row["usage_period"],
            row["methodology_version"],
            row["run_id"],
            row["finished_at"],
            json.loads(row["table_versions"]),
        )
        newest_lines[line.period, line.methodology_version] = line
    return [newest_lines[key] for key in sorted(newest_lines)]


def newest(run_log: DataFrame, version: str) -> dict[str, Line]:
    """Newest published line per period of one methodology version."""
    return {line.period: line for line in lines(run_log.where(F.col("methodology_version") == version))}
