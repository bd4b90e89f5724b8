"""A month of the demo provider in stages, built once per test run by the worker that needs it first; tests that write take a copy."""

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path

from pyspark.sql import SparkSession

from ccft.config import Settings
from ccft.demo import write_demo_world
from ccft.lake.tables import Lake
from ccft.methodology.model import known_versions, methodology
from ccft.pipeline.ingest import ingest
from ccft.pipeline.run import run

PERIOD = "2025-06"
SETTINGS = Settings()


def _once(folder: Path, name: str, build: Callable[[Path], object]) -> Path:
    """What `build` makes under a name; another worker that needs it meanwhile waits. Delta's paths are relative, so a lake may be renamed."""
    done, part = folder / name, folder / f"{name}.part"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(part, ignore_errors=True)
            build(part)
            part.rename(done)
    return done


class DemoLakes:
    """Inputs and lakes in a folder that all workers share; no test may change them.

    Parameters
    ----------
    spark
        Session of the worker.
    folder
        The same for all workers of a test run.
    """

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self._spark = spark
        self._folder = folder

    def inputs(self) -> Path:
        """200 accounts, one month, the fifteen before it for fuel."""
        return _once(
            self._folder, "inputs", lambda out: write_demo_world(out, accounts=200, months=1, last_period=PERIOD)
        )

    def core(self) -> Path:
        """Ingested, nothing published."""
        inputs = self.inputs()
        return _once(
            self._folder, "core", lambda out: ingest(self._spark, str(inputs), Lake(self._spark, str(out)), SETTINGS)
        )

    def published(self) -> Path:
        """v2.0 published."""
        return _once(self._folder, "published", lambda out: self._publish(self.core(), out, "v2.0"))

    def in_all_versions(self) -> Path:
        """The others beside it."""
        others = [name for name in known_versions() if name != "v2.0"]
        return _once(self._folder, "in-all-versions", lambda out: self._publish(self.published(), out, *others))

    def copy(self, source: Path, into: Path) -> Lake:
        """A lake that a test may change."""
        return Lake(self._spark, str(shutil.copytree(source, into / "lake")))

    def _publish(self, source: Path, out: Path, *versions: str) -> None:
        lake = Lake(self._spark, str(shutil.copytree(source, out)))
        for version in versions:
            run(lake, SETTINGS, [PERIOD], methodology(version))
