"""Rows of `ai_activity` and remarks of an AI run, from figures bounded by deployments."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from ccft.ai.drivers import SERVING, Deployment, Month, Work
from ccft.errors import Problem
from ccft.kernel.quotients import half_up
from ccft.schema.ai_columns import SERVING_IDLE
from ccft.schema.units import Q_SCALE, SHARE_SCALE

COUNTS: Final = (
    "requests",
    "in_tokens",
    "cached_in_tokens",
    "out_tokens",
    "images_in",
    "images_out",
    "audio_s",
)
Event = tuple[str, str | None, str, Decimal | None, str]
"""condition, cluster_id, subject, value, message."""


@dataclass(frozen=True)
class Outcome:
    """What the split gave a deployment.

    Parameters
    ----------
    customers
        Accounts with a row of it; 0: no row, its footprint is unknown.
    coverage
        Part of its account rows that deployments explain; None: no account row.
    """

    customers: int = 0
    coverage: Fraction | None = None


def _quantity(value: Fraction) -> Decimal:
    return half_up(value, Q_SCALE)


def _stage_rows(work: Work, pue: Fraction) -> list[dict[str, Any]]:
    """Serving in two rows, at work and idle; they add up."""
    idle = (SERVING_IDLE, work.idle_energy, work.idle_energy, work.metered_idle, work.reserved - work.busy, Fraction(0))
    busy = (
        work.stage,
        work.energy - work.idle_energy,
        Fraction(0),
        work.metered_energy - work.metered_idle,
        work.busy,
        work.busy,
    )
    whole = (work.stage, work.energy, work.idle_energy, work.metered_energy, work.reserved, work.busy)
    rows = []
    for stage, kwh, idle_kwh, metered, reserved, used in (busy, idle) if work.stage == SERVING else (whole,):
        rows.append(
            {
                "stage": stage,
                "kwh": _quantity(kwh),
                "idle_kwh": _quantity(idle_kwh),
                "metered_kwh": _quantity(metered),
                "facility_kwh": _quantity(kwh * pue),
                "reserved_h": _quantity(reserved),
                "busy_h": _quantity(used),
                "failed_h": _quantity(work.failed if stage == work.stage else Fraction(0)),
                "cancelled_h": _quantity(work.cancelled if stage == work.stage else Fraction(0)),
                "active_days": work.active_days,
            }
        )
    return rows


def activity(
    months: Iterable[Month],
    pue: Mapping[str, Fraction],
    default_pue: Fraction,
    tokens: Mapping[str, Mapping[str, Any]],
    outcomes: Mapping[str, Outcome],
    tasks: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Rows of `ai_activity`: one per deployment and stage; tokens stand on the declared stage.

    Parameters
    ----------
    months
        Work of all deployments.
    pue, default_pue
        Per cluster, and where it is not known.
    tokens
        `COUNTS` per deployment, all accounts together.
    outcomes, tasks
        Per deployment, per model.
    """
    rows = []
    for month in months:
        own = month.deployment
        outcome = outcomes.get(own.deployment_id, Outcome())
        factor = pue.get(own.cluster_id, default_pue)
        stages = [row for work in month.works for row in _stage_rows(work, factor)]
        if own.lifecycle_stage not in {row["stage"] for row in stages}:
            stages.append({"stage": own.lifecycle_stage})
        for stage in stages:
            counts = _counts(tokens.get(own.deployment_id, {})) if stage["stage"] == own.lifecycle_stage else {}
            rows.append({**_head(own, tasks), **_shown(month, factor, outcome), **stage, **counts})
    return rows


def _head(own: Deployment, tasks: Mapping[str, str]) -> dict[str, Any]:
    names = ("cluster_id", "service_id", "deployment_id", "account_id", "model_id", "release_id", "accel_type")
    return {**{name: getattr(own, name) for name in names}, "task": tasks.get(own.model_id)}


def _shown(month: Month, pue: Fraction, outcome: Outcome) -> dict[str, Any]:
    coverage = None if outcome.coverage is None else half_up(outcome.coverage, SHARE_SCALE)
    return {"tier": month.tier, "pue": half_up(pue, 9), "customers": outcome.customers, "coverage": coverage}


def _counts(counts: Mapping[str, Any]) -> dict[str, Any]:
    both = [counts.get(name) for name in ("in_tokens", "out_tokens")]
    tokens = (
        sum((value for value in both if value is not None), Decimal(0)) if any(v is not None for v in both) else None
    )
    return {**{name: counts.get(name) for name in COUNTS}, "tokens": tokens}


def event(code: str, cluster: str | None, subject: str, figure: Decimal | int | None = None, **values: object) -> Event:
    """A remark."""
    shown = {"count": "", "value": "", **values}
    return code, cluster, subject, None if figure is None else Decimal(figure), Problem(code, shown).message


def input_events(months: Sequence[Month], pue: Mapping[str, Fraction], default_pue: Fraction) -> list[Event]:
    """Remarks on what was delivered: clusters without PUE, clipped hours."""
    clusters = sorted({month.deployment.cluster_id for month in months} - pue.keys())
    shown = half_up(default_pue, 9).normalize()
    found = [event("CCFT-EVENT-AI-DEFAULT-PUE", name, name, shown, value=f"{shown:f}") for name in clusters]
    for month in months:
        if month.clipped_hours:
            name = month.deployment.deployment_id
            found.append(
                event(
                    "CCFT-EVENT-AI-BUSY-ABOVE-RESERVED",
                    month.deployment.cluster_id,
                    name,
                    month.clipped_hours,
                    count=month.clipped_hours,
                )
            )
    return found
