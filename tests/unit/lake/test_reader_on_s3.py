"""Reading a lake on S3 without a JVM: a server out of reach is named as that, for a scheduler to try again."""

import socket

import pytest

from ccft.errors import CcftError
from ccft.lake.reader import run_log


def test_a_server_out_of_reach_is_exit_code_3(monkeypatch):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # a port that nobody listens on
        environment = {
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "tests",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "AWS_ALLOW_HTTP": "true",
            "NO_PROXY": "127.0.0.1",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(CcftError) as caught:
            run_log("s3a://bucket/lake")
    assert [problem.code for problem in caught.value.problems] == ["CCFT-LAKE-STORAGE"]
    assert caught.value.exit_code == 3
    assert "\x1b" not in str(caught.value)
