"""AI inputs: optional, judged with all others, hourly rows set aside one by one, older layouts accepted."""

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from ccft.schema.tables import AI_INPUTS

AI_SOUND = {
    "ai_models": """
        m1|fam||0|1|70|70|bf16|text-generation|000000000001|2024-01-01||900
        m2|fam|m1|0.25|1|8||bf16|text-generation|000000000001|2024-01-01|2025-03-20|900""",
    "ai_releases": """
        m1-r1|2024-01|m1|72000000000|||
        m2-r1|2024-01|m2||||""",
    "accelerator_types": "X|0.1|0.5|0.6|500|50000|1|book",
    "ai_deployments": """
        d1|2024-01||000000000001|m1|m1-r1|r1|vm|X|serving|1|8|
        d2|2024-01|2025-03|000000000010|m2|m2-r1|r1|vm|X|pretraining|1|8|{}""",
    "ai_accelerator_usage": """
        2025-03-01T00:00:00Z|d1|running|8|4|
        2025-03-01T01:00:00Z|d1|running|8|9|
        2025-03-02 02:00:00|d1|running|8|2|0.5
        2025-03-02T03:00:00+01:00|d2|failed|8|8|9.5
        2025-03-02T04:00:00Z|d2|cancelled|1.000001|0.000002|9.5""",
    "ai_token_usage": """
        2025-03-01T00:00:00Z|d1|000000000010|m1|2|1000|400|50|||
        2025-03-31T23:00:00Z|d1|000000000010|m1|1|1E3||5.5|3||
        2025-03-19T23:00:00Z|d1|000000000011|m2|1|10||1|||""",
}
HEADER = {entry.name: list(entry.column_names) for entry in AI_INPUTS}


@pytest.fixture
def ai(world):
    """The sound delivery with AI tables."""
    for name, text in AI_SOUND.items():
        world.header[name] = HEADER[name]
        world.rows[name] = [line.strip().split("|") for line in text.strip().splitlines()]
    return world


def test_monthly_sums(ai, take, rows, lake, tmp_path):
    report = take(ai.csv(tmp_path / "in"))
    assert not any(report.rejected.values())
    hours = {
        (row["deployment_id"], row["job_state"]): row for row in lake.rows("core_ai_accelerator_usage").to_pylist()
    }
    first = hours["d1", "running"]
    # Clipped to 8 of 8 in the second hour; the metered hour: at most 0.5 kWh are idle, of 6 h x 0.1 kW.
    assert (first["reserved_accel_h"], first["busy_accel_h"], first["clipped_hours"]) == (24, 14, 1)
    assert (first["metered_reserved_h"], first["metered_busy_h"]) == (8, 2)
    assert (first["metered_kwh"], first["metered_idle_kwh"], first["active_days"]) == (
        Decimal("0.5"),
        Decimal("0.5"),
        2,
    )
    assert hours["d2", "failed"]["metered_idle_kwh"] == 0
    assert hours["d2", "cancelled"]["metered_idle_kwh"] == Decimal("0.0999999")  # 0.999999 h x 0.1 kW, not rounded
    tokens = {(row["account_id"], row["model_id"]): row for row in lake.rows("core_ai_token_usage").to_pylist()}
    both = tokens["000000000010", "m1"]
    assert (both["in_tokens"], both["cached_in_tokens"], both["out_tokens"]) == (2000, 400, Decimal("55.5"))
    assert (both["images_in"], both["audio_s"]) == (3, None)
    again = take(str(tmp_path / "in"))
    assert again.unchanged
    assert rows("core_ai_clusters") == [(name, "None") for name in ("e1", "r1", "r2")]  # unknown, no default


BAD_HOURS = (
    ("2025-03-05T00:30:00Z|d1|running|1|1|", "WRONG-TYPE"),
    ("2025-03-05T01:00:00Z|d9|running|1|1|", "UNKNOWN-DEPLOYMENT"),
    ("2025-04-05T02:00:00Z|d2|running|1|1|", "INVALID-DEPLOYMENT"),
    ("2025-03-05T03:00:00Z|d1|paused|1|1|", "WRONG-TYPE"),
    ("2025-03-05T04:00:00Z|d1|running|-1|1|", "NEGATIVE-QUANTITY"),
)
BAD_TOKENS = (
    ("2025-03-05T00:00:00Z|d9|000000000010|m1|1|1||1|||", "UNKNOWN-DEPLOYMENT"),
    ("2025-03-05T00:00:00Z|d1|000000000099|m1|1|1||1|||", "UNKNOWN-ACCOUNT"),
    ("2025-03-05T00:00:00Z|d1|000000000012|m1|1|1||1|||", "INVALID-ACCOUNT"),
    ("2025-03-05T00:00:00Z|d1|000000000010|m9|1|1||1|||", "UNKNOWN-MODEL"),
    ("2025-03-05T01:00:00Z|d1|000000000010|m1|1|10|11|1|||", "CACHED-ABOVE-INPUT"),
    ("2025-03-20T00:00:00Z|d1|000000000011|m2|1|1||1|||", "AFTER-RETIREMENT"),
    ("2025-03-05T02:00:00Z|d1|000000000010|m1|1|-1||1|||", "NEGATIVE-QUANTITY"),
    ("2025-03-05T03:00:00Z|d1|000000000010|m1|1|many||1|||", "WRONG-TYPE"),
)


