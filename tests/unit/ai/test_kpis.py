"""Views over the published AI tables: figures by hand from the worked example, in DuckDB; Spark runs the same text (tests/spark)."""

from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest

from ccft.ai.derive import derive
from ccft.ai.kpis import AI_VIEW_SQL
from ccft.schema.ai_views import AI_VIEWS
from ccft.schema.arrow import arrow_schema
from ccft.schema.tables import table
from tests.unit.ai.published_example import published_tables
from tests.unit.ai.worked_example import FACTS

MONTHS = ("2024-12", "2025-01", "2025-03")


@pytest.fixture(scope="module")
def database():
    with duckdb.connect() as connection:
        for name, rows in published_tables(MONTHS).items():
            connection.register(name, rows)
        for name, sql in AI_VIEW_SQL.items():
            connection.execute(f"CREATE VIEW {name} AS {sql}")
        yield connection


def _rows(database, sql):
    return database.sql(sql).to_arrow_table().to_pylist()


@pytest.mark.parametrize("view", AI_VIEWS, ids=lambda view: view.name)
def test_views_have_the_columns_and_key_of_the_registry(database, view) -> None:
    found = database.sql(f"SELECT * FROM {view.name}").to_arrow_table()
    assert found.num_rows > 0
    assert tuple(found.column_names) == view.column_names
    for column, field in zip(view.columns, arrow_schema(view), strict=True):
        actual = found.schema.field(column.name).type
        assert (actual == field.type) or (pa.types.is_integer(actual) and pa.types.is_integer(field.type)), column.name
        assert column.nullable or found.column(column.name).null_count == 0, column.name
    keys = [tuple(row.values()) for row in found.select(list(view.key)).to_pylist()]
    assert len(set(keys)) == len(keys)


def test_only_the_current_version_counts(database) -> None:
    assert {row["methodology_version"] for row in _rows(database, "SELECT * FROM ai_kpis")} == {"v3.0"}


def test_key_figures_of_a_model(database) -> None:
    row = next(
        r for r in _rows(database, "SELECT * FROM ai_kpis WHERE usage_period = '2025-01' AND accounting_method = 'lbm'")
        if r["model_id"] == "chat-70b"
    )  # fmt: skip
    published = {
        (r["view"], r["subject_id"]): r
        for r in derive(FACTS)["ai_intensity"]
        if (r["subject_kind"], r["accounting_method"]) == ("model", "lbm")
    }
    consumer, provider = published["consumer", "chat-70b"], published["provider", "chat-70b"]
    for name in (
        "g_per_1k_out_tokens",
        "wh_per_1k_out_tokens",
        "busy_ratio",
        "idle_share",
        "metered_share",
        "tokens_per_kg",
    ):
        assert row[name] == consumer[name]
    assert row["experimentation_share"] == provider["experimentation_share"]
    assert row["lifecycle_g_per_1k_out_tokens"] == published["lifecycle", "chat-70b"]["g_per_1k_out_tokens"]
    assert row["amortised_share"] == pytest.approx(101.734166667 / (1529.83 + 101.734166667), abs=1e-9)


def test_fleet_figures_by_hand(database) -> None:
    (row,) = _rows(database, "SELECT * FROM ai_kpis_total WHERE usage_period = '2025-01' AND accounting_method = 'lbm'")
    assert row["serving_idle_kg"] == Decimal("399.61")
    assert row["serving_kg"] + row["serving_idle_kg"] == Decimal("1979.18")
    assert row["development_kg"] == Decimal("1220.81")
    assert row["unattributed_kg"] == Decimal(1)
    assert row["amortised_training_kg"] == Decimal("101.734166667")
    assert row["fleet_g_per_1k_out_tokens"] == pytest.approx(1979.18e6 / 15e9, rel=1e-12)
    assert row["fleet_wh_per_1k_out_tokens"] == pytest.approx((2626.56 + 812.16) * 1e6 / 15e9, rel=1e-12)
    assert row["fleet_busy_ratio"] == pytest.approx((2304 + 864) / 7200, rel=1e-12)
    assert row["fleet_idle_share"] == pytest.approx(399.61 / (1084.64 + 335.38), rel=1e-12)
    assert row["fleet_experimentation_share"] == pytest.approx(623.17 / 1220.81, rel=1e-12)
    assert row["fleet_metered_share"] == 0


def test_stages_sum_to_all_emissions(database) -> None:
    rows = _rows(database, "SELECT * FROM ai_emissions_by_stage WHERE usage_period = '2025-01' AND NOT is_memo")
    assert (
        sum(row["lbm_kg"] for row in rows) == sum(m.quanta for m in FACTS.masses if not m.is_memo) * Decimal("1E-9") + 1
    )
    memo = _rows(database, "SELECT * FROM ai_emissions_by_stage WHERE usage_period = '2025-01' AND is_memo")
    assert [(row["stage"], row["lbm_kg"], row["mbm_kg"]) for row in memo] == [
        ("amortised_training", Decimal("101.734166667"), Decimal("101.734166667"))
    ]


def test_leaderboard_places_and_trend_against_the_month_just_before(database) -> None:
    rows = _rows(database, "SELECT * FROM ai_leaderboard ORDER BY usage_period, place")
    assert [(r["usage_period"], r["place"], r["model_id"], r["grade"], r["trend"]) for r in rows] == [
        ("2024-12", 1, "chat-8b", "C", None),
        ("2024-12", 2, "chat-70b", "E", None),
        ("2025-01", 1, "chat-8b", "C", 0.0),
        ("2025-01", 2, "chat-70b", "E", 0.0),
        ("2025-03", 1, "chat-8b", "C", None),
        ("2025-03", 2, "chat-70b", "E", None),
    ]


def test_columns_of_views_do_not_shadow_the_registry() -> None:
    assert {view.name for view in AI_VIEWS} == set(AI_VIEW_SQL)
    assert table("ai_intensity").column("idle_share").type == "decimal(18,15)"


def test_accounts_see_their_own_emissions_and_intensities_that_reveal_nobody(database) -> None:
    rows = _rows(database, "SELECT * FROM ai_account_models WHERE usage_period = '2025-01' ORDER BY model_id")
    assert [(row["account_id"], row["model_id"], row["lbm_kg"]) for row in rows] == [
        ("000000000100", "chat-70b", Decimal("2750.64")),
        ("000000000100", "chat-8b", Decimal("449.35")),
    ]
    many, few = rows
    consumer = next(
        r
        for r in derive(FACTS)["ai_intensity"]
        if (r["subject_kind"], r["subject_id"], r["view"], r["accounting_method"])
        == ("model", "chat-70b", "consumer", "lbm")
    )
    assert many["g_per_1k_out_tokens"] == consumer["g_per_1k_out_tokens"]
    # chat-8b has two customers
    assert {
        few[name] for name in ("g_per_1k_out_tokens", "lifecycle_g_per_1k_out_tokens", "wh_per_1k_out_tokens", "tier")
    } == {None}
    hidden = {"out_tokens", "in_tokens", "requests", "emissions_kg", "customers", "tokens_per_kg"}
    assert not hidden & set(many)
