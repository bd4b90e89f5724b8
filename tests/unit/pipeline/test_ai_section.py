"""The AI section of the provider's page: its figures from the worked example, and where it is and is not."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from deltalake import write_deltalake

from ccft.pipeline import report as pipeline
from ccft.pipeline.ai_reading import ai_month, figures
from ccft.pipeline.ai_section import DRAWN_MODELS, LISTED_ACTIONS, STAGE_LABELS, ai_section
from ccft.publish.report.blocks import Chart, Pictures, Prose, Table, Terms
from ccft.publish.report.page import render
from ccft.schema.ai_columns import RESULT_STAGES
from ccft.schema.arrow import arrow_schema
from ccft.schema.tables import table
from tests.unit.ai.published_lake import publish
from tests.unit.publish.report.world import PAYER, World

HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return publish(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="module")
def found(lake):
    return figures(ai_month(lake))


def of(section, kind):
    return [block for block in section.blocks if isinstance(block, kind)]


def titled(section, start):
    return next(table for table in of(section, Table) if table.title.startswith(start))


def small_world():
    world = World()
    world.row("2025-01", PAYER, PAYER, {"scope_1": "5"})
    return world.finish().figures()


def test_every_stage_has_its_words():
    assert set(STAGE_LABELS) == set(RESULT_STAGES)


def test_leaderboard(found):
    rows = titled(ai_section(found), "Models by task").rows
    assert [row[:6] for row in rows] == [
        ["chat-8b", "text-generation", 1, "0.04993", "0.09024", "C"],
        ["chat-70b", "text-generation", 2, "0.255", "0.4378", "E"],
    ]
    assert "chat-8b in text-generation (0.04993 g)" in of(ai_section(found), Prose)[0].text


def test_models_with_few_customers_are_named(found):
    seen = [replace(place, is_provider_only=place.subject_id == "chat-8b") for place in found.places]
    assert "customers use chat-8b: show" in of(ai_section(replace(found, places=tuple(seen))), Prose)[0].text
    nobody = [replace(place, is_provider_only=False) for place in found.places]
    assert "customers" not in of(ai_section(replace(found, places=tuple(nobody))), Prose)[0].text


def test_lifecycle_adds_up_and_the_memo_stands_after_the_total(found):
    chart = next(block for block in of(ai_section(found), Chart) if block.anchor == "chart-ai-lifecycle-1")
    *own, memo = chart.table.rows
    assert sum(row[1] for row in own) == chart.table.total[1] == Decimal("2750.64")
    assert (memo[0], memo[2]) == ("Training, amortised", "memo")
    [bar] = chart.figure["data"]
    ends = [base + length for base, length in zip(bar["base"], bar["x"], strict=True)]
    assert bar["base"][1:] == pytest.approx(ends[:-1])
    assert bar["base"][-1] == pytest.approx(2.75064)
    assert len(set(bar["marker"]["color"][:-1])) == 1
    assert bar["marker"]["color"][-1] != bar["marker"]["color"][0]
    assert "2.751 t CO₂e" in chart.caption


def test_models_beyond_the_drawn_ones_are_in_a_table(found):
    many = [replace(found.waterfalls[0], model_id=f"m{number}") for number in range(DRAWN_MODELS + 2)]
    section = ai_section(replace(found, waterfalls=tuple(many)))
    anchors = [block.anchor for block in of(section, Chart) if "lifecycle" in block.anchor]
    assert len(anchors) == len(set(anchors)) == DRAWN_MODELS
    rows = titled(section, "Lifecycle emissions of the other models").rows
    assert [(row[0], row[1]) for row in rows] == [("m3", Decimal("2750.64")), ("m4", Decimal("2750.64"))]


def test_trade_off(found):
    chart = next(block for block in of(ai_section(found), Chart) if "trade-off" in block.anchor)
    [dots] = chart.figure["data"]
    assert dots["x"] == pytest.approx([0.04993, 0.25497], abs=1e-5)
    assert dots["marker"]["symbol"] == ["diamond", "diamond"]
    assert [row[4] for row in chart.table.rows] == ["yes", "yes"]
    first, second = found.trade_offs[0].points
    behind = {**second, "is_efficient": False, "dominated_by": first["model_id"]}
    worse = replace(found, trade_offs=(replace(found.trade_offs[0], points=(first, behind)),))
    chart = next(block for block in of(ai_section(worse), Chart) if "trade-off" in block.anchor)
    assert chart.figure["data"][0]["marker"]["symbol"] == ["diamond", "circle-open"]
    assert chart.table.rows[1][4] == "no, behind chat-8b"
    assert "chat-8b is on the frontier" in chart.caption


def test_models_without_scores_say_why_there_is_no_trade_off(found):
    section = ai_section(replace(found, trade_offs=()))
    assert not [block for block in of(section, Chart) if "trade-off" in block.anchor]
    assert [block.text for block in of(section, Prose) if "ai_model_quality" in block.text]
    assert not [block for block in of(ai_section(found), Prose) if "ai_model_quality" in block.text]


def test_labels_say_in_words_what_they_show(found):
    [pictures] = of(ai_section(found), Pictures)
    assert [picture.text for picture in pictures.pictures] == [
        f"Label of {label.model_id}: energy {label.content['energy']['grade']}, carbon {label.content['carbon']['grade']}"
        for label in found.labels
    ]
    assert all(picture.address.startswith("data:image/svg+xml;base64,") for picture in pictures.pictures)
    assert pictures.caption.startswith("Labels: 2 of 2 models are rated")


def test_actions_are_the_largest_in_the_order_in_which_they_apply(found):
    savings = {row["deployment_id"]: row for row in found.actions if row["saving_kg"] is not None}
    some = next(iter(savings.values()))
    many = [
        {**some, "deployment_id": f"d{n}", "action_rank": n // 5, "saving_kg": Decimal(100 - n if n % 2 else 1000 - n)}
        for n in range(2 * LISTED_ACTIONS)
    ]
    section = ai_section(replace(found, actions=tuple(many)))
    rows = titled(section, "Recommended actions").rows
    assert [row[1] for row in rows] == [f"d{n}" for n in range(0, 2 * LISTED_ACTIONS, 2)]
    assert f"{LISTED_ACTIONS} largest of {2 * LISTED_ACTIONS}" in of(section, Prose)[-1].text
    assert of(section, Terms)[0].terms


def test_actions_without_a_saving_say_what_they_need(found):
    rows = titled(ai_section(found), "Actions whose saving is not computed").rows
    assert ["Batching", 2, "requests in flight per hour and the latency target"] in rows
    assert sum(row[1] for row in rows) == sum(row["saving_kg"] is None for row in found.actions)


def test_without_figures_of_a_part_its_blocks_are_missing(found):
    empty = replace(found, measures="", places=(), waterfalls=(), trade_offs=(), labels=(), actions=())
    assert list(ai_section(empty).blocks) == []


def test_names_are_text_on_the_page(found):
    places = [replace(place, subject_id=HOSTILE) for place in found.places]
    falls = [replace(item, model_id=HOSTILE) for item in found.waterfalls]
    page = render(small_world(), [ai_section(replace(found, places=tuple(places), waterfalls=tuple(falls)))])
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
    assert page.count("data:image/svg+xml;base64,") == len(found.labels)
    # after the proof, before the notes on the method
    anchors = re.findall(r'<section id="([a-z0-9-]+)"', page)
    assert anchors[-2] == "ai-models"


def test_the_newest_month_is_on_the_page_and_none_where_there_is_none(lake, tmp_path):
    [section] = pipeline._of_ai(lake)
    assert "January 2025" in section.lead
    write_deltalake(str(tmp_path / "run_log"), arrow_schema(table("run_log")).empty_table())
    assert pipeline._of_ai(str(tmp_path)) == []
