"""Where the seconds of a small month go: steps, CPU of the JVM and garbage collection, month after month in one session.

    python -m benchmarks.steps --lake build/demo/lake --period 2024-11 2024-12
    python -m benchmarks.steps --lake build/demo/lake --period 2024-11 --set spark.buffer.pageSize=64m --java=-XX:NewSize=1g

Works on a copy of the lake; periods that it has published are computed again. `--set` and `--java` try other settings beside the product's.
"""

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

import psutil
from pyspark.sql import SparkSession

from ccft.config import Settings
from ccft.lake import session
from ccft.lake.tables import Lake
from ccft.methodology.model import methodology
from ccft.pipeline.run import run


def _cpu_seconds() -> float:
    """CPU time of the JVM so far."""
    times = [child.cpu_times() for child in psutil.Process().children(recursive=True) if "java" in child.name()]
    return sum(each.user + each.system for each in times)


def _collecting_seconds(spark: SparkSession) -> float:
    """Time spent in garbage collection so far."""
    beans = spark._jvm.java.lang.management.ManagementFactory.getGarbageCollectorMXBeans()  # type: ignore[union-attr]  # noqa: SLF001 - the only way
    return sum(bean.getCollectionTime() for bean in beans) / 1000


def measured(spark: SparkSession, lake: Lake, period: str, version: str) -> dict[str, object]:
    """Compute and publish a month; seconds per step and in all."""
    started, cpu, collecting = time.monotonic(), _cpu_seconds(), _collecting_seconds(spark)
    report = run(lake, Settings(), [period], methodology(version), restate_reason="benchmark", restated_by="benchmark")
    return {
        "period": period,
        "seconds": round(time.monotonic() - started, 1),
        "jvm_cpu_seconds": round(_cpu_seconds() - cpu, 1),
        "gc_seconds": round(_collecting_seconds(spark) - collecting, 1),
        "steps": report.seconds,
    }


def main() -> None:
    """Measure months one after the other; a JSON line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lake", type=Path, required=True)
    parser.add_argument("--period", nargs="+", required=True)
    parser.add_argument("--methodology", default="v2.0")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="Spark settings")
    parser.add_argument("--java", default="", help="more options of the JVM")
    given = parser.parse_args()
    options = session.java_options(quick=True)
    overrides = {"spark.driver.extraJavaOptions": f"{options} {given.java}".strip()}
    overrides |= dict(pair.split("=", 1) for pair in given.set)
    with tempfile.TemporaryDirectory() as folder:
        root = shutil.copytree(given.lake, Path(folder) / "lake")
        started = time.monotonic()
        spark = session.open_session("ccft benchmark", overrides=overrides)
        print(json.dumps({"session_seconds": round(time.monotonic() - started, 1)}), flush=True)
        for period in given.period:
            print(json.dumps(measured(spark, Lake(spark, str(root)), period, given.methodology)), flush=True)


if __name__ == "__main__":
    main()
