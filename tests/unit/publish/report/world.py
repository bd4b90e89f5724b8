"""A hand-made DuckDB database with the published tables: account rows are given, everything else follows from them and balances.

Each service has a rack type of its own, so inventory, rack types, services and ledger are the account rows summed up.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa

from ccft.methodology.calendar import in_effect
from ccft.methodology.model import methodology
from ccft.periods import period_range
from ccft.publish.report.figures import Figures, figures
from ccft.publish.views import VIEW_SQL, slice_rows
from ccft.schema.arrow import arrow_schema
from ccft.schema.columns import MEASURES, STEPS
from ccft.schema.tables import RESULTS, table
from ccft.schema.views import PUBLISHED_SLICES

PUBLISHED_AT = datetime(2026, 4, 14, 7, 52, 10, tzinfo=UTC)
PAYER, OTHER, LONER = "000000000042", "987654321098", "555000555000"
HOSTILE = "<script>alert(1)</script>"
LONG = "AnExtraordinarilyLongServiceNameThatNobodyWouldChooseButSomebodyWillDeliver" * 2


@dataclass(frozen=True)
class Line:
    """A published period x version."""

    period: str
    methodology_version: str
    run_id: str = "run-1"
    finished_at: datetime = PUBLISHED_AT


class World:
    """Account rows first, then `finish`."""

    def __init__(self) -> None:
        self.database = duckdb.connect()
        for registered in (*RESULTS, table("core_rack_usage")):
            columns = ", ".join(f'"{column.name}" {column.type}' for column in registered.columns)
            self.database.execute(f"CREATE TABLE {registered.name} ({columns})")

    def row(
        self,
        period: str,
        account: str,
        payer: str,
        masses: dict[str, str],
        *,
        version: str = "",
        service: str = "vm",
        product: str = "Machines",
        region: str = "eu-de-1",
        location: str = "Europe (Frankfurt)",
        kind: str = "external",
    ) -> None:
        """Add an account row; measures that are not given are 0."""
        values = {name: Decimal(masses.get(name, "0")) for name in MEASURES}
        self.database.execute(
            f"INSERT INTO account_emissions BY NAME SELECT ? AS usage_period, ? AS region_code, ? AS methodology_version,"
            " ? AS cluster_id, ? AS service_id, ? AS account_id,"
            f" {', '.join(f'CAST(? AS DECIMAL(18,9)) AS {name}_kg' for name in MEASURES)},"
            " 'usage' AS allocation_basis, 1 AS weight, ? AS payer_account_id, ? AS account_type, ? AS product_code,"
            " ? AS location, 'run-1' AS run_id",
            [
                *(period, region, version or in_effect(period).version, f"{region}-c", service, account),
                *(str(value) for value in values.values()),
                *(payer, kind, product, location),
            ],
        )

    def row_month(self, period: str, version: str = "") -> "World":
        """A month with a row each of three organisations."""
        version = version or in_effect(period).version
        for seed, account in enumerate((PAYER, OTHER, LONER), start=1):
            self.row(period, account, account, masses(seed, version), version=version)
        return self

    def finish(self) -> "World":
        """Tables and views that follow from the account rows."""
        self._pools()
        for step in STEPS:
            for cluster in ("'worldwide'", "cluster_id"):
                self.database.execute(
                    f"""
                    INSERT INTO reconciliation
                    SELECT usage_period, methodology_version, measure, '{step}', {cluster}, sum(net_kg), 0, 0, sum(net_kg), 0, 'run-1'
                    FROM service_emissions GROUP BY ALL
                    """
                )
        published = self.database.execute(
            "SELECT DISTINCT usage_period, methodology_version FROM account_emissions"
        ).fetchall()
        slices = slice_rows([Line(*key) for key in sorted(published)])
        self.database.register(
            PUBLISHED_SLICES.name, pa.Table.from_pylist(slices, schema=arrow_schema(PUBLISHED_SLICES))
        )
        for name, sql in VIEW_SQL.items():
            self.database.execute(f"CREATE VIEW {name} AS {sql}")
        return self

    def _pools(self) -> None:
        quarter = "CAST(CAST(sum({name}_kg) AS BIGINT) // 4 AS DECIMAL(28,9))"
        parts = {"in_use": "sum({name}_kg) - " + quarter, "unused_capacity": quarter}
        for name in MEASURES:
            for component, part in parts.items():
                self.database.execute(
                    f"""
                    INSERT INTO service_emissions BY NAME
                    SELECT usage_period, region_code, methodology_version, cluster_id, service_id, '{name}' AS measure,
                        '{component}' AS component, {part.format(name=name)} AS direct_kg, 0 AS received_kg,
                        0 AS passed_on_kg, 0 AS residual_kg, direct_kg AS net_kg, 'run-1' AS run_id
                    FROM account_emissions GROUP BY ALL
                    """
                )
        self.database.execute(
            """
            INSERT INTO rack_type_emissions BY NAME
            SELECT * EXCLUDE (service_id, direct_kg, received_kg, passed_on_kg, residual_kg, net_kg),
                'RT.' || service_id AS rack_type, direct_kg AS emissions_kg FROM service_emissions
            """
        )
        self.database.execute(
            """
            INSERT INTO core_rack_usage BY NAME
            SELECT DISTINCT usage_period, region_code, cluster_id, 'RT.' || service_id AS rack_type, false AS is_ramping, service_id,
                1 AS used_units FROM service_emissions
            """
        )
        self.database.execute(
            """
            INSERT INTO service_flows BY NAME
            SELECT usage_period, region_code, methodology_version, cluster_id, service_id AS origin_service_id, service_id, measure,
                sum(net_kg) AS emissions_kg, 'run-1' AS run_id FROM service_emissions GROUP BY ALL
            """
        )
        self.database.execute(
            """
            INSERT INTO inventory_emissions BY NAME
            SELECT usage_period, region_code, methodology_version, cluster_id, NULL AS rack_type, measure, 'electricity' AS source,
                sum(net_kg) AS emissions_kg, sum(net_kg) - CAST(CAST(sum(net_kg) AS BIGINT) // 3 AS DECIMAL(28,9)) AS metered_kg,
                CAST(CAST(sum(net_kg) AS BIGINT) // 3 AS DECIMAL(28,9)) AS invoiced_kg,
                0 AS estimated_kg, 0 AS forecast_kg, NULL AS instrument, '[]' AS factor_references, 'run-1' AS run_id
            FROM service_emissions GROUP BY ALL
            """
        )

    def figures(self, payer: str = "", **more) -> Figures:
        """Figures of the provider's page or a payer's."""
        more = {"has_rack_usage": True} | more
        return figures(self.database, published_at=PUBLISHED_AT, payer=payer, **more)


def masses(seed: int, version: str) -> dict[str, str]:
    """Masses up to 1,000 kg with all nine decimals, as good as unrelated, of the measures that the version computes."""
    found = {}
    for name in methodology(version).measures:
        digits = str(int(hashlib.sha256(f"{seed} {name}".encode()).hexdigest(), 16))
        found[name] = f"{digits[:3]}.{digits[3:12]}"
    return found


@cache
def many_months(first: str = "2023-02", last: str = "2026-03") -> World:
    """One for all tests, which only read it. 38 months in three versions, three organisations, hostile and long names, edge rows; one month computed in two versions."""
    world = World()
    for number, period in enumerate(period_range(first, last)):
        version = in_effect(period).version
        cases = (
            (PAYER, PAYER, "vm", "Machines", "eu-de-1", "Europe (Frankfurt)"),
            ("000000000043", PAYER, "store", HOSTILE, "us-va-1", "US East (Virginia)"),
            ("000000000043", PAYER, "cdn", LONG, "global", "Global"),
            (OTHER, OTHER, "vm", "Machines", "eu-de-1", "Europe (Frankfurt)"),
            ("987654321000", OTHER, "gpu", "Accelerators", "us-va-1", "US East (Virginia)"),
            (LONER, LONER, "cdn", LONG, "global", "Global"),
        )
        for position, (account, payer, service, product, region, location) in enumerate(cases):
            if payer == PAYER and period == "2025-02":
                continue
            world.row(
                period, account, payer, masses(number * 10 + position + 1, version), service=service, product=product,
                region=region, location=location,
            )  # fmt: skip
        world.row(
            period,
            "000000000000",
            "000000000000",
            {"scope_1": "1"},
            product="SharedOverhead",
            service="SharedOverhead",
            kind="internal",
        )
    world.row("2025-09", PAYER, PAYER, masses(90001, "v3.0"), version="v3.0")
    world.row("2025-09", OTHER, OTHER, masses(90002, "v3.0"), version="v3.0")
    return world.finish()


def write_page(folder: Path, page: str, name: str) -> Path:
    """A page as the command writes it: without translated line ends."""
    path = folder / name
    path.write_text(page, encoding="utf-8", newline="")
    return path
