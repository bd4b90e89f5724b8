"""The training ledger of an AI run: its lines, and the memo rows that say which tokens used whose training."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.ai.ledger import Booked, Line, draws, roll_forward
from ccft.ai.reports import event
from ccft.ai.tokens import ROW_KEY
from ccft.config import Settings
from ccft.kernel.apportion import apportion
from ccft.kernel.exact import kilograms
from ccft.kernel.quotients import half_up
from ccft.lake.tables import Lake
from ccft.methodology.model import Methodology
from ccft.pipeline.ai_core import AiCore
from ccft.pipeline.ai_split import Split, as_row
from ccft.schema.ai_columns import ACCOUNTING_METHODS, AMORTISED, DEVELOPMENT_STAGES
from ccft.schema.spark import local_frame
from ccft.schema.units import MASS_SCALE, Q_SCALE, QUANTA_PER_KG

METHODS: Final = {
    method: ("scope_1", f"scope_2_{method}", f"scope_3_fera_{method}", "scope_3_embodied")
    for method in ACCOUNTING_METHODS
}
LEDGER: Final = "ai_training_ledger"
_MILLI: Final = 1000
_DRAW_SCHEMA: Final = "payer string, release string, measure string, quanta bigint"


@dataclass(frozen=True)
class Training:
    """Ledger rows, memo rows of `ai_emissions` and remarks."""

    lines: list[dict[str, Any]]
    memo: DataFrame
    events: list[dict[str, Any]]


def roll(lake: Lake, settings: Settings, policy: Methodology, split: Split) -> Training:
    """Roll the ledger forward to the month, whose rows are written; a month with later ledger lines is closed and keeps its own."""
    version, core = policy.version, split.core
    period = core.period
    log = lake.read(LEDGER).where(F.col("methodology_version") == version).toArrow().to_pylist()
    tokens = split.released
    is_closed = any(row["usage_period"] > period for row in log)
    if is_closed:
        lines = [row for row in log if row["usage_period"] == period]
    else:
        developed = _developed(lake, period, version)
        lines = []
        for method in ACCOUNTING_METHODS:
            booked = [
                _booked(row) for row in log if row["usage_period"] < period and row["accounting_method"] == method
            ]
            rolled = roll_forward(period, core.releases, booked, developed[method], tokens, settings.ai.ledger_policy)
            lines += [_row(line, method, settings.ai.ledger_policy) for line in rolled]
    return Training(lines, _memo(lake, core, lines, split), _events(core, lines, settings))


def _quanta(mass: Decimal) -> int:
    return int(mass * QUANTA_PER_KG)


def _booked(row: Mapping[str, Any]) -> Booked:
    return Booked(
        row["usage_period"],
        row["release_id"],
        _quanta(row["added_kg"]),
        _quanta(row["closing_kg"]),
        Fraction(row["out_tokens"]),
    )


def _kg(quanta: int) -> Decimal:
    return Decimal(quanta).scaleb(-MASS_SCALE)


def _row(line: Line, method: str, policy: str) -> dict[str, Any]:
    remaining = None if line.remaining_out_tokens is None else half_up(line.remaining_out_tokens, Q_SCALE)
    masses = {
        f"{name}_kg": _kg(getattr(line, name)) for name in ("opening", "added", "amortised", "written_off", "closing")
    }
    return {
        "release_id": line.release_id,
        "accounting_method": method,
        "model_id": line.model_id,
        "policy": policy,
        **masses,
        "out_tokens": half_up(line.out_tokens, Q_SCALE),
        "remaining_out_tokens": remaining,
        "remaining_days": line.remaining_days,
        "rate_g_per_1k_out_tokens": line.rate,
        "inherited_g_per_1k_out_tokens": line.inherited,
    }


def _developed(lake: Lake, period: str, version: str) -> dict[str, dict[str, int]]:
    """Quanta of development stages per method and release, all months up to this one; what came as residual included."""
    rows = lake.read("ai_emissions").where(
        (F.col("methodology_version") == version)
        & (F.col("usage_period") <= period)
        & ~F.col("is_memo")
        & F.col("stage").isin(*DEVELOPMENT_STAGES)
    )
    sums = rows.groupBy("release_id", "measure").agg(F.sum("emissions_kg").alias("kg")).collect()
    found: dict[str, dict[str, int]] = {method: {} for method in METHODS}
    for row in sums:
        for method, measures in METHODS.items():
            if row["measure"] in measures and row["release_id"] is not None:
                own = found[method]
                own[row["release_id"]] = own.get(row["release_id"], 0) + _quanta(row["kg"])
    return found


def _memo(lake: Lake, core: AiCore, lines: Iterable[Mapping[str, Any]], split: Split) -> DataFrame:
    """Memo rows: what was amortised, over the account rows whose tokens used it; none where no row bears such tokens."""
    weight = F.floor(F.col("out_tokens") * _MILLI).cast("bigint")
    users = split.bearers.where("release IS NOT NULL").withColumn("weight", weight).where("weight > 0")
    borne = {
        row["release"]: Fraction(row["tokens"])
        for row in users.groupBy("release").agg(F.sum("weight").alias("tokens")).collect()
    }
    rows = []
    for method in ACCOUNTING_METHODS:
        amortised = {
            line["release_id"]: _quanta(line["amortised_kg"]) for line in lines if line["accounting_method"] == method
        }
        found = draws(amortised, core.releases, borne)
        rows += [(payer, user, method, amount) for (payer, user), amount in found.items() if amount]
    drawn = local_frame(lake.spark, rows, _DRAW_SCHEMA)
    tiers = [(name, month.tier) for name, month in split.months.items()]
    tier_of = local_frame(lake.spark, tiers, "deployment_id string, tier int")
    parts = users.join(F.broadcast(drawn), "release", "inner").join(F.broadcast(tier_of), "deployment_id", "inner")
    shared = apportion(parts, pool=("payer", "release", "measure"), key=(*ROW_KEY, "deployment_id", "model_id"))
    return shared.select(
        *ROW_KEY,
        "deployment_id",
        "model_id",
        F.col("payer").alias("release_id"),
        F.lit(AMORTISED).alias("stage"),
        F.lit(None).cast("string").alias("component"),
        "measure",
        F.lit(True).alias("is_memo"),
        *(kilograms("quanta").alias(name) for name in ("emissions_kg", "min_kg", "max_kg")),
        "tier",
    )


def _events(core: AiCore, lines: Iterable[Mapping[str, Any]], settings: Settings) -> list[dict[str, Any]]:
    """Releases with a balance that no token will ever pay."""
    if settings.ai.ledger_policy != "units":
        return []
    unknown = {release.release_id for release in core.releases if release.expected_out_tokens is None}
    stuck = sorted({line["release_id"] for line in lines if line["release_id"] in unknown and line["closing_kg"]})
    return [as_row(event("CCFT-EVENT-AI-NO-EXPECTATION", None, name)) for name in stuck]
