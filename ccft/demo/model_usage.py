"""What deployments of `ccft.demo.models` did: accelerator-hours and tokens per hour, and the small AI tables beside them.

Tokens and customer-run hours are taken from the usage that is already written, so they fit what accounts bought.
"""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ccft.demo.files import AI_SCHEMAS, clear_parts, write_csv
from ccft.demo.models import ENDPOINTS, Plan, plans_of, retired_on, small_tables
from ccft.demo.timeline import Timeline
from ccft.periods import month_end, month_start

OWN_PARTS = 3
"""Customers with deployments of their own, at most."""

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
    plans = plans_of(timeline, owners)
    first = "SELECT coalesce(CAST(sum(usage_units) * 1000000 AS BIGINT), 0) FROM usage WHERE usage_type = 'inference:output' AND period = ?"
    out_tokens = int(usage.rows(first, timeline.first)[0][0])
    small = {name: _table(name, rows) for name, rows in small_tables(timeline, plans, max(out_tokens, 1)).items()}
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
