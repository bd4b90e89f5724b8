"""The shape of delivered files: which columns a delivery has, how rows become files, and what they sum to."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from ccft.periods import month_end, month_start
from ccft.publish.data_exports.delivery import Chunk
from ccft.publish.data_exports.layout import Format
from ccft.publish.data_exports.manifest import ManifestColumn, ManifestTotal
from ccft.publish.data_exports.query import Query
from ccft.publish.data_exports.rendering import grams, render
from ccft.publish.data_exports.scope import Slice
from ccft.schema.columns import Column
from ccft.schema.units import GRAMS_PER_KG, GRAMS_PER_TONNE
from ccft.schema.view_columns import DERIVED, EXPORT_UNIT, EXPORTED

VALUE: Final = "_emissions_value"
VALUES: Final = tuple(f"{name}{VALUE}" for name in EXPORTED)
KG: Final = "kg"
_GRAMS: Final = {EXPORT_UNIT: GRAMS_PER_TONNE, KG: GRAMS_PER_KG}
_CONSTANT: Final = ("last_refresh_timestamp", "model_version", "usage_period_end", "usage_period_start")
_TYPES: Final = {"string": pa.string(), "double": pa.float64(), "timestamp": pa.timestamp("us", "UTC")}


@dataclass(frozen=True)
class Summed:
    """An amount column of the files: its name, the exported value that it shows, its unit."""

    name: str
    source: str
    unit: str


class Shape(Protocol):
    """How a profile delivers rows."""

    @property
    def sources(self) -> Sequence[str]:
        """Columns of `carbon_emissions` that it reads."""

    @property
    def columns(self) -> tuple[ManifestColumn, ...]:
        """Columns of its files."""

    @property
    def summed(self) -> Sequence[Summed]:
        """Its amounts."""

    def chunks(self, tables: Iterable[pa.Table], item: Slice, payer: str) -> Iterator[Chunk]:
        """Files of one delivery."""


@dataclass(frozen=True)
class CarbonEmissions:
    """The export of the contract: the columns of `carbon_emissions` that the query names.

    Parameters
    ----------
    registered
        Columns of the view, as the registry has them.
    """

    query: Query
    registered: Mapping[str, Column]
    format: Format

    @property
    def sources(self) -> Sequence[str]:
        """Columns that the query names, each once."""
        return tuple(dict.fromkeys(output.column for output in self.query.outputs))

    @property
    def columns(self) -> tuple[ManifestColumn, ...]:
        """Columns under their aliases."""
        found = []
        for output in self.query.outputs:
            column = self.registered[output.column]
            found.append(
                ManifestColumn(
                    name=output.alias,
                    source=column.name,
                    type=column.type,
                    unit=column.unit,
                    nullable=column.nullable,
                )
            )
        return tuple(found)

    @property
    def summed(self) -> Sequence[Summed]:
        """Value columns of the query."""
        return [Summed(o.alias, o.column, EXPORT_UNIT) for o in self.query.outputs if o.column in VALUES]

    @property
    def schema(self) -> pa.Schema:
        """Types and nullability of the files."""
        return pa.schema([pa.field(c.name, _TYPES[c.type], nullable=c.nullable) for c in self.columns])

    def chunks(self, tables: Iterable[pa.Table], item: Slice, payer: str) -> Iterator[Chunk]:
        """Files in the export's format."""
        del item, payer  # every row says itself whose it is, and of which run
        names = [output.column for output in self.query.outputs]
        schema = self.schema
        renamed = (pa.table([table[name] for name in names], names=schema.names) for table in tables)
        return render(renamed, schema, self.format)


def complete(table: pa.Table, item: Slice, columns: Sequence[str]) -> pa.Table:
    """Add columns that are constant in a period x version, and units, where a delivery has them.

    Parameters
    ----------
    table
        Rows as they arrive.
    columns
        Columns of `carbon_emissions` that the delivery reads.
    """
    constants = {
        "last_refresh_timestamp": item.finished_at,
        "model_version": item.version,
        "usage_period_start": datetime.combine(month_start(item.period), time(tzinfo=UTC)),
        "usage_period_end": datetime.combine(month_end(item.period), time(tzinfo=UTC)),
    }
    for name in columns:
        if is_constant(name):
            found = constants.get(name, EXPORT_UNIT)
            value = pa.scalar(found, _TYPES["string" if isinstance(found, str) else "timestamp"])
            table = table.append_column(name, pa.repeat(value, table.num_rows))
    return table


def is_constant(column: str) -> bool:
    """Whether a column of `carbon_emissions` is the same in all rows of a period x version: it need not travel.

    >>> is_constant("model_version"), is_constant("total_lbm_emissions_unit"), is_constant("location")
    (True, True, False)
    """
    return column in _CONSTANT or column.endswith("_emissions_unit")


def limited(tables: Iterable[pa.Table], query: Query) -> Iterator[pa.Table]:
    """The first rows only, where the query has a limit: per period, after the sort."""
    left = query.limit
    for table in tables:
        if left is None:
            yield table
            continue
        part = table.slice(0, left)
        left -= part.num_rows
        yield part
        if left == 0:
            return


class Totals:
    """Adds up rows on their way into files."""

    def __init__(self) -> None:
        self._grams = dict.fromkeys(VALUES, 0)
        self._kg = dict.fromkeys(VALUES, Decimal(0))
        self.rows = 0

    def watch(self, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """Pass tables on, adding them up."""
        for table in tables:
            self.rows += table.num_rows
            for value in VALUES:
                if value in table.column_names and table.num_rows:
                    self._grams[value] += pc.sum(grams(table[value])).as_py()
                    self._kg[value] += sum((pc.sum(table[name]).as_py() for name in exact_of(value)), Decimal(0))
            yield table

    def of(self, summed: Sequence[Summed]) -> tuple[ManifestTotal, ...]:
        """Totals for the manifest."""
        return tuple(
            ManifestTotal(
                column=item.name,
                delivered=_plain(Decimal(self._grams[item.source]) / _GRAMS[item.unit]),
                unit=item.unit,
                exact_kg=_plain(self._kg[item.source]),
            )
            for item in summed
        )


def exact_of(value: str) -> tuple[str, ...]:
    """Exact masses that a value is the rounded sum of.

    >>> exact_of("total_scope_1_emissions_value"), exact_of("total_scope_3_lbm_emissions_value")
    (('scope_1_kg',), ('scope_3_fera_lbm_kg', 'scope_3_embodied_kg'))
    """
    name = value.removesuffix(VALUE)
    measure = name if name in DERIVED else name.removeprefix("total_")
    return tuple(f"{part}_kg" for part in DERIVED.get(measure, (measure,)))


def _plain(number: Decimal) -> str:
    """Decimal text without an exponent."""
    return format(number, "f")
