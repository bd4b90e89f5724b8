"""`ccft run --due` from cron: a lake that is being worked on is no failure."""

import json
import os
import socket

import pytest

from ccft.cli import main
from ccft.lake.lock import writing


def stopped_with(arguments) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    return stopped.value.code


def test_a_held_lock_is_one_line_and_exit_0(tmp_path, capsys):
    with writing(str(tmp_path)):
        assert stopped_with(["run", "--due", "--lake", str(tmp_path)]) == 0
        said = capsys.readouterr()
        assert len(said.out.splitlines()) == 1
        assert f"process {os.getpid()} on {socket.gethostname()}" in said.out
        assert said.err == ""
        assert stopped_with(["run", "--due", "--json", "--lake", str(tmp_path)]) == 0
        assert json.loads(capsys.readouterr().out)["locked"].startswith("CCFT-LAKE-LOCKED")
        # Whoever names a period wants it computed: for them it is a failure.
        assert stopped_with(["run", "--period", "2025-01", "--lake", str(tmp_path)]) == 3
    with writing(str(tmp_path)):
        """Those who were refused left nothing behind."""


@pytest.mark.parametrize("more", [["--period", "2025-01"], ["--methodology", "v2.0"], ["--restate", "--reason", "x"]])
def test_due_finds_periods_and_versions_itself(tmp_path, capsys, more):
    assert stopped_with(["run", "--due", "--lake", str(tmp_path), *more]) == 2
    assert "CCFT-USAGE-BAD-SETTING: setting --due" in capsys.readouterr().err
