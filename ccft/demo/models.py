"""The models of Skerry Cloud: trained on the campus without customers, served where its inference service is sold, and by customers of their own.

Written after the usage tables and from them, so that tokens and accelerator-hours fit what accounts bought; the other tables stay as they were.
All figures are whole-number arithmetic on dates and account numbers: no random numbers.

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
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ccft.demo.files import AI_SCHEMAS, clear_parts, write_csv
from ccft.demo.provider import CLUSTERS, TRAINING_CLUSTER
from ccft.demo.services import SERVICE_INDEX
from ccft.demo.timeline import Timeline, day_of
from ccft.periods import month_end, month_start, shift

SERVICE, HARDWARE = "inference", "gpu"
ENDPOINTS = ("va-1", "or-1", "ie-1", "de-1", "in-1")
OWN_PARTS = 3
"""Customers with deployments of their own, at most."""
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


def _plans(timeline: Timeline, owners: Sequence[tuple[str, str]]) -> list[Plan]:
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
        plans.append(
            Plan(
                f"ep-{cluster}-chat",
                team,
                chat,
                f"{chat}-r1",
                cluster,
                SERVICE,
                "serving",
                start,
                None,
                "H100",
                16,
                30 + number * 6,
                40,
            )
        )
        plans.append(
            Plan(
                f"ep-{cluster}-small",
                team,
                small,
                f"{small}-r1",
                cluster,
                SERVICE,
                "serving",
                start,
                None,
                "A100",
                8,
                22 + number * 9,
                35,
            )
        )
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


def _small_tables(
    timeline: Timeline, plans: Sequence[Plan], monthly_out_tokens: int
) -> dict[str, list[dict[str, Any]]]:
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


_OWNERS = """
SELECT account_id, cluster_id FROM usage JOIN customers USING (account_id)
WHERE service_id = 'gpu' AND usage_units > 0
GROUP BY ALL HAVING count(DISTINCT period) = (SELECT count(DISTINCT period) FROM usage)
ORDER BY sum(usage_units) DESC, account_id, cluster_id LIMIT ?"""

# One hour per account, day and usage type: the day's tokens are those that the account bought.
_TOKENS = """
WITH used AS (
  SELECT usage_date, account_id, cluster_id, CAST(account_id AS BIGINT) AS number, day(usage_date) AS day,
    CAST(sum(CASE WHEN usage_type = 'inference:input' THEN usage_units ELSE 0 END) * 1000000 AS BIGINT) AS in_tokens,
    CAST(sum(CASE WHEN usage_type = 'inference:output' THEN usage_units ELSE 0 END) * 1000000 AS BIGINT) AS out_tokens
  FROM usage WHERE service_id = 'inference' AND period = ? AND list_contains(?, cluster_id) AND usage_units > 0
  GROUP BY ALL
), served AS (
  SELECT *, number % 3 = 2 AS is_small, in_tokens + out_tokens > 0 AS is_used FROM used
)
SELECT CAST(usage_date AS TIMESTAMP) + to_hours(CAST((number + day) % 24 AS INTEGER)) AS hour,
  'ep-' || cluster_id || CASE WHEN is_small THEN '-small' ELSE '-chat' END AS deployment_id, account_id,
  CASE WHEN is_small AND number % 2 = 0 AND usage_date < ? THEN 'skerry-3b'
       WHEN is_small OR (number % 3 = 1 AND day % 2 = 0) THEN 'skerry-8b' ELSE 'skerry-70b-chat' END AS model_id,
  (in_tokens + out_tokens) // 900 + 1 AS requests, in_tokens,
  CASE WHEN cluster_id = 'va-1' THEN in_tokens * (20 + day) // 100 END AS cached_in_tokens,
  out_tokens, NULL AS images_in, NULL AS images_out, NULL AS audio_s
