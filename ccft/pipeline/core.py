"""What a run starts from: the core tables, and the identity that follows from their content."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from ccft import __version__
from ccft.audit.fingerprint import fingerprints, usage_contents
from ccft.config import Settings
from ccft.errors import Problem, fail, raise_all
from ccft.ingest.fingerprint import PENDING
from ccft.lake.memory import on_driver
from ccft.lake.tables import Lake
from ccft.methodology.model import Methodology
from ccft.schema.tables import CORE


def _require_complete(ingest_log: pa.Table) -> None:
    """Stop when the newest line of a table or period says that its ingest never finished."""
    newest = {(row["table_name"], row["period"]): row for row in ingest_log.sort_by("ingested_at").to_pylist()}
    pending = sorted({row["ingest_id"] for row in newest.values() if row["fingerprint"] == PENDING})
    raise_all(Problem("CCFT-RUN-INGEST-INCOMPLETE", {"ingest": ingest}) for ingest in pending)


CLASSES: Final = "core_usage_classes"
MONTHLY: Final = ("core_rack_usage", CLASSES)
"""Bounded per month by clusters, rack types and services: read on the driver, the months of a run only."""
LARGE: Final = "core_account_usage"
"""Grows with accounts: stays where it is."""


@dataclass(frozen=True)
class Core:
    """Core tables at one Delta version each: reference tables on the driver, read once; account usage where it is.

    Of the accounts only the provider's own is among them: `core_account_usage` carries the organisation of the month.

    Parameters
    ----------
    lake
        Where they are.
    reference
        Rows of small tables.
    versions
        Delta version of each table that was opened: with it, `explain` and `diff` see what the run saw.
    """

    lake: Lake
    reference: dict[str, pa.Table]
    versions: dict[str, int]

    @classmethod
    def open(cls, lake: Lake, settings: Settings, versions: Mapping[str, int] | None = None) -> "Core":
        """Open the core tables of a lake, each at one Delta version from now on, whatever is ingested meanwhile.

        Parameters
        ----------
        versions
            Delta version per table; None = the newest.

        Raises
        ------
        CcftError
            `CCFT-USAGE-NO-LAKE`, or `CCFT-RUN-INGEST-INCOMPLETE` when an ingest was killed and not run again.
        """
        if not lake.exists("ingest_log"):
            raise fail("CCFT-USAGE-NO-LAKE", path=lake.root)
        if versions is None:
            _require_complete(lake.rows("ingest_log"))
            versions = lake.versions(registered.name for registered in CORE)
        at = dict(versions)
        if LARGE in at and CLASSES not in at:  # ingested by an earlier ccft
            raise fail("CCFT-RUN-INGEST-INCOMPLETE", ingest=CLASSES)
        own = {"core_accounts": ("account_id", [settings.provider_account_id])}
        reference = {
            registered.name: _rows(lake, registered.name, at, own.get(registered.name))
            for registered in CORE
            if registered.name not in (LARGE, *MONTHLY)
        }
        return cls(lake, reference, at)

    @property
    def spark(self) -> SparkSession:
        """Session of the frames."""
        return self.lake.spark

    def monthly(self, name: str, periods: Sequence[str]) -> pa.Table:
        """Rows of a table of `MONTHLY` in some periods."""
        return _rows(self.lake, name, self.versions, ("usage_period", periods))

    def account_usage(self) -> DataFrame:
        """All rows of `core_account_usage`."""
        # A table that was not there yet has no version: nothing was ever delivered for it.
        return self.lake.read(LARGE, self.versions[LARGE]) if LARGE in self.versions else self.lake.empty(LARGE)

    def frames(self, periods: Sequence[str]) -> dict[str, DataFrame]:
        """All tables as frames, usage of the periods only."""
        rows = self.reference | {name: self.monthly(name, periods) for name in MONTHLY}
        frames = {name: on_driver(self.spark, found) for name, found in rows.items()}
        return frames | {LARGE: self.account_usage().where(F.col("usage_period").isin(*periods))}


def _rows(
    lake: Lake, name: str, versions: Mapping[str, int], only: tuple[str, Sequence[str]] | None = None
) -> pa.Table:
    """Rows of a small core table at its version; none where it had none."""
    if name not in versions and lake.exists(name):
        return lake.rows(name).slice(0, 0)
    return lake.rows(name, versions.get(name), only)


@dataclass(frozen=True)
class Identity:
    """What makes a run of a period the same run."""

    period: str
    run_id: str
    input_fingerprint: str
    account_rows: int


@dataclass(frozen=True)
class Contents:
    """What the core tables hold for some periods; the same for every methodology version.

    Parameters
    ----------
    fingerprints
        Period -> fingerprint of all inputs that matter to it.
    account_rows
        Period -> rows of `core_account_usage`.
    """

    fingerprints: dict[str, str]
    account_rows: dict[str, int]


def contents(core: Core, periods: Sequence[str]) -> Contents:
    """Fingerprints and sizes of periods, without a look at account rows.

    Raises
    ------
    CcftError
        `CCFT-RUN-NOT-INGESTED` for each period without usage and without activity.
    """
    usage = usage_contents(core.monthly(CLASSES, periods), core.monthly("core_rack_usage", periods))
    known = {period for _, period in usage} | set(core.reference["core_activity"]["period"].to_pylist())
    raise_all(Problem("CCFT-RUN-NOT-INGESTED", {"period": p, "table": "the lake"}) for p in periods if p not in known)
    rows = {month: found.rows for (name, month), found in usage.items() if name == "core_account_usage"}
    return Contents(fingerprints(core.reference, usage, periods), rows)


def identities(found: Contents, periods: Sequence[str], policy: Methodology, settings: Settings) -> list[Identity]:
    """Derive each period's run id from the content of its inputs, policies, code and settings."""
    common = f"{policy.version} {policy.policy_hash} {__version__} {settings.result_hash()}"
    prints = found.fingerprints
    run_ids = {p: "run-" + sha256(f"{p} {prints[p]} {common}".encode()).hexdigest()[:16] for p in periods}
    return [Identity(p, run_ids[p], prints[p], found.account_rows.get(p, 0)) for p in periods]
