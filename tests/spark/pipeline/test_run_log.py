"""`run_log`: what a run read, and what it failed of."""

import json

import pytest
from deltalake import DeltaTable

from ccft.audit.software import code_hash
from ccft.config import Settings
from ccft.errors import CcftError
from ccft.lake.tables import Lake
from ccft.methodology.model import methodology
from ccft.pipeline import run as run_module
from ccft.pipeline import run_log
from ccft.pipeline.core import Core
from ccft.pipeline.run import run
from ccft.schema.tables import CORE, RESULTS
from tests.spark.demo_lakes import PERIOD, SETTINGS

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def logged_lake(demo_lakes, tmp_path_factory) -> Lake:
    """One month of v2.0, published."""
    return demo_lakes.copy(demo_lakes.published(), tmp_path_factory.mktemp("logged"))


def result_versions(lake: Lake) -> dict[str, int]:
    return {table.name: DeltaTable(lake.path(table.name)).version() for table in RESULTS}


def newest_line(lake: Lake) -> dict:
    return max(lake.rows("run_log").to_pylist(), key=lambda row: row["finished_at"])


def test_a_published_line_says_what_was_read_and_by_which_code(logged_lake):
    line = next(row for row in lake_lines(logged_lake) if row["status"] == "published")
    read = json.loads(line["input_versions"])
    assert read == {table.name: DeltaTable(logged_lake.path(table.name)).version() for table in CORE}
    assert line["code_hash"] == code_hash()


def lake_lines(lake: Lake) -> list[dict]:
    return lake.rows("run_log").to_pylist()


def test_core_tables_open_at_recorded_versions(logged_lake, spark):
    versions = Core.open(logged_lake, SETTINGS).versions
    path = logged_lake.path("core_account_usage")
    rows = DeltaTable(path).to_pyarrow_dataset().count_rows()
    spark.sql(f"DELETE FROM delta.`{path}` WHERE usage_units >= 0")
    assert Core.open(logged_lake, SETTINGS).account_usage().count() == 0
    assert Core.open(logged_lake, SETTINGS, versions).account_usage().count() == rows > 0
    logged_lake.restore({"core_account_usage": versions["core_account_usage"]})


def test_a_run_that_misses_inputs_leaves_a_failed_line_and_nothing_else(logged_lake, spark):
    """Without factors nothing can be computed: one line, which names every condition, and no commit to a result table."""
    path = logged_lake.path("core_emission_factors")
    before, factors = result_versions(logged_lake), DeltaTable(path).version()
    spark.sql(f"DELETE FROM delta.`{path}` WHERE factor_type = 'grid_generation'")
    with pytest.raises(CcftError, match="CCFT-RUN-MISSING-FACTOR") as caught:
        run(logged_lake, SETTINGS, [PERIOD], methodology("v3.0"))
    line = newest_line(logged_lake)
    assert (line["status"], line["methodology_version"], line["usage_period"]) == ("failed", "v3.0", PERIOD)
    assert line["message"] == str(caught.value)
    assert line["message"].count("CCFT-RUN-MISSING-FACTOR") > 5
    assert json.loads(line["table_versions"]) == {}
    assert result_versions(logged_lake) == before
    logged_lake.restore({"core_emission_factors": factors})


def test_a_failure_that_cannot_be_logged_is_not_hidden(logged_lake, monkeypatch):
    def broken(*_arguments):
        raise OSError("no space left")

    monkeypatch.setattr(run_module, "compute", broken)
    monkeypatch.setattr(run_log, "append", broken)
    said = []
    with pytest.raises(OSError, match="no space left") as caught:
        run(logged_lake, SETTINGS, [PERIOD], methodology("v3.0"), progress=said.append)
    assert caught.traceback[-1].name == "broken"
    assert said[-1] == "the failure could not be logged: OSError: no space left"


def test_a_refused_run_has_no_line(logged_lake):
    lines = len(lake_lines(logged_lake))
    with pytest.raises(CcftError, match="CCFT-RUN-ALREADY-PUBLISHED"):
        run(logged_lake, Settings(provider_account_id="000000000001"), [PERIOD], methodology("v2.0"))
    assert len(lake_lines(logged_lake)) == lines