FROM served WHERE is_used ORDER BY ALL"""

_HOURS = """
WITH slots AS (
  SELECT p.*, t.hour, day(t.hour) AS day, hour(t.hour) AS of_day, a.p_idle_kw,
    CASE WHEN p.stage IN ('serving', 'evaluation') THEN a.p_busy_serving_kw ELSE a.p_busy_training_kw END AS p_busy_kw,
    CASE WHEN p.reserved > 0 THEN CAST(p.reserved AS DECIMAL(28,6)) ELSE CAST(coalesce(b.micros, 0) // p.hours AS DECIMAL(28,6)) / 1000000 END AS reserved_h
  FROM plans p JOIN (SELECT unnest(generate_series(CAST(? AS TIMESTAMP), CAST(? AS TIMESTAMP) - INTERVAL 1 HOUR, INTERVAL 1 HOUR)) AS hour) t ON true
  JOIN types a USING (accel_type) LEFT JOIN bought b USING (account_id, cluster_id)
), worked AS (
  SELECT *, CAST(reserved_h AS DECIMAL(18,6)) AS r,
    CAST(CAST(reserved_h AS DECIMAL(18,6)) * CAST((busy_per_cent + (of_day * 7 + day * 3) % (swing + 1)) AS DECIMAL(4,0)) / 100 AS DECIMAL(18,6)) AS b,
    CASE WHEN stage = 'serving' THEN 'running' WHEN stage = 'pretraining' AND day % 9 = 4 AND of_day >= 18 THEN 'failed'
         WHEN stage = 'experimentation' AND day % 5 = 2 AND of_day < 8 THEN 'cancelled' ELSE 'completed' END AS job_state,
    cluster_id IN ('va-1', 'ie-1') OR (cluster_id = 'de-1' AND day % 2 = 0) AS is_metered
  FROM slots WHERE reserved_h > 0
)
SELECT hour, deployment_id, job_state, r AS reserved_accel_h, least(b, r) AS busy_accel_h,
  CASE WHEN is_metered THEN CAST((p_idle_kw * (r - least(b, r)) + p_busy_kw * least(b, r)) * (96 + day % 8) / 100 AS DECIMAL(18,6)) END AS energy_kwh
FROM worked ORDER BY ALL"""


def _table(name: str, rows: Sequence[dict[str, Any]]) -> pa.Table:
    schema = AI_SCHEMAS[name]
    typed = [{field.name: _value(row.get(field.name), field.type) for field in schema} for row in rows]
    return pa.Table.from_pylist(typed, schema=schema)


def _value(value: object, kind: pa.DataType) -> object:
    return Decimal(str(value)) if value is not None and pa.types.is_decimal(kind) else value


class _Usage:
    """The usage as written, in DuckDB."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.connection = duckdb.connect(config={"threads": 1})
        self.connection.execute(
            f"CREATE VIEW usage AS SELECT *, strftime(usage_date, '%Y-%m') AS period FROM read_parquet('{out}/account_usage/*.parquet')"  # noqa: S608
        )
        self.connection.execute(
            f"CREATE TABLE customers AS SELECT DISTINCT account_id FROM read_csv('{out}/accounts.csv', all_varchar = true)"  # noqa: S608
            " WHERE account_type = 'external'"
        )

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, list(values)).fetchall()

    def write(self, name: str, period: str, sql: str, *values: object) -> int:
        """One month of a usage table as Parquet; rows written."""
        found = self.connection.sql(sql, params=list(values)).to_arrow_table().cast(AI_SCHEMAS[name])
        folder = self.out / name
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(found, folder / f"part-{period}-000.parquet", compression="zstd", compression_level=1)
        return int(found.num_rows)


def write_models(out: Path, timeline: Timeline) -> dict[str, int]:
    """Write the AI tables of a world whose usage and accounts are written; rows per table."""
    usage = _Usage(out)
    owners = [(row[0], row[1]) for row in usage.rows(_OWNERS, OWN_PARTS)]
    plans = _plans(timeline, owners)
    first = "SELECT coalesce(CAST(sum(usage_units) * 1000000 AS BIGINT), 0) FROM usage WHERE usage_type = 'inference:output' AND period = ?"
    out_tokens = int(usage.rows(first, timeline.first)[0][0])
    small = {name: _table(name, rows) for name, rows in _small_tables(timeline, plans, max(out_tokens, 1)).items()}
    rows = {name: found.num_rows for name, found in small.items()}
    for name, found in small.items():
        write_csv(out, name, found)
    usage.connection.register("types", small["accelerator_types"])
    for name in ("ai_accelerator_usage", "ai_token_usage"):
        clear_parts(out, name)
        rows[name] = sum(_month(usage, name, period, timeline, plans) for period in timeline.periods)
    usage.connection.close()
    return rows


def _month(usage: _Usage, name: str, period: str, timeline: Timeline, plans: Sequence[Plan]) -> int:
    start, end = month_start(period), month_end(period)
    if name == "ai_token_usage":
        return usage.write(name, period, _TOKENS, period, list(ENDPOINTS), retired_on(timeline))
    valid = [plan for plan in plans if plan.valid_from <= period <= (plan.valid_to or period)]
    hours = (end - start).days * 24
    shares = {plan.account_id: sum(other.account_id == plan.account_id for other in valid) for plan in valid}
    lines = [
        (
            p.deployment_id,
            p.account_id,
            p.cluster_id,
            p.stage,
            p.accel_type,
            p.reserved,
            p.busy_per_cent,
            p.swing,
            hours * shares[p.account_id],
        )
        for p in valid
    ]
    usage.connection.execute(
        "CREATE OR REPLACE TABLE plans (deployment_id VARCHAR, account_id VARCHAR, cluster_id VARCHAR, stage VARCHAR, accel_type VARCHAR,"
        " reserved BIGINT, busy_per_cent BIGINT, swing BIGINT, hours BIGINT)"
    )
    usage.connection.executemany("INSERT INTO plans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", lines)
    usage.connection.execute(
        "CREATE OR REPLACE TABLE bought AS SELECT account_id, cluster_id, CAST(sum(usage_units) * 600000 AS BIGINT) AS micros"
        " FROM usage WHERE service_id = 'gpu' AND period = ? GROUP BY ALL",
        [period],
    )
    return usage.write(name, period, _HOURS, start, end)
