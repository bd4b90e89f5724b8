"""One demo world of the default size for all tests, opened in DuckDB with the types of the contract."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ccft.demo import DemoWorld, write_demo_world
from ccft.demo.files import SCHEMAS

Ask = Callable[..., list[tuple[Any, ...]]]

_SQL_TYPES = {
    "string": "VARCHAR", "date32[day]": "DATE", "bool": "BOOLEAN", "int32": "INTEGER",
    "decimal128(18, 6)": "DECIMAL(18,6)", "decimal128(18, 9)": "DECIMAL(18,9)",
}  # fmt: skip
USAGE_TABLES = ("rack_usage", "account_usage")


def open_world(out: Path) -> duckdb.DuckDBPyConnection:
    """Open an input folder: every table under its name, typed as in the contract."""
    connection = duckdb.connect()
    for name, schema in SCHEMAS.items():
        if name in USAGE_TABLES:
            connection.execute(
                f"CREATE TABLE {name} AS SELECT *, strftime(usage_date, '%Y-%m') AS period"
                f" FROM read_parquet('{out}/{name}/*.parquet')"
            )
            continue
        columns = ", ".join(f"{field.name} {_SQL_TYPES[str(field.type)]}" for field in schema)
        connection.execute(f"CREATE TABLE {name} ({columns})")
        connection.execute(f"COPY {name} FROM '{out}/{name}.csv' (HEADER, NULLSTR '')")
    return connection


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> DemoWorld:
    """2,000 accounts, 15 months to 2025-06."""
    return write_demo_world(tmp_path_factory.mktemp("demo") / "inputs")


@pytest.fixture(scope="session")
def opened() -> Callable[[Path], duckdb.DuckDBPyConnection]:
    """How to open another folder than the default world."""
    return open_world


@pytest.fixture(scope="session")
def ask(world: DemoWorld) -> Iterator[Ask]:
    """Query the default world."""
    connection = open_world(world.out)

    def run(sql: str, *values: object) -> list[tuple[Any, ...]]:
        return connection.execute(sql, list(values)).fetchall()

    yield run
    connection.close()
