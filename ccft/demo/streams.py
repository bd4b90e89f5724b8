"""Random numbers by purpose: each stream depends on the seed, its purpose, a period and a chunk, and on nothing else.

So a month can be written alone, in any order, and comes out the same.
"""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What the numbers are for."""

    RACKS = 1
    RACK_DAYS = 2
    SUBSCRIPTIONS = 3
    SUBSCRIPTION_MONTHS = 4
    STANDING_MONTHS = 5
    STANDING_DAYS = 6
    SUBSCRIPTION_DAYS = 7
    FUEL = 8


def generator(seed: int, stream: Stream, period: str = "", chunk: int = 0) -> np.random.Generator:
    """Open one stream."""
    return np.random.default_rng([seed, int(stream), int(period.replace("-", "") or 0), chunk])
