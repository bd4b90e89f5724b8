"""Electricity: one line per cluster and measure, exact; the market ladder; what is missing; evidence."""

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccft.inventory.electricity import Electricity, ElectricityResult, split
from ccft.inventory.factors import FactorBook
from ccft.schema.columns import EVIDENCE, SOURCES

PERIOD = "2025-06"
CLUSTERS = [
    {"cluster_id": "c1", "grid_zone": "z1", "market_boundary": "m"},
    {"cluster_id": "c2", "grid_zone": "z2", "market_boundary": "m"},
]
GRID = [
    ("grid_generation", "z1", None, "400"),
    ("grid_upstream", "z1", None, "50"),
    ("grid_losses", "z1", None, "20"),
    ("carbon_free_share", "z1", None, "0"),
    ("grid_generation", "z2", None, "100"),
    ("grid_upstream", "z2", None, "10"),
    ("grid_losses", "z2", None, "5"),
    ("carbon_free_share", "z2", None, "0.5"),
]
FULL, WITHOUT_SCOPE_3 = SOURCES, ("generator_fuel", "electricity")
KG = 10**9


def book(*factors: tuple[str, str, str | None, str]) -> FactorBook:
    rows = [
        {
            "factor_type": kind,
            "factor_key": key,
            "instrument": instrument,
            "valid_from": "2020-01",
            "valid_to": None,
            "value": Decimal(value),
            "unit": "kg/MWh",
            "source": "test",
            "vintage": 2025,
        }
        for kind, key, instrument, value in factors
    ]
    schema = pa.schema(
        [(name, pa.string()) for name in ("factor_type", "factor_key", "instrument", "valid_from", "valid_to")]
    )
    schema = schema.append(pa.field("value", pa.decimal128(18, 9)))
    for name, kind in (("unit", pa.string()), ("source", pa.string()), ("vintage", pa.int32())):
        schema = schema.append(pa.field(name, kind))
    return FactorBook(pa.Table.from_pylist(rows, schema=schema))


def computed(
    *loads: tuple[str, str, str],
    factors: list[tuple[str, str, str | None, str]] = GRID,
    certificates: list[tuple[str, str, str]] = (),
    sources: tuple[str, ...] = FULL,
) -> ElectricityResult:
    """Loads are cluster, evidence, MWh; certificates MWh, kg/MWh, status."""
    activity = [
        {"period": PERIOD, "cluster_id": cluster, "evidence": evidence, "quantity": Decimal(mwh)}
        for cluster, evidence, mwh in loads
    ]
    held = [
        {"period": PERIOD, "market_boundary": "m", "quantity": Decimal(mwh), "ef": Decimal(ef), "status": status}
        for mwh, ef, status in certificates
    ]
    schema = pa.schema([("period", pa.string()), ("market_boundary", pa.string()), ("quantity", pa.decimal128(18, 6)),
                        ("ef", pa.decimal128(18, 9)), ("status", pa.string())])  # fmt: skip
    electricity = Electricity(CLUSTERS, book(*factors), sources)
    return electricity.compute(pa.Table.from_pylist(activity), pa.Table.from_pylist(held, schema=schema))


def masses(result: ElectricityResult, cluster: str = "c1") -> dict[tuple[str, str], int]:
    return {(line["measure"], line["source"]): line["quanta"] for line in result.lines if line["cluster_id"] == cluster}


def test_worked_example_of_energy_related_activities():
    """1,000 MWh; .4, .05 and .02 t/MWh: losses 20 t in both methods."""
    found = masses(computed(("c1", "metered", "1000")))
    assert found == {
        ("scope_2_lbm", "electricity"): 400_000 * KG,
        ("scope_2_mbm", "electricity"): 400_000 * KG,
        ("scope_3_fera_lbm", "electricity_upstream"): 50_000 * KG,
        ("scope_3_fera_mbm", "electricity_upstream"): 50_000 * KG,
        ("scope_3_fera_lbm", "grid_losses"): 20_000 * KG,
        ("scope_3_fera_mbm", "grid_losses"): 20_000 * KG,
    }


def test_versions_without_scope_3_have_two_lines_and_need_two_factors():
    result = computed(("c1", "metered", "1000"), factors=GRID[:1], sources=WITHOUT_SCOPE_3)
    assert set(masses(result)) == {("scope_2_lbm", "electricity"), ("scope_2_mbm", "electricity")}
    assert result.problems == []


def test_certificates_cover_load_then_losses_and_are_counted_once():
    result = computed(("c1", "metered", "1000"), certificates=[("1100", "0", "procured")])
    (ledger,) = result.ledger
    assert ledger["used_for_load"] == 1000 * 10**6
    assert ledger["used_for_losses"] == 44_444_444
    assert ledger["issued"] == ledger["used_for_load"] + ledger["used_for_losses"] + ledger["unused"]
    found = masses(result)
    assert found["scope_2_mbm", "electricity"] == 0
    assert found["scope_3_fera_mbm", "grid_losses"] == 200_000


def test_certificates_do_not_cover_losses_before_scope_3():
    result = computed(("c1", "metered", "1000"), certificates=[("1100", "0", "procured")], sources=WITHOUT_SCOPE_3)
    assert (result.ledger[0]["used_for_losses"], result.ledger[0]["unused"]) == (0, 100 * 10**6)


