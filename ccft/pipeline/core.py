"""What a run starts from: the core tables, and the identity that follows from their content."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from ccft import __version__
from ccft.audit.fingerprint import fingerprints, usage_contents
from ccft.config import Settings
from ccft.errors import Problem, fail, raise_all
from ccft.ingest.fingerprint import PENDING
from ccft.lake.memory import on_driver, short_plans
from ccft.lake.tables import Lake
from ccft.methodology.model import Methodology
from ccft.schema.tables import CORE


def _require_complete(ingest_log: pa.Table) -> None:
    """Stop when the newest line of a table or period says that its ingest never finished."""
    newest = {(row["table_name"], row["period"]): row for row in ingest_log.sort_by("ingested_at").to_pylist()}
    pending = sorted({row["ingest_id"] for row in newest.values() if row["fingerprint"] == PENDING})
    raise_all(Problem("CCFT-RUN-INGEST-INCOMPLETE", {"ingest": ingest}) for ingest in pending)


@dataclass(frozen=True)
class Core:
    """Core tables: reference tables on the driver, read once; usage tables where they are.

    Of the accounts only the provider's own is among them: `core_account_usage` carries the organisation of the month.
    """

    spark: SparkSession
    reference: dict[str, pa.Table]
    usage: dict[str, DataFrame]

    @classmethod
    def open(cls, lake: Lake, settings: Settings) -> "Core":
        """Open the core tables of a lake.

        Raises
        ------
        CcftError
            `CCFT-USAGE-NO-LAKE`, or `CCFT-RUN-INGEST-INCOMPLETE` when an ingest was killed and not run again.
        """
        if not lake.exists("ingest_log"):
            raise fail("CCFT-USAGE-NO-LAKE", path=lake.root)
        _require_complete(lake.rows("ingest_log"))
        names = [registered.name for registered in CORE]
        usage = {name: lake.read(name) for name in names if name.endswith("_usage")}
        small = [name for name in names if name not in usage and name != "core_accounts"]
        reference = {name: lake.rows(name) for name in small}
        own = lake.read("core_accounts").where(F.col("account_id") == settings.provider_account_id)
        with short_plans(lake.spark):
            reference["core_accounts"] = own.toArrow()
        return cls(lake.spark, reference, usage)

    def frames(self, periods: Sequence[str]) -> dict[str, DataFrame]:
        """All tables as frames, usage of the periods only."""
        reference = {name: on_driver(self.spark, rows) for name, rows in self.reference.items()}
        return reference | {
            name: frame.where(F.col("usage_period").isin(*periods)) for name, frame in self.usage.items()
        }


@dataclass(frozen=True)
class Identity:
    """What makes a run of a period the same run."""

    period: str
    run_id: str
    input_fingerprint: str
    account_rows: int


def identify(core: Core, periods: Sequence[str], policy: Methodology, settings: Settings) -> list[Identity]:
    """Derive each period's run id from the content of its inputs, policies, code and settings.

    Raises
    ------
    CcftError
        `CCFT-RUN-NOT-INGESTED` for each period without usage and without activity.
    """
    with short_plans(core.spark):
        usage = usage_contents(core.usage, periods)
    known = {period for _, period in usage} | set(core.reference["core_activity"]["period"].to_pylist())
    raise_all(Problem("CCFT-RUN-NOT-INGESTED", {"period": p, "table": "the lake"}) for p in periods if p not in known)
    prints = fingerprints(core.reference, usage, periods)
    common = f"{policy.version} {policy.policy_hash} {__version__} {settings.result_hash()}"
    run_ids = {p: "run-" + sha256(f"{p} {prints[p]} {common}".encode()).hexdigest()[:16] for p in periods}
    rows = {month: content.rows for (name, month), content in usage.items() if name == "core_account_usage"}
    return [Identity(p, run_ids[p], prints[p], rows.get(p, 0)) for p in periods]
