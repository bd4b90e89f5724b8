"""Verification from the tables themselves: what an auditor would compute with plain SQL."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.errors import Problem
from ccft.kernel.exact import kilograms, row_quanta
from ccft.schema.columns import MEASURES, WORLDWIDE
from ccft.schema.units import MASS

LISTED: Final = 100
"""Differences that are told of one check: who sees so many looks for one cause."""

_SLICE = ("usage_period", "methodology_version")
_WORLD, _CLUSTER, _SERVICE = (), ("cluster_id",), ("cluster_id", "service_id")
"""What an equality is about: columns of its key beside period and measure."""
_EQUALITY = ("usage_period", "check", *_SERVICE, "measure")
_RECOMPUTED = "in_kg + transferred_in_kg - transferred_out_kg - out_kg"


def _of(frame: DataFrame, periods: Sequence[str], version: str) -> DataFrame:
    return frame.where(F.col("usage_period").isin(*periods) & (F.col("methodology_version") == version))


def account_totals(accounts: DataFrame) -> DataFrame:
    """Account rows summed per cluster. Columns: `usage_period, methodology_version, cluster_id, measure, kg`."""
    return _account_sums(accounts, [*_SLICE, "cluster_id"])


def _account_sums(accounts: DataFrame, key: Sequence[str]) -> DataFrame:
    """Account rows summed by a key. Columns: the key, `measure`, `kg`."""
    sums = accounts.groupBy(*key).agg(*(kilograms(F.sum(row_quanta(f"{m}_kg"))).alias(m) for m in MEASURES))
    return sums.unpivot(list(key), list(MEASURES), "measure", "kg")


@dataclass(frozen=True)
class _Check:
    """Equalities of one kind: two tables that say the same of each period, measure and what `grain` names.

    Parameters
    ----------
    name
        As a person reads it.
    grain
        `_WORLD`, `_CLUSTER` or `_SERVICE`.
    left, right
        Frame and amount, as an expression.
    """

    name: str
    grain: tuple[str, ...]
    left: tuple[DataFrame, str]
    right: tuple[DataFrame, str]

    def sides(self) -> DataFrame:
        """Amounts of both sides, those of the right one with the opposite sign."""
        (left, gained), (right, taken) = self.left, self.right
        return self._side(left, gained).unionByName(self._side(right, f"-({taken})"))

    def _side(self, frame: DataFrame, amount: str) -> DataFrame:
        about = [(F.col(name) if name in self.grain else F.lit("")).alias(name) for name in _SERVICE]
        kg = F.expr(f"CAST({amount} AS decimal(38,9))").alias("kg")
        return frame.select("usage_period", F.lit(self.name).alias("check"), *about, "measure", kg)


def _differences(checks: Sequence[_Check]) -> pa.Table:
    """Both sides of all equalities, summed in one pass: what one side lacks counts as zero there. Bounded by services.

    Zero and nothing on both sides, as of measures that a version does not have, is no equality worth counting.
    """
    both = reduce(DataFrame.unionByName, (check.sides() for check in checks)).where("kg <> 0")
    return both.groupBy(*_EQUALITY).agg(F.sum("kg").alias("difference")).toArrow()


def _not_zero(rows: pa.Table, column: str) -> pa.Table:
    return rows.filter(pc.not_equal(rows[column], pa.scalar(0, pa.int64()).cast(rows[column].type)))


def _problem(version: str, row: dict[str, Any]) -> Problem:
    return Problem(
        "CCFT-RUN-VERIFICATION-FAILED",
        {
            "period": row["usage_period"],
            "version": version,
            "check": row["check"],
            "subject": " ".join(filter(None, (row["cluster_id"] or WORLDWIDE, row["service_id"], row["measure"]))),
            "difference": row["difference"],
        },
    )


def _problems(differences: pa.Table, version: str) -> Iterator[Problem]:
    """Equalities that do not hold to the last quantum, the first `LISTED` of each check."""
    told = Counter[str]()
    for row in _not_zero(differences, "difference").sort_by([(name, "ascending") for name in _EQUALITY]).to_pylist():
        told[row["check"]] += 1
        if told[row["check"]] <= LISTED:
            yield _problem(version, row)


def _account_step(accounts: DataFrame, ledger: DataFrame) -> _Check:
    """Account rows, summed at least per cluster, against the ledger's `accounts` step."""
    booked = ledger.where((F.col("step") == "accounts") & (F.col("cluster_id") != WORLDWIDE))
    return _Check("accounts = ledger", _CLUSTER, (accounts, "kg"), (booked, "out_kg"))


