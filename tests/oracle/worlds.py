"""Small random worlds, one calendar month each, and batches of them in one input folder."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.oracle.demand import add_account_usage, add_accounts, add_services
from tests.oracle.draft import STEP_MONTHS, Draft
from tests.oracle.exact import month_end
from tests.oracle.folder import COLUMNS, write_folder
from tests.oracle.supply import (
    add_assets,
    add_clusters,
    add_electricity,
    add_factors,
    add_fuels,
    add_rack_usage,
    add_racks,
)

__all__ = ["COLUMNS", "World", "combine", "make_world", "place", "write_folder"]


@dataclass(frozen=True)
class World:
    """Inputs of one invented provider whose only month of activity is `period`; `traits` says what is odd in it."""

    seed: int
    slot: int
    period: str
    tables: dict[str, list[dict[str, Any]]]
    traits: frozenset[str]


def make_world(seed: int, slot: int = 0) -> World:
    """A random world, the same for the same seed and slot; the slot sets its month and the prefix of its ids."""
    draft = Draft(random.Random(seed), slot)  # noqa: S311 - a world is made from a seed, not from secrets
    add_clusters(draft)
    add_services(draft)
    add_racks(draft)
    add_rack_usage(draft)
    add_assets(draft)
    add_electricity(draft)
    add_fuels(draft)
    add_factors(draft)
    add_accounts(draft)
    add_account_usage(draft)
    return World(seed, slot, draft.period, draft.tables, frozenset(draft.traits))


def place(world: World, slot: int) -> World:
    """The world of a seed in a slot; months differ in length, so that another slot is not quite the same draw."""
    return world if world.slot == slot else make_world(world.seed, slot)


def combine(worlds: Sequence[World]) -> tuple[dict[str, list[dict[str, Any]]], list[tuple[str, int]]]:
    """One set of input tables for many worlds, and the period and seed of each.

    World k lives in slot k, so that no two share a month or an id; `place(world, k)` is what the oracle needs. A
    cluster goes on for ever: it gets generator fuel of quantity 0 in the month of every later world. Racks of the
    last world that stay in service have no date of retirement.
    """
    placed = [place(world, slot) for slot, world in enumerate(worlds)]
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in COLUMNS}
    for world in placed:
        for name, rows in world.tables.items():
            tables[name] += [dict(row) for row in rows]
        later = [other.period for other in placed[world.slot + 1 :]]
        tables["activity"] += [
            _no_fuel(row["cluster_id"], period) for row in world.tables["clusters"] for period in later
        ]
    _leave_in_service(tables, placed[-1])
    return tables, [(world.period, world.seed) for world in placed]


def _no_fuel(cluster: str, period: str) -> dict[str, Any]:
    """Generator fuel of quantity 0, which is data (methodology, section 2)."""
    return {
        "period": period, "site_id": f"{cluster}-idle", "cluster_id": cluster, "activity": "generator_fuel",
        "substance": "diesel", "quantity": Draft.number(0), "unit": "litre", "evidence": "metered",
    }  # fmt: skip


def _leave_in_service(tables: dict[str, list[dict[str, Any]]], last: World) -> None:
    """Racks of the last world that outlive its month are never retired (contract, section 1)."""
    ends = month_end(last.period)
    mine = {row["rack_id"] for row in last.tables["racks"]}
    for row in tables["racks"]:
        if row["rack_id"] in mine and row["retired_on"] == ends:
            row["retired_on"] = None


def by_trait(worlds: Sequence[World]) -> dict[str, list[int]]:
    """Seeds by trait, to see what a batch covers."""
    seeds: dict[str, list[int]] = defaultdict(list)
    for world in worlds:
        for trait in sorted(world.traits):
            seeds[trait].append(world.seed)
    return dict(seeds)


assert STEP_MONTHS >= 30
