"""The section on AI models of the provider's report: figures of the AI stage in words, tables and charts of the page.

Made here because stages do not know each other: `ccft.ai` has the figures, `ccft.publish` the page. Masses are exact; intensities, which are
quotients, are shown with four significant digits.
"""

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from ccft.ai.label_document import significant
from ccft.ai.leaderboard import Place
from ccft.ai.report_data import AiFigures, LabelPicture, Row, TradeOff, Waterfall
from ccft.publish.report.amounts import exact_sum
from ccft.publish.report.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    Picture,
    Pictures,
    Prose,
    Section,
    Swatch,
    Table,
    Term,
    Terms,
)
from ccft.publish.report.model_charts import STEP_HEIGHT, Point, Step, point_colour, step_colour, trade_off, waterfall
from ccft.publish.report.wording import MEASURE_LABELS, counted, listed, month_name, percent, tonnes

DRAWN_MODELS: Final = 3
DRAWN_TRADE_OFFS: Final = 4
DRAWN_LABELS: Final = 12
LISTED_ACTIONS: Final = 10
"""A page stays readable: what is beyond these is in tables or, for actions, in the published table alone."""

STAGE_LABELS: Final = {
    "data_prep": "Data preparation",
    "experimentation": "Experiments",
    "pretraining": "Pretraining",
    "post_training": "Post-training",
    "evaluation": "Evaluation",
    "serving": "Serving",
    "serving_idle": "Serving, idle",
    "amortised_training": "Training, amortised",
    "_unattributed": "Unattributed",
}
_G: Final = "g CO₂e per 1,000 output tokens"
_WH: Final = "Wh per 1,000 output tokens"
_NUMBERS: Final = "The numbers behind it, exact in kg"
_NO_SCORES: Final = (
    "No trade-off of quality against emissions is drawn: that takes quality scores of these models (ai_model_quality)."
)
_DIGITS: Final = 4
_ONE: Final = Decimal(1)


def ai_section(figures: AiFigures) -> Section:
    """The section of one month."""
    measures = [MEASURE_LABELS[name] for name in figures.measures.split(", ") if name]
    holds = (
        f" Emissions of models hold what {figures.methodology_version} computes: {listed(measures)}."
        if measures
        else ""
    )
    lead = (
        f"Account rows of {month_name(figures.period)} divided over the models that were trained and served with them,"
        f" location-based.{holds}"
    )
    blocks: list[Block] = [
        *_leaderboard(figures.places),
        *_lifecycles(figures),
        *_trade_offs(figures),
        *_labels(figures.labels),
        *_actions(figures.actions),
    ]
    return Section("ai-models", "AI models", lead, blocks)


def _shown(value: Decimal | None) -> str:
    return "–" if value is None else significant(value, _DIGITS)


def _share(value: Decimal | None) -> str:
    return "–" if value is None else percent(value, _ONE)


def _change(value: Decimal | None) -> str:
    return f"+{_share(value)}" if value is not None and value > 0 else _share(value)


def _few(places: Sequence[Place]) -> str:
    """Whose figures are for the provider alone."""
    names = [place.subject_id for place in places if place.is_provider_only]
    return f" Fewer than three customers use {listed(names)}: show these figures to nobody else." if names else ""


def _leaderboard(places: Sequence[Place]) -> list[Block]:
    if not places:
        return []
    first = [place for place in places if place.rank == 1]
    best = listed([f"{p.subject_id} in {p.task} ({_shown(p.g_per_1k_out_tokens)} g)" for p in first])
    words = f"Least emissions per 1,000 output tokens: {best}." if best else "No model has output tokens to compare by."
    columns = (
        Column("Model", "code"), Column("Task"), Column("Place", "count"), Column(_G, "figure"), Column(_WH, "figure"),
        Column("Energy grade"), Column("Evidence"), Column("Hours covered", "percent"), Column("Idle", "percent"),
        Column("Against the month before", "percent"),
    )  # fmt: skip
    rows: list[list[Cell]] = [
        [
            place.subject_id, place.task, place.rank, _shown(place.g_per_1k_out_tokens), _shown(place.wh_per_1k_out_tokens),
            place.grade or "not rated", f"tier {place.tier}" if place.tier else "unknown", _share(place.coverage),
            _share(place.idle_share), _change(place.trend),
        ]
        for place in places
    ]  # fmt: skip
    return [Prose(words + _few(places)), Table("Models by task, least emissions per output token first", columns, rows)]


