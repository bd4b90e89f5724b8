"""Which version a month has by default, and which months a version can be computed for (methodology section 4, first row)."""

from collections.abc import Iterable

from ccft.errors import Problem, fail
from ccft.methodology.model import Methodology, known_versions


def in_effect(period: str) -> Methodology:
    """The version in effect for a usage month.

    >>> in_effect("2024-12").version, in_effect("2025-01").version, in_effect("2025-10").version
    ('v1.0', 'v2.0', 'v3.0')
    """
    for version in known_versions().values():
        starts = not version.effective_from or version.effective_from <= period
        if starts and (not version.effective_to or period <= version.effective_to):
            return version
    raise fail("CCFT-USAGE-UNKNOWN-METHODOLOGY", value=f"of {period}", known=", ".join(known_versions()))


def unavailable(policy: Methodology, periods: Iterable[str]) -> list[Problem]:
    """A problem for each period that lies before the version's recast.

    A version is in effect for some months and can be computed for others beside it; `available_from` bounds these, and is open where the policy file
    names none.

    >>> from ccft.methodology.model import methodology
    >>> [str(problem.values["period"]) for problem in unavailable(methodology("v3.0"), ["2021-12", "2022-01"])]
    ['2021-12']
    """
    return [
        Problem(
            "CCFT-USAGE-VERSION-UNAVAILABLE", {"version": policy.version, "period": p, "first": policy.available_from}
        )
        for p in periods
        if policy.available_from and p < policy.available_from
    ]
