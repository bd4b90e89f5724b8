"""Training ledger: the worked example, policies, retirement, derived models, restated months."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from ccft.ai.ledger import Booked, Release, draws, roll_forward

KG = 10**9


def release(name="r1", *, expected=72 * 10**9, since="2025-06", retires=None, parent=None, share=0):
    return Release(name, f"m-{name}", since, expected, date(2025, 6, 1), 730, retires, parent, Fraction(share))


def roll(period="2025-06", releases=None, booked=(), developed=None, tokens=None, policy="units"):
    lines = roll_forward(period, releases or [release()], booked, developed or {}, tokens or {}, policy)
    return {line.release_id: line for line in lines}


def test_worked_example_and_a_cut_expectation():
    developed, tokens = {"r1": 1220_810_000_000}, {"r1": Fraction(6 * 10**9)}
    first = roll(developed=developed, tokens=tokens)["r1"]
    assert round(first.rate, 6) == Decimal("0.016956")
    assert (round(first.amortised / KG, 2), round(first.closing / KG, 2)) == (101.73, 1119.08)
    past = [Booked("2025-06", "r1", first.added, first.closing, first.out_tokens)]
    second = roll("2025-07", [release(expected=30 * 10**9, since="2025-07")], past, developed, tokens)["r1"]
    assert (second.opening, second.added) == (first.closing, 0)
    assert round(second.rate, 6) == Decimal("0.037303")


def test_an_unchanged_expectation_keeps_its_rate():
    developed, tokens = {"r1": 72 * KG}, {"r1": Fraction(6 * 10**9)}
    first = roll(developed=developed, tokens=tokens)["r1"]
    past = [Booked("2025-06", "r1", first.added, first.closing, first.out_tokens)]
    second = roll("2025-07", None, past, developed, tokens)["r1"]
    assert second.rate == first.rate == Decimal("0.001")
    assert second.amortised == first.amortised == 6 * KG


def test_amortisation_stops_at_the_balance():
    line = roll(developed={"r1": 5 * KG}, tokens={"r1": Fraction(100 * 10**9)})["r1"]
    assert (line.amortised, line.closing) == (5 * KG, 0)


def test_time_and_none():
    developed = {"r1": 730 * KG}
    by_time = roll(developed=developed, policy="time")["r1"]
    assert (by_time.amortised, by_time.closing, by_time.remaining_days) == (30 * KG, 700 * KG, 730)
    assert roll(developed=developed, tokens={"r1": Fraction(10**9)}, policy="none")["r1"].closing == 730 * KG


def test_unknown_expectation_amortises_nothing():
    line = roll(releases=[release(expected=None)], developed={"r1": KG}, tokens={"r1": Fraction(10)})["r1"]
    assert (line.amortised, line.closing, line.remaining_out_tokens) == (0, KG, None)


@pytest.mark.parametrize(("retires", "left"), [(date(2025, 6, 20), 0), (date(2025, 7, 1), 66)])
def test_retirement_writes_off_in_its_month(retires, left):
    line = roll(releases=[release(retires=retires)], developed={"r1": 72 * KG}, tokens={"r1": Fraction(6 * 10**9)})[
        "r1"
    ]
    assert line.amortised == 6 * KG
    assert (line.written_off, line.closing) == ((66 - left) * KG, left * KG)


def test_a_restated_closed_month_enters_the_next_open_one():
    past = [Booked("2025-06", "r1", 72 * KG, 66 * KG, Fraction(6 * 10**9))]
    line = roll("2025-07", None, past, {"r1": 75 * KG}, {})["r1"]
    assert (line.opening, line.added, line.closing) == (66 * KG, 3 * KG, 69 * KG)


def test_derived_models_use_their_parents_balance():
    family = [
        release("a"),
        release("b", parent="a", share=Fraction(1, 2)),
        release("c", parent="b", share=Fraction(1, 2)),
    ]
    tokens = {"a": Fraction(10**9), "b": Fraction(4 * 10**9), "c": Fraction(4 * 10**9)}
    lines = roll(releases=family, developed={"a": 72 * KG}, tokens=tokens)
    assert lines["a"].amortised == (1 + 2 + 1) * KG
    assert (lines["a"].inherited, lines["b"].inherited, lines["c"].inherited) == (
        0,
        Decimal("0.0005"),
        Decimal("0.00025"),
    )
    found = draws({name: line.amortised for name, line in lines.items()}, family, tokens)
    assert found == {("a", "a"): KG, ("a", "b"): 2 * KG, ("a", "c"): KG}


def test_draws_sum_to_what_was_amortised():
    family = [release("a"), release("b", parent="a", share=Fraction(1, 3))]
    found = draws({"a": 1_000_001, "b": 7}, family, {"a": Fraction(3), "b": Fraction(10)})
    assert sum(amount for (payer, _), amount in found.items() if payer == "a") == 1_000_001
    assert found["b", "b"] == 7
