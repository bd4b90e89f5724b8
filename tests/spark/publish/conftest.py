"""One small lake with a month in three methodology versions, for all tests of what users read."""

import pytest

from ccft.config import Settings
from ccft.demo import write_demo_world
from ccft.lake.tables import Lake
from ccft.methodology.model import known_versions
from ccft.pipeline.ingest import ingest
from ccft.pipeline.run import run

PERIOD = "2025-06"


@pytest.fixture(scope="session")
def published_world(spark, tmp_path_factory) -> Lake:
    """A lake that no test may change."""
    folder = tmp_path_factory.mktemp("published")
    write_demo_world(folder / "inputs", accounts=200, months=1, last_period=PERIOD)
    lake = Lake(spark, str(folder / "lake"))
    ingest(spark, str(folder / "inputs"), lake, Settings())
    for policy in known_versions().values():
        run(lake, Settings(), [PERIOD], policy)
    return lake
