"""Hourly token usage from 1 to 100 million rows: ingest, and the AI figures of the month, each a command in a process of its own.

    python -m benchmarks.ai_tokens --rows 1000000 10000000 100000000 --out benchmarks/results/ai_tokens.json

The world is the demo provider's; every external account uses every endpoint at every hour until the rows are made. Seconds per row are those beyond
the same commands on the smallest size, so that start-up and the other tables do not count.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from benchmarks.measure import Measured, once
from ccft.periods import month_end, month_start

PERIOD = "2025-06"
RESTATE = ("--restate", "--reason", "benchmark")
_CCFT = (sys.executable, "-c", "from ccft.cli import main; main()")
_ROWS = """
COPY (
  SELECT h.hour AS hour, e.deployment_id, a.account_id, e.model_id,
    CAST(a.number % 7 + 1 AS DECIMAL(28,6)) AS requests, CAST((a.number * 31 + h.n) % 9973 + 500 AS DECIMAL(28,6)) AS in_tokens,
    CAST((a.number + h.n) % 499 AS DECIMAL(28,6)) AS cached_in_tokens, CAST((a.number * 17 + h.n) % 997 AS DECIMAL(28,6)) AS out_tokens,
    CAST(NULL AS DECIMAL(28,6)) AS images_in, CAST(NULL AS DECIMAL(28,6)) AS images_out, CAST(NULL AS DECIMAL(28,6)) AS audio_s
  FROM (SELECT account_id, row_number() OVER (ORDER BY account_id) AS number FROM customers) a
  CROSS JOIN endpoints e
  CROSS JOIN (SELECT unnest(generate_series(0, {hours} - 1)) AS n, to_timestamp(epoch(TIMESTAMP '{start}') + n * 3600) AS hour) h
  LIMIT {rows}
) TO '{folder}' (FORMAT parquet, PER_THREAD_OUTPUT true, COMPRESSION zstd)"""


def _ccft(*words: str) -> None:
    subprocess.run([*_CCFT, *words], check=True, stdout=subprocess.DEVNULL)


def world(out: Path, accounts: int) -> None:
    """A month of the demo provider."""
    _ccft("demo-world", "--out", str(out), "--accounts", str(accounts), "--months", "1", "--last-period", PERIOD)


def grow(inputs: Path, rows: int) -> None:
    """Replace the hourly tokens by as many rows as wanted."""
    database = duckdb.connect(config={"threads": 2})
    known = f"valid_from <= '{PERIOD}' AND coalesce(nullif(valid_to, ''), '9999-12') >= '{PERIOD}'"
    for name, columns, source, chosen in (
        ("customers", "account_id", "accounts", "account_type = 'external'"),
        ("endpoints", "deployment_id, model_id", "ai_deployments", "starts_with(deployment_id, 'ep-')"),
    ):
        rows_of = f"read_csv('{inputs}/{source}.csv', all_varchar = true)"
        database.execute(f"CREATE TABLE {name} AS SELECT DISTINCT {columns} FROM {rows_of} WHERE {known} AND {chosen}")
    folder = inputs / "ai_token_usage"
    shutil.rmtree(folder)
    hours = (month_end(PERIOD) - month_start(PERIOD)).days * 24
    database.execute(_ROWS.format(hours=hours, start=month_start(PERIOD), rows=rows, folder=folder))
    found = database.execute(f"SELECT count(*) FROM read_parquet('{folder}/*.parquet')").fetchone()
    if found != (rows,):
        raise ValueError(f"{found} rows made: more accounts are needed")


def main() -> None:
    """Measure and write the result file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000, 100_000_000])
    parser.add_argument("--accounts", type=int, default=15_000)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    results: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory(dir=os.environ.get("CCFT_BENCH_DIR")) as folder:
        inputs, lake = Path(folder) / "inputs", str(Path(folder) / "lake")
        world(inputs, given.accounts)
        _ccft("ingest", "--inputs", str(inputs), "--lake", lake)
        _ccft("run", "--lake", lake, "--period", PERIOD)
        for rows in sorted(given.rows):
            grow(inputs, rows)
            found = {"ingest": Measured(), "ai run": Measured()}
            once(found["ingest"], lambda: _ccft("ingest", "--inputs", str(inputs), "--lake", lake))
            once(found["ai run"], lambda: _ccft("ai", "run", "--lake", lake, "--period", PERIOD, *RESTATE))
            results[str(rows)] = {name: one.as_json() for name, one in found.items()}
            print(json.dumps({rows: results[str(rows)]}), flush=True)
    written = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "accounts": given.accounts,
        "rows": results,
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
