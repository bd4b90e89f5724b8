"""What tests of several rooms share: one Spark session per worker, a fresh lake, the real month."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from ccft.lake.tables import Lake


@pytest.fixture(scope="session")
def repository_root() -> Path:
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def real_month(repository_root) -> Path:
    """Inputs of a small provider, delivered beside the repository; where they are not, tests skip."""
    folder = repository_root.parent / "shared" / "real_month"
    if not folder.is_dir():
        pytest.skip("no real month beside the repository")
    return folder


@pytest.fixture(scope="session")
def spark(tmp_path_factory) -> "Iterator[SparkSession]":
    """One session, and one JVM, for all tests of a worker."""
    from ccft.lake.session import open_session

    # Spark logs a JSON stack trace per SQL error: tests of errors expect them.
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
    session = open_session(
        "ccft-tests", overrides={"spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse"))}
    )
    yield session
    session.stop()


@pytest.fixture
def lake(spark, tmp_path) -> "Lake":
    """A lake without any table."""
    from ccft.lake.tables import Lake

    return Lake(spark, str(tmp_path / "lake"))
