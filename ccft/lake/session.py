"""Spark sessions with Delta, configured for small months on one machine or for a cluster."""

import os
import sys
from importlib import resources
from pathlib import Path
from typing import Final

from pyspark import SparkConf
from pyspark.sql import SparkSession

from ccft.lake.gateway import remember_classes
from ccft.schema.tables import table
from ccft.schema.units import ROW_MASS

HARDLY_REPEATED: Final = tuple(
    column.name
    for column in table("account_emissions").columns
    if column.name in {"weight", "account_id", "payer_account_id"} or column.type == ROW_MASS
)
"""Columns of the largest table with too many different values for a dictionary."""

ALWAYS: Final = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # A month ends at midnight UTC, wherever the job runs.
    "spark.sql.session.timeZone": "UTC",
    # Overflow and bad casts must be errors, never nulls.
    "spark.sql.ansi.enabled": "true",
    # A quarter smaller than snappy (the default) on account rows, at the same CPU cost to write.
    "spark.sql.parquet.compression.codec": "zstd",
    # Its first level: quicker than the default of three on account rows, and no larger.
    "spark.hadoop.parquet.compression.codec.zstd.level": "1",
    # A dictionary of amounts and account ids is built, found too large and thrown away: a third of the time of writing account rows.
    **{f"spark.hadoop.parquet.enable.dictionary#{name}": "false" for name in HARDLY_REPEATED},
    # One open file per region and task instead of a sort of the account rows before a partitioned write.
    "spark.sql.maxConcurrentOutputFileWriters": "100",
    # Opening a file counts as 4 MB of rows by default: a month of forty regions would be cut into tasks of very different numbers of rows.
    "spark.sql.files.openCostInBytes": "512k",
    # Delta reads its small logs with 50 tasks by default.
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
    # A commit of no rows is a commit: a failed run takes each table one version back.
    "spark.databricks.delta.skipRecordingEmptyCommits": "false",
    # Each task that aggregates or joins takes at least one page: the default of up to 64 MB is zeroed and collected for a handful of rows.
    "spark.buffer.pageSize": "2m",
    # Every function of a column would ask the JVM ten times where in Python it stands.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # Descriptions of plans for the user interface: formatting them costs more than small plans do.
    "spark.sql.ui.explainMode": "simple",
    # A progress bar would garble the log.
    "spark.ui.showConsoleProgress": "false",
}

LOCAL: Final = {
    "spark.master": "local[2]",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.driver.memory": "4g",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
}
"""Settings of a session that nobody else configures: small months on one machine."""

QUIET: Final = "-Xlog:disable -Xlog:all=error:stderr"
"""Java would say on standard output that an archive does not fit, in the middle of `--json` results."""

SMALL_HEAP: Final = "-Xms1536m -Xmn1g -XX:MetaspaceSize=256m"
"""Sizes that even a small month reaches: growing to them step by step is a full collection each."""

LARGE_HEAP: Final = "-Xms2g -Xmn1g -XX:MetaspaceSize=256m"
"""Half of the default driver: a long scan makes nothing but short-lived rows."""

SECOND_COMPILER_LATE: Final = " ".join(
    f"-XX:Tier4{name}Threshold={calls}"
    for name, calls in {"Invocation": 40_000, "MinInvocation": 5_000, "Compile": 120_000, "BackEdge": 320_000}.items()
)
"""Eight times the defaults: the second compiler works on what a long session does again and again, not on what it has done a few times."""

CODE_CACHE: Final = "-XX:ReservedCodeCacheSize=256m"
"""A long session with many small plans fills the first compiler's default of 48 MB, and then nothing is compiled any more."""


def _class_data_archive() -> Path:
    """Class-data-sharing archive that set-up makes; halves the start of small jobs."""
    return Path(sys.prefix) / "ccft-spark.jsa"


def java_options(*, quick: bool) -> str:
    """JVM options of a local session with shared class data.

    Quick: the first compiler only, and a collector of one thread on a small heap. Otherwise both compilers, which pays from the third small month in one
    session on where a core is free for them, and a collector on every core, because with one thread all cores wait while account rows are collected.
    """
    logging = f"-Dlog4j2.configurationFile={resources.files('ccft.lake') / 'log4j2.properties'}"
    archive = _class_data_archive()
    shared = f" -XX:SharedArchiveFile={archive} -Xshare:auto" if archive.exists() else ""
    quickly, steadily = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1", f"-XX:+UseParallelGC {SECOND_COMPILER_LATE}"
    speed = f"{quickly} {SMALL_HEAP}" if quick else f"{steadily} {LARGE_HEAP}"
    return f"{logging} {speed} {CODE_CACHE} {QUIET}{shared}"


def _is_submitted() -> bool:
    """Whether `spark-submit` started this process: master, memory and sizes are its to set."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def open_session(app_name: str, *, overrides: dict[str, str] | None = None, quick: bool = True) -> SparkSession:
    """Get or create the session.

    Started by `spark-submit`, what it sets comes from there; otherwise a local session for small months is made.

    Parameters
    ----------
    app_name
        Shown in Spark's user interface.
    overrides
        Spark settings that win over the product's.
    quick
        Prefer a fast start over fast long runs (local sessions only).
    """
    settings = dict(ALWAYS)
    if _is_submitted():
        given = SparkConf()
        settings = {key: value for key, value in settings.items() if not given.contains(key)}
    else:
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        settings |= LOCAL | {"spark.driver.extraJavaOptions": java_options(quick=quick)}
    settings |= overrides or {}
    builder = SparkSession.builder.appName(app_name)
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    remember_classes(session.sparkContext)
    if _is_submitted():
        # What a person must know comes from ccft itself; spark-submit's own default is a line per task.
        session.sparkContext.setLogLevel("WARN")
    return session
