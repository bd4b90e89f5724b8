"""Labels: grades of the worked example, bounds, stars by both formulas, and why a model is not rated."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccft.ai import grades
from ccft.ai.facts import Facts, Mass, Model, Traffic, Work
from ccft.ai.intensity import intensities
from ccft.ai.labels import Label, labels
from ccft.kernel.quotients import half_up
from tests.unit.ai.worked_example import FACTS, with_scaled_deployment


def _labels(facts=FACTS):
    return {(row.model_id, row.label_kind): row for row in labels(facts, intensities(facts))}


def _label(kind="energy", model="chat-70b", facts=FACTS) -> Label:
    return _labels(facts)[model, kind]


@pytest.mark.parametrize(("model", "energy", "carbon_g"), [("chat-70b", "E", "0.18831"), ("chat-8b", "C", "0.03882")])
def test_grades_of_the_worked_example(model: str, energy: str, carbon_g: str) -> None:
    assert _label("energy", model).grade == energy
    carbon = _label("carbon", model)
    assert half_up(carbon.graded_value, 5) == Decimal(
        carbon_g
    )  # in use + overhead of Scope 2, without hardware and unused capacity
    assert carbon.grade == energy
    assert (
        half_up(_label("energy", model).graded_value, 4)
        == {"chat-70b": Decimal("0.4378"), "chat-8b": Decimal("0.0902")}[model]
    )


def test_carbon_bounds_are_the_energy_bounds_times_two_fifths() -> None:
    assert [(name, str(bound)) for name, bound in grades.CARBON_BOUNDS] == [
        ("A", "0.012"), ("B", "0.024"), ("C", "0.048"), ("D", "0.100"), ("E", "0.20"), ("F", "0.40"),
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "bound"), grades.ENERGY_BOUNDS)
def test_bounds_are_inclusive(name: str, bound: Decimal) -> None:
    assert grades.grade(bound, grades.ENERGY_BOUNDS) == name
    next_grade = grades.GRADES[grades.GRADES.index(name) + 1]
    assert grades.grade(bound + Decimal("1E-15"), grades.ENERGY_BOUNDS) == next_grade


def test_input_to_output_ratio_is_printed_and_bounds_the_scope() -> None:
    assert _label().in_out_ratio == 4
    traffic = (replace(FACTS.traffic[0], in_tokens=Decimal(60_000_000_001)), FACTS.traffic[1])
    row = _label(facts=replace(FACTS, traffic=traffic))
    assert row.grade is None
    assert row.reasons == ("outside label scope: 10.000000000166667 input tokens per output token, at most 10",)
    exactly = (replace(FACTS.traffic[0], in_tokens=Decimal(60_000_000_000)), FACTS.traffic[1])
    assert _label(facts=replace(FACTS, traffic=exactly)).is_rated


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"coverage": Decimal("0.799999")}, "coverage 0.799999 below 0.8"),
        ({"coverage": Decimal("0.5")}, "coverage 0.5 below 0.8"),
        ({"coverage": None}, "coverage unknown"),
        ({"active_days": 6}, "6 days of hours, 7 needed"),
    ],
)
def test_not_rated_and_why(changes: dict, reason: str) -> None:
    facts = with_scaled_deployment("d2", **changes)
    for kind in ("energy", "carbon"):
        row = _label(kind, "chat-8b", facts)
        assert not row.is_rated
        assert row.grade is None
        assert row.reasons == (reason,)
        assert row.graded_value is not None
    assert _label("energy", "chat-70b", facts).is_rated


def test_no_output_tokens_is_not_rated() -> None:
    facts = replace(FACTS, traffic=(replace(FACTS.traffic[0], out_tokens=Decimal(0)), FACTS.traffic[1]))
    assert _label(facts=facts).reasons == ("no output tokens",)


def test_a_week_at_full_coverage_is_enough() -> None:
    assert _label("energy", "chat-8b", with_scaled_deployment("d2", active_days=7, coverage=Decimal("0.8"))).is_rated


def test_other_tasks_have_no_bounds() -> None:
    models = {**FACTS.models, "chat-8b": replace(FACTS.models["chat-8b"], task="text-to-image")}
    assert _label("energy", "chat-8b", replace(FACTS, models=models)).reasons == ("no bounds for task text-to-image",)


def test_too_few_peers_for_stars() -> None:
    assert _label("stars_quantile").reasons == ("2 measured peers of the task, 5 needed",)
    assert _label("stars_quantile").peers == 2


# --- stars ---------------------------------------------------------------------------------------------------------------


def _peers(kwh, tiers=None, tasks=None):
    """Models that served a million output tokens each for the given IT energy."""
    names = [f"m{index}" for index in range(len(kwh))]
    base = FACTS.deployments["d1"]
    tiers, tasks = tiers or [1] * len(kwh), tasks or ["text-generation"] * len(kwh)
    return Facts(
        "2025-01",
        "v3.0",
        ("scope_2_lbm",),
        tuple(
            Mass(n, n, "r", "serving", "in_use", "scope_2_lbm", 10**9, 10**9, 10**9, tier)
            for n, tier in zip(names, tiers, strict=True)
        ),
        tuple(Work(n, "serving", Decimal(value)) for n, value in zip(names, kwh, strict=True)),
        tuple(Traffic(n, n, Decimal(1), None, Decimal(10**6)) for n in names),
        {n: replace(base, deployment_id=n, model_id=n, pue=Decimal(1)) for n in names},
        models={n: Model(n, task, "v") for n, task in zip(names, tasks, strict=True)},
    )


def _stars(kind, facts):
    return [_labels(facts)[name, kind].grade for name in sorted(facts.deployments)]


def test_stars_of_five_peers() -> None:
    facts = _peers(["1", "2", "3", "6", "11"])
    assert _stars("stars_equal_width", facts) == ["5", "5", "4", "3", "1"]
    assert _stars("stars_quantile", facts) == ["5", "4", "3", "2", "1"]


def test_ties_share_the_lower_rank() -> None:
    assert _stars("stars_quantile", _peers(["1", "2", "2", "2", "5"])) == ["5", "4", "4", "4", "1"]


def test_all_equal_is_five_stars() -> None:
    facts = _peers(["2"] * 5)
    assert _stars("stars_equal_width", facts) == _stars("stars_quantile", facts) == ["5"] * 5


def test_estimated_models_are_no_peers() -> None:
    facts = _peers(["1", "2", "3", "6", "11", "0.5"], tiers=[1, 2, 1, 2, 1, 3])
    assert _stars("stars_equal_width", facts) == ["5", "5", "4", "3", "1", None]
    estimated = _labels(facts)["m5", "stars_equal_width"]
    assert estimated.reasons == ("estimated, not measured",)
    assert estimated.is_estimated


def test_peers_are_of_one_task() -> None:
    facts = _peers(["1"] * 6, tasks=["text-generation"] * 5 + ["reasoning"])
    assert _stars("stars_quantile", facts) == ["5"] * 5 + [None]


@settings(deadline=None)
@given(st.lists(st.integers(0, 50).map(Decimal), min_size=1, max_size=12))
def test_stars_follow_their_formulas(peers) -> None:
    least, most = min(peers), max(peers)
    for value in peers:
        wide, rank = grades.stars_equal_width(value, peers), grades.stars_quantile(value, peers)
        if least == most:
            assert wide == rank == 5
        else:
            assert wide == 5 - min(4, int(5 * (value - least) // (most - least)))
            assert rank == 5 - min(4, 5 * sorted(peers).index(value) // len(peers))
    ordered = sorted(peers)
    for method in (grades.stars_equal_width, grades.stars_quantile):
        stars = [method(value, peers) for value in ordered]
        assert stars == sorted(stars, reverse=True)
