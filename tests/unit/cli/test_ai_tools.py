"""The commands that read published AI figures, on a lake written without a JVM."""

import json
import xml.etree.ElementTree as ET
from decimal import Decimal

import pytest

from ccft.cli import main
from tests.unit.ai.published_lake import publish


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> str:
    return publish(tmp_path_factory.mktemp("lake"))


def _run(capsys, lake, *words):
    with pytest.raises(SystemExit) as ended:
        main(["ai", *words, "--lake", lake])
    printed = capsys.readouterr()
    return ended.value.code, printed.out, printed.err


def _json(capsys, lake, *words):
    code, out, err = _run(capsys, lake, *words)
    assert (code, err) == (0, "")
    return json.loads(out)


def test_label_as_json_and_picture(capsys, published, tmp_path) -> None:
    content = _json(capsys, published, "label", "--model", "chat-70b")
    assert (content["period"], content["methodology_version"], content["energy"]["grade"]) == ("2025-01", "v3.0", "E")
    picture = tmp_path / "label.svg"
    code, out, _ = _run(capsys, published, "label", "--model", "chat-70b", "--format", "svg", "--out", str(picture))
    assert (code, out.strip()) == (0, str(picture))
    assert ET.fromstring(picture.read_text(encoding="utf-8")).tag.endswith("svg")  # noqa: S314 - our own picture


def test_label_of_few_customers_is_for_the_provider(capsys, published) -> None:
    code, out, err = _run(capsys, published, "label", "--model", "chat-8b")
    assert (code, json.loads(out)["is_provider_only"]) == (0, True)
    assert err == "chat-8b: fewer than 3 customers, the label is for the provider only\n"
    assert not _json(capsys, published, "label", "--model", "chat-70b")["is_provider_only"]


def test_unknown_model_names_those_there_are(capsys, published) -> None:
    code, _, err = _run(capsys, published, "label", "--model", "chat-9b")
    assert code == 2
    assert err.startswith("CCFT-USAGE-AI-UNKNOWN-MODEL: no model 'chat-9b' in 2025-01; there are chat-70b, chat-8b.")


def test_compare_ranks_models_and_shows_disclosed_figures(capsys, published) -> None:
    found = _json(capsys, published, "compare", "--json")
    assert [(place["subject_id"], place["rank"]) for place in found["places"]] == [("chat-8b", 1), ("chat-70b", 2)]
    (card,) = found["places"][1]["disclosed"]
    assert card["flags"] == ["implied 0.002632653 kg/kWh is outside 0.005 to 1.2"]
    assert Decimal(found["places"][0]["trend"]) == 0
    assert {row["model_id"]: row["is_efficient"] for row in found["pareto"]} == {"chat-70b": True, "chat-8b": True}
    code, out, _ = _run(capsys, published, "compare", "--by", "vendor")
    assert code == 0
    assert "000000000007" in out


def test_month_and_version_can_be_chosen(capsys, published) -> None:
    found = _json(capsys, published, "compare", "--json", "--period", "2024-12", "--methodology", "v2.0")
    assert (found["period"], found["methodology_version"]) == ("2024-12", "v2.0")
    newest = _json(capsys, published, "compare", "--json", "--period", "2024-12")
    assert newest["methodology_version"] == "v3.0"  # highest rank


def test_figures_of_replaced_account_rows_do_not_count(capsys, published) -> None:
    code, _, err = _run(capsys, published, "compare", "--period", "2025-02")
    assert code == 1
    assert err.startswith("CCFT-RUN-AI-NOTHING-PUBLISHED: 2025-02:")


def test_actions_in_their_order_with_text_and_json(capsys, published) -> None:
    rows = _json(capsys, published, "actions", "--model", "chat-70b", "--json")
    assert rows[0]["action"] == "consolidate"
    assert rows[0]["preconditions"]
    assert rows[0]["formula_inputs"]["target_busy_share"] == "0.7"
    assert {row["needs"] is None for row in rows if row["saving_kg"] is None} == {False}
    code, out, _ = _run(capsys, published, "actions", "--deployment", "d1")
    assert code == 0
    assert "consolidate" in out
    assert "needs" in out


def test_disclosures(capsys, published) -> None:
    code, out, _ = _run(capsys, published, "disclose", "--model", "chat-70b")
    assert code == 0
    assert out.splitlines()[:3] == ["---", "co2_eq_emissions:", "  emissions: 1220810"]
    card = _json(capsys, published, "disclose", "--model", "chat-70b", "--json")["co2_eq_emissions"]
    assert card["geographical_location"] == "Europe (Ireland)"
    sci = _json(capsys, published, "disclose", "--model", "chat-70b", "--format", "sci")
    for score in sci["scores"]:
        assert sum(map(Decimal, score["components"].values())) == Decimal(score["score"])
    form = _json(capsys, published, "disclose", "--model", "chat-70b", "--format", "documentation")
    # two months of the example's 1,977.6 kWh x 1.2
    assert form["training_energy_mwh"] == "4.75"
    assert form["months"] == "2024-12 to 2025-01"


def test_training_of_a_model_never_trained_here_is_unknown(capsys, published) -> None:
    card = _json(capsys, published, "disclose", "--model", "chat-8b", "--json")["co2_eq_emissions"]
    assert card["emissions"] is None


def test_no_lake(capsys, tmp_path) -> None:
    code, _, err = _run(capsys, str(tmp_path), "compare")
    assert code == 2
    assert err.startswith("CCFT-USAGE-NO-LAKE")
