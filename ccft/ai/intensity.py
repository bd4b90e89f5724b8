"""Intensities in three views, labelled and never blended, per unit of what was served or trained.

==========  ==========================================================  ==============================================
view        emissions                                                   per
==========  ==========================================================  ==============================================
consumer    serving + serving_idle, all components                      tokens, requests, images, audio seconds
provider    development stages of the month                             FLOP, training tokens, billion parameters
lifecycle   consumer + amortised training (memo)                        as consumer
==========  ==========================================================  ==============================================

Per training unit the provider view takes all that was added to the ledgers of the releases so far: training tokens and FLOP are those of the whole
training. Energy is facility energy of the deployment's own hours, IT energy x PUE. A quotient is formed from exact sums and rounded half up once.

Source: Green Software Foundation, SCI for AI (consumer and provider boundary); ISO/IEC 21031.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from ccft.ai.facts import EXPERIMENTATION, SERVING_STAGES, Facts, Mass, Traffic
from ccft.ai.subjects import Subject, subjects
from ccft.kernel.quotients import ratio
from ccft.schema.ai_columns import ACCOUNTING_METHODS, AMORTISED, DEVELOPMENT_STAGES, SERVING_IDLE, VIEWS
from ccft.schema.units import QUANTA_PER_KG

MIN_CUSTOMERS: Final = 3
"""Below, an intensity could reveal a neighbour: for the provider only."""
RATE_PLACES: Final = 15
MOST_RATE: Final = 10**23
"""decimal(38,15) holds less than this."""
SHARE_PLACES: Final = 15
_G_PER_KG: Final = 1000
_WH_PER_KWH: Final = 1000
_THOUSAND: Final = 1000
_MILLION: Final = 10**6


@dataclass(frozen=True)
class Counts:
    """What was served."""

    in_tokens: Fraction
    out_tokens: Fraction
    requests: Fraction
    images: Fraction
    audio_s: Fraction

    @property
    def tokens(self) -> Fraction:
        """Input and output tokens."""
        return self.in_tokens + self.out_tokens

    def units(self) -> dict[str, Fraction]:
        """Counts by the name of the unit that rates are per."""
        return {
            "1k_out_tokens": self.out_tokens / _THOUSAND,
            "1k_tokens": self.tokens / _THOUSAND,
            "request": self.requests,
            "image": self.images,
            "audio_s": self.audio_s,
        }


@dataclass(frozen=True)
class Amounts:
    """Exact sums of one subject and view, from which all its intensities are formed; None is unknown.

    Parameters
    ----------
    quanta, min_quanta, max_quanta
        Emissions.
    kwh, facility_kwh
        IT energy, and with PUE.
    counts, energy_counts
        Served by deployments whose emissions are known, and by those whose energy is: a deployment that lacks one does not thin the other's rate.
    """

    quanta: int | None
    min_quanta: int | None
    max_quanta: int | None
    kwh: Fraction
    facility_kwh: Fraction
    counts: Counts
    energy_counts: Counts


@dataclass(frozen=True)
class Intensity:
    """One row of `ai_intensity`: amounts of a subject, view and accounting method, and the rates formed from them."""

    subject: Subject
    view: str
    accounting_method: str
    amounts: Amounts
    rates: dict[str, Decimal | None]
    busy_ratio: Decimal | None
    idle_share: Decimal | None
    experimentation_share: Decimal | None
    metered_share: Decimal | None

    @property
    def is_provider_only(self) -> bool:
        """Too few customers for others to see it."""
        return self.subject.customers < MIN_CUSTOMERS

    @property
    def g_per_1k_out_tokens(self) -> Decimal | None:
        """The rate that models are compared by."""
        return self.rates["g_per_1k_out_tokens"]


def stages_of(view: str) -> tuple[str, ...]:
    """Stages whose emissions a view takes from the inventory."""
    return DEVELOPMENT_STAGES if view == "provider" else SERVING_STAGES


def masses_of(subject: Subject, view: str, measures: Iterable[str]) -> tuple[Mass, ...]:
    """Rows of a subject that a view takes in, of these measures; amortised training, a memo, is in the lifecycle view alone.

    Its measure is the accounting method: a ledger is kept per method, not per measure.
    """
    wanted, stages = set(measures), stages_of(view)
    with_memo = view == "lifecycle"
    return tuple(
        mass
        for mass in subject.masses
        if mass.measure in wanted and (with_memo and mass.stage == AMORTISED if mass.is_memo else mass.stage in stages)
    )


def _counts(lines: Iterable[Traffic]) -> Counts:
    rows = list(lines)

    def summed(read: Callable[[Traffic], Decimal | None]) -> Fraction:
        return sum((Fraction(read(line) or 0) for line in rows), Fraction(0))

    return Counts(
        summed(lambda line: line.in_tokens),
        summed(lambda line: line.out_tokens),
        summed(lambda line: line.requests),
        summed(lambda line: line.images),
        summed(lambda line: line.audio_s),
    )


def amounts_of(subject: Subject, view: str, measures: Iterable[str]) -> Amounts:
    """Exact sums of a view; without any row of the inventory they are unknown, not 0."""
    masses = masses_of(subject, view, measures)
    parts = subject.parts_of(stages_of(view))
    with_mass = {(mass.deployment_id, mass.model_id) for mass in masses if not mass.is_memo}
    with_energy = {part.work.deployment_id for part in parts if part.work.kwh}
    return Amounts(
        sum(mass.quanta for mass in masses) if with_mass else None,
        sum(mass.min_quanta for mass in masses) if with_mass else None,
        sum(mass.max_quanta for mass in masses) if with_mass else None,
        sum((part.kwh for part in parts), Fraction(0)),
        sum((part.facility_kwh for part in parts), Fraction(0)),
        _counts(line for line in subject.traffic if (line.deployment_id, line.model_id) in with_mass),
        _counts(line for line in subject.traffic if line.deployment_id in with_energy),
    )


def grams(quanta: int | None) -> Fraction | None:
    """Exact grams of a mass in quanta."""
    return None if quanta is None else Fraction(quanta * _G_PER_KG, QUANTA_PER_KG)


def rate(numerator: Fraction | None, denominator: Fraction | None) -> Decimal | None:
    """A rate in its column's places; None where a part is unknown, the denominator is 0, or the figure is beyond what any table shows."""
    value = ratio(numerator, denominator, RATE_PLACES)
    return None if value is None or abs(value) >= MOST_RATE else value


