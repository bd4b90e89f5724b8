"""Lines of `run_log`: what a run published, and what it failed of."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ccft import __version__
from ccft.audit.software import code_hash
from ccft.config import Settings
from ccft.errors import CcftError
from ccft.lake.tables import Lake
from ccft.methodology.model import Methodology
from ccft.pipeline.core import Identity
from ccft.schema.spark import local_frame
from ccft.schema.tables import table

PUBLISHED = "published"
FAILED = "failed"


@dataclass(frozen=True)
class Attempt:
    """A run from the moment its identity is known.

    Parameters
    ----------
    policy, settings
        What it computes with.
    identities
        Its periods.
    started
        When it began.
    input_versions
        Delta version of every core table it reads.
    """

    policy: Methodology
    settings: Settings
    identities: Sequence[Identity]
    started: datetime
    input_versions: Mapping[str, int]

    def lines(
        self,
        status: str,
        message: str,
        *,
        rows: Mapping[str, int],
        seconds: Mapping[str, float],
        table_versions: Mapping[str, int],
    ) -> list[tuple[object, ...]]:
        """One line per period, in the columns of `run_log`."""
        return [
            (
                identity.run_id,
                identity.period,
                self.policy.version,
                status,
                identity.input_fingerprint,
                __version__,
                self.policy.policy_hash,
                self.settings.result_hash(),
                self.started,
                datetime.now(UTC),
                json.dumps(rows, sort_keys=True),
                json.dumps(seconds),
                json.dumps(table_versions, sort_keys=True),
                message or f"{identity.period} {self.policy.version} published",
                code_hash(),
                json.dumps(self.input_versions, sort_keys=True),
            )
            for identity in self.identities
        ]


def append(lake: Lake, lines: Sequence[tuple[object, ...]]) -> None:
    """Add lines to the log, in one commit."""
    lake.append("run_log", local_frame(lake.spark, lines, table("run_log")))


def log_failure(lake: Lake, attempt: Attempt, error: Exception, progress: Callable[[str], None]) -> None:
    """Log that a run failed, and of what. Never raises: the error that is being handled is the one to see."""
    message = str(error) if isinstance(error, CcftError) else f"{type(error).__name__}: {_first_line(error)}"
    try:
        append(lake, attempt.lines(FAILED, message, rows={}, seconds={}, table_versions={}))
    except Exception as second:  # noqa: BLE001 - whatever keeps the log from being written, the first error matters more
        progress(f"the failure could not be logged: {type(second).__name__}: {_first_line(second)}")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]
