"""One cluster of 100,000 racks and 1,000 services that all use each other, through the whole commands.

    python -m benchmarks.dense_cluster --out benchmarks/results/dense_cluster.json

Every service's team uses every other service, so the graph has racks' emissions of 1,000 services flow to 1,000 services: the largest frame that is
bounded by services, not by accounts. Inputs are made by DuckDB from the numbers of their rows.
"""

import argparse
import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import duckdb

from benchmarks.commands import run
from benchmarks.measure import Measured, once
from ccft.lake.reader import read_table
from ccft.schema.tables import table

PERIOD: Final = "2025-03"
COMMANDS: Final = {
    "ingest": ["ingest", "--inputs", "{inputs}", "--lake", "{lake}"],
    "run": ["run", "--lake", "{lake}", "--period", PERIOD],
    "verify": ["verify", "--lake", "{lake}", "--period", PERIOD],
}
CUSTOMERS: Final = 20_000
SERVICES_OF_A_CUSTOMER: Final = 10
SERVICES_OF_A_RACK: Final = 5
RACK_TYPES: Final = 50

INPUT_SQL: Final = {
    "clusters": "SELECT 'r1', 'region', 'eu-1', 'Europe (One)', 'Z1', 'M1', DATE '2019-01-01'",
    "activity": """
        SELECT period, 's1', 'r1', activity, substance, quantity, unit, 'metered'
        FROM (VALUES ('electricity', NULL, 250000, 'MWh'), ('generator_fuel', 'diesel', 9000, 'litre'))
            AS a(activity, substance, quantity, unit), (VALUES ('2024-03'), ('2025-03')) AS p(period)""",
    "emission_factors": """
        SELECT kind, factor_key, instrument, '2020-01', NULL, value, unit, 'invented', 2024
        FROM (VALUES ('fuel_combustion', 'diesel', NULL, 2.7, 'kg/litre'), ('grid_generation', 'Z1', NULL, 290.1, 'kg/MWh'),
                     ('carbon_free_share', 'Z1', NULL, 0.4, '1'), ('market_generation', 'M1', 'residual_mix', 410.3, 'kg/MWh'))
            AS f(kind, factor_key, instrument, value, unit)""",
    "certificates": "SELECT '2025-03', 'M1', 'c1', 90000, 0, 'procured'",
    "racks": """
        SELECT 'k' || r, 'r1', CASE WHEN r % 200 = 0 THEN 'NET' ELSE 'T' || lpad((r % {rack_types})::VARCHAR, 2, '0') END,
            r % 200 = 0, 8 + r % 17,
            CASE WHEN r % 200 = 0 THEN 0 ELSE 100 + r % 7 END,
            -- A tenth is younger than a year, so that ramp-up has something to do.
            CASE WHEN r % 10 = 1 THEN DATE '2024-09-01' ELSE DATE '2021-02-01' END, NULL, 9000 + r % 100, 72, 'parts'
        FROM range({racks}) AS n(r)""",
    "facility_assets": "SELECT 'b1', 'r1', 'building', 1000000, DATE '2019-01-01', NULL",
    "services": """
        SELECT 's' || lpad(s::VARCHAR, 4, '0'), 'P' || lpad((s % 40)::VARCHAR, 2, '0'), 'Service ' || s, s % 3 <> 0, 'hours'
        FROM range({services}) AS n(s)""",
    # The provider's own account, a team per service, customers.
    "accounts": """
        SELECT '000000000000', '2020-01', NULL, '000000000000', 'internal', NULL
        UNION ALL SELECT lpad((1 + s)::VARCHAR, 12, '0'), '2020-01', NULL, lpad((1 + s)::VARCHAR, 12, '0'), 'internal',
            's' || lpad(s::VARCHAR, 4, '0') FROM range({services}) AS n(s)
        UNION ALL SELECT lpad((1000000 + c)::VARCHAR, 12, '0'), '2020-01', NULL, lpad((1000000 + c // 4 * 4)::VARCHAR, 12, '0'), 'external', NULL
        FROM range({customers}) AS n(c)""",
    "rack_usage": """
        SELECT DATE '2025-03-03', 'k' || r, 's' || lpad(((r * 7 + k * 131) % {services})::VARCHAR, 4, '0'), 8 + (r * 3 + k) % 11
        FROM range({racks}) AS n(r), range({of_a_rack}) AS m(k) WHERE r % 200 <> 0""",
    "account_usage": """
        SELECT DATE '2025-03-04', lpad((1 + a)::VARCHAR, 12, '0'), 'r1', 's' || lpad(s::VARCHAR, 4, '0'), 'box', 1 + (a * 31 + s * 17) % 50,
            CASE WHEN s % 3 = 0 THEN 2 + (a + s) % 9 END, NULL
        FROM range({services}) AS n(a), range({services}) AS m(s) WHERE a <> s
        UNION ALL
        SELECT DATE '2025-03-04', lpad((1000000 + c)::VARCHAR, 12, '0'), 'r1', 's' || lpad(((c * 13 + k * 97) % {services})::VARCHAR, 4, '0'), 'box',
            1 + (c + k) % 400, CASE WHEN (c * 13 + k * 97) % {services} % 3 = 0 THEN 1 + (c + k) % 70 END, NULL
        FROM range({customers}) AS n(c), range({of_a_customer}) AS m(k)""",
}
"""Rows of each input table, in the order of its columns; tables about AI models are not delivered."""


def write_inputs(folder: Path, racks: int, services: int) -> None:
    """Parquet files of the contract's input tables."""
    folder.mkdir(parents=True)
    sizes = {
        "racks": racks,
        "services": services,
        "customers": CUSTOMERS,
        "of_a_customer": SERVICES_OF_A_CUSTOMER,
        "of_a_rack": SERVICES_OF_A_RACK,
        "rack_types": RACK_TYPES,
    }
    for name, sql in INPUT_SQL.items():
        columns = table(name).columns
        types = [("varchar" if column.type == "string" else column.type, column.name) for column in columns]
        names = ", ".join(f"c{number}" for number in range(len(columns)))
        cast = ", ".join(f"c{number}::{kind} AS {column}" for number, (kind, column) in enumerate(types))
        duckdb.sql(f"SELECT {cast} FROM ({sql.format(**sizes)}) AS rows({names})").write_parquet(
            str(folder / f"{name}.parquet")
        )


def main() -> None:
    """Measure and write the result file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--racks", type=int, default=100_000)
    parser.add_argument("--services", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    found = {name: Measured() for name in COMMANDS}
    with tempfile.TemporaryDirectory(dir=os.environ.get("CCFT_BENCH_DIR")) as folder:
        write_inputs(Path(folder) / "inputs", given.racks, given.services)
        for number in range(given.rounds):
            places = {"inputs": f"{folder}/inputs", "lake": f"{folder}/lake-{number}"}
            for name, words in COMMANDS.items():
                once(found[name], lambda words=words, places=places: run(words, places))
                print(f"{name}: {found[name].seconds[-1]:.1f} s", flush=True)
        results = ("service_flows", "service_shares", "account_emissions")
        rows = {name: read_table(f"{folder}/lake-0", name).count_rows() for name in results}
    written = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "racks": given.racks,
        "services": given.services,
        "rows": rows,
        "commands": {name: one.as_json() for name, one in found.items()},
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
