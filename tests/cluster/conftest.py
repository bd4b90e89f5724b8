"""A small world and the lake that one process makes of it, the reference of all clusters."""

from pathlib import Path

import pytest

from ccft.demo import write_demo_world
from tests.cluster.commands import PERIODS, ccft, periods, plain_environment


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    return plain_environment()


@pytest.fixture(scope="session")
def inputs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "inputs"
    write_demo_world(folder, accounts=200, months=2, last_period=PERIODS[-1])
    return folder


@pytest.fixture(scope="session")
def local_lake(inputs, environment, tmp_path_factory) -> str:
    """The same months computed in one process. Tests of one file may add versions to it, not change what is there."""
    lake = str(tmp_path_factory.mktemp("local") / "lake")
    ccft(environment, "ingest", "--inputs", str(inputs), "--lake", lake)
    ccft(environment, "run", "--lake", lake, *periods(PERIODS))
    return lake
