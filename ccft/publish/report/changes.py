"""What changed after it was first published: months restated, and months whose current figure now comes from a newer methodology version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ccft.publish.report.amounts import Amounts
from ccft.publish.report.months import Month
from ccft.publish.report.rows import CURRENT, AccountRows, Span

PREVIOUS = "account_emissions_previous"
"""Relation of the account rows that were current before; absent when nothing was replaced."""


@dataclass(frozen=True)
class Replacement:
    """A month whose current result replaced an earlier one.

    Parameters
    ----------
    replaced_at
        When the newer result was published (UTC).
    reason
        As the operator stated it; shown to the provider alone, since it may name anybody.
    is_kept
        Whether the earlier account rows can still be read.
    """

    period: str
    old_version: str
    old_run_id: str
    new_version: str
    new_run_id: str
    replaced_at: datetime
    reason: str = ""
    is_kept: bool = True


@dataclass(frozen=True)
class Change:
    """A replacement and what it did to the reader's figures; `old` is None where earlier rows are no longer kept."""

    replacement: Replacement
    old: Amounts | None
    new: Amounts


def changes_of(rows: AccountRows, months: Sequence[Month], replacements: Sequence[Replacement]) -> list[Change]:
    """Changes of the months shown, newest first; those that gave the reader neither before nor after are left out."""
    shown = {month.period for month in months if month.version}
    found = []
    for item in sorted(replacements, key=lambda item: (item.replaced_at, item.period), reverse=True):
        if item.period in shown:
            new = _sums(rows, item.period, item.new_version, CURRENT)
            old = _sums(rows, item.period, item.old_version, PREVIOUS) if item.is_kept else None
            if any(new.masses.values()) or (old and any(old.masses.values())):
                found.append(Change(item, old, new))
    return found


def _sums(rows: AccountRows, period: str, version: str, table: str) -> Amounts:
    """The reader's sums of a month; zero where there are no rows."""
    return rows.grouped([], Span(period, period, (version,)), table=table)[0].amounts
