"""`ccft report`: published results as one HTML page that opens offline."""

from pathlib import Path
from typing import Annotated

import typer

from ccft.cli.common import ConfigOption, JsonOption, LakeOption, emit, progress_lines, settings_of
from ccft.errors import fail

_ACCOUNT_DIGITS = 12


def report(
    out: Annotated[Path, typer.Option(help="Folder for the page.")],
    payer: Annotated[str | None, typer.Option(help="Organisation, 12 digits; default: the provider's page.")] = None,
    lake: LakeOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the report of the provider, or of one organisation: one HTML page that opens offline."""
    from ccft.pipeline.report import report as write_report

    settings = settings_of(lake, config)
    # An empty id (an unset variable of a script) is no wish for the provider's page.
    if payer is not None and not (len(payer) == _ACCOUNT_DIGITS and payer.isascii() and payer.isdigit()):
        raise fail("CCFT-USAGE-UNKNOWN-PAYER", value=payer)
    done = write_report(settings.lake, out, payer or "", progress_lines())
    months = f"{done.periods[0]} to {done.periods[-1]}"
    emit(done, as_json, f"{done.path}: {months}, {done.size / 1e6:.1f} MB, opens offline")
