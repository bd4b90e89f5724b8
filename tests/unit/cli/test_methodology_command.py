"""`ccft methodology`: everything a version is, for people and for programs."""

import json

import pytest

from ccft.cli import main
from ccft.methodology.model import known_versions


def said(capsys, *arguments) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 0
    return capsys.readouterr().out


def test_list_names_months_and_what_is_reconstruction(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    lines = said(capsys, "methodology", "list").splitlines()
    for version, origin in {"v1.0": "reconstruction", "v2.0": "published", "v3.0": "published"}.items():
        (line,) = [text for text in lines if version in text]
        assert origin in line
    assert any("v3.0" in text and "2025-10 to now" in text and "2022-01 on" in text for text in lines)


def test_json_has_every_field_and_the_hash(capsys):
    listed = json.loads(said(capsys, "methodology", "list", "--json"))
    assert [entry["version"] for entry in listed] == list(known_versions())
    shown = json.loads(said(capsys, "methodology", "show", "v2.0", "--json"))
    assert shown == listed[1]
    assert shown["policy_hash"] == known_versions()["v2.0"].policy_hash
    assert shown["unused_capacity"] == "users"


def test_show_puts_versions_side_by_side(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    text = said(capsys, "methodology", "show", "v1.0", "v3.0")
    (row,) = [line for line in text.splitlines() if "unused capacity borne by" in line]
    assert [cell.strip() for cell in row.strip("│").split("│")] == ["unused capacity borne by", "provider", "users"]


def test_an_unknown_version_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["methodology", "show", "v9.9"])
    assert stopped.value.code == 2
    assert "CCFT-USAGE-UNKNOWN-METHODOLOGY" in capsys.readouterr().err
