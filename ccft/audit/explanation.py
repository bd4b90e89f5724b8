"""What an explanation is: a figure, and levels that each divide it completely, from the account's pools to meters and factors.

A level is a list of lines; the lines' parts sum to the figure to the quantum, or the explanation is not made.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from ccft.errors import fail
from ccft.kernel.forms import apportioned
from ccft.schema.units import MASS_SCALE, Q_SCALE

Plain = dict[str, Any]


def kilograms(quanta: int) -> str:
    """Exact mass in kg as text.

    >>> kilograms(1_500_000_000)
    '1.500000000'
    """
    return f"{Decimal(quanta).scaleb(-MASS_SCALE):.{MASS_SCALE}f}"


def _units(micros: int) -> str:
    return f"{Decimal(micros).scaleb(-Q_SCALE):.{Q_SCALE}f}"


def divide(amount: int, weights: Sequence[int]) -> list[int]:
    """`apportioned` with negative weights as 0; without any weight the first line takes all, so that nothing is lost."""
    positive = [max(weight, 0) for weight in weights]
    if not any(positive):
        return [amount, *([0] * (len(weights) - 1))]
    return apportioned(amount, positive)


@dataclass(frozen=True)
class Line:
    """One part of the figure at one level.

    Parameters
    ----------
    label, measure
        What the part is; measure of the inventory that it belongs to.
    part
        "Your part": quanta of the figure.
    rule
        Why the part is what it is.
    pool
        Quanta of the whole that was divided, for everybody together.
    weight, total_weight, weight_unit
        Share of the pool, whole 1e-6 units, or quanta where the unit is kg; None where nothing was divided.
    details
        Facts of the line in words: floor and remainder, quantity, factor, source, vintage.
    """

    label: str
    measure: str
    part: int
    rule: str = ""
    pool: int | None = None
    weight: int | None = None
    total_weight: int | None = None
    weight_unit: str = ""
    details: Plain = field(default_factory=dict)

    @property
    def share(self) -> str | None:
        """Weight over total weight, to be read: nothing is computed from it."""
        if self.weight is None or not self.total_weight:
            return None
        return f"{Decimal(self.weight) / Decimal(self.total_weight):.9f}"

    def plain(self, figure: int) -> Plain:
        """The line for JSON, text and HTML."""
        weights = {"weight": self.weight, "total_weight": self.total_weight}
        show = kilograms if self.weight_unit == "kg" else _units
        return {
            "label": self.label,
            "measure": self.measure,
            "your_part_kg": kilograms(self.part),
            "part_of_figure": f"{Decimal(self.part) / Decimal(figure):.6f}" if figure else None,
            "pool_kg": None if self.pool is None else kilograms(self.pool),
            **{name: None if value is None else show(value) for name, value in weights.items()},
            "weight_unit": self.weight_unit,
            "share": self.share,
            "rule": self.rule,
            "details": {name: value for name, value in self.details.items() if not name.startswith("is_")},
        }


@dataclass(frozen=True)
class Level:
    """One step back towards the meters."""

    number: int
    title: str
    rule: str
    lines: tuple[Line, ...]

    def plain(self, figure: int) -> Plain:
        """The level for JSON, text and HTML; largest parts first."""
        ordered = sorted(self.lines, key=lambda line: (-line.part, line.label, line.measure))
        return {
            "level": self.number,
            "title": self.title,
            "rule": self.rule,
            "sum_kg": kilograms(sum(line.part for line in self.lines)),
            "lines": [line.plain(figure) for line in ordered],
        }


@dataclass(frozen=True)
class ClusterTree:
    """The account's figure in one cluster."""

    cluster_id: str
    region_code: str
    location: str
    figure: int
    levels: tuple[Level, ...]

    def __post_init__(self) -> None:
        """Refuse a level that does not sum to the figure."""
        for level in self.levels:
            difference = sum(line.part for line in level.lines) - self.figure
            if difference:
                raise fail(
                    "CCFT-RUN-EXPLANATION-INEXACT",
                    cluster=self.cluster_id,
                    level=level.title,
                    difference=kilograms(difference),
                )

    def plain(self) -> Plain:
        """The tree for JSON, text and HTML."""
        return {
            "cluster_id": self.cluster_id,
            "region_code": self.region_code,
            "location": self.location,
            "figure_kg": kilograms(self.figure),
            "levels": [level.plain(self.figure) for level in self.levels],
        }


@dataclass(frozen=True)
class Explanation:
    """A figure of an account: one tree per cluster, then the sum.

    Parameters
    ----------
    question
        Account, period, measure, filters, version and run that the figure belongs to.
    notes
        What the reader must know, e.g. that inputs are read as they are now.
    """

    question: Plain
    trees: tuple[ClusterTree, ...]
    notes: tuple[str, ...] = ()
    is_for_customer: bool = False

    @property
    def figure(self) -> int:
        """Sum of the trees, quanta."""
        return sum(tree.figure for tree in self.trees)

    def plain(self) -> Plain:
        """The explanation for JSON, text and HTML: masses are exact text in kg."""
        return {
            **self.question,
            "audience": "customer" if self.is_for_customer else "provider",
            "figure_kg": kilograms(self.figure),
            "notes": list(self.notes),
            "clusters": [tree.plain() for tree in self.trees],
        }

    def for_customer(self) -> "Explanation":
        """The same without anything from which a neighbour's figure could be computed.

        Pools, total weights, shares of pools and the provider's quantities go; parts, the account's own weights, rules and factors stay.
        """
        trees = tuple(
            replace(tree, levels=tuple(replace(level, lines=_merged(level.lines)) for level in tree.levels))
            for tree in self.trees
        )
        return replace(self, trees=trees, is_for_customer=True)


_CUSTOMER_DETAILS = ("factor_type", "factor_key", "instrument", "factor", "unit", "source", "vintage", "evidence")


def _merged(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines as a customer sees them: remainders inside the part they belong to, no pools, no totals."""
    found: dict[tuple[str, str], Line] = {}
    for line in lines:
        details = {name: value for name, value in line.details.items() if name in _CUSTOMER_DETAILS}
        own = line.weight if line.details.get("is_own_weight") else None
        safe = replace(
            line,
            pool=None,
            weight=own,
            total_weight=None,
            weight_unit=line.weight_unit if own is not None else "",
            details=details,
        )
        key = (line.label, line.measure)
        found[key] = replace(found[key], part=found[key].part + line.part) if key in found else safe
    return tuple(found.values())
