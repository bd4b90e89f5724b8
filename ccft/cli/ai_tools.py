"""`ccft ai label|compare|actions|disclose`: what follows from published AI figures; read without a JVM."""

import json
import sys
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ccft.cli.common import ConfigOption, JsonOption, LakeOption, MethodologyOption, check_periods, emit, settings_of

if TYPE_CHECKING:
    from ccft.ai.leaderboard import Place
    from ccft.pipeline.ai_reading import AiMonth

_PIPE_WIDTH = 200

PeriodOption = Annotated[str | None, typer.Option(help="Month YYYY-MM; default: the newest with AI figures.")]
ModelOption = Annotated[str, typer.Option("--model", help="Model (`model_id`).")]
OutOption = Annotated[Path | None, typer.Option(help="File to write; default: standard output.")]


class LabelFormat(StrEnum):
    """Forms of a label."""

    JSON = "json"
    SVG = "svg"


class Subject(StrEnum):
    """What is compared."""

    MODEL = "model"
    VENDOR = "vendor"
    DEPLOYMENT = "deployment"


class Disclosure(StrEnum):
    """Forms of a disclosure."""

    MODEL_CARD = "model-card"
    SCI = "sci"
    DOCUMENTATION = "documentation"


def _month(lake: str | None, config: Path | None, period: str | None, methodology: str | None) -> "AiMonth":
    from ccft.pipeline.ai_reading import ai_month

    settings = settings_of(lake, config)
    check_periods([period] if period else [])
    return ai_month(settings.lake, period or "", methodology or "")


def _write(text: str, out: Path | None) -> None:
    """To a file, or to standard output."""
    if out is None:
        print(text.rstrip("\n"))
    else:
        out.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")
        print(out)


def _console() -> Console:
    """The terminal; a pipe gets lines wide enough for whole names."""
    return Console() if sys.stdout.isatty() else Console(width=_PIPE_WIDTH)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def label(
    model: ModelOption,
    period: PeriodOption = None,
    form: Annotated[LabelFormat, typer.Option("--format", help="JSON, or a picture.")] = LabelFormat.JSON,
    out: OutOption = None,
    lake: LakeOption = None,
    methodology: MethodologyOption = None,
    config: ConfigOption = None,
) -> None:
    """Label of a model: energy and carbon grade, stars, or why it is not rated."""
    from ccft.ai.label_document import document, svg
    from ccft.pipeline.ai_reading import label_rows

    rows, serving = label_rows(_month(lake, config, period, methodology), model)
    content = document(rows, serving["measures"], is_provider_only=serving["is_provider_only"])
    if content["is_provider_only"]:
        print(f"{model}: fewer than 3 customers, the label is for the provider only", file=sys.stderr)
    _write(svg(content) if form is LabelFormat.SVG else _json(content), out)


def _shown(value: Decimal | None, digits: int = 3) -> str:
    from ccft.ai.label_document import significant

    if value is None:
        return "-"
    return f"-{significant(-value, digits)}" if value < 0 else significant(value, digits)


def _percent(value: Decimal | None, sign: str = "") -> str:
    return "-" if value is None else f"{value:{sign}.1%}"


def _flags(place: "Place") -> str:
    return "; ".join(f"{item.disclosed.part}: {', '.join(item.flags) or 'plausible'}" for item in place.disclosed)


def _leaderboard(title: str, places: Sequence["Place"]) -> Table:
    grid = Table(title=title, title_justify="left")
    for name in ("#", "task", "subject"):
        grid.add_column(name)
    for name in ("g/1k out", "Wh/1k out", "grade", "tier", "coverage", "idle", "trend"):
        grid.add_column(name, justify="right")
    grid.add_column("disclosed")
    for place in places:
        grid.add_row(
            str(place.rank or "-"),
            place.task,
            place.subject_id + (" *" if place.is_provider_only else ""),
            _shown(place.g_per_1k_out_tokens),
            _shown(place.wh_per_1k_out_tokens),
            place.grade or ("not rated" if place.not_rated_because else "-"),
            f"T{place.tier}" if place.tier else "-",
            _percent(place.coverage),
            _percent(place.idle_share),
            _percent(place.trend, "+"),
            _flags(place),
        )
    return grid


def _plain_place(place: "Place") -> dict[str, Any]:
    plain = {name: value for name, value in vars(place).items() if name != "disclosed"}
    checked = [
        {**vars(item.disclosed), "kwh": item.kwh, "implied_kg_per_kwh": item.kg_per_kwh, "flags": list(item.flags)}
        for item in place.disclosed
    ]
    return {**plain, "disclosed": checked}


