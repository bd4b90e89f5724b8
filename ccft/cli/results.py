"""`ccft summary`: published results on the terminal."""

from rich.console import Console

from ccft.cli.common import ConfigOption, LakeOption, PeriodsOption, check_periods, settings_of
from ccft.errors import fail


def summary(lake: LakeOption = None, period: PeriodsOption = None, config: ConfigOption = None) -> None:
    """Show published totals per region, the largest services and the conservation line."""
    from ccft.audit import published
    from ccft.lake.reader import open_lake, run_log
    from ccft.publish.summary import show

    settings, periods = settings_of(lake, config), check_periods(period or [])
    lines = [line for line in published.lines(run_log(settings.lake)) if not periods or line.period in periods]
    if not lines:
        raise fail("CCFT-RUN-NOTHING-PUBLISHED", period=", ".join(periods) or "any period")
    database = open_lake(settings.lake, lines)
    for line in lines:
        show(database, line.period, line.methodology_version, Console())