def account_differences(accounts: DataFrame, ledger: DataFrame, periods: Sequence[str], version: str) -> list[Problem]:
    """Account rows as written against the ledger's `accounts` step, per cluster and measure."""
    totals = account_totals(_of(accounts, periods, version))
    return list(_problems(_differences([_account_step(totals, _of(ledger, periods, version))]), version))


def verify(
    tables: dict[str, DataFrame],
    periods: Sequence[str],
    version: str,
    settle: Callable[[DataFrame], DataFrame] = lambda frame: frame,
) -> tuple[int, list[Problem]]:
    """Re-derive conservation of published periods from the result tables alone.

    Parameters
    ----------
    tables
        Result tables at their published versions.
    periods, version
        What is published.
    settle
        Computes sums that several checks read, once.

    Returns
    -------
    count, problems
        How many equalities were checked, and each that does not hold to the last quantum.
    """
    own = {name: _of(frame, periods, version) for name, frame in tables.items()}
    # Account rows are read once: every sum of them below is a sum of these.
    accounts = settle(_account_sums(own["account_emissions"], [*_SLICE, *_SERVICE]))
    services = settle(_sums(own["service_emissions"], *_SLICE, *_SERVICE, "measure"))
    inventory = settle(_sums(own["inventory_emissions"], *_SLICE, "measure"))
    ledger = settle(own["reconciliation"].withColumn("recomputed", F.expr(_RECOMPUTED)))
    rack_types, borne_by = own["rack_type_emissions"], own["service_flows"]
    emitted_by = borne_by.drop("service_id").withColumnRenamed("origin_service_id", "service_id")
    checks = [
        _Check("inventory = rack types", _WORLD, (inventory, "emissions_kg"), (rack_types, "emissions_kg")),
        _Check("inventory = services", _WORLD, (inventory, "emissions_kg"), (services, "net_kg")),
        _Check("inventory = accounts", _WORLD, (inventory, "emissions_kg"), (accounts, "kg")),
        _Check("direct = flows", _SERVICE, (services, "direct_kg"), (emitted_by, "emissions_kg")),
        _Check("borne = flows", _SERVICE, (services, "net_kg - residual_kg"), (borne_by, "emissions_kg")),
        _Check("service = its accounts", _SERVICE, (services, "net_kg"), (accounts, "kg")),
        _account_step(accounts, ledger),
    ]
    differences, lines = _differences(checks), ledger.toArrow()
    problems = [*_problems(differences, version), *_ledger_problems(lines, version)]
    return differences.num_rows + lines.num_rows, problems


def _sums(frame: DataFrame, *key: str) -> DataFrame:
    """All masses of a table summed by a key.

    In the type of the tables: a difference of two amounts in the wider type of Spark's sums would lose its last digit.
    """
    masses = [name for name in frame.columns if name.endswith("_kg")]
    return frame.groupBy(*key).agg(*(F.sum(name).cast(MASS).alias(name) for name in masses))


def _ledger_problems(lines: pa.Table, version: str) -> list[Problem]:
    """Ledger lines whose own arithmetic does not hold, or that say themselves that something is lost."""
    wrong = pa.concat_tables([_not_zero(lines, "recomputed"), _not_zero(lines, "difference_kg")]).to_pylist()
    distinct = {(row["usage_period"], row["step"], row["cluster_id"], row["measure"]): row for row in wrong}
    return [
        _problem(
            version,
            row
            | {
                "check": f"ledger {row['step']}",
                "service_id": "",
                "difference": row["recomputed"] or row["difference_kg"],
            },
        )
        for _, row in sorted(distinct.items())[:LISTED]
    ]
