"""Energy attribute certificates per market boundary: partial cover, more than needed, none."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from ccft.demo.files import Floats, rows_to_table
from ccft.demo.provider import CLUSTERS
from ccft.demo.timeline import Timeline

_EXPECTED_MONTHS = 3  # what is bought for the last months is not delivered yet


@dataclass(frozen=True)
class Purchase:
    """Certificates bought each month: share of the boundary's load, kg/MWh of the plant."""

    name: str
    load_share: float
    kg_per_mwh: int
    arrives_late: bool


# EU has more certificates than load that the grid leaves uncovered: the rest covers losses, then stays unused.
# JP has none.
PURCHASES: Mapping[str, tuple[Purchase, ...]] = {
    "US": (Purchase("WIND", 0.28, 0, arrives_late=False), Purchase("SUN", 0.12, 0, arrives_late=True)),
    "EU": (
        Purchase("WIND", 0.30, 0, arrives_late=True),
        Purchase("HYDRO", 0.12, 0, arrives_late=False),
        Purchase("BIO", 0.06, 18, arrives_late=False),
    ),
    "IN": (Purchase("SUN", 0.18, 0, arrives_late=True),),
}


def boundary_load_mwh(boundary: str, load_mwh: Floats) -> float:
    """Load of all clusters of a market boundary, MWh."""
    return float(sum(load_mwh[i] for i, cluster in enumerate(CLUSTERS) if cluster.market_boundary == boundary))


def certificates_table(loads: dict[str, Floats], timeline: Timeline) -> pa.Table:
    """Table `certificates`: whole MWh; some of the last three periods are `expected`."""
    recent = timeline.periods[-_EXPECTED_MONTHS:]
    rows: list[dict[str, Any]] = []
    for period in timeline.periods:
        for boundary, purchases in PURCHASES.items():
            for purchase in purchases:
                late = purchase.arrives_late and period in recent
                rows.append({
                    "period": period, "market_boundary": boundary,
                    "certificate_id": f"EAC-{boundary}-{purchase.name}-{period}",
                    "quantity": Decimal(int(boundary_load_mwh(boundary, loads[period]) * purchase.load_share)),
                    "ef": Decimal(purchase.kg_per_mwh), "status": "expected" if late else "procured",
                })  # fmt: skip
    return rows_to_table("certificates", rows)
