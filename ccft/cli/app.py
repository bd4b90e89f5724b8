"""The command line: all commands by name, and what happens to their errors."""

import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

import typer

from ccft import __version__
from ccft.cli import ai, diff, explain, exports, inputs, methodology, report, restate, results, runs, sql
from ccft.errors import CcftError

_FAILED_UNEXPECTEDLY = 1

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="An open carbon footprint engine for cloud providers: from meters to customer accounts, conserved to the last microgram.",
    epilog="Every command takes --debug: show the stack trace of errors.",
)


def version() -> None:
    """Print the version of ccft."""
    print(__version__)


app.command("demo-world")(inputs.demo_world)
app.command("ingest")(inputs.ingest)
app.command("run")(runs.run)
app.command("backfill")(runs.backfill)
app.command("verify")(runs.verify)
app.command("diff")(diff.diff)
app.command("export")(exports.export)
app.command("summary")(results.summary)
app.add_typer(restate.app, name="restate")
app.command("sql")(sql.sql)
app.command("explain")(explain.explain)
app.command("report")(report.report)
app.add_typer(methodology.app, name="methodology")
app.add_typer(ai.app, name="ai")
app.command("version")(version)


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