def test_certificates_go_to_uncovered_load():
    """c2 has half of its electricity from carbon-free plants: 1000 and 500 MWh uncovered."""
    result = computed(
        ("c1", "metered", "1000"),
        ("c2", "metered", "1000"),
        certificates=[("300", "18", "procured")],
        sources=WITHOUT_SCOPE_3,
    )
    assert masses(result)["scope_2_mbm", "electricity"] == (800 * 400 + 200 * 18) * KG
    assert masses(result, "c2")["scope_2_mbm", "electricity"] == (900 * 100 + 100 * 18) * KG


LADDER = [
    ("market_generation", "c1", "direct_contract", "1"),
    ("market_generation", "z1", "direct_contract", "2"),
    ("market_generation", "m", "direct_contract", "3"),
    ("market_generation", "c1", "supplier", "4"),
    ("market_generation", "m", "supplier", "5"),
    ("market_generation", "z1", "residual_mix", "6"),
]


@pytest.mark.parametrize("rung", range(len(LADDER)))
def test_first_instrument_then_most_specific_key(rung):
    result = computed(("c1", "metered", "1"), factors=GRID + list(reversed(LADDER[rung:])), sources=WITHOUT_SCOPE_3)
    assert masses(result)["scope_2_mbm", "electricity"] == (rung + 1) * KG
    instruments = {line["measure"]: line["instrument"] for line in result.lines}
    assert instruments == {"scope_2_lbm": None, "scope_2_mbm": LADDER[rung][2]}
    assert result.events == []


def test_without_a_market_factor_the_grid_average_counts_with_an_event():
    result = computed(("c1", "metered", "1"))
    assert [event["condition"] for event in result.events] == ["CCFT-EVENT-MARKET-FACTOR-FALLBACK"]
    assert {line["instrument"] for line in result.lines} == {None, "grid_average"}


def test_upstream_factor_is_that_of_the_same_instrument_and_key():
    market = [("market_generation", "z1", "supplier", "300"), ("market_upstream", "z1", "supplier", "33")]
    others = [("market_upstream", "c1", "supplier", "1"), ("market_upstream", "z1", "residual_mix", "2")]
    upstream = ("scope_3_fera_mbm", "electricity_upstream")
    assert masses(computed(("c1", "metered", "1"), factors=GRID + market + others))[upstream] == 33 * KG
    assert masses(computed(("c1", "metered", "1"), factors=GRID + market[:1] + others))[upstream] == 50 * KG


def test_every_missing_factor_is_named():
    result = computed(("c1", "metered", "1"), ("c2", "metered", "1"), factors=[], certificates=[("1", "0", "procured")])
    missing = {(problem.values["cluster"], problem.values["factor_type"]) for problem in result.problems}
    kinds = ("grid_generation", "grid_upstream", "grid_losses", "carbon_free_share")
    assert missing == {(cluster, kind) for cluster in ("c1", "c2") for kind in kinds}
    assert result.lines == []


def test_evidence_of_load_and_of_certificates():
    """The certified part is invoiced where procured, estimated where expected; the rest divides like the load."""
    result = computed(
        ("c1", "metered", "600"),
        ("c1", "forecast", "400"),
        certificates=[("100", "10", "procured"), ("300", "10", "expected")],
        sources=WITHOUT_SCOPE_3,
    )
    parts = {line["measure"]: {name: line[name] // KG for name in EVIDENCE} for line in result.lines}
    assert parts["scope_2_lbm"] == {"metered": 240_000, "invoiced": 0, "estimated": 0, "forecast": 160_000}
    assert parts["scope_2_mbm"] == {"metered": 144_000, "invoiced": 1_000, "estimated": 3_000, "forecast": 96_000}


def test_a_line_is_rounded_once_half_up():
    """0.000001 MWh x 0.0005 kg/MWh is half a microgram."""
    factors = [("grid_generation", "z1", None, "0.0005")]
    lines = masses(computed(("c1", "metered", "0.000001"), factors=factors, sources=WITHOUT_SCOPE_3))
    assert lines["scope_2_lbm", "electricity"] == 1
    factors = [("grid_generation", "z1", None, "0.000499999")]
    lines = masses(computed(("c1", "metered", "0.000001"), factors=factors, sources=WITHOUT_SCOPE_3))
    assert lines["scope_2_lbm", "electricity"] == 0


WEIGHTS = st.dictionaries(st.sampled_from(EVIDENCE), st.integers(0, 10**15), min_size=1)


@given(st.integers(0, 10**19), WEIGHTS)
def test_split_keeps_the_sum_and_the_proportion(amount, weights):
    parts = split(amount, weights)
    assert parts.keys() == weights.keys()
    assert sum(parts.values()) == amount
    total = sum(weights.values())
    if total == 0:
        assert parts[next(iter(weights))] == amount
        return
    for name, weight in weights.items():
        assert abs(parts[name] * total - amount * weight) < total * len(weights)
        assert weight or not parts[name]


def test_split_gives_the_remainder_to_the_largest_then_the_first():
    assert split(10, {"metered": 1, "invoiced": 1, "estimated": 1}) == {"metered": 4, "invoiced": 3, "estimated": 3}
    assert split(11, {"metered": 1, "invoiced": 2}) == {"metered": 3, "invoiced": 8}
    assert split(7, {"metered": 0, "invoiced": 0}) == {"metered": 7, "invoiced": 0}
