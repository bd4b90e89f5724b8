"""Files: the bytes depend on the rows alone, and say what the contract says."""

import csv
import gzip
import io
import json
from datetime import UTC, datetime

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ccft.publish.data_exports.layout import Format
from ccft.publish.data_exports.profiles import COLUMNS, definition_of
from ccft.publish.data_exports.rendering import grams, render
from ccft.publish.data_exports.shape import VALUES
from tests.unit.publish.data_exports.sample import FINISHED, row, table

SHAPE = definition_of("carbon")[2]
NAMES = [column.name for column in COLUMNS]
MANY = table([row(f"{account:012d}", kg=f"{account}.0005") for account in range(95)])


def chunks(tables, form=Format.PARQUET, chunk_rows=1_000_000, group_rows=100_000):
    selected = (part.select(NAMES) for part in tables)
    return list(render(selected, SHAPE.schema, form, chunk_rows=chunk_rows, group_rows=group_rows))


@pytest.mark.parametrize("form", [Format.PARQUET, Format.CSV])
def test_batches_do_not_show_in_the_bytes(form):
    whole = chunks([MANY], form, chunk_rows=40, group_rows=10)
    for size in (1, 7, 10, 33, 94):
        parts = [MANY.slice(start, size) for start in range(0, MANY.num_rows, size)]
        assert chunks(parts, form, chunk_rows=40, group_rows=10) == whole
    assert [chunk.rows for chunk in whole] == [40, 40, 15]
    assert chunks([MANY], form) == chunks([MANY], form)


def test_a_full_chunk_is_followed_by_no_empty_one():
    assert [chunk.rows for chunk in chunks([MANY.slice(0, 80)], chunk_rows=40, group_rows=10)] == [40, 40]


def test_parquet_has_the_types_and_nullability_of_the_contract():
    (chunk,) = chunks([MANY])
    file = pq.ParquetFile(io.BytesIO(chunk.content))
    assert file.schema.names == NAMES
    for index, column in enumerate(COLUMNS):
        found = file.schema.column(index)
        expected = {"string": "BYTE_ARRAY", "double": "DOUBLE", "timestamp": "INT64"}[column.type]
        assert found.physical_type == expected, column.name
        nullable = column.name in ("location", "product_code", "region_code") or column.name.startswith(
            ("total_lbm", "total_mbm")
        )
        assert found.max_definition_level == int(nullable), column.name
        if column.type == "timestamp":
            logical = json.loads(found.logical_type.to_json())
            assert (logical["isAdjustedToUTC"], logical["timeUnit"]) == (True, "microseconds")
    assert {file.metadata.row_group(0).column(index).compression for index in range(len(NAMES))} == {"SNAPPY"}


@pytest.mark.parametrize("form", [Format.PARQUET, Format.CSV])
def test_no_rows_give_one_file_with_schema_or_header(form):
    for tables in ([], [MANY.slice(0, 0)]):
        (chunk,) = chunks(tables, form)
        assert chunk.rows == 0
        if form is Format.CSV:
            assert next(csv.reader(gzip.decompress(chunk.content).decode().splitlines())) == NAMES
        else:
            assert pq.read_table(io.BytesIO(chunk.content)).column_names == NAMES


def test_csv_is_rfc_4180_with_lf_and_six_decimals():
    odd = [
        row("000000000001", product='A "quoted", name', region=None, location=None, kg="0"),
        row("000000000002", product="two\nlines", location="", kg="123456789.0005"),
    ]
    (chunk,) = chunks([table(odd)], Format.CSV)
    assert chunk.content[4:8] == b"\0\0\0\0", "the time of a gzip file would change its bytes"
    text = gzip.decompress(chunk.content).decode()
    assert "\r" not in text
    assert text.endswith("\n")
    header, first, second = csv.reader(io.StringIO(text, newline=""))
    assert header == NAMES
    found = dict(zip(NAMES, first, strict=True))
    assert found["product_code"] == 'A "quoted", name'
    assert (found["region_code"], found["location"]) == ("", "")
    assert found["usage_account_id"] == "000000000001"
    assert found["last_refresh_timestamp"] == "2026-04-01 02:03:04Z"
    assert found["usage_period_end"] == "2025-02-01 00:00:00Z"
    assert found["total_scope_1_emissions_value"] == "0.000000"
    assert second[NAMES.index("product_code")] == "two\nlines"
    assert second[NAMES.index("total_scope_1_emissions_value")] == "123456.789001"
    # An empty text is not a missing one.
    assert ',"",' in text.split("\n", 2)[2]


@pytest.mark.parametrize("form", [Format.PARQUET, Format.CSV])
def test_duckdb_and_pandas_read_the_same(form, tmp_path):
    (chunk,) = chunks([MANY], form)
    file = tmp_path / ("x.snappy.parquet" if form is Format.PARQUET else "x.csv.gz")
    file.write_bytes(chunk.content)
    reader = "read_parquet(?)" if form is Format.PARQUET else "read_csv(?, types={'usage_account_id': 'VARCHAR'})"
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'")
    columns = database.execute(f"DESCRIBE SELECT * FROM {reader}", [str(file)]).fetchall()
    assert [column[0] for column in columns] == NAMES
    by_duckdb = database.execute(
        f"SELECT usage_account_id, total_scope_1_emissions_value, usage_period_start FROM {reader}", [str(file)]
    ).fetchall()
    frame = (
        pd.read_parquet(file)
        if form is Format.PARQUET
        else pd.read_csv(file, dtype={"usage_account_id": str}, parse_dates=["usage_period_start"])
    )
    assert list(frame.columns) == NAMES
    by_pandas = list(
        zip(
            frame["usage_account_id"],
            frame["total_scope_1_emissions_value"],
            [moment.to_pydatetime() for moment in frame["usage_period_start"]],
            strict=True,
        )
    )
    assert by_pandas == by_duckdb
    assert by_pandas[7] == ("000000000007", 0.007001, datetime(2025, 1, 1, tzinfo=UTC))


def test_parquet_keeps_microseconds():
    (chunk,) = chunks([MANY])
    assert pq.read_table(io.BytesIO(chunk.content))["last_refresh_timestamp"][0].as_py() == FINISHED


def test_grams_come_back_from_values_exactly():
    grams_in = [0, 1, 2, 999_999, 1_000_001, 123_456_789_012, 2**49 + 1, -1]
    values = pa.array([number / 1e6 for number in grams_in])
    assert grams(values).to_pylist() == grams_in
    assert set(VALUES) < set(NAMES)
