"""Delivered columns in the registry's types: exactly, or not at all.

| delivered | registry | result |
|---|---|---|
| text `12.5`, `0E-9` | decimal(18,6) | 12.500000, 0.000000 |
| text `1.0000001` | decimal(18,6) | not readable: a seventh decimal would be lost |
| double 0.30000000000000004 | decimal(18,6) | 0.300000, half up: doubles have no exact decimals |
| bigint 42 | string (an id) | the whole column is refused: leading zeros are gone |
| timestamp at midnight | date | its day |
"""

from dataclasses import dataclass
from typing import Final

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    FractionalType,
    IntegralType,
    StringType,
    TimestampNTZType,
    TimestampType,
    _parse_datatype_string,
)

from ccft.errors import Problem
from ccft.schema.columns import Column
from ccft.schema.tables import Table

UNREAD: Final = "_unread_"
"""Prefix of flags: the delivered value cannot be read."""
DELIVERED: Final = "_delivered_"
"""Prefix of delivered values, as text."""

_NUMBER: Final = r"^[+-]?[0-9]*\.?[0-9]*([eE][+-]?[0-9]+)?\z"
_SCIENTIFIC: Final = r"^[+-]?[0-9](\.[0-9]{0,18})?[eE][+-]?[0-9]{1,3}\z"
_ZERO: Final = r"^[+-]?0(\.0*)?[eE]"
_MANTISSA_DECIMALS: Final = 18
_DATE: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\z"
_FIRST_DAY: Final = "0001-01-01"
_LAST_DAY: Final = "9999-12-31"

_SOURCES: Final[dict[str, tuple[type[DataType], ...]]] = {
    "string": (StringType,),
    "decimal": (StringType, DecimalType, IntegralType, FractionalType),
    "date": (StringType, DateType, TimestampType, TimestampNTZType),
    "boolean": (StringType, BooleanType),
    "int": (StringType, IntegralType, DecimalType, FractionalType),
}


@dataclass(frozen=True)
class _Decimal:
    precision: int
    scale: int


def _kind(column: Column) -> str:
    return column.type.split("(")[0]


def _decimal(column: Column) -> _Decimal:
    precision, scale = column.type.removeprefix("decimal(").removesuffix(")").split(",")
    return _Decimal(int(precision), int(scale))


def expected(column: Column) -> str:
    """What a value of the column looks like, for messages."""
    if column.name in {"period", "valid_from", "valid_to"}:
        return "a month (YYYY-MM)"
    if column.pattern:
        return "12 digits"
    if _kind(column) == "decimal":
        return f"a number with at most {_decimal(column).scale} decimals"
    return {"date": "a date (YYYY-MM-DD)", "boolean": "true or false", "int": "a whole number"}.get(_kind(column), "text")


def column_problems(frame: DataFrame, table: Table) -> list[Problem]:
    """Columns that are missing, or of a type that cannot hold what the registry says."""
    delivered = {field.name.lower(): field.dataType for field in frame.schema.fields}
    problems = []
    for column in table.columns:
        if column.name not in delivered:
            problems.append(Problem("CCFT-INPUT-MISSING-COLUMN", {"table": table.name, "column": column.name}))
        elif not isinstance(delivered[column.name], _SOURCES[_kind(column)]):
            found = delivered[column.name].simpleString()
            values = {"key": "(whole column)", "column": column.name, "value": found, "type": expected(column)}
            problems.append(Problem("CCFT-INPUT-WRONG-TYPE", {"table": table.name, **values}))
    return problems


def typed(frame: DataFrame, table: Table) -> DataFrame:
    """Convert a delivered table to the registry's types.

    Parameters
    ----------
    frame
        Raw rows; `column_problems` found nothing.
    table
        Registry entry.

    Returns
    -------
    DataFrame
        Grain unchanged. The delivered columns that the registry does not know, the registry's columns in its types (null
        when empty or not readable), and for each of these `_unread_<name>` and `_delivered_<name>` (text).
    """
    sources = {field.name.lower(): field.dataType for field in frame.schema.fields}
    known = set(table.column_names)
    others = [F.col(f"`{name}`") for name in frame.columns if name.lower() not in known]
    values, flags, texts = [], [], []
    for column in table.columns:
        source = sources[column.name]
        delivered = _empty_as_null(F.col(column.name), source)
        value = _value(delivered, source, column)
        values.append(value.alias(column.name))
        flags.append(_unread(delivered, value, source, column).alias(UNREAD + column.name))
        texts.append(delivered.cast("string").alias(DELIVERED + column.name))
    return frame.select(*others, *values, *flags, *texts)


