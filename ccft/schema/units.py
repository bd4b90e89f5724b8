"""Types and scales of amounts: how masses, quantities and shares become integers and back.

Every amount that is apportioned or summed is an integer in its own quantum; the decimal types below are how tables show it.
"""

from typing import Final

Q: Final = "decimal(18,6)"
"""Quantities: MWh, litres, kW, usage units, USD. Quantum 1e-6."""

F: Final = "decimal(18,9)"
"""Factors and embodied carbon: kg CO2e per unit, kg. Quantum 1e-9."""

ROW_MASS: Final = "decimal(18,9)"
"""Mass of one account row, kg CO2e: at most 999,999 t."""

MASS: Final = "decimal(28,9)"
"""Mass of everything else, kg CO2e."""

SHARE: Final = "decimal(18,15)"
"""A share between 0 and 1. Quantum 1e-15."""

Q_SCALE: Final = 6
F_SCALE: Final = 9
MASS_SCALE: Final = 9
SHARE_SCALE: Final = 15
PRICE_SCALE: Final = 12

QUANTA_PER_KG: Final = 10**MASS_SCALE
"""1 kg = 1e9 micrograms (methodology section 1: one quantum of mass is 1 microgram)."""

MICROS_PER_UNIT: Final = 10**Q_SCALE
"""Quanta of a quantity (kWh of electricity, usage units, USD) per whole unit."""

SHARES_PER_ONE: Final = 10**SHARE_SCALE

KG_PER_TONNE: Final = 1000
"""1 MTCO2e = 1000 kg (SI)."""

GRAMS_PER_KG: Final = 1000

GRAMS_PER_TONNE: Final = 1_000_000
"""1 MTCO2e = 1e6 g (SI): exports give whole grams as MTCO2e."""

MAX_QUANTA: Final = 2**63 - 1
"""Largest amount or total of one pool: 9.2 Mt, or 9.2e12 units (methodology section 4)."""

MAX_ROW_QUANTA: Final = 10**18 - 1
"""Largest mass of one account row in quanta (decimal(18,9))."""
