"""A lake on an S3 server: the same rows as on disk, read without a JVM, and one writer at a time."""

import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pytest
from deltalake import DeltaTable

from ccft.schema.tables import RESULTS
from tests.cluster.commands import DEADLINE, PERIODS, ROOT, Job, ccft, finish, periods, rows, submit, wait_for
from tests.servers import free_port, is_up

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

BUCKET = "footprints"
APPENDS = 6


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory) -> Iterator[str]:
    """A real S3 server of its own process, with a bucket."""
    port = free_port()
    log = (tmp_path_factory.mktemp("s3") / "server.log").open("w")
    command = [str(Path(sys.prefix) / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=log, stderr=log)
    assert is_up(server, port, seconds=60)
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait()
    log.close()


@pytest.fixture(scope="module")
def s3(environment, endpoint) -> dict[str, str]:
    """What an operator sets: keys, region and endpoint, for Spark and for readers without a JVM."""
    own = {
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="tests",
        aws_secret_access_key="tests",  # noqa: S106 - the server takes any
        config=boto3.session.Config(proxies={}),
    )
    client.create_bucket(Bucket=BUCKET)
    client.close()
    return {**environment, **own}


@pytest.fixture(scope="module")
def flags(environment, tmp_path_factory) -> list[str]:
    """The settings of a local run and those for S3, as the page on running puts them together."""
    jars = subprocess.run(
        [ROOT / "scripts" / "s3-jars.sh"], env=environment, capture_output=True, text=True, check=True
    )
    settings = tmp_path_factory.mktemp("conf") / "local-s3.conf"
    parts = [(ROOT / "conf" / "spark" / name).read_text() for name in ("local.conf", "s3.conf")]
    settings.write_text("\n".join(parts))
    memory = ["--driver-memory", "1g", "--conf", "spark.master=local[2]"]
    return ["--properties-file", str(settings), "--jars", jars.stdout.strip().splitlines()[-1], *memory]


@pytest.fixture(scope="module")
def lake(s3, flags, inputs) -> str:
    lake = f"s3a://{BUCKET}/lake"
    finish(submit(s3, flags, "ingest", "--inputs", str(inputs), "--lake", lake))
    finish(submit(s3, flags, "allocate", "--lake", lake, *periods(PERIODS)))
    return lake


def options(s3) -> dict[str, str]:
    return {key: value for key, value in s3.items() if key.startswith("AWS_")}


@pytest.mark.parametrize("name", [table.name for table in RESULTS])
def test_s3_gives_the_same_rows_as_a_disk(lake, local_lake, s3, name):
    assert rows(lake, name, options(s3)) == rows(local_lake, name)


def test_a_lake_on_s3_is_read_without_a_jvm(lake, local_lake, s3):
    """No Java can be found; figures are those of the disk."""
    without = {**s3, "JAVA_HOME": "/nonexistent", "PATH": "/nonexistent"}
    assert ccft(without, "summary", "--lake", lake) == ccft(without, "summary", "--lake", local_lake)


def run_log(lake: str, s3) -> list[tuple[str, str, str]]:
    log = DeltaTable(f"{lake}/run_log", storage_options=options(s3)).to_pyarrow_table()
    return sorted((row["usage_period"], row["methodology_version"], row["status"]) for row in log.to_pylist())


def test_of_two_drivers_at_once_one_waits_outside_and_nothing_is_lost(lake, s3, flags):
    before = run_log(lake, s3)
    arguments = [["--lake", lake, "--period", period, "--methodology", "v1.0"] for period in PERIODS]
    both: list[Job] = [submit(s3, flags, "allocate", *words) for words in arguments]
    said = [job.communicate(timeout=DEADLINE)[0] for job in both]
    codes = [job.returncode for job in both]
    assert sorted(codes) == [0, 3], said
    loser = codes.index(3)
    assert "CCFT-LAKE-LOCKED: the lake is locked by process" in said[loser]
    finish(submit(s3, flags, "allocate", *arguments[loser]))
    new = [(period, "v1.0", "published") for period in PERIODS]
    assert run_log(lake, s3) == sorted([*before, *new])


def test_two_drivers_appending_to_one_table_lose_no_commit(s3, flags):
    """Without the lock, two drivers of 15 commits each left 29 rows of 30, and no error."""
    lake = f"s3a://{BUCKET}/appended"
    script = str(ROOT / "tests" / "cluster" / "appender.py")
    for job in [submit(s3, flags, script, lake, name, str(APPENDS)) for name in ("one", "two")]:
        assert f"{APPENDS} lines" in finish(job)
    log = DeltaTable(f"{lake}/ingest_log", storage_options=options(s3)).to_pyarrow_table()
    assert sorted(log["ingest_id"].to_pylist()) == sorted(
        f"{name}-{i}" for name in ("one", "two") for i in range(APPENDS)
    )


def test_the_lock_of_a_driver_that_was_killed_is_taken_over(lake, s3, flags):
    arguments = ["--lake", lake, "--period", PERIODS[1], "--methodology", "v3.0"]
    before = run_log(lake, s3)
    job = submit(s3, [*flags, "--name", "to-be-killed"], "allocate", *arguments)
    wait_for(job, "write accounts")
    # `spark-submit` is the JVM, the driver's Python its child: both end, as when a machine goes down.
    driver = subprocess.run(["pgrep", "-P", str(job.pid)], capture_output=True, text=True, check=True)
    for pid in [job.pid, *map(int, driver.stdout.split())]:
        os.kill(pid, signal.SIGKILL)
    job.communicate()
    assert run_log(lake, s3) == before
    finish(submit(s3, flags, "allocate", *arguments))
    assert run_log(lake, s3) == sorted([*before, (PERIODS[1], "v3.0", "published")])


def test_all_that_was_published_on_s3_is_exact(lake, s3, flags):
    assert "exact" in finish(submit(s3, flags, "verify", "--lake", lake))


class _Forgetful(BaseHTTPRequestHandler):
    """Hands requests on to the server, without their conditions: how older S3-compatible servers behave."""

    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {k: v for k, v in self.headers.items() if k.lower() not in {"if-none-match", "host"}}
        server = http.client.HTTPConnection("127.0.0.1", self.server.behind)
        server.request(self.command, self.path, body, headers)
        answer = server.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for key, value in answer.getheaders():
            if key.lower() not in {"transfer-encoding", "connection", "content-length", "date", "server"}:
                self.send_header(key, value)
        self.send_header("Content-Length", answer.getheader("Content-Length") or str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        server.close()

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _pass_on  # noqa: N815 - names of the base class

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_a_server_that_cannot_keep_writers_apart_is_refused(s3, flags, endpoint, inputs):
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), _Forgetful)
    proxy.behind = int(endpoint.rpartition(":")[2])
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    through = {**s3, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.server_port}"}
    arguments = ("--inputs", str(inputs), "--lake", f"s3a://{BUCKET}/forgetful")
    error = finish(submit(through, flags, "ingest", *arguments), code=3)
    proxy.shutdown()
    proxy.server_close()
    assert "CCFT-LAKE-STORAGE" in error
    assert "ignores If-None-Match" in error


def test_a_server_out_of_reach_is_exit_code_3(s3, flags, inputs):
    nowhere = {**s3, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}
    arguments = ("--inputs", str(inputs), "--lake", f"s3a://{BUCKET}/lake")
    assert "CCFT-LAKE-STORAGE: storage: " in finish(submit(nowhere, flags, "ingest", *arguments), code=3)
