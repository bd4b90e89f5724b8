"""The kernel on the driver: nothing lost, nobody off by more than a quantum, against exact rationals."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccft.kernel.forms import apportioned

WEIGHTS = st.lists(st.integers(0, 10**14), min_size=1, max_size=40).filter(any)


@given(st.integers(0, 10**15), WEIGHTS)
def test_shares_sum_to_the_amount(amount, weights):
    assert sum(apportioned(amount, weights)) == amount


@given(st.integers(0, 10**15), WEIGHTS)
def test_each_row_is_within_a_quantum_of_its_rational_share(amount, weights):
    total, taker = sum(weights), weights.index(max(weights))
    for position, share in enumerate(apportioned(amount, weights)):
        exact = Fraction(amount * weights[position], total)
        quanta = 1 if position != taker else len(weights)
        assert abs(share - exact) <= quanta + exact * Fraction(1, 10**15) * 2


def test_ties_go_to_the_first_key():
    assert apportioned(11, [2, 2, 2]) == [5, 3, 3]


def test_no_weight_is_not_a_division():
    with pytest.raises(ZeroDivisionError):
        apportioned(5, [0, 0])
