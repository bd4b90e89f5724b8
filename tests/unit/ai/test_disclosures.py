"""Disclosures of the worked example: figures by hand, components that sum, formats that parse."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccft.ai.disclosures import Subject, documentation, model_card, model_card_yaml, sci, sci_report
from tests.unit.ai.worked_example import FACTS

SUBJECT = Subject(
    model={"model_id": "chat-70b", "version": "1", "release_date": date(2025, 1, 1), "params_total_b": Decimal(70), "params_active_b": Decimal(70)},
    releases=[{"training_flop": Decimal(840), "training_tokens": Decimal(2 * 10**12)}],
    deployments=[{"accel_type": "H100", "lifecycle_stage": "post_training"}, {"accel_type": "A100", "lifecycle_stage": "serving"}],
    locations=["Europe (Ireland)"],
    masses=[
        {"stage": m.stage, "component": m.component, "measure": m.measure, "emissions_kg": Decimal(m.quanta).scaleb(-9), "is_memo": m.is_memo}
        for m in FACTS.masses
        if m.model_id == "chat-70b"
    ],
    serving={"out_tokens": Decimal(6 * 10**9), "wh_per_1k_out_tokens": Decimal("0.43776")},
    training_kg=Decimal("1220.81"),
    training_facility_kwh=Decimal("2373.12"),
    training_metered_kwh=Decimal(0),
    training_kwh=Decimal("1977.6"),
    training_h=Decimal(2880),
    first_period="2025-01",
    period="2025-01",
    version="v3.0",
)  # fmt: skip


def test_scores_sum_to_the_intensity() -> None:
    consumer, provider = sci_report(SUBJECT)["scores"]
    assert consumer["score"] == "0.254971667"
    assert sum(map(Decimal, consumer["components"].values())) == Decimal(consumer["score"])
    assert set(consumer["components"]) == {
        "serving: operational, in_use",
        "serving: operational, unused_capacity",
        "serving: operational, network_overhead",
        "serving: embodied",
        "serving_idle: operational, in_use",
    }
    assert Decimal(provider["score"]) == (Decimal(1220810) / 70).quantize(Decimal("1E-9"))
    assert sum(map(Decimal, provider["components"].values())) == Decimal(provider["score"])


def test_no_units_no_score() -> None:
    scores = sci_report(replace(SUBJECT, serving=None, model={**SUBJECT.model, "params_total_b": None}))["scores"]
    assert [(score["score"], score["components"]) for score in scores] == [(None, {}), (None, {})]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["serving", "serving_idle"]),
            st.sampled_from(["in_use", "residual"]),
            st.integers(0, 10**15),
        ),
        min_size=1,
    ),
    st.integers(1, 10**12),
)
def test_component_scores_always_sum(parts, units) -> None:
    masses = [
        {"stage": s, "component": c, "measure": "scope_2_lbm", "emissions_kg": Decimal(q).scaleb(-9)}
        for s, c, q in parts
    ]
    result = sci("consumer", "unit", masses, units)
    assert sum(part.value for part in result.components) == (result.score or 0)
    assert all(part.value >= 0 for part in result.components)


def test_model_card_metadata() -> None:
    card = model_card(SUBJECT)["co2_eq_emissions"]
    assert card == {
        "emissions": 1220810,
        "source": "ccft, methodology v3.0, location-based, 2025-01 to 2025-01",
        "training_type": "fine-tuning",
        "geographical_location": "Europe (Ireland)",
        "hardware_used": "A100, H100",
    }


def test_model_card_front_matter_is_one_value_a_line() -> None:
    hostile = replace(SUBJECT, locations=['x"\n---\nevil: true'])
    lines = model_card_yaml(model_card(hostile)).splitlines()
    assert lines[0] == lines[-1] == "---"
    assert len(lines) == 3 + 5
    assert json.loads(lines[2].removeprefix("  emissions: ")) == 1220810


def test_documentation_fields() -> None:
    form = documentation(SUBJECT)
    assert form["training_energy_mwh"] == "2.37"
    assert form["training_emissions_t_lbm"] == "1.22"
    assert form["training_compute_pflop"] == "840"
    assert form["training_hardware"] == "H100"
    assert form["training_energy_metered_share"] == "0"
    assert form["inference_energy_wh_per_1k_output_tokens"] == "0.438"
    assert form["release_date"] == "2025-01-01"


@pytest.mark.parametrize(
    ("kwh", "shown"), [("12345678", "12300"), ("0.5", "0.000500"), ("999.6", "1.000"), ("1004.9", "1.00")]
)
def test_training_energy_has_three_figures(kwh: str, shown: str) -> None:
    assert documentation(replace(SUBJECT, training_facility_kwh=Decimal(kwh)))["training_energy_mwh"] == shown


def test_unknown_is_null_not_zero() -> None:
    nothing = replace(
        SUBJECT,
        releases=[],
        training_kg=None,
        training_facility_kwh=Decimal(0),
        training_kwh=Decimal(0),
        training_h=Decimal(0),
        serving=None,
    )
    form = documentation(nothing)
    names = (
        "training_tokens",
        "training_compute_pflop",
        "training_energy_mwh",
        "training_emissions_t_lbm",
        "training_energy_metered_share",
    )
    assert {form[name] for name in names} == {None}
    assert model_card(nothing)["co2_eq_emissions"]["emissions"] is None
