"""`ccft verify` for AI figures: rows add up to the account rows, AI + non-AI = account total, the ledger rolls forward."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.ai.tokens import ROW_KEY
from ccft.audit.published import Line
from ccft.errors import Problem
from ccft.lake.tables import Lake
from ccft.pipeline.ai_run import current
from ccft.schema.columns import MEASURES, WORLDWIDE

_LISTED: Final = 20
_LEDGER: Final = "ai_training_ledger"


def verify_ai(lake: Lake, lines: Sequence[Line]) -> tuple[int, list[Problem]]:
    """Verify the AI figures that stand on published results, from the tables alone.

    Parameters
    ----------
    lines
        Published results.

    Returns
    -------
    count, problems
        Equalities that were checked, and each that does not hold to the last quantum.
    """
    if not lake.exists("ai_run_log"):
        return 0, []
    by_key = {(line.period, line.methodology_version): line for line in lines}
    found = current(lake, {key: line.run_id for key, line in by_key.items()})
    count, problems = 0, []
    for key, row in sorted(found.items()):
        versions = json.loads(str(row["table_versions"]))
        checked, wrong = _verify_month(lake, by_key[key], versions)
        count += checked
        problems += wrong
    return count, problems


def _at(lake: Lake, name: str, version: int, line: Line) -> DataFrame:
    frame = lake.read(name, version)
    version_is = F.col("methodology_version") == line.methodology_version
    return frame.where((F.col("usage_period") == line.period) & version_is)


def _problem(line: Line, check: str, subject: str, difference: object) -> Problem:
    values = {"period": line.period, "version": line.methodology_version, "check": check, "subject": subject}
    return Problem("CCFT-RUN-VERIFICATION-FAILED", {**values, "difference": difference})


def _verify_month(lake: Lake, line: Line, versions: Mapping[str, int]) -> tuple[int, list[Problem]]:
    accounts = _at(lake, "account_emissions", line.table_versions["account_emissions"], line)
    rows = _at(lake, "ai_emissions", versions["ai_emissions"], line)
    booked = _at(lake, "reconciliation", versions["reconciliation"], line).where("step = 'ai'").collect()
    ledger = (
        lake.read(_LEDGER, versions[_LEDGER]).where(F.col("methodology_version") == line.methodology_version).collect()
    )
    problems = _row_differences(accounts, rows, line)
    problems += _total_differences(accounts, rows, booked, line)
    own = [row for row in ledger if row["usage_period"] == line.period]
    problems += _ledger_differences(ledger, own, line)
    problems += _memo_differences(rows, own, line)
    return len(booked) + 2 * len(own) + rows.where("NOT is_memo").select(*ROW_KEY).distinct().count(), problems


def _row_differences(accounts: DataFrame, rows: DataFrame, line: Line) -> list[Problem]:
    """Account rows and measures that their AI rows do not add up to."""
    own = rows.where("NOT is_memo").groupBy(*ROW_KEY, "measure").agg(F.sum("emissions_kg").alias("split_kg"))
    taken = accounts.join(own.select(*ROW_KEY).distinct(), list(ROW_KEY), "left_semi")
    masses = taken.select(*ROW_KEY, *(F.col(f"{measure}_kg").alias(measure) for measure in MEASURES))
    whole = masses.unpivot(list(ROW_KEY), list(MEASURES), "measure", "kg")
    difference = F.coalesce("kg", F.lit(0)) - F.coalesce("split_kg", F.lit(0))
    both = whole.join(own, [*ROW_KEY, "measure"], "full").withColumn("difference", difference)
    wrong = both.where("difference <> 0").orderBy(*ROW_KEY, "measure").limit(_LISTED).collect()
    return [
        _problem(
            line, "account row = its AI rows", " ".join(row[name] for name in (*ROW_KEY, "measure")), row["difference"]
        )
        for row in wrong
    ]


def _sums(frame: DataFrame, amounts: Iterable[str]) -> dict[tuple[str, str], Decimal]:
    """Sums of measures per cluster, and worldwide."""
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in frame.groupBy("cluster_id").agg(*(F.sum(f"{name}_kg").alias(name) for name in amounts)).collect():
        for name in amounts:
            found[row["cluster_id"], name] += row[name]
            found[WORLDWIDE, name] += row[name]
    return found


def _total_differences(accounts: DataFrame, rows: DataFrame, booked: Sequence[Any], line: Line) -> list[Problem]:
    """Lines of step `ai` against the tables: account total, AI part, and their own arithmetic."""
    totals = _sums(accounts, MEASURES)
    ai: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in (
        rows.where("NOT is_memo").groupBy("cluster_id", "measure").agg(F.sum("emissions_kg").alias("kg")).collect()
    ):
        for cluster in (row["cluster_id"], WORLDWIDE):
            ai[cluster, row["measure"]] += row["kg"]
    lines = {(row["cluster_id"], row["measure"]): row for row in booked}
    found = []
    for key in sorted(totals.keys() | ai.keys() | lines.keys()):
        entry = lines.get(key)
        inside, out, rest = (entry["in_kg"], entry["out_kg"], entry["transferred_out_kg"]) if entry else (0, 0, 0)
        differences = (totals[key] - inside, ai[key] - out, inside - out - rest)
        found += [
            _problem(line, "AI + non-AI = accounts", " ".join(key), difference)
            for difference in differences
            if difference
        ]
    return found


def _ledger_differences(ledger: Sequence[Any], own: Sequence[Any], line: Line) -> list[Problem]:
    """Openings that are not the closing before."""
    found = []
    for row in own:
        before = [
            other
            for other in ledger
            if other["release_id"] == row["release_id"]
            and other["accounting_method"] == row["accounting_method"]
            and other["usage_period"] < line.period
        ]
        closing = max(before, key=lambda other: str(other["usage_period"]))["closing_kg"] if before else Decimal(0)
        rest = row["opening_kg"] + row["added_kg"] - row["amortised_kg"] - row["written_off_kg"] - row["closing_kg"]
        for difference in (row["opening_kg"] - closing, rest):
            if difference:
                subject = f"{row['release_id']} {row['accounting_method']}"
                found.append(_problem(line, "training ledger rolls forward", subject, difference))
    return found


def _memo_differences(rows: DataFrame, own: Sequence[Any], line: Line) -> list[Problem]:
    """Memo rows of releases that are neither absent (no tokens) nor what the ledger amortised."""
    sums = rows.where("is_memo").groupBy("release_id", "measure").agg(F.sum("emissions_kg").alias("kg")).collect()
    amortised = {(row["release_id"], row["accounting_method"]): row["amortised_kg"] for row in own}
    wrong = [(row, amortised.get((row["release_id"], row["measure"]), Decimal(0))) for row in sums]
    return [
        _problem(line, "memo rows = amortised", f"{row['release_id']} {row['measure']}", row["kg"] - expected)
        for row, expected in wrong
        if row["kg"] != expected
    ]
