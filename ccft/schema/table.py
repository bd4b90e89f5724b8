"""What a table of the product is, and how tables of each layer are described."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ccft.schema.columns import Column, columns


class Layer(StrEnum):
    """Where a table stands between raw inputs and published results."""

    INPUT = "input"
    CORE = "core"
    RESULT = "result"
    LOG = "log"
    VIEW = "view"


@dataclass(frozen=True)
class Table:
    """A table: its grain is its key.

    Parameters
    ----------
    name, layer, description
        What it is.
    columns
        In order.
    key
        Columns that identify a row; nulls compare equal.
    partition_by
        Partition columns of the Delta table; also the unit of replacement.
    checks
        Name -> SQL condition, kept by Delta as a CHECK constraint.
    is_large
        Grows with accounts or racks x days: bad rows are quarantined instead of rejecting the delivery.
    delivered_by
        Inputs only: column whose values a delivery replaces (`period`, `usage_date`); empty = the whole snapshot.
    statistics_on
        Columns on which Delta keeps data-skipping statistics.
    """

    name: str
    layer: Layer
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition_by: tuple[str, ...] = ()
    checks: tuple[tuple[str, str], ...] = ()
    is_large: bool = False
    delivered_by: str = ""
    statistics_on: tuple[str, ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column called `name`."""
        return next(column for column in self.columns if column.name == name)


def input_table(
    name: str, description: str, names: str, key: str, *, large: bool = False, delivered_by: str = ""
) -> Table:
    """An input table from lists of column names, `?` after those that may be null."""
    return Table(
        name,
        Layer.INPUT,
        description,
        columns(names.split()),
        tuple(key.split()),
        is_large=large,
        delivered_by=delivered_by,
    )


PARTITIONED: Final = ("usage_period", "region_code", "methodology_version")
WITHOUT_REGION: Final = ("usage_period", "methodology_version")


def result_table(
    name: str,
    description: str,
    grain: str,
    amounts: str,
    *,
    partition_by: tuple[str, ...] = PARTITIONED,
    checks: tuple[tuple[str, str], ...] = (),
    large: bool = False,
    statistics_on: tuple[str, ...] = (),
) -> Table:
    """A result table: its partition columns, grain and amounts, each row with its `run_id`."""
    key = (*partition_by, *(name.rstrip("?") for name in grain.split()))
    return Table(
        name,
        Layer.RESULT,
        description,
        columns((*partition_by, *grain.split(), *amounts.split(), "run_id")),
        key,
        partition_by=partition_by,
        checks=checks,
        is_large=large,
        statistics_on=statistics_on,
    )
