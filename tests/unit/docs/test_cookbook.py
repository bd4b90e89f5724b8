"""The cookbook: twelve questions; the frames of the page; the answers on the page where the demo lake is at hand."""

import os
from pathlib import Path

import pytest

from ccft.publish.read_only import ENGINES, check_query
from tests.unit.docs.cookbook import PAGE, QUERIES, duckdb_answer
from tests.unit.docs.pages import ROOT, blocks

TEXT = PAGE.read_text(encoding="utf-8")
ANSWERS = {name.removeprefix("a="): text for name, text in blocks(TEXT, "text").items() if name.startswith("a=")}


def test_there_are_twelve_questions_each_with_an_answer():
    assert len(QUERIES) == 12
    assert list(ANSWERS) == list(QUERIES)
    assert all(len(answer.splitlines()) > 2 for answer in ANSWERS.values())


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", QUERIES)
def test_ccft_sql_accepts_every_query(name, engine):
    check_query(QUERIES[name], engine)


@pytest.fixture(scope="module")
def demo():
    """The lake of `scripts/demo.sh`, or the one that CCFT_DEMO_LAKE names."""
    import ccft

    root = Path(os.environ.get("CCFT_DEMO_LAKE", ROOT / "build" / "demo" / "lake"))
    if not (root / "run_log").is_dir():
        pytest.skip("no demo lake: scripts/demo.sh makes it")
    return ccft.open(root)


@pytest.mark.parametrize("name", QUERIES)
def test_the_page_has_the_answers_of_the_demo(name, demo):
    assert duckdb_answer(demo, name) == ANSWERS[name]
