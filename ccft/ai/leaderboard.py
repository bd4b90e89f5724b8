"""Leaderboard: models of a task by what a token costs, from the published tables `ai_intensity` and `ai_labels`, disclosed figures beside.

Only figures of one methodology version are beside each other; the trend is against the month before in the same version.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from ccft.ai.disclosed import Checked
from ccft.kernel.quotients import ratio

Row = Mapping[str, Any]
_TREND_PLACES: Final = 6


@dataclass(frozen=True)
class Place:
    """One line of a leaderboard; None is unknown, and stands at the end.

    Parameters
    ----------
    trend
        Change of the intensity against the month before, as a share of it.
    is_provider_only
        Too few customers for others to see it.
    """

    rank: int | None
    kind: str
    subject_id: str
    task: str
    g_per_1k_out_tokens: Decimal | None
    wh_per_1k_out_tokens: Decimal | None
    grade: str | None
    not_rated_because: str | None
    tier: int | None
    coverage: Decimal | None
    idle_share: Decimal | None
    trend: Decimal | None
    measures: str
    is_provider_only: bool
    disclosed: tuple[Checked, ...] = ()


def _is_compared(row: Row, kind: str) -> bool:
    return bool((row["subject_kind"], row["view"], row["accounting_method"]) == (kind, "consumer", "lbm"))


def _trend(now: Decimal | None, before: Decimal | None) -> Decimal | None:
    return None if now is None or before is None else ratio(now - before, before, _TREND_PLACES)


def _order(row: Row) -> tuple[str, bool, Decimal, str]:
    value = row["g_per_1k_out_tokens"]
    return row["task"], value is None, value or Decimal(0), row["subject_id"]


def leaderboard(
    kind: str,
    intensity: Iterable[Row],
    before: Iterable[Row] = (),
    labels: Iterable[Row] = (),
    disclosed: Sequence[Checked] = (),
    task: str = "",
) -> list[Place]:
    """Places per task, least emissions per output token first; equal figures share a rank.

    Parameters
    ----------
    kind
        `model`, `vendor` or `deployment`.
    intensity, before
        Rows of `ai_intensity` of the month, and of the month before.
    labels
        Rows of `ai_labels` of the month.
    disclosed
        Checked figures of makers.
    task
        One task; all where empty.
    """
    past = {row["subject_id"]: row["g_per_1k_out_tokens"] for row in before if _is_compared(row, kind)}
    grades = {row["model_id"]: row for row in labels if row["label_kind"] == "energy"} if kind == "model" else {}
    rows = sorted((row for row in intensity if _is_compared(row, kind) and task in ("", row["task"])), key=_order)
    places = []
    for row in rows:
        value, subject_id = row["g_per_1k_out_tokens"], row["subject_id"]
        better = (
            sum(
                other["task"] == row["task"]
                and other["g_per_1k_out_tokens"] is not None
                and other["g_per_1k_out_tokens"] < value
                for other in rows
            )
            if value is not None
            else 0
        )
        label = grades.get(subject_id, {})
        places.append(
            Place(
                None if value is None else better + 1,
                kind,
                subject_id,
                row["task"],
                value,
                row["wh_per_1k_out_tokens"],
                label.get("grade"),
                label.get("not_rated_because"),
                row["tier"],
                row["coverage"],
                row["idle_share"],
                _trend(value, past.get(subject_id)),
                row["measures"],
                row["is_provider_only"],
                tuple(item for item in disclosed if kind == "model" and item.disclosed.model_id == subject_id),
            )
        )
    return places
