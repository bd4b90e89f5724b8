"""Which result of a period counts: the newest line of `run_log` that says published (publish page, section 0)."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import pyarrow as pa


@dataclass(frozen=True)
class Line:
    """A published period x version.

    Parameters
    ----------
    table_versions, input_versions
        Delta version of every result table, and of every core table it was computed from; without the latter its inputs cannot be opened again.
    input_fingerprint, software
        What the inputs were; what computed them: code, policies and settings.
    account_rows
        Account rows that its publication wrote, those of months published with it included: how large the job is that reads them.
    """

    period: str
    methodology_version: str
    run_id: str
    finished_at: datetime
    table_versions: dict[str, int]
    input_versions: dict[str, int] = field(default_factory=dict)
    input_fingerprint: str = ""
    software: tuple[str, ...] = ()
    account_rows: int = 0


SOFTWARE: Final = ("code_hash", "policy_hash", "configuration_hash")
"""Columns of `run_log` that say what computed a result; the identity of the inputs is apart."""


def history(run_log: pa.Table) -> dict[tuple[str, str], list[Line]]:
    """All published lines per period and version, in the order of their publication: the first, then its restatements."""
    found: dict[tuple[str, str], list[Line]] = defaultdict(list)
    published = [row for row in run_log.to_pylist() if row["status"] == "published"]
    for row in sorted(published, key=lambda row: row["finished_at"]):
        line = Line(
            row["usage_period"],
            row["methodology_version"],
            row["run_id"],
            row["finished_at"],
            json.loads(row["table_versions"]),
            json.loads(row.get("input_versions") or "{}"),
            row["input_fingerprint"],
            tuple(str(row.get(name)) for name in SOFTWARE),
            json.loads(row.get("rows_written") or "{}").get("account_emissions", 0),
        )
        found[line.period, line.methodology_version].append(line)
    return found


def lines(run_log: pa.Table) -> list[Line]:
    """All published period x versions, the newest line of each, in order of period and version."""
    found = history(run_log)
    return [found[key][-1] for key in sorted(found)]


def newest(run_log: pa.Table, version: str) -> dict[str, Line]:
    """Newest published line per period of one methodology version."""
    return {line.period: line for line in lines(run_log) if line.methodology_version == version}
