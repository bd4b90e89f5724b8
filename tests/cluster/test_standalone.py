"""A real standalone cluster of two workers: the same rows as locally, and what a crash costs."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from deltalake import DeltaTable

from ccft.demo import write_demo_world
from ccft.schema.tables import RESULTS

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PERIODS = ("2025-05", "2025-06")
SUBMIT = (
    str(Path(sys.prefix) / "bin" / "spark-submit"),
    "--properties-file",
    str(ROOT / "conf" / "spark" / "standalone.conf"),
    "--conf",
    "spark.driver.memory=1g",
)
DEADLINE = 600


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    path = f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}"
    quiet = f"-Dlog4j2.configurationFile={ROOT / 'ccft' / 'lake' / 'log4j2.properties'}"
    own = {"PATH": path, "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable, "SPARK_SUBMIT_OPTS": quiet}
    return {**os.environ, **own}


@pytest.fixture(scope="module")
def master(environment) -> Iterator[str]:
    started = subprocess.run(
        [ROOT / "scripts" / "cluster.sh", "start"], env=environment, capture_output=True, text=True, check=True
    )
    yield started.stdout.strip().splitlines()[-1]
    subprocess.run([ROOT / "scripts" / "cluster.sh", "stop"], env=environment, check=True)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "inputs"
    write_demo_world(folder, accounts=200, months=2, last_period=PERIODS[-1])
    return folder


@pytest.fixture(scope="module")
def local_lake(inputs, environment, tmp_path_factory) -> str:
    """The same months computed in one process, as the reference."""
    lake = str(tmp_path_factory.mktemp("local") / "lake")
    ccft(environment, "ingest", "--inputs", str(inputs), "--lake", lake)
    ccft(environment, "run", "--lake", lake, *periods(PERIODS))
    return lake


def periods(months: tuple[str, ...]) -> list[str]:
    return [word for month in months for word in ("--period", month)]


def ccft(environment, *arguments: str) -> None:
    command = [sys.executable, "-c", "from ccft.cli import main; main()", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def submit(environment, master: str, job: str, *arguments: str) -> "subprocess.Popen[str]":
    command = [*SUBMIT, "--master", master, str(ROOT / "jobs" / f"{job}.py"), *arguments]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def finish(process: "subprocess.Popen[str]") -> str:
    out, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, err[-3000:]
    return out


def rows(lake: str, name: str) -> list[str]:
    """All rows of a result table as sorted text; run ids are part of them."""
    table = DeltaTable(f"{lake}/{name}").to_pyarrow_table()
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in table.to_pylist())


def wait_for(process: "subprocess.Popen[str]", step: str) -> None:
    """Read the job's progress until it reaches a step."""
    for line in process.stderr:
        if line.rstrip().endswith(f"] {step}"):
            return
    raise AssertionError(f"the job ended before '{step}'")


@pytest.fixture(scope="module")
def cluster_lake(inputs, environment, master, tmp_path_factory) -> str:
    lake = str(tmp_path_factory.mktemp("cluster") / "lake")
    finish(submit(environment, master, "ingest", "--inputs", str(inputs), "--lake", lake))
    finish(submit(environment, master, "allocate", "--lake", lake, *periods(PERIODS)))
    return lake


@pytest.mark.parametrize("name", [table.name for table in RESULTS])
def test_cluster_gives_the_same_rows_as_local(cluster_lake, local_lake, name):
    assert rows(cluster_lake, name) == rows(local_lake, name)


def test_verify_on_the_cluster_is_exact(cluster_lake, environment, master):
    assert "exact" in finish(submit(environment, master, "verify", "--lake", cluster_lake))


def executors() -> list[int]:
    """Processes of executors on this machine."""
    found = subprocess.run(["pgrep", "-f", "CoarseGrainedExecutorBackend"], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def test_an_executor_killed_during_the_run_costs_time_not_rows(cluster_lake, environment, master):
    job = submit(
        environment, master, "allocate", "--lake", cluster_lake, "--period", PERIODS[0], "--methodology", "v1.0"
    )
    wait_for(job, "allocation")
    time.sleep(3)
    victims = executors()
    assert victims
    os.kill(victims[0], signal.SIGKILL)
    finish(job)
    assert "exact" in finish(submit(environment, master, "verify", "--lake", cluster_lake, "--period", PERIODS[0]))


def test_a_driver_killed_while_publishing_leaves_the_month_readable_and_a_rerun_heals_it(
    local_lake, environment, tmp_path
):
    """`kill -9` between the first and the last table: the published month stands, the lock is taken over, the re-run publishes."""
    command = [sys.executable, "-c", "from ccft.cli import main; main()"]
    arguments = ["run", "--lake", local_lake, "--period", PERIODS[1], "--methodology", "v3.0"]
    before = rows(local_lake, "run_log")
    job = subprocess.Popen([*command, *arguments], env=environment, stderr=subprocess.PIPE, text=True)
    wait_for(job, "write accounts")
    job.kill()
    job.wait()
    assert rows(local_lake, "run_log") == before
    ccft(environment, "verify", "--lake", local_lake)
    ccft(environment, *arguments)
    ccft(environment, "verify", "--lake", local_lake)
    assert len(rows(local_lake, "run_log")) == len(before) + 1
