"""Month by month: what is published in the window, in which version, with which masses; the years and the headline made from it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ccft.errors import fail
from ccft.methodology.model import methodology
from ccft.periods import period_range, shift
from ccft.publish.report.amounts import Amounts, add
from ccft.publish.report.rows import AccountRows, Database, Span

WINDOW_MONTHS: Final = 38
"""Calendar months that end with the newest published one (publish page, section 1)."""

HEADLINE_MONTHS: Final = 12
_NO_MASS: Final = Decimal(0)


@dataclass(frozen=True)
class Month:
    """A calendar month of the window.

    Parameters
    ----------
    version
        Current methodology version; empty where nothing is published.
    other_versions
        Published versions of lower rank.
    amounts
        None where nothing is published or the reader has no rows.
    """

    period: str
    version: str = ""
    other_versions: tuple[str, ...] = ()
    amounts: Amounts | None = None

    @property
    def has_scope_3(self) -> bool:
        """Whether the month's version computes Scope 3."""
        return bool(self.version) and any(name.startswith("scope_3") for name in methodology(self.version).measures)


@dataclass(frozen=True)
class Year:
    """A calendar year: its published months and their sum."""

    year: str
    months: tuple[Month, ...]
    amounts: Amounts


def _published(database: Database) -> dict[str, list[str]]:
    """Published versions per period, the current one first."""
    rows = database.execute(
        "SELECT usage_period, methodology_version FROM published_slices ORDER BY usage_period, is_current DESC, rank DESC"
    ).fetchall()
    versions: dict[str, list[str]] = defaultdict(list)
    for period, version in rows:
        versions[period].append(version)
    return versions


def span_of(months: Sequence[Month]) -> Span:
    """The months from the first to the last, with the versions that are current in them."""
    versions = sorted({month.version for month in months if month.version})
    return Span(months[0].period, months[-1].period, tuple(versions))


def timeline(rows: AccountRows) -> list[Month]:
    """The window's months from the first published one to the newest, gaps included; a payer's from its first month with rows.

    Raises
    ------
    CcftError
        `CCFT-RUN-NOTHING-PUBLISHED`.
    """
    versions = _published(rows.database)
    if not versions:
        raise fail("CCFT-RUN-NOTHING-PUBLISHED", period="any period")
    newest = max(versions)
    opening = shift(newest, 1 - WINDOW_MONTHS)
    first = min(period for period in versions if period >= opening)
    everything = Span(first, newest, tuple(sorted({names[0] for period, names in versions.items() if period >= first})))
    sums = {group.key[0]: group.amounts for group in rows.grouped(["usage_period"], everything)}
    if rows.payer and sums:
        first = min(sums)
    return [
        Month(period, names[0], tuple(names[1:]), _computed(sums.get(period), names[0])) if names else Month(period)
        for period in period_range(first, newest)
        for names in [versions.get(period, [])]
    ]


def _computed(amounts: Amounts | None, version: str) -> Amounts | None:
    """Only what the version computes: its rows hold 0 for the rest, which is no figure."""
    if amounts is None:
        return None
    known = methodology(version).measures
    return Amounts({name: mass for name, mass in amounts.masses.items() if name in known})


def headline(months: Sequence[Month]) -> list[Month]:
    """The twelve calendar months that end with the newest; those of them that are published."""
    first = shift(months[-1].period, 1 - HEADLINE_MONTHS)
    return [month for month in months if month.version and month.period >= first]


def years(months: Sequence[Month]) -> list[Year]:
    """Published months by calendar year."""
    by_year: dict[str, list[Month]] = defaultdict(list)
    for month in months:
        if month.version:
            by_year[month.period[:4]].append(month)
    return [Year(year, tuple(found), total(found)) for year, found in sorted(by_year.items())]


def total(months: Sequence[Month]) -> Amounts:
    """Sum of the months that have figures; a month without rows adds zero in what its version computes."""
    return add(month.amounts or _zero(month) for month in months)


def _zero(month: Month) -> Amounts:
    return add([]) if not month.version else Amounts(dict.fromkeys(methodology(month.version).measures, _NO_MASS))
