"""Tier 3: energy and carbon of a request from the model's size and its output tokens (EcoLogits 0.11.3, pinned).

Used where a deployment delivers no hours: the estimate weighs a split, it never sets a total, so doubles are enough. The order of operations is
the one that gives the published vector to its last digit.

Source: EcoLogits 0.11.3, methodology "LLM inference", parameters of its regression on the ML.ENERGY leaderboard.
"""

import math
from dataclasses import dataclass
from typing import Final

VERSION: Final = "EcoLogits 0.11.3"

_ENERGY_ALPHA: Final = 1.1665273170451914e-6
_ENERGY_BETA: Final = -0.011205921025579175
_ENERGY_GAMMA: Final = 4.052928146734005e-5
_LATENCY_ALPHA: Final = 6.785088094353663e-4
_LATENCY_BETA: Final = 3.119310311688259e-4
_LATENCY_GAMMA: Final = 0.019473717579473387
_BATCH: Final = 64
"""Concurrent requests that share a server."""
_GPUS_PER_SERVER: Final = 8
_SERVER_KW: Final = 1.2
"""Power of a server without its accelerators."""
_GPU_MEMORY_GB: Final = 80
_MEMORY_OVERHEAD: Final = 1.2
_BITS: Final = 16
_BITS_PER_BYTE: Final = 8
_SERVER_EMBODIED_KG: Final = 5700
_GPU_EMBODIED_KG: Final = 273
_SECONDS_PER_HOUR: Final = 3600
_LIFE_SECONDS: Final = 3 * 365 * 24 * _SECONDS_PER_HOUR
_WH_PER_KWH: Final = 1000


@dataclass(frozen=True)
class Estimate:
    """What a number of output tokens takes, by the formula.

    Parameters
    ----------
    energy_kwh
        Facility energy (PUE included).
    usage_kg, embodied_kg
        Carbon of that energy, and the hardware's share of it.
    """

    energy_kwh: float
    usage_kg: float
    embodied_kg: float


def energy_per_token_wh(active_params_b: float) -> float:
    """Wh per output token and accelerator."""
    return _ENERGY_ALPHA * math.exp(_ENERGY_BETA * _BATCH) * active_params_b + _ENERGY_GAMMA


def latency_s(active_params_b: float, out_tokens: float, measured_s: float | None = None) -> float:
    """Seconds of a request; at most the measured latency where there is one."""
    modelled = out_tokens * (_LATENCY_ALPHA * active_params_b + _LATENCY_BETA * _BATCH + _LATENCY_GAMMA)
    return modelled if measured_s is None else min(modelled, measured_s)


def accelerators(total_params_b: float) -> int:
    """Accelerators that hold the model: a power of two.

    >>> [accelerators(size) for size in (8, 70, 405)]
    [1, 4, 16]
    """
    needed = max(1, math.ceil(_MEMORY_OVERHEAD * total_params_b * _BITS / _BITS_PER_BYTE / _GPU_MEMORY_GB))
    return int(2 ** math.ceil(math.log2(needed)))


def estimate(
    *,
    total_params_b: float,
    active_params_b: float,
    out_tokens: float,
    pue: float,
    kg_per_kwh: float,
    measured_latency_s: float | None = None,
) -> Estimate:
    """Energy, usage and embodied carbon of one request.

    Parameters
    ----------
    total_params_b, active_params_b
        Billions of parameters held, and used per token.
    out_tokens
        Output tokens of the request.
    pue, kg_per_kwh
        Of the data centre and its electricity.
    measured_latency_s
        Seconds of the request, where measured.

    Examples
    --------
    >>> request = estimate(total_params_b=70, active_params_b=70, out_tokens=1000, pue=1.26, kg_per_kwh=0.590478)
    >>> request.energy_kwh, request.usage_kg
    (0.0006904054424751797, 0.0004076692248618591)
    """
    seconds = latency_s(active_params_b, out_tokens, measured_latency_s)
    gpus = accelerators(total_params_b)
    server = seconds / _SECONDS_PER_HOUR * _SERVER_KW * gpus / _GPUS_PER_SERVER / _BATCH
    chips = gpus * out_tokens * energy_per_token_wh(active_params_b) / _WH_PER_KWH
    energy = pue * (server + chips)
    hardware_kg = gpus / _GPUS_PER_SERVER * _SERVER_EMBODIED_KG + gpus * _GPU_EMBODIED_KG
    return Estimate(energy, energy * kg_per_kwh, seconds * hardware_kg / (_BATCH * _LIFE_SECONDS))
