"""From rows of the published tables to rows of the derived ones, in the registry's types."""

import json
from dataclasses import fields, replace
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ccft.ai.derive import DERIVED, derive
from ccft.ai.facts import Facts
from ccft.ai.read import facts_of
from ccft.schema.arrow import arrow_table
from ccft.schema.tables import table
from tests.unit.ai.worked_example import FACTS, MEASURES

STAMP = {"usage_period": FACTS.period, "methodology_version": FACTS.version, "run_id": "r"}


def _kg(quanta):
    return Decimal(quanta).scaleb(-9)


def _emissions():
    names = ("deployment_id", "model_id", "release_id", "stage", "component", "measure", "tier", "is_memo")
    for mass in FACTS.masses:
        kg = {"emissions_kg": _kg(mass.quanta), "min_kg": _kg(mass.min_quanta), "max_kg": _kg(mass.max_quanta)}
        yield {**{name: getattr(mass, name) for name in names}, **kg}
    yield {"deployment_id": "_unattributed", "model_id": None, "release_id": None, "stage": "_unattributed", "component": "in_use",
           "measure": "scope_1", "emissions_kg": Decimal(1), "min_kg": Decimal(1), "max_kg": Decimal(1), "tier": 4, "is_memo": False}  # fmt: skip


def _activity():
    traffic = {line.deployment_id: line for line in FACTS.traffic}
    for work in FACTS.work:
        own = FACTS.deployments[work.deployment_id]
        head = {
            name: getattr(own, name)
            for name in (
                "deployment_id",
                "account_id",
                "model_id",
                "release_id",
                "cluster_id",
                "service_id",
                "accel_type",
            )
        }
        hours = {
            name: getattr(work, name) for name in ("stage", "kwh", "idle_kwh", "metered_kwh", "reserved_h", "busy_h")
        }
        row = {**head, **hours, "failed_h": work.wasted_h, "cancelled_h": Decimal(0), "pue": own.pue, "coverage": own.coverage,
               "active_days": own.active_days, "customers": 0}  # fmt: skip
        if work.stage == "serving":
            line = traffic[work.deployment_id]
            row |= {
                name: getattr(line, name)
                for name in ("in_tokens", "cached_in_tokens", "out_tokens", "requests", "audio_s", "customers")
            }
            row |= {"images_in": None, "images_out": None}
        yield row


def _tables():
    quality = [{field.name: getattr(q, field.name) for field in fields(q)} for q in FACTS.qualities]
    models = [
        {"model_id": m.model_id, "task": m.task, "owner_account_id": m.vendor, "family": m.family, "version": m.version,
         "params_total_b": m.params_total_b, "params_active_b": m.params_active_b, "parent_model_id": None}
        for m in FACTS.models.values()
    ]  # fmt: skip
    ledger = [
        {"usage_period": period, "release_id": "r1", "accounting_method": method, "model_id": "chat-70b", "opening_kg": Decimal(0),
         "added_kg": added, "amortised_kg": Decimal("101.734166667"), "written_off_kg": Decimal(0), "closing_kg": Decimal("1119.075833333")}
        for method in ("lbm", "mbm")
        for period, added in (("2024-12", Decimal(1000)), (FACTS.period, Decimal("220.81")), ("2025-02", Decimal(5)))
    ]  # fmt: skip
    releases = [
        {"release_id": r.release_id, "valid_from": valid_from, "model_id": r.model_id, "training_tokens": tokens, "training_flop": r.training_flop}
        for r in FACTS.releases.values()
        for valid_from, tokens in (("2024-01", r.training_tokens), ("2025-02", Decimal(1)))
    ]  # fmt: skip
    return {
        "ai_emissions": list(_emissions()),
        "ai_activity": list(_activity()),
        "ai_training_ledger": ledger,
        "core_ai_models": models,
        "core_ai_releases": releases,
        "core_ai_model_quality": quality,
        "ai_clusters": [
            {"cluster_id": c.cluster_id, "pue": c.pue, "grid_kg_per_mwh": c.grid_kg_per_mwh}
            for c in FACTS.clusters.values()
        ],
    }


