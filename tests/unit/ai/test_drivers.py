"""Work of deployments: power curve, meters, stages of wasted hours, estimates from tokens."""

from decimal import Decimal
from fractions import Fraction

import pytest

from ccft.ai.drivers import Accelerator, Deployment, months, stage_of

TYPE = Accelerator(Decimal("0.2"), Decimal("0.65"), Decimal("0.8"), Decimal("0.5"), Decimal(600), Decimal(50000))


def deployment(stage="serving", name="d"):
    return Deployment(name, "000000000001", "m", "r", "c", "s", "X", stage, is_team_run=False, accelerator=TYPE)


def usage(reserved, busy, *, state="running", metered=(0, 0, 0, 0), name="d"):
    metered_reserved, metered_busy, kwh, idle = metered
    return {
        "deployment_id": name,
        "job_state": state,
        "reserved_accel_h": Decimal(reserved),
        "busy_accel_h": Decimal(busy),
        "metered_reserved_h": Decimal(metered_reserved),
        "metered_busy_h": Decimal(metered_busy),
        "metered_kwh": Decimal(kwh),
        "metered_idle_kwh": Decimal(idle),
        "active_days": 3,
        "clipped_hours": 1,
    }


def month(own, *rows, estimate=None):
    return months([own], rows, lambda _own: estimate)[own.deployment_id]


def test_power_curve_is_tier_2():
    found = month(deployment(), usage(100, 40))
    (work,) = found.works
    assert (work.idle_energy, work.energy) == (Fraction(12), Fraction(12 + 26))
    assert (work.capacity, work.hardware) == (50, Fraction(100 * 600, 50000))
    assert (found.tier, found.reserved, found.clipped_hours) == (2, 100, 1)


def test_training_power_of_training_stages():
    assert month(deployment("pretraining"), usage(10, 10)).works[0].energy == 8
    assert month(deployment("evaluation"), usage(10, 10)).works[0].energy == Fraction(13, 2)


def test_meter_is_tier_1_and_one_unmetered_hour_makes_it_2():
    metered = usage(100, 40, metered=(100, 40, 50, 11))
    found = month(deployment(), metered)
    assert (found.works[0].energy, found.works[0].idle_energy, found.tier) == (50, 11, 1)
    mixed = month(deployment(), usage(101, 40, metered=(100, 40, 50, 11)))
    assert (mixed.works[0].energy, mixed.tier) == (Fraction(502, 10), 2)


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_wasted_development_is_experimentation(state):
    assert stage_of(deployment("pretraining"), state) == "experimentation"
    assert stage_of(deployment("serving"), state) == "serving"
    found = month(deployment("pretraining"), usage(10, 10, state="completed"), usage(4, 4, state=state))
    stages = {work.stage: work for work in found.works}
    assert stages["pretraining"].reserved == 10
    assert (stages["experimentation"].reserved, getattr(stages["experimentation"], state)) == (4, 4)


def test_no_hours_is_an_estimate_or_nothing():
    estimated = month(deployment(), estimate=Fraction(7))
    assert (estimated.tier, estimated.works[0].energy, estimated.reserved) == (3, 7, 0)
    unknown = month(deployment())
    assert (unknown.tier, unknown.works) == (4, ())
