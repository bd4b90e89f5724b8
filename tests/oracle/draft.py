"""A world in the making: its random numbers, its month and its tables."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.oracle.exact import add_months, first_day, month_end, shift
from tests.oracle.folder import COLUMNS

BASE_PERIOD, STEP_MONTHS = "1600-01", 31
OLDEST_MONTHS = STEP_MONTHS - 2


@dataclass
class Draft:
    """Random numbers, month and tables of a world; nothing in it is older than 29 months (contract, section 1)."""

    rng: random.Random
    slot: int
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    traits: set[str] = field(default_factory=set)

    @property
    def period(self) -> str:
        """The month of the world."""
        return shift(BASE_PERIOD, STEP_MONTHS * self.slot)

    @property
    def start(self) -> date:
        """First day of the month."""
        return first_day(self.period)

    @property
    def end(self) -> date:
        """First day of the next month."""
        return month_end(self.period)

    def name(self, suffix: str) -> str:
        """An id that no other world has."""
        return f"w{self.slot:04d}-{suffix}"

    def account_id(self, number: int) -> str:
        """A 12-digit account id that no other world has."""
        return f"{self.slot:04d}{number:08d}"

    def add(self, table: str, **values: object) -> dict[str, Any]:
        """Append a row, checking its columns against the contract."""
        assert list(values) == list(COLUMNS[table]), (table, list(values))
        self.tables[table].append(values)
        return self.tables[table][-1]

    def chance(self, probability: float, trait: str = "") -> bool:
        """Toss a coin; note the trait when it falls that way."""
        hit = self.rng.random() < probability
        if hit and trait:
            self.traits.add(trait)
        return hit

    def months_ago(self, least: int, most: int) -> date:
        """A random day between two numbers of months before the month, never before the world's first day."""
        first = add_months(self.start, -min(most, OLDEST_MONTHS))
        last = add_months(self.start, 1 - least)
        return first + timedelta(days=self.rng.randrange((last - first).days))

    def day(self, start: date | None = None, end: date | None = None) -> date:
        """A random day of the month, within bounds."""
        first, last = max(self.start, start or self.start), min(self.end, end or self.end)
        return first + timedelta(days=self.rng.randrange((last - first).days))

    @staticmethod
    def number(value: float, places: int = 6) -> Decimal:
        """A decimal with the column's places."""
        return Decimal(f"{value:.{places}f}")

    def amount(self, scale: float, places: int = 6) -> Decimal:
        """A random amount of a magnitude, sometimes round, with all places used otherwise."""
        if self.rng.random() < 0.2:
            return self.number(max(round(scale * self.rng.choice((0.5, 1, 2))), 0), places)
        return self.number(scale * 10 ** self.rng.uniform(-1, 0.5), places)