def test_facts_read_from_rows_give_the_same_figures() -> None:
    facts = facts_of(FACTS.period, FACTS.version, MEASURES, _tables())
    assert facts.deployments == FACTS.deployments
    assert facts.masses == FACTS.masses
    assert facts.work == FACTS.work
    assert facts.traffic == FACTS.traffic
    assert facts.releases == FACTS.releases
    assert [line.added_to_date for line in facts.ledger] == [line.added_to_date for line in FACTS.ledger]
    assert derive(facts) == derive(FACTS)


@pytest.mark.parametrize("name", DERIVED)
def test_rows_fit_the_registry(name: str) -> None:
    rows = derive(FACTS)[name]
    assert rows
    registered = table(name)
    made = arrow_table(registered, [{**row, **STAMP} for row in rows])
    assert set(rows[0]) | set(STAMP) == set(registered.column_names)
    keys = made.select(list(registered.key)).to_pylist()
    assert len({tuple(key.values()) for key in keys}) == len(rows)
    values = {column.name: set(column.values) for column in registered.columns if column.values}
    assert all(
        row[column] in allowed
        for row in rows
        for column, allowed in values.items()
        if column != "component" and row[column] is not None
    )


def test_text_cells_are_json() -> None:
    row = next(r for r in derive(FACTS)["ai_recommendations"] if r["action"] == "smaller_model")
    assert json.loads(row["formula_inputs"])["peer_model_id"] == "chat-8b"
    assert json.loads(row["preconditions"])
    assert json.loads(row["conflicts"]) == ["prefix_cache"]


def test_a_required_cell_that_is_empty_is_refused() -> None:
    rows = [{**row, **STAMP, "task": None} for row in derive(FACTS)["ai_labels"]]
    with pytest.raises(ValueError, match="ai_labels: null in task"):
        arrow_table(table("ai_labels"), rows)


def test_nothing_gives_nothing() -> None:
    assert all(rows == [] for rows in derive(Facts("2025-01", "v2.0", ("scope_1",))).values())


def test_a_deployment_with_no_hours_row_has_unknown_energy() -> None:
    tables = _tables()
    tables["ai_activity"] = [
        {k: v for k, v in row.items() if k not in {"kwh", "idle_kwh", "reserved_h", "busy_h"}}
        for row in tables["ai_activity"]
        if row["stage"] == "serving"
    ]
    facts = facts_of(FACTS.period, FACTS.version, MEASURES, tables)
    rows = [r for r in derive(facts)["ai_intensity"] if r["view"] == "consumer"]
    assert all(row["wh_per_1k_out_tokens"] is None and row["busy_ratio"] is None for row in rows)
    assert all(row["g_per_1k_out_tokens"] is not None for row in rows if row["accounting_method"] == "lbm")


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10**18),
    st.decimals(0, Decimal(10) ** 21, places=6),
    st.decimals(0, Decimal(10) ** 21, places=6),
    st.decimals(0, Decimal(10) ** 12, places=6),
)
@example(1, Decimal(10) ** 21, Decimal(10) ** 21, Decimal(1))
@example(10**18, Decimal("0.000001"), Decimal(10) ** 21, Decimal(10) ** 12)
def test_no_figures_leave_the_registry_s_types(quanta, out_tokens, in_tokens, kwh) -> None:
    masses = tuple(replace(m, quanta=quanta, min_quanta=0, max_quanta=quanta) for m in FACTS.masses)
    traffic = tuple(replace(line, out_tokens=out_tokens, in_tokens=in_tokens) for line in FACTS.traffic)
    work = tuple(replace(w, kwh=kwh) for w in FACTS.work)
    for name, rows in derive(replace(FACTS, masses=masses, traffic=traffic, work=work)).items():
        arrow_table(table(name), [{**row, **STAMP} for row in rows])
