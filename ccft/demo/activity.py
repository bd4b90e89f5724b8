"""Activity data: electricity, generator fuel, natural gas for heating, leaked refrigerants.

Generator fuel begins with January two calendar years before the first period (or the launch), because the growth
estimate of v1.0 and v2.0 compares calendar years. Everything else begins with the first period.
"""

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from ccft.demo.files import MICRO, Floats, rows_to_table
from ccft.demo.fleet import Fleet, launch_of
from ccft.demo.provider import (
    CLUSTERS,
    FUEL_GAP_CLUSTER,
    GAS_ENGINE_CLUSTER,
    OUTAGE_CLUSTER,
    YOUNG_CLUSTER,
    ZERO_FUEL_CLUSTER,
    Cluster,
)
from ccft.demo.streams import Stream, generator
from ccft.demo.timeline import Timeline
from ccft.periods import month_end, period_range

# Test runs of emergency generators, all assumptions: one hour a month (two in March and September) at 30 % of planned
# power, 0.27 litre per kWh; engines on gas 0.3 m3 per kWh; fuel grows 4 % a year with the sites.
_TEST_LOAD, _LITRE_PER_KWH, _M3_PER_KWH, _GAS_ENGINE_SHARE = 0.3, 0.27, 0.3, 0.35
_LONG_TEST_MONTHS, _HISTORY_YEARS, _GROWTH = (3, 9), 2, 1.04
_OUTAGE_FACTOR = 14.0
_ZERO_MONTH = 7
# Heating of offices and battery rooms, m3 per MWh of load: assumption.
_HEATING_M3_PER_MWH = {"va-1": 0.4, "ie-1": 0.7, "de-1": 0.9, "fr-1": 0.5}
_HEATING_MONTHS = (10, 11, 12, 1, 2, 3, 4)
# Charge of 0.3 kg per planned kW, 2 % leaks a year, found in the service visits of each quarter: assumption.
_CHARGE_KG_PER_KW, _LEAK_PER_QUARTER, _SERVICE_MONTHS = 0.3, 0.005, (1, 4, 7, 10)
_REFRIGERANT = {"va-1": "R-134a", "or-1": "R-134a", "ie-1": "R-134a", "de-1": "R-410A", "fr-1": "R-134a",
                "in-1": "R-410A", "jp-1": "R-410A"}  # fmt: skip
_SITE_SHARES = {1: (1.0,), 2: (0.6, 0.4), 3: (0.5, 0.3, 0.2)}


def _quantity(value: float) -> Decimal:
    return Decimal(round(value * MICRO)).scaleb(-6)


def _row(period: str, cluster: Cluster, site: int, activity: str, value: float, *, unit: str, evidence: str,
         substance: str | None = None) -> dict[str, Any]:  # fmt: skip
    """Row of one site: its share of the cluster's quantity `value`."""
    share = _SITE_SHARES[len(cluster.sites)][site]
    return {
        "period": period, "site_id": f"{cluster.cluster_id}{cluster.sites[site]}", "cluster_id": cluster.cluster_id,
        "activity": activity, "substance": substance, "quantity": _quantity(value * share), "unit": unit,
        "evidence": evidence,
    }  # fmt: skip


def _launched(cluster: Cluster, period: str, timeline: Timeline) -> bool:
    return launch_of(cluster, timeline) < month_end(period)


def installed_kw(fleet: Fleet) -> Floats:
    """Planned power of all racks per cluster, kW; the size that tests, heating and cooling follow."""
    kw: Floats = np.zeros(len(CLUSTERS))
    np.add.at(kw, fleet.cluster, fleet.planned_kw)
    return kw


def _load_evidence(cluster: Cluster, site: int, period: str, timeline: Timeline) -> str:
    """Own sites are metered, rented ones invoiced; bills of the last month are still out in the youngest places."""
    if period == timeline.last and cluster.cluster_id == YOUNG_CLUSTER:
        return "forecast"
    if period == timeline.last and cluster.cluster_id == "in-1" and site:
        return "estimated"
    return "invoiced" if cluster.is_edge or site == 2 else "metered"


