"""Layouts of other standards: Google's carbon export for BigQuery, and a table that joins with FOCUS cost data.

Sources, read in November 2026:

- Google Cloud, "Carbon Footprint export data schema", cloud.google.com/carbon-footprint/docs/data-schema.
- FinOps Foundation, FOCUS 1.2, focus.finops.org (names and meaning of columns; columns of a provider's own begin with `x_`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from ccft.methodology.model import known_versions
from ccft.publish.data_exports.delivery import Chunk
from ccft.publish.data_exports.layout import Format
from ccft.publish.data_exports.manifest import ManifestColumn
from ccft.publish.data_exports.rendering import grams, render
from ccft.publish.data_exports.scope import Slice
from ccft.publish.data_exports.shape import KG, VALUE, Summed
from ccft.schema.units import GRAMS_PER_KG
from ccft.schema.view_columns import EXPORT_UNIT, EXPORTED

_TEXT: Final = pa.string()
_NUMBER: Final = pa.float64()
_INSTANT: Final = pa.timestamp("us", "UTC")


def _field(name: str, kind: pa.DataType, *, nullable: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=nullable)


def _record(*fields: pa.Field) -> pa.DataType:
    return pa.struct(list(fields))


GOOGLE_SCHEMA: Final = pa.schema(
    [
        _field("usage_month", pa.date32()),
        _field("billing_account_id", _TEXT),
        _field("project", _record(_field("id", _TEXT, nullable=True), _field("number", _TEXT))),
        _field("service", _record(_field("description", _TEXT), _field("id", _TEXT))),
        _field("location", _record(_field("location", _TEXT, nullable=True), _field("region", _TEXT, nullable=True))),
        _field("carbon_model_version", pa.int64()),
        _field(
            "carbon_footprint_total_kgCO2e",
            _record(
                _field("after_offsets", _NUMBER, nullable=True),
                _field("market_based", _NUMBER),
                _field("location_based", _NUMBER),
            ),
        ),
        _field(
            "carbon_footprint_kgCO2e",
            _record(
                _field("scope1", _NUMBER),
                _field("scope2", _record(_field("location_based", _NUMBER), _field("market_based", _NUMBER))),
                _field("scope3", _NUMBER),
            ),
        ),
    ]
)
"""Google has one Scope 3, ours has two methods: `scope3` is the location-based one. `after_offsets` is deprecated there and empty."""

_GOOGLE_AMOUNTS: Final = {
    "carbon_footprint_total_kgCO2e.market_based": "total_mbm",
    "carbon_footprint_total_kgCO2e.location_based": "total_lbm",
    "carbon_footprint_kgCO2e.scope1": "total_scope_1",
    "carbon_footprint_kgCO2e.scope2.location_based": "total_scope_2_lbm",
    "carbon_footprint_kgCO2e.scope2.market_based": "total_scope_2_mbm",
    "carbon_footprint_kgCO2e.scope3": "total_scope_3_lbm",
}

_FOCUS_AMOUNTS: Final = {
    "x_CarbonTotalLocationBasedMtco2e": "total_lbm",
    "x_CarbonTotalMarketBasedMtco2e": "total_mbm",
    "x_CarbonScope1Mtco2e": "total_scope_1",
    "x_CarbonScope2LocationBasedMtco2e": "total_scope_2_lbm",
    "x_CarbonScope2MarketBasedMtco2e": "total_scope_2_mbm",
    "x_CarbonScope3LocationBasedMtco2e": "total_scope_3_lbm",
    "x_CarbonScope3MarketBasedMtco2e": "total_scope_3_mbm",
}
_FOCUS_KEYS: Final = {
    "BillingAccountId": "payer_account_id",
    "SubAccountId": "usage_account_id",
    "RegionId": "region_code",
    "RegionName": "location",
    "ServiceName": "product_code",
    "ChargePeriodStart": "usage_period_start",
    "ChargePeriodEnd": "usage_period_end",
    "x_CarbonModelVersion": "model_version",
    "x_CarbonLastRefresh": "last_refresh_timestamp",
}
_FOCUS_TYPES: Final = {"ChargePeriodStart": _INSTANT, "ChargePeriodEnd": _INSTANT, "x_CarbonLastRefresh": _INSTANT}
_FOCUS_NULLABLE: Final = ("RegionId", "RegionName")

FOCUS_SCHEMA: Final = pa.schema(
    [
        *(_field(name, _FOCUS_TYPES.get(name, _TEXT), nullable=name in _FOCUS_NULLABLE) for name in _FOCUS_KEYS),
        *(_field(name, _NUMBER) for name in _FOCUS_AMOUNTS),
    ]
)


@dataclass(frozen=True)
class Layout:
    """A profile whose rows are those of `carbon_emissions` under other names.

    Parameters
    ----------
    schema
        Of the files.
    amounts
        Amount -> exported measure that it shows.
    unit
        Of the amounts.
    keys
        Other columns -> column of `carbon_emissions` (or how it follows from one).
    arrange
        One table of `carbon_emissions` in the schema's columns.
    """

    schema: pa.Schema
    amounts: dict[str, str]
    unit: str
    keys: dict[str, str]
    arrange: Callable[[pa.Table, Slice], pa.Table]
    format: Format

    @property
    def sources(self) -> Sequence[str]:
        """All that it reads."""
        return (*dict.fromkeys(self.keys.values()), *(f"{name}{VALUE}" for name in EXPORTED))

    @property
    def columns(self) -> tuple[ManifestColumn, ...]:
        """Top-level columns; records as SQL writes them."""
        sources = self.keys | {name.split(".")[0]: "amounts" for name in self.amounts if "." in name}
        sources |= {name: f"{measure}{VALUE}" for name, measure in self.amounts.items() if "." not in name}
        amounts = {name.split(".")[0] for name in self.amounts}
        return tuple(
            ManifestColumn(
                name=field.name,
                source=sources[field.name],
                type=_type_text(field.type),
                unit=self.unit if field.name in amounts else "",
                nullable=field.nullable,
            )
            for field in self.schema
        )

    @property
    def summed(self) -> Sequence[Summed]:
        """Every amount."""
        return [Summed(name, f"{measure}{VALUE}", self.unit) for name, measure in self.amounts.items()]

    def chunks(self, tables: Iterable[pa.Table], item: Slice, payer: str) -> Iterator[Chunk]:
        """Files in the export's format."""
        del payer
        return render((self.arrange(table, item) for table in tables), self.schema, self.format)


