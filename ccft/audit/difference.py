"""Differences between two results of a month, split by cause: account rows of every stage on the way, compared exactly (publish page, section 3).

A way is a list of stages: the published figures of one side, results with one thing changed after the other, the published figures of the other side.
A cause is the step from one stage to the next, so the causes of a row sum to its difference by construction, in whole micrograms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from typing import Any, Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ccft.kernel.exact import row_quanta
from ccft.schema.columns import MEASURES, RESERVED_PRODUCT_CODES
from ccft.schema.units import QUANTA_PER_KG

KEY: Final = ("account_id", "service_id", "region_code", "measure")
KINDS: Final = ("provider", "internal", "affiliate", "external")
"""Whose rows: what stays with the provider, then accounts by type."""
LOCATION_BASED: Final = ("scope_1", "scope_2_lbm", "scope_3_fera_lbm", "scope_3_embodied")
"""Measures of the location-based total: each emission once."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Stage:
    """Account rows after one more change.

    Parameters
    ----------
    cause
        What changed since the stage before; empty for the first.
    rows
        `account_id, service_id, region_code, account_type, <measure>_kg`.
    """

    cause: str
    rows: DataFrame


def _kind() -> Column:
    """Position in `KINDS`; a number, so that aggregates need no sort."""
    kind = F.when(F.col("service_id").isin(*RESERVED_PRODUCT_CODES), 0)
    for position, name in enumerate(KINDS[1:], start=1):
        kind = kind.when(F.col("account_type") == name, position)
    return kind


def _masses(stage: Stage, position: int) -> DataFrame:
    """Rows of a stage by measure: `account_id, service_id, region_code, kind, stage, measure, quanta`."""
    masses = (row_quanta(f"{measure}_kg").alias(measure) for measure in MEASURES)
    names = ("account_id", "service_id", "region_code")
    wide = stage.rows.select(*names, _kind().alias("kind"), F.lit(position).alias("stage"), *masses)
    long: DataFrame = wide.unpivot([*names, "kind", "stage"], list(MEASURES), "measure", "quanta")
    return long.where("quanta <> 0")


def causes_of(stages: Sequence[Stage]) -> list[str]:
    """Causes in the order of the way, each once."""
    return list(dict.fromkeys(stage.cause for stage in stages[1:]))


def differences(stages: Sequence[Stage]) -> DataFrame:
    """What each row changed by, and by what cause.

    Grain in: stages of account rows. Grain out: account, service, region, measure; rows that no cause changed are left out.

    Returns
    -------
    DataFrame
        `KEY`, `kind` (position in `KINDS`), `before`, `after`, and a BIGINT column of quanta per cause: they sum to `after - before`.
    """
    masses = reduce(DataFrame.unionByName, [_masses(stage, position) for position, stage in enumerate(stages)])
    zero = F.lit(0).cast("bigint")
    at = [
        F.sum(F.when(F.col("stage") == position, F.col("quanta")).otherwise(zero)).alias(f"stage_{position}")
        for position in range(len(stages))
    ]
    sums = masses.groupBy(*KEY).agg(F.min("kind").alias("kind"), *at)
    columns = []
    for cause in causes_of(stages):
        steps = [
            F.col(f"stage_{position}") - F.col(f"stage_{position - 1}")
            for position in range(1, len(stages))
            if stages[position].cause == cause
        ]
        columns.append(reduce(Column.__add__, steps).alias(cause))
    ends = (F.col("stage_0").alias("before"), F.col(f"stage_{len(stages) - 1}").alias("after"))
    changed = " OR ".join(f"`{cause}` <> 0" for cause in causes_of(stages))
    return sums.select(*KEY, "kind", *ends, *columns).where(changed)


def _sums(causes: Sequence[str]) -> list[Column]:
    return [F.sum(name).alias(name) for name in ("before", "after", *causes)]


def _kg(value: object) -> Decimal:
    return Decimal(int(str(value))) / QUANTA_PER_KG


def _plain(frame: DataFrame, causes: Sequence[str]) -> Rows:
    """A small frame as rows in kg, the causes under `causes`."""
    rows = []
    for row in frame.toArrow().to_pylist():
        labels = {name: value for name, value in row.items() if name not in {"before", "after", "kind", *causes}}
        if "kind" in row:
            labels["accounts_of"] = KINDS[row["kind"]]
        rows.append(
            {
                **labels,
                "difference_kg": _kg(row["after"] - row["before"]),
                "causes_kg": {cause: _kg(row[cause]) for cause in causes},
            }
        )
    return rows


def by_kind(found: DataFrame, causes: Sequence[str]) -> Rows:
    """Who gains and who loses: differences per kind of account and measure."""
    return _plain(found.groupBy("kind", "measure").agg(*_sums(causes)).orderBy("measure", "kind"), causes)


def movers(found: DataFrame, causes: Sequence[str], cause: str, limit: int, measures: Sequence[str]) -> Rows:
    """Accounts that a cause burdens or relieves most, over some measures together. The provider's retained rows are an account of their own."""
    by_account = found.where(F.col("measure").isin(*measures)).groupBy("account_id", "kind").agg(*_sums(causes))
    moved = by_account.where(F.col(cause) != 0)
    up = moved.where(F.col(cause) > 0).orderBy(F.col(cause).desc(), "account_id").limit(limit)
    down = moved.where(F.col(cause) < 0).orderBy(F.col(cause), "account_id").limit(limit)
    return _plain(up, causes) + _plain(down, causes)


def of_account(found: DataFrame, causes: Sequence[str], account: str) -> Rows:
    """All rows of one account that changed: bounded by services and regions."""
    own = found.where(F.col("account_id") == account).orderBy("measure", "region_code", "service_id", "kind")
    return _plain(own, causes)


def totals(accounts: DataFrame) -> dict[str, Decimal]:
    """Sum of account rows per measure, kg. Reads every row: fails where files are no longer kept."""
    row = accounts.agg(*(F.sum(f"{measure}_kg").alias(measure) for measure in MEASURES)).collect()[0]
    return {measure: row[measure] or Decimal(0) for measure in MEASURES}
