"""What must not change a result: partitions, order, how plans run, the unit of a weight, how racks are cut, accounts without use."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.lake import memory
from ccft.lake.memory import settle
from ccft.methodology.model import methodology
from tests.oracle.worlds import combine, make_world, write_folder
from tests.spark import engine

pytestmark = [pytest.mark.spark, pytest.mark.slow]

SEEDS = (109, 22, 73, 18, 14, 5)
"""Worlds with cycles, ramp-up, networking, residuals of each kind, list prices and credits between them."""
POLICY = methodology("v3.0")
Tables = dict[str, list[tuple[object, ...]]]


@pytest.fixture(scope="module")
def periods() -> list[str]:
    return [make_world(seed, slot).period for slot, seed in enumerate(SEEDS)]


@pytest.fixture(scope="module")
def core(spark, tmp_path_factory) -> engine.Core:
    tables, _ = combine([make_world(seed, slot) for slot, seed in enumerate(SEEDS)])
    folder = write_folder(tables, tmp_path_factory.mktemp("worlds") / "inputs", parquet=True)
    return engine.core_tables(spark, folder)


def computed(spark, core: engine.Core, periods: list[str]) -> Tables:
    """All result rows, sorted: equal tables are equal lists."""
    found = engine.results(spark, engine.with_classes(core), periods, POLICY)
    return {
        name: sorted((tuple(row.items()) for rows in by_period.values() for row in rows), key=repr)
        for name, by_period in found.items()
    }


@pytest.fixture(scope="module")
def base(spark, core, periods) -> Tables:
    found = computed(spark, core, periods)
    assert len(found["account_emissions"]) > 100
    assert any(dict(row)["allocation_basis"] == "list_price" for row in found["account_emissions"])
    return found


@contextmanager
def shuffle_partitions(spark, number: int) -> Iterator[None]:
    name = "spark.sql.shuffle.partitions"
    before = spark.conf.get(name)
    spark.conf.set(name, str(number))
    yield
    spark.conf.set(name, before)


@pytest.mark.parametrize("number", [1, 3, 200])
def test_partitions_and_order_of_the_inputs_change_nothing(spark, core, periods, base, number):
    """Usage spread over other partitions in another order: the same rows to the last digit."""
    shuffled = {
        name: core[name].orderBy(F.xxhash64(*core[name].columns, F.lit(number))).repartition(number)
        for name in ("core_account_usage", "core_rack_usage")
    }
    with shuffle_partitions(spark, number):
        assert computed(spark, core | shuffled, periods) == base


def test_compiled_plans_give_the_rows_of_interpreted_ones(spark, core, periods, base, monkeypatch):
    """Large months and dense graphs run as compiled code, the generated worlds and golden cases of other tests are too small for it."""
    monkeypatch.setattr(memory, "COMPILE_FROM_ROWS", 0)
    with memory.Bench(spark).plans(0):
        assert spark.conf.get("spark.sql.codegen.wholeStage") == "true"
    assert computed(spark, core, periods) == base


def test_the_unit_of_a_weight_does_not_matter(spark, core, periods, base):
    """Usage of foundational services counted in halves of its unit: the same masses. Doubles are exact for a factor of two."""
    own = core["core_services"].where("is_foundational").select("service_id", F.lit(2).alias("factor"))
    usage = core["core_account_usage"]
    doubled = usage.join(F.broadcast(own), "service_id", "left").withColumn(
        "usage_units", (F.col("usage_units") * F.coalesce("factor", F.lit(1))).cast("decimal(18,6)")
    )
    found = computed(spark, core | {"core_account_usage": settle(doubled.select(*usage.columns))}, periods)
    weightless = ("account_emissions", "service_shares")
    assert {name: rows for name, rows in found.items() if name not in weightless} == {
        name: rows for name, rows in base.items() if name not in weightless
    }
    for name in weightless:
        assert without(found[name], "weight") == without(base[name], "weight")
    assert found["account_emissions"] != base["account_emissions"]


def without(rows: list[tuple[object, ...]], column: str) -> list[str]:
    return sorted(repr([item for item in row if item[0] != column]) for row in rows)


def test_a_rack_may_be_two(spark, core, periods, base):
    """Power and capacity of every rack divided over two of the same age: nothing that follows from them changes."""
    racks = core["core_racks"]
    half = {
        name: (F.col(name) * F.lit("0.3").cast("decimal(2,1)")).cast("decimal(18,6)")
        for name in ("planned_power_kw", "capacity_units_per_day")
    }
    second = racks.withColumns(
        {**half, "rack_id": F.concat("rack_id", F.lit("-b")), "embodied_kg": F.lit(0).cast("decimal(18,9)")}
    )
    first = racks.withColumns({name: F.col(name) - part for name, part in half.items()})
    split = first.select(*racks.columns).union(second.select(*racks.columns))
    assert computed(spark, core | {"core_racks": settle(split)}, periods) == base


def test_an_account_without_use_gets_nothing_and_takes_nothing(spark, core, periods, base):
    idle = idle_accounts(core["core_account_usage"], core["core_services"])
    usage = core["core_account_usage"]
    with_idle = settle(usage.unionByName(idle.select(*usage.columns)))
    found = computed(spark, core | {"core_account_usage": with_idle}, periods)
    known = set(base["account_emissions"])
    added = [dict(row) for row in found["account_emissions"] if row not in known]
    assert len(added) == idle.count() > 0
    assert {row[f"{measure}_kg"] for row in added for measure in POLICY.measures} == {Decimal(0)}
    assert {row["account_id"] for row in added} == {"999999999999"}
    del found["account_emissions"]
    assert found == {name: rows for name, rows in base.items() if name != "account_emissions"}


def idle_accounts(usage: DataFrame, services: DataFrame) -> DataFrame:
    """One external account with zero use in every pool of a foundational service."""
    pools = usage.join(F.broadcast(services.where("is_foundational")), "service_id", "left_semi")
    keys = pools.select("usage_period", "region_code", "cluster_id", "service_id").distinct()
    nothing = F.lit(None).cast("decimal(18,6)")
    return keys.withColumns(
        {
            "account_id": F.lit("999999999999"),
            "payer_account_id": F.lit("999999999999"),
            "account_type": F.lit("external"),
            "owner_service_id": F.lit(None).cast("string"),
            "usage_units": F.lit(0).cast("decimal(18,6)"),
            "equivalent_revenue_usd": nothing,
            "allocated_cost_usd": nothing,
        }
    )
