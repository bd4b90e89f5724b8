"""Clusters, racks, energy and factors of a random world (contract, section 1)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.oracle.draft import OLDEST_MONTHS, Draft
from tests.oracle.exact import add_months, shift

EVIDENCE = ("metered", "invoiced", "estimated", "forecast")
INSTRUMENTS = ("direct_contract", "supplier", "residual_mix")
FUEL_UNITS = {"diesel": "litre", "hvo": "litre", "natural_gas": "m3", "R-134a": "kg", "R-410A": "kg"}
ENERGY_SCALES = (1e-5, 1.0, 50.0, 5e3, 2e4)


def add_clusters(draft: Draft) -> None:
    """One to four clusters, Regions and edge clusters, some not launched yet."""
    rng = draft.rng
    for number in range(rng.randint(1, 4)):
        name, edge = draft.name(f"c{number}"), number > 0 and draft.chance(0.4, "edge")
        zone = rng.randint(0, 2)
        draft.add(
            "clusters", cluster_id=name, cluster_type="edge" if edge else "region",
            region_code="global" if edge else f"{name}-region", location="Global" if edge else f"{name} location",
            grid_zone=draft.name(f"zone{zone}"), market_boundary=draft.name(f"market{min(zone, 1)}"),
            launched_on=_launch(draft, number),
        )  # fmt: skip


def _launch(draft: Draft, number: int) -> date:
    """Day of launch: long ago, exactly twelve months ago, lately, or (not for the first) still to come."""
    kind = draft.rng.choices(("old", "twelve", "new", "now", "later"), (12, 2, 2, 1, 1 if number else 0))[0]
    if kind in ("new", "now"):
        draft.traits.add("young-cluster")
    if kind == "later":
        draft.traits.add("not-launched")
    return {
        "old": draft.months_ago(13, OLDEST_MONTHS), "twelve": add_months(draft.start, -12),
        "new": draft.months_ago(1, 11), "now": draft.day(), "later": draft.end,
    }[kind]  # fmt: skip


def launched(draft: Draft) -> list[str]:
    """Clusters launched before the month's end."""
    return [row["cluster_id"] for row in draft.tables["clusters"] if row["launched_on"] < draft.end]


def add_racks(draft: Draft) -> None:
    """Two to six rack types and three to fifteen racks with all kinds of dates."""
    rng = draft.rng
    networks = [number > 0 and rng.random() < 0.25 for number in range(rng.randint(2, 6))]
    homes = [name for name in launched(draft) if not draft.chance(0.12, "rackless-cluster")]
    if draft.chance(0.04, "network-only-cluster") and homes:
        _add_rack(draft, 99, homes[0], len(networks), capacity=None)
        homes = homes[1:]
    capacity = [draft.amount(10 ** rng.uniform(-1, 4)) for _ in networks]
    for number in range(rng.randint(3, 15)):
        kind = rng.randrange(len(networks))
        if homes:
            size = None if networks[kind] else capacity[kind] * rng.choice((1, 1, 2))
            _add_rack(draft, number, rng.choice(homes), kind, capacity=size)


def _add_rack(draft: Draft, number: int, cluster: str, kind: int, *, capacity: Decimal | None) -> None:
    """One rack, networking when it has no capacity; embodied carbon never reaches the next world's month."""
    rng, zero = draft.rng, Draft.number(0)
    deployed, retired = _service_dates(draft)
    power = zero if draft.chance(0.03, "no-power") else draft.amount(10 ** rng.uniform(-1, 2))
    units = zero if capacity is None or draft.chance(0.03, "no-capacity") else capacity
    embodied = zero if rng.random() < 0.1 else draft.amount(10 ** rng.uniform(-3, 4), 9)
    draft.add(
        "racks", rack_id=draft.name(f"rack{number:02d}"), cluster_id=cluster, rack_type=draft.name(f"type{kind}"),
        is_network=capacity is None, planned_power_kw=power, capacity_units_per_day=units, deployed_on=deployed,
        retired_on=retired, embodied_kg=embodied, service_life_months=rng.randint(3, 24), embodied_method=None,
    )  # fmt: skip


