"""The account step by several engines and rules, each from the same usage to the same number of rows in a partitioned layout.

| contender | what it does |
|---|---|
| `floor` | Spark reads the usage and writes rows of the same columns and types; amounts from one multiplication, no totals |
| `doubles_broadcast` | naive allocation in doubles: pool totals by aggregation, broadcast back |
| `doubles_window` | naive allocation in doubles: pool totals by a window over the pool |
| `ours` | the product's account step: floor sums per pool, exact rows, read back and compared |
| `duckdb` | exactly the same rows in DuckDB, to partitioned Parquet |
| `polars` | exactly the same rows in Polars, to partitioned Parquet |
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
from deltalake import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from benchmarks import month
from ccft.allocation import accounts, weights
from ccft.allocation.services import SERVICE_KEY
from ccft.audit.verification import account_totals
from ccft.kernel.exact import micros, row_kilograms
from ccft.lake.memory import Bench, compiled_plans, settle, short_plans
from ccft.lake.session import HARDLY_REPEATED
from ccft.lake.tables import Lake
from ccft.methodology.model import methodology
from ccft.schema.columns import MEASURES
from ccft.schema.spark import create_table_ddl, select_columns
from ccft.schema.tables import table
from ccft.schema.units import ROW_MASS

POLICY = methodology("v3.0")
RESULT = table("account_emissions")
_RUN = "run-benchmark"


@dataclass(frozen=True)
class Inputs:
    """What all contenders read.

    Parameters
    ----------
    spark
        The session of Spark's contenders.
    lake
        Holds `core_account_usage`, `core_usage_classes`.
    loaded
        Pools with weights and amounts in quanta, on the driver: what the steps before accounts have found.
    loaded_rows
        The same as an Arrow table, for the others.
    """

    spark: SparkSession
    lake: Lake
    loaded: DataFrame
    loaded_rows: pa.Table

    @property
    def usage(self) -> DataFrame:
        """The large table."""
        return self.lake.read("core_account_usage")


def prepare(spark: SparkSession, lake: Lake) -> Inputs:
    """Weights of pools from the classes that ingest sums, and their amounts."""
    services = settle(month.services(spark))
    with short_plans(spark), Bench(spark, 10**9) as bench:
        classes = settle(weights.usage_classes(lake.read("core_usage_classes")))
        prices = settle(weights.list_prices(classes))
        usage = lake.read("core_account_usage")
        priced = bench.settle(weights.list_price_classes(usage, services, prices, POLICY), scans_accounts=True)
        weighed = settle(weights.class_weights(classes, priced, services, POLICY))
        pools = settle(weights.pools(weighed, prices, POLICY))
        loaded = settle(pools.join(month.pool_amounts(spark), list(SERVICE_KEY), "inner"), number=accounts.POOL_NUMBER)
        return Inputs(spark, lake, loaded, loaded.toArrow())


def _create(inputs: Inputs, path: str, *, tuned: bool) -> None:
    """The result table: as the product makes it, or with Delta's default writer settings."""
    ddl = create_table_ddl(RESULT, path)
    inputs.spark.sql(ddl if tuned else ddl[: ddl.rindex("TBLPROPERTIES")])


def _write(inputs: Inputs, rows: DataFrame, path: str, *, tuned: bool) -> None:
    _create(inputs, path, tuned=tuned)
    stamped = rows.withColumns({"methodology_version": F.lit(POLICY.version), "run_id": F.lit(_RUN)})
    with _writer(inputs.spark, tuned=tuned):
        stamped.select(*select_columns(RESULT)).write.format("delta").mode("append").save(path)


@contextmanager
def _writer(spark: SparkSession, *, tuned: bool) -> Iterator[None]:
    """The product's writer settings (`lake/session.py`), or Spark's and Delta's own."""
    names = ("spark.sql.parquet.compression.codec", "spark.sql.maxConcurrentOutputFileWriters")
    own = dict(zip(names, ("zstd", "100"), strict=True))
    own |= {f"parquet.enable.dictionary#{n}": "false" for n in HARDLY_REPEATED}
    default = dict(zip(names, ("snappy", "0"), strict=True))
    default |= {f"parquet.enable.dictionary#{n}": "true" for n in HARDLY_REPEATED}
    for name, value in (own if tuned else default).items():
        spark.conf.set(name, value)
    with compiled_plans(spark):
        yield


