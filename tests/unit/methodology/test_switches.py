"""One policy at a time from one version to another."""

import pytest

from ccft.methodology.model import Methodology, known_versions, methodology
from ccft.methodology.switches import CAUSES, switches

CALENDAR = {
    "version",
    "title",
    "rank",
    "published_source",
    "is_reconstruction",
    "effective_from",
    "effective_to",
    "available_from",
}
"""What says which version it is, not what it computes."""


def test_every_policy_belongs_to_exactly_one_cause():
    """A policy without a cause would be a difference that nobody explains."""
    policies = [name for names in CAUSES.values() for name in names]
    assert sorted(policies) == sorted(set(Methodology.model_fields) - CALENDAR)


def test_causes_stand_in_the_documented_order():
    assert list(CAUSES) == [
        "scope_boundary",
        "scope_1_method",
        "unused_capacity",
        "shared_overhead",
        "expansion",
        "interdependencies",
        "internal_use",
    ]


@pytest.mark.parametrize("old", known_versions())
@pytest.mark.parametrize("new", known_versions())
def test_the_last_switch_has_all_policies_of_the_new_version(old, new):
    way = switches(methodology(old), methodology(new))
    causes = [cause for cause, _ in way]
    assert causes == [cause for cause in CAUSES if cause in causes]
    if old == new:
        assert way == []
    else:
        last = way[-1][1]
        assert {name: getattr(last, name) for names in CAUSES.values() for name in names} == {
            name: getattr(methodology(new), name) for names in CAUSES.values() for name in names
        }


def test_each_switch_changes_the_policies_of_its_cause_alone():
    before = methodology("v1.0")
    for cause, policy in switches(before, methodology("v3.0")):
        changed = {name for name in Methodology.model_fields if getattr(policy, name) != getattr(before, name)}
        assert changed
        assert changed <= set(CAUSES[cause])
        before = policy