def _service_dates(draft: Draft) -> tuple[date, date]:
    """Deployed long ago, about twelve months ago, lately or in the month; retired early or not."""
    rng, year = draft.rng, add_months(draft.start, -12)
    deployed = rng.choices(
        (draft.months_ago(13, OLDEST_MONTHS), year, year + timedelta(days=1), draft.months_ago(1, 11), draft.day()),
        (9, 2, 1, 4, 2),
    )[0]
    earliest = max(deployed + timedelta(days=1), add_months(draft.start, -3))
    retired = draft.end
    if draft.chance(0.15, "retired-early") and earliest < draft.end:
        retired = earliest + timedelta(days=rng.randrange((draft.end - earliest).days))
    elif draft.chance(0.03, "retired-on-first-day") and deployed < draft.start:
        retired = draft.start
    return deployed, retired


def add_rack_usage(draft: Draft) -> None:
    """Use of racks by foundational services: most partly used, some above capacity, some types by nobody."""
    rng = draft.rng
    kinds = sorted({row["rack_type"] for row in draft.tables["racks"] if not row["is_network"]})
    hosts = [row["service_id"] for row in draft.tables["services"] if row["is_foundational"]]
    if draft.chance(0.08, "other-service-on-racks"):
        hosts = [row["service_id"] for row in draft.tables["services"]]
    for kind in kinds:
        users = rng.sample(hosts, rng.randint(1, min(2, len(hosts))))
        level = rng.uniform(1.0, 1.6) if draft.chance(0.08, "above-capacity") else rng.uniform(0.1, 0.95)
        if not draft.chance(0.12, "idle-rack-type"):
            for rack in (row for row in draft.tables["racks"] if row["rack_type"] == kind):
                _use_rack(draft, rack, users, level * rng.choice((1.0, 1.0, 0.3)))


def _use_rack(draft: Draft, rack: dict[str, Any], users: list[str], level: float) -> None:
    """A few days of use of one rack, while it is in service."""
    rng = draft.rng
    first, last = max(draft.start, rack["deployed_on"]), min(draft.end, rack["retired_on"])
    days = (last - first).days
    if days <= 0 or draft.chance(0.1, "idle-rack"):
        return
    chosen = sorted(rng.sample(range(days), min(days, rng.randint(1, 4))))
    daily = level * float(rack["capacity_units_per_day"]) * days / len(chosen) / len(users)
    for user in users:
        for day in chosen:
            used = 0 if draft.chance(0.04) else (daily or 0.5) * rng.uniform(0.8, 1.2)
            draft.add(
                "rack_usage", usage_date=first + timedelta(days=day), rack_id=rack["rack_id"], service_id=user,
                used_units=Draft.number(used),
            )  # fmt: skip


def add_assets(draft: Draft) -> None:
    """Up to four buildings and pieces of equipment, some past their life."""
    for number in range(draft.rng.randint(0, 4)):
        draft.add(
            "facility_assets", asset_id=draft.name(f"asset{number}"),
            cluster_id=draft.rng.choice(draft.tables["clusters"])["cluster_id"],
            asset_kind=draft.rng.choice(("building", "equipment")),
            embodied_kg=draft.amount(10 ** draft.rng.uniform(-2, 5), 9),
            in_service_on=draft.months_ago(0, OLDEST_MONTHS), service_life_months=draft.rng.randint(6, 24),
        )  # fmt: skip


def _activity(draft: Draft, period: str, cluster: str, what: tuple[str, str | None], quantity: Decimal) -> None:
    """One or two rows of an activity and substance, by site and evidence."""
    activity, substance = what
    unit = FUEL_UNITS[substance] if substance else "MWh"
    for site in range(draft.rng.randint(1, 2)):
        part = quantity if site == 0 else draft.amount(float(quantity) / 2)
        draft.add(
            "activity", period=period, site_id=f"{cluster}-site{site}", cluster_id=cluster, activity=activity,
            substance=substance, quantity=part, unit=unit, evidence=draft.rng.choice(EVIDENCE),
        )  # fmt: skip


def add_electricity(draft: Draft) -> None:
    """Electricity of every launched cluster, zero in some, and certificates of some boundaries."""
    rng, scale = draft.rng, draft.rng.choice(ENERGY_SCALES)
    draft.traits |= {f"energy-{scale:g}"}
    for cluster in launched(draft):
        quantity = Draft.number(0) if draft.chance(0.06, "no-load") else draft.amount(scale)
        _activity(draft, draft.period, cluster, ("electricity", None), quantity)
    for boundary in sorted({row["market_boundary"] for row in draft.tables["clusters"]}):
        if draft.chance(0.5, "certificates"):
            cover = rng.choice((0.05, 0.3, 0.7, 2.0))
            for number in range(rng.randint(1, 3)):
                quantity = Draft.number(0) if draft.chance(0.05, "empty-certificate") else draft.amount(scale * cover)
                draft.add(
                    "certificates", period=draft.period, market_boundary=boundary,
                    certificate_id=draft.name(f"{boundary[-7:]}-{number}"), quantity=quantity,
                    ef=rng.choice((Draft.number(0, 9), draft.amount(20, 9))),
                    status=rng.choice(("procured", "procured", "expected")),
                )  # fmt: skip


