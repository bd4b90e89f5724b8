"""Numbers are of the size that a small provider would have, and parts agree with each other."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ccft.demo import DemoWorld
from ccft.demo.factors import emission_factors
from ccft.demo.fleet import fleet_scale

Ask = Callable[..., list[tuple[Any, ...]]]


def test_size_of_the_default_world(world: DemoWorld) -> None:
    assert 600 <= world.rows["racks"] <= 900
    assert world.rows["accounts"] >= 2000
    assert 5 <= world.rows["account_usage"] / (2000 * len(world.periods)) <= 10


def test_racks_grow_slowly_and_stop() -> None:
    scales = [fleet_scale(accounts) for accounts in (200, 2_000, 100_000, 10_000_000)]
    assert scales == sorted(scales)
    assert scales[0] >= 0.5
    assert scales[1:] == [1.0, 2.5, 2.5]


def test_electricity_follows_planned_power(ask: Ask) -> None:
    rows = ask("""WITH planned AS (SELECT cluster_id, sum(planned_power_kw) * 24 / 1000 AS mwh FROM racks,
            (SELECT DISTINCT usage_date FROM rack_usage WHERE period = '2025-06')
            WHERE usage_date >= deployed_on AND (retired_on IS NULL OR usage_date < retired_on) GROUP BY 1)
        SELECT cluster_id, sum(quantity) / any_value(mwh) FROM activity JOIN planned USING (cluster_id)
        WHERE period = '2025-06' AND activity = 'electricity' GROUP BY 1""")
    assert len(rows) == 11
    assert all(0.6 < ratio < 1.3 for _, ratio in rows)


def test_mature_racks_run_at_forty_to_seventy_percent(ask: Ask) -> None:
    rows = ask("""SELECT cluster_id, rack_type, age >= 12 AS mature, sum(used) / sum(capacity) AS level FROM (
            SELECT rack_id, usage_date, sum(used_units) AS used FROM rack_usage WHERE period = '2025-06' GROUP BY ALL)
        JOIN (SELECT rack_id, cluster_id, rack_type, capacity_units_per_day AS capacity,
            datediff('month', deployed_on, DATE '2025-06-01') AS age FROM racks) USING (rack_id) GROUP BY ALL""")
    mature = [level for _, _, is_mature, level in rows if is_mature]
    young = [level for _, _, is_mature, level in rows if not is_mature]
    assert min(mature) > 0.4
    assert max(mature) < 0.7
    assert sum(young) / len(young) < 0.75 * sum(mature) / len(mature)


def test_accounts_use_what_racks_serve(ask: Ask) -> None:
    rows = ask("""SELECT service_id, racks / accounts FROM (SELECT service_id, sum(used_units)::DOUBLE AS racks
            FROM rack_usage WHERE period = '2025-06' GROUP BY 1)
        JOIN (SELECT service_id, sum(usage_units)::DOUBLE AS accounts FROM account_usage WHERE period = '2025-06'
            GROUP BY 1) USING (service_id)""")
    assert len(rows) == 17
    assert all(0.2 < ratio < 5 for _, ratio in rows)


def test_teams_do_not_take_everything(ask: Ask) -> None:
    shares = ask("""SELECT cluster_id, service_id, sum(usage_units) FILTER (owner_service_id IS NOT NULL)
            / sum(usage_units) AS share, count(DISTINCT account_id) FILTER (account_type = 'external') AS customers
        FROM account_usage JOIN (SELECT DISTINCT account_id, account_type, owner_service_id FROM accounts
            WHERE valid_to IS NULL) USING (account_id) WHERE period = '2025-06' GROUP BY ALL""")
    assert all(customers >= 3 and (share or 0) < 0.8 for _, _, share, customers in shares if (share or 0) < 1)
    only_teams = {(cluster, service) for cluster, service, share, _ in shares if share == 1}
    outside = {service for cluster, service in only_teams if cluster != "se-2"}
    assert outside == {"controlplane", "search", "logs"}


def test_usage_of_accounts_follows_zipf(ask: Ask) -> None:
    top, total = ask("""SELECT sum(units) FILTER (place <= 20), sum(units) FROM (SELECT sum(usage_units) AS units,
        row_number() OVER (ORDER BY sum(usage_units) DESC) AS place FROM account_usage WHERE service_id = 'vm'
            AND period = '2025-06' AND account_id > '000100000000' GROUP BY account_id)""")[0]
    assert 0.3 < top / total < 0.9
    clusters = ask("""SELECT avg((n <= 3)::INT) FROM (SELECT count(DISTINCT cluster_id) AS n FROM account_usage
        WHERE period = '2025-06' GROUP BY account_id)""")[0][0]
    assert clusters > 0.9


def test_emissions_have_the_right_size(ask: Ask) -> None:
    tonnes = ask("""SELECT sum(quantity::DOUBLE * value::DOUBLE) / 1000 FROM activity JOIN clusters USING (cluster_id)
        JOIN emission_factors ON factor_type = 'grid_generation' AND factor_key = grid_zone AND valid_to IS NULL
        WHERE period = '2025-06' AND activity = 'electricity'""")[0][0]
    embodied = ask("""SELECT sum(embodied_kg / coalesce(service_life_months, 72))::DOUBLE / 1000 FROM racks""")[0][0]
    fuel = ask("""SELECT sum(quantity::DOUBLE * value::DOUBLE) / 1000 FROM activity JOIN emission_factors
        ON factor_type = 'fuel_combustion' AND factor_key = substance
        WHERE period = '2025-06' AND activity = 'generator_fuel'""")[0][0]
    assert 500 < tonnes < 2000
    assert 0.2 < embodied / tonnes < 2
    assert 0.5 < fuel < 10


def test_an_outage_stands_out(ask: Ask) -> None:
    months: dict[str, Decimal] = dict(
        ask("""SELECT period, sum(quantity) FROM activity WHERE cluster_id = 'in-1'
        AND activity = 'generator_fuel' AND period >= '2024-04' GROUP BY 1""")
    )
    outage = months.pop("2025-01")
    assert outage > 4 * max(months.values())


def test_typed_factors() -> None:
    known = {
        (row["factor_type"], row["factor_key"], row["valid_from"]): row["value"]
        for row in emission_factors().to_pylist()
        if row["instrument"] is None
    }  # fmt: skip
    assert known["fuel_combustion", "diesel", "2015-01"] == Decimal("2.709675672")
    assert abs(known["fuel_combustion", "natural_gas", "2015-01"] - Decimal("1.922912032")) < Decimal("1e-8")
    assert known["grid_generation", "FR", "2024-01"] == Decimal("16.3")
    generation, upstream, losses = (
        known[kind, "US-PJM", "2024-01"] for kind in ("grid_generation", "grid_upstream", "grid_losses")
    )
    assert abs(losses / (generation + upstream + losses) - Decimal("0.05")) < Decimal("1e-9")
    assert all(0 <= value <= 2000 for (kind, _, _), value in known.items() if kind.startswith("grid"))
