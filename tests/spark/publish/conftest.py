"""One small lake with a month in three methodology versions, for all tests of what users read."""

import pytest

from ccft.lake.tables import Lake


@pytest.fixture(scope="session")
def published_world(spark, demo_lakes) -> Lake:
    """A lake that no test may change."""
    return Lake(spark, str(demo_lakes.in_all_versions()))
