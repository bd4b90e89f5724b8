"""What tests on clusters share: the product's commands and jobs as a user starts them, and rows of a lake to compare."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deltalake import DeltaTable

ROOT = Path(__file__).parents[2]
BIN = Path(sys.prefix) / "bin"
PERIODS = ("2025-05", "2025-06")
DEADLINE = 900

QUICK = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m"
"""JVMs that live for a minute: half the CPU time, as `ccft` itself sets it for small months."""

Job = subprocess.Popen[str]


def plain_environment() -> dict[str, str]:
    """The environment of a user's shell, with Spark on the loopback address."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    quiet = f"-Dlog4j2.configurationFile={ROOT / 'ccft' / 'lake' / 'log4j2.properties'}"
    own = {
        "PATH": path,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_SUBMIT_OPTS": f"{quiet} {QUICK}",
    }
    # The jobs import the package of this checkout, wherever the tests are started.
    return {**os.environ, **own, "PYTHONPATH": str(ROOT)}


def periods(months: Sequence[str]) -> list[str]:
    return [word for month in months for word in ("--period", month)]


def ccft(environment: Mapping[str, str], *arguments: str) -> str:
    command = [sys.executable, "-c", "from ccft.cli import main; main()", *arguments]
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def start(environment: Mapping[str, str], command: Sequence[str]) -> Job:
    """Start a command; what it prints and what it reports come in one stream, as `spark-submit` has it for Python."""
    return subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def submit(environment: Mapping[str, str], flags: Sequence[str], job: str, *arguments: str) -> Job:
    """Start a file with `spark-submit`; a name without suffix is a job of the product."""
    file = job if job.endswith(".py") else str(ROOT / "jobs" / f"{job}.py")
    return start(environment, [str(BIN / "spark-submit"), *flags, file, *arguments])


def finish(process: Job, code: int = 0) -> str:
    """Wait for a job and its exit code; what it said."""
    said, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == code, f"exit code {process.returncode}\n{said[-4000:]}"
    return said


def wait_for(process: Job, step: str) -> None:
    """Read the job's progress until it reaches a step."""
    said = []
    for line in process.stdout or ():
        said.append(line)
        if line.rstrip().endswith(f"] {step}"):
            return
    raise AssertionError(f"the job ended before '{step}'\n{''.join(said)[-4000:]}")


def rows(lake: str, name: str, options: Mapping[str, str] | None = None) -> list[str]:
    """All rows of a result table as sorted text; run ids are part of them."""
    found = DeltaTable(f"{lake}/{name}", storage_options=dict(options) if options else None).to_pyarrow_table()
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in found.to_pylist())
