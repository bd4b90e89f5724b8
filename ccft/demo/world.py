"""Write the whole input folder: ten tables in the format of the data contract, and those of AI models."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ccft.demo.account_usage import Month, account_usage
from ccft.demo.activity import activity_table
from ccft.demo.certificates import certificates_table
from ccft.demo.demand import demand_of, standing_users
from ccft.demo.factors import emission_factors
from ccft.demo.files import Floats, MonthWriter, clear_parts, rows_to_table, write_csv
from ccft.demo.fleet import Fleet, build_fleet, facility_assets_table, launch_of, racks_table
from ccft.demo.model_usage import write_models
from ccft.demo.organisations import account_rows, accounts_reader, build_accounts
from ccft.demo.provider import CLUSTERS
from ccft.demo.rack_usage import rack_month
from ccft.demo.services import SERVICES
from ccft.demo.timeline import Timeline, build_timeline


@dataclass(frozen=True)
class DemoWorld:
    """What was written: the folder, the months with usage, rows per table, and when each situation happens."""

    out: Path
    periods: tuple[str, ...]
    rows: Mapping[str, int]
    timeline: Timeline


def _clusters(timeline: Timeline) -> pa.Table:
    return rows_to_table("clusters", [{
        "cluster_id": cluster.cluster_id, "cluster_type": "edge" if cluster.is_edge else "region",
        "region_code": cluster.region_code, "location": cluster.location, "grid_zone": cluster.grid_zone,
        "market_boundary": cluster.market_boundary, "launched_on": launch_of(cluster, timeline),
    } for cluster in CLUSTERS])  # fmt: skip


def _services() -> pa.Table:
    return rows_to_table("services", [{
        "service_id": service.service_id, "product_code": service.product_code, "service_name": service.service_name,
        "is_foundational": service.is_foundational, "usage_unit": service.usage_unit,
    } for service in SERVICES])  # fmt: skip


def _small_tables(fleet: Fleet, loads: dict[str, Floats], timeline: Timeline, seed: int) -> Iterator[
    tuple[str, pa.Table]
]:  # fmt: skip
    yield "clusters", _clusters(timeline)
    yield "services", _services()
    yield "racks", racks_table(fleet)
    yield "facility_assets", facility_assets_table(fleet, timeline)
    yield "emission_factors", emission_factors()
    yield "activity", activity_table(fleet, loads, timeline, seed)
    yield "certificates", certificates_table(loads, timeline)


def _write(out: Path, name: str, period: str, parts: Iterable[pa.Table]) -> int:
    """Write one month of a usage table; rows written."""
    with MonthWriter(out, name, period) as writer:
        for part in parts:
            writer.write(part)
    return writer.rows


def write_demo_world(
    out: Path, *, accounts: int = 2000, months: int = 15, seed: int = 7, last_period: str = "2025-06"
) -> DemoWorld:
    """Write the inputs of the invented provider.

    The same arguments give byte-identical CSV files and Parquet files with identical values. Months are written one
    after the other and in pieces, so that memory does not grow with months and hardly with accounts. Files of an
    earlier world in the same folder are replaced.

    Parameters
    ----------
    out
        Folder to write into; made if missing.
    accounts
        Number of accounts, at least 200, the provider's own included.
    months
        Months of usage, ending with `last_period`; the first must not lie before 2020-01.
    seed
        Seed of all random numbers, 0 or more.
    last_period
        Last month of usage, `YYYY-MM`.

    Returns
    -------
    DemoWorld
        Rows per table, the months, and the timeline of the special situations.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     world = write_demo_world(Path(folder), accounts=200, months=1)
    >>> world.periods
    ('2025-06',)
    """
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    timeline = build_timeline(months, last_period)
    everyone = build_accounts(accounts, timeline)
    standing = standing_users(everyone)
    fleet = build_fleet(accounts, timeline)
    out.mkdir(parents=True, exist_ok=True)
    rows = {"rack_usage": 0, "account_usage": 0}
    for name in rows:
        clear_parts(out, name)
    loads: dict[str, Floats] = {}
    for number, period in enumerate(timeline.periods):
        racks = rack_month(fleet, period, timeline, seed)
        loads[period] = racks.load_mwh
        active = int(everyone.active(number, everyone.first_regular, len(everyone)).sum())
        demand = demand_of(period, timeline, racks.used, accounts, active)
        month = Month(period, number, timeline, everyone, demand, seed)
        rows["rack_usage"] += _write(out, "rack_usage", period, [racks.table])
        rows["account_usage"] += _write(out, "account_usage", period, account_usage(month, standing))
    for name, table in _small_tables(fleet, loads, timeline, seed):
        write_csv(out, name, table)
        rows[name] = table.num_rows
    write_csv(out, "accounts", accounts_reader(everyone, timeline))
    rows["accounts"] = account_rows(everyone)
    rows |= write_models(out, timeline)
    return DemoWorld(out=out, periods=timeline.periods, rows=rows, timeline=timeline)
