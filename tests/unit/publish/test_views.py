"""The views in DuckDB, over a handful of rows whose answers are known: types, current versions, rounding, components."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest

from ccft.kernel.forms import apportioned
from ccft.publish.views import VIEW_SQL, slice_rows
from ccft.schema.arrow import arrow_schema
from ccft.schema.columns import COMPONENTS, MEASURES
from ccft.schema.tables import RESULTS, table
from ccft.schema.units import QUANTA_PER_KG
from ccft.schema.views import PUBLISHED_SLICES, VIEWS

FINISHED = datetime(2025, 7, 14, 7, 52, 10, 494000, tzinfo=UTC)


@dataclass(frozen=True)
class Line:
    period: str
    methodology_version: str
    run_id: str = "run-1"
    finished_at: datetime = FINISHED


LINES = [Line("2025-05", "v1.0"), Line("2025-05", "v2.0"), Line("2025-06", "v2.0")]
SLICE = {"usage_period": "2025-05", "methodology_version": "v2.0", "region_code": "eu-1", "run_id": "run-1"}


def account(cluster="c1", service="s1", account_id="000000000001", **values):
    row = dict.fromkeys(table("account_emissions").column_names)
    row |= {f"{measure}_kg": Decimal(0) for measure in MEASURES}
    row |= SLICE | {"cluster_id": cluster, "service_id": service, "account_id": account_id}
    row |= {"allocation_basis": "usage", "weight": Decimal(1), "payer_account_id": "000000000009"}
    row |= {"account_type": "external", "product_code": "P", "location": "Europe (One)"}
    return row | {key: Decimal(value) if key.endswith("_kg") else value for key, value in values.items()}


def pool(component, net, measure="scope_1", cluster="c1", service="s1"):
    row = dict.fromkeys(table("service_emissions").column_names, Decimal(0))
    return row | SLICE | {
        "cluster_id": cluster, "service_id": service, "measure": measure, "component": component, "net_kg": Decimal(net),
    }  # fmt: skip


def inventory(measure, emitted, measured, cluster="c1"):
    row = dict.fromkeys(table("inventory_emissions").column_names)
    amounts = dict.fromkeys(("estimated_kg", "forecast_kg", "invoiced_kg"), Decimal(0))
    row |= SLICE | amounts | {"cluster_id": cluster, "measure": measure, "source": "electricity"}
    return row | {"emissions_kg": Decimal(emitted), "metered_kg": Decimal(measured)}


def database(lines=LINES, **rows):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for result in RESULTS:
        frame = pa.Table.from_pylist(rows.get(result.name, []), schema=arrow_schema(result))
        connection.register(result.name, frame)
    slices = pa.Table.from_pylist(slice_rows(lines), schema=arrow_schema(PUBLISHED_SLICES))
    connection.register(PUBLISHED_SLICES.name, slices)
    for name, sql in VIEW_SQL.items():
        connection.execute(f"CREATE TEMP VIEW {name} AS {sql}")
    return connection


def records(connection, sql):
    return connection.sql(sql).to_arrow_table().to_pylist()


def test_every_view_of_the_registry_has_its_text():
    assert list(VIEW_SQL) == [view.name for view in VIEWS]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_has_the_columns_and_types_of_the_registry(view):
    result = database().sql(f"SELECT * FROM {view.name}").to_arrow_table()
    expected = arrow_schema(view)
    assert (result.schema.names, result.schema.types) == (expected.names, expected.types)


def test_current_is_the_highest_rank_and_not_the_last_run():
    late = Line("2025-05", "v1.0", finished_at=datetime(2026, 1, 1, tzinfo=UTC))
    rows = {(row["usage_period"], row["methodology_version"]): row for row in slice_rows([*LINES[1:], late])}
    assert {key: row["is_current"] for key, row in rows.items()} == {
        ("2025-05", "v1.0"): False, ("2025-05", "v2.0"): True, ("2025-06", "v2.0"): True,
    }  # fmt: skip
    assert rows["2025-06", "v2.0"]["period_start"] == datetime(2025, 6, 1, tzinfo=UTC)
    assert rows["2025-06", "v2.0"]["period_end"] == datetime(2025, 7, 1, tzinfo=UTC)
    [unknown] = slice_rows([Line("2025-05", "v9.9")])
    assert (unknown["rank"], unknown["is_current"]) == (0, True)


def test_current_views_leave_other_versions_out():
    rows = [account(scope_1_kg="1"), account(methodology_version="v1.0", scope_1_kg="5")]
    opened = database(account_emissions=rows)
    assert [row["scope_1_kg"] for row in records(opened, "FROM account_emissions_current")] == [1]
    everything = records(opened, "FROM account_emissions_all_versions ORDER BY methodology_version")
    assert [(row["methodology_version"], row["is_current"]) for row in everything] == [("v1.0", False), ("v2.0", True)]
    assert [row["model_version"] for row in records(opened, "FROM carbon_emissions")] == ["v2.0"]
    assert len(records(opened, "FROM carbon_emissions_all_versions")) == 2


@pytest.mark.parametrize(
    ("kilograms", "tonnes"),
    [("0.000499999", 0.0), ("0.0005", 1e-06), ("0.0015", 2e-06), ("1234.5674999", 1.234567), ("1234.5675", 1.234568)],
)
def test_exported_values_are_half_up_to_whole_grams(kilograms, tonnes):
    [row] = records(database(account_emissions=[account(scope_1_kg=kilograms)]), "FROM carbon_emissions")
    assert row["total_scope_1_emissions_value"] == tonnes
    assert row["total_scope_1_emissions_unit"] == "MTCO2e"


def test_an_export_row_sums_services_and_clusters_before_it_rounds_once():
    masses = {
        "scope_1_kg": "0.0004",
        "scope_2_lbm_kg": "0.0004",
        "scope_3_fera_lbm_kg": "0.0004",
        "scope_3_embodied_kg": "0.0004",
    }
    rows = [
        account(cluster=c, service=s, region_code="global", location="Global", **masses)
        for c, s in (("e1", "s1"), ("e2", "s2"))
    ]
    [row] = records(database(account_emissions=rows), "FROM carbon_emissions")
    assert row["total_scope_1_emissions_value"] == 1e-06
    assert row["total_scope_3_lbm_emissions_value"] == 2e-06
    assert row["total_lbm_emissions_value"] == 3e-06
    assert row["total_mbm_emissions_value"] == 2e-06
    assert (row["region_code"], row["location"], row["usage_account_id"]) == ("global", "Global", "000000000001")
    assert row["last_refresh_timestamp"] == FINISHED
    assert row["usage_period_start"] == datetime(2025, 5, 1, tzinfo=UTC)
    assert row["usage_period_end"] == datetime(2025, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "weights",
    [
        {
            "in_use": "5.000000001",
            "unused_capacity": "7",
            "network_overhead": "1",
            "expansion_overhead": "3",
            "residual": "2",
        },
        {"unused_capacity": "1", "network_overhead": "1", "residual": "1"},
        {"in_use": "4", "unused_capacity": "-1", "residual": "3"},
        {"unused_capacity": "0.000000001"},
    ],
    ids=["five", "ties", "negative", "one"],
)
@pytest.mark.parametrize("mass", ["0", "0.000000001", "0.000000010", "123456.789012345"])
def test_components_are_apportioned_by_the_rule_of_the_kernel(weights, mass):
    opened = database(
        account_emissions=[account(scope_1_kg=mass)],
        service_emissions=[pool(component, net) for component, net in weights.items()],
    )
    found = {row["component"]: row["scope_1_kg"] for row in records(opened, "FROM emissions_by_component")}
    assert set(found) == set(COMPONENTS)
    names = sorted(COMPONENTS)
    quanta = [max(int(Decimal(weights.get(name, 0)) * QUANTA_PER_KG), 0) for name in names]
    expected = apportioned(int(Decimal(mass) * QUANTA_PER_KG), quanta)
    assert [int(found[name] * QUANTA_PER_KG) for name in names] == expected
    assert sum(found.values()) == Decimal(mass)


def test_a_row_whose_pool_has_no_weight_still_sums_to_itself():
    opened = database(
        account_emissions=[account(scope_1_kg="2"), account(service="s2")], service_emissions=[pool("in_use", "-1")]
    )
    rows = records(
        opened,
        "SELECT service_id, sum(scope_1_kg) AS kg, count(*) AS n FROM emissions_by_component GROUP BY 1 ORDER BY 1",
    )
    assert [(row["service_id"], row["kg"], row["n"]) for row in rows] == [("s1", 2, 5), ("s2", 0, 5)]


def test_evidence_of_an_account_is_weighted_by_mass_and_says_what_is_approximate():
    opened = database(
        account_emissions=[
            account(scope_1_kg="30", scope_2_lbm_kg="10", scope_2_mbm_kg="60"),
            account(cluster="c2", scope_2_lbm_kg="60"),
        ],
        inventory_emissions=[
            inventory("scope_1", "300", "150"),
            inventory("scope_2_lbm", "100", "100"),
            inventory("scope_2_mbm", "100", "25"),
        ],
        service_emissions=[pool("in_use", "75"), pool("expansion_overhead", "25")],
    )
    [row] = records(opened, "FROM data_quality_summary")
    assert (row["total_lbm_kg"], row["metered_or_invoiced_lbm_kg"]) == (100, 25)
    assert (row["metered_or_invoiced_lbm_share"], row["approximate_lbm_share"]) == (0.25, 0.075)
    assert (row["total_mbm_kg"], row["metered_or_invoiced_mbm_kg"]) == (90, 30)
    assert row["metered_or_invoiced_mbm_share"] == 30 / 90


def test_an_account_without_mass_has_no_share():
    [row] = records(database(account_emissions=[account()]), "FROM data_quality_summary")
    assert (row["total_lbm_kg"], row["metered_or_invoiced_lbm_share"]) == (0, None)


def test_the_summary_of_conservation_shows_a_missing_microgram():
    opened = database(
        account_emissions=[account(scope_1_kg="2.999999999")],
        inventory_emissions=[inventory("scope_1", "1", "1"), inventory("scope_1", "2", "2", cluster="c2")],
    )
    rows = records(opened, "FROM reconciliation_summary WHERE usage_period = '2025-05' AND is_current ORDER BY measure")
    assert [row["measure"] for row in rows] == sorted(MEASURES)
    assert [row["difference_kg"] for row in rows if row["measure"] == "scope_1"] == [Decimal("0.000000001")]
    assert {row["difference_kg"] for row in rows if row["measure"] != "scope_1"} == {0}


def test_sums_by_service_region_and_organisation():
    rows = [
        account(scope_1_kg="1", scope_2_lbm_kg="2", scope_3_embodied_kg="4"),
        account(account_id="000000000002", scope_1_kg="8"),
        account(cluster="c2", service="s2", region_code="eu-2", location="Europe (Two)", scope_1_kg="16"),
    ]
    opened = database(account_emissions=rows)
    services = records(opened, "FROM emissions_by_service ORDER BY service_id")
    assert [(r["account_count"], r["scope_1_kg"], r["total_lbm_kg"], r["total_mbm_kg"]) for r in services] == [
        (2, 9, 15, 13),
        (1, 16, 16, 16),
    ]
    regions = records(opened, "FROM emissions_by_region ORDER BY region_code")
    assert [(r["location"], r["scope_3_lbm_kg"]) for r in regions] == [("Europe (One)", 4), ("Europe (Two)", 0)]
    [organisation] = records(opened, "FROM organisation_emissions")
    assert (organisation["payer_account_id"], organisation["account_count"], organisation["total_lbm_kg"]) == (
        "000000000009",
        2,
        31,
    )
