"""The account step and its floor on a standalone cluster of one-core workers: how much faster two are than one.

    python -m benchmarks.scale_out --rows 4000000 --out benchmarks/results/scale_out.json

Strong: the same rows on one core and on two. Weak: half the rows on one core, all on two. The plain copy (`floor`) shows what the machine itself
gives: two cores share caches, memory and disk. Each measurement is an application of its own, in turns.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks import contenders
from benchmarks.account_step import prepared
from ccft.lake.session import open_session
from ccft.lake.tables import Lake

CLUSTER: Final = Path(__file__).parents[1] / "scripts" / "cluster.sh"
NAMES: Final = ("floor", "ours")


def application(master: str, cores: int, lake: str, out: str) -> dict[str, float]:
    """Seconds of each contender in an application with so many executors of one core; the first round warms up."""
    overrides = {
        "spark.master": master,
        "spark.cores.max": str(cores),
        "spark.executor.cores": "1",
        "spark.executor.memory": "1536m",
        "spark.executor.extraJavaOptions": "-XX:+UseSerialGC",
        "spark.driver.memory": "2g",
    }
    spark = open_session("ccft scale-out", overrides=overrides, quick=True)
    inputs = contenders.prepare(spark, Lake(spark, lake))
    seconds = {}
    for number in range(2):
        for name in NAMES:
            started = time.monotonic()
            contenders.SPARK[name](inputs, f"{out}/{name}-{number}", tuned=True)
            seconds[name] = time.monotonic() - started
    spark.stop()
    return seconds


def _measured(master: str, cores: int, lake: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("CCFT_BENCH_DIR")) as out:
        words = [sys.executable, "-m", __spec__.name, "--application", master, str(cores), str(lake), out]
        printed = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(printed.splitlines()[-1])
    return found


def _prepare(folder: Path, rows: int) -> Path:
    code = f"from benchmarks import scale_out; scale_out.prepare({str(folder)!r}, {rows})"
    subprocess.run([sys.executable, "-c", code], check=True)
    return folder / "lake"


def prepare(folder: str, rows: int) -> None:
    """Usage of a month in a lake."""
    prepared(open_session("ccft scale-out inputs", quick=False), Path(folder), rows, "zipf")


def ratios(cases: dict[str, dict[str, list[float]]]) -> dict[str, dict[str, float]]:
    """Throughput of two workers over that of one, from medians."""
    median = {case: {name: statistics.median(of[name]) for name in NAMES} for case, of in cases.items()}
    two = median["all rows, 2 workers"]
    return {
        name: {
            "strong": round(median["all rows, 1 worker"][name] / two[name], 2),
            "weak": round(2 * median["half the rows, 1 worker"][name] / two[name], 2),
        }
        for name in NAMES
    }


def main() -> None:
    """Measure and write the result file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--application", nargs=4, metavar=("MASTER", "CORES", "LAKE", "OUT"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.application:
        master, cores, lake, out = given.application
        print(json.dumps(application(master, int(cores), lake, out)))
        return
    cases: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory(dir=os.environ.get("CCFT_BENCH_DIR")) as folder:
        half, whole = (_prepare(Path(folder) / str(rows), rows) for rows in (given.rows // 2, given.rows))
        printed = subprocess.run([CLUSTER, "start"], check=True, stdout=subprocess.PIPE, text=True).stdout
        try:
            master = printed.splitlines()[-1]
            for _ in range(given.rounds):
                for case, cores, lake in (
                    ("half the rows, 1 worker", 1, half),
                    ("all rows, 1 worker", 1, whole),
                    ("all rows, 2 workers", 2, whole),
                ):
                    for name, seconds in _measured(master, cores, lake).items():
                        cases[case][name].append(round(seconds, 2))
                    print(case, json.dumps(cases[case]), flush=True)
        finally:
            subprocess.run([CLUSTER, "stop"], check=True)
    written: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "rows": given.rows,
        "seconds": cases,
        "two_workers_over_one": ratios(cases),
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
