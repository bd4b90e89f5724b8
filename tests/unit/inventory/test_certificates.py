"""Certificates: pooled per boundary, shared among clusters, every MWh once."""

from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from ccft.inventory.certificates import Certificates, half_up, pool, share_out, uncovered
from tests.oracle import certificates as oracle
from tests.oracle.exact import half_up as oracle_half_up

LOADS = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=2),
    st.one_of(
        st.integers(0, 10**12).map(Fraction),
        st.fractions(0, 10**6),
        st.just(Fraction(0)),
        st.integers(1, 3).map(lambda n: Fraction(n, 3)),
    ),
    min_size=1,
    max_size=7,
)
AVAILABLE = st.one_of(st.integers(0, 30), st.integers(0, 10**13))


@given(AVAILABLE, LOADS)
@example(10, {"a": Fraction(7), "b": Fraction(7), "c": Fraction(1)})
def test_shares_stay_within_what_is_there(available, loads):
    shares = share_out(available, loads)
    caps = {cluster: int(load) for cluster, load in loads.items()}
    assert shares.keys() == loads.keys()
    assert all(0 <= shares[cluster] <= caps[cluster] for cluster in loads)
    assert sum(shares.values()) == min(available, sum(caps.values()))


@given(AVAILABLE, LOADS)
def test_shares_are_pro_rata_before_the_remainder(available, loads):
    shares = share_out(available, loads)
    total = sum(loads.values())
    for cluster, load in loads.items():
        floor = int(available * load / total) if total else 0
        assert shares[cluster] >= min(floor, int(load))


@given(AVAILABLE, LOADS)
def test_order_of_clusters_means_nothing(available, loads):
    backwards = dict(reversed(loads.items()))
    assert share_out(available, backwards) == share_out(available, loads)


@given(AVAILABLE, LOADS)
def test_shares_are_those_of_the_oracle(available, loads):
    assert share_out(available, loads) == oracle.cover(available, {name: load / 10**6 for name, load in loads.items()})


def test_remainder_goes_to_the_largest_then_the_smallest_id():
    assert share_out(10, {"c": Fraction(3), "b": Fraction(3), "a": Fraction(3)}) == {"c": 3, "b": 3, "a": 3}
    assert share_out(5, {"c": Fraction(3), "b": Fraction(3), "a": Fraction(3)}) == {"c": 1, "b": 1, "a": 3}
    assert share_out(4, {"c": Fraction(2), "b": Fraction(3), "a": Fraction(2)}) == {"c": 1, "b": 2, "a": 1}


def test_the_largest_load_takes_no_more_than_its_own():
    assert share_out(9, {"a": Fraction(5), "b": Fraction(4)}) == {"a": 5, "b": 4}
    assert share_out(100, {"a": Fraction("0.9"), "b": Fraction("1.9")}) == {"a": 0, "b": 1}


def test_nothing_to_cover():
    assert share_out(5, {"a": Fraction(0)}) == {"a": 0}
    assert share_out(0, {"a": Fraction(5)}) == {"a": 0}


CERTIFICATE = st.fixed_dictionaries(
    {
        "quantity": st.integers(0, 10**15),
        "ef": st.integers(0, 10**12),
        "status": st.sampled_from(["procured", "expected"]),
    }
)


@given(st.lists(CERTIFICATE, max_size=6))
def test_pool_has_the_weighted_mean_factor(rows):
    found = pool(rows)
    assert found.issued == sum(row["quantity"] for row in rows)
    assert found.expected == sum(row["quantity"] for row in rows if row["status"] == "expected")
    mass = sum(row["quantity"] * row["ef"] for row in rows)
    assert abs(found.factor * found.issued - mass) * 2 <= found.issued


def test_pool_of_nothing():
    assert pool([]) == Certificates(0, 0, 0)
    assert pool([{"quantity": 0, "ef": 7, "status": "procured"}]).factor == 0


@given(st.fractions())
def test_half_up_is_the_nearest_whole_number(value):
    assert abs(half_up(value) - value) <= Fraction(1, 2)
    assert half_up(value) == oracle_half_up(value, 0)
    assert half_up(-value) == -half_up(value)


@given(st.integers(0, 10**15), st.integers(0, 10**9))
def test_uncovered_is_the_rest_of_the_carbon_free_share(load, share):
    assert uncovered(load, share) == load - Fraction(load * share, 10**9)
    assert 0 <= uncovered(load, share) <= load
