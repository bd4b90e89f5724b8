"""Amortisation: the months of each asset's life add up to its embodied figure, whatever its dates."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from ccft.inventory.embodied import facility_embodied, rack_embodied
from ccft.periods import month_start, period_of, period_range, shift
from ccft.pipeline.stages import period_frame
from ccft.schema.spark import struct_type
from ccft.schema.tables import table

pytestmark = pytest.mark.spark

CASES = 120
QUANTUM = Decimal("1e-9")
CHOSEN = [
    # leap day as start, a life that ends on the last day of February, one month, one day before a leap day
    (date(2024, 2, 29), 12, 72_000_000_000_001),
    (date(2023, 2, 28), 12, 7),
    (date(2024, 1, 31), 1, 10**18 - 1),
    (date(2019, 12, 31), 2, 999_999_999_999_999_999),
    (date(2024, 2, 15), 72, 72_000 * 10**9),
    (date(2020, 3, 1), 600, 1),
]


@dataclass(frozen=True)
class Asset:
    """Embodied carbon in quanta from a day on; `retired` after some days, or never."""

    start: date
    months: int
    quanta: int
    retired: date | None = None

    @property
    def planned_end(self) -> date:
        """The day of the month on which it began, clamped to the month's end."""
        last = shift(period_of(self.start), self.months)
        following = month_start(shift(last, 1))
        day = min(self.start.day, (following - timedelta(days=1)).day)
        return month_start(last).replace(day=day)

    @property
    def life(self) -> list[str]:
        """Months with a day of its planned life, and a year on either side."""
        return period_range(shift(period_of(self.start), -12), shift(period_of(self.planned_end), 12))


def drawn() -> list[Asset]:
    """Assets of many dates, lives and figures; the same ones every time."""
    found = [Asset(*values) for values in CHOSEN]
    days = st.dates(date(2015, 1, 1), date(2026, 12, 31))
    assets = st.tuples(days, st.integers(1, 130), st.integers(1, 10**18 - 1), st.none() | st.integers(0, 4000))

    @seed(1)
    @settings(max_examples=CASES, database=None, deadline=None)
    @given(assets)
    def draw(values):
        start, months, quanta, days_in_service = values
        retired = None if days_in_service is None else start + timedelta(days=days_in_service)
        found.append(Asset(start, months, quanta, retired))

    draw()
    return found


def expected(asset: Asset, period: str) -> int:
    """The rule by itself, in Python integers."""
    days = (asset.planned_end - asset.start).days

    def amortised(day: date) -> int:
        return asset.quanta * min(max((day - asset.start).days, 0), days) // days

    return amortised(month_start(shift(period, 1))) - amortised(month_start(period))


@pytest.fixture(scope="module")
def assets() -> list[Asset]:
    found = drawn()
    assert len(found) > CASES // 2
    assert sum(asset.retired is not None for asset in found) > CASES // 8
    return found


def monthly(lines) -> dict[int, dict[str, int]]:
    """Asset -> month -> quanta; each asset stands in a cluster of its own."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for row in lines.select("cluster_id", "usage_period", "quanta").toArrow().to_pylist():
        found[int(row["cluster_id"])][row["usage_period"]] = row["quanta"]
    return found


def assert_exact(assets: list[Asset], found: dict[int, dict[str, int]]) -> None:
    for number, asset in enumerate(assets):
        months = found[number]
        assert sum(months.values()) == asset.quanta
        assert months == {p: q for p in asset.life if (q := expected(asset, p))}


def all_months(spark, assets):
    return period_frame(spark, period_range(min(a.life[0] for a in assets), max(a.life[-1] for a in assets)))


def test_racks_amortise_their_embodied_carbon_exactly_retired_early_or_not(spark, assets):
    rows = [
        (
            f"rack-{number}",
            str(number),
            "type",
            False,
            Decimal(1),
            Decimal(1),
            asset.start,
            asset.retired,
            asset.quanta * QUANTUM,
            asset.months,
            None,
        )
        for number, asset in enumerate(assets)
    ]
    racks = spark.createDataFrame(rows, struct_type(table("core_racks")))
    assert_exact(assets, monthly(rack_embodied(racks, all_months(spark, assets))))


def test_facilities_amortise_their_embodied_carbon_exactly(spark, assets):
    rows = [
        (f"asset-{number}", str(number), "equipment", asset.quanta * QUANTUM, asset.start, asset.months)
        for number, asset in enumerate(assets)
    ]
    facilities = spark.createDataFrame(rows, struct_type(table("core_facility_assets")))
    assert_exact(assets, monthly(facility_embodied(facilities, all_months(spark, assets))))
