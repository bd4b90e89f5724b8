"""Tables of figures in the pages are those of the committed result files."""

import pytest

from benchmarks.tables import PAGES, filled


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tables_are_those_of_the_result_files(page) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<!-- bench:" in text
    assert filled(text) == text
