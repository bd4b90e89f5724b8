"""The same exact account rows by engines without a JVM: integers, the kernel's doubles inside a row, remainder to the largest consumer."""

import shutil

import duckdb
import polars as pl

from benchmarks.contenders import Inputs, parquet_files
from ccft.kernel.forms import floor_share_sql
from ccft.schema.columns import MEASURES

POOL = ("usage_period", "cluster_id", "service_id")


def _weight_sql() -> str:
    """Step 3's weight in whole 1e-6 for the benchmark's month: usage, revenue, or units at list price."""
    # A product of DECIMAL(18,6) that does not fit 18 digits is an error.
    usage, revenue = (
        f"CAST(CAST({name} AS DECIMAL(38,6)) * 1000000 AS BIGINT)" for name in ("usage_units", "equivalent_revenue_usd")
    )
    at_price = f"CAST((2 * CAST({usage} AS HUGEINT) * coalesce(price, 0) + 1000000000000) // 2000000000000 AS BIGINT)"
    return (
        f"CASE WHEN is_foundational OR by_usage THEN {usage} WHEN account_type = 'external' THEN greatest(coalesce({revenue}, 0), 0)"
        f" WHEN equivalent_revenue_usd IS NOT NULL THEN greatest({revenue}, 0) ELSE {at_price} END"
    )


def duckdb_exact(inputs: Inputs, path: str, *, threads: int = 2) -> None:
    """DuckDB, from the same Parquet files to Parquet partitioned like the result."""
    shutil.rmtree(path, ignore_errors=True)
    database = duckdb.connect(config={"threads": threads, "memory_limit": "6GB"})
    database.register("pools", inputs.loaded_rows)
    files = parquet_files(inputs.lake)
    database.execute(
        "CREATE VIEW weighed AS SELECT u.*, p.*"
        f" EXCLUDE ({', '.join(POOL)}), {_weight_sql()} AS weight_micros"
        f" FROM read_parquet({files!r}, hive_partitioning = true, hive_types_autocast = false) u JOIN pools p USING ({', '.join(POOL)})"
    )
    shares = {m: floor_share_sql("weight_micros", m, "customer_weight") for m in MEASURES}
    floors = ", ".join(f"sum({shares[m]}) AS floors_{m}" for m in MEASURES)
    database.execute(
        f"CREATE TABLE remainders AS SELECT {', '.join(POOL)}, arg_min(account_id, (-weight_micros, account_id)) AS taker, {floors}"
        f" FROM weighed GROUP BY {', '.join(POOL)}"
    )
    quanta = {m: f"{shares[m]} + CASE WHEN account_id = taker THEN {m} - floors_{m} ELSE 0 END" for m in MEASURES}
    one = "CAST(0.000000001 AS DECIMAL(9,9))"
    masses = ", ".join(
        f"CAST(CAST({q} AS DECIMAL(18,0)) * {one} AS DECIMAL(18,9)) AS {m}_kg" for m, q in quanta.items()
    )
    database.execute(
        f"COPY (SELECT usage_period, region_code, 'v3.0' AS methodology_version, cluster_id, service_id, account_id, {masses},"
        " 'usage' AS allocation_basis, weight_micros, payer_account_id, account_type, 'run' AS run_id"
        f" FROM weighed JOIN remainders USING ({', '.join(POOL)}))"
        f" TO '{path}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (usage_period, region_code, methodology_version))"
    )


def polars_exact(inputs: Inputs, path: str) -> None:
    """Polars, in memory; masses stay integers of quanta, which spares it a conversion that the others pay."""
    shutil.rmtree(path, ignore_errors=True)
    usage = pl.scan_parquet(parquet_files(inputs.lake), hive_partitioning=True, try_parse_hive_dates=False)
    pools = pl.from_arrow(inputs.loaded_rows)
    if not isinstance(pools, pl.DataFrame):
        raise TypeError(pools)
    micros = {name: (pl.col(name) * 1_000_000).cast(pl.Int64) for name in ("usage_units", "equivalent_revenue_usd")}
    price = pl.col("price").fill_null(0).cast(pl.Int128)
    at_price = (2 * micros["usage_units"].cast(pl.Int128) * price + 10**12) // (2 * 10**12)
    revenue = pl.max_horizontal(micros["equivalent_revenue_usd"].fill_null(0), pl.lit(0))
    weight = (
        pl.when(pl.col("is_foundational") | pl.col("by_usage"))
        .then(micros["usage_units"])
        .when((pl.col("account_type") == "external") | pl.col("equivalent_revenue_usd").is_not_null())
        .then(revenue)
        .otherwise(at_price.cast(pl.Int64))
    )
    weighed = usage.join(pools.lazy(), on=list(POOL), how="inner").with_columns(weight.alias("weight_micros"))
    total = pl.col("customer_weight").cast(pl.Float64)
    shares = {
        m: (pl.col("weight_micros").cast(pl.Float64) * (pl.col(m).cast(pl.Float64) / total)).floor().cast(pl.Int64)
        for m in MEASURES
    }
    largest = pl.col("weight_micros") == pl.col("max_customer_weight")
    remainders = weighed.group_by(POOL).agg(
        pl.col("account_id").filter(largest).min().alias("taker"),
        *(shares[m].sum().alias(f"floors_{m}") for m in MEASURES),
    )
    takes = pl.col("account_id") == pl.col("taker")
    quanta = [
        (shares[m] + pl.when(takes).then(pl.col(m) - pl.col(f"floors_{m}")).otherwise(0)).alias(f"{m}_quanta")
        for m in MEASURES
    ]
    rows = weighed.join(remainders, on=list(POOL), how="inner").select(
        *POOL, "region_code", "account_id", "payer_account_id", "account_type", "weight_micros", *quanta
    )
    rows.collect().write_parquet(path, partition_by=["usage_period", "region_code"], compression="zstd")
