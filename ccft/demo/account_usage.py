"""Usage of accounts: who uses what, where, how much, and on which days.

An account keeps its services, clusters and size over time. In a month it appears in about four (service, cluster)
pairs; the use of each falls on one to three days (sampled: a row stands for several days), which makes about seven
rows per account and month, however many accounts there are. Sizes follow Zipf's law: rank r weighs 1/r.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ccft.demo.demand import Demand, Standing, home_shares, popularity
from ccft.demo.files import SCHEMAS, Bools, Floats, Ints, account_ids, days, decimals, texts, to_micro
from ccft.demo.fleet import launch_of
from ccft.demo.organisations import AFFILIATE, CHUNK, EXTERNAL, INTERNAL, Accounts
from ccft.demo.provider import CLUSTER_INDEX, CLUSTERS
from ccft.demo.services import FREE_PREVIEW, SERVICE_INDEX, SERVICES
from ccft.demo.streams import Stream, generator
from ccft.demo.timeline import Timeline, days_in
from ccft.periods import month_start

_SLOTS, _FEWEST = 6, 2
_LARGE_SHARE = 0.05  # the largest accounts use as many services as there are slots
_ABROAD, _ABSENT = 0.2, 0.08
_ROW_STEPS = (0.45, 0.8)  # chance of at most one, at most two rows
_NOISE = 0.3
_STANDING_ROWS = 2
_RANK_STEPS = (2_654_435_761, 2_147_483_647, 1_000_000_007)
_EULER = 0.5772156649015329
_COST_SHARE = 0.6  # internal cost over list price
_NO_REVENUE, _CREDITED = (101, 9), (23, 7)  # one customer in so many; which one
_CREDIT_FACTOR = -2.5  # of the month's revenue: the sum of the month is below zero
CREDIT = "credit"

_TYPE_PRICES = (1.0, 0.7, 0.4)
_USAGE_TYPES = (*(f"{s.service_id}:{kind}" for s in SERVICES for kind in s.usage_types), CREDIT)
_FIRST_TYPE = np.cumsum([0, *(len(service.usage_types) for service in SERVICES)])
_TYPE_COUNT = np.array([len(service.usage_types) for service in SERVICES])
_PRICES = np.array([service.price_usd for service in SERVICES])
_FOUNDATIONAL = np.array([service.is_foundational for service in SERVICES])


@dataclass(frozen=True)
class _Use:
    """Use of one service in one cluster by one account in one month; everything but units and rows by position."""

    account: Ints
    service: Ints
    cluster: Ints
    usage_type: Ints
    units: Floats
    rows: Ints


@dataclass(frozen=True)
class Subscriptions(_Use):
    """Use with its money, USD; NaN is not recorded."""

    revenue: Floats
    cost: Floats


@dataclass(frozen=True)
class Month:
    """What the writers of one month share."""

    period: str
    number: int
    timeline: Timeline
    accounts: Accounts
    demand: Demand
    seed: int


def _rank_step(count: int) -> int:
    return next(step for step in _RANK_STEPS if np.gcd(step, count) == 1)


def _sizes(place: Ints, count: int) -> tuple[Floats, Ints]:
    """Zipf weight with mean 1, and rank from 1, of ordinary accounts: a one-to-one scatter of places over ranks."""
    rank = place * (_rank_step(count) % count) % count + 1
    harmonic = np.log(count) + _EULER + 1 / (2 * count)
    return count / (harmonic * rank), rank


def _usage_type(service: Ints, chance: Floats) -> Ints:
    offset: Ints = (chance * _TYPE_COUNT[service]).astype(np.int64)
    offset += _FIRST_TYPE[service]
    return offset


def _repeated(code: Ints, present: Bools) -> Bools:
    """Slots whose (service, cluster) an earlier present slot of the same account has already."""
    again = np.zeros_like(present)
    for later in range(1, _SLOTS):
        for earlier in range(later):
            again[:, later] |= present[:, earlier] & (code[:, later] == code[:, earlier])
    return again


def _priced(month: Month, use: _Use) -> Subscriptions:
    """Add revenue at list price, or cost, as the account's type has it."""
    change = month.timeline.periods.index(month.timeline.payer_change)
    kind = month.accounts.kind_in(month.number, change, use.account)
    account, service, cluster = use.account, use.service, use.cluster
    factor = np.array(_TYPE_PRICES)[use.usage_type - _FIRST_TYPE[service]]
    revenue = use.units * _PRICES[service] * factor
    cost = np.where((kind == INTERNAL) & (account < month.accounts.first_enterprise), revenue * _COST_SHARE, np.nan)
    place = account - month.accounts.first_regular
    free = (service == SERVICE_INDEX[FREE_PREVIEW[0]]) & (cluster == CLUSTER_INDEX[FREE_PREVIEW[1]])
    unrecorded = free | ((kind == EXTERNAL) & (place % _NO_REVENUE[0] == _NO_REVENUE[1]) & (place >= 0))
    unrecorded |= ((kind == AFFILIATE) & (place % 2 == 0)) | (kind == INTERNAL)
    revenue_recorded = np.where(unrecorded, np.nan, revenue)
    # The last two corporate accounts: one has revenue instead of cost, one has neither.
    cost[(account == 3) | (account == 4)] = np.nan
    revenue_recorded[account == 3] = revenue[account == 3]
    # A preview without prices has customers only: a list price from elsewhere would otherwise give it a weight.
    keep = (use.units > 0) & ~(free & (kind != EXTERNAL))
    kept = {name: column[keep] for name, column in vars(use).items()}
    return Subscriptions(**kept, revenue=revenue_recorded[keep], cost=cost[keep])


