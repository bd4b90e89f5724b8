"""Emission factors, typed in from public files, and assumptions labelled as such.

Grid factors: GoogleCloudPlatform/region-carbon-info, yearly files 2021 to 2024, operational g/kWh = kg/MWh
(Apache-2.0); the files of 2019 and 2020 are life-cycle figures and do not continue the series. Ireland, and Sweden
before 2024: cloud-carbon-footprint/ccf-coefficients, figures of the EEA (Apache-2.0). Fuels:
singularity-energy/open-grid-emissions, kg per mmBtu after EPA 2009, and global warming potentials of IPCC AR6 over
100 years (MIT).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any

import pyarrow as pa

from ccft.demo.files import rows_to_table

Months = tuple[str, str | None]  # first, and last or open end

_START = "2015-01"
_ALWAYS: Months = (_START, None)
_YEARS = (2021, 2022, 2023, 2024)
_QUANTUM = Decimal("1e-9")

_GWP_METHANE = Decimal("27.9")
_GWP_NITROUS_OXIDE = Decimal(273)
# 40 CFR 98 table C-1: mmBtu per gallon of distillate oil No. 2, per cubic foot of pipeline gas.
_DIESEL_MMBTU_PER_LITRE = Decimal("0.138") / Decimal("3.785411784")
_GAS_MMBTU_PER_M3 = Decimal("0.001026") / Decimal("0.028316846592")
_UPSTREAM_SHARE = Decimal("0.15")


@dataclass(frozen=True)
class Zone:
    """A grid zone: kg/MWh per year of `_YEARS`, where they come from, and assumed shares."""

    kg_per_mwh: tuple[str, str, str, str]
    source: str
    losses_share: str
    carbon_free_share: str


def _google(region: str) -> str:
    return f"Google region-carbon-info, {region}, operational"


ZONES: Mapping[str, Zone] = {
    "US-PJM": Zone(("309", "354", "322", "323.05"), _google("us-east4"), "0.05", "0.40"),
    "US-NWPP": Zone(("60", "67", "94", "79.23"), _google("us-west1"), "0.05", "0.62"),
    "IE": Zone(("316", "316", "316", "316"), "ccf-coefficients, Ireland (EEA)", "0.07", "0.42"),
    "DE": Zone(("269", "413", "345", "275.82"), _google("europe-west3"), "0.04", "0.58"),
    "FR": Zone(("59", "71", "34", "16.30"), _google("europe-west9"), "0.07", "0.94"),
    "SE": Zone(("9", "9", "9", "2.73"), "ccf-coefficients, Sweden Central (EEA); 2024: " + _google("europe-north2"),
               "0.06", "0.98"),
    "IN-WE": Zone(("670", "555", "648", "678.76"), _google("asia-south1"), "0.16", "0.23"),
    "JP-TK": Zone(("464", "463", "459", "452.85"), _google("asia-northeast1"), "0.04", "0.31"),
}  # fmt: skip
# Edge clusters spread over many sites: zone -> (members, losses share, carbon-free share).
MIXES: Mapping[str, tuple[tuple[str, ...], str, str]] = {
    "EU-MIX": (("IE", "DE", "FR", "SE"), "0.06", "0.60"),
    "US-MIX": (("US-PJM", "US-NWPP"), "0.05", "0.45"),
}

# Every rung of the ladder: (key, instrument, base zone, multiple of its grid factor, with upstream, months).
# in-1 and jp-1 have none and fall back to the grid average.
MARKET: tuple[tuple[str, str, str, str, bool, Months], ...] = (
    ("se-2", "direct_contract", "SE", "0", True, _ALWAYS),
    ("or-1", "direct_contract", "US-NWPP", "0", False, ("2023-07", "2024-12")),
    ("IE", "supplier", "IE", "0.75", True, _ALWAYS),
    ("DE", "residual_mix", "DE", "1.8", False, _ALWAYS),
    ("EU", "residual_mix", "EU-MIX", "1.4", True, _ALWAYS),
    ("US", "residual_mix", "US-MIX", "1.15", True, _ALWAYS),
)
_HYDRO_UPSTREAM = Decimal(5)


def _row(factor_type: str, key: str, value: Decimal, unit: str, *, source: str, vintage: int,
         months: Months = _ALWAYS, instrument: str | None = None) -> dict[str, Any]:  # fmt: skip
    return {
        "factor_type": factor_type, "factor_key": key, "instrument": instrument, "valid_from": months[0],
        "valid_to": months[1], "value": value.quantize(_QUANTUM, ROUND_HALF_UP), "unit": unit, "source": source,
        "vintage": vintage,
    }  # fmt: skip


def _combustion(co2: str, methane: str, nitrous_oxide: str, mmbtu: Decimal) -> Decimal:
    return mmbtu * (Decimal(co2) + Decimal(methane) * _GWP_METHANE + Decimal(nitrous_oxide) * _GWP_NITROUS_OXIDE)


def _fuels_and_gases() -> Iterator[dict[str, Any]]:
    oge = "open-grid-emissions, {} (EPA 2009) x IPCC AR6-100; heat content: 40 CFR 98 table C-1"
    diesel = _combustion("74.080706", "0.00299825", "0.00059874", _DIESEL_MMBTU_PER_LITRE)
    gas = _combustion("53.015876", "0.00099790", "0.00009979", _GAS_MMBTU_PER_M3)
    yield _row("fuel_combustion", "diesel", diesel, "kg/litre", source=oge.format("DFO"), vintage=2009)
    yield _row("fuel_combustion", "natural_gas", gas, "kg/m3", source=oge.format("NG"), vintage=2009)
    rounded = "assumption: well-to-tank, rounded government factor"
    yield _row("fuel_upstream", "diesel", Decimal("0.61"), "kg/litre", source=rounded, vintage=2022)
    yield _row("fuel_upstream", "natural_gas", Decimal("0.34"), "kg/m3", source=rounded, vintage=2022)
    ar6 = "assumption: IPCC AR6-100, typed by hand"
    yield _row("gwp", "R-134a", Decimal(1530), "kg/kg", source=ar6, vintage=2021)
    yield _row(
        "gwp", "R-410A", Decimal(2256), "kg/kg", source=ar6 + ", half R-32 (771), half R-125 (3740)", vintage=2021
    )
    table = "open-grid-emissions, ipcc_gwp AR6-100"
    yield _row("gwp", "methane", _GWP_METHANE, "kg/kg", source=table, vintage=2021)
    yield _row("gwp", "nitrous_oxide", _GWP_NITROUS_OXIDE, "kg/kg", source=table, vintage=2021)


def _steps(yearly: list[Decimal]) -> Iterator[tuple[Decimal, int, Months]]:
    """Value, vintage and months of each change in a yearly series.

    The first value reaches back, the last stays until a newer one is known; a repeated value keeps its first vintage.
    """
    changes = [position for position, value in enumerate(yearly) if position == 0 or value != yearly[position - 1]]
    for position, following in zip(changes, [*changes[1:], None], strict=True):
        valid_from = _START if position == 0 else f"{_YEARS[position]}-01"
        valid_to = None if following is None else f"{_YEARS[following] - 1}-12"
        yield yearly[position], _YEARS[position], (valid_from, valid_to)


def grid_kg_per_mwh(zone: str) -> list[Decimal]:
    """Grid factor of a zone per year; of a mix, the plain mean of its members."""
    if zone in ZONES:
        return [Decimal(value) for value in ZONES[zone].kg_per_mwh]
    series = [grid_kg_per_mwh(member) for member in MIXES[zone][0]]
    return [sum(values, Decimal(0)) / len(values) for values in zip(*series, strict=True)]


def _grid(zone: str) -> Iterator[dict[str, Any]]:
    if zone in ZONES:
        source, losses, clean = ZONES[zone].source, ZONES[zone].losses_share, ZONES[zone].carbon_free_share
    else:
        members, losses, clean = MIXES[zone]
        source = "assumption: plain mean of " + ", ".join(members)
    for generation, year, months in _steps(grid_kg_per_mwh(zone)):
        upstream = generation * _UPSTREAM_SHARE
        # Methodology, equation 6: losses are a share of generation, upstream and losses together.
        lost = (generation + upstream) * Decimal(losses) / (1 - Decimal(losses))
        yield _row("grid_generation", zone, generation, "kg/MWh", source=source, vintage=year, months=months)
        share = "assumption: 15 % of grid_generation"
        yield _row("grid_upstream", zone, upstream, "kg/MWh", source=share, vintage=year, months=months)
        lost_source = f"assumption: {Decimal(losses):.0%} lost between generator and meter"
        yield _row("grid_losses", zone, lost, "kg/MWh", source=lost_source, vintage=year, months=months)
    clean_source = "assumption: rounded generation mix of the grid"
    yield _row("carbon_free_share", zone, Decimal(clean), "1", source=clean_source, vintage=2023)


def _market() -> Iterator[dict[str, Any]]:
    for key, instrument, zone, multiple, with_upstream, contract in MARKET:
        factor = Decimal(multiple)
        row = partial(_row, unit="kg/MWh", instrument=instrument)
        if not factor:
            source = "assumption: power purchase agreement with a carbon-free plant"
            row = partial(row, source=source, vintage=2023, months=contract)
            yield row("market_generation", key, factor)
            if with_upstream:
                yield row("market_upstream", key, _HYDRO_UPSTREAM)
            continue
        for generation, year, months in _steps(grid_kg_per_mwh(zone)):
            value, source = generation * factor, f"assumption: {multiple} x grid factor of {zone}"
            yield row("market_generation", key, value, source=source, vintage=year, months=months)
            if with_upstream:
                upstream = f"assumption: 15 % of the {instrument} factor"
                value *= _UPSTREAM_SHARE
                yield row("market_upstream", key, value, source=upstream, vintage=year, months=months)


def emission_factors() -> pa.Table:
    """Table `emission_factors`: every factor that any methodology version asks for."""
    rows = [*_fuels_and_gases()]
    for zone in (*ZONES, *MIXES):
        rows += _grid(zone)
    return rows_to_table("emission_factors", [*rows, *_market()])
