"""Classes that PySpark looks up by name are looked up once, and columns stay what they were."""

import pytest
from py4j.protocol import REFLECTION_COMMAND_NAME
from pyspark.sql import functions as F

pytestmark = pytest.mark.spark


@pytest.fixture
def lookups(spark, monkeypatch) -> list[str]:
    """Questions for a name that the JVM is asked from now on."""
    client = spark.sparkContext._gateway._gateway_client
    send, asked = client.send_command, []

    def listening(command, *arguments, **named):
        if command.startswith(REFLECTION_COMMAND_NAME):
            asked.append(command)
        return send(command, *arguments, **named)

    # Both the view of the JVM and the classes that it hands out hold this client.
    monkeypatch.setattr(client, "send_command", listening)
    return asked


def columns():
    return [F.col("id"), F.lit(1), F.coalesce("id", F.lit(0)), F.sum("id"), F.when(F.col("id") > 1, 2).otherwise(3)]


def test_columns_ask_for_no_name_twice(spark, lookups):
    """Where another release of PySpark asks by other names, small months would be slower: this test says so."""
    columns()
    lookups.clear()
    columns()
    assert lookups == []


def test_a_name_that_is_not_kept_is_asked_for(spark, lookups):
    assert spark.sparkContext._jvm.java.lang.Math.abs(-3) == 3
    assert lookups


def test_kept_classes_compute_what_they_did(spark):
    row = spark.range(3).select(F.sum("id").alias("sum"), F.max(F.coalesce("id", F.lit(0))).alias("max")).collect()[0]
    assert (row["sum"], row["max"]) == (3, 2)
