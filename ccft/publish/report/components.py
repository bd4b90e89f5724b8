"""What the emissions are made of: the five components, disjoint, summing to the total.

The provider's components stand in the service pools. An account's part of its pool's components is what the view `emissions_by_component`
apportions, exact per account row.
"""

from collections import defaultdict
from decimal import Decimal

from ccft.publish.report.amounts import Amounts, exact_sum
from ccft.publish.report.rows import AccountRows, Span
from ccft.schema.columns import COMPONENTS, MEASURES


def components(rows: AccountRows, span: Span, slices: list[str]) -> dict[str, Amounts]:
    """Amounts per component over a span, in the registry's order; components without mass are left out."""
    found = rows.database.execute(
        "SELECT component, measure, sum(net_kg) FROM service_emissions"
        " WHERE usage_period || ' ' || methodology_version IN (SELECT unnest(?)) GROUP BY component, measure",
        [slices],
    ).fetchall()
    masses: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for component, measure, mass in found:
        masses[component][measure] = mass
    return {
        name: Amounts({m: masses[name].get(m, Decimal(0)) for m in span.measures})
        for name in COMPONENTS
        if any(masses[name].values())
    }
