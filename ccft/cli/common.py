"""What commands share: options, settings, the lake, and how results are printed."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, is_dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccft.config import Settings, load_settings
from ccft.errors import Problem, fail, raise_all
from ccft.periods import is_period

if TYPE_CHECKING:
    from ccft.lake.tables import Lake

LakeOption = Annotated[str | None, typer.Option(help="Root of the Delta tables: folder or URI. [env: CCFT_LAKE]")]
ConfigOption = Annotated[Path | None, typer.Option(help="Configuration file (TOML).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
PeriodsOption = Annotated[list[str] | None, typer.Option("--period", help="Month YYYY-MM; may be repeated.")]
MethodologyOption = Annotated[
    str | None, typer.Option(help="Version, e.g. v2.0; default: the one in effect for the month.")
]
RestateOption = Annotated[bool, typer.Option("--restate", help="Replace a published period.")]
ReasonOption = Annotated[str, typer.Option(help="Why it is restated; kept in the restatement log.")]


def progress_lines() -> Callable[[str], None]:
    """Plain lines with the seconds since the start, on standard error."""
    started = time.monotonic()
    return lambda line: print(f"[{time.monotonic() - started:6.1f} s] {line}", file=sys.stderr, flush=True)


def settings_of(lake: str | None, config: Path | None, **flags: object) -> Settings:
    """Settings of a command that works on a lake."""
    settings = load_settings({"lake": lake, **flags}, file=config)
    if not settings.lake:
        raise fail(
            "CCFT-USAGE-BAD-SETTING", name="lake", reason="not given: use --lake, CCFT_LAKE or the configuration file"
        )
    return settings


def check_periods(periods: Sequence[str]) -> list[str]:
    """Periods in order, each once; `CCFT-USAGE-BAD-PERIOD` names all that are none."""
    raise_all(Problem("CCFT-USAGE-BAD-PERIOD", {"value": period}) for period in periods if not is_period(period))
    return sorted(set(periods))


def open_lake(settings: Settings, name: str, *, quick: bool = True) -> "Lake":
    """A lake whose session starts when it is first needed. Not quick: for work of many minutes."""
    from ccft.lake.session import open_session
    from ccft.lake.tables import Lake

    return Lake(lambda: open_session(f"ccft {name}", quick=quick), settings.lake, history_days=settings.history_days)


def restatement_reason(restate: bool, reason: str) -> str:
    """Why published figures are replaced; empty where they are not to be.

    Raises
    ------
    CcftError
        `CCFT-USAGE-BAD-SETTING`: a restatement without a reason.
    """
    if restate and not reason.strip():
        raise fail("CCFT-USAGE-BAD-SETTING", name="--reason", reason="a restatement needs a reason")
    return reason.strip() if restate else ""


def _as_json(value: object) -> str:
    """Decimals as plain digits: no reader has to know `1E-9`, and no mass becomes a double."""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def emit(result: object, as_json: bool, text: str) -> None:
    """Print a result: as JSON, or the text that says the same."""
    if as_json:
        plain = asdict(result) if is_dataclass(result) and not isinstance(result, type) else result
        print(json.dumps(plain, default=_as_json, sort_keys=True))
    else:
        print(text)
