"""38 months of a demo provider in all versions: how long a backfill takes, and whether one that is killed ends with the same rows.

    python benchmarks/backfill.py --out DIR                       world, ingest, backfill, verify; seconds and peak memory as JSON
    python benchmarks/backfill.py --out DIR --kill 3 --seed 11    also: a second lake, killed three times at random moments, compared row by row

Run it on a quiet machine. `--months` and `--accounts` make it smaller.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import duckdb
import psutil

from ccft.audit import published
from ccft.lake.reader import open_lake, run_log
from ccft.periods import shift
from ccft.schema.tables import RESULTS

LAST = "2025-02"
VERSIONS = 3
CCFT = (sys.executable, "-c", "from ccft.cli import main; main()")


def say(text: str) -> None:
    """A line on standard error."""
    print(text, file=sys.stderr, flush=True)


def _memory(process: psutil.Popen) -> int:
    """Resident bytes of a process and its children: Python and the JVM."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def _kill(process: psutil.Popen) -> None:
    """As a machine that loses power: nobody gets to clean up."""
    for one in (*process.children(recursive=True), process):
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()


def ccft(*arguments: str, stop_after: float = 0) -> tuple[float, int, bool]:
    """Run a command: seconds, peak resident bytes, and whether it ran to its end."""
    say("$ ccft " + " ".join(arguments))
    started, peak = time.monotonic(), 0
    process = psutil.Popen([*CCFT, *arguments], stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONHASHSEED": "0"})
    while process.poll() is None:
        if stop_after and time.monotonic() - started > stop_after:
            _kill(process)
            return time.monotonic() - started, peak, False
        peak = max(peak, _memory(process))
        time.sleep(0.5)
    if process.returncode:
        sys.exit(process.returncode)
    return time.monotonic() - started, peak, True


def _backfill(lake: Path, months: int) -> tuple[str, ...]:
    first = shift(LAST, 1 - months)
    return ("backfill", "--lake", str(lake), "--from", first, "--to", LAST, "--methodology", "all")


def prepare(out: Path, accounts: int, months: int) -> Path:
    """A lake with core tables and nothing published."""
    core = out / "core"
    if not core.exists():
        sizes = ("--accounts", str(accounts), "--months", str(months), "--last-period", LAST)
        ccft("demo-world", "--out", str(out / "inputs"), *sizes)
        ccft("ingest", "--inputs", str(out / "inputs"), "--lake", str(core))
    return core


def measure(out: Path, core: Path, months: int) -> dict[str, object]:
    """Backfill and verify an untouched copy."""
    lake = out / "undisturbed"
    shutil.rmtree(lake, ignore_errors=True)
    shutil.copytree(core, lake)
    seconds, peak, _ = ccft(*_backfill(lake, months))
    verified, _, _ = ccft("verify", "--lake", str(lake))
    return {
        "period_versions": months * VERSIONS,
        "backfill_seconds": round(seconds, 1),
        "seconds_per_period_version": round(seconds / months / VERSIONS, 2),
        "peak_resident_mb": peak // 2**20,
        "verify_seconds": round(verified, 1),
    }


def disturb(out: Path, core: Path, months: int, kills: int, seed: int, seconds: float) -> list[float]:
    """Backfill another copy, killed at random moments and started again; when it was killed."""
    lake, moments = out / "killed", []
    shutil.rmtree(lake, ignore_errors=True)
    shutil.copytree(core, lake)
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    for _ in range(kills):
        ran, _, finished = ccft(*_backfill(lake, months), stop_after=chance.uniform(5, seconds))
        if not finished:
            moments.append(round(ran, 1))
    ccft(*_backfill(lake, months))
    return moments


def differing(left: Path, right: Path) -> dict[str, int]:
    """Published rows of each result table that only one of two lakes has."""
    found = {}
    lakes = [open_lake(str(root), published.lines(run_log(str(root)))) for root in (left, right)]
    for table in RESULTS:
        columns = ", ".join(f'"{name}"' for name in table.column_names)
        rows = [lake.sql(f"SELECT {columns} FROM {table.name}").to_arrow_table() for lake in lakes]
        database = duckdb.connect()
        for name, of in zip(("a", "b"), rows, strict=True):
            database.register(name, of)
        only = "SELECT count(*) FROM ((SELECT * FROM a EXCEPT ALL SELECT * FROM b) UNION ALL (SELECT * FROM b EXCEPT ALL SELECT * FROM a))"
        found[table.name] = int(database.sql(only).fetchall()[0][0])
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for inputs and lakes")
    parser.add_argument("--result", type=Path, help="also write the result to this file")
    parser.add_argument("--accounts", type=int, default=5000)
    parser.add_argument("--months", type=int, default=38)
    parser.add_argument("--kill", type=int, default=0, metavar="TIMES", help="also kill a second backfill so often")
    parser.add_argument("--seed", type=int, default=1, help="of the moments at which it is killed")
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    core = prepare(given.out, given.accounts, given.months)
    result = {"accounts": given.accounts} | measure(given.out, core, given.months)
    differences = {}
    if given.kill:
        seconds = float(str(result["backfill_seconds"]))
        result["killed_after_seconds"] = disturb(given.out, core, given.months, given.kill, given.seed, seconds)
        differences = differing(given.out / "undisturbed", given.out / "killed")
        result["rows_that_differ"] = differences
    print(json.dumps(result, indent=2))
    if given.result:
        given.result.parent.mkdir(parents=True, exist_ok=True)
        given.result.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 1 if any(differences.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
