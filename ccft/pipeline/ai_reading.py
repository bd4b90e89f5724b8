"""Published AI figures, read without a JVM: which months have them, and their small tables.

An AI result counts while the account rows that it divides are the published ones (`base_run_id`).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from ccft.ai.disclosed import Checked, check
from ccft.ai.disclosures import Subject
from ccft.ai.kpis import AI_VIEW_SQL
from ccft.ai.leaderboard import Place, leaderboard
from ccft.ai.read import disclosed_of
from ccft.ai.report_data import AiFigures, ai_figures
from ccft.audit import published
from ccft.errors import fail
from ccft.lake.reader import register_slices, run_log
from ccft.lake.slices import query, slice_of, whole_table
from ccft.methodology.model import known_versions
from ccft.periods import shift
from ccft.schema.ai_columns import DEVELOPMENT_STAGES
from ccft.schema.tables import AI_RESULTS

Row = dict[str, Any]
_LOG: Final = "ai_run_log"
_ZERO: Final = Decimal(0)
_MODEL_MASSES: Final = (
    "SELECT stage, component, measure, is_memo, CAST(sum(emissions_kg) AS DECIMAL(28,9)) AS emissions_kg"
    " FROM ai_emissions WHERE model_id = ? GROUP BY ALL ORDER BY ALL"
)


@dataclass(frozen=True)
class AiMonth:
    """A published period x version of AI figures."""

    root: str
    period: str
    methodology_version: str
    run_id: str
    table_versions: dict[str, int]

    def rows(self, name: str) -> list[Row]:
        """Rows of a small result table."""
        version = self.table_versions.get(name)
        if version is None:
            return []
        found: list[Row] = (
            slice_of(self.root, name, version, self.period, self.methodology_version).to_table().to_pylist()
        )
        return found

    def masses_of(self, model_id: str) -> list[Row]:
        """Emissions of a model per stage, component and measure, all accounts together."""
        version = self.table_versions["ai_emissions"]
        emissions = slice_of(self.root, "ai_emissions", version, self.period, self.methodology_version)
        return query(_MODEL_MASSES, {"ai_emissions": emissions}, [model_id])

    def by_stage(self) -> list[Row]:
        """Rows of the view `ai_emissions_by_stage` of this month."""
        version = self.table_versions["ai_emissions"]
        emissions = slice_of(self.root, "ai_emissions", version, self.period, self.methodology_version)
        own = {"usage_period": self.period, "methodology_version": self.methodology_version, "is_current": True}
        slices = ds.dataset(pa.Table.from_pylist([own]))
        return query(AI_VIEW_SQL["ai_emissions_by_stage"], {"ai_emissions": emissions, "published_slices": slices})


def ai_months(root: str, lines: Iterable[published.Line] | None = None) -> list[AiMonth]:
    """All published AI months, in order of period and rank of the version.

    Parameters
    ----------
    lines
        What is published, where the caller has read it: an AI month of other account rows does not count.
    """
    known = published.lines(run_log(root)) if lines is None else lines
    bases = {(line.period, line.methodology_version): line.run_id for line in known}
    newest: dict[tuple[str, str], AiMonth] = {}
    for row in whole_table(root, _LOG).sort_by("finished_at").to_pylist():
        key = row["usage_period"], row["methodology_version"]
        if row["status"] == "published" and bases.get(key) == row["base_run_id"]:
            newest[key] = AiMonth(root, *key, row["run_id"], json.loads(row["table_versions"]))
    ranks = {name: policy.rank for name, policy in known_versions().items()}
    return [newest[key] for key in sorted(newest, key=lambda key: (key[0], ranks.get(key[1], 0), key[1]))]


def ai_month(root: str, period: str = "", version: str = "") -> AiMonth:
    """The AI month that is asked for: by default the newest, in the version of highest rank.

    Raises
    ------
    CcftError
        `CCFT-RUN-AI-NOTHING-PUBLISHED`.
    """
    found = [
        month
        for month in ai_months(root)
        if period in ("", month.period) and version in ("", month.methodology_version)
    ]
    if not found:
        asked = " ".join(word for word in (period, version) if word)
        raise fail("CCFT-RUN-AI-NOTHING-PUBLISHED", period=asked or "any period")
    return found[-1]


def month_before(month: AiMonth) -> AiMonth | None:
    """The AI month before in the same version, if it is published."""
    wanted = shift(month.period, -1), month.methodology_version
    return next((m for m in ai_months(month.root) if (m.period, m.methodology_version) == wanted), None)


def register_ai(
    connection: duckdb.DuckDBPyConnection, root: str, lines: Iterable[published.Line] | None = None
) -> None:
    """Add the published AI tables and the views over them to a connection that knows `published_slices`.

    All names are there, without rows where nothing is published. `lines` as in `ai_months`.
    """
    months = ai_months(root, lines)
    for registered in AI_RESULTS:
        register_slices(connection, root, registered, months)
    for name, sql in AI_VIEW_SQL.items():
        connection.execute(f"CREATE TEMP VIEW {name} AS {sql}")


def current_slices(root: str) -> pa.Table:
    """The relation `published_slices`, as far as the AI views read it: per period the version of highest rank is current."""
    ranks = {name: policy.rank for name, policy in known_versions().items()}
    lines = published.lines(run_log(root))
    best: dict[str, tuple[int, str]] = {}
    for line in lines:
        candidate = ranks.get(line.methodology_version, 0), line.methodology_version
        best[line.period] = max(best.get(line.period, candidate), candidate)
    rows = [
        {
            "usage_period": line.period,
            "methodology_version": line.methodology_version,
            "is_current": best[line.period][1] == line.methodology_version,
        }
        for line in lines
    ]
    schema = pa.schema({"usage_period": pa.string(), "methodology_version": pa.string(), "is_current": pa.bool_()})
    return pa.Table.from_pylist(rows, schema=schema)


def open_ai(root: str) -> duckdb.DuckDBPyConnection:
    """A connection to the published AI tables and views, without a JVM.

    Raises
    ------
    CcftError
        `CCFT-USAGE-NO-LAKE`.
    """
    connection = duckdb.connect()
    connection.register("published_slices", current_slices(root))
    register_ai(connection, root)
    return connection


def disclosed(root: str) -> list[Checked]:
    """Figures that makers disclosed, checked."""
    return check(disclosed_of(whole_table(root, "core_ai_disclosures").to_pylist()))


def figures(month: AiMonth) -> AiFigures:
    """The AI section of the provider's report."""
    return ai_figures(
        month.period,
        month.methodology_version,
        places(month, "model"),
        month.by_stage(),
        month.rows("ai_pareto"),
        month.rows("ai_labels"),
        month.rows("ai_recommendations"),
    )