def _ordinary(month: Month, chunk: int, start: int, stop: int) -> Subscriptions:
    """Subscriptions of the accounts `start` to `stop`."""
    first, count = month.accounts.first_regular, len(month.accounts) - month.accounts.first_regular
    size, rank = _sizes(np.arange(start, stop) - first, count)
    shape = (stop - start, _SLOTS)
    lasting = generator(month.seed, Stream.SUBSCRIPTIONS, chunk=chunk)
    slots = lasting.integers(_FEWEST, _SLOTS + 1, shape[0])
    slots[rank <= _LARGE_SHARE * count] = _SLOTS
    # The random numbers lie below 1, the last step of a cumulative chance may lie just below 1 too: clip.
    homes, tastes = np.cumsum(home_shares())[:-1], np.cumsum(popularity())[:-1]
    service = np.searchsorted(tastes, lasting.random(shape), side="right")
    home, second = (np.searchsorted(homes, lasting.random(shape[0]), side="right")[:, None] for _ in range(2))
    asked = np.where(lasting.random(shape) < _ABROAD, second, home)
    usage_type = _usage_type(service, lasting.random(shape))

    monthly = generator(month.seed, Stream.SUBSCRIPTION_MONTHS, month.period, chunk)
    noise = monthly.lognormal(-(_NOISE**2) / 2, _NOISE, shape)
    row_count = 1 + np.searchsorted(_ROW_STEPS, monthly.random(shape))
    present = (np.arange(_SLOTS) < slots[:, None]) & (monthly.random(shape) >= _ABSENT)
    present &= month.accounts.active(month.number, start, stop)[:, None]
    cluster = month.demand.resolve[service, asked].astype(np.int64)
    present &= cluster >= 0
    present &= ~_repeated(service * len(CLUSTERS) + cluster, present)
    account, slot = np.nonzero(present)
    units = (month.demand.mean_units[service, cluster] * size[:, None] * noise)[account, slot]
    return _priced(month, _Use(
        account + start, service[account, slot], cluster[account, slot], usage_type[account, slot], units,
        row_count[account, slot],
    ))  # fmt: skip


