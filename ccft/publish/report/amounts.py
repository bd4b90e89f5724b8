"""Exact masses per measure, and what is formed from them: Scope 3 and totals by method, sums of exact kg (methodology, section 1)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, localcontext
from typing import Final

from ccft.schema.columns import MEASURES

METHODS: Final = ("mbm", "lbm")
"""Market-based first: it reflects the provider's purchases and is what most customers report."""

SCOPE_3_OF: Final = {method: (f"scope_3_fera_{method}", "scope_3_embodied") for method in METHODS}
TOTAL_OF: Final = {method: ("scope_1", f"scope_2_{method}", *SCOPE_3_OF[method]) for method in METHODS}

_EXACT: Final = Context(prec=60, traps=[Inexact])
"""Sums of kg with nine decimals; a sum that would need rounding is an error, not a rounding."""


def exact_sum(values: Iterable[Decimal]) -> Decimal:
    """The exact sum, whatever the ambient decimal context.

    >>> exact_sum([Decimal("12345678901234567890123456789.1"), Decimal("0.000000001")])
    Decimal('12345678901234567890123456789.100000001')
    """
    with localcontext(_EXACT):
        return sum(values, Decimal(0))


def exact_difference(new: Decimal, old: Decimal) -> Decimal:
    """`new - old`, exact."""
    with localcontext(_EXACT):
        return new - old


@dataclass(frozen=True)
class Amounts:
    """Masses in kg CO2e, of the measures that the methodology version computes and of no other.

    Parameters
    ----------
    masses
        Measure -> kg. A measure that is missing was not computed, which is not the same as zero.
    """

    masses: Mapping[str, Decimal]

    def measure(self, name: str) -> Decimal | None:
        """A measure, or None where it is not computed."""
        return self.masses.get(name)

    def scope_3(self, method: str) -> Decimal | None:
        """Scope 3 by `lbm` or `mbm`: fuel- and energy-related activities + embodied; None where not computed."""
        parts = [self.masses[name] for name in SCOPE_3_OF[method] if name in self.masses]
        return exact_sum(parts) if parts else None

    def total(self, method: str) -> Decimal:
        """Scopes 1, 2 and, where computed, 3, by `lbm` or `mbm`."""
        return exact_sum(self.masses[name] for name in TOTAL_OF[method] if name in self.masses)


NOTHING: Final = Amounts({})


def add(parts: Iterable[Amounts]) -> Amounts:
    """The sum, measure by measure; a measure counts as computed when any part has it.

    >>> add([Amounts({"scope_1": Decimal(1)}), Amounts({"scope_1": Decimal(2), "scope_3_embodied": Decimal(3)})]).masses
    {'scope_1': Decimal('3'), 'scope_3_embodied': Decimal('3')}
    """
    known = list(parts)
    present = [name for name in MEASURES if any(name in part.masses for part in known)]
    return Amounts({name: exact_sum(part.masses[name] for part in known if name in part.masses) for name in present})


def subtract(whole: Amounts, part: Amounts) -> Amounts:
    """What is left of a whole without a part."""
    return Amounts({n: exact_difference(mass, part.masses.get(n, Decimal(0))) for n, mass in whole.masses.items()})
