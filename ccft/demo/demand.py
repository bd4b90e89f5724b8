"""How much of each service is asked for in each cluster in a month, and by which standing users.

Foundational services: what the racks served. Others: typical units x expected customers. The provider's teams take
the internal share of a pool (all of it where nothing is sold), enterprises 4 % each, other accounts the rest.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ccft.demo.files import Floats, Ints
from ccft.demo.fleet import fleet_scale, launch_of
from ccft.demo.organisations import CORPORATE, ENTERPRISES, Accounts
from ccft.demo.provider import CLUSTER_INDEX, CLUSTERS, MAIN_CLUSTER
from ccft.demo.services import SERVICE_INDEX, SERVICES, services_in_clusters, team_edges
from ccft.demo.timeline import Timeline
from ccft.periods import month_end

MEAN_SUBSCRIPTIONS = 3.9  # per active account and month, absences included
_ENTERPRISE_SHARE, _ENTERPRISES_PER_POOL = 0.04, 3
_CORPORATE_SHARE = 0.005
_CORPORATE_CLUSTERS = ("va-1", "ie-1")
_CORPORATE_SERVICES = ("vm", "objectstore", "database", "mail", "dashboards", "desktop", "mlstudio", "inference")
_ENGINEERING_SHARE = 0.15  # of a team's use in the main cluster: its engineers
_TYPICAL_AT, _SMALLEST_CUSTOMER = 20_000, 0.02
_UNSOLD_CUSTOMERS = 20.0  # size of a pool that is only used inside


@dataclass(frozen=True)
class Demand:
    """Pools of one month: [service, cluster].

    Attributes
    ----------
    resolve
        Cluster that serves a customer who asks for a service in a cluster; -1 where nobody can.
    total
        Units asked for.
    mean_units
        Mean units of one ordinary subscription.
    """

    resolve: npt.NDArray[np.int16]
    total: Floats
    mean_units: Floats


@dataclass(frozen=True)
class Standing:
    """Users that are there every month: teams, corporate accounts, enterprises; `share` is of the pool's total."""

    account: Ints
    service: Ints
    cluster: Ints
    share: Floats


def popularity() -> Floats:
    """Chance that one subscription is to a service."""
    total = sum(service.popularity for service in SERVICES)
    return np.array([service.popularity / total for service in SERVICES])


def home_shares() -> Floats:
    """Chance that an account is at home in a cluster."""
    total = sum(cluster.home_share for cluster in CLUSTERS)
    return np.array([cluster.home_share / total for cluster in CLUSTERS])


def _resolve(period: str, timeline: Timeline) -> npt.NDArray[np.int16]:
    """Find the serving cluster for [service, cluster asked]: itself, its edge, its neighbour, the main cluster."""
    _, sold = services_in_clusters()
    launched = np.array([launch_of(cluster, timeline) < month_end(period) for cluster in CLUSTERS])
    sold = sold & launched
    resolve = np.full(sold.shape, -1, dtype=np.int16)
    for column, cluster in enumerate(CLUSTERS):
        for choice in (cluster.cluster_id, cluster.edge, cluster.neighbour, MAIN_CLUSTER):
            served = CLUSTER_INDEX[choice]
            resolve[(resolve[:, column] < 0) & sold[:, served], column] = served
    return resolve


def _expected_subscriptions(resolve: npt.NDArray[np.int16], active: int) -> Floats:
    """Count expected ordinary subscriptions: [service, cluster]."""
    expected = np.zeros(resolve.shape)
    for column, share in enumerate(home_shares()):
        known = np.nonzero(resolve[:, column] >= 0)[0]
        np.add.at(expected, (known, resolve[known, column]), share * popularity()[known])
    return expected * active * MEAN_SUBSCRIPTIONS


def customer_size(accounts: int) -> float:
    """Size of a mean customer relative to 20,000 accounts: racks grow slower than accounts, customers get smaller."""
    return max(fleet_scale(accounts) * _TYPICAL_AT / accounts, _SMALLEST_CUSTOMER)


def demand_of(period: str, timeline: Timeline, used: Floats, accounts: int, active: int) -> Demand:
    """Demand of a month.

    Parameters
    ----------
    used
        Units that racks served: [service, cluster].
    accounts
        All accounts of the world.
    active
        Ordinary accounts valid in the month.
    """
    runs, sold = services_in_clusters()
    resolve = _resolve(period, timeline)
    expected = _expected_subscriptions(resolve, active)
    internal = np.array([service.internal_share for service in SERVICES])[:, None]
    open_pools = sold & (expected > 0)
    total = used.copy()
    for row, service in enumerate(SERVICES):
        if service.typical_units is not None:
            customers = np.where(open_pools[row], np.maximum(expected[row], 1.0), _UNSOLD_CUSTOMERS * runs[row])
            total[row] = service.typical_units * customer_size(accounts) * customers / (1 - service.internal_share)
    young = [launch_of(cluster, timeline) >= month_end(period) for cluster in CLUSTERS]
    total[:, young] = 0.0
    ordinary = 1 - internal - _ENTERPRISE_SHARE * _ENTERPRISES_PER_POOL
    mean = np.divide(total * ordinary, expected, out=np.zeros_like(total), where=open_pools)
    return Demand(resolve, total, mean)


def _teams(accounts: Accounts) -> list[tuple[int, int, int, float]]:
    """Service teams: (account, service, cluster, share), production and engineers."""
    _, sold = services_in_clusters()
    production: dict[int, int] = {}
    engineering: dict[int, int] = {}
    for position in range(accounts.first_enterprise):
        owner = int(accounts.owner[position])
        if owner >= 0:
            (engineering if owner in production else production)[owner] = position
    rows = []
    for cluster, provider, consumer, share in team_edges():
        part = share * (SERVICES[provider].internal_share if sold[provider, cluster] else 1.0)
        engineers = engineering.get(consumer) if cluster == CLUSTER_INDEX[MAIN_CLUSTER] else None
        if engineers is not None:
            rows.append((engineers, provider, cluster, part * _ENGINEERING_SHARE))
            part *= 1 - _ENGINEERING_SHARE
        rows.append((production[consumer], provider, cluster, part))
    return rows


def standing_users(accounts: Accounts) -> Standing:
    """Everyone whose use is fixed rather than drawn. Three enterprises use each pool, so that no pool is empty."""
    _, sold = services_in_clusters()
    rows = _teams(accounts)
    for corporate in range(1, 1 + CORPORATE):
        rows += [(corporate, SERVICE_INDEX[service], CLUSTER_INDEX[cluster], _CORPORATE_SHARE)
                 for service in _CORPORATE_SERVICES for cluster in _CORPORATE_CLUSTERS]  # fmt: skip
    for number, (service, cluster) in enumerate(np.argwhere(sold)):
        rows += [(accounts.first_enterprise + (_ENTERPRISES_PER_POOL * number + turn) % ENTERPRISES, int(service),
                  int(cluster), _ENTERPRISE_SHARE) for turn in range(_ENTERPRISES_PER_POOL)]  # fmt: skip
    account, service_index, cluster_index, share = zip(*rows, strict=True)
    return Standing(np.array(account), np.array(service_index), np.array(cluster_index), np.array(share))
