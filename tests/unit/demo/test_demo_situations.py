"""Every situation that the world promises really occurs, at the place and time that the documents name."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from ccft.demo.services import team_edges
from ccft.periods import period_range

Ask = Callable[..., list[tuple[Any, ...]]]

LAST = "2025-06"


def test_clusters_of_all_kinds(ask: Ask) -> None:
    kinds: dict[str, int] = dict(ask("SELECT cluster_type, count(*) FROM clusters GROUP BY 1"))
    assert kinds == {"region": 9, "edge": 2}
    assert ask("SELECT count(DISTINCT grid_zone) FROM clusters") == [(10,)]
    assert ask("SELECT cluster_id FROM clusters WHERE launched_on > DATE '2024-06-01'") == [("jp-1",)]


def test_services_of_all_kinds(ask: Ask) -> None:
    kinds: dict[bool, int] = dict(ask("SELECT is_foundational, count(*) FROM services GROUP BY 1"))
    assert kinds == {True: 17, False: 18}
    rack_types = ask("SELECT count(DISTINCT rack_type) FROM racks WHERE NOT is_network")
    assert rack_types == [(20,)]
    occupying = (
        "SELECT count(*) FROM services WHERE is_foundational AND service_id NOT IN (FROM rack_usage SELECT service_id)"
    )
    assert ask(occupying) == [(0,)]


def test_service_graph_is_dense_and_has_cycles(ask: Ask) -> None:
    edges = set(
        ask("""SELECT DISTINCT u.service_id, a.owner_service_id FROM account_usage u
        JOIN accounts a USING (account_id) WHERE a.owner_service_id IS NOT NULL""")
    )
    assert len(edges) >= 250
    assert {("vm", "objectstore"), ("objectstore", "vm"), ("vm", "vm"), ("functions", "functions")} <= edges
    assert len(team_edges()) > 1000


def test_closed_set_in_france(ask: Ask) -> None:
    users = ask("""SELECT DISTINCT u.service_id, a.owner_service_id FROM account_usage u JOIN accounts a
        USING (account_id) WHERE cluster_id = 'fr-1' AND service_id IN ('search', 'logs') ORDER BY ALL""")
    assert users == [("logs", "logs"), ("logs", "search"), ("search", "logs")]


def test_training_cluster_has_no_customers_but_its_services_have(ask: Ask) -> None:
    outside = """SELECT count(*) FROM account_usage JOIN accounts USING (account_id)
        WHERE account_type <> 'internal' AND {}"""
    assert ask(outside.format("cluster_id = 'se-2'")) == [(0,)]
    assert ask("SELECT count(*) > 0 FROM account_usage WHERE cluster_id = 'se-2'") == [(True,)]
    assert ask("SELECT count(*) FROM account_usage WHERE cluster_id = 'se-2' AND service_id = 'inference'") == [(0,)]
    assert ask(outside.format("service_id = 'inference'"))[0][0] > 1000
    assert ask("SELECT count(DISTINCT cluster_id) FROM clusters WHERE region_code = 'eu-se-1'") == [(2,)]


def test_control_plane_of_the_edge_stands_in_virginia(ask: Ask) -> None:
    teams = ask("""SELECT DISTINCT owner_service_id FROM account_usage JOIN accounts USING (account_id)
        WHERE cluster_id = 'va-1' AND owner_service_id IN ('cdn', 'dns') ORDER BY 1""")
    assert teams == [("cdn",), ("dns",)]
    assert ask("SELECT DISTINCT cluster_id FROM account_usage WHERE service_id = 'cdn' ORDER BY 1") == [
        ("cf-eu",), ("cf-na",)
    ]  # fmt: skip


def test_rack_type_that_nobody_uses(ask: Ask) -> None:
    idle = ask("""SELECT cluster_id, rack_type FROM racks WHERE NOT is_network GROUP BY ALL
        HAVING count(*) FILTER (rack_id IN (SELECT rack_id FROM rack_usage)) = 0""")
    assert idle == [("fr-1", "DW.dense")]
    assert ask("SELECT count(*) FROM rack_usage JOIN racks USING (rack_id) WHERE is_network") == [(0,)]
    assert ask("SELECT count(DISTINCT cluster_id) FROM racks WHERE is_network") == [(11,)]


def test_rack_lives(ask: Ask) -> None:
    planned = "deployed_on + to_months(coalesce(service_life_months, 72))"
    past = f"SELECT count(*) FROM racks WHERE {planned} < DATE '{LAST}-01' AND retired_on IS NULL AND NOT is_network"
    assert ask(past)[0][0] > 20
    early = f"SELECT count(*) FROM racks WHERE retired_on < {planned} AND retired_on = DATE '2024-10-11'"
    assert ask(early)[0][0] >= 5
    late = f"SELECT rack_id FROM racks WHERE retired_on > {planned}"
    assert ask(late) == [("or-1-vm-c5-001",)]
    arrivals = ask("""SELECT count(*) FROM racks WHERE strftime(deployed_on, '%Y-%m') BETWEEN '2024-04' AND '2025-06'
        AND day(deployed_on) BETWEEN 5 AND 25""")
    assert arrivals[0][0] > 20
    last_vm = "SELECT deployed_on FROM racks WHERE cluster_id = 'va-1' AND rack_type = 'VM.C5' ORDER BY 1 DESC LIMIT 1"
    assert ask(last_vm) == [(date(2025, 6, 17),)]


def test_one_rack_type_is_young_everywhere(ask: Ask) -> None:
    young = ask("SELECT rack_type FROM racks GROUP BY 1 HAVING min(deployed_on) > DATE '2024-07-01'")
    assert young == [("GPU.H100X8",)]


def test_racks_are_used_on_their_days_of_service_only(ask: Ask) -> None:
    outside = """SELECT count(*) FROM rack_usage JOIN racks USING (rack_id)
        WHERE usage_date < deployed_on OR usage_date >= retired_on"""
    assert ask(outside) == [(0,)]
    before_launch = """SELECT count(*) FROM account_usage JOIN clusters USING (cluster_id)
        WHERE usage_date < launched_on"""
    assert ask(before_launch) == [(0,)]
    assert ask("SELECT min(usage_date) FROM account_usage WHERE cluster_id = 'jp-1'")[0][0] < date(2024, 11, 1)


def test_exactly_one_use_above_capacity(ask: Ask) -> None:
    over = ask("""WITH used AS (SELECT period, cluster_id, rack_type, sum(used_units) AS used FROM rack_usage
            JOIN racks USING (rack_id) GROUP BY ALL),
        capacity AS (SELECT period, cluster_id, rack_type, sum(capacity_units_per_day) AS units FROM racks,
            (SELECT DISTINCT period, usage_date FROM rack_usage) AS calendar
            WHERE usage_date >= deployed_on AND (retired_on IS NULL OR usage_date < retired_on) GROUP BY ALL)
        SELECT period, cluster_id, rack_type FROM used JOIN capacity USING (period, cluster_id, rack_type)
        WHERE used > units""")
    assert over == [("2025-05", "in-1", "KV.nvme")]


@pytest.mark.parametrize(
    ("cluster", "instrument"),
    [("se-2", "direct_contract"), ("ie-1", "supplier"), ("de-1", "residual_mix"), ("fr-1", "residual_mix"),
     ("va-1", "residual_mix"), ("in-1", None), ("jp-1", None)],
)  # fmt: skip
def test_every_rung_of_the_market_ladder(ask: Ask, cluster: str, instrument: str | None) -> None:
    rungs = [
        row[0]
        for row in ask(
            """SELECT instrument FROM emission_factors f JOIN clusters c
        ON f.factor_key IN (c.cluster_id, c.grid_zone, c.market_boundary) WHERE factor_type = 'market_generation'
        AND c.cluster_id = ? AND ? BETWEEN valid_from AND coalesce(valid_to, '9999-12')""",
            cluster,
            LAST,
        )
    ]
    order = ["direct_contract", "supplier", "residual_mix"]
    assert min(rungs, key=order.index, default=None) == instrument


def test_a_contract_ends_and_one_key_is_more_specific(ask: Ask) -> None:
    contract = "SELECT valid_to FROM emission_factors WHERE factor_key = 'or-1' AND instrument = 'direct_contract'"
    assert ask(contract) == [("2024-12",)]
    keys = """SELECT factor_key FROM emission_factors WHERE factor_type = 'market_generation'
        AND instrument = 'residual_mix' AND valid_to IS NULL AND factor_key IN ('DE', 'EU') ORDER BY 1"""
    assert ask(keys) == [("DE",), ("EU",)]


def test_certificates_cover_partly_and_more_than_needed(ask: Ask) -> None:
    cover = {
        row[0]: row[1:]
        for row in ask("""WITH load AS (SELECT market_boundary, sum(quantity) AS load,
            sum(quantity * (1 - value)) AS uncovered FROM activity JOIN clusters USING (cluster_id)
            JOIN emission_factors ON factor_type = 'carbon_free_share' AND factor_key = grid_zone
            WHERE period = '2025-06' AND activity = 'electricity' GROUP BY 1)
        SELECT market_boundary, coalesce(issued, 0), load, uncovered FROM load LEFT JOIN (SELECT market_boundary,
            sum(quantity) AS issued FROM certificates WHERE period = '2025-06' GROUP BY 1) USING (market_boundary)""")
    }
    assert set(cover) == {"US", "EU", "IN", "JP"}
    assert cover["JP"][0] == 0
    for boundary in ("US", "IN"):
        issued, _, uncovered = cover[boundary]
        assert 0 < issued < uncovered
    assert cover["EU"][2] < cover["EU"][0] < cover["EU"][1]
    status = ask("SELECT status, min(period), max(period) FROM certificates GROUP BY 1 ORDER BY 1")
    assert status == [("expected", "2025-04", LAST), ("procured", "2024-04", LAST)]


def test_fuel_of_one_cluster_is_late_and_has_history(ask: Ask) -> None:
    known = {
        row[0]
        for row in ask("""SELECT DISTINCT period FROM activity
        WHERE cluster_id = 'de-1' AND activity = 'generator_fuel'""")
    }
    assert known == set(period_range("2022-01", "2025-03"))
    others = ask("""SELECT cluster_id FROM clusters WHERE (SELECT count(*) FROM activity a WHERE period = '2025-06'
        AND activity = 'generator_fuel' AND a.cluster_id = clusters.cluster_id) = 0""")
    assert others == [("de-1",)]
    zero = "SELECT DISTINCT cluster_id, period[6:] FROM activity WHERE activity = 'generator_fuel' AND quantity = 0"
    assert ask(zero) == [("se-1", "07")]
    substances = (
        "SELECT count(DISTINCT substance) FROM activity WHERE cluster_id = 'or-1' AND activity = 'generator_fuel'"
    )
    assert ask(substances) == [(2,)]


def test_electricity_of_every_cluster_with_active_racks(ask: Ask) -> None:
    missing = ask("""SELECT DISTINCT p.period, cluster_id FROM racks, (SELECT DISTINCT period, usage_date
            FROM rack_usage) AS p WHERE usage_date >= deployed_on AND (retired_on IS NULL OR usage_date < retired_on)
        EXCEPT SELECT period, cluster_id FROM activity WHERE activity = 'electricity' AND quantity > 0""")
    assert missing == []
    kinds = {row[0] for row in ask("SELECT DISTINCT evidence FROM activity")}
    assert kinds == {"metered", "invoiced", "estimated", "forecast"}
    assert {row[0] for row in ask("SELECT DISTINCT activity FROM activity")} == {
        "electricity", "generator_fuel", "natural_gas", "refrigerant"
    }  # fmt: skip


def test_factors_of_every_measure_for_every_month_and_cluster(ask: Ask) -> None:
    zones = """SELECT DISTINCT period, kind, grid_zone FROM (SELECT DISTINCT period FROM rack_usage), clusters,
        (VALUES ('grid_generation'), ('grid_upstream'), ('grid_losses'), ('carbon_free_share')) AS k(kind)"""
    substances = """SELECT DISTINCT period, kind, substance FROM activity, (VALUES ('fuel_combustion'),
        ('fuel_upstream')) AS k(kind) WHERE activity IN ('generator_fuel', 'natural_gas')
        UNION SELECT DISTINCT period, 'gwp', substance FROM activity WHERE activity = 'refrigerant'"""
    for needed in (zones, substances):
        assert (
            ask(f"""SELECT * FROM ({needed}) AS n(period, kind, key) WHERE NOT EXISTS (SELECT 1
            FROM emission_factors f WHERE f.factor_type = n.kind AND f.factor_key = n.key
            AND n.period BETWEEN f.valid_from AND coalesce(f.valid_to, '9999-12'))""")
            == []
        )
    assert ask("SELECT count(*) FROM emission_factors WHERE source IS NULL OR vintage IS NULL") == [(0,)]


def test_accounts_of_all_types_and_organisations(ask: Ask) -> None:
    assert {row[0] for row in ask("SELECT DISTINCT account_type FROM accounts")} == {
        "internal",
        "affiliate",
        "external",
    }
    sizes = [
        row[0]
        for row in ask("""SELECT count(*) FROM accounts WHERE account_type = 'external'
        AND valid_to IS NULL AND payer_account_id <> account_id GROUP BY payer_account_id ORDER BY 1 DESC""")
    ]
    assert sizes[0] > 100 > sizes[3]
    assert len(sizes) > 50
    moved = ask("""SELECT count(*), count(DISTINCT b.payer_account_id) FROM accounts a JOIN accounts b
        USING (account_id) WHERE a.valid_to = '2024-10' AND b.valid_from = '2024-11'
        AND a.payer_account_id <> b.payer_account_id AND a.account_type = b.account_type""")
    assert moved[0][0] > 20
    assert moved[0][1] == 1
    sold = ask("""SELECT a.account_type, b.account_type FROM accounts a JOIN accounts b USING (account_id)
        WHERE a.account_type <> b.account_type AND a.valid_from < b.valid_from""")
    assert sold == [("affiliate", "external")]


def test_accounts_join_leave_and_come_once(ask: Ask) -> None:
    assert ask("SELECT count(*) FROM accounts WHERE valid_from > '2024-11'")[0][0] > 20
    assert ask("SELECT count(*) FROM accounts WHERE valid_to BETWEEN '2024-11' AND '2025-05'")[0][0] > 20
    assert ask("SELECT count(*) FROM accounts WHERE valid_to = valid_from AND valid_from >= '2024-04'")[0][0] >= 5


def test_credits_make_accounts_negative_in_one_month(ask: Ask) -> None:
    negative = ask("""SELECT period, count(*) FROM (SELECT period, account_id, cluster_id, service_id,
        sum(equivalent_revenue_usd) AS revenue FROM account_usage GROUP BY ALL HAVING revenue < 0) GROUP BY 1""")
    assert [row[0] for row in negative] == ["2025-04"]
    assert negative[0][1] > 20
    assert ask("SELECT DISTINCT usage_type FROM account_usage WHERE equivalent_revenue_usd < 0") == [("credit",)]


def test_every_basis_of_the_account_step(ask: Ask) -> None:
    pools = """SELECT account_type, owner_service_id IS NULL AS alone, count(equivalent_revenue_usd) > 0 AS revenue,
        count(allocated_cost_usd) > 0 AS cost FROM account_usage JOIN accounts USING (account_id)
        JOIN services USING (service_id) WHERE NOT is_foundational AND period = '2025-06' AND valid_to IS NULL
        AND NOT (service_id = 'speech' AND cluster_id = 'jp-1')
        GROUP BY account_id, account_type, owner_service_id"""
    seen = set(ask(f"SELECT DISTINCT account_type, revenue, cost FROM ({pools}) WHERE alone"))
    assert seen == {
        ("external", True, False), ("external", False, False), ("affiliate", True, False), ("affiliate", False, False),
        ("internal", False, True), ("internal", True, False), ("internal", False, False),
    }  # fmt: skip
    free = ask("""SELECT count(*) > 0, count(equivalent_revenue_usd), string_agg(DISTINCT account_type)
        FROM account_usage JOIN accounts USING (account_id) WHERE service_id = 'speech' AND cluster_id = 'jp-1'""")
    assert free == [(True, 0, "external")]
