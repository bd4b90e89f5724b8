"""The AI section of the report as data: leaderboard, lifecycle waterfalls, trade-offs, labels, actions. Exact values; wording and drawing are the page's."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from ccft.ai.label_document import document, svg
from ccft.ai.leaderboard import Place
from ccft.schema.ai_columns import RESULT_STAGES, UNATTRIBUTED

Row = Mapping[str, Any]
_ZERO: Final = Decimal(0)


@dataclass(frozen=True)
class Step:
    """A step of a waterfall: from where the one before ended, `kg` up; a memo step stands on the total and is not part of the inventory."""

    stage: str
    kg: Decimal
    start_kg: Decimal
    is_memo: bool

    @property
    def end_kg(self) -> Decimal:
        """Where the step ends."""
        return self.start_kg + self.kg


@dataclass(frozen=True)
class Waterfall:
    """Location-based emissions of a model over its lifecycle, in one month."""

    model_id: str
    steps: tuple[Step, ...]

    @property
    def total_kg(self) -> Decimal:
        """The model's part of the inventory: all steps that are no memo."""
        return sum((step.kg for step in self.steps if not step.is_memo), _ZERO)


@dataclass(frozen=True)
class TradeOff:
    """Candidates of one task and benchmark; lower intensity and better score are on the frontier."""

    task: str
    benchmark: str
    metric: str
    axes: str
    points: tuple[Row, ...]


@dataclass(frozen=True)
class LabelPicture:
    """A label as values and as a picture."""

    model_id: str
    content: dict[str, Any]
    svg: str


@dataclass(frozen=True)
class AiFigures:
    """All of one period and methodology version."""

    period: str
    methodology_version: str
    measures: str
    places: tuple[Place, ...]
    waterfalls: tuple[Waterfall, ...]
    trade_offs: tuple[TradeOff, ...]
    labels: tuple[LabelPicture, ...]
    actions: tuple[Row, ...]


def waterfalls(by_stage: Iterable[Row]) -> tuple[Waterfall, ...]:
    """Lifecycle of each model, stages in their order, largest model first.

    Parameters
    ----------
    by_stage
        Rows of the view `ai_emissions_by_stage` of one period.
    """
    sums: dict[str, dict[tuple[bool, str], Decimal]] = {}
    for row in by_stage:
        if row["model_id"] not in (None, UNATTRIBUTED):
            own = sums.setdefault(row["model_id"], {})
            key = row["is_memo"], row["stage"]
            own[key] = own.get(key, _ZERO) + row["lbm_kg"]
    found = []
    for model_id, stages in sums.items():
        steps, reached = [], _ZERO
        for is_memo, stage in sorted(stages, key=lambda key: (key[0], RESULT_STAGES.index(key[1]))):
            steps.append(Step(stage, stages[is_memo, stage], reached, is_memo))
            reached += stages[is_memo, stage]
        found.append(Waterfall(model_id, tuple(steps)))
    return tuple(sorted(found, key=lambda item: (-item.total_kg, item.model_id)))


def trade_offs(pareto: Iterable[Row]) -> tuple[TradeOff, ...]:
    """Rows of `ai_pareto` by task and benchmark, points by intensity."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in pareto:
        groups.setdefault((row["task"], row["benchmark"], row["metric"]), []).append(row)
    return tuple(
        TradeOff(
            *key,
            points[0]["axes"],
            tuple(sorted(points, key=lambda row: (row["intensity_g_per_1k_out_tokens"], row["model_id"]))),
        )
        for key, points in sorted(groups.items())
    )


def label_pictures(labels: Sequence[Row], measures: str) -> tuple[LabelPicture, ...]:
    """Labels of all models, in order of id."""
    found = []
    for model_id in sorted({row["model_id"] for row in labels}):
        content = document((row for row in labels if row["model_id"] == model_id), measures)
        found.append(LabelPicture(model_id, content, svg(content)))
    return tuple(found)


def ai_figures(
    period: str,
    methodology_version: str,
    places: Sequence[Place],
    by_stage: Iterable[Row],
    pareto: Iterable[Row],
    labels: Sequence[Row],
    actions: Iterable[Row],
) -> AiFigures:
    """The section's data from published rows.

    Parameters
    ----------
    places
        Leaderboard of models.
    by_stage
        Rows of the view `ai_emissions_by_stage`.
    pareto, labels, actions
        Rows of the derived tables.
    """
    measures = places[0].measures if places else ""
    ordered = sorted(actions, key=lambda row: (row["action_rank"], -(row["saving_kg"] or _ZERO), row["deployment_id"]))
    return AiFigures(
        period,
        methodology_version,
        measures,
        tuple(places),
        waterfalls(by_stage),
        trade_offs(pareto),
        label_pictures(labels, measures),
        tuple(ordered),
    )
