"""Weights of accounts, and services to accounts (methodology, section 3, step 3)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tests.oracle.exact import ZERO, exact, half_up, period_of, split, total
from tests.oracle.model import (
    PROVIDER,
    RETAINED,
    SHARED,
    UNUSED,
    AccountRow,
    Result,
    Row,
    Tables,
    accounts_of,
    clusters_of,
    services_of,
)

Pool = tuple[str, str]


@dataclass
class Entry:
    """An account's month in one pool (section 3, step 3)."""

    account: Row
    units: Fraction = ZERO
    revenue: Fraction | None = None
    cost: Fraction | None = None
    weight: Fraction = ZERO
    basis: str = "usage"

    @property
    def is_external(self) -> bool:
        """Whether the account is a customer outside the provider (section 1)."""
        return bool(self.account["account_type"] == "external")

    @property
    def is_internal(self) -> bool:
        """Whether the account belongs to a team that runs services (section 1)."""
        return bool(self.account["account_type"] == "internal")


def plus(amount: Fraction | None, value: Decimal | None) -> Fraction | None:
    """Add a recorded value; null in every row stays null (section 3, step 3)."""
    return amount if value is None else (amount or ZERO) + Fraction(value)


class Pools:
    """All (cluster, service) pools of a period and the weights in them (section 3, step 3)."""

    def __init__(self, result: Result, tables: Tables, period: str) -> None:
        """Sum the month, then weigh every account (section 3, step 3)."""
        self.result, self.policy = result, result.policy
        self.services, self.clusters = services_of(tables), clusters_of(tables)
        self.entries: dict[Pool, dict[str, Entry]] = defaultdict(dict)
        self._read(tables, period)
        self._price_parts = self._prices()
        for pool, entries in self.entries.items():
            self._weigh(pool, list(entries.values()))

    def _read(self, tables: Tables, period: str) -> None:
        """Monthly sums per account and pool (section 3, step 3)."""
        accounts = accounts_of(tables, period)
        for row in tables["account_usage"]:
            if period_of(row["usage_date"]) != period:
                continue
            pool, account = (row["cluster_id"], row["service_id"]), row["account_id"]
            entry = self.entries[pool].setdefault(account, Entry(accounts[account]))
            entry.units += exact(row["usage_units"])
            entry.revenue = plus(entry.revenue, row["equivalent_revenue_usd"])
            entry.cost = plus(entry.cost, row["allocated_cost_usd"])

    def team(self, entry: Entry) -> str | None:
        """Service whose team owns the account, where the version solves the graph (section 3, step 2c)."""
        return entry.account["owner_service_id"] if self.policy.solves_graph and entry.is_internal else None

    def customer_weight(self, pool: Pool) -> Fraction:
        """Weight of the accounts that are not a team's (section 3, steps 2c and 3)."""
        entries = self.entries.get(pool, {}).values()
        return total(entry.weight for entry in entries if self.team(entry) is None)

    def _prices(self) -> dict[Pool | str, tuple[Fraction, Fraction]]:
        """Revenue and units of external accounts with revenue, per pool and worldwide (section 3, step 3)."""
        parts: dict[Pool | str, tuple[Fraction, Fraction]] = {}
        for pool, entries in self.entries.items():
            for entry in entries.values():
                if entry.is_external and entry.revenue is not None:
                    for key in (pool, pool[1]):
                        revenue, units = parts.get(key, (ZERO, ZERO))
                        parts[key] = revenue + max(entry.revenue, ZERO), units + entry.units
        return parts

    def list_price(self, pool: Pool) -> Fraction:
        """List price in the pool, else worldwide, 12 decimals; zero is none (section 3, step 3)."""
        for key in (pool, pool[1]):
            revenue, units = self._price_parts.get(key, (ZERO, ZERO))
            price = half_up(revenue / units, 12) if units else ZERO
            if price:
                return price
        return ZERO

    def _weigh(self, pool: Pool, entries: list[Entry]) -> None:
        """Weight and basis of every account of a pool (the table of section 3, step 3)."""
        if self.services[pool[1]]["is_foundational"]:
            for entry in entries:
                entry.weight, entry.basis = half_up(entry.units, 6), "usage"
            return
        for entry in entries:
            weight, entry.basis = self._revenue_weight(pool, entry)
            entry.weight = half_up(weight, 6)
        if not total(entry.weight for entry in entries) and total(entry.units for entry in entries):
            self.result.events.add(("usage-instead-of-revenue", *pool))
            for entry in entries:
                entry.weight, entry.basis = half_up(entry.units, 6), "usage"

    def _revenue_weight(self, pool: Pool, entry: Entry) -> tuple[Fraction, str]:
        """Weight in the pool of a non-foundational service, in the table's order (section 3, step 3)."""
        if entry.is_internal and self.policy.internal_use == "zero":
            return ZERO, "revenue"
        if entry.is_internal and self.policy.internal_use == "cost" and entry.cost is not None:
            return self._positive(pool, entry.cost), "cost"
        if entry.revenue is not None:
            return self._positive(pool, entry.revenue), "revenue"
        if entry.is_external:
            self.result.events.add(("no-revenue", *pool))
            return ZERO, "revenue"
        price = self.list_price(pool)
        if not price:
            self.result.events.add(("no-list-price", *pool))
        return entry.units * price, "list_price"

    def _positive(self, pool: Pool, value: Fraction) -> Fraction:
        """A negative sum counts as zero (section 3, step 3)."""
        if value < 0:
            self.result.events.add(("negative-sum", *pool))
        return max(value, ZERO)

    def write_rows(self) -> None:
        """Spread the net of every pool over its customers; the provider keeps the rest (steps 3 and 4)."""
        net: dict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
        for (cluster, service, measure, _), row in self.result.services.items():
            net[cluster, service, measure] += row.net
        for pool, entries in self.entries.items():
            self._write_pool(pool, {name: e for name, e in entries.items() if self.team(e) is None})
        for (cluster, service, measure), mass in net.items():
            if service in (UNUSED, SHARED):
                self._provider_row(cluster, service).mass[measure] += mass
            elif mass:
                self._spread((cluster, service), measure, mass)

    def _write_pool(self, pool: Pool, entries: dict[str, Entry]) -> None:
        """An empty row per customer account of a pool (section 3, step 3)."""
        product = self.services[pool[1]]["product_code"]
        cluster = self.clusters[pool[0]]
        for name, entry in entries.items():
            account = entry.account
            self.result.accounts[*pool, name] = AccountRow(
                entry.weight, entry.basis, account["payer_account_id"], account["account_type"],
                product, cluster["region_code"], cluster["location"])  # fmt: skip

    def _provider_row(self, cluster: str, service: str) -> AccountRow:
        """The provider's own row (section 4, policies)."""
        assert service in RETAINED.values()
        place = self.clusters[cluster]
        row = AccountRow(None, "retained", PROVIDER, "internal", service, place["region_code"], place["location"])
        return self.result.accounts.setdefault((cluster, service, PROVIDER), row)

    def _spread(self, pool: Pool, measure: str, mass: Fraction) -> None:
        """One pool's net emissions of a measure by weight (equations 40 to 44)."""
        customers = {name: e.weight for name, e in self.entries[pool].items() if self.team(e) is None}
        for name, part in split(mass, customers).items():
            self.result.accounts[*pool, name].mass[measure] += part
