"""Verification from the tables themselves: what an auditor would compute with plain SQL."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.errors import Problem
from ccft.kernel.exact import kilograms, row_quanta
from ccft.schema.columns import MEASURES

_SLICE = ("usage_period", "methodology_version")


def _of(frame: DataFrame, periods: Sequence[str], version: str) -> DataFrame:
    return frame.where(F.col("usage_period").isin(*periods) & (F.col("methodology_version") == version))


def account_totals(accounts: DataFrame) -> DataFrame:
    """Account rows summed per cluster. Columns: `usage_period, methodology_version, cluster_id, measure, kg`."""
    return _account_sums(accounts, [*_SLICE, "cluster_id"])


def _account_sums(accounts: DataFrame, key: Sequence[str]) -> DataFrame:
    """Account rows summed by a key. Columns: the key, `measure`, `kg`."""
    sums = accounts.groupBy(*key).agg(*(kilograms(F.sum(row_quanta(f"{m}_kg"))).alias(m) for m in MEASURES))
    return sums.unpivot(list(key), list(MEASURES), "measure", "kg")


def _compare(left: DataFrame, right: DataFrame, key: Sequence[str], check: str, subject: str) -> list[Problem]:
    """Problems where two sums by the same key differ at all; a key that one side lacks counts as zero there."""
    joined = left.withColumnRenamed("kg", "left_kg").join(right.withColumnRenamed("kg", "right_kg"), list(key), "full")
    difference = F.coalesce("left_kg", F.lit(0)) - F.coalesce("right_kg", F.lit(0))
    wrong = joined.withColumn("difference", difference).where("difference <> 0").orderBy(*key).limit(100).collect()
    return [
        Problem(
            "CCFT-RUN-VERIFICATION-FAILED",
            {
                "period": row["usage_period"],
                "version": row["methodology_version"],
                "check": check,
                "subject": subject.format(**row.asDict()),
                "difference": row["difference"],
            },
        )
        for row in wrong
    ]


def account_differences(
    accounts: DataFrame, reconciliation: DataFrame, periods: Sequence[str], version: str
) -> list[Problem]:
    """Account rows as written against the ledger's `accounts` step, per cluster and measure: bounded, so compared here."""
    key = (*_SLICE, "cluster_id", "measure")
    booked = _of(reconciliation, periods, version).where("step = 'accounts' AND cluster_id <> 'worldwide'")
    written = account_totals(_of(accounts, periods, version))
    differences: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for row in written.collect():
        differences[tuple(row[name] for name in key)] += row["kg"]
    for row in booked.collect():
        differences[tuple(row[name] for name in key)] -= row["out_kg"]
    return [
        Problem(
            "CCFT-RUN-VERIFICATION-FAILED",
            {
                "period": period,
                "version": of,
                "check": "accounts = ledger",
                "subject": f"{cluster} {measure}",
                "difference": difference,
            },
        )
        for (period, of, cluster, measure), difference in sorted(differences.items())
        if difference
    ]


def verify(tables: dict[str, DataFrame], periods: Sequence[str], version: str) -> tuple[int, list[Problem]]:
    """Re-derive conservation of published periods from the result tables alone.

    Parameters
    ----------
    tables
        Result tables at their published versions.
    periods, version
        What is published.

    Returns
    -------
    count, problems
        How many equalities were checked, and each that does not hold to the last quantum.
    """
    own = {name: _of(frame, periods, version) for name, frame in tables.items()}
    measured = [*_SLICE, "measure"]
    inventory = _sum(own["inventory_emissions"], measured, "emissions_kg")
    by_cluster = account_totals(own["account_emissions"])
    accounts = _sum(by_cluster, measured, "kg")
    problems = _compare(inventory, accounts, measured, "inventory = accounts", "worldwide {measure}")
    problems += _compare(
        inventory,
        _sum(own["rack_type_emissions"], measured, "emissions_kg"),
        measured,
        "inventory = rack types",
        "worldwide {measure}",
    )
    problems += _compare(
        inventory,
        _sum(own["service_emissions"], measured, "net_kg"),
        measured,
        "inventory = services",
        "worldwide {measure}",
    )
    pools = [*_SLICE, "cluster_id", "service_id", "measure"]
    nets = _sum(own["service_emissions"], pools, "net_kg")
    rows = _account_sums(own["account_emissions"], pools[:-1])
    problems += _compare(nets, rows, pools, "service = its accounts", "{cluster_id} {service_id} {measure}")
    origins = [*_SLICE, "cluster_id", "origin_service_id", "measure"]
    direct = _sum(own["service_emissions"], pools, "direct_kg").withColumnRenamed("service_id", "origin_service_id")
    problems += _compare(
        direct,
        _sum(own["service_flows"], origins, "emissions_kg"),
        origins,
        "direct = flows",
        "{cluster_id} {origin_service_id} {measure}",
    )
    borne = _sum(own["service_emissions"], pools, "net_kg - residual_kg")
    problems += _compare(
        borne,
        _sum(own["service_flows"], pools, "emissions_kg"),
        pools,
        "borne = flows",
        "{cluster_id} {service_id} {measure}",
    )
    problems += account_differences(own["account_emissions"], own["reconciliation"], periods, version)
    problems += _ledger_problems(own["reconciliation"])
    checked = reduce(int.__add__, (frame.count() for frame in (inventory, nets, direct, own["reconciliation"])))
    return checked, problems


def _sum(frame: DataFrame, key: Sequence[str], amount: str) -> DataFrame:
    return frame.groupBy(*key).agg(F.sum(F.expr(amount)).alias("kg"))


def _ledger_problems(reconciliation: DataFrame) -> list[Problem]:
    """Ledger lines whose own arithmetic does not hold."""
    recomputed = F.expr("in_kg + transferred_in_kg - transferred_out_kg - out_kg")
    wrong = reconciliation.withColumn("recomputed", recomputed).where("recomputed <> 0 OR difference_kg <> 0")
    return [
        Problem(
            "CCFT-RUN-VERIFICATION-FAILED",
            {
                "period": row["usage_period"],
                "version": row["methodology_version"],
                "check": f"ledger {row['step']}",
                "subject": f"{row['cluster_id']} {row['measure']}",
                "difference": row["recomputed"],
            },
        )
        for row in wrong.limit(100).collect()
    ]
