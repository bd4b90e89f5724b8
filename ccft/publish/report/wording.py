"""How the page says things: numbers, months, names of measures, components and steps."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from ccft.periods import month_start, shift
from ccft.schema.units import MASS_SCALE

_TONNES_PER_KG_EXPONENT = -3
_SIGNIFICANT = 4

SCOPE_LABELS: Final = {"scope_1": "Scope 1", "scope_2": "Scope 2", "scope_3": "Scope 3"}
METHOD_LABELS: Final = {"lbm": "Location-based", "mbm": "Market-based"}
MEASURE_LABELS: Final = {
    "scope_1": "Scope 1",
    "scope_2_lbm": "Scope 2, location-based",
    "scope_2_mbm": "Scope 2, market-based",
    "scope_3_fera_lbm": "Scope 3, fuel and energy, location-based",
    "scope_3_fera_mbm": "Scope 3, fuel and energy, market-based",
    "scope_3_embodied": "Scope 3, embodied",
}
COMPONENT_LABELS: Final = {
    "in_use": "In use",
    "unused_capacity": "Unused capacity",
    "network_overhead": "Network overhead",
    "expansion_overhead": "Expansion overhead",
    "residual": "Residual",
}
COMPONENT_MEANINGS: Final = {
    "in_use": "capacity while it was used",
    "unused_capacity": "capacity kept ready but idle, borne by those who use it",
    "network_overhead": "networking racks, which have no users of their own",
    "expansion_overhead": "young racks and clusters that are still filling up, shared worldwide",
    "residual": "what found no user, spread over the services that have some",
}
STEP_LABELS: Final = {
    "inventory": "Inventory",
    "rack_types": "Cluster to rack types",
    "overhead": "Overhead and unused capacity",
    "services": "Rack types to services",
    "interdependencies": "Service interdependencies",
    "residuals": "Residuals",
    "accounts": "Services to accounts",
    "total": "Inventory to accounts",
}
PRODUCT_LABELS: Final = {
    "UnusedCapacity": "Unused capacity, kept by the provider",
    "SharedOverhead": "Shared overhead, kept by the provider",
}
NOT_COMPUTED: Final = "not computed"
_MONTHS = "January February March April May June July August September October November December".split()


def kilograms(mass: Decimal) -> str:
    """Exact kg with all nine decimals.

    >>> kilograms(Decimal("1101862.495907508")), kilograms(Decimal("0E-9")), kilograms(Decimal("-1E-9"))
    ('1,101,862.495907508', '0.000000000', '-0.000000001')
    """
    return f"{mass:,.{MASS_SCALE}f}"


def tonnes(mass_kg: Decimal) -> str:
    """A mass in t CO2e to four significant figures, or to whole tonnes from a thousand on; half up.

    >>> [tonnes(Decimal(kg)) for kg in ("1234567.8", "431259.9", "3.1", "0", "-52459")]
    ['1,235', '431.3', '0.003100', '0', '−52.46']
    """
    mass = mass_kg.scaleb(_TONNES_PER_KG_EXPONENT)
    if not mass:
        return "0"
    exponent = min(mass.adjusted() - _SIGNIFICANT + 1, 0)
    rounded = mass.quantize(Decimal(1).scaleb(exponent), rounding=ROUND_HALF_UP)
    if rounded.adjusted() > mass.adjusted() and exponent < 0:  # 9.9996 becomes 10.000: one decimal less
        rounded = mass.quantize(Decimal(1).scaleb(exponent + 1), rounding=ROUND_HALF_UP)
    return f"{rounded:,}".replace("-", "\N{MINUS SIGN}")


def percent(part: Decimal, whole: Decimal) -> str:
    """A share for display.

    >>> percent(Decimal(1), Decimal(3)), percent(Decimal(1), Decimal(0)), percent(Decimal(1), Decimal(10**6))
    ('33.3 %', '–', '<0.1 %')
    """
    if not whole:
        return "–"
    share = part * 100 / whole
    if 0 < share < Decimal("0.05"):
        return "<0.1 %"
    if share < 100 and share >= Decimal("99.95"):
        return ">99.9 %"
    return f"{share:.1f} %".replace("-", "\N{MINUS SIGN}")


def month_name(period: str) -> str:
    """A period in words.

    >>> month_name("2025-06")
    'June 2025'
    """
    start = month_start(period)
    return f"{_MONTHS[start.month - 1]} {start.year}"


def short_month(period: str) -> str:
    """A period as charts and tables label it.

    >>> short_month("2025-06")
    'Jun 2025'
    """
    month, year = month_name(period).split()
    return f"{month[:3]} {year}"


def month_span(first: str, last: str) -> str:
    """A span of months in words.

    >>> month_span("2025-01", "2025-06"), month_span("2024-07", "2025-06"), month_span("2025-06", "2025-06")
    ('January to June 2025', 'July 2024 to June 2025', 'June 2025')
    """
    if first == last:
        return month_name(first)
    if first[:4] == last[:4]:
        return f"{month_name(first).split()[0]} to {month_name(last)}"
    return f"{month_name(first)} to {month_name(last)}"


def month_spans(periods: Sequence[str]) -> str:
    """Months in words, neighbours joined.

    >>> month_spans(["2025-01", "2025-02", "2025-05"])
    'January to February 2025, May 2025'
    """
    spans: list[list[str]] = []
    for period in sorted(periods):
        if spans and shift(spans[-1][1], 1) == period:
            spans[-1][1] = period
        else:
            spans.append([period, period])
    return ", ".join(month_span(first, last) for first, last in spans)


def counted(number: int, singular: str, plural: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "month"), counted(1200, "account")
    ('1 month', '1,200 accounts')
    """
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def listed(words: Sequence[str]) -> str:
    """Words joined as a sentence does.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
