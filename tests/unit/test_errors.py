"""The registry of conditions: one code each, templates that can be filled, exit codes."""

import re
from string import Formatter

import pytest

from ccft import errors
from ccft.errors import CONDITIONS, EXIT_CODES, CcftError, Condition, Kind, Problem, fail, raise_all

GROUPS = {
    "INPUT": errors._INPUT_CONDITIONS,
    "RUN": errors._RUN_CONDITIONS,
    "USAGE": errors._USAGE_CONDITIONS,
    "LAKE": errors._LAKE_CONDITIONS,
    "EVENT": errors._EVENT_CONDITIONS,
}
KINDS = {
    "INPUT": Kind.CHECK,
    "RUN": Kind.CHECK,
    "USAGE": Kind.USAGE,
    "LAKE": Kind.UNAVAILABLE,
    "EVENT": Kind.EVENT,
}


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_codes_are_unique():
    codes = [condition.code for group in GROUPS.values() for condition in group]
    assert len(set(codes)) == len(codes)
    assert set(codes) == set(CONDITIONS)


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=lambda condition: condition.code)
def test_every_condition_can_be_worded(condition: Condition):
    assert re.fullmatch(r"CCFT-(INPUT|RUN|USAGE|LAKE|EVENT)(-[A-Z]+)+", condition.code)
    values = {name: f"<{name}>" for name in fields(condition.template) | fields(condition.remedy)}
    assert all(name.isidentifier() for name in values)
    problem = Problem(condition.code, values)
    assert all(value in str(problem) for value in values.values())
    assert str(problem).startswith(f"{condition.code}: ")
    assert "\n" not in str(problem)
    if condition.kind is not Kind.EVENT:
        assert condition.remedy


@pytest.mark.parametrize("group", GROUPS)
def test_the_code_says_the_kind(group):
    for condition in GROUPS[group]:
        assert condition.code.startswith(f"CCFT-{group}-")
        assert condition.kind is KINDS[group]


def test_exit_codes_are_those_of_the_contract():
    assert EXIT_CODES == {Kind.CHECK: 1, Kind.USAGE: 2, Kind.UNAVAILABLE: 3}
    assert fail("CCFT-RUN-NOT-INGESTED", period="2025-01", table="x").exit_code == 1
    assert fail("CCFT-USAGE-BAD-PERIOD", value="x").exit_code == 2
    assert fail("CCFT-LAKE-STORAGE", reason="x").exit_code == 3


def test_an_error_holds_all_its_problems():
    problems = [Problem("CCFT-USAGE-BAD-PERIOD", {"value": value}) for value in ("a", "b")]
    with pytest.raises(CcftError) as caught:
        raise_all(iter(problems))
    assert caught.value.problems == tuple(problems)
    assert str(caught.value).splitlines() == [str(problem) for problem in problems]
    raise_all([])