def served_rates(amounts: Amounts) -> dict[str, Decimal | None]:
    """Emissions and facility energy per unit served; null where the unit was not served or the emissions are unknown."""
    g = grams(amounts.quanta)
    wh = amounts.facility_kwh * _WH_PER_KWH or None  # no hours: energy is unknown, not 0
    served, powered = amounts.counts, amounts.energy_counts
    rates = {f"g_per_{unit}": rate(g, count) for unit, count in served.units().items()}
    rates |= {f"wh_per_{unit}": rate(wh, count) for unit, count in powered.units().items()}
    rates["kwh_per_million_tokens"] = rate(wh, powered.tokens * _WH_PER_KWH / _MILLION)
    rates["tokens_per_kg"] = rate(served.tokens, g / _G_PER_KG) if g is not None else None
    return rates


def _training_quanta(facts: Facts, subject: Subject, method: str) -> int | None:
    """All that the ledgers of a subject's releases took in so far; None where one of them has no ledger."""
    to_date = {line.release_id: line.added_to_date for line in facts.ledger if line.accounting_method == method}
    known = [to_date.get(name) for name in subject.release_ids]
    found = [value for value in known if value is not None]
    return sum(found) if found and len(found) == len(known) else None


def _known_sum(values: Iterable[Decimal | None]) -> Fraction | None:
    """Sum; None where one is unknown or there is none."""
    found = list(values)
    return (
        sum((Fraction(value) for value in found if value is not None), Fraction(0))
        if found and None not in found
        else None
    )


def trained_rates(facts: Facts, subject: Subject, method: str) -> dict[str, Decimal | None]:
    """Training emissions so far per FLOP, training token and billion parameters; null without the figure, and for one deployment alone."""
    if subject.kind == "deployment":
        return {}
    g = grams(_training_quanta(facts, subject, method))
    releases = [facts.releases[name] for name in subject.release_ids if name in facts.releases]
    if len(releases) != len(subject.release_ids):
        g = None
    flop = _known_sum(release.training_flop for release in releases)
    tokens = _known_sum(release.training_tokens for release in releases)
    names = sorted({release.model_id for release in releases})
    params = _known_sum(facts.models[name].params_total_b if name in facts.models else None for name in names)
    return {
        "g_per_training_pflop": rate(g, flop),
        "g_per_1k_training_tokens": rate(g, tokens / _THOUSAND) if tokens else None,
        "kg_per_b_params": rate(g / _G_PER_KG, params) if g is not None else None,
    }


