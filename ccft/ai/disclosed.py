"""Figures that makers disclosed, and whether they can be right: implied emission factor, and whether parts make up the total.

Flags are questions, not verdicts: a market-based figure may be near zero for good reasons; the flag says that it is not comparable as it stands.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from ccft.ai.facts import Disclosed
from ccft.kernel.quotients import ratio

LEAST_KG_PER_KWH: Final = Decimal("0.005")
MOST_KG_PER_KWH: Final = Decimal("1.2")
"""Outside these, mass and energy do not belong together: cleaner than any grid, or dirtier than coal."""
TOLERANCE: Final = Fraction(2, 100)
"""Rounded parts may miss the rounded total by so much of it."""
TOTAL: Final = "total"
_W_PER_KW: Final = 1000
_FACTOR_PLACES: Final = 9


@dataclass(frozen=True)
class Checked:
    """A disclosed part with its energy, implied emission factor and flags; none: plausible."""

    disclosed: Disclosed
    kwh: Decimal | None
    kg_per_kwh: Decimal | None
    flags: tuple[str, ...]

    @property
    def is_plausible(self) -> bool:
        """Nothing speaks against it."""
        return not self.flags


def energy_kwh(part: Disclosed) -> Fraction | None:
    """Disclosed energy, or accelerator-hours x power; None without either."""
    if part.kwh is not None:
        return Fraction(part.kwh)
    if part.accel_h is not None and part.watts is not None:
        return Fraction(part.accel_h) * Fraction(part.watts) / _W_PER_KW
    return None


def _factor_flags(factor: Decimal | None) -> tuple[str, ...]:
    if factor is None or LEAST_KG_PER_KWH <= factor <= MOST_KG_PER_KWH:
        return ()
    return (f"implied {factor.normalize():f} kg/kWh is outside {LEAST_KG_PER_KWH} to {MOST_KG_PER_KWH}",)


def _total_flags(parts: Iterable[Disclosed]) -> tuple[str, ...]:
    """Whether the parts of a model miss its total; only where both are disclosed."""
    known = [part for part in parts if part.kg is not None]
    totals = [Fraction(part.kg or 0) for part in known if part.part == TOTAL]
    others = [Fraction(part.kg or 0) for part in known if part.part != TOTAL]
    if not totals or not others or abs(sum(others) - totals[0]) <= TOLERANCE * totals[0]:
        return ()
    return (f"parts sum to {ratio(sum(others), 1, 3):f} kg, total says {ratio(totals[0], 1, 3):f} kg",)


def check(disclosed: Iterable[Disclosed]) -> list[Checked]:
    """Every disclosed part with what it implies, in order of model and part."""
    by_model: dict[str, list[Disclosed]] = defaultdict(list)
    for part in disclosed:
        by_model[part.model_id].append(part)
    rows = []
    for model_id in sorted(by_model):
        for part in sorted(by_model[model_id], key=lambda part: part.part):
            energy = energy_kwh(part)
            factor = ratio(part.kg, energy, _FACTOR_PLACES)
            flags = _factor_flags(factor) + (_total_flags(by_model[model_id]) if part.part == TOTAL else ())
            rows.append(Checked(part, ratio(energy, 1, _FACTOR_PLACES), factor, flags))
    return rows