def _electricity(period: str, load_mwh: Floats, timeline: Timeline) -> Iterator[dict[str, Any]]:
    for column, cluster in enumerate(CLUSTERS):
        if not _launched(cluster, period, timeline):
            continue
        for site in range(len(cluster.sites)):
            evidence = _load_evidence(cluster, site, period, timeline)
            yield _row(period, cluster, site, "electricity", float(load_mwh[column]), unit="MWh", evidence=evidence)


def _test_kwh(cluster: Cluster, kw: float, period: str, timeline: Timeline, noise: float) -> float:
    """Energy that the generators of a cluster made in a month, kWh."""
    month, years_back = int(period[5:]), int(timeline.last[:4]) - int(period[:4])
    hours = 2.0 if month in _LONG_TEST_MONTHS else 1.0
    if cluster.cluster_id == ZERO_FUEL_CLUSTER and month == _ZERO_MONTH:
        hours = 0.0
    if cluster.cluster_id == OUTAGE_CLUSTER and period == timeline.outage:
        hours *= _OUTAGE_FACTOR
    return kw * cluster.pue * _TEST_LOAD * hours * noise / _GROWTH**years_back


def _generator_fuel(period: str, kw: Floats, timeline: Timeline, seed: int) -> Iterator[dict[str, Any]]:
    noise = generator(seed, Stream.FUEL, period).uniform(0.85, 1.15, len(CLUSTERS))
    for column, cluster in enumerate(CLUSTERS):
        late = cluster.cluster_id == FUEL_GAP_CLUSTER and period in timeline.fuel_gap
        if late or not _launched(cluster, period, timeline):
            continue
        kwh = _test_kwh(cluster, float(kw[column]), period, timeline, float(noise[column]))
        gas = _GAS_ENGINE_SHARE if cluster.cluster_id == GAS_ENGINE_CLUSTER else 0.0
        evidence = "invoiced" if cluster.is_edge else "metered"
        for site in range(len(cluster.sites)):
            litres = kwh * (1 - gas) * _LITRE_PER_KWH
            row = partial(_row, period, cluster, site, "generator_fuel", evidence=evidence)
            yield row(litres, unit="litre", substance="diesel")
            if gas:
                cubic = kwh * gas * _M3_PER_KWH
                yield row(cubic, unit="m3", substance="natural_gas")


def _heating_and_cooling(period: str, kw: Floats, load_mwh: Floats, timeline: Timeline) -> Iterator[dict[str, Any]]:
    month = int(period[5:])
    for column, cluster in enumerate(CLUSTERS):
        name = cluster.cluster_id
        if not _launched(cluster, period, timeline):
            continue
        if name in _HEATING_M3_PER_MWH and month in _HEATING_MONTHS:
            cubic = float(load_mwh[column]) * _HEATING_M3_PER_MWH[name]
            yield _row(period, cluster, 0, "natural_gas", cubic, unit="m3", evidence="invoiced",
                       substance="natural_gas")  # fmt: skip
        if name in _REFRIGERANT and month in _SERVICE_MONTHS:
            leaked = float(kw[column]) * _CHARGE_KG_PER_KW * _LEAK_PER_QUARTER
            yield _row(period, cluster, 0, "refrigerant", leaked, unit="kg", evidence="metered",
                       substance=_REFRIGERANT[name])  # fmt: skip


def activity_table(fleet: Fleet, loads: dict[str, Floats], timeline: Timeline, seed: int) -> pa.Table:
    """Table `activity`.

    Parameters
    ----------
    loads
        Electricity per cluster, MWh, of each period with usage.
    """
    kw = installed_kw(fleet)
    start = f"{int(timeline.first[:4]) - _HISTORY_YEARS}-01"
    rows: list[dict[str, Any]] = []
    for period in period_range(start, timeline.last):
        if period in loads:
            rows += _electricity(period, loads[period], timeline)
            rows += _heating_and_cooling(period, kw, loads[period], timeline)
        rows += _generator_fuel(period, kw, timeline, seed)
    return rows_to_table("activity", rows)
