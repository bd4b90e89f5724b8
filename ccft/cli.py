"""The command line. Each job is also `spark-submit jobs/<job>.py` with the same flags."""

import json
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from ccft import __version__
from ccft.config import Settings, load_settings
from ccft.errors import CcftError, Problem, fail, raise_all
from ccft.periods import is_period, period_range

if TYPE_CHECKING:
    from ccft.lake.tables import Lake
    from ccft.methodology.model import Methodology

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="An open carbon footprint engine for cloud providers: from meters to customer accounts, conserved to the last microgram.",
    epilog="Every command takes --debug: show the stack trace of errors.",
)
methodology_app = typer.Typer(no_args_is_help=True, help="The methodology versions and their policies.")
app.add_typer(methodology_app, name="methodology")

LakeOption = Annotated[str | None, typer.Option(help="Root of the Delta tables: folder or URI. [env: CCFT_LAKE]")]
ConfigOption = Annotated[Path | None, typer.Option(help="Configuration file (TOML).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
PeriodsOption = Annotated[list[str] | None, typer.Option("--period", help="Month YYYY-MM; may be repeated.")]
MethodologyOption = Annotated[
    str | None, typer.Option(help="Version, e.g. v2.0; default: the one in effect for the month.")
]
RestateOption = Annotated[bool, typer.Option("--restate", help="Replace a published period.")]
ReasonOption = Annotated[str, typer.Option(help="Why it is restated; kept in the restatement log.")]

_FAILED_UNEXPECTEDLY = 1
_BACKFILL_BATCH = 12
"""Months per plan of a backfill: enough to pay planning once, few enough to keep progress and memory small."""


def _progress() -> Callable[[str], None]:
    """Plain lines with the seconds since the start, on standard error."""
    started = time.monotonic()
    return lambda line: print(f"[{time.monotonic() - started:6.1f} s] {line}", file=sys.stderr, flush=True)


def _settings(lake: str | None, config: Path | None, **flags: object) -> Settings:
    settings = load_settings({"lake": lake, **flags}, file=config)
    if not settings.lake:
        raise fail(
            "CCFT-USAGE-BAD-SETTING", name="lake", reason="not given: use --lake, CCFT_LAKE or the configuration file"
        )
    return settings


def _check_periods(periods: Sequence[str]) -> list[str]:
    raise_all(Problem("CCFT-USAGE-BAD-PERIOD", {"value": period}) for period in periods if not is_period(period))
    return sorted(set(periods))


def _open(settings: Settings, name: str) -> "Lake":
    """Session and lake; Spark is loaded only when a command needs it."""
    from ccft.lake.session import open_session
    from ccft.lake.tables import Lake

    return Lake(open_session(f"ccft {name}"), settings.lake)


def _emit(result: object, as_json: bool, text: str) -> None:
    if as_json:
        plain = asdict(result) if is_dataclass(result) and not isinstance(result, type) else result
        print(json.dumps(plain, default=str, sort_keys=True))
    else:
        print(text)


@app.command("demo-world")
def demo_world(
    out: Annotated[Path, typer.Option(help="New folder for the inputs.")],
    accounts: Annotated[int, typer.Option(min=200, help="Customer accounts.")] = 2000,
    months: Annotated[int, typer.Option(min=1, help="Months of usage.")] = 15,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same files.")] = 7,
    last_period: Annotated[str, typer.Option(help="Last month.")] = "2025-06",
    as_json: JsonOption = False,
) -> None:
    """Write deterministic raw inputs of an invented provider."""
    from ccft.demo import write_demo_world

    _check_periods([last_period])
    world = write_demo_world(out, accounts=accounts, months=months, seed=seed, last_period=last_period)
    rows = ", ".join(f"{name} {count:,}" for name, count in sorted(world.rows.items()))
    _emit(world, as_json, f"{out}: {world.periods[0]} to {world.periods[-1]}; rows: {rows}")


@app.command()
def ingest(
    inputs: Annotated[Path, typer.Option(help="Folder or URI with one entry per input table.", path_type=Path)],
    lake: LakeOption = None,
    period: PeriodsOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Validate inputs and write the core tables, or nothing."""
    from ccft.lake.lock import writing
    from ccft.pipeline.ingest import ingest as run_ingest

    settings, periods, progress = _settings(lake, config), _check_periods(period or []), _progress()
    source = str(inputs).replace(":/", "://", 1) if ":/" in str(inputs) else str(inputs)
    if "://" not in source and not inputs.exists():
        raise fail("CCFT-USAGE-NO-INPUTS", path=inputs)
    with writing(settings.lake):
        opened = _open(settings, "ingest")
        report = run_ingest(opened.spark, source, opened, settings, periods or None, progress)
    months = f"{report.periods[0]} to {report.periods[-1]}" if report.periods else "no usage"
    set_aside = sum(sum(counts.values()) for counts in report.rejected.values())
    done = f"{report.ingest_id}: {months}, {sum(report.rows.values()):,} rows in {len(report.rows)} tables, {set_aside} rows set aside"
    _emit(report, as_json, f"{report.ingest_id}: unchanged, nothing to do" if report.unchanged else done)


def _publish(
    settings: Settings, wanted: Sequence[tuple[str, "Methodology"]], reason: str, progress: Callable[[str], None]
) -> list[object]:
    """Run periods, those of one version together, in batches."""
    import getpass

    from ccft.lake.lock import writing
    from ccft.pipeline.run import run as run_periods

    versions = {policy.version: policy for _, policy in wanted}
    reports: list[object] = []
    with writing(settings.lake):
        opened = _open(settings, "run")
        for name, policy in versions.items():
            months = [period for period, of in wanted if of.version == name]
            for start in range(0, len(months), _BACKFILL_BATCH):
                batch = months[start : start + _BACKFILL_BATCH]
                progress(f"{name} {batch[0]}" + (f" to {batch[-1]}" if len(batch) > 1 else ""))
                reports.append(
                    run_periods(
                        opened,
                        settings,
                        batch,
                        policy,
                        restate_reason=reason,
                        restated_by=getpass.getuser(),
                        progress=progress,
                    )
                )
    return reports


def _versions(periods: Sequence[str], version: str | None) -> list[tuple[str, "Methodology"]]:
    from ccft.methodology.calendar import in_effect
    from ccft.methodology.model import methodology

    return [(period, methodology(version) if version else in_effect(period)) for period in periods]


def _reason(restate: bool, reason: str) -> str:
    if restate and not reason.strip():
        raise fail("CCFT-USAGE-BAD-SETTING", name="--reason", reason="a restatement needs a reason")
    return reason.strip() if restate else ""


def _report_runs(reports: list[object], as_json: bool) -> None:
    from ccft.pipeline.run import RunReport

    lines = []
    for report in reports:
        if not isinstance(report, RunReport):
            raise TypeError(report)
        lines += [f"{period} {report.methodology_version}: unchanged, nothing to do" for period in report.unchanged]
        lines += [
            f"{period} {report.methodology_version}: published, {run_id}" for period, run_id in report.published.items()
        ]
    _emit([asdict(report) for report in reports], as_json, "\n".join(lines))  # type: ignore[call-overload]


@app.command()
def run(
    period: PeriodsOption = None,
    lake: LakeOption = None,
    methodology: MethodologyOption = None,
    provider_account_id: Annotated[str | None, typer.Option(help="The provider's own account.")] = None,
    restate: RestateOption = False,
    reason: ReasonOption = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute a period: inventory, allocation, reconciliation, publication."""
    if not period:
        raise fail("CCFT-USAGE-BAD-PERIOD", value="")
    settings = _settings(lake, config, provider_account_id=provider_account_id)
    wanted = _versions(_check_periods(period), methodology)
    _report_runs(_publish(settings, wanted, _reason(restate, reason), _progress()), as_json)


@app.command()
def backfill(
    first: Annotated[str, typer.Option("--from", help="First month.")],
    last: Annotated[str, typer.Option("--to", help="Last month, inclusive.")],
    lake: LakeOption = None,
    methodology: MethodologyOption = None,
    provider_account_id: Annotated[str | None, typer.Option(help="The provider's own account.")] = None,
    restate: RestateOption = False,
    reason: ReasonOption = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute a range of periods in one Spark application; finished ones are not computed again."""
    _check_periods([first, last])
    periods = period_range(first, last)
    if not periods:
        raise fail("CCFT-USAGE-BAD-RANGE", first=first, last=last)
    settings = _settings(lake, config, provider_account_id=provider_account_id)
    _report_runs(_publish(settings, _versions(periods, methodology), _reason(restate, reason), _progress()), as_json)


@app.command()
def verify(
    lake: LakeOption = None,
    period: PeriodsOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Re-derive conservation from the tables themselves; exit 0 only when exact."""
    from ccft.pipeline.verify import verify as run_verify

    settings, periods = _settings(lake, config), _check_periods(period or [])
    report = run_verify(_open(settings, "verify"), periods, _progress())
    months = ", ".join(f"{month} {version}" for month, version in report.slices)
    _emit(report, as_json, f"exact: {report.equalities:,} equalities hold to the last microgram ({months})")


@app.command()
def summary(lake: LakeOption = None, period: PeriodsOption = None, config: ConfigOption = None) -> None:
    """Show published totals per region, the largest services and the conservation line."""
    from ccft.audit import published
    from ccft.lake.reader import open_lake, run_log
    from ccft.publish.summary import show

    settings, periods = _settings(lake, config), _check_periods(period or [])
    lines = [line for line in published.lines(run_log(settings.lake)) if not periods or line.period in periods]
    if not lines:
        raise fail("CCFT-RUN-NOTHING-PUBLISHED", period=", ".join(periods) or "any period")
    database = open_lake(settings.lake, lines)
    for line in lines:
        show(database, line.period, line.methodology_version, Console())


@methodology_app.command("list")
def methodology_list() -> None:
    """Versions with the months for which they are in effect."""
    from ccft.methodology.model import known_versions

    for policy in known_versions().values():
        months = f"{policy.effective_from or 'the beginning'} to {policy.effective_to or 'now'}"
        label = " (reconstruction)" if policy.is_reconstruction else ""
        print(f"{policy.version}{label}: {months}. {policy.title}")


@methodology_app.command("show")
def methodology_show(version: str) -> None:
    """All policies of a version."""
    from ccft.methodology.model import methodology

    for name, value in methodology(version).model_dump(mode="json").items():
        print(f"{name} = {json.dumps(value)}")


@app.command()
def version() -> None:
    """Print the version of ccft."""
    print(__version__)


def _unexpected(error: Exception) -> int:
    """Wrong flags are shown as the command line library words them; anything else gets one line."""
    if hasattr(error, "show") and hasattr(error, "exit_code"):
        error.show()
        return int(error.exit_code)
    first_line = (str(error).splitlines() or [""])[0]
    print(f"CCFT-UNEXPECTED: {type(error).__name__}: {first_line}. Remedy: run again with --debug", file=sys.stderr)
    return _FAILED_UNEXPECTEDLY


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command; every error is readable lines on standard error and an exit code (contract, section 4)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    try:
        code = app(args=[word for word in given if word != "--debug"], standalone_mode=False, prog_name="ccft") or 0
    except CcftError as error:
        print(traceback.format_exc() if debug else error, file=sys.stderr)
        code = error.exit_code
    except Exception as error:  # noqa: BLE001 - the last resort of a command line: one line and an exit code
        if debug:
            traceback.print_exc()
        code = _unexpected(error)
    sys.exit(int(code))
