"""Methodology versions and their calendar: policies are data, a month has exactly one version."""

import pytest
from pydantic import ValidationError

from ccft.errors import CcftError
from ccft.methodology.calendar import in_effect
from ccft.methodology.model import known_versions, methodology, parse
from ccft.periods import period_range, shift
from ccft.schema.columns import MEASURES, SOURCES

VERSIONS = ("v1.0", "v2.0", "v3.0")
POLICY_FIELDS = (
    "measures",
    "sources",
    "scope_1_gaps",
    "unused_capacity",
    "networking_racks",
    "ramp_up",
    "internal_use",
    "interdependencies",
)


def test_shipped_versions_are_in_order_of_rank():
    assert tuple(known_versions()) == VERSIONS
    assert [version.rank for version in known_versions().values()] == [1, 2, 3]


def test_every_month_has_exactly_one_version():
    periods = period_range("1999-01", "2060-12")
    found = [in_effect(period).version for period in periods]
    assert found == sorted(found)
    for period in periods:
        claims = [
            version.version
            for version in known_versions().values()
            if (version.effective_from or "0001-01") <= period <= (version.effective_to or "9999-12")
        ]
        assert claims == [in_effect(period).version]


@pytest.mark.parametrize(
    ("period", "version"),
    [("2024-12", "v1.0"), ("2025-01", "v2.0"), ("2025-09", "v2.0"), ("2025-10", "v3.0"), ("2031-01", "v3.0")],
)
def test_turns_of_the_calendar(period, version):
    assert in_effect(period).version == version


def test_v3_is_recast_back_to_2022():
    recast = methodology("v3.0")
    assert recast.available_from == "2022-01"
    assert shift(recast.available_from, 45) == recast.effective_from


def test_unknown_version_names_the_known_ones():
    with pytest.raises(CcftError) as caught:
        methodology("v9.9")
    assert caught.value.problems[0].code == "CCFT-USAGE-UNKNOWN-METHODOLOGY"
    assert caught.value.exit_code == 2
    assert all(version in str(caught.value) for version in VERSIONS)


@pytest.mark.parametrize("version", VERSIONS)
def test_policies_of_the_published_table(version):
    policy = methodology(version)
    early = version == "v1.0"
    latest = version == "v3.0"
    assert policy.measures == (MEASURES if latest else MEASURES[:3])
    assert set(policy.sources) == (set(SOURCES) if latest else {"generator_fuel", "electricity"})
    assert policy.scope_1_gaps == ("none" if latest else "historical_growth")
    assert policy.unused_capacity == policy.networking_racks == ("provider" if early else "users")
    assert policy.ramp_up == ("not_separated" if early else "worldwide")
    assert policy.internal_use == {"v1.0": "zero", "v2.0": "list_price", "v3.0": "cost"}[version]
    assert policy.has_teams is not early


TEXT = """
version = "v2.1-test"
title = "A test"
rank = 9
published_source = "nowhere"
is_reconstruction = true
measures = ["scope_1"]
sources = ["generator_fuel"]
scope_1_gaps = "none"
unused_capacity = "users"
networking_racks = "users"
ramp_up = "worldwide"
internal_use = "cost"
interdependencies = "solved"
"""


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ('measures = ["scope_1"]', 'measures = ["scope_4"]'),
        ('sources = ["generator_fuel"]', 'sources = ["coal"]'),
        ('ramp_up = "worldwide"', 'ramp_up = "sometimes"'),
        ("rank = 9", "rank = 9\nunheard_of = 1"),
        ("rank = 9", 'rank = 9\neffective_from = "2025"'),
        ('version = "v2.1-test"', 'version = "2.1"'),
        ('interdependencies = "solved"\n', ""),
    ],
)
def test_a_wrong_policy_file_is_refused(line, instead):
    assert parse(TEXT).version == "v2.1-test"
    assert line in TEXT
    with pytest.raises(ValidationError):
        parse(TEXT.replace(line, instead))


def test_policy_hash_changes_with_every_policy_and_with_nothing_else():
    base = methodology("v2.0")
    for name in POLICY_FIELDS:
        others = [getattr(version, name) for version in known_versions().values()]
        different = next(value for value in others if value != getattr(base, name))
        assert base.model_copy(update={name: different}).policy_hash != base.policy_hash, name
    for name in ("title", "published_source"):
        assert base.model_copy(update={name: "other words"}).policy_hash == base.policy_hash
    assert base.model_copy(update={"effective_to": "2026-12", "rank": 7}).policy_hash == base.policy_hash
    assert len({version.policy_hash for version in known_versions().values()}) == len(VERSIONS)


def test_policies_cannot_be_changed_in_place():
    with pytest.raises(ValidationError, match="frozen"):
        methodology("v2.0").rank = 5
