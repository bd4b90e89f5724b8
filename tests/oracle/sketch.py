"""Worlds drawn by hand: the fewest rows that make a worked example (methodology, section 5)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from tests.oracle.folder import COLUMNS, F, Q

PERIOD = "2025-06"
ROUND_YEARS_AGO = date(2015, 1, 1)


class Sketch:
    """Input tables filled by short calls; what a call leaves out is null or plain (contract, section 1)."""

    def __init__(self, period: str = PERIOD) -> None:
        """Start with empty tables."""
        self.period = period
        self.tables: dict[str, list[dict[str, Any]]] = {name: [] for name in COLUMNS}

    def add(self, table: str, **values: object) -> None:
        """Append a row; columns not given are null, numbers become decimals."""
        columns = COLUMNS[table]
        assert set(values) <= set(columns)
        row = {name: values.get(name) for name in columns}
        for name, kind in columns.items():
            if kind in (Q, F) and row[name] is not None:
                row[name] = Decimal(str(row[name]))
        self.tables[table].append(row)

    def cluster(self, name: str, load: float = 0, boundary: str = "market") -> None:
        """A mature Region with a grid zone of its own, its electricity and no generator fuel."""
        self.add("clusters", cluster_id=name, cluster_type="region", region_code=name, location=name,
                 grid_zone=f"{name}-zone", market_boundary=boundary, launched_on=ROUND_YEARS_AGO)  # fmt: skip
        self.activity(name, "electricity", load)
        self.activity(name, "generator_fuel", 0, "diesel")
        if not any(row["factor_key"] == "diesel" for row in self.tables["emission_factors"]):
            self.factor("fuel_combustion", "diesel", 2.5)
            self.factor("fuel_upstream", "diesel", 0.6)

    def activity(self, cluster: str, kind: str, quantity: float, substance: str | None = None) -> None:
        """One metered activity row."""
        self.add("activity", period=self.period, site_id=cluster, cluster_id=cluster, activity=kind,
                 substance=substance, quantity=quantity, evidence="metered")  # fmt: skip

    def factor(self, kind: str, key: str, value: float, instrument: str | None = None) -> None:
        """A factor without an end."""
        self.add("emission_factors", factor_type=kind, factor_key=key, instrument=instrument,
                 valid_from="2015-01", value=value)  # fmt: skip

    def grid(self, cluster: str, *values: float) -> None:
        """Generation, upstream and losses of a cluster's grid zone, kg/MWh."""
        kinds = ("grid_generation", "grid_upstream", "grid_losses")
        for kind, value in zip(kinds, (*values, 0, 0), strict=False):
            self.factor(kind, f"{cluster}-zone", value)
        self.factor("carbon_free_share", f"{cluster}-zone", 0)

    def rack(self, name: str, cluster: str, kind: str, power: float, capacity: float, **more: object) -> None:
        """A mature rack with planned power in kW and capacity per day."""
        values: dict[str, object] = {"deployed_on": ROUND_YEARS_AGO, "embodied_kg": 0, "is_network": False, **more}
        self.add("racks", rack_id=name, cluster_id=cluster, rack_type=kind, planned_power_kw=power,
                 capacity_units_per_day=capacity, **values)  # fmt: skip

    def use_rack(self, rack: str, service: str, units: float) -> None:
        """Use of a rack on the first day of the month."""
        day = date.fromisoformat(f"{self.period}-01")
        self.add("rack_usage", usage_date=day, rack_id=rack, service_id=service, used_units=units)

    def service(self, name: str, foundational: bool = True) -> None:
        """A service whose product code is its id."""
        self.add("services", service_id=name, product_code=name, service_name=name, is_foundational=foundational)

    def account(self, name: str, kind: str = "external", owner: str | None = None) -> None:
        """An account that is its own payer."""
        self.add("accounts", account_id=name, valid_from="2015-01", payer_account_id=name, account_type=kind,
                 owner_service_id=owner)  # fmt: skip

    def use(self, account: str, cluster: str, service: str, units: float, revenue: float | None = None) -> None:
        """Usage of an account on the first day of the month."""
        self.add("account_usage", usage_date=date.fromisoformat(f"{self.period}-01"), account_id=account,
                 cluster_id=cluster, service_id=service, usage_type="any", usage_units=units,
                 equivalent_revenue_usd=revenue)  # fmt: skip
