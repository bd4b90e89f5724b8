"""What a lake on a file system knows without a session."""

from ccft.lake.tables import Lake


def no_session():
    raise AssertionError("a session was opened")


def test_tables_that_were_never_written_are_empty_without_a_session(tmp_path):
    """A first run reads the log of runs before there is one, to see what has been published."""
    lake = Lake(no_session, str(tmp_path))
    log = lake.rows("run_log")
    assert log.num_rows == 0
    assert {"run_id", "usage_period", "status"} <= set(log.column_names)
    assert lake.versions(["run_log"]) == {}
