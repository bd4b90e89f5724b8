"""`ccft explain`: read what one figure rests on, without a JVM, and explain it."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from ccft.audit import published
from ccft.audit.explain import cluster_trees
from ccft.audit.explain_facts import AccountRow, account_rows, load
from ccft.audit.explanation import Explanation
from ccft.errors import fail
from ccft.lake.reader import read_table, run_log
from ccft.methodology.model import known_versions, methodology
from ccft.pipeline.reading import with_views
from ccft.schema.columns import MEASURES
from ccft.schema.view_columns import DERIVED

CORE_TABLES = ("core_racks", "core_rack_usage", "core_activity")


@dataclass(frozen=True)
class Question:
    """What is to be explained.

    Parameters
    ----------
    measure
        A measure of the inventory or a derived total.
    service, region
        Service id or product code; region code or cluster. None = all.
    version
        Methodology version; None = the current one of the period.
    """

    account: str
    period: str
    measure: str = "total_lbm"
    service: str | None = None
    region: str | None = None
    version: str | None = None


def _parts(measure: str) -> tuple[str, ...]:
    """Measures of the inventory that make the asked one."""
    if measure in MEASURES:
        return (measure,)
    if measure not in DERIVED:
        raise fail("CCFT-USAGE-UNKNOWN-MEASURE", value=measure, known=", ".join((*MEASURES, *DERIVED)))
    return DERIVED[measure]


def _line(root: str, question: Question) -> published.Line:
    """The published slice that holds the figure."""
    lines = [line for line in published.lines(run_log(root)) if line.period == question.period]
    if question.version:
        lines = [line for line in lines if line.methodology_version == methodology(question.version).version]
    if not lines:
        wanted = f"{question.period} {question.version}" if question.version else question.period
        raise fail("CCFT-RUN-NOTHING-PUBLISHED", period=wanted)
    ranks = {name: policy.rank for name, policy in known_versions().items()}
    return max(lines, key=lambda line: (ranks.get(line.methodology_version, 0), line.methodology_version))


def _open(root: str, line: published.Line) -> tuple[duckdb.DuckDBPyConnection, tuple[str, ...]]:
    """The slice with the core tables it was computed from, or as they are now where the run did not record them."""
    connection = with_views(root, [line])
    versions = line.input_versions
    for name in CORE_TABLES:
        connection.register(name, read_table(root, name, versions.get(name)))
    if all(name in versions for name in CORE_TABLES):
        return connection, ()
    return connection, ("inputs as of now: the run did not record the versions of its inputs",)


def _rows(database: duckdb.DuckDBPyConnection, question: Question, version: str) -> list[AccountRow]:
    rows = account_rows(database, question.account, question.service, question.region)
    if not rows:
        asked = {"service": question.service, "region": question.region}
        filters = "".join(f", {name} {value}" for name, value in asked.items() if value is not None)
        raise fail(
            "CCFT-USAGE-NO-SUCH-ROW", account=question.account, period=question.period, version=version, filters=filters
        )
    return rows


def _notes(notes: tuple[str, ...], measures: Sequence[str], of_version: Sequence[str]) -> tuple[str, ...]:
    absent = [measure for measure in measures if measure not in of_version]
    if absent:
        notes = (*notes, f"not computed by this version, 0 in its rows: {', '.join(absent)}")
    return notes


def explain(root: str, question: Question, *, for_customer: bool = False) -> Explanation:
    """Explain a figure.

    Parameters
    ----------
    root
        The lake's folder or URI.
    for_customer
        Without anything from which a neighbour's figure could be computed.

    Raises
    ------
    CcftError
        `CCFT-USAGE-NO-SUCH-ROW`, `CCFT-RUN-NOTHING-PUBLISHED`, `CCFT-USAGE-UNKNOWN-MEASURE`, `CCFT-USAGE-NO-LAKE`.
    """
    measures = _parts(question.measure)
    line = _line(root, question)
    policy = methodology(line.methodology_version)
    database, notes = _open(root, line)
    rows = _rows(database, question, line.methodology_version)
    computed = [measure for measure in measures if measure in policy.measures] or list(measures[:1])
    trees = cluster_trees(load(database, rows, line.period, computed), computed, policy)
    asked = {
        "account_id": question.account,
        "period": line.period,
        "methodology_version": line.methodology_version,
        "run_id": line.run_id,
        "measure": question.measure,
        "service": question.service,
        "region": question.region,
    }
    explanation = Explanation(asked, tuple(trees), _notes(notes, measures, policy.measures))
    return explanation.for_customer() if for_customer else explanation
