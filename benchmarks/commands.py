"""Whole commands on the demo provider, each in a process of its own: what a user waits for.

python -m benchmarks.commands --accounts 2000 --out benchmarks/results/commands.json
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

MONTHS = 15
COMMANDS = {
    "demo-world": ["demo-world", "--out", "{inputs}", "--accounts", "{accounts}", "--months", str(MONTHS)],
    "ingest 15 months": ["ingest", "--inputs", "{inputs}", "--lake", "{lake}"],
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
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    found = {name: Measured() for name in COMMANDS}
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory(dir=os.environ.get("CCFT_BENCH_DIR")) as folder:
            places = {"inputs": f"{folder}/inputs", "lake": f"{folder}/lake", "accounts": str(given.accounts)}
            for name, words in COMMANDS.items():
                once(found[name], lambda words=words, places=places: run(words, places))
                print(f"{name}: {found[name].seconds[-1]:.1f} s", flush=True)
    written = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "accounts": given.accounts,
        "commands": {name: one.as_json() for name, one in found.items()},
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
