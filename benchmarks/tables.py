"""Tables of docs/performance.md and the README from the result files, between their markers.

python -m benchmarks.tables
"""

import json
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGES = (ROOT / "docs" / "performance.md", ROOT / "docs" / "scaling.md", ROOT / "README.md")


def _load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def account_step() -> str:
    """Microseconds per row on this machine's cores, and each as a multiple of the tuned floor at the same size."""
    rows = {size: one["found"] for size, one in _load("account_step")["rows"].items()}
    contenders = list(dict.fromkeys(one for found in rows.values() for one in found))
    lines = ["| µs per row (x floor) | " + " | ".join(f"{int(n) / 1e6:g} M rows" for n in rows) + " |"]
    lines.append("|---|" + "---:|" * len(rows))
    for one in contenders:
        cells = [_cell(found, one) for found in rows.values()]
        lines.append(f"| {one} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(found: dict[str, Any], one: str) -> str:
    if one not in found:
        return ""
    own, floor = found[one]["us_per_row"], found.get("floor", {}).get("us_per_row")
    return f"{own:.2f} ({own / floor:.2f})" if floor else f"{own:.2f}"


def account_tasks() -> str:
    """Even and skewed inputs: tasks of the stage that took longest and their evenness; bytes shuffled and spilled by all."""
    lines = [
        "| inputs | rows | contender | tasks | longest / median | shuffled | spilled |",
        "|---|---:|---|---:|---:|---:|---:|",
    ]
    for name in SKEWS:
        measured = _load(name)
        for rows, one in measured["rows"].items():
            lines += [
                f"| {measured['skew']} | {int(rows):,} | {contender} | {found['tasks']} | {found['longest_over_median']:.2f}"
                f" | {found['shuffled_mb']:.1f} MB | {found['spilled_mb']:.1f} MB |"
                for contender, found in one["found"].items()
                if "tasks" in found
            ]
    return "\n".join(lines)


def cost_model() -> str:
    """A line through the smallest and the largest size of each: fixed seconds, microseconds of each further row, and core time of it."""
    result = _load("account_step")
    sizes = {int(rows): one["found"] for rows, one in result["rows"].items()}
    cores = result["machine"]["cores"]
    lines = ["| | rows | fixed | each further row | core time per row |", "|---|---|---:|---:|---:|"]
    for one in sizes[min(sizes)]:
        measured = [rows for rows in sorted(sizes) if one in sizes[rows]]
        least, most = measured[0], measured[-1]
        first, last = (sizes[rows][one]["median_seconds"] for rows in (least, most))
        slope = (last - first) / (most - least)
        fixed = first - least * slope
        span = f"{least / 1e6:g} to {most / 1e6:g} M"
        lines.append(f"| {one} | {span} | {fixed:.1f} s | {slope * 1e6:.2f} µs | {slope * cores * 1e6:.1f} µs |")
    return "\n".join(lines)


def scale_out() -> str:
    """Throughput of two one-core workers over that of one."""
    found = _load("scale_out")
    lines = [
        f"| {found['rows']:,} rows | strong: the same rows | weak: half the rows on one worker |",
        "|---|---:|---:|",
    ]
    lines += [f"| {one} | {of['strong']:.2f} | {of['weak']:.2f} |" for one, of in found["two_workers_over_one"].items()]
    return "\n".join(lines)


def commands(result: str = "commands") -> str:
    """Seconds of whole commands, median of the rounds."""
    found = _load(result)
    lines = [f"| {found['accounts']:,} accounts | seconds | peak memory |", "|---|---:|---:|"]
    lines += [
        f"| {name} | {one['median_seconds']:.1f} | {one['peak_mb'] / 1024:.1f} GiB |"
        for name, one in found["commands"].items()
    ]
    return "\n".join(lines)


def backfill() -> str:
    """38 months in three versions: one row."""
    found = _load("backfill")
    lines = [
        "| accounts | period-versions | backfill | per period-version | verify | peak memory | killed after | rows that differ |"
    ]
    lines.append("|---:|---:|---:|---:|---:|---:|---|---:|")
    killed = ", ".join(f"{seconds:.0f} s" for seconds in found.get("killed_after_seconds", ())) or "not killed"
    differing = sum(found["rows_that_differ"].values()) if "rows_that_differ" in found else ""
    lines.append(
        f"| {found['accounts']:,} | {found['period_versions']} | {found['backfill_seconds'] / 60:.1f} min | {found['seconds_per_period_version']:.1f} s"
        f" | {found['verify_seconds']:.0f} s | {found['peak_resident_mb'] / 1024:.1f} GiB | {killed} | {differing} |"
    )
    return "\n".join(lines)


def dense_cluster() -> str:
    """Commands on one cluster whose services all use each other."""
    found = _load("dense_cluster")
    commands = found["commands"].items()
    lines = [
        "| racks | services | rows of flows | " + " | ".join(name for name, _ in commands) + " | peak memory |",
        "|" + "---:|" * (4 + len(commands)),
        f"| {found['racks']:,} | {found['services']:,} | {found['rows']['service_flows']:,} | "
        + " | ".join(f"{one['median_seconds']:.0f} s" for _, one in commands)
        + f" | {max(one['peak_mb'] for _, one in commands) / 1024:.1f} GiB |",
    ]
    return "\n".join(lines)


def ai_tokens() -> str:
    """Hourly token rows: seconds, and microseconds per row beyond the smallest size."""
    sizes = {int(rows): found for rows, found in _load("ai_tokens")["rows"].items()}
    least = min(sizes)
    lines = [
        "| hourly rows | ingest | µs per further row | AI figures of the month | peak memory |",
        "|---:|---:|---:|---:|---:|",
    ]
    for rows, found in sorted(sizes.items()):
        ingest, figures = found["ingest"], found["ai run"]
        more = ingest["median_seconds"] - sizes[least]["ingest"]["median_seconds"]
        per_row = f"{more / (rows - least) * 1e6:.2f}" if rows > least else ""
        peak = max(ingest["peak_mb"], figures["peak_mb"]) / 1024
        lines.append(
            f"| {rows:,} | {ingest['median_seconds']:.0f} s | {per_row} | {figures['median_seconds']:.0f} s | {peak:.1f} GiB |"
        )
    return "\n".join(lines)


SKEWS = ("account_step", "account_step_whale_account", "account_step_whale_pool")
TABLES = {
    "account-step": (account_step, ("account_step",)),
    "account-tasks": (account_tasks, SKEWS),
    "cost-model": (cost_model, ("account_step",)),
    "scale-out": (scale_out, ("scale_out",)),
    "commands": (commands, ("commands",)),
    "many-accounts": (partial(commands, "many_accounts"), ("many_accounts",)),
    "backfill": (backfill, ("backfill",)),
    "dense-cluster": (dense_cluster, ("dense_cluster",)),
    "ai-tokens": (ai_tokens, ("ai_tokens",)),
}
"""Marker -> table, and the result files it is made from."""


def filled(text: str) -> str:
    """A page with each `<!-- bench:NAME -->` ... `<!-- /bench -->` filled from the result file, or empty where there is none."""
    for name, (table, results) in TABLES.items():
        start, end = f"<!-- bench:{name} -->\n", "<!-- /bench -->"
        if start in text:
            head, rest = text.split(start, 1)
            made = table() + "\n" if all((RESULTS / f"{result}.json").exists() for result in results) else ""
            text = head + start + made + end + rest.split(end, 1)[1]
    return text


def main() -> None:
    """Write the pages."""
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
