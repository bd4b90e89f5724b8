"""Spark sessions with Delta, configured for small months on one machine or for a cluster."""

import sys
from pathlib import Path

import pyspark
from pyspark.sql import SparkSession

ALWAYS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # A month ends at midnight UTC, wherever the job runs.
    "spark.sql.session.timeZone": "UTC",
    # Overflow and bad casts must be errors, never nulls.
    "spark.sql.ansi.enabled": "true",
    # One open file per region and task instead of a sort of the account rows before a partitioned write.
    "spark.sql.maxConcurrentOutputFileWriters": "100",
    # Delta reads its small logs with 50 tasks by default.
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
    # Python workers are not used, and a console progress bar would garble the log.
    "spark.ui.showConsoleProgress": "false",
}

SMALL = {
    "spark.master": "local[2]",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.driver.memory": "4g",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
}


def _class_data_archive() -> Path:
    """Class-data-sharing archive that set-up makes; halves the start of small jobs."""
    return Path(sys.prefix) / "ccft-spark.jsa"


def _quick_start_options() -> str:
    """JVM options that suit short jobs: serial collector, first compiler only, shared class data."""
    options = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m"
    archive = _class_data_archive()
    return f"{options} -XX:SharedArchiveFile={archive} -Xshare:auto" if archive.exists() else options


def open_session(app_name: str, *, overrides: dict[str, str] | None = None, quick: bool = True) -> SparkSession:
    """Get or create the session.

    Started by `spark-submit`, master, memory and sizes come from there; otherwise a local session for small months is made.

    Parameters
    ----------
    app_name
        Shown in Spark's user interface.
    overrides
        Spark settings that win over the product's.
    quick
        Prefer a fast start over fast long runs (local sessions only).
    """
    builder = SparkSession.builder.appName(app_name)
    submitted = SparkSession.getActiveSession() is not None or _under_spark_submit()
    settings = dict(ALWAYS)
    if not submitted:
        settings |= SMALL
        if quick:
            settings["spark.driver.extraJavaOptions"] = _quick_start_options()
    settings |= overrides or {}
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def _under_spark_submit() -> bool:
    """Whether a gateway made by `spark-submit` is waiting for this process."""
    import os

    return "PYSPARK_GATEWAY_PORT" in os.environ


def spark_home() -> Path:
    """Folder of the installed Spark."""
    return Path(pyspark.__file__).parent
