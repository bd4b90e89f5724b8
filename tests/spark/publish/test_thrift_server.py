"""The views in a lasting catalog: written by `spark-sql`, read through the Thrift server by a client that knows nothing of ccft."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import ccft
from ccft.lake.session import ALWAYS
from ccft.pipeline.catalog import script
from tests.servers import free_port, is_up

pytestmark = [pytest.mark.spark, pytest.mark.slow]
BIN = Path(sys.executable).parent
START_SECONDS = 180
QUERY = (
    "SELECT usage_account_id, product_code, region_code, usage_period_start, total_lbm_emissions_value FROM carbon_emissions"
    " ORDER BY 1, 2, 3"
)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    """Settings of a catalog of its own: metastore and warehouse in a scratch folder."""
    folder = tmp_path_factory.mktemp("catalog")
    settings = {
        **{key: value for key, value in ALWAYS.items() if key.startswith(("spark.sql.", "spark.databricks."))},
        "spark.master": "local[2]",
        "spark.driver.memory": "2g",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder / 'metastore'};create=true",
        "spark.hadoop.datanucleus.schema.autoCreateAll": "true",
        "spark.hadoop.hive.metastore.schema.verification": "false",
        "spark.driver.extraJavaOptions": f"-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dderby.system.home={folder}",
    }
    return folder, [word for key, value in settings.items() for word in ("--conf", f"{key}={value}")]


@pytest.fixture(scope="module")
def lasting_views(catalog, published_world):
    """`ccft sql --script | spark-sql`, and what spark-sql then answers."""
    folder, settings = catalog
    text = folder / "views.sql"
    text.write_text(script(published_world.root) + "\nSELECT count(*) FROM carbon_emissions;\n", encoding="utf-8")
    environment = os.environ | {"SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(
        [BIN / "spark-sql", *settings, "-f", text],
        capture_output=True,
        text=True,
        env=environment,
        cwd=folder,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def server(catalog, lasting_views):
    """A Thrift server on a free loopback port."""
    folder, settings = catalog
    port = free_port()
    command = [
        BIN / "spark-submit", *settings, "--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2", "spark-internal",
        "--hiveconf", "hive.server2.thrift.bind.host=127.0.0.1", "--hiveconf", f"hive.server2.thrift.port={port}",
    ]  # fmt: skip
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder, env=os.environ | {"SPARK_LOCAL_IP": "127.0.0.1"}
        )
    try:
        if not is_up(process, port, START_SECONDS):
            pytest.fail(f"the Thrift server did not start: {(folder / 'server.log').read_text()[-3000:]}")
        yield port
    finally:
        process.terminate()
        process.wait(60)


def test_spark_sql_reads_the_lasting_views(lasting_views, published_world):
    expected = ccft.open(published_world.root).execute("SELECT count(*) FROM carbon_emissions").fetchone()[0]
    assert lasting_views.split()[-1] == str(expected)


# The client library uses features that newer Pythons deprecate, and leaves closing its socket to the garbage collector.
@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning",
    "ignore::SyntaxWarning",
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)
def test_a_thrift_client_sees_views_comments_and_the_same_answers(server, published_world):
    from impala.dbapi import connect

    connection = connect(host="127.0.0.1", port=server, auth_mechanism="PLAIN", user="analyst", password="any")  # noqa: S106 - PLAIN wants one, the server checks none
    cursor = connection.cursor()
    cursor.execute("SHOW VIEWS")
    assert {"carbon_emissions", "emissions_by_component", "account_emissions"} <= {row[1] for row in cursor.fetchall()}
    cursor.execute("DESCRIBE carbon_emissions")
    comments = {row[0]: row[2] for row in cursor.fetchall()}
    assert "half up to whole grams [MTCO2e]" in comments["total_lbm_emissions_value"]
    cursor.execute(QUERY)
    found = cursor.fetchall()
    expected = ccft.open(published_world.root).sql(QUERY).fetchall()
    cursor.close()
    connection.close()
    assert len(found) > 1000
    assert [(*row[:3], str(row[3])[:10], row[4]) for row in found] == [
        (*row[:3], str(row[3])[:10], row[4]) for row in expected
    ]
