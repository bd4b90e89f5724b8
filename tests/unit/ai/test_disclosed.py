"""Disclosed figures of three model cards: what they imply, and which cannot be compared as they stand."""

from decimal import Decimal

import pytest

from ccft.ai.disclosed import check
from ccft.ai.facts import Disclosed
from ccft.kernel.quotients import half_up


def _part(model, part, kg=None, kwh=None, accel_h=None, watts=None, method="lbm"):
    figures = (None if value is None else Decimal(value) for value in (kg, kwh, accel_h, watts))
    return Disclosed(model, part, *figures, method, "model card")


LLAMA_31 = _part("llama-3.1-405b", "training", "8930000", accel_h="30840000", watts="700")
LLAMA_33 = _part("llama-3.3-70b", "training", "12900", accel_h="7000000", watts="700")
BLOOM = (
    _part("bloom", "training", "24690", accel_h="1082990", watts="400"),
    _part("bloom", "idle", "14630", kwh="256646"),
    _part("bloom", "embodied", "11200"),
    _part("bloom", "total", "50500"),
)


def test_llama_31_405b_is_plausible() -> None:
    (row,) = check([LLAMA_31])
    assert row.kwh == 21_588_000
    assert half_up(row.kg_per_kwh, 3) == Decimal("0.414")
    assert row.is_plausible


def test_llama_33_70b_is_flagged() -> None:
    (row,) = check([LLAMA_33])
    assert half_up(row.kg_per_kwh, 4) == Decimal("0.0026")
    assert row.flags == ("implied 0.002632653 kg/kWh is outside 0.005 to 1.2",)


def test_bloom_components_sum_to_the_total() -> None:
    rows = {row.disclosed.part: row for row in check(BLOOM)}
    assert all(row.is_plausible for row in rows.values())
    assert half_up(rows["training"].kg_per_kwh, 3) == half_up(rows["idle"].kg_per_kwh, 3) == Decimal("0.057")
    assert half_up(rows["training"].kwh * Decimal("0.057") / 1000, 2) == Decimal("24.69")
    assert half_up(rows["idle"].kwh * Decimal("0.057") / 1000, 2) == Decimal("14.63")
    assert rows["embodied"].kg_per_kwh is None


@pytest.mark.parametrize(
    ("embodied", "is_plausible"), [("12190", True), ("12191", False), ("10170", True), ("10169", False)]
)
def test_parts_may_miss_the_total_by_two_per_cent(embodied: str, is_plausible: bool) -> None:
    parts = [*BLOOM[:2], _part("bloom", "embodied", embodied), BLOOM[3]]
    assert all(row.is_plausible for row in check(parts)) is is_plausible


@pytest.mark.parametrize(("kg", "is_plausible"), [("0.004", False), ("0.005", True), ("1.2", True), ("1.2001", False)])
def test_bounds_of_the_implied_factor_are_inclusive(kg: str, is_plausible: bool) -> None:
    (row,) = check([_part("m", "training", kg, kwh="1")])
    assert row.is_plausible is is_plausible


def test_a_total_alone_has_nothing_to_miss() -> None:
    assert all(row.is_plausible for row in check([BLOOM[3], _part("other", "training", "1")]))
