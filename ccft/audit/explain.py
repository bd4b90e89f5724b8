"""One figure back to meters and factors (publish page, section 3): six levels, each dividing the figure completely.

1. account <- service pools: the stored row, as its floor share and its remainder
2. service pools <- origin services: what the pool bears, through the service graph, and its residual
3. origin services <- rack types and components, by used units
4. rack types <- cluster: planned power, own embodied carbon, networking racks, the worldwide pool of expansion overhead
5. cluster <- lines of the inventory
6. inventory <- activity rows and emission factors

"Your part" of a line is the figure apportioned over the lines of its pool by the kernel's rule. Nothing here rounds or adds up doubles. Lines that
come from elsewhere (residual, worldwide pools) are carried through the later levels under their own names.
"""

from collections.abc import Sequence
from dataclasses import replace

from ccft.audit.explain_cluster import ClusterExplainer
from ccft.audit.explain_facts import Facts
from ccft.audit.explanation import ClusterTree, Level, Line
from ccft.methodology.model import Methodology

TITLES = (
    ("account <- service pools", "what your usage of each service bears of its pool"),
    ("service pools <- origin services", "services that your services used, and what found no user"),
    ("origin services <- rack types", "racks by use: in use, unused capacity, overhead"),
    ("rack types <- cluster", "planned power, own racks, networking racks, worldwide pools"),
    ("cluster <- inventory", "lines of the cluster's greenhouse-gas inventory"),
    (
        "inventory <- activity and emission factors",
        "meters, invoices and estimates, with source and vintage of each factor",
    ),
)


def cluster_trees(facts: Facts, measures: Sequence[str], policy: Methodology) -> list[ClusterTree]:
    """One tree per cluster in which the account has rows.

    Parameters
    ----------
    measures
        Measures that make the figure: one, or the parts of a derived total.
    """
    trees = []
    for cluster, known in sorted(facts.clusters.items()):
        rows = [row for row in facts.rows if row.cluster_id == cluster]
        by_measure = [ClusterExplainer(facts, known, rows, measure, policy).levels() for measure in measures]
        levels = tuple(
            Level(number + 1, title, rule, _visible([line for levels in by_measure for line in levels[number]]))
            for number, (title, rule) in enumerate(TITLES)
        )
        figure = sum(row.masses[measure] for row in rows for measure in measures)
        trees.append(ClusterTree(cluster, rows[0].region_code, rows[0].location, figure, levels))
    return trees


def _visible(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines without empty ones, unless nothing else is left; the inventory line itself was for level 6 only."""
    shown = [line for line in lines if line.part] or list(lines[:1])
    return tuple(
        replace(line, details={name: value for name, value in line.details.items() if name != "inventory"})
        for line in shown
    )