def places(month: AiMonth, kind: str, task: str = "") -> list[Place]:
    """Leaderboard of a month, with the trend against the month before and disclosed figures beside."""
    before = month_before(month)
    return leaderboard(
        kind,
        month.rows("ai_intensity"),
        before.rows("ai_intensity") if before else (),
        month.rows("ai_labels"),
        disclosed(month.root),
        task,
    )


def label_rows(month: AiMonth, model_id: str) -> tuple[list[Row], Row]:
    """Rows of `ai_labels` of a model, and its row of `ai_intensity`: consumer view, location-based.

    Raises
    ------
    CcftError
        `CCFT-USAGE-AI-UNKNOWN-MODEL`.
    """
    labels = month.rows("ai_labels")
    own = [row for row in labels if row["model_id"] == model_id]
    if not own:
        raise _unknown(model_id, (row["model_id"] for row in labels), month)
    serving = _serving(month, model_id)
    if serving is None:
        raise _unknown(model_id, (row["model_id"] for row in labels), month)
    return own, serving


def _unknown(model_id: str, known: Iterable[str], month: AiMonth) -> Exception:
    names = ", ".join(sorted(set(known))) or "none"
    return fail("CCFT-USAGE-AI-UNKNOWN-MODEL", model=model_id, period=month.period, known=names)


def _where(rows: Iterable[Row], name: str, value: str) -> list[Row]:
    return [row for row in rows if row[name] == value]


def _sum(rows: Iterable[Row], name: str) -> Decimal:
    return sum((row[name] for row in rows if row[name] is not None), _ZERO)


def subject(month: AiMonth, model_id: str) -> Subject:
    """What a model's disclosures are made of: this month's rows, and its development in all published months so far.

    Raises
    ------
    CcftError
        `CCFT-USAGE-AI-UNKNOWN-MODEL`.
    """
    models = whole_table(month.root, "core_ai_models").to_pylist()
    model = next(iter(_where(models, "model_id", model_id)), None)
    if model is None:
        raise _unknown(model_id, (row["model_id"] for row in models), month)
    months = [
        m
        for m in ai_months(month.root)
        if m.period <= month.period and m.methodology_version == month.methodology_version
    ]
    deployments = _where(whole_table(month.root, "core_ai_deployments").to_pylist(), "model_id", model_id)
    training = [
        row
        for m in months
        for row in _where(m.rows("ai_activity"), "model_id", model_id)
        if row["stage"] in DEVELOPMENT_STAGES
    ]
    ledger = [
        row
        for m in months
        for row in _where(m.rows("ai_training_ledger"), "model_id", model_id)
        if row["accounting_method"] == "lbm"
    ]
    serving = _serving(month, model_id)
    used = {row["cluster_id"] for row in deployments}
    return Subject(
        model=model,
        releases=_newest(_where(whole_table(month.root, "core_ai_releases").to_pylist(), "model_id", model_id)),
        deployments=deployments,
        locations=_locations(month.root, used),
        masses=month.masses_of(model_id),
        serving=serving,
        training_kg=_sum(ledger, "added_kg") or None,  # nothing developed here: unknown, not 0
        training_facility_kwh=_sum(training, "facility_kwh"),
        training_metered_kwh=_sum(training, "metered_kwh"),
        training_kwh=_sum(training, "kwh"),
        training_h=_sum(training, "reserved_h"),
        first_period=months[0].period,
        period=month.period,
        version=month.methodology_version,
    )


def _serving(month: AiMonth, model_id: str) -> Row | None:
    key = ("model", model_id, "consumer", "lbm")
    names = ("subject_kind", "subject_id", "view", "accounting_method")
    return next((row for row in month.rows("ai_intensity") if tuple(row[name] for name in names) == key), None)


def _newest(rows: Iterable[Row]) -> list[Row]:
    """Each release as it is known now."""
    found = {row["release_id"]: row for row in sorted(rows, key=lambda row: str(row["valid_from"]))}
    return [found[name] for name in sorted(found)]


def _locations(root: str, clusters: set[str]) -> list[str]:
    rows = whole_table(root, "core_clusters").to_pylist()
    return sorted({row["location"] for row in rows if row["cluster_id"] in clusters})
