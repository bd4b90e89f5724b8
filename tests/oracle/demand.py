"""Services, accounts and their usage in a random world (contract, section 1)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.oracle.draft import Draft
from tests.oracle.exact import shift
from tests.oracle.supply import launched

MODES = ("open", "open", "open", "teams", "customers", "nobody")
DENSITIES = (0.15, 0.5, 0.9)
REVENUES = ("normal", "normal", "normal", "normal", "null", "zero", "negative", "mixed")


def add_services(draft: Draft) -> None:
    """Two to seven services, at least one of them foundational."""
    for number in range(draft.rng.randint(2, 7)):
        foundational = number == 0 or draft.rng.random() < 0.5
        name = draft.name(f"s{number}")
        draft.add(
            "services", service_id=name, product_code=f"Product-{name}", service_name=f"Service {number}",
            is_foundational=foundational, usage_unit="GB-month" if foundational else "request",
        )  # fmt: skip


def add_accounts(draft: Draft) -> None:
    """Three to twelve accounts of all types, team accounts among them, some with a past of another type."""
    rng, services = draft.rng, [row["service_id"] for row in draft.tables["services"]]
    payers: list[str] = []
    for number in range(1, rng.randint(3, 12) + 1):
        kind = "external" if number == 1 else rng.choice(("external", "external", "affiliate", "internal", "internal"))
        name = draft.account_id(number)
        owner = rng.choice(services) if kind == "internal" and draft.chance(0.75, "team") else None
        payer = rng.choice(payers) if payers and rng.random() < 0.4 else name
        payers += [name] if payer == name else []
        first = shift(draft.period, -rng.randint(0, 5)) if payer != name else shift(draft.period, -8)
        last = rng.choice((None, draft.period, shift(draft.period, 2))) if payer != name else None
        draft.add(
            "accounts", account_id=name, valid_from=first, valid_to=last, payer_account_id=payer, account_type=kind,
            owner_service_id=owner,
        )  # fmt: skip
        if draft.chance(0.1, "changed-account"):
            draft.add(
                "accounts", account_id=name, valid_from=shift(draft.period, -20), valid_to=shift(draft.period, -10),
                payer_account_id=name, account_type="affiliate" if kind != "affiliate" else "external",
                owner_service_id=None,
            )  # fmt: skip


def current_accounts(draft: Draft) -> list[dict[str, Any]]:
    """Accounts as they are in the world's month."""
    rows = draft.tables["accounts"]
    return [row for row in rows if row["valid_to"] is None or row["valid_to"] >= draft.period]


def add_account_usage(draft: Draft) -> None:
    """Usage in every launched cluster; some services are used by teams only, or by nobody."""
    rng = draft.rng
    density = rng.choice(DENSITIES)
    scale = rng.choice((1e-5, 1.0, 1e3, 1e7))
    draft.traits |= {f"usage-{scale:g}"}
    spread = 8.0 if draft.chance(0.05, "wild") else 2.0
    closed = rng.choice(draft.tables["services"])["service_id"] if draft.chance(0.15, "no-customers-anywhere") else ""
    for service in draft.tables["services"]:
        price = 10 ** rng.uniform(-3, 2)
        revenue = rng.choice(REVENUES)
        for cluster in launched(draft):
            mode = "teams" if service["service_id"] == closed else rng.choice(MODES)
            draft.traits |= {f"pool-{mode}"}
            for account in current_accounts(draft):
                if _takes_part(account, mode) and rng.random() < density:
                    level = min(scale * 10 ** rng.uniform(-spread / 2, spread / 2), 1e8)
                    _use_service(draft, (cluster, service["service_id"]), account, (level, price), revenue)


def _takes_part(account: dict[str, Any], mode: str) -> bool:
    """Whether an account may use a pool in this mode."""
    team = account["owner_service_id"] is not None
    return {"open": True, "teams": team, "customers": not team, "nobody": False}[mode]


def _use_service(
    draft: Draft, pool: tuple[str, str], account: dict[str, Any], sizes: tuple[float, float], revenue: str
) -> None:
    """One to three rows of usage of one account in one pool."""
    rng, (level, price) = draft.rng, sizes
    chosen = rng.choice(("normal", "null", "zero", "negative")) if revenue == "mixed" else revenue
    costed = account["account_type"] == "internal" and rng.random() < 0.7
    idle = draft.chance(0.04, "zero-usage")
    for number in range(rng.randint(1, 3)):
        units = Draft.number(0) if idle else draft.amount(level)
        value = float(units) * price
        draft.add(
            "account_usage", usage_date=draft.day(), account_id=account["account_id"], cluster_id=pool[0],
            service_id=pool[1], usage_type=f"type-{number}", usage_units=units,
            equivalent_revenue_usd=_revenue(draft, chosen, value, number, account),
            allocated_cost_usd=Draft.number(value * rng.uniform(-0.05, 0.9)) if costed and number != 1 else None,
        )  # fmt: skip


def _revenue(draft: Draft, chosen: str, value: float, number: int, account: dict[str, Any]) -> Decimal | None:
    """Revenue as recorded: list value, nothing, zero, or a credit larger than the rest."""
    draft.traits |= {f"revenue-{chosen}"}
    silent = account["account_type"] != "external" and draft.rng.random() < 0.7
    if chosen == "null" or silent or draft.rng.random() < 0.05:
        return None
    if chosen == "zero":
        return Draft.number(0)
    if chosen == "negative" and number == 0:
        return Draft.number(-5 * value - 1)
    return Draft.number(value * draft.rng.uniform(0.9, 1.1))
