"""A real standalone cluster of two workers: the same rows as locally, and what a crash costs."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from ccft.schema.tables import RESULTS
from tests.cluster.commands import PERIODS, QUICK, ROOT, Job, ccft, finish, periods, rows, start, submit, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

FLAGS = (
    *("--properties-file", str(ROOT / "conf" / "spark" / "standalone.conf")),
    *("--conf", "spark.driver.memory=1g"),
    # Two cores: the 64 of the settings are for a cluster of tens.
    *("--conf", "spark.sql.shuffle.partitions=4"),
    *("--conf", f"spark.executor.extraJavaOptions={QUICK}"),
)


@pytest.fixture(scope="module")
def master(environment) -> Iterator[str]:
    started = subprocess.run(
        [ROOT / "scripts" / "cluster.sh", "start"], env=environment, capture_output=True, text=True, check=True
    )
    yield started.stdout.strip().splitlines()[-1]
    subprocess.run([ROOT / "scripts" / "cluster.sh", "stop"], env=environment, check=True)


def on_cluster(environment, master: str, job: str, *arguments: str) -> Job:
    return submit(environment, [*FLAGS, "--master", master], job, *arguments)


@pytest.fixture(scope="module")
def cluster_lake(inputs, environment, master, tmp_path_factory) -> str:
    lake = str(tmp_path_factory.mktemp("cluster") / "lake")
    finish(on_cluster(environment, master, "ingest", "--inputs", str(inputs), "--lake", lake))
    finish(on_cluster(environment, master, "allocate", "--lake", lake, *periods(PERIODS)))
    return lake


@pytest.mark.parametrize("name", [table.name for table in RESULTS])
def test_cluster_gives_the_same_rows_as_local(cluster_lake, local_lake, name):
    assert rows(cluster_lake, name) == rows(local_lake, name)


def test_verify_on_the_cluster_is_exact(cluster_lake, environment, master):
    assert "exact" in finish(on_cluster(environment, master, "verify", "--lake", cluster_lake))


def executors() -> list[int]:
    """Processes of this cluster's executors: children of its workers, and of no other Spark on this machine."""
    folder = ROOT / os.environ.get("CCFT_CLUSTER_DIR", "build/cluster")
    workers = ",".join(path.read_text().strip() for path in folder.glob("worker-*.pid"))
    command = ["pgrep", "-P", workers, "-f", "CoarseGrainedExecutorBackend"]
    return [int(pid) for pid in subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()]


def test_an_executor_killed_during_the_run_costs_time_not_rows(cluster_lake, environment, master):
    job = on_cluster(
        environment, master, "allocate", "--lake", cluster_lake, "--period", PERIODS[0], "--methodology", "v1.0"
    )
    wait_for(job, "allocation")
    time.sleep(3)
    victims = executors()
    assert victims
    os.kill(victims[0], signal.SIGKILL)
    finish(job)
    assert "exact" in finish(on_cluster(environment, master, "verify", "--lake", cluster_lake, "--period", PERIODS[0]))


def test_a_driver_killed_while_publishing_leaves_the_month_readable_and_a_rerun_heals_it(
    local_lake, environment, tmp_path
):
    """`kill -9` between the first and the last table: the published month stands, the lock is taken over, the re-run publishes."""
    lake = str(shutil.copytree(local_lake, tmp_path / "lake"))
    command = [sys.executable, "-c", "from ccft.cli import main; main()"]
    arguments = ["run", "--lake", lake, "--period", PERIODS[1], "--methodology", "v3.0"]
    before = rows(lake, "run_log")
    with start(environment, [*command, *arguments]) as job:
        wait_for(job, "write accounts")
        job.kill()
    assert rows(lake, "run_log") == before
    ccft(environment, "verify", "--lake", lake)
    ccft(environment, *arguments)
    ccft(environment, "verify", "--lake", lake)
    assert len(rows(lake, "run_log")) == len(before) + 1
