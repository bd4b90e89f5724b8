"""`ccft sql` and `ccft explain` as their users call them."""

import csv
import io
import json

import pytest

import ccft
from ccft.cli import main

pytestmark = [pytest.mark.spark, pytest.mark.slow]
QUERY = (
    "SELECT account_id, total_lbm_kg, usage_period = '2025-06' AS is_june, CAST(NULL AS STRING) AS nothing"
    " FROM account_emissions_current ORDER BY total_lbm_kg DESC, account_id LIMIT 3"
)
TIMES = "SELECT period_end, count(*) AS n FROM published_slices GROUP BY period_end"


@pytest.fixture
def run(published_world, capsys):
    def call(*words, code=0):
        with pytest.raises(SystemExit) as ended:
            main([*words, "--lake", published_world.root])
        captured = capsys.readouterr()
        assert ended.value.code == code, captured.err
        return captured.out if code == 0 else captured.err

    return call


@pytest.fixture
def largest(published_world):
    return ccft.open(published_world.root).execute(QUERY).fetchone()


@pytest.mark.parametrize("engine", ["duckdb", "spark"])
def test_sql_gives_exact_figures_as_json_and_csv(run, largest, engine):
    rows = json.loads(run("sql", QUERY, "--format", "json", "--engine", engine))
    assert len(rows) == 3
    assert rows[0] == {"account_id": largest[0], "total_lbm_kg": str(largest[1]), "is_june": True, "nothing": None}
    head, first, *_ = csv.reader(io.StringIO(run("sql", QUERY, "--format", "csv", "--engine", engine)))
    assert head == ["account_id", "total_lbm_kg", "is_june", "nothing"]
    assert first == [largest[0], str(largest[1]), "true", ""]
    assert json.loads(run("sql", TIMES, "--format", "json", "--engine", engine)) == [
        {"period_end": "2025-07-01 00:00:00Z", "n": 3}
    ]
    assert run("sql", "SELECT 1 AS a WHERE 1 = 0", "--format", "json", "--engine", engine).strip() == "[]"


def test_sql_prints_a_table_and_the_names_of_what_there_is(run, largest):
    table = run("sql", QUERY)
    assert largest[0] in table
    assert str(largest[1]) in table
    assert "carbon_emissions_all_versions" in run("sql")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("DROP VIEW carbon_emissions", "CCFT-USAGE-NOT-READ-ONLY: query, line 1, column 1: 'DROP'"),
        ("SELECT nothing FROM carbon_emissions", "CCFT-USAGE-QUERY-FAILED"),
        ("SELECT * FROM read_text('/etc/passwd')", "file system operations are disabled"),
        ("SELECT CAST('a' AS INT) FROM carbon_emissions", "CCFT-USAGE-QUERY-FAILED"),
    ],
)
def test_sql_reads_the_views_and_nothing_else(run, query, message):
    assert message in run("sql", query, code=2)


def test_the_script_makes_views_that_last(run):
    text = run("sql", "--script")
    assert text.startswith("SET TIME ZONE 'UTC';")
    assert "CREATE OR REPLACE VIEW carbon_emissions (last_refresh_timestamp COMMENT" in text
    assert "VERSION AS OF" in text


def test_explain_prints_a_tree_json_and_a_page(run, largest, tmp_path):
    words = ("explain", largest[0], "--period", "2025-06", "--measure", "scope_2_lbm")
    assert "6. inventory <- activity and emission factors" in run(*words)
    told = json.loads(run(*words, "--json"))
    assert told["account_id"] == largest[0]
    assert told["audience"] == "provider"
    page = tmp_path / "page.html"
    assert run(*words, "--customer", "--html", str(page)).strip() == str(page)
    assert "your weight" in page.read_text(encoding="utf-8")
    assert "CCFT-USAGE-NO-SUCH-ROW" in run("explain", "123456789012", "--period", "2025-06", code=2)
