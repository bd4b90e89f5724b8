"""Delta tables as Arrow datasets that every filter reads rightly.

deltalake turns the statistics of the Delta log into a guarantee per file. Spark writes the minimum of a decimal column as `0E-9` when it is zero,
deltalake reads that as null, and "value >= null" guarantees nothing that a filter could meet: `WHERE direct_kg > 0` finds no rows at all, without
an error. Files therefore keep the guarantee of their partition and no other; Parquet's own statistics still skip row groups.
"""

from functools import reduce
from operator import and_

import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable
from pyarrow import fs


def dataset_of(table: DeltaTable, filesystem: fs.FileSystem | None = None) -> ds.Dataset:
    """A Delta table at its version, filters on partition columns pruned to their files."""
    dataset = table.to_pyarrow_dataset(filesystem=filesystem)
    partitions = table.metadata().partition_columns
    fragments = [_plain(fragment, partitions) for fragment in dataset.get_fragments()]
    return ds.FileSystemDataset(fragments, dataset.schema, dataset.format)


def _plain(fragment: ds.ParquetFileFragment, partitions: list[str]) -> ds.ParquetFileFragment:
    """The same file, with the values of its partition as the only guarantee."""
    values = ds.get_partition_keys(fragment.partition_expression)
    parts = [pc.field(name) == values[name] for name in partitions if name in values]
    guarantee = reduce(and_, parts) if parts else pc.scalar(True)  # noqa: FBT003 - a literal
    return fragment.format.make_fragment(fragment.path, filesystem=fragment.filesystem, partition_expression=guarantee)
