"""Weight per token of a service's own deployments: how its customers bear them (docs/ai.md, "What is split").

A serving deployment weighs `W x (the account's tokens on it / all customers' tokens on it)`, a development deployment
`W x (the account's tokens on the service / all customers')`: the quotient `W / all customers' tokens` is formed here, exactly, and rounded to a
double once. Emissions of clusters without customers come as residual of the pools elsewhere, and go to the development deployments there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from ccft.ai.drivers import Month
from ccft.ai.shares import KINDS, RESIDUALS, weights

Service = tuple[str, str]
"""cluster_id, service_id: one pool."""
_NO_MODELS: Final[Mapping[str, Fraction]] = {}


@dataclass(frozen=True)
class Customers:
    """Tokens of a pool's customers: on each of its deployments, and in all."""

    by_deployment: Mapping[str, Fraction]
    total: Fraction


@dataclass(frozen=True)
class Rate:
    """A row of `split.RATE_SCHEMA`."""

    cluster_id: str
    service_id: str
    kind: str
    deployment_id: str
    stage: str
    model_id: str
    release_id: str | None
    tier: int
    band: float
    is_own: bool
    rate: float


def away(months: Iterable[Month], pools: Iterable[Service]) -> dict[str, list[Month]]:
    """Per service, its development deployments in clusters where it has no customers."""
    with_customers = set(pools)
    found: dict[str, list[Month]] = {}
    for month in months:
        own = month.deployment
        if own.is_team_run and own.is_development and (own.cluster_id, own.service_id) not in with_customers:
            found.setdefault(own.service_id, []).append(month)
    return found


def rates(
    months: Iterable[Month],
    customers: Mapping[Service, Customers],
    elsewhere: Mapping[str, list[Month]],
    bands: tuple[float, ...],
) -> list[Rate]:
    """Rates of all pools with customers who made tokens.

    Parameters
    ----------
    months
        Work of all deployments.
    customers
        Tokens per pool; pools without tokens are not in it.
    elsewhere
        What `away` found.
    bands
        Half width of the band per tier.
    """
    found: list[Rate] = []
    for month in months:
        own = month.deployment
        pool = own.cluster_id, own.service_id
        if not own.is_team_run or pool not in customers:
            continue
        kinds = [kind for kind in KINDS if kind not in RESIDUALS or own.service_id not in elsewhere]
        tokens = customers[pool].total if own.is_development else customers[pool].by_deployment.get(own.deployment_id)
        found += _rates(month, pool, kinds, tokens or Fraction(0), bands)
    for (cluster, service), tokens_of in sorted(customers.items()):
        for month in elsewhere.get(service, []):
            found += _rates(month, (cluster, service), RESIDUALS, tokens_of.total, bands)
    return found


def _rates(month: Month, pool: Service, kinds: Iterable[str], tokens: Fraction, bands: tuple[float, ...]) -> list[Rate]:
    if not tokens:
        return []
    own = month.deployment
    lines = weights(month, tuple(kinds), _NO_MODELS, {own.model_id: own.release_id})
    return [
        Rate(
            *pool,
            line.kind,
            line.deployment_id,
            line.stage,
            line.model_id,
            line.release_id,
            line.tier,
            bands[line.tier - 1],
            not own.is_development,
            float(line.weight / tokens),
        )
        for line in lines
    ]
