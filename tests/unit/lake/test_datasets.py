"""Filters on decimal columns of Delta tables, with the statistics that Spark writes."""

from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable, write_deltalake

from ccft.lake.datasets import dataset_of

SCHEMA = pa.schema([("usage_period", pa.string()), ("mass_kg", pa.decimal128(28, 9))])


@pytest.fixture
def table(tmp_path):
    """Two months; the log's minimum of zero is worded as Spark words it."""
    rows = [("2025-05", "0"), ("2025-05", "5.5"), ("2025-06", "0"), ("2025-06", "7")]
    data = pa.Table.from_pylist([{"usage_period": p, "mass_kg": Decimal(m)} for p, m in rows], schema=SCHEMA)
    write_deltalake(tmp_path, data, partition_by=["usage_period"])
    (log,) = (tmp_path / "_delta_log").glob("*.json")
    text = log.read_text(encoding="utf-8")
    assert text.count(r"\"minValues\":{\"mass_kg\":0.0}") == 2
    log.write_text(
        text.replace(r"\"minValues\":{\"mass_kg\":0.0}", r"\"minValues\":{\"mass_kg\":0E-9}"), encoding="utf-8"
    )
    return DeltaTable(tmp_path)


@pytest.mark.parametrize("condition", ["mass_kg <> 0", "mass_kg > 0", "NOT mass_kg = 0", "mass_kg BETWEEN 1 AND 9"])
def test_filters_on_decimals_find_their_rows(table, condition):
    with duckdb.connect() as database:
        database.register("t", dataset_of(table))
        assert database.sql(f"SELECT count(*), sum(mass_kg) FROM t WHERE {condition}").fetchall() == [
            (2, Decimal("12.5"))
        ]


def test_partitions_are_pruned(table):
    dataset = dataset_of(table)
    assert len(list(dataset.get_fragments())) == 2
    assert len(list(dataset.get_fragments(filter=pc.field("usage_period") == "2025-06"))) == 1
    assert dataset.to_table(filter=pc.field("usage_period") == "2025-06").column("mass_kg").to_pylist() == [0, 7]


def test_rows_and_columns_are_those_of_the_table(table):
    assert dataset_of(table).to_table().sort_by("mass_kg").equals(table.to_pyarrow_table().sort_by("mass_kg"))
