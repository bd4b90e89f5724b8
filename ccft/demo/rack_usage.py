"""Daily use of racks, and the electricity that follows from it.

Mature racks run at 40 to 70 % of capacity; a rack's first twelve months lead from a fifth of that to all of it.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ccft.demo.files import Bools, Floats, Ints, days, decimals, texts, to_micro
from ccft.demo.fleet import Fleet
from ccft.demo.provider import CLUSTER_INDEX, CLUSTERS, OVERUSED, RACK_TYPE_INDEX, RACK_TYPES
from ccft.demo.services import SERVICE_INDEX, SERVICES
from ccft.demo.streams import Stream, generator
from ccft.demo.timeline import Timeline
from ccft.periods import month_start

_LOWEST, _HIGHEST = 0.45, 0.62  # of capacity, per cluster and rack type, before rack and day
_RAMP_DAYS, _RAMP_START = 365, 0.2
_WEEKEND = 0.93
_OVERUSE = 1.06
_NETWORK_LOAD = 0.9
_IDLE_LOAD, _LOAD_SLOPE = 0.55, 0.45  # power over planned power: assumption, linear in utilisation
_HOURS, _KWH_PER_MWH = 24.0, 1000.0


@dataclass(frozen=True)
class RackMonth:
    """Use of a month: the table, its sums [service, cluster], and electricity per cluster (MWh, overhead included)."""

    table: pa.Table
    used: Floats
    load_mwh: Floats


def _share_matrix() -> Floats:
    """Share of each service in the use of a rack: [rack type, service]."""
    shares = np.zeros((len(RACK_TYPES), len(SERVICES)))
    for row, kind in enumerate(RACK_TYPES):
        for name, share in kind.services.items():
            shares[row, SERVICE_INDEX[name]] = share
    return shares


def _idle(fleet: Fleet) -> Bools:
    """Racks that nobody uses: networking, and types idle in their cluster."""
    idle = np.zeros((len(CLUSTERS), len(RACK_TYPES)), dtype=np.bool_)
    idle[:, [kind.is_network for kind in RACK_TYPES]] = True
    for row, cluster in enumerate(CLUSTERS):
        idle[row, [RACK_TYPE_INDEX[name] for name in cluster.idle]] = True
    return idle[fleet.cluster, fleet.kind]


def _utilisation(fleet: Fleet, period: str, timeline: Timeline, seed: int, month: Ints) -> Floats:
    """Draw used over capacity, [rack, day]: lasting traits of pools and racks, age, weekday, noise."""
    lasting = generator(seed, Stream.RACKS)
    pools = lasting.uniform(_LOWEST, _HIGHEST, (len(CLUSTERS), len(RACK_TYPES)))[fleet.cluster, fleet.kind]
    racks = lasting.uniform(0.94, 1.06, len(fleet.cluster))
    age = np.clip((month - fleet.deployed[:, None]) / _RAMP_DAYS, 0.0, 1.0)
    weekend = np.where((month + 3) % 7 >= 5, _WEEKEND, 1.0)  # 1970-01-01 was a Thursday
    noise = generator(seed, Stream.RACK_DAYS, period).uniform(0.96, 1.04, age.shape)
    level: Floats = (pools * racks)[:, None] * (_RAMP_START + (1 - _RAMP_START) * age) * weekend * noise
    if period == timeline.overuse:
        cluster, kind = OVERUSED
        over = (fleet.cluster == CLUSTER_INDEX[cluster]) & (fleet.kind == RACK_TYPE_INDEX[kind])
        level[over] = _OVERUSE * noise[over]
    level[_idle(fleet)] = 0.0
    return np.asarray(level, dtype=np.float64)


def _load_mwh(fleet: Fleet, level: Floats, active: Bools) -> Floats:
    """Electricity per cluster: planned power x hours x load x PUE."""
    network = np.array([kind.is_network for kind in RACK_TYPES])[fleet.kind]
    load = np.where(network[:, None], _NETWORK_LOAD, _IDLE_LOAD + _LOAD_SLOPE * np.minimum(level, 1.0))
    kwh = ((load * active).sum(axis=1) * fleet.planned_kw) * _HOURS
    mwh: Floats = np.zeros(len(CLUSTERS))
    np.add.at(mwh, fleet.cluster, kwh / _KWH_PER_MWH)
    mwh *= np.array([cluster.pue for cluster in CLUSTERS])
    return mwh


def rack_month(fleet: Fleet, period: str, timeline: Timeline, seed: int) -> RackMonth:
    """Use of every rack on every day it is in service.

    Examples
    --------
    A `VM.R5` rack serves two services, hence two rows a day:

    ==========  ================  =======  ============
    usage_date  rack_id           service  used_units
    ==========  ================  =======  ============
    2025-06-01  va-1-vm-r5-001    vm       26,802.1
    2025-06-01  va-1-vm-r5-001    cache    14,431.9
    ==========  ================  =======  ============
    """
    active = fleet.active_days(period)
    month = np.arange(active.shape[1]) + np.datetime64(month_start(period), "D").astype(np.int64)
    level = _utilisation(fleet, period, timeline, seed, month)
    shares = _share_matrix()
    rack, day = np.nonzero(active & (level > 0))
    units = level[rack, day] * fleet.capacity[rack]
    parts: list[tuple[Ints, Ints, Ints, Floats]] = []
    for service in np.nonzero(shares.any(axis=0))[0]:
        part = shares[fleet.kind[rack], service]
        rows = np.nonzero(part)[0]
        parts.append((rack[rows], day[rows], np.full(len(rows), service), units[rows] * part[rows]))
    racks, day_index, service_index, used = (np.concatenate(column) for column in zip(*parts, strict=True))
    pool = service_index * len(CLUSTERS) + fleet.cluster[racks]
    sums: Floats = np.zeros(len(SERVICES) * len(CLUSTERS))
    np.add.at(sums, pool, used)
    table = pa.table(
        {
            "usage_date": days(month[day_index]),
            "rack_id": texts(fleet.ids, racks),
            "service_id": texts([service.service_id for service in SERVICES], service_index),
            "used_units": decimals(to_micro(used)),
        }
    )
    return RackMonth(table, sums.reshape(len(SERVICES), len(CLUSTERS)), _load_mwh(fleet, level, active))
