"""The same deliveries to a real S3-compatible server on loopback: the switch, restatement and reading back by DuckDB's reader."""

import hashlib
import io
import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer
from pyarrow import fs

from ccft.errors import CcftError
from ccft.lake.destination import Destination
from tests.unit.publish.data_exports.deliveries import ROWS, deliver_rows
from tests.unit.publish.data_exports.sample import PAYER, SLICE, row, table

BUCKET = "ccft-exports"
MANIFEST = f"{PAYER}/carbon/metadata/carbon_model_version=v3.0/usage_period=2025-01/carbon-Manifest.json"


@pytest.fixture(scope="module")
def server():
    found = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    found.start()
    yield f"http://127.0.0.1:{found.get_host_and_port()[1]}"
    found.stop()


@pytest.fixture
def s3(server, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    files = fs.S3FileSystem(endpoint_override=server, region="eu-central-1", allow_bucket_creation=True)
    files.create_dir(BUCKET)
    return files


@pytest.mark.parametrize("scheme", ["s3a", "s3"])
def test_a_delivery_and_its_restatement(s3, scheme):
    destination = Destination(f"{scheme}://{BUCKET}/{scheme}/exports/")
    deliver_rows(destination, [ROWS])
    assert destination.folders() == [PAYER]
    old = destination.files(f"{PAYER}/carbon")
    assert len(old) == 2
    new_rows = table([row("000000000042", kg="5")])
    deliver_rows(destination, [new_rows], item=replace(SLICE, run_id="run-2"))
    manifest = json.loads(destination.read(MANIFEST))
    assert manifest["run_id"] == "run-2"
    assert manifest["previous_manifest"]["run_id"] == "run-1"
    (file,) = manifest["files"]
    assert set(destination.files(f"{PAYER}/carbon")) == {file["path"], MANIFEST.removeprefix(f"{PAYER}/carbon/")}
    # Any S3 client finds the object where the layout says.
    with s3.open_input_file(f"{BUCKET}/{scheme}/exports/{PAYER}/carbon/{file['path']}") as stream:
        content = stream.read()
    assert hashlib.sha256(content).hexdigest() == file["sha256"]
    assert pq.read_table(io.BytesIO(content))["usage_account_id"].to_pylist() == ["000000000042"]


def test_a_missing_bucket_is_storage_out_of_reach(s3):
    with pytest.raises(CcftError) as caught:
        Destination("s3a://no-such-bucket/x").write("1/x/file", b"content")
    assert caught.value.exit_code == 3
