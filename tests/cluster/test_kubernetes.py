"""A dry run of cluster mode on Kubernetes: what `spark-submit` asks of the API server, which here only writes it down."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.cluster.commands import ROOT, finish, submit

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

IMAGE = "registry.example/ccft:0.1.0"


class _Server(BaseHTTPRequestHandler):
    """Accepts every object as it is, keeps it, and gives it a uid, as an API server does."""

    protocol_version = "HTTP/1.1"

    def _answer(self, content: dict[str, Any]) -> None:
        text = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _accept(self) -> None:
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.accepted.append(given | {"path": self.path})
        given["metadata"] |= {"uid": f"uid-{len(self.server.accepted)}", "resourceVersion": "1"}
        self._answer(given)

    def do_GET(self) -> None:
        kind = "PodList" if "pods" in self.path else "ConfigMapList"
        self._answer({"apiVersion": "v1", "kind": kind, "metadata": {"resourceVersion": "1"}, "items": []})

    do_POST = do_PUT = do_PATCH = _accept  # noqa: N815 - names of the base class

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def accepted(environment) -> Iterator[list[dict[str, Any]]]:
    """Objects that the documented command creates."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    server.accepted = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    own = {
        "spark.kubernetes.container.image": IMAGE,
        "spark.kubernetes.namespace": "footprints",
        "spark.kubernetes.authenticate.driver.serviceAccountName": "ccft",
        "spark.kubernetes.submission.waitAppCompletion": "false",
    }
    flags = ["--master", f"k8s://http://127.0.0.1:{server.server_port}", "--deploy-mode", "cluster"]
    flags += ["--properties-file", str(ROOT / "conf" / "spark" / "kubernetes.conf")]
    flags += [word for name, value in own.items() for word in ("--conf", f"{name}={value}")]
    shell = {**environment, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "KUBECONFIG": "/nonexistent"}
    job = "local:///opt/ccft/jobs/allocate.py"
    finish(submit(shell, flags, job, "--lake", "s3a://bucket/lake", "--period", "2025-06"))
    yield server.accepted
    server.shutdown()
    server.server_close()


def of_kind(accepted: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [given for given in accepted if given["kind"] == kind]


def test_the_driver_runs_the_job_of_the_image(accepted):
    (pod,) = of_kind(accepted, "Pod")
    (container,) = pod["spec"]["containers"]
    assert pod["path"].startswith("/api/v1/namespaces/footprints/pods")
    assert pod["spec"]["serviceAccountName"] == "ccft"
    assert container["image"] == IMAGE
    words = container["args"]
    assert words[0] == "driver"
    assert words[-5:] == ["local:///opt/ccft/jobs/allocate.py", "--lake", "s3a://bucket/lake", "--period", "2025-06"]


def test_memory_is_what_the_settings_say(accepted):
    """2 GiB of heap, and Spark's own 40 % beside it for a Python driver; executors, which run no Python, a tenth."""
    (pod,) = of_kind(accepted, "Pod")
    assert pod["spec"]["containers"][0]["resources"]["limits"]["memory"] == f"{int(2048 * 1.4)}Mi"


def test_settings_reach_the_driver(accepted):
    maps = [given["data"] for given in of_kind(accepted, "ConfigMap")]
    (properties,) = [data["spark.properties"] for data in maps if "spark.properties" in data]
    given = dict(line.split("=", 1) for line in properties.splitlines() if "=" in line)
    plain = {name.replace("\\", ""): value.replace("\\", "") for name, value in given.items()}
    assert plain["spark.executor.memory"] == "4g"
    assert plain["spark.executor.cores"] == "2"
    assert plain["spark.executor.memoryOverheadFactor"] == "0.1"
    assert plain["spark.sql.extensions"] == "io.delta.sql.DeltaSparkSessionExtension"
