"""Content fingerprints of core tables per period: what decides whether a run has anything to do.

Reference tables are hashed row by row on the driver; account rows have been hashed by ingest (`core_usage_classes`). Both are independent of the order
of rows and of the files they lie in.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pyarrow as pa

from ccft.periods import month_end

FUEL_HISTORY_YEARS: Final = 2
"""Calendar years of generator fuel before the period's own that its estimate can rest on (methodology section 2)."""
_OPEN_END: Final = "9999-12"
_HASH_BYTES: Final = 16
_HALF_BITS: Final = 32
"""Ingest sums the halves of a 64-bit hash apart."""
_STARTS: Final = {"core_racks": "deployed_on", "core_facility_assets": "in_service_on", "core_clusters": "launched_on"}

Row = Mapping[str, Any]


def _is_relevant(name: str) -> Callable[[Row, str, date], bool]:
    """Whether a row of a reference table can change the results of a period (with its exclusive end).

    Later deliveries add racks, factors and activity of other months: those leave a published month as it is.
    """
    if name == "core_activity":
        return lambda row, period, _end: row["period"] == period or _is_fuel_history(row, period)
    if name == "core_certificates":
        return lambda row, period, _end: bool(row["period"] == period)
    if name == "core_emission_factors":
        return lambda row, period, _end: row["valid_from"] <= period <= (row["valid_to"] or _OPEN_END)
    if name == "core_accounts":
        return lambda row, period, _end: row["valid_from"] <= period <= (row["valid_to"] or _OPEN_END)
    if name in _STARTS:
        return lambda row, _period, end: bool(row[_STARTS[name]] < end)
    return lambda _row, _period, _end: True


def _is_fuel_history(row: Row, period: str) -> bool:
    year = int(period[:4])
    return row["activity"] == "generator_fuel" and year - FUEL_HISTORY_YEARS <= int(row["period"][:4]) < year


def _row_hash(row: Row) -> int:
    text = "\x1f".join(f"{name}={'' if value is None else f'={value}'}" for name, value in sorted(row.items()))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=_HASH_BYTES).digest())


@dataclass(frozen=True)
class _Hashed:
    """A row of a reference table and its hash, as later periods see it and as a period sees it that ends before the row does."""

    row: Row
    after: int
    before: int
    ends: date

    def as_of(self, end: date) -> int:
        """Hash as a period with this exclusive end saw the row: what ended later was still in service."""
        return self.before if self.ends >= end else self.after


def _hashed(name: str, row: Row) -> _Hashed:
    # Until when a factor is valid says nothing about a period in which it is.
    is_factor = name == "core_emission_factors"
    after = _row_hash({**row, "valid_to": None} if is_factor else row)
    if name == "core_racks" and row["retired_on"] is not None:
        return _Hashed(row, after, _row_hash({**row, "retired_on": None}), row["retired_on"])
    return _Hashed(row, after, after, date.min)


def _reference_line(name: str, rows: Sequence[_Hashed], period: str, services: AbstractSet[str]) -> str:
    """One reference table in one period: rows that matter to it and the sum of their hashes."""
    end, is_relevant = month_end(period), _is_relevant(name)
    if name == "core_services":
        own = [found.after for found in rows if found.row["service_id"] in services]
    else:
        own = [found.as_of(end) for found in rows if is_relevant(found.row, period, end)]
    return f"{name} {len(own)} {sum(own) % 2 ** (8 * _HASH_BYTES):x}"


@dataclass(frozen=True)
class UsageContent:
    """Content of one usage table in one period.

    Parameters
    ----------
    rows, total
        Number of rows, sum of their hashes.
    services
        Services that occur.
    """

    rows: int
    total: int
    services: frozenset[str]


UsageContents = dict[tuple[str, str], UsageContent]
"""(table, period) -> content."""


def usage_contents(classes: pa.Table, rack_usage: pa.Table) -> UsageContents:
    """Rows, summed hash and services of the usage tables per period.

    Parameters
    ----------
    classes
        `core_usage_classes`: account rows have been counted and hashed by ingest.
    rack_usage
        `core_rack_usage`, bounded by rack types and services.
    """
    parts: dict[tuple[str, str], list[tuple[int, int, str]]] = defaultdict(list)
    for row in classes.to_pylist():
        total = (row["row_hash_high"] << _HALF_BITS) + row["row_hash_low"]
        parts["core_account_usage", row["usage_period"]].append((row["account_count"], total, row["service_id"]))
    for row in rack_usage.to_pylist():
        parts["core_rack_usage", row["usage_period"]].append((1, _row_hash(row), row["service_id"]))
    return {
        key: UsageContent(
            sum(rows for rows, _, _ in found),
            sum(total for _, total, _ in found),
            frozenset(service for _, _, service in found),
        )
        for key, found in parts.items()
    }


def fingerprints(reference: Mapping[str, pa.Table], usage: UsageContents, periods: Sequence[str]) -> dict[str, str]:
    """SHA-256 per period over row counts and hashes of all core tables that matter to it.

    Parameters
    ----------
    reference
        Reference tables by name.
    usage
        What `usage_contents` found.
    """
    tables = {name: [_hashed(name, row) for row in rows.to_pylist()] for name, rows in sorted(reference.items())}
    prints = {}
    for period in periods:
        own = {name: content for (name, month), content in sorted(usage.items()) if month == period}
        services = frozenset[str]().union(*(content.services for content in own.values()))
        lines = [_reference_line(name, rows, period, services) for name, rows in tables.items()]
        lines += [f"{name} {content.rows} {content.total}" for name, content in own.items()]
        prints[period] = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return prints
