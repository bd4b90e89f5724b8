"""Reading the pages: files, headings with their anchors, links, code blocks."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = tuple(sorted(DOCS.rglob("*.md")))

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_BLOCK = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def prose(text: str) -> str:
    """Text without its code blocks."""
    return _FENCE.sub("", text)


def headings(text: str) -> list[str]:
    """Headings as written."""
    return _HEADING.findall(prose(text))


def anchors(text: str) -> set[str]:
    """Anchors of the headings, as GitHub makes them."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings(text)}


def links(text: str) -> list[str]:
    """Targets of all links."""
    return _LINK.findall(prose(text))


def blocks(text: str, language: str) -> dict[str, str]:
    """Code blocks of a language by what stands beside it in the fence."""
    return {title: body for kind, title, body in _BLOCK.findall(text) if kind == language}
