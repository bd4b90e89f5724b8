"""`ccft report`: open the published lake without a JVM, compute a page's figures, write the page."""

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from ccft.audit import published
from ccft.audit.history import replaced
from ccft.errors import fail
from ccft.lake import history
from ccft.lake.reader import run_log
from ccft.methodology.model import known_versions
from ccft.pipeline.ai_reading import ai_months
from ccft.pipeline.ai_reading import figures as ai_figures
from ccft.pipeline.ai_section import ai_section
from ccft.pipeline.reading import with_views
from ccft.publish.report.blocks import Section
from ccft.publish.report.changes import PREVIOUS, Replacement
from ccft.publish.report.figures import Figures, figures
from ccft.publish.report.page import render

Progress = Callable[[str], None]


@dataclass(frozen=True)
class ReportResult:
    """The page that was written."""

    path: str
    payer_account_id: str
    periods: list[str]
    size: int


def report(root: str, out: Path, payer: str = "", progress: Progress = lambda _line: None) -> ReportResult:
    """Write the page of the provider, or of one organisation.

    Parameters
    ----------
    root
        The lake's folder or URI.
    out
        Folder; made when it is not there. The file is replaced as a whole.
    payer
        12 digits; empty for the provider.

    Raises
    ------
    CcftError
        `CCFT-USAGE-NO-LAKE`, `CCFT-RUN-NOTHING-PUBLISHED`, `CCFT-USAGE-UNKNOWN-PAYER`.
    """
    progress("figures")
    shown = _figures(root, payer)
    progress("page")
    page = render(shown, () if payer else _of_ai(root))
    path = out / (f"carbon-report-{payer}.html" if payer else "carbon-report.html")
    _write(path, page)
    return ReportResult(str(path), payer, [month.period for month in shown.published], len(page.encode()))


def _figures(root: str, payer: str) -> Figures:
    log = run_log(root)
    lines = published.lines(log)
    if not lines:
        raise fail("CCFT-RUN-NOTHING-PUBLISHED", period="any period")
    with with_views(root, lines) as database:
        usage = None if payer else _rack_usage(root, lines)
        if usage is not None:
            database.register("core_rack_usage", usage)
        return figures(
            database,
            published_at=max(line.finished_at for line in lines),
            payer=payer,
            replacements=_replacements(root, database, log),
            has_rack_usage=usage is not None,
        )


def _of_ai(root: str) -> list[Section]:
    """The section on AI models, of the newest month that has figures; none where no month has."""
    months = ai_months(root)
    return [ai_section(ai_figures(months[-1]))] if months else []


def _rack_usage(root: str, lines: Sequence[published.Line]) -> ds.Dataset | None:
    """Usage of racks as the newest month's run read it; as it is now where the run did not record its inputs."""
    ranks = {name: policy.rank for name, policy in known_versions().items()}
    newest = max(lines, key=lambda line: (line.period, ranks.get(line.methodology_version, 0)))
    return history.at_version(root, "core_rack_usage", newest.input_versions.get("core_rack_usage"))


def _replacements(root: str, database: duckdb.DuckDBPyConnection, log: pa.Table) -> list[Replacement]:
    """Months that were published before with another result; the rows of then become a relation."""
    reasons = history.whole_table(root, "restatements")
    why = {row["run_id"]: row["reason"] for row in reasons.to_pylist()} if reasons is not None else {}
    parts, found = [], []
    for item in replaced(log):
        rows = history.earlier(root, "account_emissions", item.before)
        if rows is not None:
            parts.append(rows)
        before, after = item.before, item.after
        found.append(
            Replacement(
                after.period,
                before.methodology_version,
                before.run_id,
                after.methodology_version,
                after.run_id,
                after.finished_at,
                why.get(after.run_id, ""),
                is_kept=rows is not None,
            )
        )
    history.register_union(database, PREVIOUS, parts)
    return found


def _write(path: Path, text: str) -> None:
    """Replace a file as a whole: a reader sees the old page or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    try:
        # No newline translation: the page's policy names its scripts by their hash.
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        draft.chmod(0o644)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
