"""Spark's settings per environment: a name that Spark does not know is ignored in silence, so every name is looked up in its classes."""

import zipfile
from pathlib import Path

import pyspark
import pytest

CONF = Path(__file__).parents[3] / "conf" / "spark"
JARS = Path(pyspark.__path__[0]) / "jars"
S3_JARS = Path(__file__).parents[3] / "build" / "s3-jars"
READ = (
    "spark-core_",
    "spark-sql_",
    "spark-catalyst_",
    "spark-sql-api_",
    "spark-yarn_",
    "spark-kubernetes_",
    "delta-spark_",
)
DELTA_PREFIX = b"spark.databricks.delta."


def settings(file: Path) -> dict[str, str]:
    lines = [line.split(maxsplit=1) for line in file.read_text(encoding="utf-8").splitlines()]
    return dict(words for words in lines if len(words) == 2 and not words[0].startswith("#"))


def classes(jar: Path, names: set[bytes]) -> set[bytes]:
    """Which of the names stand as a whole string in the classes of a JAR."""
    found: set[bytes] = set()
    with zipfile.ZipFile(jar) as archive:
        for entry in archive.namelist():
            if entry.endswith(".class"):
                content = archive.read(entry)
                found |= {name for name in names - found if len(name).to_bytes(2, "big") + name in content}
    return found


@pytest.fixture(scope="module")
def names() -> set[str]:
    given = {name for file in CONF.glob("*.conf") for name in settings(file)}
    return {name for name in given if not name.startswith("spark.hadoop.")}


def test_spark_knows_every_setting(names):
    literal = {name.encode() for name in names}
    wanted = literal | {name.removeprefix(DELTA_PREFIX) for name in literal}
    jars = [jar for jar in JARS.glob("*.jar") if jar.name.startswith(READ)]
    assert len(jars) == len(READ)
    known = set().union(*(classes(jar, wanted) for jar in jars))
    # Hadoop and the extension points of catalogs are named by prefix.
    free = {b"spark.sql.catalog.spark_catalog"}
    unknown = {name for name in literal - free if not known & {name, name.removeprefix(DELTA_PREFIX)}}
    assert not unknown


def test_hadoop_knows_every_s3_setting():
    (jar,) = list(S3_JARS.glob("hadoop-aws-*.jar")) or [pytest.skip("scripts/s3-jars.sh has not been run")]
    given = {name.removeprefix("spark.hadoop.").encode() for name in settings(CONF / "s3.conf")}
    assert given
    assert classes(jar, given) == given
