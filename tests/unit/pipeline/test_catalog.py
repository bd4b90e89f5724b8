"""Statements of a catalog, and a lake where nothing is published: all names are there, without rows."""

from datetime import UTC, datetime

import pytest
import sqlglot
from deltalake import write_deltalake

from ccft.audit.published import Line
from ccft.pipeline.catalog import script, statements
from ccft.pipeline.reading import open_published, with_views
from ccft.schema.ai_views import AI_VIEWS
from ccft.schema.arrow import arrow_schema
from ccft.schema.tables import AI_RESULTS, RESULTS, table
from ccft.schema.views import PUBLISHED_SLICES, VIEWS
from tests.unit.ai.published_lake import publish

FINISHED = datetime(2025, 7, 14, 7, 52, 10, 494000, tzinfo=UTC)
AT = {table.name: 3 for table in RESULTS}
LINES = [
    Line("2025-05", "v2.0", "run-1", FINISHED, AT),
    Line("2025-06", "v2.0", "run-2", FINISHED, AT | {"service_flows": 4}),
]
AI_LINE = Line("2025-06", "v2.0", "ai-1", FINISHED, {item.name: 7 for item in AI_RESULTS})
NAMES = [PUBLISHED_SLICES.name, *(table.name for table in RESULTS), *(view.name for view in VIEWS)]
AI_NAMES = [item.name for item in (*AI_RESULTS, *AI_VIEWS)]


def made(lines, columns=lambda name, version: table(name).column_names, **more):
    names = NAMES if more.get("ai") is None else NAMES + AI_NAMES
    return dict(zip(names, statements("/lake", lines, columns, **more), strict=True))


@pytest.mark.parametrize("lines", [LINES, []], ids=["published", "nothing published"])
@pytest.mark.parametrize("lasting", [True, False])
@pytest.mark.parametrize("ai", [None, (), [AI_LINE]], ids=["without AI", "no AI figures", "AI figures"])
def test_every_table_and_view_has_its_statement(lines, lasting, ai):
    kind = "VIEW" if lasting else "TEMPORARY VIEW"
    for name, text in made(lines, lasting=lasting, ai=ai).items():
        assert text.startswith(f"CREATE OR REPLACE {kind} {name} (")
        assert len(sqlglot.parse(text, dialect="spark")) == 1


def test_slices_of_one_delta_version_are_read_together():
    texts = made(LINES)
    assert texts["account_emissions"].count("VERSION AS OF 3") == 1
    assert (
        "usage_period = '2025-05' AND methodology_version = 'v2.0') OR (usage_period = '2025-06'"
        in texts["account_emissions"]
    )
    assert [texts["service_flows"].count(f"VERSION AS OF {version}") for version in (3, 4)] == [1, 1]
    assert "TIMESTAMP '2025-07-14 07:52:10.494000'" in texts["published_slices"]


def test_a_column_added_later_is_null_in_older_versions():
    texts = made(LINES, lambda _name, version: [] if version == 3 else ["emissions_kg"])
    old, new = texts["service_flows"].split(" UNION ALL ")
    assert "CAST(NULL AS decimal(28,9)) AS emissions_kg" in old
    assert "CAST(NULL AS decimal(28,9)) AS emissions_kg" not in new


def test_where_nothing_is_published_all_names_answer_without_rows():
    opened = with_views("/nowhere", [])
    assert {opened.sql(f"SELECT count(*) FROM {name}").fetchall()[0][0] for name in NAMES} == {0}


def test_ai_tables_are_read_at_the_versions_of_the_ai_run_and_not_of_the_run():
    texts = made(LINES, ai=[AI_LINE])
    assert "ai_intensity` VERSION AS OF 7" in texts["ai_intensity"]
    assert "usage_period = '2025-06'" in texts["ai_intensity"]
    assert "2025-05" not in texts["ai_intensity"]
    assert "WHERE false" in made(LINES, ai=())["ai_intensity"]


def test_a_lake_without_ai_figures_opens_and_its_ai_names_answer_without_rows(tmp_path):
    write_deltalake(str(tmp_path / "run_log"), arrow_schema(table("run_log")).empty_table())
    opened = open_published(tmp_path)
    assert {opened.sql(f"SELECT count(*) FROM {name}").fetchall()[0][0] for name in NAMES + AI_NAMES} == {0}


def test_a_published_lake_opens_with_its_ai_figures(tmp_path):
    root = publish(tmp_path)
    with open_published(root) as opened:
        for name in AI_NAMES:
            assert opened.sql(f"SELECT count(*) FROM {name}").fetchall()[0][0] > 0, name
        current = opened.sql("SELECT DISTINCT usage_period, methodology_version FROM ai_kpis ORDER BY ALL").fetchall()
    # the month whose account rows were replaced since has no figures
    assert current == [("2024-12", "v3.0"), ("2025-01", "v3.0")]
    text = script(root)
    assert sum(f"CREATE OR REPLACE VIEW {name} (" in text for name in AI_NAMES) == len(AI_NAMES)
    assert f"delta.`{root}/ai_intensity` VERSION AS OF 0" in text
