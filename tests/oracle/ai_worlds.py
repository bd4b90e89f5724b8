"""Invented worlds with AI models: everything a delivery needs, many worlds in one delivery, told apart by their prefix."""

import csv
import random
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

PERIOD = "2025-06"
NEXT = "2025-07"
"""Months of the worked example; invented worlds have use in the first alone."""
FIRST_HOUR = datetime(2025, 6, 1, tzinfo=UTC)
HOURS_OF_MONTH = 720
Tables = dict[str, list[dict[str, Any]]]
DEVELOPMENT = ("data_prep", "experimentation", "pretraining", "post_training", "evaluation")
TASKS = ("text-generation", "reasoning", "embedding")


def _d(value: float, places: int = 6) -> Decimal:
    return Decimal(round(value * 10**places)).scaleb(-places)


def hour(index: int) -> str:
    """Start of the hour of the month, as inputs write it."""
    return (FIRST_HOUR + timedelta(hours=index)).strftime("%Y-%m-%dT%H:00:00Z")


class Maker:
    """One world: three regions, one of them a training campus without customers."""

    def __init__(self, slot: int, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - worlds, not secrets
        self.p = f"w{slot}"
        self.slot = slot
        self.tables: Tables = defaultdict(list)
        self.here = [f"{self.p}-a", f"{self.p}-b"]
        self.campus = f"{self.p}-t"
        self.gpu, self.chat = f"{self.p}-gpu", f"{self.p}-chat"
        self.team = self.account(1)
        self.engineers = self.account(2)
        self.customers = [self.account(10 + n) for n in range(self.random.randint(3, 5))]
        self.deployment_number = 0

    def account(self, number: int) -> str:
        return f"{self.slot + 1:06d}{number:06d}"

    def add(self, name: str, **row: Any) -> None:
        self.tables[name].append(row)

    # The provider --------------------------------------------------------------------------------------------------------

    def inventory(self) -> None:
        r = self.random
        for number, cluster in enumerate([*self.here, self.campus]):
            self.add(
                "clusters", cluster_id=cluster, cluster_type="region", region_code=f"{self.p}-{number}", location=f"Place {self.p} {number}",
                grid_zone=f"Z{self.p}{number}", market_boundary=f"M{self.p}", launched_on="2015-01-01",
            )  # fmt: skip
            if r.random() < 0.7:
                self.add("ai_clusters", cluster_id=cluster, pue=_d(r.uniform(1.05, 1.6), 9))
            for kind, factor in (("grid_generation", 400), ("grid_upstream", 60), ("grid_losses", 20)):
                self.add(
                    "emission_factors", factor_type=kind, factor_key=f"Z{self.p}{number}", instrument=None, valid_from="2020-01", valid_to=None,
                    value=_d(r.uniform(0.2, 1.5) * factor, 9), unit="kg/MWh", source="invented", vintage=2024,
                )  # fmt: skip
            self.add(
                "activity", period=PERIOD, site_id="s", cluster_id=cluster, activity="electricity", substance=None,
                quantity=_d(r.uniform(5, 90)), unit="MWh", evidence="metered",
            )  # fmt: skip
            self.add(
                "activity", period=NEXT, site_id="s", cluster_id=cluster, activity="electricity", substance=None,
                quantity=0, unit="MWh", evidence="metered",
            )  # fmt: skip
            if r.random() < 0.5:
                self.add(
                    "activity", period=PERIOD, site_id="s", cluster_id=cluster, activity="refrigerant", substance=f"R-{self.p}",
                    quantity=_d(r.uniform(0, 2)), unit="kg", evidence="estimated",
                )  # fmt: skip
            for rack in range(3):
                self.rack(
                    cluster, f"{self.p}.GPU", rack, "2019-05-01" if rack else r.choice(["2020-01-01", "2025-01-01"])
                )
            if r.random() < 0.7:
                self.rack(cluster, f"{self.p}.NET", 9, "2020-01-01")
        self.add(
            "emission_factors", factor_type="gwp", factor_key=f"R-{self.p}", instrument=None, valid_from="2020-01", valid_to=None,
            value=_d(1530, 9), unit="kg/kg", source="invented", vintage=2024,
        )  # fmt: skip
        self.add(
            "services",
            service_id=self.gpu,
            product_code=f"{self.p}G",
            service_name="Accelerators",
            is_foundational="true",
            usage_unit="accelerator-hours",
        )
        self.add(
            "services",
            service_id=self.chat,
            product_code=f"{self.p}C",
            service_name="Chat",
            is_foundational="false",
            usage_unit="million tokens",
        )

    def rack(self, cluster: str, kind: str, number: int, deployed: str) -> None:
        is_network = kind.endswith("NET")
        self.add(
            "racks", rack_id=f"{cluster}-{kind}-{number}", cluster_id=cluster, rack_type=kind, is_network=str(is_network).lower(),
            planned_power_kw=_d(self.random.uniform(1, 40)), capacity_units_per_day=0 if is_network else 1000, deployed_on=deployed, retired_on=None,
            embodied_kg=_d(self.random.uniform(1000, 50000), 9), service_life_months=None, embodied_method=None,
        )  # fmt: skip
        if not is_network:
            self.add(
                "rack_usage",
                usage_date="2025-06-10",
                rack_id=f"{cluster}-{kind}-{number}",
                service_id=self.gpu,
                used_units=_d(self.random.uniform(1, 20000)),
            )
            if cluster == self.campus:
                # What the chat service bears itself where it has no customers comes to its pools elsewhere as residual.
                self.add(
                    "rack_usage",
                    usage_date="2025-06-10",
                    rack_id=f"{cluster}-{kind}-{number}",
                    service_id=self.chat,
                    used_units=700,
                )

    def people(self) -> None:
        rows = [(self.team, "internal", self.chat), (self.engineers, "internal", None)]
        rows += [(name, "external", None) for name in self.customers]
        for account, kind, owner in rows:
            self.add(
                "accounts",
                account_id=account,
                valid_from="2020-01",
                valid_to=None,
                payer_account_id=account,
                account_type=kind,
                owner_service_id=owner,
            )
        for cluster in [*self.here, self.campus]:
            self.usage(self.team, cluster, self.gpu, self.random.uniform(100, 5000), None)
        # Accelerators have a customer in every world: without any, those of the campus would go to all clusters, the worked example's included.
        self.usage(self.engineers, self.here[0], self.gpu, 20, None)
        for account in [*self.customers, self.engineers]:
            for cluster in self.here:
                if self.random.random() < 0.7 or account == self.customers[0]:
                    self.usage(account, cluster, self.chat, self.random.uniform(1, 50), self.random.uniform(0, 900))

    def usage(self, account: str, cluster: str, service: str, units: float, revenue: float | None) -> None:
        self.add(
            "account_usage", usage_date="2025-06-11", account_id=account, cluster_id=cluster, service_id=service, usage_type="x",
            usage_units=_d(units), equivalent_revenue_usd=None if revenue is None else _d(revenue), allocated_cost_usd=None,
        )  # fmt: skip

    # Its models ----------------------------------------------------------------------------------------------------------

    def models(self) -> None:
        r = self.random
        for number in range(3):
            self.add(
                "ai_models", model_id=f"{self.p}-m{number}", family=self.p, parent_model_id=f"{self.p}-m0" if number == 2 else None,
                parent_share=_d(r.random(), 9) if number == 2 else None, version="1", params_total_b=None if r.random() < 0.2 else _d(r.uniform(1, 400), 9),
                params_active_b=None if r.random() < 0.5 else _d(r.uniform(1, 80), 9), datatype="bf16", task=r.choice(TASKS),
                owner_account_id=self.team, release_date="2024-11-01", retire_date=None, expected_life_days=900,
            )  # fmt: skip
            for release in range(1 + (number == 1)):
                self.add(
                    "ai_releases", release_id=f"{self.p}-m{number}-r{release}", valid_from=f"2025-0{1 + release}", model_id=f"{self.p}-m{number}",
                    expected_lifetime_out_tokens=r.randint(10**6, 10**9), training_tokens=None, training_flop=None, retire_date=None,
                )  # fmt: skip
        for number in range(2):
            self.add(
                "accelerator_types", accel_type=f"{self.p}-X{number}", p_idle_kw=_d(r.uniform(0.05, 0.2)), p_busy_serving_kw=_d(r.uniform(0.3, 0.7)),
                p_busy_training_kw=_d(r.uniform(0.4, 0.9)), embodied_kg=_d(r.choice([0, r.uniform(100, 900)]), 9), life_h=_d(r.uniform(20000, 60000)),
                capacity_weight=_d(r.choice([1, r.uniform(0.1, 2)]), 9), source="invented",
            )  # fmt: skip

    def deploy(self, account: str, cluster: str, service: str, stage: str) -> str:
        self.deployment_number += 1
        name = f"{self.p}-d{self.deployment_number}"
        model = self.random.randrange(3)
        self.add(
            "ai_deployments", deployment_id=name, valid_from="2025-01", valid_to=self.random.choice([None, PERIOD, "2025-12"]), account_id=account,
            model_id=f"{self.p}-m{model}", release_id=f"{self.p}-m{model}-r0", cluster_id=cluster, service_id=service,
            accel_type=f"{self.p}-X{self.random.randrange(2)}", lifecycle_stage=stage, replicas=1, accel_per_replica=8, tags=None,
        )  # fmt: skip
        if self.random.random() < 0.85:
            self.work(name)
        return name

    def work(self, name: str) -> None:
        r = self.random
        metered = r.choice([0.0, 0.5, 1.0])
        for index in r.sample(range(HOURS_OF_MONTH), r.randint(1, 12)):
            for state in r.sample(["completed", "failed", "cancelled", "running"], r.randint(1, 2)):
                reserved = _d(r.choice([0, r.uniform(0, 64)]))
                busy = _d(float(reserved) * r.uniform(0, 1.2))
                energy = _d(r.uniform(0, 40)) if r.random() < metered else None
                self.add(
                    "ai_accelerator_usage",
                    hour=hour(index),
                    deployment_id=name,
                    job_state=state,
                    reserved_accel_h=reserved,
                    busy_accel_h=busy,
                    energy_kwh=energy,
                )

    def serve(self, name: str, account: str, model: int) -> None:
        r = self.random
        for index in r.sample(range(HOURS_OF_MONTH), r.randint(1, 4)):
            inputs = _d(r.uniform(0, 10**6), 2)
            self.add(
                "ai_token_usage", hour=hour(index), deployment_id=name, account_id=account, model_id=f"{self.p}-m{model}", requests=_d(r.uniform(1, 900), 2),
                in_tokens=inputs, cached_in_tokens=r.choice([None, 0, _d(float(inputs) * r.random(), 2)]), out_tokens=_d(r.choice([0, r.uniform(0, 10**5)]), 2),
                images_in=None, images_out=None, audio_s=None,
            )  # fmt: skip

    def own(self) -> None:
        r = self.random
        # Customers with deployments of their own; sometimes more bought than the hours explain, or no row at all.
        for account in self.customers[: r.randint(1, 2)]:
            cluster = r.choice(self.here)
            if r.random() < 0.9:
                self.usage(account, cluster, self.gpu, r.choice([1, 50, 400, 2000]) * r.uniform(0.5, 1), None)
            for _ in range(r.randint(1, 4)):
                stage = r.choice(["serving", "serving", *DEVELOPMENT])
                name = self.deploy(account, cluster, self.gpu, stage)
                for model in r.sample(range(3), r.randint(0, 2)):
                    self.serve(name, r.choice([account, self.engineers]), model)

    def team_run(self) -> None:
        r = self.random
        # The chat team serves where it has customers, and develops there and on the campus.
        for cluster in self.here[: r.randint(1, 2)]:
            for _ in range(r.randint(1, 3)):
                name = self.deploy(self.team, cluster, self.chat, "serving")
                for account in [*self.customers, self.team, self.engineers]:
                    for model in r.sample(range(3), r.choice([0, 1, 1, 2])):
                        self.serve(name, account, model)
            if r.random() < 0.5:
                self.deploy(self.team, cluster, self.chat, r.choice(DEVELOPMENT))
        if r.random() < 0.7:
            for _ in range(r.randint(1, 2)):
                self.deploy(self.team, self.campus, self.chat, r.choice(DEVELOPMENT))


def make_world(slot: int, seed: int) -> Tables:
    """Tables of one world, the provider's inputs and its models."""
    maker = Maker(slot, seed)
    maker.inventory()
    maker.people()
    maker.models()
    maker.own()
    maker.team_run()
    return maker.tables


def merged(worlds: list[Tables]) -> Tables:
    """One delivery of many worlds."""
    tables: Tables = defaultdict(list)
    for world in worlds:
        for name, rows in world.items():
            tables[name] += rows
    return tables


def write(tables: Mapping[str, list[dict[str, Any]]], folder: Path, columns: Mapping[str, tuple[str, ...]]) -> str:
    """Write `<table>.csv` each."""
    folder.mkdir(parents=True)
    for name, names in columns.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(tables.get(name, []))
    return str(folder)
