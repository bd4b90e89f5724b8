"""Rules of the page worked out by hand, one small world each (methodology, sections 2 to 4)."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from tests.oracle.certificates import cover
from tests.oracle.model import PROVIDER, Result
from tests.oracle.oracle import allocate, check_conservation
from tests.oracle.sketch import Sketch

LBM, MBM = "scope_2_lbm", "scope_2_mbm"
CUSTOMER, OTHER, TEAM = "000000000001", "000000000002", "000000000003"


def region(sketch: Sketch, name: str, load: float, used: float, deployed: date = date(2015, 1, 1)) -> None:
    """A cluster of 1 kg/MWh with one rack of type `t` and capacity 300 in June, used by service `s`."""
    sketch.cluster(name, load, boundary=name)
    sketch.grid(name, 1)
    sketch.rack(f"rack-{name}", name, "t", 1, 10, deployed_on=deployed)
    if used:
        sketch.use_rack(f"rack-{name}", "s", used)


def start() -> Sketch:
    """A foundational service, two customers and the service's team."""
    sketch = Sketch()
    sketch.service("s")
    sketch.account(CUSTOMER)
    sketch.account(OTHER)
    sketch.account(TEAM, "internal", "s")
    return sketch


def components(result: Result, cluster: str, rack_type: str = "t") -> dict[str, Fraction]:
    """Scope 2 components of a rack type."""
    return {key[3]: mass for key, mass in result.rack_types.items() if key[:3] == (cluster, rack_type, LBM)}


def mass_of(result: Result, cluster: str, service: str, account: str) -> Fraction:
    """Location-based mass of an account row."""
    return result.accounts[cluster, service, account].mass[LBM]


@pytest.mark.parametrize(("deployed", "ramps"), [(date(2024, 6, 1), False), (date(2024, 6, 2), True)])
def test_ramp_up_excess_is_shared_by_use(deployed: date, ramps: bool) -> None:
    """A cohort at a quarter of the mature utilisation keeps a quarter; twelve months exactly are mature (2a)."""
    sketch = start()
    region(sketch, "old", 400, 240)
    region(sketch, "new", 100, 60, deployed)
    for name in ("old", "new"):
        sketch.use(CUSTOMER, name, "s", 1)
    result = allocate(sketch.tables, sketch.period, "v2.0")
    check_conservation(result)
    if ramps:
        assert components(result, "new") == {"in_use": 5, "unused_capacity": 20, "expansion_overhead": 15}
        assert components(result, "old") == {"in_use": 320, "unused_capacity": 80, "expansion_overhead": 60}
    else:
        assert components(result, "new") == {"in_use": 20, "unused_capacity": 80}


def test_networking_is_shared_by_planned_power() -> None:
    """A networking type's emissions go to the others by planned power; v1.0 leaves them with the provider (2a, 4)."""
    sketch = start()
    region(sketch, "c", 100, 150)
    sketch.rack("other", "c", "other", 3, 1)
    sketch.rack("net", "c", "net", 1, 0, is_network=True)
    sketch.use(CUSTOMER, "c", "s", 1)
    spread = allocate(sketch.tables, sketch.period, "v2.0")
    assert components(spread, "c") == {"in_use": 10, "unused_capacity": 10, "network_overhead": 5}
    assert components(spread, "c", "other") == {"unused_capacity": 60, "network_overhead": 15}
    assert mass_of(spread, "c", "s", CUSTOMER) == 100
    kept = allocate(sketch.tables, sketch.period, "v1.0")
    assert mass_of(kept, "c", "s", CUSTOMER) == 10
    assert mass_of(kept, "c", "SharedOverhead", PROVIDER) == 20
    assert mass_of(kept, "c", "UnusedCapacity", PROVIDER) == 70
    assert kept.accounts["c", "UnusedCapacity", PROVIDER].weight is None


def test_fuel_gap_grows_with_the_years() -> None:
    """10 litres last June, 30 last year after 40 the year before: 7.5 litres; none in v3.0 (section 2)."""
    sketch = Sketch()
    sketch.cluster("c")
    fuel = next(row for row in sketch.tables["activity"] if row["activity"] == "generator_fuel")
    sketch.tables["activity"].remove(fuel)
    for period, quantity in {"2024-06": 10, "2024-01": 20, "2023-12": 40}.items():
        sketch.period = period
        sketch.activity("c", "generator_fuel", quantity, "diesel")
    key = ("c", None, "scope_1", "generator_fuel")
    line = allocate(sketch.tables, "2025-06", "v2.0").inventory[key]
    assert (line.kg, dict(line.parts)) == (Fraction(75, 4), {"estimated": Fraction(75, 4)})
    assert key not in allocate(sketch.tables, "2025-06", "v3.0").inventory


