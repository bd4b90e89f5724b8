"""Physical plans of the passes over the large table: no account row is shuffled or sorted."""

from dataclasses import dataclass

import pytest
from pyspark.sql import DataFrame

from ccft.allocation import weights
from ccft.allocation.accounts import allocate_to_accounts, pool_remainders
from ccft.allocation.weights import list_price_classes, list_prices
from ccft.ingest.usage_classes import usage_classes
from ccft.lake.memory import compiled_plans
from ccft.methodology.model import methodology
from ccft.pipeline.run import _stamped
from ccft.pipeline.stages import Results
from ccft.schema.spark import select_columns, struct_type
from ccft.schema.tables import table
from tests.spark.kernel.test_apportion import CLUSTER, PERIOD, POLICY, Pools, loaded_pools, usage_rows

pytestmark = pytest.mark.spark

POOLS: Pools = {"a": ([5, 3, 3], (10, 11, 12)), "b": ([1], (7, 8, 9))}
LARGE = "FileScan parquet"
"""The only table read from files is the large one."""


@dataclass(frozen=True)
class Plan:
    """A physical plan as text, one operator per line."""

    lines: tuple[str, ...]

    def above_the_large_table(self) -> list[str]:
        """Operators through which account rows pass, from the scan upwards."""
        scans = [number for number, line in enumerate(self.lines) if LARGE in line]
        assert len(scans) == 1, "the large table is read once"
        (position,) = scans
        path, depth = [], _depth(self.lines[position])
        for line in reversed(self.lines[:position]):
            if _depth(line) < depth:
                path.append(line.lstrip(" :+-"))
                depth = _depth(line)
        return path


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" :+-"))


def plan_of(frame: DataFrame) -> Plan:
    text = frame._jdf.queryExecution().executedPlan().toString()
    return Plan(tuple(line for line in text.splitlines() if line.strip(" :+-")))


def exchanges(path: list[str]) -> list[str]:
    return [line for line in path if line.startswith(("Exchange", "ShuffleQueryStage"))]


def sorts(path: list[str]) -> list[str]:
    """Sorts, and what needs sorted rows."""
    return [line for line in path if line.startswith(("Sort", "Window", "TakeOrdered"))]


@pytest.fixture(scope="module")
def large(spark, tmp_path_factory) -> DataFrame:
    """Account usage in files, as in the lake."""
    path = str(tmp_path_factory.mktemp("large") / "usage")
    spark.createDataFrame(usage_rows(POOLS), struct_type(table("core_account_usage"))).write.parquet(path)
    return spark.read.parquet(path)


@pytest.fixture
def by_hints_alone(spark):
    """Plans of a large month: compiled, and nothing is broadcast because it happens to be small."""
    name = "spark.sql.autoBroadcastJoinThreshold"
    before = spark.conf.get(name)
    spark.conf.set(name, "-1")
    with compiled_plans(spark):
        yield
    spark.conf.set(name, before)


@pytest.fixture
def small(spark):
    services = spark.createDataFrame(
        [(name, "product", True) for name in POOLS], "service_id string, product_code string, is_foundational boolean"
    )
    clusters = spark.createDataFrame([(CLUSTER, "Place")], "cluster_id string, location string")
    return spark.createDataFrame(loaded_pools(POOLS)), services, clusters


def test_account_rows_are_written_without_a_shuffle_or_sort(spark, large, small, by_hints_alone):
    """From the scan to the columns of `account_emissions`, with run id and version."""
    pools, services, clusters = small
    rests = [f"0L AS rest_{measure}" for measure in POLICY.measures]
    finished = pools.selectExpr("*", "'000000000000' AS remainder_account_id", *rests)
    rows = allocate_to_accounts(large, finished, services, clusters, POLICY)
    ids = spark.createDataFrame([(PERIOD, "run")], "usage_period string, run_id string")
    stamped = _stamped(Results(*[rows] * 9, flow_rows=0), ids, POLICY)["account_emissions"]
    path = plan_of(stamped.select(*select_columns(table("account_emissions")))).above_the_large_table()
    assert exchanges(path) == []
    assert sorts(path) == []
    joins = [line for line in path if "Join" in line]
    assert joins
    assert all(line.startswith("BroadcastHashJoin") for line in joins)


def test_sum_pass_shuffles_partial_sums_only(large, small, by_hints_alone):
    """One exchange, by pool, above partial aggregates: rows of pools, not of accounts."""
    pools, _, _ = small
    path = plan_of(pool_remainders(large, pools, POLICY)).above_the_large_table()
    assert_partial_sums(path, "pool_number")


@pytest.mark.parametrize("version", ["v1.0", "v2.0", "v3.0"])
def test_sums_of_weights_shuffle_partial_sums_only(spark, large, small, by_hints_alone, version):
    """Classes of account rows, and the rows at list price."""
    _, services, _ = small
    classes = usage_classes(large)
    assert_partial_sums(plan_of(classes).above_the_large_table(), "usage_period", "cluster_id", "service_id")
    settled = weights.usage_classes(spark.createDataFrame(classes.collect(), classes.schema))
    prices = list_prices(settled)
    settled_prices = spark.createDataFrame(prices.collect(), prices.schema)
    priced = list_price_classes(large, services, settled_prices, methodology(version))
    path = plan_of(priced).above_the_large_table()
    assert_partial_sums(path, "usage_period", "cluster_id", "service_id")
    assert all(line.startswith("BroadcastHashJoin") for line in path if "Join" in line)


def assert_partial_sums(path: list[str], *pool: str) -> None:
    (exchange,) = exchanges(path)
    assert exchange.startswith("Exchange hashpartitioning")
    position = path.index(exchange)
    assert path[position - 1].startswith("HashAggregate")
    assert "partial_" in path[position - 1]
    assert path[position + 1].startswith("HashAggregate")
    assert sorts(path) == []
    assert all(name in exchange for name in pool)
    assert "account_id" not in exchange


def test_the_session_writes_partitions_without_a_sort(spark):
    """Spark would sort all rows by region before a partitioned write; more open files per task make that needless."""
    assert int(spark.conf.get("spark.sql.maxConcurrentOutputFileWriters")) >= 50
