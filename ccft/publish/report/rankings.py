"""Who and what the emissions belong to: regions, products, accounts; the largest by name, the rest as one exact line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ccft.publish.report.amounts import METHODS, Amounts, add, subtract
from ccft.publish.report.rows import AccountRows, Group, Span
from ccft.publish.report.wording import PRODUCT_LABELS
from ccft.schema.columns import GLOBAL_REGION

TOP_ACCOUNTS: Final = 15
TOP_PRODUCTS: Final = 100


@dataclass(frozen=True)
class Ranked:
    """A line of a ranking.

    Parameters
    ----------
    key
        Region code, product code or account.
    label, note
        What a reader calls it, and what else there is to know.
    """

    key: str
    label: str
    note: str
    amounts: Amounts


@dataclass(frozen=True)
class Ranking:
    """Lines by market-based total, largest first; `others` holds what the lines leave of the total, and of how many."""

    lines: tuple[Ranked, ...]
    total: Amounts
    others: Amounts | None = None
    other_count: int = 0


def _by_size(lines: Sequence[Ranked]) -> tuple[Ranked, ...]:
    return tuple(sorted(lines, key=lambda line: (-line.amounts.total(METHODS[0]), line.key)))


def _ranking(lines: Sequence[Ranked], total: Amounts, count: int) -> Ranking:
    missing = count - len(lines)
    others = subtract(total, add(line.amounts for line in lines)) if missing > 0 else None
    return Ranking(_by_size(lines), total, others, max(missing, 0))


def _count(rows: AccountRows, span: Span, lines: Sequence[Ranked], limit: int, key: str) -> int:
    """How many there are; counted only where the limit may have cut some off."""
    return len(lines) if len(lines) < limit else rows.count(key, span)


def regions(rows: AccountRows, span: Span, total: Amounts) -> Ranking:
    """Regions as customers see them; edge clusters are one `Global`."""
    lines = []
    for group in rows.grouped(["region_code", "location"], span):
        code, location = group.key
        note = "edge locations worldwide" if code == GLOBAL_REGION else code
        lines.append(Ranked(code, location, note, group.amounts))
    return _ranking(lines, total, len(lines))


def products(rows: AccountRows, span: Span, total: Amounts) -> Ranking:
    """Products, as the bill names them; several services of one product are summed."""
    groups = rows.grouped(["product_code"], span, limit=TOP_PRODUCTS)
    lines = [_product(group) for group in groups]
    return _ranking(lines, total, _count(rows, span, lines, TOP_PRODUCTS, "product_code"))


def _product(group: Group) -> Ranked:
    code = group.key[0]
    return Ranked(code, PRODUCT_LABELS.get(code, code), "", group.amounts)


def accounts(rows: AccountRows, span: Span, total: Amounts) -> Ranking:
    """The largest accounts. The provider's page names their organisation; a payer's page shows own accounts and no payer."""
    if rows.payer:
        groups = rows.grouped(["account_id"], span, limit=TOP_ACCOUNTS)
        lines = [
            Ranked(g.key[0], g.key[0], "this account" if g.key[0] == rows.payer else "", g.amounts) for g in groups
        ]
        return _ranking(lines, total, _count(rows, span, lines, TOP_ACCOUNTS, "account_id"))
    groups = rows.grouped(["account_id", "payer_account_id", "account_type"], span, limit=TOP_ACCOUNTS)
    lines = [_of_provider(group) for group in groups]
    count = _count(rows, span, lines, TOP_ACCOUNTS, "(account_id, payer_account_id, account_type)")
    return _ranking(lines, total, count)


def _of_provider(group: Group) -> Ranked:
    account, payer, kind = group.key
    organisation = "own organisation" if payer == account else f"organisation {payer}"
    return Ranked(account, account, organisation if kind == "external" else f"{organisation}, {kind}", group.amounts)
