"""Every link inside the documentation leads somewhere, and every page is reached."""

from pathlib import Path

import pytest

from tests.unit.docs.pages import DOCS, PAGES, ROOT, anchors, links


def _broken(page: Path) -> list[str]:
    found = []
    for target in links(page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.is_relative_to(ROOT) or not file.exists():
            found.append(f"{target}: no such file")
        elif anchor and anchor not in anchors(file.read_text(encoding="utf-8")):
            found.append(f"{target}: no such heading")
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_relative_links_resolve(page: Path) -> None:
    assert _broken(page) == []


def test_every_page_is_linked_from_the_index() -> None:
    index = DOCS / "index.md"
    reached = {(DOCS / target.partition("#")[0]).resolve() for target in links(index.read_text(encoding="utf-8"))}
    assert [str(page.relative_to(DOCS)) for page in PAGES if page != index and page.resolve() not in reached] == []
