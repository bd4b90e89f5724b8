"""Leaderboards from the published rows of the worked example."""

from dataclasses import replace
from decimal import Decimal

from ccft.ai.derive import derive
from ccft.ai.disclosed import check
from ccft.ai.facts import Disclosed
from ccft.ai.leaderboard import leaderboard
from ccft.kernel.quotients import half_up
from tests.unit.ai.worked_example import FACTS

ROWS = derive(FACTS)


def _board(kind="model", **others):
    return leaderboard(kind, ROWS["ai_intensity"], labels=ROWS["ai_labels"], **others)


def test_models_by_intensity_with_grade_and_idle_share() -> None:
    first, second = _board()
    assert (first.rank, first.subject_id, first.grade) == (1, "chat-8b", "C")
    assert (second.rank, second.subject_id, second.grade) == (2, "chat-70b", "E")
    assert half_up(second.idle_share, 4) == Decimal("0.3158")
    assert second.measures == "scope_1, scope_2_lbm, scope_3_fera_lbm, scope_3_embodied"
    assert second.trend is None


def test_trend_is_against_the_month_before() -> None:
    dearer = [
        {**row, "g_per_1k_out_tokens": 2 * row["g_per_1k_out_tokens"]} if row["g_per_1k_out_tokens"] else row
        for row in ROWS["ai_intensity"]
    ]
    assert [place.trend for place in _board(before=dearer)] == [Decimal("-0.5"), Decimal("-0.5")]


def test_equal_figures_share_a_rank_and_unknown_ones_have_none() -> None:
    row = next(
        r
        for r in ROWS["ai_intensity"]
        if (r["subject_kind"], r["view"], r["accounting_method"]) == ("model", "consumer", "lbm")
    )
    rows = [
        {**row, "subject_id": name, "g_per_1k_out_tokens": value}
        for name, value in (("a", Decimal(2)), ("b", Decimal(1)), ("c", Decimal(1)), ("d", None))
    ]
    assert [(p.subject_id, p.rank) for p in leaderboard("model", rows)] == [("b", 1), ("c", 1), ("a", 3), ("d", None)]


def test_tasks_are_ranked_apart() -> None:
    models = {**FACTS.models, "chat-8b": replace(FACTS.models["chat-8b"], task="code-generation")}
    rows = derive(replace(FACTS, models=models))["ai_intensity"]
    assert {(p.task, p.rank) for p in leaderboard("model", rows)} == {("code-generation", 1), ("text-generation", 1)}
    assert [p.subject_id for p in leaderboard("model", rows, task="code-generation")] == ["chat-8b"]


def test_vendors_and_disclosed_figures() -> None:
    (vendor,) = _board("vendor")
    assert (vendor.rank, vendor.task) == (1, "text-generation")
    flagged = Disclosed("chat-70b", "training", Decimal(1), Decimal(1000), None, None, "lbm", "card")
    places = {place.subject_id: place for place in _board(disclosed=check([flagged]))}
    assert not places["chat-70b"].disclosed[0].is_plausible
    assert places["chat-8b"].disclosed == ()
