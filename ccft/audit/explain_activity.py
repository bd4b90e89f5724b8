"""The last level of an explanation: activity rows and emission factors behind a line of the inventory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from ccft.audit.explain_facts import Activity, InventoryLine
from ccft.audit.explanation import Line, divide
from ccft.schema.units import F_SCALE, MICROS_PER_UNIT

_ELECTRIC: Final = ("electricity", "electricity_upstream", "grid_losses")
_FUELS: Final = ("generator_fuel", "natural_gas")
MARKET_RULE: Final = "load without certificates x market factor, certified load x the factor of its certificates"


def activity_lines(line: Line, activity: Sequence[Activity]) -> list[Line]:
    """A line of level 5 as the activity rows behind it; lines that have none stay as they are."""
    source = line.details.get("inventory")
    if not isinstance(source, InventoryLine):
        return [line]
    if source.source == "facility_embodied":
        rule = "embodied carbon of buildings and equipment, straight line by days over their service life"
        return [replace(line, rule=rule, details={"evidence": "estimated"})]
    rows = [row for row in activity if _feeds(row, source.source)]
    if not rows:
        rule = "estimated from last year's activity: no row in the month (historical growth)"
        details = {**_factor(source.factors, None), "evidence": "estimated"}
        return [replace(line, label=f"{source.source}: estimate", rule=rule, details=details)]
    factors = [_factor(source.factors, None if source.source in _ELECTRIC else row.substance) for row in rows]
    weights = [row.quantity * _digits(factor) for row, factor in zip(rows, factors, strict=True)]
    parts = divide(line.part, weights)
    return [
        _activity_line(line, source, row, factor, part) for row, factor, part in zip(rows, factors, parts, strict=True)
    ]


def _activity_line(line: Line, source: InventoryLine, row: Activity, factor: Mapping[str, object], part: int) -> Line:
    name = f"{source.source}: {row.site_id}" + (f" {row.substance}" if row.substance else "")
    quantity = f"{row.quantity // MICROS_PER_UNIT}.{row.quantity % MICROS_PER_UNIT:06d} {row.unit}"
    details = {"site_id": row.site_id, "quantity": quantity, "evidence": row.evidence, **factor}
    is_market = str(factor.get("factor_type", "")).startswith("market_") or line.measure.endswith("_mbm")
    rule = MARKET_RULE if is_market and source.source in _ELECTRIC else "quantity x emission factor"
    return replace(line, label=name, part=part, rule=rule, details=details)


def _feeds(row: Activity, source: str) -> bool:
    """Whether activity rows of this kind make the inventory line."""
    if source in _ELECTRIC:
        return row.activity == "electricity"
    return row.activity in _FUELS if source == "fuel_upstream" else row.activity == source


def _factor(factors: Sequence[Mapping[str, object]], substance: str | None) -> dict[str, object]:
    """The factor of a substance, or the first of the line; further ones are named."""
    own = [factor for factor in factors if substance is None or factor["factor_key"] == substance]
    if not own:
        return {}
    first = own[0]
    found = {"factor_type": first["factor_type"], "factor_key": first["factor_key"], "instrument": first["instrument"]}
    found |= {"factor": first["value"], "unit": first["unit"], "source": first["source"], "vintage": first["vintage"]}
    more = [f"{factor['factor_type']} {factor['factor_key']} {factor['value']} {factor['unit']}" for factor in own[1:]]
    return found | ({"more_factors": more} if more else {})


def _digits(factor: Mapping[str, object]) -> int:
    """A factor as a whole number of 1e-9; 1 where the line has none."""
    whole, _, decimals = str(factor.get("factor", "1")).partition(".")
    return int(whole + decimals.ljust(F_SCALE, "0")[:F_SCALE])
