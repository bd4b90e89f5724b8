"""The racks and buildings of the invented provider.

The old part of a fleet was deployed evenly between 80 and 13 months before the first period: its oldest racks are past
their planned life, all of them are mature. A quarter came, or comes, from 12 months before the first period until the
last: those are ramping. The young region and the newest accelerators know only the last months.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any, Self

import numpy as np
import pyarrow as pa

from ccft.demo.files import Bools, Floats, Ints, days, decimals, rows_to_table, texts, to_micro
from ccft.demo.provider import (
    CLUSTER_INDEX,
    CLUSTERS,
    LATE_ARRIVAL,
    LATE_RETIREMENT_CLUSTER,
    MAIN_CLUSTER,
    RACK_TYPE_INDEX,
    RACK_TYPES,
    Cluster,
    RackType,
    rack_counts,
)
from ccft.demo.timeline import Timeline
from ccft.periods import month_end, month_start, shift

STAYS = np.int64(2**31 - 1)  # a rack that is not retired
_OLD_SHARE = 0.75
_OLDEST_MONTHS, _YOUNGEST_OLD_MONTHS, _GROWTH_MONTHS = 80, 13, 12
_PHASE = (0.618, 0.381)
_NEWEST_ACCELERATOR, _NEWEST_ACCELERATOR_MONTHS = "GPU.H100X8", 9
_EARLY_RETIRED_TYPES = ("VM.C5", "OBJ.standard")
_SCALE_AT, _SCALE_POWER, _SCALE_LOW, _SCALE_HIGH = 2000, 0.25, 0.5, 2.5
_BUILDING_KG_PER_RACK = Decimal(9_000_000) / 2500  # greensku dc_building over dc_rack_capacity


@dataclass(frozen=True)
class Fleet:
    """One entry per rack; clusters and rack types by index, days since 1970-01-01, `retired` STAYS if it is not."""

    number: Ints
    cluster: Ints
    kind: Ints
    planned_kw: Floats
    capacity: Floats
    deployed: Ints
    retired: Ints

    @property
    def ids(self) -> list[str]:
        """Rack ids, such as `va-1-vm-c5-001`."""
        return [
            f"{CLUSTERS[cluster].cluster_id}-{RACK_TYPES[kind].name.lower().replace('.', '-')}-{number:03d}"
            for cluster, kind, number in zip(self.cluster, self.kind, self.number, strict=True)
        ]

    def active_days(self, period: str) -> Bools:
        """Whether each rack is in service on each day of the period: [rack, day]."""
        month = np.arange(_day(month_start(period)), _day(month_end(period)))
        return (month >= self.deployed[:, None]) & (month < self.retired[:, None])

    @classmethod
    def join(cls, parts: list["Fleet"]) -> Self:
        """One fleet of several."""
        return cls(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)})


def _day(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def launch_of(cluster: Cluster, timeline: Timeline) -> date:
    """Launch day of a cluster."""
    return cluster.launched_on or timeline.young_launch


def fleet_scale(accounts: int) -> float:
    """Racks relative to 2,000 accounts: the fourth root, so that small worlds stay fast and large ones bounded."""
    return float(np.clip((accounts / _SCALE_AT) ** _SCALE_POWER, _SCALE_LOW, _SCALE_HIGH))


def _months_before(period: str, months: int) -> int:
    return _day(month_start(shift(period, -months)))


def _evenly(start: int, end: int, count: int, phase: float) -> Ints:
    """`count` days at equal distances in [start, end), the first one `phase` of a distance after `start`."""
    steps: Ints = (start + (np.arange(count) + phase) * (end - start) / max(count, 1)).astype(np.int64)
    return steps


def _deployment_days(cluster: Cluster, kind: RackType, count: int, timeline: Timeline) -> Ints:
    """Deployment day of each rack of one type in one cluster, ascending."""
    launch, end = _day(launch_of(cluster, timeline)), _day(timeline.late_arrival)
    # A phase per cluster and rack type, so that racks do not arrive everywhere on the same day.
    phase = (CLUSTER_INDEX[cluster.cluster_id] * _PHASE[0] + RACK_TYPE_INDEX[kind.name] * _PHASE[1]) % 1.0
    if kind.name == _NEWEST_ACCELERATOR:
        start = max(launch, _months_before(timeline.last, _NEWEST_ACCELERATOR_MONTHS))
        return np.linspace(start, end - 40, count).astype(np.int64)
    old = max(1, round(count * _OLD_SHARE))
    if cluster.launched_on is None:
        return np.concatenate([np.full(old, launch), _evenly(launch, end, count - old, phase)])
    earliest = max(launch, _day(kind.since))
    oldest = max(earliest, _months_before(timeline.first, _OLDEST_MONTHS))
    youngest = max(oldest, _months_before(timeline.first, _YOUNGEST_OLD_MONTHS))
    growth = _evenly(max(earliest, _months_before(timeline.first, _GROWTH_MONTHS)), end, count - old, phase)
    deployed = np.concatenate([_evenly(oldest, youngest, old, phase), growth])
    if (cluster.cluster_id, kind.name) == LATE_ARRIVAL:
        deployed[-1] = end
    return deployed


def _retirement_days(cluster: Cluster, kind: RackType, deployed: Ints, timeline: Timeline) -> Ints:
    """First day out of service of each rack of one type in one cluster; STAYS for most."""
    retired = np.full(len(deployed), STAYS)
    if kind.name in _EARLY_RETIRED_TYPES and len(deployed) >= 5 and cluster.launched_on is not None:
        retired[len(deployed) // 2] = _day(timeline.early_retirement)
    if kind.name == _EARLY_RETIRED_TYPES[0] and cluster.cluster_id == LATE_RETIREMENT_CLUSTER:
        retired[0] = _day(timeline.late_retirement)
    return retired


def build_fleet(accounts: int, timeline: Timeline) -> Fleet:
    """Every rack that is in service at some time of the story."""
    parts = []
    for column, cluster in enumerate(CLUSTERS):
        counts = rack_counts(cluster, fleet_scale(accounts))
        for index, kind in enumerate(RACK_TYPES):
            count = counts.get(kind.name, 0)
            deployed = _deployment_days(cluster, kind, count, timeline) if count else np.zeros(0, np.int64)
            parts.append(
                Fleet(
                    number=np.arange(1, count + 1),
                    cluster=np.full(count, column),
                    kind=np.full(count, index),
                    planned_kw=np.full(count, kind.planned_kw),
                    capacity=np.full(count, kind.capacity),
                    deployed=deployed,
                    retired=_retirement_days(cluster, kind, deployed, timeline),
                )
            )
    return Fleet.join(parts)


def racks_table(fleet: Fleet) -> pa.Table:
    """Table `racks`."""
    stays = fleet.retired == STAYS
    embodied = [Decimal(str(round(kind.embodied_kg, 9))) for kind in RACK_TYPES]
    lives = pa.array([kind.life_months for kind in RACK_TYPES], type=pa.int32())
    kinds = pa.array(fleet.kind)
    return pa.table(
        {
            "rack_id": pa.array(fleet.ids),
            "cluster_id": texts([cluster.cluster_id for cluster in CLUSTERS], fleet.cluster),
            "rack_type": texts([kind.name for kind in RACK_TYPES], fleet.kind),
            "is_network": pa.array([kind.is_network for kind in RACK_TYPES]).take(kinds),
            "planned_power_kw": decimals(to_micro(fleet.planned_kw)),
            "capacity_units_per_day": decimals(to_micro(fleet.capacity)),
            "deployed_on": days(fleet.deployed),
            "retired_on": pa.array(fleet.retired.astype(np.int32), mask=stays).cast(pa.date32()),
            "embodied_kg": pa.array(embodied, type=pa.decimal128(18, 9)).take(kinds),
            "service_life_months": lives.take(kinds),
            "embodied_method": texts([kind.method for kind in RACK_TYPES], fleet.kind),
        }
    )


def _site_assets(cluster: Cluster, site: str, racks: int, launch: date) -> Iterator[dict[str, Any]]:
    """Give a site a building for a fifth more racks than it has, and equipment of a tenth of it: assumptions."""
    building = (_BUILDING_KG_PER_RACK * racks * Decimal("1.2")).quantize(Decimal("1e-9"))
    key = f"{cluster.cluster_id}{site}"
    # The first site names its life, the others rely on the default of 600 months.
    assets = [("building", "building", building, 600 if site == "a" else None),
              ("power-cooling", "equipment", building / 10, 180),
              ("generators", "equipment", building / 25, 240)]  # fmt: skip
    if cluster.cluster_id == MAIN_CLUSTER and site == "a":
        assets.append(("first-batteries", "equipment", building / 50, 96))  # past its life
    for name, kind, embodied, life in assets:
        yield {
            "asset_id": f"{key}-{name}", "cluster_id": cluster.cluster_id, "asset_kind": kind, "embodied_kg": embodied,
            "in_service_on": launch, "service_life_months": life,
        }  # fmt: skip


def facility_assets_table(fleet: Fleet, timeline: Timeline) -> pa.Table:
    """Table `facility_assets`: edge clusters stand in buildings of others and have equipment only."""
    rows: list[dict[str, Any]] = []
    for column, cluster in enumerate(CLUSTERS):
        racks = int((fleet.cluster == column).sum())
        for site in cluster.sites:
            assets = _site_assets(cluster, site, max(1, racks // len(cluster.sites)), launch_of(cluster, timeline))
            rows += [asset for asset in assets if not (cluster.is_edge and asset["asset_kind"] == "building")]
    return rows_to_table("facility_assets", rows)
