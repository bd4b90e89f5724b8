"""Which months a nightly run looks at."""

from datetime import UTC, datetime, timedelta

from ccft.pipeline.due import _candidates, delivered

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def logged(table: str, period: str | None, rows: int, hour: int = 0) -> dict[str, object]:
    return {"table_name": table, "period": period, "row_count": rows, "ingested_at": NOW + timedelta(hours=hour)}


def test_the_newest_delivery_of_a_table_and_month_counts():
    log = [
        logged("activity", "2025-01", 5),
        logged("account_usage", "2025-01", 0, hour=2),
        logged("account_usage", "2025-01", 9),
        logged("racks", None, 3),
    ]
    assert delivered(log) == {"2025-01": {"activity"}}


def test_months_with_usage_that_lack_the_version_in_effect_are_looked_at():
    tables = {
        "2019-03": {"activity"},  # history of fuel
        "2024-12": {"activity", "account_usage", "rack_usage"},
        "2025-01": {"activity", "account_usage", "rack_usage"},
        "2025-10": {"rack_usage"},
    }
    done = {("2024-12", "v1.0"), ("2025-01", "v1.0")}  # January has another version than the one in effect
    found = {period: policy.version for period, policy in _candidates(tables, done).items()}
    assert found == {"2025-01": "v2.0", "2025-10": "v3.0"}
