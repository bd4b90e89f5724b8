"""The account step at 1 to 60 million rows, beside the floor and the peers: interleaved rounds, medians, one result file.

python -m benchmarks.account_step --rows 1000000 5000000 --rounds 3 --out benchmarks/results/account_step.json
"""

import argparse
import json
import os
import platform
import shutil
import tempfile
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import contenders, month, others, tasks
from benchmarks.measure import Measured, folder_mb, once
from ccft.ingest.usage_classes import usage_classes
from ccft.lake.memory import compiled_plans
from ccft.lake.session import open_session
from ccft.lake.tables import Lake

WITH_DEFAULT_WRITER = {"floor", "doubles_window", "ours"}
"""Also measured with Spark's and Delta's own settings: whoever writes the naive job leaves them as they are."""
VARIANTS = {
    f"{name}{'' if tuned else ' (default writer)'}": (run, tuned)
    for name, run in contenders.SPARK.items()
    for tuned in (True, False)
    if tuned or name in WITH_DEFAULT_WRITER
}
"""Contender -> function, and whether it writes with the product's settings."""
WITHOUT_JVM = {"duckdb": others.duckdb_exact, "polars": others.polars_exact}
POLARS_ROWS = 20_000_000
"""Above, Polars would need more memory than the others may use."""


def prepared(spark, folder: Path, rows: int, skew: str) -> contenders.Inputs:  # noqa: ANN001 - a session
    """A lake with one month of usage and its classes."""
    lake = Lake(spark, str(folder / "lake"))
    with compiled_plans(spark):
        usage = month.account_usage(spark, rows, skew=skew).repartition(8, "region_code", "account_id")
        lake.replace("core_account_usage", usage)
        lake.replace("core_usage_classes", usage_classes(lake.read("core_account_usage")).coalesce(1))
    return contenders.prepare(spark, lake)


def measured(
    inputs: contenders.Inputs, folder: Path, rows: int, rounds: int, only: set[str], *, warm_up: bool
) -> dict[str, Measured]:
    """Rounds in turn, so that noise of the machine meets all; one that warms up is not counted."""
    found: dict[str, Measured] = defaultdict(Measured)
    for number in range(0 if warm_up else 1, rounds + 1):
        into = found if number else defaultdict(Measured)
        for name, (run, tuned) in VARIANTS.items():
            if name in only:
                path = str(folder / "out")
                shutil.rmtree(path, ignore_errors=True)
                inputs.spark.sparkContext.setJobGroup(_group(rows, name) if number else "warm-up", name)
                once(into[name], lambda run=run, path=path, tuned=tuned: run(inputs, path, tuned=tuned))
                into[name].written_mb = folder_mb(Path(path))
        for name, run in WITHOUT_JVM.items():
            if name in only and (name != "polars" or rows <= POLARS_ROWS):
                once(into[name], lambda run=run: run(inputs, str(folder / "out-other")))
    return found


def _group(rows: int, name: str) -> str:
    return f"{rows} {name}"


def main() -> None:
    """Measure and write the result file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 5_000_000, 20_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--skew", default="zipf", choices=["zipf", "whale_account", "whale_pool"])
    parser.add_argument("--only", nargs="+", default=[*VARIANTS, *WITHOUT_JVM])
    parser.add_argument("--memory", default="4g", help="of the driver")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    log = Path(tempfile.mkdtemp(dir=os.environ.get("CCFT_BENCH_DIR")))
    overrides = {"spark.driver.memory": given.memory, **tasks.settings(log)}
    spark = open_session("ccft benchmark", overrides=overrides, quick=False)
    for rows in given.rows:
        with tempfile.TemporaryDirectory(dir=os.environ.get("CCFT_BENCH_DIR")) as folder:
            inputs = prepared(spark, Path(folder), rows, given.skew)
            warm_up = rows == given.rows[0]
            found = measured(inputs, Path(folder), rows, given.rounds, set(given.only), warm_up=warm_up)
        evenness = tasks.by_group(log)
        results = {
            name: one.as_json(rows) | (evenness[_group(rows, name)].as_json() if name in VARIANTS else {})
            for name, one in found.items()
        }
        print(json.dumps({rows: {name: one["us_per_row"] for name, one in results.items()}}), flush=True)
        record(given.out, given, rows, results)


def record(out: Path, given: argparse.Namespace, rows: int, results: dict[str, dict[str, object]]) -> None:
    """Put one size into the result file, beside the others of the same inputs and driver."""
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
    common = {"machine": machine, "skew": given.skew, "driver_memory": given.memory}
    kept = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    sizes = kept["rows"] if kept and all(kept[name] == value for name, value in common.items()) else {}
    sizes[str(rows)] = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "rounds": given.rounds, "found": results}
    ordered = dict(sorted(sizes.items(), key=lambda item: int(item[0])))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(common | {"rows": ordered}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