def _lifecycles(figures: AiFigures) -> list[Block]:
    drawn, others = figures.waterfalls[:DRAWN_MODELS], figures.waterfalls[DRAWN_MODELS:]
    blocks: list[Block] = [_lifecycle(item, figures.period, place) for place, item in enumerate(drawn, 1)]
    if others:
        columns = (
            Column("Model", "code"),
            Column("Emissions, kg CO₂e", "kg"),
            Column("Memo, not part of them, kg CO₂e", "kg"),
        )
        rows: list[list[Cell]] = [[item.model_id, item.total_kg, _memo_kg(item)] for item in others]
        blocks.append(
            Table(
                "Lifecycle emissions of the other models", columns, rows, summary=counted(len(others), "smaller model")
            )
        )
    return blocks


def _memo_kg(item: Waterfall) -> Decimal:
    return exact_sum(step.kg for step in item.steps if step.is_memo)


def _lifecycle(item: Waterfall, period: str, place: int) -> Chart:
    total = item.total_kg
    own = [step for step in item.steps if not step.is_memo]
    largest = max(own, key=lambda step: step.kg, default=None)
    words = f"{item.model_id} in {month_name(period)}: {tonnes(total)} t CO₂e"
    words += f", most of it {STAGE_LABELS[largest.stage].lower()} ({percent(largest.kg, total)})." if largest else "."
    if memo := _memo_kg(item):
        words += f" Training amortised over the month's tokens, {tonnes(memo)} t, is a memo: it was counted in the month in which it happened."
    rows: list[list[Cell]] = [
        [STAGE_LABELS[step.stage], step.kg, "memo" if step.is_memo else percent(step.kg, total)] for step in item.steps
    ]
    columns = (Column("Stage"), Column("Emissions, kg CO₂e", "kg"), Column("Part of the total", "percent"))
    steps = [Step(STAGE_LABELS[step.stage], step.start_kg, step.kg, step.is_memo) for step in item.steps]
    legend = [Swatch(step_colour(is_memo=False), "Emissions of the month, t CO₂e")]
    if memo:
        legend.append(Swatch(step_colour(is_memo=True), "Memo, not part of the total"))
    table = Table(f"Lifecycle of {item.model_id}", columns, rows, ["Total without memo", total, ""], summary=_NUMBERS)
    return Chart(
        f"chart-ai-lifecycle-{place}", words, waterfall(steps), legend, table, height=60 + STEP_HEIGHT * len(steps)
    )


def _trade_offs(figures: AiFigures) -> list[Block]:
    found = figures.trade_offs
    if figures.places and not found:
        return [Prose(_NO_SCORES)]
    drawn: list[Block] = [_trade_off(item, place) for place, item in enumerate(found[:DRAWN_TRADE_OFFS], 1)]
    return [*drawn, *(_trade_off_table(item) for item in found[DRAWN_TRADE_OFFS:])]


def _trade_off_table(item: TradeOff) -> Table:
    columns = (
        Column("Model", "code"), Column(f"{item.benchmark}, {item.metric}", "figure"), Column(_G, "figure"),
        Column("Median latency, ms", "figure"), Column("On the frontier"),
    )  # fmt: skip
    rows: list[list[Cell]] = [
        [
            row["model_id"], _shown(row["score"]), _shown(row["intensity_g_per_1k_out_tokens"]), _shown(row["latency_p50_ms"]),
            "yes" if row["is_efficient"] else f"no, behind {row['dominated_by']}",
        ]
        for row in item.points
    ]  # fmt: skip
    return Table(
        f"Trade-off in {item.task}: {item.benchmark}, {item.metric}",
        columns,
        rows,
        summary="The numbers of the trade-off",
    )


def _trade_off(item: TradeOff, place: int) -> Chart:
    best = [row["model_id"] for row in item.points if row["is_efficient"]]
    words = (
        f"{item.task}, {item.benchmark} ({item.metric}) against emissions: of {counted(len(item.points), 'model')}, {listed(best)}"
        f" {'is' if len(best) == 1 else 'are'} on the frontier. No other is at least as good in {listed(item.axes.split(', '))} and better in one."
    )
    points = [
        Point(
            row["model_id"],
            row["intensity_g_per_1k_out_tokens"],
            row["score"],
            row["is_efficient"],
            f"{row['model_id']}: {_shown(row['score'])}, {_shown(row['intensity_g_per_1k_out_tokens'])} g",
        )
        for row in item.points
    ]
    legend = [Swatch(point_colour(is_efficient=True), "On the frontier")]
    if len(best) < len(points):
        legend.append(Swatch(point_colour(is_efficient=False), "Behind another model"))
    figure = trade_off(points, _G, item.metric)
    return Chart(f"chart-ai-trade-off-{place}", words, figure, legend, _trade_off_table(item))


