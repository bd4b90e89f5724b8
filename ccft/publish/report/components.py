"""What the emissions are made of: the five components, disjoint, summing to the total.

The provider's components stand in the service pools. An account's part of its pools' components is what the view `emissions_by_component`
apportions, exact per account row.
"""

from collections import defaultdict
from decimal import Decimal

from ccft.publish.report.amounts import Amounts
from ccft.publish.report.rows import BY_COMPONENT, AccountRows, Span
from ccft.schema.columns import COMPONENTS


def components(rows: AccountRows, span: Span) -> dict[str, Amounts]:
    """Amounts per component over a span, in the registry's order; components without any mass are left out."""
    found = _own(rows, span) if rows.payer else _pools(rows, span)
    return {name: found[name] for name in COMPONENTS if name in found and any(found[name].masses.values())}


def _own(rows: AccountRows, span: Span) -> dict[str, Amounts]:
    return {group.key[0]: group.amounts for group in rows.grouped(["component"], span, table=BY_COMPONENT)}


def _pools(rows: AccountRows, span: Span) -> dict[str, Amounts]:
    found = rows.database.execute(
        "SELECT s.component, s.measure, sum(s.net_kg) FROM service_emissions AS s"
        " JOIN published_slices AS p USING (usage_period, methodology_version)"
        " WHERE p.is_current AND s.usage_period BETWEEN ? AND ? GROUP BY s.component, s.measure",
        [span.first, span.last],
    ).fetchall()
    masses: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for component, measure, mass in found:
        masses[component][measure] = mass
    return {
        name: Amounts({measure: of.get(measure, Decimal(0)) for measure in span.measures})
        for name, of in masses.items()
    }
