"""Intensities: the worked example to its last printed digit, views that add up, unknown that stays unknown."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccft.ai.facts import Facts, Mass, quanta_of
from ccft.ai.intensity import amounts_of, intensities
from ccft.ai.subjects import subjects
from ccft.kernel.quotients import half_up, ratio
from tests.unit.ai.worked_example import FACTS


def _row(kind, subject, view, method="lbm", facts=FACTS):
    return next(
        row
        for row in intensities(facts)
        if (row.subject.kind, row.subject.subject_id, row.view, row.accounting_method) == (kind, subject, view, method)
    )


def _kg(row):
    return Decimal(row.amounts.quanta).scaleb(-9)


@pytest.mark.parametrize(
    ("deployment", "total", "grams", "wh"),
    [("d1", "1529.83", "0.25497", "0.4378"), ("d2", "449.35", "0.04993", "0.0902")],
)
def test_consumer_view_of_the_worked_example(deployment, total, grams, wh) -> None:
    row = _row("deployment", deployment, "consumer")
    assert abs(_kg(row) - Decimal(total)) <= Decimal("0.01")
    assert half_up(row.rates["g_per_1k_out_tokens"], 5) == Decimal(grams)
    assert half_up(row.rates["wh_per_1k_out_tokens"], 4) == Decimal(wh)


def test_energy_is_facility_energy_of_the_own_hours() -> None:
    row = _row("deployment", "d1", "consumer")
    assert row.amounts.kwh == Fraction("2188.8")
    assert row.amounts.facility_kwh == Fraction("2626.56")
    assert row.rates["kwh_per_million_tokens"] == half_up(Fraction("2626.56") / 30_000, 15)


def test_lifecycle_is_consumer_and_amortised_training() -> None:
    consumer, lifecycle = _row("deployment", "d1", "consumer"), _row("deployment", "d1", "lifecycle")
    assert lifecycle.amounts.quanta - consumer.amounts.quanta == quanta_of(Decimal("101.734166667"))
    assert half_up(lifecycle.rates["g_per_1k_out_tokens"], 5) == Decimal("0.27193")
    assert lifecycle.amounts.kwh == consumer.amounts.kwh


def test_cut_expectation_acts_forward() -> None:
    rate = Fraction("1119.075833333") / (30 * 10**9)
    assert half_up(rate * 10**6, 6) == Decimal("0.037303")
    masses = tuple(replace(m, quanta=round(rate * 6 * 10**18)) if m.is_memo else m for m in FACTS.masses)
    lifecycle = _row("deployment", "d1", "lifecycle", facts=replace(FACTS, masses=masses))
    assert half_up(lifecycle.rates["g_per_1k_out_tokens"], 5) == half_up(Fraction("1529.83") / 6000 + rate * 10**6, 5)


def test_provider_view_is_the_development_of_the_model() -> None:
    row = _row("model", "chat-70b", "provider")
    assert abs(_kg(row) - Decimal("1220.81")) <= Decimal("0.01")
    assert row.rates["g_per_training_pflop"] == half_up(Fraction("1220810") / 840, 15)
    assert row.rates["g_per_1k_training_tokens"] == half_up(Fraction("1220810") / (2 * 10**9), 15)
    assert row.rates["kg_per_b_params"] == half_up(Fraction("1220.81") / 70, 15)
    assert row.rates["g_per_1k_out_tokens"] is None
    assert half_up(row.experimentation_share, 4) == half_up(Fraction("623.17") / Fraction("1220.81"), 4)


def test_training_rates_are_null_without_the_figure() -> None:
    rates = _row("model", "chat-70b", "provider", facts=replace(FACTS, releases={})).rates
    assert {rates[name] for name in ("g_per_training_pflop", "g_per_1k_training_tokens", "kg_per_b_params")} == {None}


def test_views_of_the_inventory_add_up_to_it() -> None:
    """Consumer and provider are disjoint and all there is; lifecycle differs from consumer by the memo alone."""
    for kind in ("deployment", "model", "vendor"):
        parts = [
            row.amounts.quanta
            for row in intensities(FACTS)
            if row.subject.kind == kind and row.view != "lifecycle" and row.accounting_method == "lbm"
        ]
        assert sum(value for value in parts if value is not None) == sum(
            mass.quanta for mass in FACTS.masses if not mass.is_memo
        )
        memo = sum(
            row.amounts.quanta * (1 if row.view == "lifecycle" else -1)
            for row in intensities(FACTS)
            if row.subject.kind == kind and row.view != "provider" and row.accounting_method == "lbm"
        )
        assert memo == FACTS.ledger[0].amortised


def test_idle_share_and_busy_ratio() -> None:
    row = _row("deployment", "d1", "consumer")
    assert row.idle_share == ratio(Fraction("342.52"), Fraction("1084.64"), 15)
    assert row.busy_ratio == Decimal("0.400000000000000")


def test_memo_rows_are_in_the_lifecycle_view_alone() -> None:
    without = replace(FACTS, masses=tuple(mass for mass in FACTS.masses if not mass.is_memo))
    changed = {
        before.view
        for before, after in zip(intensities(FACTS), intensities(without), strict=True)
        if before.amounts != after.amounts
    }
    assert changed == {"lifecycle"}


def test_methods_are_never_mixed() -> None:
    market = replace(FACTS.masses[0], measure="scope_2_mbm", quanta=7)
    facts = replace(FACTS, masses=(*FACTS.masses, market))
    assert _row("deployment", "d1", "consumer", "lbm", facts).amounts == _row("deployment", "d1", "consumer").amounts
    embodied = sum(m.quanta for m in FACTS.masses if m.deployment_id == "d1" and m.measure == "scope_3_embodied")
    assert _row("deployment", "d1", "consumer", "mbm", facts).amounts.quanta == embodied + 7


def test_version_without_scope_3_leaves_it_out() -> None:
    facts = replace(FACTS, measures=("scope_1", "scope_2_lbm", "scope_2_mbm"))
    embodied = sum(m.quanta for m in FACTS.masses if m.deployment_id == "d1" and m.measure == "scope_3_embodied")
    full, less = _row("deployment", "d1", "consumer"), _row("deployment", "d1", "consumer", facts=facts)
    assert full.amounts.quanta - less.amounts.quanta == embodied


def test_deployment_without_a_row_is_unknown_not_zero() -> None:
    facts = replace(FACTS, masses=tuple(mass for mass in FACTS.masses if mass.deployment_id != "d2"))
    row = _row("deployment", "d2", "consumer", facts=facts)
    assert row.amounts.quanta is None
    assert row.rates["g_per_1k_out_tokens"] is None
    assert row.rates["tokens_per_kg"] is None
    assert half_up(row.rates["wh_per_1k_out_tokens"], 4) == Decimal("0.0902")


def test_deployment_without_a_row_does_not_thin_its_vendor() -> None:
    facts = replace(FACTS, masses=tuple(mass for mass in FACTS.masses if mass.deployment_id != "d2"))
    vendor, model = _row("vendor", "000000000007", "consumer", facts=facts), _row("model", "chat-70b", "consumer")
    assert vendor.rates["g_per_1k_out_tokens"] == model.rates["g_per_1k_out_tokens"]


def test_few_customers_are_for_the_provider_only() -> None:
    assert not _row("deployment", "d1", "consumer").is_provider_only
    assert _row("deployment", "d2", "consumer").is_provider_only


def test_several_models_on_one_deployment_share_its_energy_by_emissions() -> None:
    shared = [Mass("d1", "other", "r9", "serving", "in_use", "scope_2_lbm", 1084640000000, 1, 2 * 10**12, 2)]
    facts = replace(FACTS, masses=(*FACTS.masses, *shared))
    parts = [s for s in subjects(facts) if s.kind == "model"]
    kwh = {s.subject_id: amounts_of(s, "consumer", ("scope_2_lbm",)).kwh for s in parts}
    d1 = next(s for s in subjects(facts) if s.kind == "deployment" and s.subject_id == "d1")
    assert kwh["chat-70b"] + kwh["other"] == amounts_of(d1, "consumer", ("scope_2_lbm",)).kwh == Fraction("2188.8")
    in_use_70b = Fraction("1084.64") + Fraction("228.57")
    assert kwh["other"] / Fraction("2188.8") == Fraction("1084.64") / (Fraction("1084.64") + in_use_70b)


def test_nothing_is_no_intensity() -> None:
    assert list(intensities(Facts("2025-01", "v2.0", ("scope_1",)))) == []


@settings(deadline=None)
@given(st.integers(1, 10**18), st.integers(1, 10**15))
def test_a_rate_is_the_quotient_rounded_half_up(quanta: int, tokens: int) -> None:
    value = half_up(Fraction(quanta, tokens), 9)
    assert abs(Fraction(value) - Fraction(quanta, tokens)) <= Fraction(1, 2 * 10**9)
    assert -value.as_tuple().exponent == 9
