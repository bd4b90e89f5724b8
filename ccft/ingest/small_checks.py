"""What one row of a small table can be wrong about: types, empty cells, vocabularies, units, signs, reserved names, its key.

A check is data: a condition and the SQL predicate of the rows that have it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.ingest import ai_checks, validity
from ccft.ingest.findings import delivered_key_sql, findings_sql
from ccft.ingest.types import DELIVERED, MALFORMED, UNREAD, expected, is_month, too_large_sql
from ccft.schema.columns import GLOBAL_LOCATION, GLOBAL_REGION, RESERVED_PRODUCT_CODES, UNASSIGNED, WORLDWIDE, Column
from ccft.schema.spark import quote
from ccft.schema.tables import Table

IS_FLAWED: Final = "_is_flawed"
COPY: Final = "_copy"
COPIES: Final = "_copies"
HAS_PARENT: Final = "_parent_of_"
"""Prefix: whether the parent table has the value of the column."""

PARENTS: Final = {
    "activity": {"cluster_id": "clusters"},
    "racks": {"cluster_id": "clusters"},
    "facility_assets": {"cluster_id": "clusters"},
    "accounts": {"owner_service_id": "services"},
    **ai_checks.PARENTS,
}
"""Columns that name a row of a table small enough to be sent to every executor."""
PARENT_KEY: Final = {"clusters": "cluster_id", "services": "service_id", **ai_checks.PARENT_KEY}
_UNKNOWN: Final = {
    "clusters": "CCFT-INPUT-UNKNOWN-CLUSTER",
    "services": "CCFT-INPUT-UNKNOWN-SERVICE",
    **ai_checks.UNKNOWN,
}

UNITS_OF_ACTIVITY: Final = {
    "electricity": ("MWh",),
    "generator_fuel": ("litre", "kg", "m3"),
    "natural_gas": ("m3",),
    "refrigerant": ("kg",),
}
UNITS_OF_FACTOR: Final = {
    "fuel_combustion": ("kg/litre", "kg/m3"),
    "fuel_upstream": ("kg/litre", "kg/m3"),
    "gwp": ("kg/kg",),
    "grid_generation": ("kg/MWh",),
    "grid_upstream": ("kg/MWh",),
    "grid_losses": ("kg/MWh",),
    "market_generation": ("kg/MWh",),
    "market_upstream": ("kg/MWh",),
    "carbon_free_share": ("1",),
}
CERTIFICATE_STATUS: Final = ("procured", "expected")
_IS_MARKET: Final = "factor_type IN ('market_generation', 'market_upstream')"
_FIRST_PERIOD: Final = "0001-01"


@dataclass(frozen=True)
class Check:
    """Rows for which the predicate `when` is true have the condition `code`.

    `column` is shown by name, `value` and `detail` (what is allowed, expected, the other value) are SQL.
    """

    code: str
    when: str
    column: str = ""
    value: str = "NULL"
    detail: str = "NULL"

    def sql(self) -> str:
        """Struct of the finding, null for sound rows."""
        fields = f"{quote(self.code)} AS condition, {quote(self.column)} AS column"
        texts = f"CAST({self.value} AS STRING) AS value, CAST({self.detail} AS STRING) AS detail"
        return f"CASE WHEN {self.when} THEN struct({fields}, {texts}) END"


def with_context(typed: DataFrame, table: Table, parents: Mapping[str, DataFrame]) -> DataFrame:
    """Add what the checks of a row need to know of other rows; grain unchanged.

    Parameters
    ----------
    typed
        Rows of `types.typed`.
    table
        Registry entry.
    parents
        Typed tables by name, as far as they are there.
    """
    rows = typed.selectExpr("*", *_neighbours(table))
    for column, parent in links(table, parents).items():
        rows = rows.join(F.broadcast(_ids(parents[parent], parent, column)), column, "left")
    return rows


def judged(rows: DataFrame, table: Table, parents: Mapping[str, DataFrame]) -> DataFrame:
    """Registry columns of the rows of `with_context`, `_is_flawed`, and for tables with validity its `COVERS`."""
    covers = validity.COVERS if validity.has_validity(table) else ()
    predicates = " OR ".join(f"({check.when})" for check in _checks_of(rows, table, parents))
    return rows.selectExpr(*table.column_names, *covers, f"coalesce({predicates}, false) AS {IS_FLAWED}")


def row_findings(rows: DataFrame, table: Table, parents: Mapping[str, DataFrame]) -> DataFrame:
    """What is wrong with the rows of `with_context`, as findings."""
    cases = ", ".join(check.sql() for check in _checks_of(rows, table, parents))
    listed = rows.selectExpr(f"{delivered_key_sql(table)} AS key", f"explode(array_compact(array({cases}))) AS f")
    shown = {"key": "key", "column": "f.column", "value": "f.value", "first": "f.value", "count": "f.value"}
    details = dict.fromkeys(("type", "allowed", "locations", "second"), "f.detail")
    return listed.selectExpr(*findings_sql(table, "f.condition", {**shown, **details}))


def links(table: Table, parents: Collection[str]) -> dict[str, str]:
    """Columns of a table that name a row of a parent table, as far as the parents are there."""
    return {column: parent for column, parent in PARENTS.get(table.name, {}).items() if parent in parents}


def _checks_of(rows: DataFrame, table: Table, parents: Collection[str]) -> tuple[Check, ...]:
    found = checks(table, links(table, parents))
    if MALFORMED not in rows.columns:
        return found
    line = f"left({MALFORMED}, 200)"
    broken = Check("CCFT-INPUT-WRONG-TYPE", f"{MALFORMED} IS NOT NULL", "row", line, "'as many fields as the header'")
    return broken, *(replace(check, when=f"{MALFORMED} IS NULL AND ({check.when})") for check in found)


def _ids(parents: DataFrame, parent: str, column: str) -> DataFrame:
    return parents.selectExpr(f"{PARENT_KEY[parent]} AS {column}", f"true AS {HAS_PARENT}{column}").distinct()


def _neighbours(table: Table) -> list[str]:
    """What a row has to know of others: copies of its key, the rows before and after it, its region."""
    order = "valid_from" if validity.has_validity(table) else table.key[0]
    window = f"(PARTITION BY {', '.join(validity.thing(table))} ORDER BY {order}"
    found = [
        f"count(*) OVER {window} RANGE BETWEEN CURRENT ROW AND CURRENT ROW) AS {COPIES}",
        f"row_number() OVER {window}) - rank() OVER {window}) + 1 AS {COPY}",
    ]
    if validity.has_validity(table):
        found += validity.covers_sql(f"OVER {window})")
    if table.name == "clusters":
        found.append("array_sort(collect_set(location) OVER (PARTITION BY region_code)) AS _locations")
        found.append("row_number() OVER (PARTITION BY region_code ORDER BY cluster_id) AS _in_region")
    return found


def checks(table: Table, linked: Mapping[str, str]) -> tuple[Check, ...]:
    """All checks of a small table; `linked`: columns whose parent table is there."""
    required = [f"{name} IS NOT NULL" for name in table.key if not table.column(name).nullable]
    duplicate = f"{COPIES} > 1 AND {COPY} = 1 AND {' AND '.join(required)}"
    orphans = [
        Check(_UNKNOWN[parent], f"{column} IS NOT NULL AND {HAS_PARENT}{column} IS NULL", column, column)
        for column, parent in linked.items()
    ]
    return (
        *(check for column in table.columns for check in column_checks(column)),
        Check("CCFT-INPUT-DUPLICATE-KEY", duplicate, value=COPIES),
        *orphans,
        *_OF_TABLE.get(table.name, lambda: ())(),
    )


def _list(names: Sequence[str]) -> str:
    return ", ".join(quote(name) for name in names)


def column_checks(column: Column) -> list[Check]:
    """What the registry says about a column."""
    name, text, unread = column.name, DELIVERED + column.name, UNREAD + column.name
    wrong = [f"({unread} AND NOT {too_large_sql(column)})"]
    if column.pattern:
        wrong.append(f"{name} NOT RLIKE r'^(?:{column.pattern})\\z'")
    if is_month(column):
        wrong.append(f"{name} < {quote(_FIRST_PERIOD)}")
    if column.type == "string":
        wrong.append(f"contains({name}, '\N{REPLACEMENT CHARACTER}')")
    found = [Check("CCFT-INPUT-WRONG-TYPE", f"({' OR '.join(wrong)})", name, text, quote(expected(column)))]
    if column.type.startswith("decimal"):
        found.append(Check("CCFT-INPUT-AMOUNT-TOO-LARGE", f"{unread} AND {too_large_sql(column)}", name, text))
    if not column.nullable:
        found.append(Check("CCFT-INPUT-MISSING-VALUE", f"{text} IS NULL", name))
    if column.values:
        allowed = quote(", ".join(column.values))
        found.append(Check("CCFT-INPUT-UNKNOWN-VALUE", f"{name} NOT IN ({_list(column.values)})", name, text, allowed))
    if column.minimum is not None:
        positive = "CCFT-INPUT-SERVICE-LIFE" if name == "service_life_months" else "CCFT-INPUT-BELOW-MINIMUM"
        code = positive if column.minimum else "CCFT-INPUT-NEGATIVE-QUANTITY"
        found.append(Check(code, f"{name} < {column.minimum}", name, text, quote(str(column.minimum))))
    return found


def _reserved(column: str, names: Sequence[str]) -> Check:
    return Check("CCFT-INPUT-RESERVED-PRODUCT", f"{column} IN ({_list(names)})", column, column)


def _units(subject: str, units: Mapping[str, Sequence[str]]) -> tuple[Check, ...]:
    """Units that the subject (activity, factor type) cannot have."""
    return tuple(
        Check(
            "CCFT-INPUT-WRONG-UNIT",
            f"{subject} = {quote(name)} AND unit NOT IN ({_list(allowed)})",
            "unit",
            "unit",
            quote(" or ".join(allowed)),
        )
        for name, allowed in units.items()
    )


def _validity() -> tuple[Check, ...]:
    """Validity that ends before it begins, or after the next row of the same thing begins."""
    return (
        Check(
            "CCFT-INPUT-WRONG-TYPE", "valid_to < valid_from", "valid_to", "valid_to", "'a month on or after valid_from'"
        ),
        Check(
            "CCFT-INPUT-OVERLAPPING-VALIDITY",
            validity.overlaps_sql(),
            value="valid_from",
            detail="covers_until",
        ),
    )


def _clusters() -> tuple[Check, ...]:
    is_global, place = f"region_code = {quote(GLOBAL_REGION)}", quote(GLOBAL_LOCATION)
    elsewhere = f"cluster_type = 'edge' AND location <> {place}"
    return (
        Check(
            "CCFT-INPUT-RESERVED-REGION",
            f"(cluster_type = 'edge') <> ({is_global})",
            value="region_code",
            detail="cluster_type",
        ),
        Check(
            "CCFT-INPUT-UNKNOWN-VALUE", elsewhere, "location", "location", quote(f"{GLOBAL_LOCATION} (edge clusters)")
        ),
        Check(
            "CCFT-INPUT-TWO-LOCATIONS",
            "region_code IS NOT NULL AND size(_locations) > 1 AND _in_region = 1",
            value="region_code",
            detail="array_join(_locations, '; ')",
        ),
        _reserved("cluster_id", (WORLDWIDE,)),
    )


def _activity() -> tuple[Check, ...]:
    without = "activity <> 'electricity' AND substance IS NULL"
    return (*_units("activity", UNITS_OF_ACTIVITY), Check("CCFT-INPUT-MISSING-VALUE", without, "substance"))


def _emission_factors() -> tuple[Check, ...]:
    share = "factor_type = 'carbon_free_share' AND value NOT BETWEEN 0 AND 1"
    only = "'(empty): market factors alone have an instrument'"
    foreign = f"NOT {_IS_MARKET} AND instrument IS NOT NULL"
    return (
        *_units("factor_type", UNITS_OF_FACTOR),
        Check("CCFT-INPUT-SHARE-OUT-OF-RANGE", share, "value", "value"),
        Check("CCFT-INPUT-MISSING-VALUE", f"{_IS_MARKET} AND {DELIVERED}instrument IS NULL", "instrument"),
        Check("CCFT-INPUT-UNKNOWN-VALUE", foreign, "instrument", "instrument", only),
        *_validity(),
    )


def _certificates() -> tuple[Check, ...]:
    unknown = f"status NOT IN ({_list(CERTIFICATE_STATUS)})"
    return (Check("CCFT-INPUT-UNKNOWN-VALUE", unknown, "status", "status", quote(", ".join(CERTIFICATE_STATUS))),)


def _racks() -> tuple[Check, ...]:
    after = "'a day on or after deployed_on'"
    return (
        Check("CCFT-INPUT-WRONG-TYPE", "retired_on < deployed_on", "retired_on", "retired_on", after),
        _reserved("rack_type", (UNASSIGNED,)),
    )


def _facility_assets() -> tuple[Check, ...]:
    without = f"asset_kind = 'equipment' AND {DELIVERED}service_life_months IS NULL"
    return (Check("CCFT-INPUT-SERVICE-LIFE", without, "service_life_months"),)


def _services() -> tuple[Check, ...]:
    return tuple(_reserved(column, RESERVED_PRODUCT_CODES) for column in ("service_id", "product_code"))


def _accounts() -> tuple[Check, ...]:
    foreign = "account_type <> 'internal' AND owner_service_id IS NOT NULL"
    return (Check("CCFT-INPUT-OWNER-NOT-INTERNAL", foreign, "owner_service_id", "account_type"), *_validity())


def _ai(name: str) -> Callable[[], tuple[Check, ...]]:
    """Checks of an AI table."""
    return lambda: tuple(Check(*found) for found in ai_checks.PREDICATES[name])


_OF_TABLE: Final[Mapping[str, Callable[[], tuple[Check, ...]]]] = {
    "clusters": _clusters,
    "activity": _activity,
    "emission_factors": _emission_factors,
    "certificates": _certificates,
    "racks": _racks,
    "facility_assets": _facility_assets,
    "services": _services,
    "accounts": _accounts,
    **{name: _ai(name) for name in ai_checks.PREDICATES},
    "ai_deployments": _validity,
}
