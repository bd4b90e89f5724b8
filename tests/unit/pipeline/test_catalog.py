"""Statements of a catalog, and a lake where nothing is published: all names are there, without rows."""

from datetime import UTC, datetime

import pytest
import sqlglot

from ccft.audit.published import Line
from ccft.pipeline.catalog import statements
from ccft.pipeline.reading import with_views
from ccft.schema.tables import RESULTS
from ccft.schema.views import PUBLISHED_SLICES, VIEWS

FINISHED = datetime(2025, 7, 14, 7, 52, 10, 494000, tzinfo=UTC)
AT = {table.name: 3 for table in RESULTS}
LINES = [
    Line("2025-05", "v2.0", "run-1", FINISHED, AT),
    Line("2025-06", "v2.0", "run-2", FINISHED, AT | {"service_flows": 4}),
]
NAMES = [PUBLISHED_SLICES.name, *(table.name for table in RESULTS), *(view.name for view in VIEWS)]


def made(lines, columns=lambda name, version: next(t for t in RESULTS if t.name == name).column_names, **more):
    return dict(zip(NAMES, statements("/lake", lines, columns, **more), strict=True))


@pytest.mark.parametrize("lines", [LINES, []], ids=["published", "nothing published"])
@pytest.mark.parametrize("lasting", [True, False])
def test_every_table_and_view_has_its_statement(lines, lasting):
    kind = "VIEW" if lasting else "TEMPORARY VIEW"
    for name, text in made(lines, lasting=lasting).items():
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