def add_fuels(draft: Draft) -> None:
    """Generator fuel with gaps and history, natural gas and refrigerants."""
    rng = draft.rng
    for cluster in launched(draft):
        if draft.chance(0.3, "fuel-gap"):
            _add_history(draft, cluster)
        else:
            for fuel in rng.sample(("diesel", "hvo"), rng.randint(1, 2)):
                quantity = Draft.number(0) if draft.chance(0.15) else draft.amount(10 ** rng.uniform(-2, 4))
                _activity(draft, draft.period, cluster, ("generator_fuel", fuel), quantity)
        for activity, substance in (
            ("natural_gas", "natural_gas"),
            ("refrigerant", "R-134a"),
            ("refrigerant", "R-410A"),
        ):
            if rng.random() < 0.3:
                _activity(draft, draft.period, cluster, (activity, substance), draft.amount(10 ** rng.uniform(-2, 2)))


def _add_history(draft: Draft, cluster: str) -> None:
    """Fuel of the same month last year, with or without other months of the two years before."""
    rng = draft.rng
    others = rng.sample([n for n in range(1, OLDEST_MONTHS + 1) if n != 12], rng.choice((0, 2, 8, 16)))
    fuels = rng.sample(("diesel", "hvo"), rng.randint(1, 2))
    for fuel in fuels:
        scale = 10 ** rng.uniform(-2, 4)
        for months in sorted({12, *others}):
            quantity = Draft.number(0) if rng.random() < 0.15 else draft.amount(scale)
            _activity(draft, shift(draft.period, -months), cluster, ("generator_fuel", fuel), quantity)


def _factor(draft: Draft, kind: str, key: str, value: Decimal, instrument: str | None = None) -> None:
    """A factor of the month only, sometimes after another one of the months before."""
    unit = f"kg/{FUEL_UNITS[key]}" if key in FUEL_UNITS else "1" if kind == "carbon_free_share" else "kg/MWh"
    spans = [(draft.period, draft.period, value)]
    if draft.rng.random() < 0.3:
        spans.append((shift(draft.period, -6), shift(draft.period, -1), value / 2 if unit == "1" else value + 1))
    for first, last, number in spans:
        draft.add(
            "emission_factors", factor_type=kind, factor_key=key, instrument=instrument, valid_from=first,
            valid_to=last, value=number.quantize(Decimal("1e-9")), unit=unit, source="invented",
            vintage=int(first[:4]),
        )  # fmt: skip


def add_factors(draft: Draft) -> None:
    """Every factor the month needs, market factors on every rung, clean grids."""
    for substance, unit in FUEL_UNITS.items():
        if unit == "kg":
            _factor(draft, "gwp", substance, draft.amount(1400, 9))
        else:
            _factor(draft, "fuel_combustion", substance, draft.amount(2.5, 9))
            _factor(draft, "fuel_upstream", substance, draft.amount(0.6, 9))
    clusters = draft.tables["clusters"]
    for zone in sorted({row["grid_zone"] for row in clusters}):
        clean = draft.chance(0.1, "clean-grid")
        nothing = Draft.number(0, 9)
        _factor(draft, "grid_generation", zone, nothing if clean else draft.amount(300, 9))
        _factor(draft, "grid_upstream", zone, nothing if clean else draft.amount(40, 9))
        _factor(draft, "grid_losses", zone, draft.amount(15, 9))
        share = draft.rng.choice((0.0, 1.0, 0.5, draft.rng.random(), draft.rng.random()))
        _factor(draft, "carbon_free_share", zone, Draft.number(share, 9))
    keys = sorted({row[name] for row in clusters for name in ("cluster_id", "grid_zone", "market_boundary")})
    density = draft.rng.choice((0.0, 0.1, 0.4))
    for key in keys:
        for instrument in INSTRUMENTS:
            if draft.chance(density, instrument):
                _factor(draft, "market_generation", key, draft.amount(250, 9), instrument)
            if draft.rng.random() < density:
                _factor(draft, "market_upstream", key, draft.amount(30, 9), instrument)
