"""Hold published tables against the oracle: every row within 1e-6 kg, every sum equal exactly."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from tests.oracle.model import Result

ROW_TOLERANCE = Fraction(1, 10**6)
"""kg; plus the oracle's slack where a residual is divided by weights near zero."""

Rows = Iterable[Mapping[str, Any]]
Keyed = dict[tuple[Any, ...], Fraction]


def keyed(rows: Rows, key: tuple[str, ...], amount: str) -> Keyed:
    """Sum rows by key as exact rationals."""
    sums: Keyed = defaultdict(Fraction)
    for row in rows:
        sums[tuple(row[name] for name in key)] += Fraction(row[amount])
    return sums


def differences(
    what: str, ours: Keyed, theirs: Mapping[tuple[Any, ...], Fraction], tolerance: Mapping[str, Fraction]
) -> list[str]:
    """Rows that differ by more than their tolerance; a missing row counts as zero."""
    found = []
    for key in sorted(set(ours) | set(theirs), key=str):
        ours_kg, theirs_kg = ours.get(key, Fraction(0)), theirs.get(key, Fraction(0))
        measure = next((part for part in key if str(part).startswith("scope_")), "")
        allowed = ROW_TOLERANCE + tolerance.get(str(measure), Fraction(0)) if tolerance else Fraction(0)
        if abs(ours_kg - theirs_kg) > allowed:
            found.append(f"{what} {key}: {float(ours_kg)!r} instead of {float(theirs_kg)!r}")
    return found


def compare(tables: Mapping[str, list[dict[str, Any]]], oracle: Result, measures: tuple[str, ...]) -> list[str]:
    """All differences between one period's published tables and the oracle's result."""
    slack = {measure: Fraction(oracle.slack.get(measure, 0)) for measure in measures}
    found = _inventory(tables, oracle)
    rack_types = keyed(
        tables["rack_type_emissions"], ("cluster_id", "rack_type", "measure", "component"), "emissions_kg"
    )
    found += differences("rack type", rack_types, oracle.rack_types, slack)
    for name in ("direct", "received", "passed_on", "residual", "net"):
        services = keyed(
            tables["service_emissions"], ("cluster_id", "service_id", "measure", "component"), f"{name}_kg"
        )
        theirs = {key: getattr(row, name) for key, row in oracle.services.items()}
        found += differences(f"service {name}", services, theirs, slack)
    found += _flows(tables, oracle, slack)
    found += _accounts(tables, oracle, measures, slack)
    return found


def _inventory(tables: Mapping[str, list[dict[str, Any]]], oracle: Result) -> list[str]:
    """Inventory lines and certificates are equal to the last quantum."""
    ours = keyed(tables["inventory_emissions"], ("cluster_id", "rack_type", "measure", "source"), "emissions_kg")
    found = differences("inventory", ours, {key: line.kg for key, line in oracle.inventory.items()}, {})
    for name in ("issued", "used_for_load", "used_for_losses", "unused"):
        certificates = keyed(tables["certificate_ledger"], ("market_boundary",), f"{name}_mwh")
        theirs = {(boundary,): Fraction(getattr(line, name)) for boundary, line in oracle.certificates.items()}
        found += differences(f"certificates {name}", certificates, theirs, {})
    for evidence in ("metered", "invoiced", "estimated", "forecast"):
        parts = keyed(tables["inventory_emissions"], ("cluster_id", "rack_type", "measure", "source"), f"{evidence}_kg")
        theirs = {key: Fraction(line.parts.get(evidence, 0)) for key, line in oracle.inventory.items()}
        found += differences(f"evidence {evidence}", parts, theirs, {"": Fraction(0)})
    return found


def _flows(tables: Mapping[str, list[dict[str, Any]]], oracle: Result, slack: Mapping[str, Fraction]) -> list[str]:
    rows = [row for row in tables["service_flows"] if row["service_id"] not in ("UnusedCapacity", "SharedOverhead")]
    ours = keyed(rows, ("cluster_id", "origin_service_id", "service_id", "measure"), "emissions_kg")
    found = differences("flow", ours, oracle.flows, slack)
    shares = keyed(tables["service_shares"], ("cluster_id", "service_id", "consumer_service_id"), "share")
    theirs = {key: Fraction(value[0]) for key, value in oracle.shares.items()}
    return found + differences("share", shares, theirs, {"": Fraction(0)})


def _accounts(
    tables: Mapping[str, list[dict[str, Any]]], oracle: Result, measures: tuple[str, ...], slack: Mapping[str, Fraction]
) -> list[str]:
    """Account rows: the same rows, weights and bases; masses within tolerance; totals exact."""
    key = ("cluster_id", "service_id", "account_id")
    rows = {tuple(row[name] for name in key): row for row in tables["account_emissions"]}
    found = (
        [f"account rows {sorted(set(rows) ^ set(oracle.accounts), key=str)}"]
        if set(rows) != set(oracle.accounts)
        else []
    )
    for identity in set(rows) & set(oracle.accounts):
        ours, theirs = rows[identity], oracle.accounts[identity]
        labels = (
            ours["allocation_basis"],
            ours["payer_account_id"],
            ours["account_type"],
            ours["product_code"],
            ours["location"],
        )
        expected = (theirs.basis, theirs.payer, theirs.account_type, theirs.product_code, theirs.location)
        weights = (None if ours["weight"] is None else Fraction(ours["weight"]), theirs.weight)
        if labels != expected or weights[0] != weights[1]:
            found.append(f"account {identity}: {labels} {weights[0]} instead of {expected} {weights[1]}")
    for measure in measures:
        masses = keyed(tables["account_emissions"], key, f"{measure}_kg")
        theirs_kg = {identity: row.mass[measure] for identity, row in oracle.accounts.items()}
        found += differences(f"account {measure}", masses, theirs_kg, {"": slack[measure]})
        total, expected_total = sum(masses.values(), Fraction(0)), oracle.inventory_total(measure)
        if total != expected_total:
            found.append(f"total {measure}: {total} instead of {expected_total}")
    return found