def compare(
    by: Annotated[Subject, typer.Option(help="What is compared.")] = Subject.MODEL,
    task: Annotated[str, typer.Option(help="One task; default: all, each ranked apart.")] = "",
    period: PeriodOption = None,
    lake: LakeOption = None,
    methodology: MethodologyOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Leaderboard of models, vendors or deployments, and the trade-off of models with quality."""
    from ccft.pipeline.ai_reading import places

    month = _month(lake, config, period, methodology)
    found = places(month, by.value, task)
    frontier = [row for row in month.rows("ai_pareto") if by is Subject.MODEL and task in ("", row["task"])]
    if as_json:
        emit({"period": month.period, "methodology_version": month.methodology_version,
              "places": [_plain_place(place) for place in found], "pareto": frontier}, True, "")  # fmt: skip
        return
    console = _console()
    measures = found[0].measures if found else "none"
    console.print(
        _leaderboard(f"{month.period} {month.methodology_version}: {by} by g CO2e per 1,000 output tokens", found)
    )
    console.print(f"Consumer view, location-based: {measures}. * fewer than 3 customers: for the provider only.")
    for place in found:
        if place.not_rated_because:
            console.print(f"{place.subject_id} is not rated: {place.not_rated_because}", markup=False, highlight=False)
    for row in frontier:
        verdict = "efficient" if row["is_efficient"] else f"dominated by {row['dominated_by']}"
        console.print(
            f"{row['benchmark']} {row['metric']}: {row['model_id']} {row['score'].normalize():f}, {verdict}",
            markup=False,
        )


def _figure(value: str) -> str:
    """An input of a formula, shortened when it is a number."""
    try:
        return _shown(Decimal(value))
    except InvalidOperation:
        return value


def _inputs(row: dict[str, Any]) -> str:
    plain = {name: value for name, value in json.loads(row["formula_inputs"]).items() if isinstance(value, str)}
    return ", ".join(f"{name} {_figure(value)}" for name, value in plain.items())


def _action_lines(rows: Sequence[dict[str, Any]]) -> Table:
    grid = Table(title="Actions in the order in which they apply, each after those before", title_justify="left")
    for name in ("#", "action", "deployment"):
        grid.add_column(name)
    for name in ("kg", "range", "kWh"):
        grid.add_column(name, justify="right")
    grid.add_column("rests on")
    for row in rows:
        grid.add_row(
            str(row["action_rank"]),
            row["action_variant"] or row["action"],
            row["deployment_id"],
            _shown(row["saving_kg"]),
            f"{_shown(row['saving_min_kg'])} to {_shown(row['saving_max_kg'])}",
            _shown(row["saving_kwh"]),
            _inputs(row),
        )
    return grid


def _needs(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What actions need before their saving can be computed, a line per action and need."""
    found: dict[tuple[int, str, str], int] = {}
    for row in rows:
        key = row["action_rank"], row["action"], row["needs"]
        found[key] = found.get(key, 0) + 1
    return [f"{action} ({count} deployments) needs {what}" for (_, action, what), count in sorted(found.items())]


def actions(
    model: Annotated[str, typer.Option(help="One model.")] = "",
    deployment: Annotated[str, typer.Option(help="One deployment.")] = "",
    period: PeriodOption = None,
    lake: LakeOption = None,
    methodology: MethodologyOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Recommended actions with savings, formulas, preconditions and conflicts."""
    month = _month(lake, config, period, methodology)
    rows = [
        row
        for row in month.rows("ai_recommendations")
        if model in ("", row["model_id"]) and deployment in ("", row["deployment_id"])
    ]
    rows.sort(key=lambda row: (row["action_rank"], -(row["saving_kg"] or 0), row["deployment_id"]))
    if as_json:
        texts = ("formula_inputs", "preconditions", "conflicts")
        emit([{**row, **{name: json.loads(row[name]) for name in texts}} for row in rows], True, "")
    else:
        console = _console()
        console.print(_action_lines([row for row in rows if not row["needs"]]))
        for line in _needs([row for row in rows if row["needs"]]):
            console.print(line, markup=False, highlight=False)


def disclose(
    model: ModelOption,
    form: Annotated[Disclosure, typer.Option("--format", help="Which disclosure.")] = Disclosure.MODEL_CARD,
    period: PeriodOption = None,
    out: OutOption = None,
    lake: LakeOption = None,
    methodology: MethodologyOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Model-card metadata, SCI-for-AI report, or documentation fields of general-purpose AI models."""
    from ccft.ai import disclosures
    from ccft.pipeline.ai_reading import subject

    figures = subject(_month(lake, config, period, methodology), model)
    if form is Disclosure.MODEL_CARD:
        card = disclosures.model_card(figures)
        _write(_json(card) if as_json else disclosures.model_card_yaml(card), out)
    else:
        report = disclosures.sci_report if form is Disclosure.SCI else disclosures.documentation
        _write(_json(report(figures)), out)
