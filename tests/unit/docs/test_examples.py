"""Examples on the pages are real: inputs fit the registry, messages fit their templates, the SQL proof runs."""

import csv
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from ccft.demo import write_demo_world
from ccft.errors import CONDITIONS
from ccft.schema.columns import MEASURES, Column
from ccft.schema.tables import INPUTS, Table
from tests.unit.docs.pages import DOCS, PAGES, blocks

_INPUTS_PAGE = (DOCS / "bring-your-own-inputs.md").read_text(encoding="utf-8")
_MESSAGE = re.compile(r"^(CCFT-[A-Z-]+): (.+)$", re.MULTILINE)
_CODE = re.compile(r"CCFT-(?:INPUT|RUN|USAGE|LAKE|EVENT)-[A-Z-]*[A-Z]")


def _delivered(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(blocks(_INPUTS_PAGE, "csv")[f"file={table.name}.csv"].splitlines()))


def _is_readable(column: Column, text: str) -> bool:
    if not text:
        return column.nullable
    kind = column.type.split("(", 1)[0]
    if kind == "decimal":
        scale = int(column.type.rstrip(")").split(",")[1])
        value = Decimal(text)
        return value == round(value, scale) and (column.minimum is None or value >= column.minimum)
    if kind == "date":
        return date.fromisoformat(text).isoformat() == text
    if kind == "boolean":
        return text in {"true", "false"}
    if kind == "int":
        return int(text) >= (column.minimum or 0)
    return (not column.values or text in column.values) and (
        not column.pattern or bool(re.fullmatch(column.pattern, text))
    )


@pytest.mark.parametrize("table", INPUTS, ids=lambda table: table.name)
def test_example_input_fits_the_registry(table: Table) -> None:
    rows = _delivered(table)
    assert list(rows[0]) == list(table.column_names)
    wrong = [(c.name, row[c.name]) for row in rows for c in table.columns if not _is_readable(c, row[c.name])]
    assert wrong == []
    keys = [tuple(row[name] for name in table.key) for row in rows]
    assert len(set(keys)) == len(keys)


def test_example_inputs_refer_to_each_other() -> None:
    tables = {table.name: _delivered(table) for table in INPUTS}
    ids = {name: {row[key] for row in tables[name]} for name, key in
           {"clusters": "cluster_id", "services": "service_id", "accounts": "account_id", "racks": "rack_id"}.items()}  # fmt: skip
    parents = {"cluster_id": "clusters", "service_id": "services", "account_id": "accounts", "rack_id": "racks",
               "payer_account_id": "accounts", "owner_service_id": "services"}  # fmt: skip
    orphans = [
        (name, column, row[column])
        for name, rows in tables.items()
        for row in rows
        for column, parent in parents.items()
        if row.get(column) and row[column] not in ids[parent]
    ]
    assert orphans == []


def _pattern(template: str) -> str:
    """Regular expression of a template: any value in each pair of braces."""
    return re.sub(r"\\\{\w+\\\}", ".*", re.escape(template))


@pytest.mark.parametrize("title", ["rejected", "set aside", "remarks"])
def test_example_messages_are_messages_of_the_product(title: str) -> None:
    lines = _MESSAGE.findall(blocks(_INPUTS_PAGE, "text")[title])
    assert lines
    for code, text in lines:
        condition = CONDITIONS[code]
        pattern = _pattern(condition.template)
        if title == "rejected":
            pattern += rf"\. Remedy: {_pattern(condition.remedy)}"
        assert re.fullmatch(f"(?:\\w+: )?{pattern}", text), f"{code}: {text}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_codes_on_pages_exist(page: Path) -> None:
    assert set(_CODE.findall(page.read_text(encoding="utf-8"))) <= set(CONDITIONS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_on_pages_compiles(page: Path) -> None:
    for title, body in blocks(page.read_text(encoding="utf-8"), "python").items():
        compile(body, title, "exec")


def test_demo_world_of_the_tutorial(tmp_path: Path) -> None:
    world = write_demo_world(tmp_path)
    rows = ", ".join(f"{name} {count:,}" for name, count in sorted(world.rows.items()))
    line = blocks((DOCS / "tutorial.md").read_text(encoding="utf-8"), "text")["demo-world"].strip()
    assert line == f"build/demo/inputs: {world.periods[0]} to {world.periods[-1]}; rows: {rows}"


# --- the SQL proof of docs/running.md -----------------------------------------------------------------------------------

_SLICE = {"usage_period": "2025-06", "methodology_version": "v2.0"}
_KG = pa.decimal128(28, 9)


def _write(lake: Path, name: str, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    write_deltalake(lake / name, pa.Table.from_pylist(rows, schema=schema), mode="append")


def _inventory(lake: Path, kilograms: str) -> None:
    schema = pa.schema([(n, pa.string()) for n in (*_SLICE, "measure")] + [("emissions_kg", _KG)])
    _write(lake, "inventory_emissions", [{**_SLICE, "measure": "scope_1", "emissions_kg": Decimal(kilograms)}], schema)


def _accounts(lake: Path, kilograms: str) -> None:
    masses = {f"{measure}_kg": Decimal(0) for measure in MEASURES} | {"scope_1_kg": Decimal(kilograms)}
    schema = pa.schema([(n, pa.string()) for n in _SLICE] + [(n, pa.decimal128(18, 9)) for n in masses])
    _write(lake, "account_emissions", [{**_SLICE, **masses}], schema)


def _published(lake: Path, run_id: str, day: int, versions: str) -> None:
    names = ("run_id", "usage_period", "methodology_version", "status", "table_versions")
    schema = pa.schema([(n, pa.string()) for n in names] + [("finished_at", pa.timestamp("us", "UTC"))])
    row = {**_SLICE, "run_id": run_id, "status": "published", "table_versions": versions}
    _write(lake, "run_log", [{**row, "finished_at": datetime(2025, 7, day, tzinfo=UTC)}], schema)


def _proof(lake: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    script = folder / "proof.py"
    page = (DOCS / "running.md").read_text(encoding="utf-8")
    script.write_text(blocks(page, "python")["file=proof.py"], encoding="utf-8")
    command = [sys.executable, str(script), str(lake), *_SLICE.values()]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_sql_proof_reads_the_versions_of_the_newest_line(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    _inventory(lake, "10.000000001")
    _accounts(lake, "4.000000000")
    _accounts(lake, "6.000000001")
    _accounts(lake, "5")  # a publication under way: not in run_log
    _published(lake, "run-new", 9, '{"inventory_emissions": 0, "account_emissions": 1}')
    _published(lake, "run-old", 3, '{"inventory_emissions": 0, "account_emissions": 0}')
    done = _proof(lake, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "run-new" in done.stdout
    assert "10.000000001" in done.stdout


def test_sql_proof_fails_on_a_microgram(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    _inventory(lake, "10.000000001")
    _accounts(lake, "10.000000000")
    _published(lake, "run-1", 9, '{"inventory_emissions": 0, "account_emissions": 0}')
    done = _proof(lake, tmp_path)
    assert done.returncode == 1
    assert "0.000000001" in done.stdout
