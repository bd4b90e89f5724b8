"""Account rows that take part in an AI run, and how much of each its deployments explain."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from ccft.ai.drivers import Deployment, Month
from ccft.ai.rates import Service
from ccft.ai.shares import Pool
from ccft.ai.tokens import ROW_KEY
from ccft.audit.published import Line
from ccft.config import Settings
from ccft.lake.tables import Lake
from ccft.methodology.model import Methodology
from ccft.pipeline.ai_core import AiCore
from ccft.schema.spark import local_frame

_POOL_SCHEMA = "account_id string, cluster_id string, service_id string"


def account_rows(
    lake: Lake, base: Line, policy: Methodology, period: str, name: str = "account_emissions"
) -> DataFrame:
    """Rows of a table of the published month."""
    frame = lake.read(name, base.table_versions[name])
    return frame.where((F.col("usage_period") == period) & (F.col("methodology_version") == policy.version))


@dataclass(frozen=True)
class Pools:
    """Account rows that take part: of customer-run deployments by their key, of team-run services whole pools.

    Parameters
    ----------
    customers
        Rows of customer-run deployments; the others of the pool are left alone, unless it is a team's too.
    services
        Pools of services that run deployments of their own, where they have customers.
    """

    customers: frozenset[Pool]
    services: frozenset[Service]

    def take(self, rows: DataFrame) -> DataFrame:
        """Account rows that take part, with `is_own`: split over the account's own deployments."""
        return self.marked(rows).where("is_own OR is_team").drop("is_team")

    def marked(self, rows: DataFrame) -> DataFrame:
        """Account rows with `is_own`, `is_team`."""
        spark = rows.sparkSession
        own = local_frame(spark, [(*key, True) for key in sorted(self.customers)], _POOL_SCHEMA + ", own boolean")
        team = local_frame(
            spark, [(*key, True) for key in sorted(self.services)], "cluster_id string, service_id string, team boolean"
        )
        joined = rows.join(F.broadcast(own), list(ROW_KEY), "left").join(
            F.broadcast(team), ["cluster_id", "service_id"], "left"
        )
        marks = {"is_own": F.coalesce("own", F.lit(False)), "is_team": F.coalesce("team", F.lit(False))}
        return joined.withColumns(marks).drop("own", "team")


def pairs(spark: SparkSession, pools: Iterable[Service]) -> DataFrame:
    """Pools of services as a frame."""
    return local_frame(spark, sorted(pools), "cluster_id string, service_id string")


def keys(spark: SparkSession, pools: Iterable[Pool]) -> DataFrame:
    """Keys of account rows as a frame."""
    return local_frame(spark, sorted(pools), _POOL_SCHEMA)


def pools_of(rows: DataFrame, deployments: Sequence[Deployment]) -> Pools:
    """Account rows that exist for the deployments."""
    spark = rows.sparkSession
    own = {(d.account_id, d.cluster_id, d.service_id) for d in deployments if not d.is_team_run}
    run = {d.service_id for d in deployments if d.is_team_run}
    there = rows.select(*ROW_KEY).join(F.broadcast(keys(spark, own)), list(ROW_KEY), "left_semi").collect()
    pools = rows.where(F.col("service_id").isin(*sorted(run))).select("cluster_id", "service_id").distinct().collect()
    return Pools(frozenset(map(tuple, there)), frozenset(map(tuple, pools)))


def coverage(
    lake: Lake, core: AiCore, found: dict[str, Month], pools: Pools, settings: Settings
) -> dict[Pool, Fraction]:
    """Part of each customer-run row that its deployments' hours explain; 1 where the service counts no accelerator-hours."""
    units = {row["service_id"]: row["usage_unit"] for row in lake.rows("core_services").to_pylist()}
    usage = lake.read("core_account_usage").where(F.col("usage_period") == core.period)
    own = F.broadcast(keys(lake.spark, pools.customers))
    used = usage.join(own, list(ROW_KEY), "left_semi").select(*ROW_KEY, "usage_units").collect()
    bought = {(row["account_id"], row["cluster_id"], row["service_id"]): Fraction(row["usage_units"]) for row in used}
    reserved: dict[Pool, Fraction] = dict.fromkeys(pools.customers, Fraction(0))
    for month in found.values():
        run = month.deployment
        key = run.account_id, run.cluster_id, run.service_id
        if key in reserved and not run.is_team_run:
            reserved[key] += month.reserved
    counted = settings.ai.accelerator_hour_units
    return {
        key: min(Fraction(1), hours / bought[key]) if units.get(key[2]) in counted and bought.get(key) else Fraction(1)
        for key, hours in reserved.items()
    }
