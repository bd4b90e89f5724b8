"""The pinned tier 3 formula, to the last digit of the published vector."""

import pytest

from ccft.ai.ecologits import accelerators, estimate, latency_s

VECTOR = {"total_params_b": 70, "active_params_b": 70, "out_tokens": 1000, "pue": 1.26, "kg_per_kwh": 0.590478}


def test_vector_to_its_last_digit() -> None:
    request = estimate(**VECTOR)
    assert request.energy_kwh == 6.904054424751797e-04
    assert request.usage_kg == 4.076692248618591e-04
    assert request.embodied_kg == 5.6596953277834564e-05


def test_measured_latency_caps_the_modelled_one() -> None:
    modelled = latency_s(70, 1000)
    assert latency_s(70, 1000, modelled / 2) == modelled / 2
    assert latency_s(70, 1000, modelled * 2) == modelled
    assert estimate(**VECTOR, measured_latency_s=modelled * 2) == estimate(**VECTOR)
    assert estimate(**VECTOR, measured_latency_s=1.0).energy_kwh < estimate(**VECTOR).energy_kwh


@pytest.mark.parametrize(("billions", "count"), [(0.5, 1), (33, 1), (34, 2), (66, 2), (67, 4), (133, 4), (671, 32)])
def test_accelerators_are_a_power_of_two_that_holds_the_model(billions: float, count: int) -> None:
    assert accelerators(billions) == count


def test_estimate_is_linear_in_tokens_and_grid() -> None:
    twice = estimate(**{**VECTOR, "out_tokens": 2000})
    assert twice.energy_kwh == pytest.approx(2 * estimate(**VECTOR).energy_kwh, rel=1e-12)
    assert estimate(**{**VECTOR, "kg_per_kwh": 0.0}).usage_kg == 0