def test_bad_hourly_rows_are_set_aside_and_the_rest_goes_on(ai, take, lake, tmp_path):
    ai.add("ai_accelerator_usage", *(line for line, _ in BAD_HOURS))
    ai.add("ai_token_usage", *(line for line, _ in BAD_TOKENS))
    twice = "2025-03-09T00:00:00Z|d1|000000000010|m1|1|10||1|||"
    ai.add("ai_token_usage", twice, twice)
    ai.add(
        "ai_token_usage",
        "2025-03-10T00:00:00Z|d1|000000000010|m1|1|10||1|||",
        "2025-03-10T00:00:00Z|d1|000000000010|m1|1|11||1|||",
    )
    take(ai.csv(tmp_path / "in"), rejected_rows_limit=100)
    found = sorted(
        (row["table_name"], row["condition"].removeprefix("CCFT-INPUT-"), row["row_json"])
        for row in lake.rows("rejected_rows").to_pylist()
        if row["table_name"].startswith("ai_")
    )
    expected = [("ai_accelerator_usage", code) for _, code in BAD_HOURS]
    # A row without a readable hour stands in each month of its delivery, and there are two.
    expected += [("ai_accelerator_usage", "WRONG-TYPE")]
    expected += [("ai_token_usage", code) for _, code in BAD_TOKENS] + [("ai_token_usage", "CONFLICTING-ROWS")] * 2
    assert sorted((name, code) for name, code, _ in found) == sorted(expected)
    tokens = {(row["account_id"], row["model_id"]): row for row in lake.rows("core_ai_token_usage").to_pylist()}
    assert tokens["000000000010", "m1"]["in_tokens"] == 2010
    assert tokens["000000000011", "m2"]["in_tokens"] == 10
    assert len(tokens) == 2


def test_all_problems_of_small_tables_at_once(ai, refused, tmp_path):
    ai.add(
        "ai_models",
        "m3|fam|m9|2|1|||bf16|t|000000000077|2024-01-01||0",
        "m4|fam|m5|0|1|||bf16|t|000000000001|2024-01-01||9",
    )
    ai.add("ai_models", "m5|fam|m4|0|1|||bf16|t|000000000001|2024-01-01||9")
    ai.add("accelerator_types", "Y|0.5|0.4|0.6|500|0|1|book")
    ai.add("ai_deployments", "d3|2024-01||000000000001|m1|m2-r1|r9|db|Z|dreaming|1|8|")
    ai.add("ai_disclosures" if "ai_disclosures" in ai.rows else "ai_releases", "m1-r1|2024-01|m1|5|||")
    messages = refused(ai.csv(tmp_path / "in"))
    codes = sorted({message.split(":")[0] for message in messages})
    assert codes == [
        "BELOW-MINIMUM",
        "DEPLOYMENT-OWNER",
        "DUPLICATE-KEY",
        "MODEL-CYCLE",
        "UNKNOWN-ACCELERATOR",
        "UNKNOWN-ACCOUNT",
        "UNKNOWN-CLUSTER",
        "UNKNOWN-MODEL",
        "UNKNOWN-RELEASE",
        "UNKNOWN-VALUE",
    ]


def test_required_tables_of_a_delivery_with_models(ai, refused, tmp_path):
    del ai.rows["ai_deployments"], ai.rows["ai_token_usage"]
    assert refused(ai.csv(tmp_path / "in")) == [
        "MISSING-TABLE: ai_deployments: not in the input folder",
        "MISSING-TABLE: ai_token_usage: not in the input folder",
    ]


def _rewrite(path: Path, change) -> None:
    with path.open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    table = [change(row) for row in table]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)


def test_older_layout(ai, take, lake, tmp_path):
    del ai.rows["ai_releases"]
    folder = Path(ai.csv(tmp_path / "in"))
    extra = {"expected_lifetime_out_tokens": "5000", "disclosed_training_kg": "12.5", "disclosed_source": "card"}

    def older(row):
        return {name: value for name, value in row.items() if name != "parent_share"} | extra

    _rewrite(folder / "ai_models.csv", older)
    _rewrite(folder / "clusters.csv", lambda row: {**row, "pue": "1.25" if row["cluster_id"] == "r1" else ""})

    def images(row):
        return {
            ("images" if name == "images_in" else name): value for name, value in row.items() if name != "images_out"
        }

    _rewrite(folder / "ai_token_usage.csv", images)
    take(str(folder))
    releases = {row["release_id"]: row for row in lake.rows("core_ai_releases").to_pylist()}
    assert {(name, row["model_id"], row["valid_from"]) for name, row in releases.items()} == {
        ("m1-r1", "m1", "2024-01"),
        ("m2-r1", "m2", "2024-01"),
    }
    assert releases["m1-r1"]["expected_lifetime_out_tokens"] == 5000
    (first, _) = sorted(lake.rows("core_ai_disclosures").to_pylist(), key=lambda row: row["model_id"])
    assert (first["part"], first["kg"], first["method"], first["source"]) == (
        "training",
        Decimal("12.5"),
        "lbm",
        "card",
    )
    assert {row["cluster_id"]: row["pue"] for row in lake.rows("core_ai_clusters").to_pylist()} == {
        "r1": Decimal("1.25"),
        "r2": None,
        "e1": None,
    }
    assert sum(row["images_in"] or 0 for row in lake.rows("core_ai_token_usage").to_pylist()) == 3
    assert {row["parent_share"] for row in lake.rows("core_ai_models").to_pylist()} == {None}
