"""`ccft export`: published figures as files for organisations, and result tables for the provider."""

from enum import StrEnum
from typing import Annotated

import typer

from ccft.cli.common import (
    ConfigOption,
    JsonOption,
    LakeOption,
    check_periods,
    emit,
    open_lake,
    progress_lines,
    settings_of,
)
from ccft.errors import Problem, fail, raise_all


class FormatOption(StrEnum):
    """Formats of `--format`."""

    PARQUET = "parquet"
    CSV = "csv"


class ModeOption(StrEnum):
    """Modes of `--mode`."""

    OVERWRITE = "overwrite"
    CREATE_NEW = "create-new"


class ProfileOption(StrEnum):
    """Layouts of `--profile`."""

    GOOGLE = "google"
    FOCUS = "focus"
    PACT = "pact"


def _form_problems(chosen: dict[str, bool]) -> list[Problem]:
    """Exactly one of --payer, --all and --tables; what belongs to exports of organisations does not go with --tables."""
    targets = [name for name in ("--payer", "--all", "--tables") if chosen[name]]
    if not targets:
        return [Problem("CCFT-USAGE-BAD-SETTING", {"name": "--payer", "reason": "give --payer, --all or --tables"})]
    pairs = [(targets[0], other) for other in targets[1:]]
    exclusive = ("--query", "--profile", "--format", "--mode")
    if chosen["--tables"]:
        pairs += [("--tables", name) for name in exclusive if chosen[name]]
    if chosen["--profile"] and chosen["--query"]:
        pairs.append(("--profile", "--query"))
    return [Problem("CCFT-USAGE-EXPORT-FORM", {"first": first, "second": second}) for first, second in pairs]


def _is_small(lake: str) -> bool:
    """Whether a lake's months are so small that starting fast beats running fast."""
    from ccft.audit.published import lines
    from ccft.lake.memory import COMPILE_FROM_ROWS
    from ccft.lake.reader import run_log

    return "://" not in lake and sum(line.account_rows for line in lines(run_log(lake))) < COMPILE_FROM_ROWS


def export(
    dest: Annotated[str, typer.Option(help="Folder or URI, e.g. s3a://bucket/prefix; not inside the lake.")],
    name: Annotated[str, typer.Option(help="Name of the export: letters, digits, _ and -.")],
    payer: Annotated[str | None, typer.Option(help="One organisation: its management account.")] = None,
    all_payers: Annotated[bool, typer.Option("--all", help="Every organisation of the window.")] = False,
    tables: Annotated[
        str | None, typer.Option(help="For the provider: copies of result tables, comma-separated.")
    ] = None,
    format_: Annotated[FormatOption | None, typer.Option("--format", help="Default: parquet.")] = None,
    mode: Annotated[
        ModeOption | None, typer.Option(help="Replace, or keep earlier deliveries. Default: overwrite.")
    ] = None,
    query: Annotated[str | None, typer.Option(help="SELECT ... FROM CARBON_EMISSIONS [WHERE ...] [LIMIT n].")] = None,
    profile: Annotated[ProfileOption | None, typer.Option(help="Another standard's layout.")] = None,
    first: Annotated[
        str | None, typer.Option("--from", help="First month; default: 38 months up to the newest.")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last month, inclusive.")] = None,
    methodology: Annotated[
        str | None, typer.Option(help="Version, or `all`; default: the current one of each month.")
    ] = None,
    force: Annotated[bool, typer.Option(help="Deliver again what has not changed.")] = False,
    lake: LakeOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Deliver published figures as files: per organisation with a manifest, or whole tables for the provider."""
    from ccft.lake.destination import Destination, check_destination
    from ccft.lake.lock import writing
    from ccft.publish.data_exports.layout import is_account, name_problems

    given = {
        "--payer": payer is not None,
        "--all": all_payers,
        "--tables": tables is not None,
        "--query": query is not None,
        "--profile": profile is not None,
        "--format": format_ is not None,
        "--mode": mode is not None,
    }
    raise_all([*_form_problems(given), *name_problems(name)])
    if payer is not None and not is_account(payer):
        raise fail("CCFT-USAGE-EXPORT-PAYER", value=payer)
    check_periods([period for period in (first, last) if period])
    settings = settings_of(lake, config)
    check_destination(dest, settings.lake)
    progress = progress_lines()
    if tables is not None:
        from ccft.pipeline.export_tables import export_tables

        with writing(dest):
            copied = export_tables(
                open_lake(settings, "export"),
                dest,
                name,
                tables.split(","),
                (first or "", last or "", methodology or ""),
                progress,
            )
        emit(copied, as_json, f"{dest}: {len(copied.tables)} tables, {sum(copied.tables.values()):,} rows")
        return

    from ccft.pipeline.export import Request
    from ccft.pipeline.export import export as run_export
    from ccft.publish.data_exports.pact import Company
    from ccft.publish.data_exports.profiles import definition_of

    company = Company(
        settings.provider_name, settings.provider_domain, settings.provider_account_id, settings.ipcc_report
    )
    definition, parsed, shape = definition_of(name, format_, mode, query, profile, company)
    request = Request(
        definition,
        parsed,
        shape,
        payer=payer or "",
        first=first or "",
        last=last or "",
        methodology=methodology or "",
        is_forced=force,
    )
    destination = Destination(dest)
    with writing(dest):
        opened = open_lake(settings, "export", quick=payer is not None or _is_small(settings.lake))
        report = run_export(opened, settings, request, destination, progress)
    emit(
        report,
        as_json,
        f"{dest}: {report.delivered:,} deliveries to {report.payers:,} payers, {report.files:,} files,"
        f" {report.rows:,} rows, {report.bytes:,} bytes; {report.unchanged:,} unchanged",
    )
