"""The situations lie inside the months asked for, be they one or thirty-eight."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ccft.demo import DemoWorld, write_demo_world
from ccft.periods import period_range

Opened = Callable[[Path], duckdb.DuckDBPyConnection]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> DemoWorld:
    """38 months that end in February: the world of the recast."""
    return write_demo_world(tmp_path_factory.mktemp("history"), accounts=5000, months=38, last_period="2025-02")


def test_the_long_history_has_the_same_situations(history: DemoWorld, opened: Opened) -> None:
    with opened(history.out) as connection:

        def one(sql: str) -> Any:
            row = connection.execute(sql).fetchone()
            return row and row[0]

        assert history.periods == tuple(period_range("2022-01", "2025-02"))
        assert (
            one("SELECT max(period) FROM activity WHERE cluster_id = 'de-1' AND activity = 'generator_fuel'")
            == "2024-12"
        )
        assert one("SELECT min(period) FROM activity") == "2020-01"
        assert one("SELECT launched_on FROM clusters WHERE cluster_id = 'jp-1'") == date(2024, 6, 10)
        assert one("SELECT min(period) FROM account_usage WHERE equivalent_revenue_usd < 0") == "2024-12"
        assert one("SELECT count(DISTINCT period) FROM account_usage") == 38
        assert one("SELECT count(*) FROM accounts WHERE valid_from = '2023-08'") > 50
        early = (
            "SELECT count(*) FROM racks WHERE retired_on < deployed_on + to_months(coalesce(service_life_months, 72))"
        )
        assert one(early) >= 5


@pytest.mark.parametrize("months", [1, 2, 7])
def test_short_worlds_have_them_too(tmp_path: Path, opened: Opened, months: int) -> None:
    small = write_demo_world(tmp_path, accounts=200, months=months)
    first, last, change = small.periods[0], small.periods[-1], small.timeline.payer_change
    with opened(small.out) as connection:
        for sql in (
            "SELECT 1 FROM account_usage WHERE equivalent_revenue_usd < 0",
            f"""SELECT 1 FROM accounts a JOIN accounts b USING (account_id) WHERE b.valid_from = '{change}'
            AND a.valid_from < b.valid_from AND a.payer_account_id <> b.payer_account_id""",
            "SELECT 1 FROM rack_usage JOIN racks USING (rack_id) WHERE used_units > capacity_units_per_day",
            f"SELECT 1 FROM racks WHERE retired_on BETWEEN DATE '{first}-01' AND DATE '{last}-28'",
            "SELECT 1 FROM certificates WHERE status = 'expected'",
        ):
            assert connection.execute(sql).fetchone() == (1,), sql
