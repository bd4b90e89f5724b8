"""Cluster mode on a real YARN: driver and executors in containers, the product shipped as one file with the job."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyspark
import pytest

from ccft.schema.tables import RESULTS
from tests.cluster.commands import DEADLINE, PERIODS, QUICK, ROOT, finish, periods, rows, submit

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

SPARK_JARS = Path(pyspark.__path__[0]) / "jars"


def script(environment, name: str, *arguments: str) -> str:
    """Last line that a script of the product prints."""
    command = [ROOT / "scripts" / name, *arguments]
    done = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


@pytest.fixture(scope="module")
def configuration(environment) -> Iterator[Path]:
    yield Path(script(environment, "yarn.sh", "start"))
    script(environment, "yarn.sh", "stop")


@pytest.fixture(scope="module")
def flags(environment, configuration, tmp_path_factory) -> list[str]:
    """What a user who submits `build/ccft.pex` sets, sized for one small node. Executors could not start Python if they tried."""
    pex = ROOT / script(environment, "package.sh")
    folder = tmp_path_factory.mktemp("yarn")
    settings = {
        "spark.yarn.jars": f"local:{SPARK_JARS}/*",
        "spark.yarn.stagingDir": f"file:{folder / 'staging'}",
        "spark.yarn.appMasterEnv.PYSPARK_PYTHON": "./ccft.pex",
        "spark.yarn.appMasterEnv.PEX_ROOT": str(folder / "pex"),
        "spark.executorEnv.PYSPARK_PYTHON": "/nonexistent",
        "spark.executor.instances": "1",
        "spark.executor.cores": "1",
        "spark.executor.memory": "1g",
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": QUICK,
        "spark.executor.extraJavaOptions": QUICK,
        "spark.sql.shuffle.partitions": "4",
    }
    where = ["--master", "yarn", "--deploy-mode", "cluster", "--files", str(pex)]
    pairs = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
    return [*where, "--properties-file", str(ROOT / "conf" / "spark" / "yarn.conf"), *pairs]


@pytest.fixture(scope="module")
def yarn(environment, configuration) -> dict[str, str]:
    """A shell that knows the cluster; this checkout is not on the path of Python, so that `ccft` is the shipped one."""
    return {**environment, "HADOOP_CONF_DIR": str(configuration), "PYTHONPATH": ""}


def driver_log(configuration: Path, known: set[Path]) -> str:
    """What the driver of the newest application wrote, standard output and errors."""
    (application,) = applications(configuration) - known
    return "\n".join(path.read_text() for path in sorted(application.glob("container_*_000001/std*")))


def applications(configuration: Path) -> set[Path]:
    return set(configuration.parent.glob("target/**/*-logDir-*/application_*"))


@pytest.fixture(scope="module")
def lake(yarn, flags, inputs, tmp_path_factory) -> str:
    lake = str(tmp_path_factory.mktemp("yarn-lake") / "lake")
    finish(submit(yarn, flags, "ingest", "--inputs", str(inputs), "--lake", lake))
    finish(submit(yarn, flags, "allocate", "--lake", lake, *periods(PERIODS)))
    return lake


@pytest.mark.parametrize("name", [table.name for table in RESULTS])
def test_yarn_gives_the_same_rows_as_local(lake, local_lake, name):
    """Run ids are part of the rows: the shipped code is the code of this checkout, to the last byte."""
    assert rows(lake, name) == rows(local_lake, name)


def test_verify_on_yarn_is_exact(lake, yarn, flags, configuration):
    before = applications(configuration)
    finish(submit(yarn, flags, "verify", "--lake", lake))
    assert "equalities hold to the last microgram" in driver_log(configuration, before)


def test_work_was_done_in_containers_of_executors(lake, configuration):
    found = applications(configuration)
    assert len(found) >= 2
    for application in found:
        assert len(list(application.glob("container_*"))) >= 2, application


def test_a_job_that_fails_fails_the_submission(lake, yarn, flags, configuration):
    before = applications(configuration)
    finish(submit(yarn, flags, "allocate", "--lake", lake, "--period", "1999-01", "--methodology", "v1.0"), code=1)
    assert "CCFT-RUN-NOT-INGESTED" in driver_log(configuration, before)
