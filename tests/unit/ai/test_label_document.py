"""The label as a document: what it says, and that no name can change what it is."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccft.ai.derive import derive
from ccft.ai.label_document import document, lines, significant, svg
from tests.unit.ai.worked_example import FACTS, MEASURES, with_scaled_deployment

_SVG = "{http://www.w3.org/2000/svg}"
_STAMP = {"usage_period": "2025-01", "methodology_version": "v3.0", "run_id": "ai-1"}
_TAGS = {"svg", "title", "desc", "rect", "path", "text", "g"}


def _label(model="chat-70b", facts=FACTS):
    rows = [{**row, **_STAMP} for row in derive(facts)["ai_labels"] if row["model_id"] == model]
    return document(rows, ", ".join(MEASURES))


LABEL = _label()


def _parsed(picture: str) -> ET.Element:
    return ET.fromstring(picture)  # noqa: S314 - our own picture


def _words(picture: str) -> str:
    return " ".join(text.strip() for text in _parsed(picture).itertext() if text.strip())


def test_document_says_what_the_grade_rests_on() -> None:
    label = json.loads(json.dumps(_label()))
    assert label["energy"]["grade"] == "E"
    assert label["energy"]["shown"] == "0.438"
    assert label["energy"]["bounds"]["E"] == "0.5"
    assert label["carbon"]["bounds"]["E"] == "0.2"
    assert label["stars"]["quantile"]["not_rated_because"] == "2 measured peers of the task, 5 needed"
    assert {name: label[name] for name in ("period", "valid_until", "tier", "coverage", "in_out_ratio", "thresholds_version")} == {
        "period": "2025-01", "valid_until": "2026-01", "tier": 2, "coverage": "1", "in_out_ratio": "4", "thresholds_version": "2026.1",
    }  # fmt: skip


def test_picture_has_a_name_and_a_description() -> None:
    root = _parsed(svg(_label()))
    by_id = {node.get("id"): node for node in root if node.get("id")}
    named, described = root.get("aria-labelledby").split()
    assert by_id[named].text == "Footprint label of chat-70b, 2025-01: energy grade E, carbon grade E"
    assert "Energy 0.438 Wh per 1,000 output tokens." in by_id[described].text
    assert root.get("role") == "img"


def test_estimated_is_on_the_picture() -> None:
    estimated = tuple(replace(mass, tier=3) for mass in FACTS.masses)
    picture = svg(_label(facts=replace(FACTS, masses=estimated)))
    assert "ESTIMATED" in _words(picture)
    assert ", estimated" in _words(picture)
    assert "ESTIMATED" not in _words(svg(_label()))


def test_not_rated_shows_why_and_no_grade() -> None:
    words = _words(svg(_label("chat-8b", with_scaled_deployment("d2", coverage=Decimal("0.5")))))
    assert "coverage 0.5 below 0.8" in words
    assert "energy grade not rated" in words


def test_version_without_fera_says_so() -> None:
    assert "not in this version" in _words(svg({**_label(), "measures": "scope_1, scope_2_lbm"}))
    assert "not in this version" not in _words(svg(_label()))


@pytest.mark.parametrize(
    "name", ['<script>alert("x")</script>', "a & b", "</svg><svg onload=alert(1)>", "'\" onmouseover=x", "{{ 7*7 }}", "\x00\x1b[31m"]
)  # fmt: skip
def test_hostile_names_stay_text(name: str) -> None:
    label = {**_label(), "model_id": name, "task": name}
    root = _parsed(svg(label))
    assert {node.tag.removeprefix(_SVG) for node in root.iter()} <= _TAGS
    assert not any(key.startswith("on") for node in root.iter() for key in node.attrib)
    assert "49" not in _words(svg({**label, "energy": {**label["energy"], "shown": "0"}})).split()


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_name_gives_well_formed_markup(name: str) -> None:
    root = _parsed(svg({**LABEL, "model_id": name}))
    assert {node.tag.removeprefix(_SVG) for node in root.iter()} <= _TAGS


def test_ids_differ_between_labels_of_one_page() -> None:
    ids = [
        node.get("id")
        for model in ("chat-70b", "chat-8b")
        for node in _parsed(svg(_label(model))).iter()
        if node.get("id")
    ]
    assert len(set(ids)) == len(ids) == 4


@settings(deadline=None)
@given(st.decimals("0.000001", "1000000", places=6))
def test_three_digits_are_within_half_of_the_third(value: Decimal) -> None:
    assert abs(Decimal(significant(value)) - value) <= Decimal(5).scaleb(value.adjusted() - 3)


@settings(deadline=None)
@given(st.text(alphabet="ab -", max_size=80), st.integers(3, 20), st.integers(1, 3))
def test_lines_fit(text: str, width: int, most: int) -> None:
    parts = lines(text, width, most)
    assert 1 <= len(parts) <= most
    assert all(len(part) <= width for part in parts)
