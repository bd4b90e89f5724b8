"""The models of Skerry Cloud: trained on the campus without customers, served where its inference service is sold, and by customers of their own.

What they did hour by hour is in `ccft.demo.model_usage`. All figures are whole-number arithmetic on dates and account numbers:
no random numbers.

| situation | where |
|---|---|
| team-run: several models on one service, endpoints shared by customers and teams | `ep-*` |
| training where nobody buys, failed and cancelled runs | `train-*`, `se-2` |
| development beside serving | `tune-70b-chat`, `va-1` |
| customer-run, partial coverage | `own-*`: six tenths of the accelerator-hours bought |
| metered (`va-1`, `ie-1`), every other day (`de-1`), not metered | energy |
| cached tokens | `va-1`; elsewhere unknown |
| derived models, a retirement | `skerry-70b-chat`, `skerry-8b`; `skerry-3b` |
| customers without an endpoint, cluster without PUE | `jp-1` |
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from ccft.demo.provider import CLUSTERS, TRAINING_CLUSTER
from ccft.demo.services import SERVICE_INDEX
from ccft.demo.timeline import Timeline, day_of
from ccft.periods import month_start, shift

SERVICE, HARDWARE = "inference", "gpu"
ENDPOINTS = ("va-1", "or-1", "ie-1", "de-1", "in-1")
_FOUNDED_MONTHS = 3
_LIFE_DAYS = 900
_EXPECTED_MONTHS = 30
_RETIREMENT_DAY = 11


def team_account() -> str:
    """Production account of the team that runs the inference service."""
    return f"{(SERVICE_INDEX[SERVICE] + 1) * 1_000_000 + 1:012d}"


def retired_on(timeline: Timeline) -> date:
    """First day without the model that retires inside the story."""
    return day_of(timeline.periods[2 * len(timeline.periods) // 3], _RETIREMENT_DAY)


@dataclass(frozen=True)
class Plan:
    """A deployment: its row, and how its accelerators work.

    Parameters
    ----------
    reserved
        Accelerators reserved each hour; 0: six tenths of what the account bought.
    busy_per_cent, swing
        Least busy share, and by how many points it swings over hours and days.
    """

    deployment_id: str
    account_id: str
    model_id: str
    release_id: str
    cluster_id: str
    service_id: str
    stage: str
    valid_from: str
    valid_to: str | None
    accel_type: str
    reserved: int
    busy_per_cent: int
    swing: int


def plans_of(timeline: Timeline, owners: Sequence[tuple[str, str]]) -> list[Plan]:
    """All deployments; those of the first pretraining end before the second begins."""
    team, start = team_account(), shift(timeline.first, -_FOUNDED_MONTHS)
    second = timeline.periods[len(timeline.periods) // 2]
    base, chat, small = "skerry-70b", "skerry-70b-chat", "skerry-8b"
    campus: tuple[tuple[str, str, str, str, str, str | None, int, int], ...] = (
        ("train-data", base, f"{base}-r1", "data_prep", start, None, 16, 55),
        ("train-70b-1", base, f"{base}-r1", "pretraining", start, shift(second, -1), 160, 88),
        ("train-70b-2", base, f"{base}-r2", "pretraining", second, None, 160, 90),
        ("train-sweeps", base, f"{base}-r1", "experimentation", start, None, 48, 62),
        ("train-8b", small, f"{small}-r1", "pretraining", start, None, 32, 85),
        ("train-evals", base, f"{base}-r1", "evaluation", start, None, 8, 70),
    )
    plans = [
        Plan(name, team, model, release, TRAINING_CLUSTER, SERVICE, stage, since, until, "H100", reserved, busy, 8)
        for name, model, release, stage, since, until, reserved, busy in campus
    ]
    plans.append(
        Plan(
            "tune-70b-chat", team, chat, f"{chat}-r1", "va-1", SERVICE, "post_training", start, None, "H100", 8, 80, 12
        )
    )
    for number, cluster in enumerate(ENDPOINTS):
        sizes: tuple[tuple[str, str, str, int, int, int], ...] = (
            ("chat", chat, "H100", 16, 30 + number * 6, 40),
            ("small", small, "A100", 8, 22 + number * 9, 35),
        )
        plans += [
            Plan(f"ep-{cluster}-{size}", team, model, f"{model}-r1", cluster, SERVICE, "serving", start, None, accel, reserved, busy, swing)
            for size, model, accel, reserved, busy, swing in sizes
        ]  # fmt: skip
    for number, (account, cluster) in enumerate(owners, 1):
        for part, stage in enumerate(("serving", "post_training")[: 1 + number % 2], 1):
            plans.append(
                Plan(f"own-{number}-{part}", account, "fjord-vision", "fjord-vision-r1", cluster, HARDWARE, stage, start, None, "A100", 0, 35 + 20 * part, 25)
            )  # fmt: skip
    return plans


def _models(timeline: Timeline, owner: str) -> list[dict[str, Any]]:
    team, released = team_account(), month_start(shift(timeline.first, -_FOUNDED_MONTHS))
    rows: tuple[tuple[str, str | None, str | None, int, str, str], ...] = (
        ("skerry-70b", None, None, 70, "text-generation", team),
        ("skerry-70b-chat", "skerry-70b", "0.25", 70, "text-generation", team),
        ("skerry-8b", "skerry-70b", "0.05", 8, "text-generation", team),
        ("skerry-3b", None, None, 3, "text-generation", team),
        ("fjord-vision", None, None, 12, "image-text-to-text", owner),
    )
    return [
        {
            "model_id": model, "family": model.split("-")[0], "parent_model_id": parent, "parent_share": share and Decimal(share), "version": "1",
            "params_total_b": size, "params_active_b": size, "datatype": "bf16", "task": task, "owner_account_id": account,
            "release_date": released, "retire_date": retired_on(timeline) if model == "skerry-3b" else None, "expected_life_days": _LIFE_DAYS,
        }
        for model, parent, share, size, task, account in rows
    ]  # fmt: skip


def _releases(timeline: Timeline, monthly_out_tokens: int) -> list[dict[str, Any]]:
    """Releases with the tokens expected of them; the second of the large model comes half way."""
    start, second = shift(timeline.first, -_FOUNDED_MONTHS), timeline.periods[len(timeline.periods) // 2]
    names = [
        (f"{model}-r1", model, start)
        for model in ("skerry-70b", "skerry-70b-chat", "skerry-8b", "skerry-3b", "fjord-vision")
    ]
    return [
        {"release_id": name, "valid_from": since, "model_id": model, "expected_lifetime_out_tokens": monthly_out_tokens * _EXPECTED_MONTHS}
        for name, model, since in (*names, ("skerry-70b-r2", "skerry-70b", second))
    ]  # fmt: skip


_TYPES: tuple[dict[str, Any], ...] = (
    # Embodied: a host of `ccft.demo.provider` by eight; power: idle 55 and 70 W, at work 320 and 560 W, host share added.
    {"accel_type": "A100", "p_idle_kw": "0.1075", "p_busy_serving_kw": "0.4614", "p_busy_training_kw": "0.5858", "embodied_kg": "584.59875",
     "life_h": 43_800, "capacity_weight": 1, "source": "ccf p4d.24xlarge / 8; power: assumption"},
    {"accel_type": "H100", "p_idle_kw": "0.16", "p_busy_serving_kw": "0.70", "p_busy_training_kw": "0.8125", "embodied_kg": "712.5",
     "life_h": 43_800, "capacity_weight": 1, "source": "ccf p5.48xlarge / 8; power: assumption"},
)  # fmt: skip
_SCORES: tuple[tuple[str, str, str], ...] = (
    ("skerry-70b", "0.794", "1400"), ("skerry-70b-chat", "0.802", "1450"), ("skerry-8b", "0.671", "420"), ("skerry-3b", "0.583", "510"),
)  # fmt: skip


def small_tables(timeline: Timeline, plans: Sequence[Plan], monthly_out_tokens: int) -> dict[str, list[dict[str, Any]]]:
    """Rows of the AI tables that do not grow with hours, by table."""
    customer = next((plan.account_id for plan in plans if plan.service_id == HARDWARE), team_account())
    plain = (
        "deployment_id",
        "account_id",
        "model_id",
        "release_id",
        "cluster_id",
        "service_id",
        "accel_type",
        "valid_from",
        "valid_to",
    )
    deployments = [
        {name: getattr(plan, name) for name in plain}
        | {"lifecycle_stage": plan.stage, "replicas": max(1, plan.reserved // 8), "accel_per_replica": 8, "tags": None}
        for plan in plans
    ]
    quality = [
        {"model_id": model, "benchmark": "skerry-exam", "metric": "accuracy", "score": score, "higher_is_better": True, "latency_p50_ms": latency,
         "source": "invented", "as_of": month_start(timeline.first)}
        for model, score, latency in _SCORES
    ]  # fmt: skip
    disclosed = [
        {"model_id": "skerry-70b", "part": part, "kg": mass, "kwh": None, "accel_h": hours, "watts": watts, "method": "lbm", "source": "model card (invented)"}
        for part, mass, hours, watts in (("training", 24_000, 1_100_000, 700), ("total", 24_000, None, None))
    ]  # fmt: skip
    return {
        "ai_models": _models(timeline, customer),
        "ai_releases": _releases(timeline, monthly_out_tokens),
        "ai_disclosures": disclosed,
        "accelerator_types": list(_TYPES),
        "ai_deployments": deployments,
        "ai_clusters": [{"cluster_id": c.cluster_id, "pue": str(c.pue)} for c in CLUSTERS if c.cluster_id != "jp-1"],
        "ai_model_quality": quality,
    }