RATES: Final = (
    *(
        f"{what}_per_{unit}"
        for unit in ("1k_out_tokens", "1k_tokens", "request", "image", "audio_s")
        for what in ("g", "wh")
    ),
    "kwh_per_million_tokens",
    "tokens_per_kg",
    "g_per_training_pflop",
    "g_per_1k_training_tokens",
    "kg_per_b_params",
)


def idle_share(subject: Subject, measures: Iterable[str]) -> Decimal | None:
    """Emissions of `serving_idle` in the in-use emissions of serving; hardware, which has no idle part, counts in neither."""
    in_use = [
        mass
        for mass in masses_of(subject, "consumer", measures)
        if mass.component == "in_use" and mass.measure != "scope_3_embodied"
    ]
    idle = sum(mass.quanta for mass in in_use if mass.stage == SERVING_IDLE)
    return ratio(idle, sum(mass.quanta for mass in in_use), SHARE_PLACES)


def busy_ratio(subject: Subject, stages: tuple[str, ...] = SERVING_STAGES) -> Decimal | None:
    """Busy accelerator-hours in the reserved ones."""
    parts = subject.parts_of(stages)
    busy = sum((Fraction(part.work.busy_h) * part.share for part in parts), Fraction(0))
    reserved = sum((Fraction(part.work.reserved_h) * part.share for part in parts), Fraction(0))
    return ratio(busy, reserved, SHARE_PLACES)


def experimentation_share(subject: Subject, measures: Iterable[str]) -> Decimal | None:
    """Emissions of experiments, failed and cancelled work in those of all development stages."""
    masses = masses_of(subject, "provider", measures)
    wasted = sum(mass.quanta for mass in masses if mass.stage == EXPERIMENTATION)
    return ratio(wasted, sum(mass.quanta for mass in masses), SHARE_PLACES)


def metered_share(subject: Subject, view: str) -> Decimal | None:
    """Metered energy in all energy of a view."""
    parts = subject.parts_of(stages_of(view))
    metered = sum((Fraction(part.work.metered_kwh) * part.share for part in parts), Fraction(0))
    return ratio(metered, sum((part.kwh for part in parts), Fraction(0)), SHARE_PLACES)


def _intensity(facts: Facts, subject: Subject, view: str, method: str) -> Intensity:
    measures = facts.measures_of(method)
    amounts = amounts_of(subject, view, (*measures, method))  # amortised training is kept per method
    rates: dict[str, Decimal | None] = dict.fromkeys(RATES)
    rates |= trained_rates(facts, subject, method) if view == "provider" else served_rates(amounts)
    return Intensity(
        subject,
        view,
        method,
        amounts,
        rates,
        busy_ratio(subject, stages_of(view)),
        idle_share(subject, measures) if view != "provider" else None,
        experimentation_share(subject, measures) if view == "provider" else None,
        metered_share(subject, view),
    )


def _has_view(facts: Facts, subject: Subject, view: str) -> bool:
    """Whether a subject takes part in a view: it served, or it was developed."""
    stages = stages_of(view)
    in_ledger = (view, subject.kind) == ("provider", "model") and any(
        line.release_id in subject.release_ids for line in facts.ledger
    )
    return bool(
        in_ledger
        or subject.parts_of(stages)
        or (view != "provider" and subject.traffic)
        or any(mass.stage in stages for mass in subject.masses)
    )


def intensities(facts: Facts) -> Iterator[Intensity]:
    """All intensities of a period: subject x view x accounting method, in this order."""
    for subject in subjects(facts):
        for view in VIEWS:
            if _has_view(facts, subject, view):
                yield from (_intensity(facts, subject, view, method) for method in ACCOUNTING_METHODS)


def model_intensities(rows: Iterable[Intensity]) -> dict[str, Decimal]:
    """Location-based consumer g per 1,000 output tokens of the models that have one."""
    return {
        row.subject.subject_id: row.g_per_1k_out_tokens
        for row in rows
        if (row.subject.kind, row.view, row.accounting_method) == ("model", "consumer", "lbm")
        and row.g_per_1k_out_tokens is not None
    }
