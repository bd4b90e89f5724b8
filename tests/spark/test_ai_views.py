"""Spark and DuckDB give equal answers to the one SQL text of each AI view; accounts are summed away without loss."""

from decimal import Decimal

import duckdb
import pytest

from ccft.ai.derive import without_accounts
from ccft.ai.kpis import AI_VIEW_SQL
from ccft.schema.ai_views import AI_VIEWS
from tests.unit.ai.published_example import published_tables

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def tables():
    return published_tables(("2024-12", "2025-01", "2025-03"))


@pytest.fixture(scope="module")
def answers(spark, tables):
    """Rows of every view in both engines, in the order of their keys."""
    found = {}
    with duckdb.connect() as database:
        for name, rows in tables.items():
            database.register(name, rows)
            spark.createDataFrame(rows).createOrReplaceTempView(name)
        for view in AI_VIEWS:
            sql = f"SELECT {', '.join(view.column_names)} FROM ({AI_VIEW_SQL[view.name]}) AS v"
            engines = (spark.sql(sql).toArrow().to_pylist(), database.sql(sql).to_arrow_table().to_pylist())
            found[view.name] = [sorted(rows, key=lambda row: str([row[name] for name in view.key])) for rows in engines]
    yield found
    for name in tables:
        spark.catalog.dropTempView(name)


@pytest.mark.parametrize("view", AI_VIEWS, ids=lambda view: view.name)
def test_engines_agree_to_the_last_digit(answers, view) -> None:
    by_spark, by_duckdb = answers[view.name]
    assert len(by_spark) > 0
    assert by_spark == by_duckdb


def test_accounts_are_summed_away_without_loss(spark, tables) -> None:
    one = spark.createDataFrame(tables["ai_emissions"]).where(
        "usage_period = '2025-01' AND methodology_version = 'v3.0'"
    )
    summed = without_accounts(one.unionByName(one)).toArrow().to_pylist()
    known = [
        row
        for row in tables["ai_emissions"].to_pylist()
        if (row["usage_period"], row["methodology_version"]) == ("2025-01", "v3.0")
    ]
    assert sum(row["emissions_kg"] for row in summed) == 2 * (sum(row["emissions_kg"] for row in known) - Decimal(1))
    assert {row["deployment_id"] for row in summed} == {"d1", "d2", "d3", "d4"}
