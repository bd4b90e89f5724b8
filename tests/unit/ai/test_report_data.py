"""Data of the report's AI section, from a published lake."""

from decimal import Decimal

import pytest

from ccft.pipeline.ai_reading import ai_month, figures, open_ai
from ccft.schema.ai_views import AI_VIEWS
from ccft.schema.tables import AI_RESULTS
from tests.unit.ai.published_lake import publish


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return publish(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="module")
def section(lake):
    return figures(ai_month(lake))


def test_waterfall_steps_follow_each_other_to_the_total(section) -> None:
    first = section.waterfalls[0]
    assert first.model_id == "chat-70b"
    assert [step.stage for step in first.steps] == [
        "experimentation", "post_training", "serving", "serving_idle", "amortised_training",
    ]  # fmt: skip
    for before, after in zip(first.steps, first.steps[1:], strict=False):
        assert after.start_kg == before.end_kg
    assert first.total_kg == Decimal("2750.64")
    assert first.steps[-1].is_memo
    assert first.steps[-1].start_kg == first.total_kg


def test_section_has_all_parts(section) -> None:
    assert (section.period, section.methodology_version) == ("2025-01", "v3.0")
    assert [place.subject_id for place in section.places] == ["chat-8b", "chat-70b"]
    (trade_off,) = section.trade_offs
    assert [(row["model_id"], row["is_efficient"]) for row in trade_off.points] == [
        ("chat-8b", True),
        ("chat-70b", True),
    ]
    assert [label.model_id for label in section.labels] == ["chat-70b", "chat-8b"]
    assert all(label.svg.startswith("<svg") for label in section.labels)
    ranks = [row["action_rank"] for row in section.actions]
    assert ranks == sorted(ranks)


def test_parts_of_the_vendor_are_its_models(section) -> None:
    assert sum(waterfall.total_kg for waterfall in section.waterfalls) == Decimal("3199.99")


def test_views_open_without_a_jvm_and_show_the_current_version(lake) -> None:
    with open_ai(lake) as database:
        for relation in (*AI_RESULTS, *AI_VIEWS):
            assert database.sql(f"SELECT count(*) FROM {relation.name}").fetchall()[0][0] > 0, relation.name
        slices = "SELECT DISTINCT usage_period, methodology_version FROM {} ORDER BY ALL"
        all_versions = database.sql(slices.format("ai_intensity")).fetchall()
        current = database.sql(slices.format("ai_kpis")).fetchall()
    # the month whose account rows were replaced since has no figures
    assert all_versions == [("2024-12", "v2.0"), ("2024-12", "v3.0"), ("2025-01", "v3.0")]
    assert current == [("2024-12", "v3.0"), ("2025-01", "v3.0")]
