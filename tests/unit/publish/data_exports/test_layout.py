"""Names and places: what may be called how, and that no name leads out of its folder."""

from datetime import UTC, datetime

import pytest

from ccft.publish.data_exports.layout import Format, Place, execution_id, is_account, is_manifest, name_problems

PLACE = Place("000000000042", "carbon", "v2.0", "2025-01")
DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize("name", ["c", "Carbon_2025-all", "9", "a" * 128, "123456789012"])
def test_names(name):
    assert name_problems(name) == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a\\b",
        "a b",
        "-a",
        "_a",
        "a" * 129,
        "a\n",
        "ä",
        "a*",
        "a'b",
        'a"b',
        "a;b",
        "$a",
        "a%2f",
    ],
)
def test_hostile_names(name):
    (problem,) = name_problems(name)
    assert problem.code == "CCFT-USAGE-EXPORT-NAME"


@pytest.mark.parametrize(
    "text",
    ["", "*", "%", "42", "00000000004", "0000000000042", "00000000004\n", " 000000000042", "000000000042'", "..", "../000000000042",
     "000000000042/../000000000043", "٠٠٠٠٠٠٠٠٠٠٤٢", "000000000042' OR '1'='1", "000000000042,000000000043"],
)  # fmt: skip
def test_hostile_accounts(text):
    assert not is_account(text)


def test_the_layout_of_the_contract():
    assert PLACE.root == "000000000042/carbon"
    assert PLACE.data_file(1, DIGEST, Format.PARQUET) == (
        "data/carbon_model_version=v2.0/usage_period=2025-01/carbon-00001-0123456789ab.snappy.parquet"
    )
    assert PLACE.manifest == "metadata/carbon_model_version=v2.0/usage_period=2025-01/carbon-Manifest.json"
    execution = execution_id(datetime(2026, 4, 14, 7, 52, 10, 494_999, UTC), "0a1b2c3d")
    new = Place("000000000042", "carbon", "v2.0", "2025-01", execution)
    assert new.data_file(12, DIGEST, Format.CSV) == (
        "data/carbon_model_version=v2.0/usage_period=2025-01/20260414T075210.494Z-0a1b2c3d/carbon-00012-0123456789ab.csv.gz"
    )
    assert new.manifest == PLACE.manifest
    assert new.execution_manifest == (
        "metadata/carbon_model_version=v2.0/usage_period=2025-01/20260414T075210.494Z-0a1b2c3d/carbon-Manifest.json"
    )


def test_a_place_owns_its_own_files_only():
    own = PLACE.data_file(1, DIGEST, Format.PARQUET)
    assert PLACE.owns(own)
    assert PLACE.owns(own + ".part")
    for other in (
        own.replace("2025-01", "2025-02"),
        own.replace("carbon-", "other-"),
        own.replace("data/", "data/x/../"),
        own.replace(".snappy.parquet", ".txt"),
        "data/carbon_model_version=v2.0/usage_period=2025-01/notes.parquet",
        "../../" + own,
        PLACE.manifest,
    ):
        assert not PLACE.owns(other)


def test_a_dot_in_a_name_is_no_wildcard():
    assert not is_manifest("a-b", "metadata/carbon_model_version=v2.0/usage_period=2025-01/aXb-Manifest.json")
    assert is_manifest("a-b", "metadata/carbon_model_version=v2.0/usage_period=2025-01/a-b-Manifest.json")
    assert not is_manifest("a-b", "metadata/carbon_model_version=v2.0/usage_period=2025-01/x/a-b-Manifest.json")
