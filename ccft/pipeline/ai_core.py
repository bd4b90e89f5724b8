"""What an AI run starts from: the AI core tables as the month sees them, and the identity that follows from their content."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from hashlib import sha256
from typing import Any, Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft import __version__
from ccft.ai.drivers import Accelerator, Deployment
from ccft.ai.ledger import Release
from ccft.audit.published import Line
from ccft.config import Settings
from ccft.errors import fail
from ccft.lake.tables import Lake
from ccft.methodology.model import Methodology
from ccft.periods import month_end, month_start

Row = dict[str, Any]
_OPEN: Final = "9999-12"
_ENDS: Final = ("valid_to", "retire_date")
"""What ends later was still open in the month; ends within it show in the releases."""
_USAGE: Final = ("core_ai_accelerator_usage", "core_ai_token_usage")


@dataclass(frozen=True)
class AiCore:
    """AI inputs of one month.

    Parameters
    ----------
    deployments
        Valid in the month.
    models, releases
        By id; releases as the month sees them.
    release_of
        Release of a model that tokens on another model's deployment count for.
    pue
        Power usage effectiveness per cluster, as far as delivered.
    teams
        Accounts whose team runs a service.
    hours
        Rows of `core_ai_accelerator_usage` of the month.
    tokens
        Rows of `core_ai_token_usage` of the month.
    """

    period: str
    deployments: tuple[Deployment, ...]
    models: dict[str, Row]
    releases: tuple[Release, ...]
    release_of: dict[str, str]
    pue: dict[str, Fraction]
    teams: tuple[str, ...]
    hours: tuple[Row, ...]
    tokens: DataFrame
    content: str

    @classmethod
    def open(cls, lake: Lake, period: str) -> "AiCore":
        """Open the AI core tables.

        Raises
        ------
        CcftError
            `CCFT-RUN-NOT-INGESTED` when the lake holds no AI inputs that are valid in the month.
        """
        small = {name: lake.rows(f"core_{name}").to_pylist() for name in (
            "ai_models", "ai_releases", "accelerator_types", "ai_deployments", "ai_clusters", "ai_model_quality")}  # fmt: skip
        valid = [row for row in small["ai_deployments"] if row["valid_from"] <= period <= (row["valid_to"] or _OPEN)]
        if not valid:
            raise fail("CCFT-RUN-NOT-INGESTED", period=period, table="ai_deployments")
        owners = _owners(lake, period, {row["account_id"] for row in valid})
        types = {row["accel_type"]: row for row in small["accelerator_types"]}
        usage = {name: lake.read(name).where(F.col("usage_period") == period) for name in _USAGE}
        hours = tuple(usage[_USAGE[0]].toArrow().to_pylist())
        releases = _releases(small["ai_releases"], small["ai_models"], period)
        clusters = {row["cluster_id"] for row in valid}
        placed = [row for row in small["ai_clusters"] if row["cluster_id"] in clusters]
        lines = [*_lines(valid), *_lines(types.values()), *_lines(placed), *_lines(hours), *map(repr, releases)]
        used = {row["model_id"] for row in valid}
        lines += [
            *_lines(row for row in small["ai_models"] if row["model_id"] in used),
            *_lines(row for row in small["ai_releases"] if row["valid_from"] <= period and row["model_id"] in used),
            *_lines(row for row in small["ai_model_quality"] if row["model_id"] in used),
            f"owners {sorted(owners.items())}",
            _content(usage[_USAGE[1]]),
        ]
        return cls(
            period=period,
            deployments=tuple(_deployment(row, types, owners) for row in valid),
            models={row["model_id"]: row for row in small["ai_models"]},
            releases=releases,
            release_of=_release_of(releases),
            pue={row["cluster_id"]: Fraction(row["pue"]) for row in placed if row["pue"] is not None},
            teams=tuple(sorted(account for account, owner in owners.items() if owner)),
            hours=hours,
            tokens=usage[_USAGE[1]],
            content=sha256("\n".join(sorted(lines)).encode()).hexdigest(),
        )

    def run_id(self, base: Line, policy: Methodology, settings: Settings) -> str:
        """Name of the run: derived from everything that determines its rows."""
        parts = (self.period, base.run_id, self.content, policy.version, __version__, settings.ai.result_hash())
        return "ai-" + sha256(" ".join(parts).encode()).hexdigest()[:16]


def _lines(rows: Iterable[Row]) -> list[str]:
    """Rows as text, without the columns that may be filled in later."""
    return [str(sorted((name, str(value)) for name, value in row.items() if name not in _ENDS)) for row in rows]


def _content(tokens: DataFrame) -> str:
    """Rows of the token usage and the sum of their hashes: one scan."""
    columns = [F.coalesce(F.col(name).cast("string"), F.lit("\x00")) for name in sorted(tokens.columns)]
    hashed = tokens.select(F.xxhash64(*columns).cast("decimal(20,0)").alias("h"))
    row = hashed.agg(F.count("*").alias("rows"), F.sum("h").alias("total")).collect()[0]
    return f"tokens {row['rows']} {row['total']}"


def _owners(lake: Lake, period: str, accounts: set[str]) -> dict[str, str | None]:
    """Service that the accounts of deployments, and of all teams, run in the month."""
    known = lake.read("core_accounts")  # before any expression: reading opens the session that they need
    is_wanted = F.col("owner_service_id").isNotNull() | F.col("account_id").isin(*sorted(accounts))
    is_valid = F.lit(period).between(F.col("valid_from"), F.coalesce("valid_to", F.lit(_OPEN)))
    found = known.where(is_wanted & is_valid).select("account_id", "owner_service_id")
    return {row["account_id"]: row["owner_service_id"] for row in found.toArrow().to_pylist()}


def _deployment(row: Row, types: dict[str, Row], owners: dict[str, str | None]) -> Deployment:
    names = ("p_idle_kw", "p_busy_serving_kw", "p_busy_training_kw", "capacity_weight", "embodied_kg", "life_h")
    accelerator = Accelerator(**{name: types[row["accel_type"]][name] for name in names})
    plain = ("deployment_id", "account_id", "model_id", "release_id", "cluster_id", "service_id", "accel_type")
    return Deployment(
        **{name: row[name] for name in plain},
        lifecycle_stage=row["lifecycle_stage"],
        is_team_run=owners.get(row["account_id"]) == row["service_id"],
        accelerator=accelerator,
    )


def _release_of(releases: Sequence[Release]) -> dict[str, str]:
    """Newest release per model; ties to the largest id."""
    newest: dict[str, Release] = {}
    for release in sorted(releases, key=lambda item: (item.starts_on, item.release_id)):
        newest[release.model_id] = release
    return {model: release.release_id for model, release in newest.items()}


def _releases(rows: Sequence[Row], models: Sequence[Row], period: str) -> tuple[Release, ...]:
    """Releases that the month knows, with the expectation in force."""
    by_model = {row["model_id"]: row for row in models}
    history: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: str(row["valid_from"])):
        if row["valid_from"] <= period and row["model_id"] in by_model:
            history.setdefault(row["release_id"], []).append(row)
    plain = [_release(history[name], by_model[history[name][-1]["model_id"]], period) for name in sorted(history)]
    newest = _release_of(plain)
    return tuple(_derived(release, by_model[release.model_id], newest) for release in plain)


def _release(history: Sequence[Row], model: Row, period: str) -> Release:
    first, last = history[0], history[-1]
    starts = max(month_start(first["valid_from"]), model["release_date"])
    ends: list[date | None] = [last["retire_date"], model["retire_date"]]
    known = [day for day in ends if day is not None and day < month_end(period)]
    return Release(
        last["release_id"],
        last["model_id"],
        last["valid_from"],
        last["expected_lifetime_out_tokens"],
        starts,
        model["expected_life_days"],
        min(known, default=None),
    )


def _derived(release: Release, model: Row, newest: dict[str, str]) -> Release:
    parent, share = model["parent_model_id"], model["parent_share"]
    if parent is None or not share or parent not in newest:
        return release
    return Release(**{**release.__dict__, "parent_release_id": newest[parent], "parent_share": Fraction(share)})
