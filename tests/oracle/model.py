"""Words, policies and result rows of the oracle (methodology, sections 1 and 4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.oracle.exact import ZERO, total, valid_in

Row = Mapping[str, Any]
Tables = Mapping[str, list[dict[str, Any]]]
Event = tuple[str, str, str]
Mass = dict[str, Fraction]

MEASURES = ("scope_1", "scope_2_lbm", "scope_2_mbm", "scope_3_fera_lbm", "scope_3_fera_mbm", "scope_3_embodied")
COMPONENTS = ("in_use", "unused_capacity", "network_overhead", "expansion_overhead", "residual")
EVIDENCE = ("metered", "invoiced", "estimated", "forecast")
PROVIDER = "000000000000"
UNASSIGNED = "unassigned"
UNUSED, SHARED = "UnusedCapacity", "SharedOverhead"
RETAINED = {"unused_capacity": UNUSED, "network_overhead": SHARED, "residual": SHARED}


class RunStopsError(Exception):
    """The run stops before its first write: something the period needs is missing (section 2)."""


@dataclass(frozen=True)
class Policy:
    """One methodology version (section 4)."""

    measures: tuple[str, ...]
    scope_1: tuple[str, ...]
    historical_growth: bool
    retains_overhead: bool
    ramp_up: bool
    internal_use: str
    solves_graph: bool

    @property
    def has_scope_3(self) -> bool:
        """Whether upstream, losses and embodied carbon exist in this version (section 4)."""
        return "scope_3_embodied" in self.measures


POLICIES: dict[str, Policy] = {
    "v1.0": Policy(MEASURES[:3], ("generator_fuel",), True, True, False, "zero", False),
    "v2.0": Policy(MEASURES[:3], ("generator_fuel",), True, False, True, "list_price", True),
    "v3.0": Policy(MEASURES, ("generator_fuel", "natural_gas", "refrigerant"), False, False, True, "cost", True),
}


@dataclass
class Line:
    """One inventory line: its mass and the parts of it by evidence (section 2)."""

    kg: Fraction = ZERO
    parts: dict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))

    def add(self, kg: Fraction, parts: Mapping[str, Fraction]) -> None:
        """Add a mass, divided by evidence in proportion to the parts given (section 2)."""
        self.kg += kg
        whole = total(parts.values())
        for evidence, part in parts.items():
            if whole:
                self.parts[evidence] += kg * part / whole


@dataclass(frozen=True)
class CertificateLine:
    """Ledger of the certificates of one market boundary, in MWh (section 2)."""

    issued: Fraction
    used_for_load: Fraction
    used_for_losses: Fraction
    unused: Fraction


@dataclass
class ServiceRow:
    """What a service emits, takes over, passes on and bears (section 3, steps 2c and 4)."""

    direct: Fraction = ZERO
    received: Fraction = ZERO
    passed_on: Fraction = ZERO
    residual: Fraction = ZERO

    @property
    def net(self) -> Fraction:
        """Net emissions (contract, section 3)."""
        return self.direct + self.received - self.passed_on + self.residual


@dataclass
class AccountRow:
    """One account in one pool (section 3, step 3)."""

    weight: Fraction | None
    basis: str
    payer: str
    account_type: str
    product_code: str
    region_code: str
    location: str
    mass: Mass = field(default_factory=lambda: dict.fromkeys(MEASURES, ZERO))


@dataclass
class Result:
    """Everything a period comes to, in exact rationals; tables are sparse: an absent key is zero.

    `slack` is, per measure, how many kg a sum of roundings of 1e-7 kg in the weights of a residual can move:
    the tolerance to add when residuals are divided by next to nothing. `condition` is, per cluster, the largest
    row sum of the inverse of the service graph: near 1e9 or above, doubles cannot follow.
    """

    policy: Policy
    inventory: dict[tuple[str, str | None, str, str], Line] = field(default_factory=lambda: defaultdict(Line))
    certificates: dict[str, CertificateLine] = field(default_factory=dict)
    market_factors: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    rack_types: dict[tuple[str, str, str, str], Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    services: dict[tuple[str, str, str, str], ServiceRow] = field(default_factory=lambda: defaultdict(ServiceRow))
    flows: dict[tuple[str, str, str, str], Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    shares: dict[tuple[str, str, str], tuple[Fraction, Fraction]] = field(default_factory=dict)
    accounts: dict[tuple[str, str, str], AccountRow] = field(default_factory=dict)
    events: set[Event] = field(default_factory=set)
    slack: Mass = field(default_factory=lambda: dict.fromkeys(MEASURES, ZERO))
    condition: dict[str, float] = field(default_factory=dict)

    def inventory_total(self, measure: str) -> Fraction:
        """Mass of the whole inventory (section 3, conservation)."""
        return total(line.kg for key, line in self.inventory.items() if key[2] == measure)

    def account_total(self, measure: str) -> Fraction:
        """Mass of all account rows, the provider's own included (section 3, conservation)."""
        return total(row.mass[measure] for row in self.accounts.values())


def services_of(tables: Tables) -> dict[str, Row]:
    """Services by id (contract, section 1)."""
    return {row["service_id"]: row for row in tables["services"]}


def clusters_of(tables: Tables) -> dict[str, Row]:
    """Clusters by id (contract, section 1)."""
    return {row["cluster_id"]: row for row in tables["clusters"]}


def accounts_of(tables: Tables, period: str) -> dict[str, Row]:
    """Accounts by id as they are in a period (contract, section 1)."""
    rows = tables["accounts"]
    return {row["account_id"]: row for row in rows if valid_in(period, row["valid_from"], row["valid_to"])}