@pytest.mark.parametrize(
    ("version", "internal"), [("v1.0", (0, "revenue")), ("v2.0", (20, "list_price")), ("v3.0", (5, "cost"))]
)
def test_weights_of_a_service_without_racks(version: str, internal: tuple[int, str]) -> None:
    """Revenue, then the version's rule for internal use; the list price is that of customers (step 3)."""
    sketch = start()
    region(sketch, "c", 100, 0)
    sketch.service("n", foundational=False)
    sketch.account("000000000004", "affiliate")
    sketch.account("000000000005", "internal")
    sketch.use(CUSTOMER, "c", "n", 50, 100)
    sketch.use(OTHER, "c", "n", 7)
    sketch.use("000000000004", "c", "n", 3)
    sketch.use("000000000005", "c", "n", 10)
    sketch.tables["account_usage"][-1]["allocated_cost_usd"] = 5
    result = allocate(sketch.tables, sketch.period, version)
    rows: dict[str, object] = {
        key[2][-1]: (row.weight, row.basis) for key, row in result.accounts.items() if key[1] == "n"
    }
    assert rows == {"1": (100, "revenue"), "2": (0, "revenue"), "4": (6, "list_price"), "5": internal}
    assert ("no-revenue", "c", "n") in result.events


def test_closed_set_goes_to_the_service_elsewhere() -> None:
    """What only its own team uses goes to the service's customers in other clusters, by net (2c, 4)."""
    sketch = start()
    for name, load in {"closed": 100, "big": 30, "small": 10}.items():
        region(sketch, name, load, 300)
        sketch.use(TEAM if name == "closed" else CUSTOMER, name, "s", 1)
    result = allocate(sketch.tables, sketch.period, "v2.0")
    assert [mass_of(result, name, "s", CUSTOMER) for name in ("big", "small")] == [30 + 75, 10 + 25]
    row = result.services["closed", "s", LBM, "in_use"]
    parts: list[object] = [row.direct, row.received, row.passed_on, row.residual, row.net]
    assert parts == [100, 0, 0, -100, 0]
    assert result.services["big", "s", LBM, "residual"].residual == 75
    assert ("closed-loop", "closed", "s") in result.events
    assert ("closed", "s", TEAM) not in result.accounts


@pytest.mark.parametrize("version", ["v1.0", "v2.0"])
def test_residual_without_any_customer_stays_with_the_provider(version: str) -> None:
    """A cluster without racks in a world without customers (section 4)."""
    sketch = start()
    sketch.cluster("c", 100)
    sketch.grid("c", 1)
    result = allocate(sketch.tables, sketch.period, version)
    assert mass_of(result, "c", "SharedOverhead", PROVIDER) == 100
    assert components(result, "c", "unassigned") == {"residual": 100}


def test_best_instrument_and_most_specific_key() -> None:
    """A contract of the market comes before a supplier's rate of the cluster (section 2)."""
    sketch = start()
    region(sketch, "c", 100, 300)
    sketch.use(CUSTOMER, "c", "s", 1)
    for key, instrument, value in (("c", "supplier", 5), ("c", "residual_mix", 6), ("c-zone", "supplier", 7)):
        sketch.factor("market_generation", key, value, instrument)
    assert allocate(sketch.tables, sketch.period, "v2.0").inventory_total(MBM) == 500
    sketch.tables["clusters"][0]["market_boundary"] = "market"
    sketch.factor("market_generation", "market", 3, "direct_contract")
    result = allocate(sketch.tables, sketch.period, "v2.0")
    assert result.inventory_total(MBM) == 300
    assert result.market_factors["c"] == ("direct_contract", "market")


def test_certificates_in_whole_units() -> None:
    """Floors first, then the remainder to the largest, each up to its own, ties by id (section 2)."""
    micro = Fraction(1, 10**6)
    assert cover(5, {"a": 2 * micro, "b": 2 * micro, "c": 4 * micro}) == {"a": 1, "b": 1, "c": 3}
    assert cover(3, {"a": 2 * micro, "b": 2 * micro}) == {"a": 2, "b": 1}
    assert cover(9, {"a": Fraction(5, 2) * micro, "b": micro}) == {"a": 2, "b": 1}
    assert cover(9, {"a": Fraction(0)}) == {"a": 0}
