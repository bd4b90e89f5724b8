"""Which result of a period counts: the newest line of `run_log` that says published (publish page, section 0)."""

import json
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa


@dataclass(frozen=True)
class Line:
    """A published period x version."""

    period: str
    methodology_version: str
    run_id: str
    finished_at: datetime
    table_versions: dict[str, int]


def lines(run_log: pa.Table) -> list[Line]:
    """All published period x versions, the newest line of each, in order of period and version."""
    published = [row for row in run_log.to_pylist() if row["status"] == "published"]
    newest_lines: dict[tuple[str, str], Line] = {}
    for row in sorted(published, key=lambda row: row["finished_at"]):
        line = Line(
            row["usage_period"],
            row["methodology_version"],
            row["run_id"],
            row["finished_at"],
            json.loads(row["table_versions"]),
        )
        newest_lines[line.period, line.methodology_version] = line
    return [newest_lines[key] for key in sorted(newest_lines)]


def newest(run_log: pa.Table, version: str) -> dict[str, Line]:
    """Newest published line per period of one methodology version."""
    return {line.period: line for line in lines(run_log) if line.methodology_version == version}
