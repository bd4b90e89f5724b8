"""From rows of small tables to facts.

======================  ======================================================================================
table                   rows
======================  ======================================================================================
`ai_emissions`          of the period, summed over accounts, without `_unattributed`
`ai_activity`           of the period
`ai_traffic`            optional: tokens per deployment and model; needed where a deployment serves several
`ai_training_ledger`    of the version, all months up to the period
`core_ai_models`, `core_ai_releases`, `core_ai_model_quality`, `core_ai_disclosures`: as ingested
`ai_clusters`           cluster_id, pue, grid_kg_per_mwh
======================  ======================================================================================

Cells that are absent are unknown.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from ccft.ai.facts import (
    SERVING,
    SERVING_STAGES,
    Cluster,
    Deployment,
    Disclosed,
    Facts,
    LedgerLine,
    Mass,
    Model,
    Quality,
    Release,
    Traffic,
    Work,
    quanta_of,
)
from ccft.schema.ai_columns import UNATTRIBUTED

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]
_ZERO: Final = Decimal(0)


def _masses(rows: Iterable[Row]) -> tuple[Mass, ...]:
    return tuple(
        Mass(
            row["deployment_id"],
            row["model_id"] or UNATTRIBUTED,
            row["release_id"] or UNATTRIBUTED,
            row["stage"],
            row["component"] or "",
            row["measure"],
            quanta_of(row["emissions_kg"]),
            quanta_of(row["min_kg"]),
            quanta_of(row["max_kg"]),
            row["tier"],
            row["is_memo"],
        )
        for row in rows
        if row["deployment_id"] != UNATTRIBUTED
    )


def _work(row: Row) -> Work:
    return Work(
        row["deployment_id"],
        row["stage"],
        row.get("kwh") or _ZERO,
        row.get("idle_kwh") or _ZERO,
        row.get("metered_kwh") or _ZERO,
        row.get("reserved_h") or _ZERO,
        row.get("busy_h") or _ZERO,
        (row.get("failed_h") or _ZERO) + (row.get("cancelled_h") or _ZERO),
    )


def _sum_known(*values: Decimal | None) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, _ZERO) if known else None


def _traffic(row: Row) -> Traffic:
    return Traffic(
        row["deployment_id"],
        row["model_id"],
        row.get("in_tokens") or _ZERO,
        row.get("cached_in_tokens"),
        row.get("out_tokens") or _ZERO,
        row.get("requests") or _ZERO,
        _sum_known(row.get("images_in"), row.get("images_out")),
        row.get("audio_s"),
        row.get("customers") or 0,
    )


def _deployment(rows: Sequence[Row]) -> Deployment:
    """One deployment from its rows of `ai_activity`: what a serving one says of serving comes first."""
    serving = [row for row in rows if row["stage"] in SERVING_STAGES]
    first = (serving or list(rows))[0]
    known: list[Decimal] = [row["coverage"] for row in rows if row.get("coverage") is not None]
    factors: list[Decimal] = [row["pue"] for row in rows if row.get("pue") is not None]
    return Deployment(
        first["deployment_id"],
        first["account_id"],
        first["model_id"],
        first["release_id"] or UNATTRIBUTED,
        first["cluster_id"],
        first["service_id"],
        first["accel_type"],
        SERVING if serving else first["stage"],
        max(factors, default=Decimal(1)),
        min(known, default=None),
        max(row.get("active_days") or 0 for row in rows),
    )


def _deployments(rows: Iterable[Row]) -> dict[str, Deployment]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row["deployment_id"] != UNATTRIBUTED:
            groups[row["deployment_id"]].append(row)
    return {name: _deployment(groups[name]) for name in sorted(groups)}


def _models(rows: Iterable[Row]) -> dict[str, Model]:
    return {
        row["model_id"]: Model(
            row["model_id"],
            row["task"],
            row["owner_account_id"],
            row["family"],
            row["version"],
            row["params_total_b"],
            row["params_active_b"],
            row["parent_model_id"],
        )
        for row in rows
    }


def _releases(rows: Iterable[Row], period: str, ledger: Iterable[Row]) -> dict[str, Release]:
    """Releases as valid in the period; one that only the ledger knows has no training figures."""
    found = {row["release_id"]: Release(row["release_id"], row["model_id"]) for row in ledger}
    for row in sorted(rows, key=lambda row: str(row["valid_from"])):
        if row["valid_from"] <= period:
            found[row["release_id"]] = Release(
                row["release_id"], row["model_id"], row["training_tokens"], row["training_flop"]
            )
    return found


def _ledger(rows: Iterable[Row], period: str) -> tuple[LedgerLine, ...]:
    to_date: dict[tuple[str, str], int] = defaultdict(int)
    lines = []
    for row in sorted(rows, key=lambda row: str(row["usage_period"])):
        key = (row["release_id"], row["accounting_method"])
        if row["usage_period"] > period:
            continue
        to_date[key] += quanta_of(row["added_kg"])
        if row["usage_period"] == period:
            lines.append(
                LedgerLine(
                    *key,
                    opening=quanta_of(row["opening_kg"]),
                    added=quanta_of(row["added_kg"]),
                    amortised=quanta_of(row["amortised_kg"]),
                    written_off=quanta_of(row["written_off_kg"]),
                    closing=quanta_of(row["closing_kg"]),
                    added_to_date=to_date[key],
                )
            )
    return tuple(lines)


def _qualities(rows: Iterable[Row]) -> tuple[Quality, ...]:
    return tuple(
        Quality(
            row["model_id"],
            row["benchmark"],
            row["metric"],
            row["score"],
            row["higher_is_better"],
            row["latency_p50_ms"],
        )
        for row in rows
    )


def disclosed_of(rows: Iterable[Row]) -> tuple[Disclosed, ...]:
    """Rows of `ai_disclosures`."""
    names = ("model_id", "part", "kg", "kwh", "accel_h", "watts", "method", "source")
    return tuple(Disclosed(*(row[name] for name in names)) for row in rows)


def _clusters(rows: Iterable[Row]) -> dict[str, Cluster]:
    return {row["cluster_id"]: Cluster(row["cluster_id"], row["pue"], row["grid_kg_per_mwh"]) for row in rows}


def facts_of(period: str, version: str, measures: tuple[str, ...], tables: Tables) -> Facts:
    """Facts of one period and methodology version.

    Parameters
    ----------
    measures
        Measures that the version computes.
    tables
        By name, see the head of this module; those that are absent count as empty.
    """
    activity = tables.get("ai_activity", ())
    served = [row for row in activity if row["stage"] == SERVING and row.get("requests") is not None]
    traffic = tables.get("ai_traffic", served)
    ledger = tables.get("ai_training_ledger", ())
    return Facts(
        period,
        version,
        measures,
        _masses(tables.get("ai_emissions", ())),
        tuple(_work(row) for row in activity if row["deployment_id"] != UNATTRIBUTED),
        tuple(_traffic(row) for row in traffic),
        _deployments(activity),
        _clusters(tables.get("ai_clusters", ())),
        _models(tables.get("core_ai_models", ())),
        _releases(tables.get("core_ai_releases", ()), period, ledger),
        _ledger(ledger, period),
        _qualities(tables.get("core_ai_model_quality", ())),
        disclosed_of(tables.get("core_ai_disclosures", ())),
    )
