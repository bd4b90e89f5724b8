"""When things happen in the invented world: every special situation has its month here.

All dates follow from the months asked for, so that each situation lies inside them whatever they are.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from ccft.periods import is_period, month_end, month_start, period_range, shift

# Grid factors of the catalogue begin with 2021 values, and the youngest old cluster opened in 2018.
EARLIEST_PERIOD = "2020-01"
YOUNG_CLUSTER_AGE_MONTHS = 8
FUEL_GAP_MONTHS = 3
LAUNCH_DAY = 9  # days after the first of the month: launches fall on the 10th
RETIREMENT_DAY = 10
ARRIVAL_DAY = 16


@dataclass(frozen=True)
class Timeline:
    """Months of usage and the month of each special situation.

    Attributes
    ----------
    periods
        Months with usage, ascending.
    young_launch
        Launch day of the young region (`jp-1`), eight months before the last period.
    payer_change
        First month in which some organisations have a new payer, and one affiliate is sold.
    credits
        Month with cancelled bills: negative revenue.
    overuse
        Month in which one rack type of one cluster is used above its capacity.
    outage
        Month in which a long grid outage multiplies the generator fuel of one cluster.
    fuel_gap
        Last months of the last calendar year, whose generator fuel is not in yet in one cluster.
    early_retirement
        Day on which some racks leave service before the end of their planned life.
    late_retirement
        Day on which racks leave service that were used beyond their planned life.
    late_arrival
        Day in the middle of the last period on which racks arrive.
    """

    periods: tuple[str, ...]
    young_launch: date
    payer_change: str
    credits: str
    overuse: str
    outage: str
    fuel_gap: tuple[str, ...]
    early_retirement: date
    late_retirement: date
    late_arrival: date

    @property
    def first(self) -> str:
        """First month with usage."""
        return self.periods[0]

    @property
    def last(self) -> str:
        """Last month with usage."""
        return self.periods[-1]


def days_in(period: str) -> int:
    """Count the days of the period."""
    return (month_end(period) - month_start(period)).days


def day_of(period: str, offset: int) -> date:
    """Day `offset` days after the first of the period."""
    return month_start(period) + timedelta(days=offset)


def build_timeline(months: int, last_period: str) -> Timeline:
    """Place every situation inside the `months` months that end with `last_period`.

    Raises
    ------
    ValueError
        If `months` is below 1, `last_period` is not `YYYY-MM`, or the first month lies before 2020-01.
    """
    if months < 1:
        raise ValueError(f"months must be at least 1, got {months}")
    if not is_period(last_period):
        raise ValueError(f"last_period must be written YYYY-MM, got {last_period!r}")
    first = shift(last_period, 1 - months) if last_period >= EARLIEST_PERIOD else last_period
    if first < EARLIEST_PERIOD:
        raise ValueError(f"the first month of usage must not lie before {EARLIEST_PERIOD}, got {first}")
    # The growth estimate compares calendar years: a gap that began last year would distort its totals.
    gap_start = max(first, shift(last_period, 1 - FUEL_GAP_MONTHS), f"{last_period[:4]}-01")
    return Timeline(
        periods=tuple(period_range(first, last_period)),
        young_launch=day_of(shift(last_period, -YOUNG_CLUSTER_AGE_MONTHS), LAUNCH_DAY),
        payer_change=shift(first, months // 2),
        credits=max(first, shift(last_period, -2)),
        overuse=max(first, shift(last_period, -1)),
        outage=max(first, shift(last_period, -5)),
        fuel_gap=tuple(period_range(gap_start, last_period)),
        early_retirement=day_of(shift(first, min(months - 1, 6)), RETIREMENT_DAY),
        late_retirement=day_of(max(first, shift(last_period, -1)), RETIREMENT_DAY),
        late_arrival=day_of(last_period, ARRIVAL_DAY),
    )
