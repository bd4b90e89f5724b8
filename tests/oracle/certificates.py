"""Certificates: from market boundaries to clusters (methodology, section 2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from tests.oracle.exact import MICRO, ZERO, exact, half_up, total
from tests.oracle.model import CertificateLine, Row

STATUS_EVIDENCE = {"procured": "invoiced", "expected": "estimated"}


@dataclass(frozen=True)
class Holding:
    """All certificates of one boundary in one period (section 2)."""

    quanta: int
    factor: Fraction
    by_evidence: Mapping[str, Fraction]


@dataclass
class Cover:
    """Certificates of one boundary as used by its clusters, in whole 1e-6 MWh (section 2)."""

    holding: Holding
    load: dict[str, int] = field(default_factory=dict)
    losses: dict[str, int] = field(default_factory=dict)

    @property
    def ledger(self) -> CertificateLine:
        """Issued = used for load + used for losses + unused (section 2)."""
        issued, load, losses = self.holding.quanta, sum(self.load.values()), sum(self.losses.values())
        return CertificateLine(*(Fraction(n, MICRO) for n in (issued, load, losses, issued - load - losses)))


def holdings(rows: Iterable[Row], period: str) -> dict[str, Holding]:
    """Certificates summed by boundary, with their quantity-weighted mean factor (section 2)."""
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row["period"] == period:
            grouped[row["market_boundary"]].append(row)
    return {boundary: _holding(group) for boundary, group in grouped.items()}


def _holding(rows: list[Row]) -> Holding:
    """One boundary's certificates (section 2)."""
    quantity = total(exact(row["quantity"]) for row in rows)
    mass = total(exact(row["quantity"]) * exact(row["ef"]) for row in rows)
    evidence: dict[str, Fraction] = defaultdict(Fraction)
    for row in rows:
        evidence[STATUS_EVIDENCE[row["status"]]] += exact(row["quantity"])
    return Holding(int(quantity * MICRO), half_up(mass / quantity, 9) if quantity else ZERO, dict(evidence))


def cover(available: int, uncovered_mwh: Mapping[str, Fraction]) -> dict[str, int]:
    """Give whole 1e-6 MWh pro rata to uncovered load, each up to its own; remainder to the largest (section 2)."""
    caps = {cluster: (mwh * MICRO).__floor__() for cluster, mwh in uncovered_mwh.items()}
    whole = total(uncovered_mwh.values())
    if not whole:
        return dict.fromkeys(caps, 0)
    given = {key: min(caps[key], (available * mwh / whole).__floor__()) for key, mwh in uncovered_mwh.items()}
    left = available - sum(given.values())
    for key in sorted(given, key=lambda name: (-uncovered_mwh[name], name)):
        extra = min(left, caps[key] - given[key])
        given[key] += extra
        left -= extra
    return given
