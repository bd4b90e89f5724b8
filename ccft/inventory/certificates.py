"""Energy attribute certificates: from market boundaries to clusters, every MWh once (methodology section 2, "Certificates (EACs)").

Exact Python integers on the driver: bounded by clusters. Quantities are whole 1e-6 MWh.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ccft.schema.units import F_SCALE


@dataclass(frozen=True)
class Certificates:
    """All certificates of a boundary in a period.

    Parameters
    ----------
    procured, expected
        Whole 1e-6 MWh.
    factor
        Quantity-weighted mean emission factor, whole 1e-9 kg/MWh, half up.
    """

    procured: int = 0
    expected: int = 0
    factor: int = 0

    @property
    def issued(self) -> int:
        """All certificates, 1e-6 MWh."""
        return self.procured + self.expected


def half_up(value: Fraction) -> int:
    """Round a rational half up to an integer.

    >>> half_up(Fraction(5, 2)), half_up(Fraction(-5, 2))
    (3, -3)
    """
    magnitude = (2 * abs(value.numerator) + value.denominator) // (2 * value.denominator)
    return magnitude if value >= 0 else -magnitude


def pool(rows: Sequence[Mapping[str, object]]) -> Certificates:
    """Pool the certificates of one boundary and period; rows have `quantity` (1e-6 MWh), `ef` (1e-9 kg/MWh), `status`."""
    quantity = {
        status: sum(int(str(r["quantity"])) for r in rows if r["status"] == status)
        for status in ("procured", "expected")
    }
    issued = sum(quantity.values())
    weighted = sum(int(str(row["quantity"])) * int(str(row["ef"])) for row in rows)
    factor = half_up(Fraction(weighted, issued)) if issued else 0
    return Certificates(quantity["procured"], quantity["expected"], factor)


def share_out(available: int, uncovered: Mapping[str, Fraction]) -> dict[str, int]:
    """Share certificates pro rata to uncovered load, in whole 1e-6 MWh, never more than it.

    Floors first; the remainder goes to the largest uncovered loads first, each up to its own, ties to the smallest id.

    Parameters
    ----------
    available
        Certificates left, whole 1e-6 MWh.
    uncovered
        Cluster -> uncovered load or losses in 1e-6 MWh, exact.

    Examples
    --------
    >>> share_out(10, {"a": Fraction(7), "b": Fraction(7), "c": Fraction(1)})
    {'a': 5, 'b': 5, 'c': 0}
    """
    limits = {cluster: int(load) for cluster, load in uncovered.items()}
    total = sum(uncovered.values())
    if total <= 0 or available <= 0:
        return dict.fromkeys(uncovered, 0)
    shares = {c: min(int(available * load / total), limits[c]) for c, load in uncovered.items()}
    left = available - sum(shares.values())
    for cluster in sorted(uncovered, key=lambda c: (-uncovered[c], c)):
        more = min(left, limits[cluster] - shares[cluster])
        shares[cluster] += more
        left -= more
    return shares


def uncovered(quantity: Fraction | int, carbon_free_share: int) -> Fraction:
    """What the grid's physical carbon-free generation leaves uncovered; the share in whole 1e-9."""
    return Fraction(quantity) * (10**F_SCALE - carbon_free_share) / 10**F_SCALE
