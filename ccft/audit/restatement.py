"""Restatements: old and new totals of a published period that was changed, who, when and why (methodology, contract section 3)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.audit.published import Line
from ccft.audit.reconciliation import worldwide_totals

Totals = dict[tuple[str, str], Decimal]
"""(period, measure) -> worldwide kg."""


class _Identified(Protocol):
    @property
    def period(self) -> str: ...

    @property
    def run_id(self) -> str: ...


def totals(reconciliation: DataFrame, periods: Sequence[str], version: str) -> Totals:
    """Worldwide totals of a version's periods, from the ledger."""
    own = reconciliation.where(F.col("usage_period").isin(*periods) & (F.col("methodology_version") == version))
    return {(row["usage_period"], row["measure"]): row["out_kg"] for row in worldwide_totals(own).collect()}


def changes(
    runs: Sequence[_Identified],
    before: Mapping[str, Line],
    old: Totals,
    new: Totals,
    version: str,
    reason: str,
    restated_by: str,
) -> list[tuple[object, ...]]:
    """Rows of `restatements` for the periods that had been published before; unchanged measures too."""
    now = datetime.now(UTC)
    zero = Decimal(0)
    return [
        (
            run.period,
            version,
            measure,
            before[run.period].run_id,
            run.run_id,
            old.get((run.period, measure), zero),
            new.get((run.period, measure), zero),
            reason,
            restated_by,
            now,
        )
        for run in runs
        if run.period in before
        for measure in sorted({m for p, m in (*old, *new) if p == run.period})
    ]


def log(restatements: pa.Table, run_log: pa.Table) -> list[dict[str, Any]]:
    """Restatements in the order of time, with the fingerprints of the inputs before and after.

    Parameters
    ----------
    restatements, run_log
        The log tables; a run has one line per period.
    """
    inputs = {(row["run_id"], row["usage_period"]): row["input_fingerprint"] for row in run_log.to_pylist()}
    rows = sorted(
        restatements.to_pylist(),
        key=lambda row: (row["restated_at"], row["usage_period"], row["methodology_version"], row["measure"]),
    )
    return [
        {
            **row,
            "old_input_fingerprint": inputs.get((row["old_run_id"], row["usage_period"]), ""),
            "new_input_fingerprint": inputs.get((row["run_id"], row["usage_period"]), ""),
        }
        for row in rows
    ]
