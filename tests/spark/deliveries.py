"""Deliveries of several origins merged into one, so that one ingest and one run per version serve many cases."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ccft.periods import month_end, month_start
from ccft.schema.tables import INPUTS

Row = dict[str, str]
Tables = dict[str, list[Row]]


@dataclass(frozen=True)
class Delivery:
    """Rows of an input folder as text."""

    tables: Tables

    @property
    def periods(self) -> set[str]:
        """Months with usage."""
        rows = self.tables["account_usage"] + self.tables["rack_usage"]
        return {row["usage_date"][:7] for row in rows}

    def owns(self, row: Row | dict[str, object]) -> bool:
        """Whether a result row is about this delivery's clusters or market boundaries."""
        name = "cluster_id" if "cluster_id" in row else "market_boundary"
        return row[name] in {cluster[name] for cluster in self.tables["clusters"]}


def read_delivery(folder: Path) -> Delivery:
    """Read `<table>.csv` of every input table."""
    tables = {}
    for registered in INPUTS:
        with (folder / f"{registered.name}.csv").open(encoding="utf-8", newline="") as stream:
            tables[registered.name] = list(csv.DictReader(stream))
    return Delivery(tables)


def merge(deliveries: Sequence[Delivery]) -> Delivery:
    """All rows, identical ones once, and quiet rows for each cluster in the months of the other deliveries."""
    periods = set().union(*(delivery.periods for delivery in deliveries))
    tables: Tables = {}
    for registered in INPUTS:
        rows = [row for delivery in deliveries for row in delivery.tables[registered.name]]
        tables[registered.name] = list({tuple(row.values()): row for row in rows}.values())
    for delivery in deliveries:
        tables["activity"] += [row for period in sorted(periods - delivery.periods) for row in quiet(delivery, period)]
    return Delivery(tables)


def quiet(delivery: Delivery, period: str) -> list[Row]:
    """No fuel and no electricity in a month: clusters and racks stay in service after the month they were made for."""
    launched = {row["cluster_id"]: date.fromisoformat(row["launched_on"]) for row in delivery.tables["clusters"]}
    active = {row["cluster_id"] for row in delivery.tables["racks"] if is_active(row, period)}
    fuel = [_zero(name, period, "generator_fuel") for name, day in launched.items() if day < month_end(period)]
    return fuel + [_zero(name, period, "electricity") for name in sorted(active)]


def is_active(rack: Row, period: str) -> bool:
    """Whether a rack is in service on a day of the period."""
    is_there = date.fromisoformat(rack["deployed_on"]) < month_end(period)
    return is_there and (not rack["retired_on"] or date.fromisoformat(rack["retired_on"]) > month_start(period))


def _zero(cluster: str, period: str, activity: str) -> Row:
    substance, unit = ("diesel", "litre") if activity == "generator_fuel" else ("", "MWh")
    return {
        "period": period, "site_id": f"{cluster}-quiet", "cluster_id": cluster, "activity": activity,
        "substance": substance, "quantity": "0", "unit": unit, "evidence": "metered",
    }  # fmt: skip


def write_delivery(delivery: Delivery, folder: Path) -> Path:
    """Write `<table>.csv` of every input table; the folder is made."""
    folder.mkdir(parents=True)
    for registered in INPUTS:
        with (folder / f"{registered.name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, registered.column_names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(delivery.tables[registered.name])
    return folder
