"""What comparison, labels, actions and disclosures are computed from: one period's AI figures, bounded by deployments, models and stages.

Accounts are summed away before (SQL), so nothing here grows with them. Masses are whole quanta (1e-9 kg), quantities exact decimals; unknown is None.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from ccft.schema.ai_columns import SERVING_IDLE
from ccft.schema.units import QUANTA_PER_KG

SERVING: Final = "serving"
EXPERIMENTATION: Final = "experimentation"
SERVING_STAGES: Final = (SERVING, SERVING_IDLE)

METHODS: Final[Mapping[str, tuple[str, ...]]] = {
    "lbm": ("scope_1", "scope_2_lbm", "scope_3_fera_lbm", "scope_3_embodied"),
    "mbm": ("scope_1", "scope_2_mbm", "scope_3_fera_mbm", "scope_3_embodied"),
}
"""Measures of each accounting method; the two are never mixed."""

ESTIMATED_TIER: Final = 3
"""From this tier on the split rests on an estimate from the model's size."""


@dataclass(frozen=True)
class Mass:
    """Emissions of one deployment, model, release, stage, component and measure, all its accounts together, in quanta.

    Memo rows (amortised training) name the release that was trained, and the accounting method as their measure.
    """

    deployment_id: str
    model_id: str
    release_id: str
    stage: str
    component: str
    measure: str
    quanta: int
    min_quanta: int
    max_quanta: int
    tier: int | None = None
    is_memo: bool = False


@dataclass(frozen=True)
class Work:
    """What a deployment did in one stage: IT energy (host included) and accelerator-hours."""

    deployment_id: str
    stage: str
    kwh: Decimal
    idle_kwh: Decimal = Decimal(0)
    """Part of `kwh` without a request or a step of training."""
    metered_kwh: Decimal = Decimal(0)
    reserved_h: Decimal = Decimal(0)
    busy_h: Decimal = Decimal(0)
    wasted_h: Decimal = Decimal(0)
    """Reserved hours of failed and cancelled jobs."""


@dataclass(frozen=True)
class Traffic:
    """What a deployment served of one model."""

    deployment_id: str
    model_id: str
    in_tokens: Decimal = Decimal(0)
    cached_in_tokens: Decimal | None = None
    out_tokens: Decimal = Decimal(0)
    requests: Decimal = Decimal(0)
    images: Decimal | None = None
    """Images read or made."""
    audio_s: Decimal | None = None
    customers: int = 0


@dataclass(frozen=True)
class Cluster:
    """What the electricity of a cluster costs the climate; None is unknown."""

    cluster_id: str
    pue: Decimal
    grid_kg_per_mwh: Decimal | None = None


@dataclass(frozen=True)
class Deployment:
    """Where a model runs."""

    deployment_id: str
    account_id: str
    model_id: str
    release_id: str
    cluster_id: str
    service_id: str
    accel_type: str
    lifecycle_stage: str
    pue: Decimal
    coverage: Decimal | None = None
    """Share of its account rows that hours or tokens explain."""
    active_days: int = 0
    """Days of the month with accelerator-hours."""


@dataclass(frozen=True)
class Model:
    """A model as its vendor describes it."""

    model_id: str
    task: str
    vendor: str
    family: str = ""
    version: str = ""
    params_total_b: Decimal | None = None
    params_active_b: Decimal | None = None
    parent_model_id: str | None = None


@dataclass(frozen=True)
class Release:
    """What is known of the training of a release."""

    release_id: str
    model_id: str
    training_tokens: Decimal | None = None
    training_flop: Decimal | None = None


@dataclass(frozen=True)
class Quality:
    """A score of a model on a benchmark."""

    model_id: str
    benchmark: str
    metric: str
    score: Decimal
    higher_is_better: bool
    latency_p50_ms: Decimal | None = None


@dataclass(frozen=True)
class Disclosed:
    """A figure the model's maker published for one part of the footprint."""

    model_id: str
    part: str
    kg: Decimal | None
    kwh: Decimal | None
    accel_h: Decimal | None
    watts: Decimal | None
    method: str
    source: str


@dataclass(frozen=True)
class LedgerLine:
    """Training ledger of one release, accounting method and month, in quanta."""

    release_id: str
    accounting_method: str
    opening: int
    added: int
    amortised: int
    written_off: int
    closing: int
    added_to_date: int
    """All that was added up to and with this month."""


@dataclass(frozen=True)
class Facts:
    """All of one period and methodology version."""

    period: str
    version: str
    measures: tuple[str, ...]
    """Measures that the version computes: a v2.0 figure has no Scope 3 and says so."""
    masses: tuple[Mass, ...] = ()
    work: tuple[Work, ...] = ()
    traffic: tuple[Traffic, ...] = ()
    deployments: Mapping[str, Deployment] = field(default_factory=dict)
    clusters: Mapping[str, Cluster] = field(default_factory=dict)
    models: Mapping[str, Model] = field(default_factory=dict)
    releases: Mapping[str, Release] = field(default_factory=dict)
    ledger: tuple[LedgerLine, ...] = ()
    qualities: tuple[Quality, ...] = ()
    disclosed: tuple[Disclosed, ...] = ()

    def measures_of(self, method: str) -> tuple[str, ...]:
        """Measures of an accounting method that the version computes."""
        return tuple(measure for measure in METHODS[method] if measure in self.measures)


def quanta_of(mass_kg: Decimal) -> int:
    """Whole quanta of a mass in kg.

    Raises
    ------
    ValueError
        It has digits below one quantum.
    """
    scaled = mass_kg * QUANTA_PER_KG
    if scaled != int(scaled):
        raise ValueError(mass_kg)
    return int(scaled)


def total(masses: Iterable[Mass]) -> int:
    """Sum in quanta."""
    return sum(mass.quanta for mass in masses)
