"""An explanation as a tree and as a page."""

import io
import re

import pytest
from rich.console import Console

from ccft.publish.explanation_page import SHOWN_LINES, heading, page, show


def line(label, part, **more):
    plain = {
        "label": label,
        "measure": "scope_1",
        "your_part_kg": part,
        "part_of_figure": None,
        "pool_kg": None,
        "weight": None,
    }
    return plain | {"total_weight": None, "weight_unit": "", "share": None, "rule": "rule", "details": {}} | more


@pytest.fixture
def explanation():
    activity = {
        "quantity": "12.500000 litre", "evidence": "metered", "factor": "2.709675672", "unit": "kg/litre",
        "factor_type": "fuel_combustion", "factor_key": "diesel", "source": "a <b>source</b>", "vintage": 2009,
    }  # fmt: skip
    lines = [line(f"line {n}", "0.100000000") for n in range(SHOWN_LINES + 2)]
    shared = line(
        "vm",
        "1.000000000",
        pool_kg="4000.000000000",
        weight="1.000000",
        total_weight="4.000000",
        weight_unit="units",
        share="0.250000000",
    )
    return {
        "account_id": "000000000001", "period": "2025-06", "methodology_version": "v2.0", "run_id": "run-1", "measure": "scope_1",
        "service": "vm", "region": None, "audience": "provider", "figure_kg": "1.000000000", "notes": ["inputs as of now"],
        "clusters": [{
            "cluster_id": "c<1>", "region_code": "eu-1", "location": "Europe", "figure_kg": "1.000000000",
            "levels": [
                {"level": 1, "title": "account <- service pools", "rule": "r", "sum_kg": "1.000000000", "lines": [shared]},
                {"level": 6, "title": "activity", "rule": "r", "sum_kg": "1.000000000", "lines": [line("fuel", "1.000000000", details=activity), *lines]},
            ],
        }],
    }  # fmt: skip


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
