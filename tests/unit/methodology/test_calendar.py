"""Which version a month has, and which months a version can be computed for."""

import pytest

from ccft.methodology.calendar import in_effect, unavailable
from ccft.methodology.model import known_versions, methodology
from ccft.periods import period_range


def test_every_month_has_exactly_one_version_in_effect():
    for period in period_range("2019-01", "2031-12"):
        covering = [
            policy.version
            for policy in known_versions().values()
            if (policy.effective_from or period) <= period <= (policy.effective_to or period)
        ]
        assert covering == [in_effect(period).version]


def test_ranks_differ_so_that_no_month_has_two_current_versions():
    ranks = [policy.rank for policy in known_versions().values()]
    assert len(set(ranks)) == len(ranks)


@pytest.mark.parametrize(("version", "expected"), [("v1.0", []), ("v2.0", []), ("v3.0", ["2021-11", "2021-12"])])
def test_a_recast_reaches_back_as_far_as_the_version_says(version, expected):
    problems = unavailable(methodology(version), period_range("2021-11", "2025-12"))
    assert [problem.values["period"] for problem in problems] == expected
    assert all("v3.0 cannot be computed for 2021-1" in problem.message for problem in problems)
