"""Every table and view: equal answers of Spark and DuckDB on a published lake, and what the answers must add up to."""

import subprocess
import sys
from decimal import Decimal

import pytest

import ccft
from ccft.audit import published
from ccft.lake.memory import short_plans
from ccft.lake.reader import run_log
from ccft.pipeline.catalog import register_published
from ccft.pipeline.reading import with_views
from ccft.schema.arrow import arrow_schema
from ccft.schema.columns import MEASURES
from ccft.schema.tables import RESULTS
from ccft.schema.units import MASS_SCALE
from ccft.schema.views import PUBLISHED_SLICES, VIEWS

pytestmark = pytest.mark.spark
NAMES = (
    PUBLISHED_SLICES,
    *(table for table in RESULTS if table.name in {"service_flows", "account_emissions"}),
    *VIEWS,
)
"""Of the tables, whose texts are made alike, a small and a large one."""


@pytest.fixture(scope="module")
def duck(published_world):
    return ccft.open(published_world.root)


@pytest.fixture(scope="module")
def catalog(published_world, spark):
    with short_plans(spark):
        register_published(spark, published_world.root)
        yield spark
    for view in spark.catalog.listTables():
        if view.isTemporary:
            spark.catalog.dropTempView(view.name)


def ordered(rows, key):
    return sorted(rows, key=lambda row: tuple(str(row[name]) for name in key))


@pytest.mark.parametrize("view", NAMES, ids=lambda view: view.name)
def test_spark_and_duckdb_give_equal_answers(view, duck, catalog):
    found = catalog.sql(f"SELECT * FROM {view.name}").toArrow()
    expected = duck.sql(f"SELECT * FROM {view.name}").to_arrow_table()
    assert (found.schema.names, found.schema.types) == (expected.schema.names, expected.schema.types)
    assert found.schema.types == arrow_schema(view).types
    key = view.key or view.column_names
    assert expected.num_rows > 0
    assert ordered(found.to_pylist(), key) == ordered(expected.to_pylist(), key)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_the_key_identifies_a_row(view, duck):
    key = ", ".join(view.key)
    [(rows, keys)] = duck.sql(f"SELECT count(*), count(DISTINCT ({key})) FROM {view.name}").fetchall()
    assert rows == keys


def test_components_sum_to_each_account_row_exactly(published_world):
    for line in published.lines(run_log(published_world.root)):
        one = with_views(published_world.root, [line])
        key = "usage_period, methodology_version, region_code, cluster_id, service_id, account_id"
        sums = ", ".join(f"sum({measure}_kg) AS {measure}_sum" for measure in MEASURES)
        wrong = " OR ".join(f"c.{measure}_sum IS DISTINCT FROM a.{measure}_kg" for measure in MEASURES)
        [(rows, differences)] = one.sql(
            f"SELECT count(*), count(CASE WHEN {wrong} THEN 1 END) FROM account_emissions AS a FULL JOIN"
            f" (SELECT {key}, {sums} FROM emissions_by_component GROUP BY ALL) AS c USING ({key})"
        ).fetchall()
        assert rows > 1000
        assert differences == 0


def test_components_of_a_pool_are_within_a_quantum_per_account(published_world, duck):
    [(worst,)] = duck.sql(
        "SELECT max(abs(s.kg - c.kg) * 1000000000 / c.accounts) FROM"
        " (SELECT cluster_id, service_id, component, count(*) AS accounts, sum(scope_2_lbm_kg) AS kg FROM emissions_by_component GROUP BY ALL) AS c"
        " JOIN (SELECT s.cluster_id, s.service_id, s.component, sum(s.net_kg) AS kg FROM service_emissions AS s"
        " JOIN published_slices AS p ON p.is_current AND p.methodology_version = s.methodology_version"
        " WHERE s.measure = 'scope_2_lbm' GROUP BY ALL) AS s USING (cluster_id, service_id, component)"
    ).fetchall()
    assert worst <= 5


def test_every_version_is_conserved_and_the_current_one_is_of_highest_rank(duck):
    rows = duck.sql("FROM reconciliation_summary").to_arrow_table().to_pylist()
    assert {row["methodology_version"] for row in rows} == {"v1.0", "v2.0", "v3.0"}
    assert {row["methodology_version"] for row in rows if row["is_current"]} == {"v3.0"}
    assert {row["difference_kg"] for row in rows} == {0}
    assert {row["unbalanced_line_count"] for row in rows} == {0}
    assert all(row["inventory_kg"] > 0 for row in rows if row["methodology_version"] == "v3.0")


def test_exported_values_are_the_exact_masses_rounded_once(duck):
    """The rounding of every row, redone in Python's decimals from the account rows."""
    exact = duck.sql(
        "SELECT account_id, product_code, region_code, sum(scope_1_kg + scope_2_lbm_kg + scope_3_fera_lbm_kg + scope_3_embodied_kg)"
        " FROM account_emissions_current GROUP BY ALL"
    ).fetchall()
    values = {
        row[:3]: row[3]
        for row in duck.sql(
            "SELECT usage_account_id, product_code, region_code, total_lbm_emissions_value FROM carbon_emissions"
        ).fetchall()
    }
    assert len(values) == len(exact) > 1000
    for *key, kilograms in exact:
        grams = int((kilograms * 1000).quantize(Decimal(1), rounding="ROUND_HALF_UP"))
        assert values[tuple(key)] == grams / 1e6
    assert sum(Decimal(f"{value:.{MASS_SCALE}f}") for value in values.values()) > 0


def test_opening_a_lake_starts_no_jvm(published_world):
    code = (
        "import sys, ccft; print(ccft.open(sys.argv[1]).execute('SELECT count(*) FROM carbon_emissions').fetchone()[0]);"
        " sys.exit('pyspark' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, published_world.root], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 1000
