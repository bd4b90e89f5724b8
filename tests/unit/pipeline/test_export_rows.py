"""Ranges and batches: every delivery once, in order, none larger than it must be."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from ccft.pipeline.export_rows import batches, ranges, split
from ccft.publish.data_exports.rows import KEYS

SIZES = st.lists(st.integers(0, 40), max_size=30)


@given(SIZES, st.integers(1, 60), st.integers(1, 120))
def test_ranges_and_batches_keep_every_delivery_in_order(sizes, limit, batch_limit):
    keys = [("2025-01", "v2.0", f"{number:012d}") for number in range(len(sizes))]
    rows = {key: size for key, size in zip(keys, sizes, strict=True) if size}
    found = list(ranges(keys, rows, limit))
    assert [key for item in found for key in item.keys] == keys
    for item in found:
        assert item.rows == sum(rows.get(key, 0) for key in item.keys)
        assert item.rows <= limit or sum(rows.get(key, 0) > 0 for key in item.keys) == 1
    grouped = list(batches(found, batch_limit))
    assert [item for batch in grouped for item in batch] == found
    assert all(len(batch) == 1 or sum(item.rows for item in batch) <= batch_limit for batch in grouped)


def test_a_large_delivery_stands_alone():
    """Only then may it be fetched in parts."""
    keys = [("2025-01", "v2.0", payer) for payer in "abc"]
    found = list(ranges(keys, {keys[1]: 100}, limit=10))
    assert [item.keys for item in found] == [(keys[0],), (keys[1],), (keys[2],)]


def test_split_gives_each_delivery_its_rows():
    rows = [
        ("2025-01", "v2.0", "a", 1),
        ("2025-01", "v2.0", "b", 2),
        ("2025-01", "v2.0", "b", 3),
        ("2025-02", "v2.0", "a", 4),
    ]
    table = pa.Table.from_pylist([dict(zip((*KEYS, "n"), row, strict=True)) for row in rows])
    found = split(table)
    assert {key: part["n"].to_pylist() for key, part in found.items()} == {
        ("2025-01", "v2.0", "a"): [1],
        ("2025-01", "v2.0", "b"): [2, 3],
        ("2025-02", "v2.0", "a"): [4],
    }
    assert split(table.slice(0, 0)) == {}
