"""The registry: keys exist, every column is described, types are known, DDL is well formed."""

import re

import pytest

from ccft.schema.columns import COLUMNS, MEASURES, columns
from ccft.schema.spark import column_ddl, create_table_ddl, quote
from ccft.schema.tables import AI_CORE, AI_INPUTS, AI_LOGS, AI_RESULTS, CORE, INPUTS, LOGS, RESULTS, TABLES, Table

TYPE = re.compile(r"string|date|int|bigint|boolean|timestamp|decimal\((\d+),(\d+)\)")
WORDS = re.compile(r"[a-z_]+")


def by_name(tables):
    return pytest.mark.parametrize("table", tables, ids=lambda table: table.name)


@by_name(TABLES.values())
def test_table_is_consistent(table: Table):
    names = table.column_names
    assert len({name.lower() for name in names}) == len(names)
    assert set(table.key) <= set(names)
    assert set(table.partition_by) <= set(names)
    assert set(table.statistics_on) <= set(names)
    assert table.delivered_by in {"", *names}
    assert table.description
    for _, condition in table.checks:
        assert set(WORDS.findall(condition)) <= set(names)


def test_every_column_is_described():
    for column in COLUMNS.values():
        assert column.description, column.name
        kind = TYPE.fullmatch(column.type)
        assert kind, column
        if kind.group(1):
            assert column.unit, f"{column.name} has no unit"
            assert int(kind.group(2)) <= int(kind.group(1)) <= 38


def test_unit_is_in_the_name_of_masses_and_energy():
    for column in COLUMNS.values():
        if column.unit == "kg CO2e":
            assert column.name.endswith("_kg"), column.name
        if column.unit == "MWh":
            assert column.name.endswith("_mwh"), column.name


def test_every_column_is_used():
    used = {column.name for table in TABLES.values() for column in table.columns}
    assert set(COLUMNS) == used


def test_tables_are_named_once():
    everything = (*INPUTS, *CORE, *RESULTS, *LOGS, *AI_INPUTS, *AI_CORE, *AI_RESULTS, *AI_LOGS)
    assert len({table.name for table in everything}) == len(everything) == len(TABLES)


@by_name((*RESULTS, *AI_RESULTS))
def test_results_carry_period_version_and_run(table: Table):
    assert table.partition_by in (
        ("usage_period", "region_code", "methodology_version"),
        ("usage_period", "methodology_version"),
    )
    assert table.key[: len(table.partition_by)] == table.partition_by
    assert table.column_names[-1] == "run_id"


def test_account_rows_have_all_measures():
    names = TABLES["account_emissions"].column_names
    assert [name for name in names if name.startswith("scope_")] == [f"{measure}_kg" for measure in MEASURES]


def test_core_tables_have_the_columns_of_their_input():
    for table in (*INPUTS, *AI_INPUTS):
        core = TABLES[f"core_{table.name}"]
        if not table.is_large:
            assert core.columns == table.columns
            assert core.key == table.key


def test_question_mark_makes_a_column_nullable():
    plain, nullable = columns(["valid_to", "valid_to?"])
    assert (plain.nullable, nullable.nullable) == (False, True)
    assert plain.name == nullable.name == "valid_to"
    with pytest.raises(KeyError):
        columns(["unheard_of"])


def literals(sql: str) -> list[str]:
    """String literals of a statement, as SQL reads them; fails on an open one."""
    found, position = [], 0
    while (start := sql.find("'", position)) >= 0:
        end = start + 1
        while sql[end] != "'":
            end += 2 if sql[end] == "\\" else 1
        found.append(re.sub(r"\\(.)", r"\1", sql[start + 1 : end]))
        position = end + 1
    return found


@pytest.mark.parametrize("text", ["", "plain", "it's", "back\\slash", "\\'", "'); DROP TABLE x; --", "é – ü"])
def test_quoted_text_reads_back(text):
    assert literals(f"SELECT {quote(text)}, 1") == [text]


@by_name((*CORE, *RESULTS, *LOGS, *AI_CORE, *AI_RESULTS, *AI_LOGS))
def test_ddl_is_well_formed(table: Table):
    ddl = create_table_ddl(table, "/lake/with space/x")
    bare = re.sub(r"'(?:[^'\\]|\\.)*'", "''", ddl)
    assert bare.count("(") == bare.count(")")
    assert bare.count("`") == 2 * (len(table.columns) + 1)
    assert ddl.startswith("CREATE TABLE IF NOT EXISTS delta.`/lake/with space/x`")
    assert ("PARTITIONED BY" in bare) == bool(table.partition_by)
    texts = literals(ddl)
    for name, condition in table.checks:
        assert texts[texts.index(f"delta.constraints.{name}") + 1] == condition
    assert table.description in texts


@by_name((*CORE, *RESULTS, *LOGS, *AI_CORE, *AI_RESULTS, *AI_LOGS))
def test_column_list_says_name_type_null_and_comment(table: Table):
    lines = column_ddl(table).split(",\n  ")
    assert len(lines) == len(table.columns)
    for line, column in zip(lines, table.columns, strict=True):
        assert line.startswith(f"`{column.name}` {column.type}")
        assert (" NOT NULL " in line) is not column.nullable
        assert column.description in literals(line)[0]