def is_too_large(column: Column) -> SparkColumn:
    """Whether an unreadable value is a number above the range of its type."""
    if _kind(column) != "decimal":
        return F.lit(False)
    text = F.col(DELIVERED + column.name)
    return text.rlike(_NUMBER) & text.rlike("[0-9]") & text.try_cast(column.type).isNull()


def _is_same(source: DataType, column: Column) -> bool:
    return source == _parse_type(column) and _kind(column) != "date"


def _parse_type(column: Column) -> DataType:
    if _kind(column) == "decimal":
        parts = _decimal(column)
        return DecimalType(parts.precision, parts.scale)
    simple: dict[str, DataType] = {"string": StringType(), "boolean": BooleanType(), "date": DateType()}
    return simple.get(_kind(column)) or _parse_datatype_string(column.type)


def _empty_as_null(delivered: SparkColumn, source: DataType) -> SparkColumn:
    return F.nullif(delivered, F.lit("")) if isinstance(source, StringType) else delivered


def _unread(delivered: SparkColumn, value: SparkColumn, source: DataType, column: Column) -> SparkColumn:
    return F.lit(False) if _is_same(source, column) else delivered.isNotNull() & value.isNull()


def _value(delivered: SparkColumn, source: DataType, column: Column) -> SparkColumn:
    if _is_same(source, column):
        return delivered
    kind = _kind(column)
    if kind == "decimal":
        return _decimal_value(delivered, source, column)
    if kind == "date":
        return _date_value(delivered, source)
    if kind == "int":
        return _int_value(delivered, source)
    lower = F.lower(delivered)
    return F.when(lower.isin("true", "false"), lower.try_cast("boolean")) if kind == "boolean" else delivered


def _decimal_value(delivered: SparkColumn, source: DataType, column: Column) -> SparkColumn:
    target = _decimal(column)
    value = delivered.try_cast(column.type)
    if isinstance(source, StringType):
        plain = delivered.rlike(rf"^[+-]?[0-9]*\.?[0-9]{{0,{target.scale}}}0*\z")
        return F.when(plain | _is_exact_scientific(delivered, value, target), value)
    if isinstance(source, DecimalType) and source.scale > target.scale:
        return F.when(value.try_cast(source) == delivered, value)
    return value


def _is_exact_scientific(text: SparkColumn, value: SparkColumn, target: _Decimal) -> SparkColumn:
    """Whether scientific notation is held without loss.

    A mantissa has at most 19 digits here, so a value that does not round to zero ends within 19 decimals of the target's last.
    """
    wide = text.try_cast(f"decimal(38,{target.scale + _MANTISSA_DECIMALS + 1})")
    return text.rlike(_SCIENTIFIC) & F.when(value == 0, text.rlike(_ZERO)).otherwise(wide == value)


def _date_value(delivered: SparkColumn, source: DataType) -> SparkColumn:
    if isinstance(source, StringType):
        day = F.when(delivered.rlike(_DATE), delivered.try_cast("date"))
    elif isinstance(source, DateType):
        day = delivered
    else:
        day = F.when(F.date_trunc("day", delivered).cast(source) == delivered, delivered.try_cast("date"))
    return F.when(day.between(F.lit(_FIRST_DAY).cast("date"), F.lit(_LAST_DAY).cast("date")), day)


def _int_value(delivered: SparkColumn, source: DataType) -> SparkColumn:
    value = delivered.try_cast("int")
    if isinstance(source, StringType):
        return F.when(delivered.rlike(r"^[+-]?[0-9]+\z"), value)
    return F.when(value.cast("double") == delivered.cast("double"), value)
