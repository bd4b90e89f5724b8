"""What tests of several rooms share: one Spark session per worker, a fresh lake, lakes of the demo provider, the real month."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from ccft.lake.tables import Lake


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first, those without a JVM last: two workers that take whole files then end together."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in slow, item.get_closest_marker("spark") is None))


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
    warehouse = {"spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse"))}
    session = open_session("ccft-tests", overrides=warehouse, quick=False)  # a worker's tests are work of many minutes
    yield session
    session.stop()


@pytest.fixture(scope="session")
def demo_lakes(spark, tmp_path_factory, worker_id):
    """A month of the demo provider, ingested and published, shared by all workers."""
    from tests.spark.demo_lakes import DemoLakes

    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "demo-lakes"
    folder.mkdir(exist_ok=True)
    return DemoLakes(spark, folder)


@pytest.fixture
def lake(spark, tmp_path) -> "Lake":
    """A lake without any table."""
    from ccft.lake.tables import Lake

    return Lake(spark, str(tmp_path / "lake"))