def _named(inputs: Inputs) -> DataFrame:
    """Pools with the names that rows carry."""
    places, products = month.clusters(inputs.spark).drop("region_code"), month.services(inputs.spark)
    named = inputs.loaded.join(F.broadcast(places), "cluster_id", "inner")
    return settle(named.join(F.broadcast(products.drop("is_foundational")), "service_id", "inner"))


def _plain_rows(usage: DataFrame, pools: DataFrame, mass: Callable[[str], Column]) -> DataFrame:
    """Rows whose amounts are one product each; the weight is the usage."""
    joined = usage.join(F.broadcast(pools), list(SERVICE_KEY), "inner")
    return joined.select(
        *SERVICE_KEY,
        *accounts.ACCOUNT_COLUMNS,
        *(mass(measure).alias(f"{measure}_kg") for measure in MEASURES),
        F.lit("usage").alias("allocation_basis"),
        F.col("usage_units").alias("weight"),
        "product_code",
        "location",
    )


def floor(inputs: Inputs, path: str, *, tuned: bool) -> None:
    """One multiplication of integers per amount, no totals: what any job that writes these rows must pay."""
    # Three digits of the pool's amount, so that a product is an amount that an account may have.
    pools = settle(_named(inputs).withColumns({measure: F.col(measure) % 1000 for measure in MEASURES}))
    _write(
        inputs,
        _plain_rows(inputs.usage, pools, lambda measure: row_kilograms(micros("usage_units") * F.col(measure))),
        path,
        tuned=tuned,
    )


def _doubles(share: Column) -> Callable[[str], Column]:
    return lambda measure: (F.col(measure) * 1e-9 * share).cast(ROW_MASS)


def doubles_broadcast(inputs: Inputs, path: str, *, tuned: bool) -> None:
    """Naive doubles; totals by aggregation and broadcast."""
    units = F.col("usage_units").cast("double")
    totals = settle_compiled(inputs, inputs.usage.groupBy(*SERVICE_KEY).agg(F.sum(units).alias("total")))
    pools = settle(_named(inputs).join(totals, list(SERVICE_KEY), "inner"))
    _write(inputs, _plain_rows(inputs.usage, pools, _doubles(units / F.col("total"))), path, tuned=tuned)


def doubles_window(inputs: Inputs, path: str, *, tuned: bool) -> None:
    """Naive doubles; totals by a window over the pool, which shuffles and sorts every row."""
    units = F.col("usage_units").cast("double")
    usage = inputs.usage.withColumn("total", F.sum(units).over(Window.partitionBy(*SERVICE_KEY)))
    _write(inputs, _plain_rows(usage, _named(inputs), _doubles(units / F.col("total"))), path, tuned=tuned)


def settle_compiled(inputs: Inputs, frame: DataFrame) -> DataFrame:
    """Rows of a small frame that is summed from the large table."""
    with Bench(inputs.spark, 10**9) as bench:
        return bench.settle(frame, scans_accounts=True)


def ours(inputs: Inputs, path: str, *, tuned: bool) -> None:
    """The product: two scans of the usage, one write, and the rows read back."""
    remainders = settle_compiled(inputs, accounts.pool_remainders(inputs.usage, inputs.loaded, POLICY))
    if accounts.altered_pools(remainders):
        raise ValueError("the usage is not what was summed")
    with short_plans(inputs.spark):
        finished = settle(inputs.loaded.join(remainders, list(SERVICE_KEY), "left"))
    services, clusters = month.services(inputs.spark), month.clusters(inputs.spark)
    rows = accounts.allocate_to_accounts(inputs.usage, finished, services, clusters, POLICY)
    _write(inputs, rows, path, tuned=tuned)
    with compiled_plans(inputs.spark):
        written = inputs.spark.read.format("delta").load(path)
        totals = account_totals(written).groupBy("measure").agg(F.sum("kg").alias("kg")).collect()
    expected = {m: int(inputs.loaded_rows.column(m).to_numpy().sum()) for m in MEASURES}
    if {row["measure"]: int(row["kg"].scaleb(9)) for row in totals} != expected:
        raise ValueError("not conserved")


Contender = Callable[..., None]
SPARK: dict[str, Contender] = {
    "floor": floor,
    "doubles_broadcast": doubles_broadcast,
    "doubles_window": doubles_window,
    "ours": ours,
}


def parquet_files(lake: Lake) -> list[str]:
    """Files of the usage, for engines that read Parquet."""
    return DeltaTable(lake.path("core_account_usage")).file_uris()
