"""The generated pages are what the registries say."""

import pytest

from ccft.errors import CONDITIONS
from ccft.ingest import quarantine
from ccft.methodology.model import known_versions
from ccft.schema import dictionary
from ccft.schema.tables import AI_CORE, AI_INPUTS, CORE, INPUTS, TABLES
from tests.unit.docs.pages import DOCS, headings

STALE = f"{{page}} is not current; write it with: {dictionary.COMMAND}"


@pytest.mark.parametrize("name", ["data-dictionary.md", "conditions.md", "methodology.md"])
def test_page_is_current(name: str) -> None:
    page = DOCS / name
    text = dictionary.pages(DOCS)[page]
    assert page.read_text(encoding="utf-8") == text, STALE.format(page=f"docs/{name}")


def test_every_table_and_column_is_on_the_page() -> None:
    text = dictionary.data_dictionary()
    assert set(TABLES) <= set(headings(text))
    copies = {f"core_{table.name}" for table in (*INPUTS, *AI_INPUTS)}
    for name, table in TABLES.items():
        section = text.split(f"\n### {name}\n", 1)[1].split("\n### ", 1)[0]
        shown = [column for column in table.columns if f"`{column.name}`" in section]
        assert len(shown) == len(table.columns) or (name in copies and table in (*CORE, *AI_CORE))


def test_every_condition_has_an_anchor() -> None:
    assert set(CONDITIONS) <= set(headings(dictionary.conditions_page()))


def test_quarantine_and_its_page_agree() -> None:
    assert set(dictionary.SET_ASIDE) == set(quarantine.CONDITIONS)


def test_version_table_has_a_column_per_version() -> None:
    head = dictionary.version_table().splitlines()[0]
    assert head == f"| policy | {' | '.join(known_versions())} |"


def test_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="no markers"):
        dictionary.with_versions("# Methodology")
