"""Shares of account rows: sums, coverage, idle as a stage, bands."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ccft.ai.drivers import Month, Work
from ccft.ai.shares import BANDED, IN_USE, KINDS, Weight, shares, weights
from tests.unit.ai.test_drivers import deployment

BANDS = (Fraction(2, 100), Fraction(15, 100), Fraction(50, 100))
ONE = 10**15


def work(stage, energy, idle, reserved, name="d"):
    nothing = Fraction(0)
    return Work(
        deployment(stage, name), stage, Fraction(energy), Fraction(idle), nothing, nothing, Fraction(reserved), nothing
    )


def lines(*works):
    found = []
    for item in works:
        month = Month(item.deployment, (item,), 2)
        found += weights(month, KINDS, {}, {"m": "r"})
    return found


def test_idle_of_serving_is_a_stage_of_what_is_in_use_alone():
    found = lines(work("serving", 30, 10, 5, "a"), work("pretraining", 70, 20, 5, "b"))
    in_use = {(line.deployment_id, line.stage): line.weight for line in found if line.kind == IN_USE}
    assert in_use == {("a", "serving"): 20, ("a", "serving_idle"): 10, ("b", "pretraining"): 70}
    assert {line.stage for line in found if line.kind != IN_USE} == {"serving", "pretraining"}


def test_coverage_leaves_the_rest_unattributed():
    found = shares(lines(work("serving", 30, 10, 5)), Fraction(3, 4), BANDS)
    rest = [share for share in found if share.stage == "_unattributed"]
    assert {share.kind for share in rest} == {share.kind for share in found}
    assert {(share.share, share.min_share, share.max_share, share.tier) for share in rest} == {
        (ONE // 4, ONE // 4, ONE // 4, 4)
    }


def test_a_kind_without_weight_has_no_share():
    found = shares(lines(work("serving", 30, 10, 0)), Fraction(1), BANDS)
    assert {share.kind for share in found} == set(BANDED)


def test_models_of_a_shared_endpoint_divide_its_serving():
    month = Month(deployment(), (work("serving", 30, 10, 5),), 1)
    found = weights(month, (IN_USE,), {"m": Fraction(1, 4), "n": Fraction(3, 4)}, {"m": "r", "n": "q"})
    assert {(line.model_id, line.release_id, line.stage): line.weight for line in found} == {
        ("m", "r", "serving"): 5,
        ("m", "r", "serving_idle"): Fraction(5, 2),
        ("n", "q", "serving"): 15,
        ("n", "q", "serving_idle"): Fraction(15, 2),
    }


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=8), st.fractions(0, 1))
def test_shares_sum_to_one_but_for_their_roundings(amounts, coverage):
    weighed = [
        Weight(IN_USE, str(n), "serving", "m", None, Fraction(amount), 1 + n % 3) for n, amount in enumerate(amounts)
    ]
    found = shares(weighed, coverage, BANDS)
    if sum(amounts) and coverage:
        assert abs(sum(share.share for share in found) - ONE) <= len(found)
    for share in found:
        assert share.min_share <= share.share <= share.max_share