def _standing(month: Month, standing: Standing) -> Subscriptions:
    """Subscriptions of teams, corporate accounts and enterprises."""
    monthly = generator(month.seed, Stream.STANDING_MONTHS, month.period)
    noise = monthly.uniform(0.9, 1.1, len(standing.account))
    units = month.demand.total[standing.service, standing.cluster] * standing.share * noise
    rows = np.full(len(units), _STANDING_ROWS)
    usage_type = _FIRST_TYPE[standing.service]
    return _priced(month, _Use(standing.account, standing.service, standing.cluster, usage_type, units, rows))


def _credits(month: Month, subs: Subscriptions) -> Ints:
    """Subscriptions that are cancelled in the month of credits: non-foundational services of some customers."""
    if month.period != month.timeline.credits:
        return np.zeros(0, dtype=np.int64)
    place = subs.account - month.accounts.first_regular - month.accounts.affiliates
    cancelled = (place >= 0) & (place % _CREDITED[0] == _CREDITED[1]) & ~_FOUNDATIONAL[subs.service]
    return np.nonzero(cancelled & ~np.isnan(subs.revenue))[0]


def _table(month: Month, subs: Subscriptions, chance: Floats) -> pa.Table:
    """Daily rows: each subscription in equal parts on one to three days, from the cluster's launch day on."""
    launches = np.array([(launch_of(c, month.timeline) - month_start(month.period)).days for c in CLUSTERS])
    earliest = np.maximum(launches, 0)[subs.cluster]
    span = days_in(month.period) - earliest
    of = np.repeat(np.arange(len(subs.account)), subs.rows)
    turn = np.arange(len(of)) - np.repeat(np.cumsum(subs.rows) - subs.rows, subs.rows)
    offset = ((chance * span).astype(np.int64)[of] + turn * (span[of] // 3)) % span[of]
    day, usage_type = earliest[of] + offset, subs.usage_type[of]
    units, revenue, cost = (amount[of] / subs.rows[of] for amount in (subs.units, subs.revenue, subs.cost))
    credited = _credits(month, subs)
    if len(credited):
        of, day = np.concatenate([of, credited]), np.concatenate([day, earliest[credited]])
        usage_type = np.concatenate([usage_type, np.full(len(credited), len(_USAGE_TYPES) - 1)])
        units = np.concatenate([units, np.zeros(len(credited))])
        revenue = np.concatenate([revenue, subs.revenue[credited] * _CREDIT_FACTOR])
        cost = np.concatenate([cost, np.full(len(credited), np.nan)])
    low = int(subs.account.min()) if len(subs.account) else 0
    known = account_ids(month.accounts.number[low : int(subs.account.max(initial=low)) + 1])
    micro_units = np.where(units > 0, np.maximum(to_micro(units), 1), 0)
    start = np.datetime64(month_start(month.period), "D").astype(np.int64)
    columns = [
        days(start + day),
        known.take(pa.array(subs.account[of] - low)),
        texts([cluster.cluster_id for cluster in CLUSTERS], subs.cluster[of]),
        texts([service.service_id for service in SERVICES], subs.service[of]),
        texts(_USAGE_TYPES, usage_type),
        decimals(micro_units),
        decimals(to_micro(np.nan_to_num(revenue)), ~np.isnan(revenue)),
        decimals(to_micro(np.nan_to_num(cost)), ~np.isnan(cost)),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMAS["account_usage"])


def account_usage(month: Month, standing: Standing) -> Iterator[pa.Table]:
    """Table `account_usage` of one month, in pieces of bounded size."""
    subs = _standing(month, standing)
    yield _table(month, subs, generator(month.seed, Stream.STANDING_DAYS, month.period).random(len(subs.account)))
    first = month.accounts.first_regular
    for chunk, start in enumerate(range(first, len(month.accounts), CHUNK)):
        subs = _ordinary(month, chunk, start, min(start + CHUNK, len(month.accounts)))
        chance = generator(month.seed, Stream.SUBSCRIPTION_DAYS, month.period, chunk).random(len(subs.account))
        yield _table(month, subs, chance)
