"""Everything the page shows, computed once from the published tables: exact masses, no words, no layout."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from ccft.errors import fail
from ccft.publish.report import components, months, quality, rankings
from ccft.publish.report.amounts import Amounts
from ccft.publish.report.changes import Change, Replacement, changes_of
from ccft.publish.report.flow import Flow, flow_of
from ccft.publish.report.months import Month, Year
from ccft.publish.report.proof import Proof, proof_of
from ccft.publish.report.quality import Evidence, Remarks
from ccft.publish.report.rankings import Ranking
from ccft.publish.report.rows import AccountRows, Database


@dataclass(frozen=True)
class Figures:
    """The figures of a reader's page.

    Parameters
    ----------
    payer
        The organisation; empty on the provider's page.
    months
        The window from its first published month, gaps included.
    recent
        Published months of the twelve that end with the newest; headline and rankings are their sums.
    total
        Sum over `recent`.
    evidence
        Months with mass.
    flow, remarks
        The provider's page only.
    published_at
        When the newest result was published (UTC).
    """

    payer: str
    months: tuple[Month, ...]
    recent: tuple[Month, ...]
    years: tuple[Year, ...]
    total: Amounts
    account_count: int
    regions: Ranking
    products: Ranking
    accounts: Ranking
    components: dict[str, Amounts]
    evidence: tuple[Evidence, ...]
    remarks: tuple[Remarks, ...]
    proof: Proof
    changes: tuple[Change, ...]
    published_at: datetime
    flow: Flow | None = None

    @property
    def published(self) -> list[Month]:
        """Published months of the window."""
        return [month for month in self.months if month.version]

    @property
    def version_starts(self) -> dict[str, str]:
        """First month of each stretch of one methodology version -> the version; the first stretch is left out."""
        published = self.published
        pairs = pairwise(published)
        return {after.period: after.version for before, after in pairs if after.version != before.version}


def figures(
    database: Database,
    *,
    published_at: datetime,
    payer: str = "",
    replacements: Sequence[Replacement] = (),
    has_rack_usage: bool = False,
) -> Figures:
    """Compute a page's figures.

    Parameters
    ----------
    database
        Has the published result tables and the views over them.
    payer
        12 digits; empty for the provider.
    replacements
        Months that were published before with another result.
    has_rack_usage
        Whether the relation `core_rack_usage` is there, for the flow picture.

    Raises
    ------
    CcftError
        `CCFT-RUN-NOTHING-PUBLISHED`, `CCFT-USAGE-UNKNOWN-PAYER`.
    """
    rows = AccountRows(database, payer)
    timeline = months.timeline(rows)
    if payer and not rows.exist():
        raise fail("CCFT-USAGE-UNKNOWN-PAYER", value=payer)
    recent = months.headline(timeline)
    span, total = months.span_of(recent), months.total(recent)
    is_provider = not payer
    return Figures(
        payer=payer,
        months=tuple(timeline),
        recent=tuple(recent),
        years=tuple(months.years(timeline)),
        total=total,
        account_count=rows.count("account_id", span),
        regions=rankings.regions(rows, span, total),
        products=rankings.products(rows, span, total),
        accounts=rankings.accounts(rows, span, total),
        components=components.components(rows, span),
        evidence=tuple(quality.evidence(rows, timeline)),
        remarks=tuple(quality.remarks(database, timeline)) if is_provider else (),
        proof=proof_of(database, timeline, with_totals=is_provider),
        changes=tuple(changes_of(rows, timeline, replacements)),
        published_at=published_at,
        flow=flow_of(database, recent[-1], has_rack_usage=has_rack_usage) if is_provider else None,
    )
