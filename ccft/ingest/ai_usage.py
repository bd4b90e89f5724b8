"""AI usage: from hourly rows to monthly sums of deployments, and of accounts on them.

Token usage is summed to month x deployment x account x model while it is read (`usage.grouped`): nothing is joined before. Accelerator usage is
bounded by deployments x hours and needs the hour: busy time above the reserved is clipped per hour, and the idle part of a metered hour is at most
idle power x idle hours.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.ingest import usage, validity
from ccft.ingest.usage import CACHED, MONTH, PERIOD_SQL, RETIRED, WRONG, Flaw
from ccft.schema.spark import quote
from ccft.schema.tables import table

TOKENS: Final = table("ai_token_usage")
HOURS: Final = table("ai_accelerator_usage")
TOKEN_KEY: Final = (MONTH, "deployment_id", "account_id", "model_id")
HOUR_KEY: Final = (MONTH, "deployment_id", "job_state")
_METERED: Final = "energy_kwh IS NOT NULL"
_BUSY: Final = "least(busy_accel_h, reserved_accel_h)"
# Spark cuts a product of more than 38 digits to 6 decimals: hours of 19 digits keep all 12 of power x hours. Beyond them the meter is less anyway.
_IDLE: Final = f"CAST(least(reserved_accel_h - {_BUSY}, 9999999999999) AS decimal(19,6))"
_SUMS: Final = (
    "sum(reserved_accel_h) AS reserved_accel_h",
    f"sum({_BUSY}) AS busy_accel_h",
    f"sum(IF({_METERED}, reserved_accel_h, 0)) AS metered_reserved_h",
    f"sum(IF({_METERED}, {_BUSY}, 0)) AS metered_busy_h",
    "sum(coalesce(energy_kwh, 0)) AS metered_kwh",
    # `least` passes over nulls: an hour without a meter would count its power curve here.
    # A sum that does not fit is null, which is beyond the column's range.
    f"try_sum(IF({_METERED}, least(energy_kwh, p_idle_kw * {_IDLE}), 0)) AS metered_idle_kwh",
    "CAST(bit_count(bit_or(IF(reserved_accel_h > 0, shiftleft(1L, dayofmonth(hour)), 0L))) AS INT) AS active_days",
    "count_if(busy_accel_h > reserved_accel_h) AS clipped_hours",
    "sum(row_count) AS row_count",
    "sum(copies) AS copies",
)


def further_flaws(name: str, known: Mapping[str, Iterable[Mapping[str, Any]]]) -> list[Flaw]:
    """Flaws of rows beyond their columns: unknown job states; more cached than input tokens, tokens after retirement.

    Retirements are few and small: they stand in the expression, so that hourly rows need no join.

    Parameters
    ----------
    known
        What `retirements` found.
    """
    if name == HOURS.name:
        states = ", ".join(quote(state) for state in HOURS.column("job_state").values)
        return [Flaw(f"job_state NOT IN ({states})", WRONG, "job_state")]
    gone = {row["model_id"]: row["retire_date"] for row in known["ai_models"] if row["retire_date"]}
    found = [Flaw("cached_in_tokens > in_tokens", CACHED, "cached_in_tokens")]
    found += _after("model_id", gone)
    retired = {
        row["release_id"]: row["retire_date"]
        for row in sorted(known["ai_releases"], key=lambda row: str(row["valid_from"]))
    }
    found += _after("deployment_id", {
        row["deployment_id"]: retired[row["release_id"]] for row in known["ai_deployments"] if retired.get(row["release_id"])
    })  # fmt: skip
    return found


def _after(column: str, retired: Mapping[str, Any]) -> list[Flaw]:
    if not retired:
        return []
    cases = " ".join(f"WHEN {quote(key)} THEN TIMESTAMP'{day}'" for key, day in sorted(retired.items()) if key)
    return [Flaw(f"hour >= CASE {column} {cases} END", RETIRED, "hour")]


def _deployments(deployments: DataFrame, types: DataFrame) -> DataFrame:
    """Deployments by month, with idle power: one row covers each month of a known deployment."""
    power = types.dropDuplicates(["accel_type"]).select("accel_type", "p_idle_kw")
    own = deployments.selectExpr(
        "deployment_id AS known_deployment_id", *validity.COVERS, "valid_from", "valid_to", "accel_type"
    )
    return F.broadcast(own.join(F.broadcast(power), "accel_type", "left").drop("accel_type"))


def _with_deployment(frame: DataFrame, deployments: DataFrame, types: DataFrame) -> DataFrame:
    """Adds `period`, `p_idle_kw`, `known_deployment_id`, `is_deployed`."""
    rows = frame.selectExpr("*", f"{PERIOD_SQL} AS period")
    on = F.expr(f"deployment_id = known_deployment_id AND {validity.covers('period')}")
    joined = rows.join(_deployments(deployments, types), on, "left")
    return joined.selectExpr(
        *rows.columns, "p_idle_kw", "known_deployment_id", f"{validity.is_valid('period')} AS is_deployed"
    )


_DEPLOYMENT_CASES: Final = (
    "WHEN known_deployment_id IS NULL THEN 'CCFT-INPUT-UNKNOWN-DEPLOYMENT'"
    " WHEN NOT is_deployed THEN 'CCFT-INPUT-INVALID-DEPLOYMENT'"
)


def hours_with_condition(frame: DataFrame, deployments: DataFrame, types: DataFrame) -> DataFrame:
    """Adds `period`, `p_idle_kw`, `condition` (null: usable) to rows of `usage.daily`; grain unchanged."""
    joined = _with_deployment(frame, deployments, types)
    condition = f"CASE {usage.flaw_cases()} {_DEPLOYMENT_CASES} END"
    return joined.selectExpr(*frame.columns, "period", "p_idle_kw", f"{condition} AS condition")


def monthly_hours(rows: DataFrame, deployments: DataFrame, types: DataFrame) -> DataFrame:
    """Sum hours: one row per `HOUR_KEY` and condition (null: usable).

    Parameters
    ----------
    rows
        Rows of `usage.daily`.
    deployments, types
        Typed snapshots; deployments with `validity.COVERS`.
    """
    judged = hours_with_condition(rows, deployments, types)
    sums = judged.groupBy("period", *HOUR_KEY, "condition").agg(*(F.expr(sql) for sql in _SUMS))
    return sums.selectExpr("*", f"{_beyond('core_ai_accelerator_usage', sums)} AS is_beyond_range")


def tokens_with_condition(
    frame: DataFrame, deployments: DataFrame, types: DataFrame, models: DataFrame, accounts: DataFrame
) -> DataFrame:
    """Adds `period`, `condition` (null: usable) to token sums or rows; grain unchanged."""
    known = F.broadcast(models.selectExpr("model_id", "true AS is_model").distinct())
    placed = _with_deployment(frame, deployments, types).join(known, "model_id", "left")
    own = accounts.selectExpr(
        "account_id AS known_account_id", *validity.COVERS, "valid_from AS account_from", "valid_to AS account_to"
    )
    joined = placed.join(own, F.expr(f"account_id = known_account_id AND {validity.covers('period')}"), "left")
    is_valid = "period BETWEEN account_from AND coalesce(account_to, '9999-12')"
    condition = (
        f"CASE {usage.flaw_cases()} {_DEPLOYMENT_CASES} WHEN is_model IS NULL THEN 'CCFT-INPUT-UNKNOWN-MODEL'"
        " WHEN known_account_id IS NULL THEN 'CCFT-INPUT-UNKNOWN-ACCOUNT'"
        f" WHEN NOT ({is_valid}) THEN 'CCFT-INPUT-INVALID-ACCOUNT' END"
    )
    return joined.selectExpr(*frame.columns, "period", f"{condition} AS condition")


def monthly_tokens(
    sums: DataFrame, deployments: DataFrame, types: DataFrame, models: DataFrame, accounts: DataFrame
) -> DataFrame:
    """Say which token sums cannot be used: one row per `TOKEN_KEY`, flaw and condition (null: usable).

    Parameters
    ----------
    sums
        Rows of `usage.trusted` and `usage.looked_at`: the only rows of the large table that are joined.
    """
    judged = tokens_with_condition(sums, deployments, types, models, accounts)
    return judged.selectExpr("*", f"{usage.beyond_range(TOKENS)} AS is_beyond_range")


def _beyond(name: str, frame: DataFrame) -> str:
    columns = [
        column for column in table(name).columns if column.type.startswith("decimal") and column.name in frame.columns
    ]
    return " OR ".join(f"(try_cast({c.name} AS {c.type}) IS NULL)" for c in columns)


def core(pools: DataFrame, name: str, *, is_small: bool = False) -> DataFrame:
    """Rows of the core table of a usage table."""
    registered = table(f"core_{name}")
    usable = (
        pools.where("condition IS NULL").withColumnRenamed("period", "usage_period").select(*registered.column_names)
    )
    placed = (
        usable.coalesce(1) if is_small or name == HOURS.name else usable.hint("rebalance", *registered.partition_by)
    )
    return placed.sortWithinPartitions(*registered.key)


def retirements(frames: Mapping[str, DataFrame]) -> dict[str, Sequence[Mapping[str, Any]]]:
    """Rows of the small tables that `further_flaws` looks at; they are on the driver already."""
    columns = {
        "ai_models": ("model_id", "retire_date"),
        "ai_releases": ("release_id", "valid_from", "retire_date"),
        "ai_deployments": ("deployment_id", "release_id"),
    }
    return {
        name: [row.asDict() for row in frames[name].select(*names).collect()] if name in frames else []
        for name, names in columns.items()
    }