def google(form: Format) -> Layout:
    """Google's columns: billing account = payer, project = account, kg CO2e."""
    keys = {
        "usage_month": "usage_period_start",
        "billing_account_id": "payer_account_id",
        "project": "usage_account_id",
        "service": "product_code",
        "location": "region_code",
        "carbon_model_version": "model_version",
    }
    return Layout(GOOGLE_SCHEMA, _GOOGLE_AMOUNTS, KG, keys | {"_location": "location"}, _as_google, form)


def focus(form: Format) -> Layout:
    """FOCUS keys of the month, and amounts in columns of our own."""
    return Layout(FOCUS_SCHEMA, _FOCUS_AMOUNTS, EXPORT_UNIT, _FOCUS_KEYS, _as_focus, form)


def _as_focus(table: pa.Table, item: Slice) -> pa.Table:
    del item
    amounts = [table[f"{measure}{VALUE}"] for measure in _FOCUS_AMOUNTS.values()]
    return pa.table([*(table[source] for source in _FOCUS_KEYS.values()), *amounts], schema=FOCUS_SCHEMA)


def _as_google(table: pa.Table, item: Slice) -> pa.Table:
    rows = table.combine_chunks()
    column = {name: _whole(rows[name]) for name in rows.column_names}
    kg = {
        name: _whole(pc.divide(grams(rows[source]).cast(_NUMBER), float(GRAMS_PER_KG)))
        for name, source in _google_sources()
    }
    policy = known_versions().get(item.version)
    found: list[pa.Array] = [
        column["usage_period_start"].cast(pa.date32()),
        column["payer_account_id"],
        _struct("project", id=column["usage_account_id"], number=column["usage_account_id"]),
        _struct("service", description=column["product_code"], id=column["product_code"]),
        _struct("location", location=column["location"], region=column["region_code"]),
        pa.array([policy.rank if policy else 0] * rows.num_rows, pa.int64()),
        _struct(
            "carbon_footprint_total_kgCO2e",
            after_offsets=pa.nulls(rows.num_rows, _NUMBER),
            market_based=kg["carbon_footprint_total_kgCO2e.market_based"],
            location_based=kg["carbon_footprint_total_kgCO2e.location_based"],
        ),
        _struct(
            "carbon_footprint_kgCO2e",
            scope1=kg["carbon_footprint_kgCO2e.scope1"],
            scope2=pa.StructArray.from_arrays(
                [
                    kg["carbon_footprint_kgCO2e.scope2.location_based"],
                    kg["carbon_footprint_kgCO2e.scope2.market_based"],
                ],
                fields=list(GOOGLE_SCHEMA.field("carbon_footprint_kgCO2e").type.field("scope2").type),
            ),
            scope3=kg["carbon_footprint_kgCO2e.scope3"],
        ),
    ]
    return pa.table(found, schema=GOOGLE_SCHEMA)


def _google_sources() -> Iterator[tuple[str, str]]:
    return ((name, f"{measure}{VALUE}") for name, measure in _GOOGLE_AMOUNTS.items())


def _whole(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined


def _struct(name: str, **members: pa.Array) -> pa.StructArray:
    fields = list(GOOGLE_SCHEMA.field(name).type)
    return pa.StructArray.from_arrays([members[field.name] for field in fields], fields=fields)


def _type_text(kind: pa.DataType) -> str:
    """A type as SQL writes it.

    >>> _type_text(pa.struct([("a", pa.float64())])), _type_text(pa.timestamp("us", "UTC"))
    ('struct<a: double>', 'timestamp')
    """
    if pa.types.is_struct(kind):
        return "struct<" + ", ".join(f"{field.name}: {_type_text(field.type)}" for field in kind) + ">"
    names = {_TEXT: "string", _NUMBER: "double", _INSTANT: "timestamp", pa.int64(): "bigint", pa.date32(): "date"}
    return names[kind]
