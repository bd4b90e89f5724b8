"""The methodology page mirrors the code: headings name modules, lines name functions, examples come out."""

import ast
import re
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pytest

from ccft.allocation.service_graph import solve, systems
from ccft.inventory.certificates import share_out, uncovered
from ccft.inventory.electricity import Electricity
from ccft.inventory.factors import FactorBook
from ccft.methodology.model import known_versions
from ccft.schema.units import QUANTA_PER_KG
from tests.unit.docs.pages import DOCS, ROOT

PAGE = (DOCS / "methodology.md").read_text(encoding="utf-8")
_SECTION = re.compile(r"^### `(\w+/\w+)`: [^\n]+\n\n\*Code:\* ([^\n]+)$", re.MULTILINE)
SECTIONS = {module: re.findall(r"`([\w.]+)`", code) for module, code in _SECTION.findall(PAGE)}
MIRRORED = ("inventory", "allocation")
NOT_STEPS = {"inventory/lines"}


def _defined(module: str) -> set[str]:
    """Functions, classes and methods (`Class.method`) of a module."""
    tree = ast.parse((ROOT / "ccft" / f"{module}.py").read_text(encoding="utf-8"))
    names = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{item.name}" for item in node.body if isinstance(item, ast.FunctionDef)}
    return names


@pytest.mark.parametrize("module", SECTIONS)
def test_heading_leads_to_code(module: str) -> None:
    assert SECTIONS[module]
    assert set(SECTIONS[module]) - _defined(module) == set()


def test_every_step_has_a_heading() -> None:
    modules = {f"{room}/{file.stem}" for room in MIRRORED for file in (ROOT / "ccft" / room).glob("*.py")}
    steps = {module for module in modules if not module.endswith("__init__")} - NOT_STEPS
    assert steps - set(SECTIONS) == set()


def test_every_policy_value_is_explained() -> None:
    explained = PAGE.split("| policy | value | meaning |", 1)[1].split("\n\n", 1)[0]
    for policy in known_versions().values():
        for name in ("scope_1_gaps", "unused_capacity", "ramp_up", "internal_use", "interdependencies"):
            assert f"`{getattr(policy, name)}`" in explained


def test_example_of_certificates() -> None:
    share = 200_000_000  # 0.2 in 1e-9
    assert uncovered(5_000, share) == 4_000
    loads = {"a": Fraction(4_000), "b": Fraction(1_000)}
    assert share_out(3_500, loads) == {"a": 2_800, "b": 700}
    assert share_out(6_000, loads) == {"a": 4_000, "b": 1_000}


def test_example_of_upstream_and_losses() -> None:
    kinds = {"grid_generation": 400, "grid_upstream": 50, "grid_losses": 20}
    rows = [
        {"factor_type": kind, "factor_key": "Z", "instrument": None, "valid_from": "2025-01", "valid_to": None,
         "value": Decimal(value), "unit": "kg/MWh", "source": "example", "vintage": 2025}
        for kind, value in kinds.items()
    ]  # fmt: skip
    clusters = [{"cluster_id": "c", "grid_zone": "Z", "market_boundary": "M"}]
    sources = known_versions()["v3.0"].sources
    load = pa.table(
        {"period": ["2025-10"], "cluster_id": ["c"], "evidence": ["metered"], "quantity": [Decimal("1000.000000")]}
    )
    none = pa.table(
        {name: pa.array([], pa.string()) for name in ("period", "market_boundary", "quantity", "ef", "status")}
    )
    result = Electricity(clusters, FactorBook(pa.Table.from_pylist(rows)), sources).compute(load, none)
    tonnes = {(r["measure"], r["source"]): Fraction(r["quanta"], QUANTA_PER_KG * 1000) for r in result.lines}
    assert tonnes == {
        ("scope_2_lbm", "electricity"): 400,
        ("scope_2_mbm", "electricity"): 400,
        ("scope_3_fera_lbm", "electricity_upstream"): 50,
        ("scope_3_fera_mbm", "electricity_upstream"): 50,
        ("scope_3_fera_lbm", "grid_losses"): 20,
        ("scope_3_fera_mbm", "grid_losses"): 20,
    }


def test_example_of_interdependencies() -> None:
    uses = {("S1", "S2"): 30, ("S1", "S3"): 10, ("S2", "S1"): 20, ("S2", "S3"): 25, ("S3", "S1"): 5}
    names = ["S1", "S2", "S3"]
    customers = [100 - sum(weight for (provider, _), weight in uses.items() if provider == name) for name in names]
    where = {"usage_period": ["2025-10"], "cluster_id": ["c"]}
    pools = pa.table({**{k: v * 3 for k, v in where.items()}, "service_id": names, "customer_weight": customers})
    edges = pa.table({
        **{k: v * len(uses) for k, v in where.items()},
        "service_id": [provider for provider, _ in uses],
        "consumer_service_id": [consumer for _, consumer in uses],
        "weight": list(uses.values()),
    })  # fmt: skip
    direct = {"S1": 100, "S2": 60, "S3": 40}
    net = dict.fromkeys(names, Fraction(0))
    for row in solve(systems(pools, edges)).to_pylist():
        net[row["service_id"]] += direct[row["origin_service_id"]] * Fraction(row["weight"], 10**15)
    expected = {"S1": Fraction(11016, 149), "S2": Fraction(39732, 745), "S3": Fraction(54188, 745)}
    assert all(abs(net[name] - expected[name]) < Fraction(1, 10**12) for name in names)
    for value in ("73.932886", "53.331544", "72.735570"):
        assert value in PAGE
