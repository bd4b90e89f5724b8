"""The frontier against its definition, by brute force."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from ccft.ai.facts import Facts, Model, Quality
from ccft.ai.pareto import candidates, dominated_by

_AXIS = st.integers(0, 4).map(Decimal)
_POINTS = st.integers(2, 3).flatmap(
    lambda axes: st.lists(st.tuples(*[_AXIS] * axes), min_size=1, max_size=8).map(
        lambda points: {f"m{index}": point for index, point in enumerate(points)}
    )
)


@settings(deadline=None)
@given(_POINTS)
def test_frontier_is_what_the_definition_says(points) -> None:
    result = dominated_by(points)
    for name, point in points.items():
        beaten = any(
            all(b <= a for a, b in zip(point, other, strict=True))
            and any(b < a for a, b in zip(point, other, strict=True))
            for other in points.values()
        )
        assert (result[name] is not None) == beaten
        if beaten:
            best = result[name]
            assert result[best] is None
            assert all(b <= a for a, b in zip(point, points[best], strict=True))


@settings(deadline=None)
@given(_POINTS)
def test_equals_stay_or_go_together_and_the_frontier_is_never_empty(points) -> None:
    result = dominated_by(points)
    assert None in result.values()
    for one in points:
        for other in points:
            if points[one] == points[other]:
                assert (result[one] is None) == (result[other] is None)


def _facts(*qualities, task="text-generation"):
    models = {q.model_id: Model(q.model_id, task, "v") for q in qualities}
    return Facts("2025-01", "v3.0", (), models=models, qualities=qualities)


_A = Quality("a", "mmlu", "accuracy", Decimal("0.9"), True, Decimal(100))
_B = Quality("b", "mmlu", "accuracy", Decimal("0.8"), True, Decimal(50))
_COST = {"a": Decimal(1), "b": Decimal(2)}


def test_latency_is_an_axis_only_when_all_have_it() -> None:
    assert [row.is_efficient for row in candidates(_facts(_A, _B), _COST)] == [True, True]
    without = candidates(_facts(_A, replace(_B, latency_p50_ms=None)), _COST)
    assert [(row.axes, row.dominated_by) for row in without] == [
        (("quality", "intensity"), None),
        (("quality", "intensity"), "a"),
    ]


def test_sign_of_the_score_decides() -> None:
    low = [replace(q, higher_is_better=False, latency_p50_ms=None) for q in (_A, _B)]
    assert [row.is_efficient for row in candidates(_facts(*low), {"a": Decimal(1), "b": Decimal(1)})] == [False, True]


def test_models_without_an_intensity_or_of_another_task_are_no_candidates() -> None:
    assert [row.model_id for row in candidates(_facts(_A, _B), {"a": Decimal(1)})] == ["a"]
    facts = _facts(_A, _B)
    facts = replace(facts, models={**facts.models, "b": replace(facts.models["b"], task="translation")})
    assert [row.dominated_by for row in candidates(facts, _COST)] == [None, None]
