"""Whole commands on the demo provider, each in a process of its own: what a user waits for.

python -m benchmarks.commands --accounts 2000 --out benchmarks/results/commands.json
python -m benchmarks.commands --accounts 10000000 --months 1 --rounds 1 --only demo-world ingest "run a month, cold" "verify a month" --out ...
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import Measured, once

COMMANDS = {
    "demo-world": ["demo-world", "--out", "{inputs}", "--accounts", "{accounts}", "--months", "{months}"],
    "ingest": ["ingest", "--inputs", "{inputs}", "--lake", "{lake}"],
    "ingest, unchanged": ["ingest", "--inputs", "{inputs}", "--lake", "{lake}"],
    "run a month, cold": ["run", "--lake", "{lake}", "--period", "2025-06"],
    "run, unchanged": ["run", "--lake", "{lake}", "--period", "2025-06"],
    "verify a month": ["verify", "--lake", "{lake}", "--period", "2025-06"],
    "backfill 12 more months": ["backfill", "--lake", "{lake}", "--from", "2024-06", "--to", "2025-05"],
    "report": ["report", "--lake", "{lake}", "--out", "{lake}-report"],
    "export one month, all payers": [
        "export", "--lake", "{lake}", "--all", "--dest", "{lake}-exports", "--name", "bench", "--from", "2025-06", "--to", "2025-06",
    ],
}  # fmt: skip
"""In the order of a user's first hour; each once per round."""


def run(words: Sequence[str], places: Mapping[str, str]) -> None:
    """One command in a process of its own; places stand in braces. Ends the benchmark with what the command said if it fails."""
    command = [sys.executable, "-c", "from ccft.cli import main; main()", *(word.format(**places) for word in words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: exit {done.returncode}\n{done.stderr[-4000:]}")


def main() -> None:
    """Measure and write the result file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=2000)
    parser.add_argument("--months", type=int, default=15, help="of usage, the last is 2025-06")
    parser.add_argument("--only", nargs="+", default=[*COMMANDS], choices=[*COMMANDS], metavar="COMMAND")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    found = {name: Measured() for name in given.only}
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory(dir=os.environ.get("CCFT_BENCH_DIR")) as folder:
            places = {"inputs": f"{folder}/inputs", "lake": f"{folder}/lake"}
            places |= {"accounts": str(given.accounts), "months": str(given.months)}
            for name, into in found.items():
                once(into, lambda words=COMMANDS[name], places=places: run(words, places))
                print(f"{name}: {into.seconds[-1]:.1f} s", flush=True)
    written = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "accounts": given.accounts,
        "months": given.months,
        "commands": {name: one.as_json() for name, one in found.items()},
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
