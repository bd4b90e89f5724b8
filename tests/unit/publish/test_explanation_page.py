"""An explanation as a tree and as a page."""

import io
import re

import pytest
from rich.console import Console

from ccft.publish.explanation_page import heading, page, show
from tests.unit.publish.explanations import sample


@pytest.fixture
def explanation():
    return sample()


def test_the_tree_shows_the_division_the_factor_and_what_is_folded(explanation):
    console = Console(file=io.StringIO(), width=240)
    show(explanation, console)
    text = console.file.getvalue()
    assert heading(explanation) in text
    assert "note: inputs as of now" in text
    assert "0.250000000 = 1.000000 / 4.000000 units of 4,000.000000000 kg" in text
    assert "12.500000 litre metered x 2.709675672 kg/litre fuel_combustion diesel [a <b>source</b>, 2009]" in text
    assert re.search(r"0.300000000 kg  3 smaller lines", text)
    assert "sum of the clusters: 1.000000000 kg" in text


def test_the_page_is_self_contained_escaped_and_complete(explanation):
    html = page(explanation)
    assert "a &lt;b&gt;source&lt;/b&gt;" in html
    assert "(c&lt;1&gt;, eu-1)" in html
    assert html.count("<tr><td") == len(explanation["clusters"][0]["levels"][1]["lines"]) + 1 + 2
    assert not re.search(r"https?://|<script|<link|@import|url\(", html)
    assert "share of the pool" in html
    assert "share of the pool" not in page(explanation | {"audience": "customer"})