def _label_words(label: LabelPicture) -> str:
    energy, carbon = label.content["energy"], label.content["carbon"]
    rated = f"energy {energy['grade'] or 'not rated'}, carbon {carbon['grade'] or 'not rated'}"
    return f"Label of {label.model_id}: {rated}{', estimated' if label.content['is_estimated'] else ''}"


def _labels(labels: Sequence[LabelPicture]) -> list[Block]:
    if not labels:
        return []
    columns = (
        Column("Model", "code"), Column("Energy grade"), Column(_WH, "figure"), Column("Carbon grade"),
        Column(f"{_G}, without hardware", "figure"), Column("Why not rated"),
    )  # fmt: skip
    rows: list[list[Cell]] = []
    for label in labels:
        energy, carbon = label.content["energy"], label.content["carbon"]
        why = energy["not_rated_because"] or carbon["not_rated_because"] or ""
        values = (
            energy["grade"] or "not rated",
            energy["shown"] or "–",
            carbon["grade"] or "not rated",
            carbon["shown"] or "–",
        )
        rows.append([label.model_id, *values, why])
    rated = sum(label.content["energy"]["grade"] is not None for label in labels)
    words = f"Labels: {rated} of {counted(len(labels), 'model')} {'is' if rated == 1 else 'are'} rated. A label describes one month."
    if len(labels) > DRAWN_LABELS:
        words += f" The first {DRAWN_LABELS} are drawn."
    table = Table("What is on the labels", columns, rows, summary="The values on the labels")
    return [Pictures(words, [Picture(label.svg, _label_words(label)) for label in labels[:DRAWN_LABELS]], table)]


def _action(row: Row) -> str:
    return str(row["action"]).replace("_", " ").capitalize()


def _actions(actions: Sequence[Row]) -> list[Block]:
    if not actions:
        return []
    computed = [row for row in actions if row["saving_kg"] is not None]
    blocks: list[Block] = []
    if computed:
        largest = sorted(computed, key=lambda row: -row["saving_kg"])[:LISTED_ACTIONS]
        kept = {id(row) for row in largest}
        top = largest[0]
        words = (
            f"Actions: the largest saving is {tonnes(top['saving_kg'])} t CO₂e a month ({_action(top).lower()} of {top['deployment_id']}),"
            " if its preconditions hold. Each is computed on what those before it have left."
        )
        if len(computed) > len(largest):
            words += (
                f" Listed are the {len(largest)} largest of {len(computed):,}; all are in the table ai_recommendations."
            )
        shown = [row for row in computed if id(row) in kept]
        blocks += [Prose(words), _savings(shown), _preconditions(shown)]
    unknown = [row for row in actions if row["saving_kg"] is None]
    return [*blocks, _missing(unknown)] if unknown else blocks


def _savings(rows: Iterable[Row]) -> Table:
    columns = (
        Column("Action"), Column("Deployment", "code"), Column("Model", "code"), Column("Saving, kg CO₂e", "kg"),
        Column("At least, kg CO₂e", "kg"), Column("At most, kg CO₂e", "kg"),
    )  # fmt: skip
    masses = ("saving_kg", "saving_min_kg", "saving_max_kg")
    cells: list[list[Cell]] = [
        [_action(row), row["deployment_id"], row["model_id"], *(row[name] for name in masses)] for row in rows
    ]
    return Table("Recommended actions, in the order in which they apply", columns, cells)


def _preconditions(rows: Iterable[Row]) -> Terms:
    """What has to hold for each kind of action."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        found.setdefault(_action(row), {}).update(dict.fromkeys(json.loads(row["preconditions"])))
    return Terms([Term(action, f"holds if: {'; '.join(names)}") for action, names in found.items() if names])


def _missing(rows: Iterable[Row]) -> Table:
    """Actions whose saving no table tells yet, and what it would take."""
    counts: dict[tuple[str, str], int] = {}
    for row in rows:
        key = _action(row), row["needs"] or ""
        counts[key] = counts.get(key, 0) + 1
    columns = (Column("Action"), Column("Deployments", "count"), Column("Needs"))
    cells: list[list[Cell]] = [[action, count, needs] for (action, needs), count in counts.items()]
    return Table("Actions whose saving is not computed", columns, cells, summary="Actions whose saving needs more data")
