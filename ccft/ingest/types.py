"""Delivered columns in the registry's types: exactly, or not at all.

| delivered | registry | result |
|---|---|---|
| text `12.5`, `0E-9` | decimal(18,6) | 12.500000, 0.000000 |
| text `1.0000001` | decimal(18,6) | not readable: a seventh decimal would be lost |
| double 0.30000000000000004 | decimal(18,6) | 0.300000, half up: doubles have no exact decimals |
| bigint 42 | string (an id) | the whole column is refused: leading zeros are gone |
| timestamp at midnight | date | its day |

Expressions are SQL text: a table of ten columns is planned in one call, and reads like the checks in `small_checks`.
"""

from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql.types import (
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    FractionalType,
    IntegerType,
    IntegralType,
    LongType,
    StringType,
    TimestampNTZType,
    TimestampType,
)

from ccft.errors import Problem
from ccft.schema.columns import Column
from ccft.schema.tables import Table

MALFORMED: Final = "_malformed"
"""Column of CSV frames: the line, where it has more or fewer fields than the header; null otherwise."""
UNREAD: Final = "_unread_"
"""Prefix of flags: the delivered value cannot be read."""
DELIVERED: Final = "_delivered_"
"""Prefix of delivered values, as text."""

_NUMBER: Final = r"^[+-]?[0-9]*\.?[0-9]*([eE][+-]?[0-9]+)?\z"
_SCIENTIFIC: Final = r"^[+-]?[0-9](\.[0-9]{0,18})?[eE][+-]?[0-9]{1,3}\z"
_SCIENTIFIC_ZERO: Final = r"^[+-]?0(\.0*)?[eE]"
_MANTISSA_DIGITS: Final = 19
_DATE: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\z"
_HOUR: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}(:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?\z"
)
_INTEGER: Final = r"^[+-]?[0-9]+\z"
_INSTANTS: Final = "TIMESTAMP'0001-01-01 00:00:00' AND TIMESTAMP'9999-12-31 23:00:00'"
_DAYS: Final = "DATE'0001-01-01' AND DATE'9999-12-31'"

_WHOLE: Final[dict[str, type[DataType]]] = {"int": IntegerType, "bigint": LongType}
_SOURCES: Final[dict[str, tuple[type[DataType], ...]]] = {
    "string": (StringType,),
    "decimal": (StringType, DecimalType, IntegralType, FractionalType),
    "date": (StringType, DateType, TimestampType, TimestampNTZType),
    "boolean": (StringType, BooleanType),
    "int": (StringType, IntegralType, DecimalType, FractionalType),
    "bigint": (StringType, IntegralType, DecimalType, FractionalType),
    "timestamp": (StringType, TimestampType, TimestampNTZType),
}


def _kind(column: Column) -> str:
    return column.type.split("(")[0]


def _decimal(column: Column) -> DecimalType:
    precision, scale = column.type.removeprefix("decimal(").removesuffix(")").split(",")
    return DecimalType(int(precision), int(scale))


def is_month(column: Column) -> bool:
    """Whether the text of a column is an accounting month."""
    return column.name in {"period", "valid_from", "valid_to"}


def expected(column: Column) -> str:
    """What a value of the column looks like, for messages."""
    if is_month(column):
        return "a month (YYYY-MM)"
    if column.pattern:
        return "12 digits"
    if _kind(column) == "decimal":
        return f"a number with at most {_decimal(column).scale} decimals"
    kinds = {
        "date": "a date (YYYY-MM-DD)",
        "timestamp": "the start of an hour in UTC (YYYY-MM-DDTHH:00:00Z)",
        "boolean": "true or false",
        "int": "a whole number",
        "bigint": "a whole number",
    }
    return kinds.get(_kind(column), "text")


def column_problems(frame: DataFrame, table: Table) -> list[Problem]:
    """Columns that are missing, or of a type that cannot hold what the registry says."""
    delivered = {field.name.lower(): field.dataType for field in frame.schema.fields}
    problems = []
    for column in table.columns:
        if column.name not in delivered:
            problems.append(Problem("CCFT-INPUT-MISSING-COLUMN", {"table": table.name, "column": column.name}))
        elif not isinstance(delivered[column.name], _SOURCES[_kind(column)]):
            found = delivered[column.name].simpleString()
            kind = f"text: {expected(column)}" if column.pattern else expected(column)
            values = {"key": "(whole column)", "column": column.name, "value": found, "type": kind}
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
    others = [f"`{name}`" for name in frame.columns if name.lower() not in table.column_names]
    values, flags, texts = [], [], []
    for column in table.columns:
        name, source = column.name, sources[column.name]
        delivered = f"nullif({name}, '')" if isinstance(source, StringType) else name
        value = value_sql(delivered, source, column)
        values.append(f"{value} AS {name}")
        unread = "false" if value == delivered else f"{delivered} IS NOT NULL AND {value} IS NULL"
        flags.append(f"{unread} AS {UNREAD}{name}")
        texts.append(f"CAST({delivered} AS STRING) AS {DELIVERED}{name}")
    return frame.selectExpr(*others, *values, *flags, *texts)


def too_large_sql(column: Column) -> str:
    """Whether an unreadable value of `typed` is a number above the range of its type."""
    if _kind(column) != "decimal":
        return "false"
    text = DELIVERED + column.name
    return f"({text} RLIKE r'{_NUMBER}' AND {text} RLIKE '[0-9]' AND try_cast({text} AS {column.type}) IS NULL)"


def value_sql(delivered: str, source: DataType, column: Column) -> str:
    """SQL of a value in its registry type; null when it is not readable. `delivered` itself where nothing is to be done."""
    kind = _kind(column)
    if kind == "decimal":
        return _decimal_sql(delivered, source, column)
    if kind == "date":
        return f"CASE WHEN {_date_sql(delivered, source)} BETWEEN {_DAYS} THEN {_date_sql(delivered, source)} END"
    if kind == "timestamp":
        return _hour_sql(delivered, source)
    if kind in _WHOLE and not isinstance(source, _WHOLE[kind]):
        return _int_sql(delivered, source, kind)
    if kind == "boolean" and isinstance(source, StringType):
        return f"CASE WHEN lower({delivered}) IN ('true', 'false') THEN lower({delivered}) = 'true' END"
    return delivered


def _decimal_sql(delivered: str, source: DataType, column: Column) -> str:
    target = _decimal(column)
    value = f"try_cast({delivered} AS {column.type})"
    if source == target:
        return delivered
    if isinstance(source, StringType):
        plain = rf"{delivered} RLIKE r'^[+-]?[0-9]*\.?[0-9]{{0,{target.scale}}}0*\z'"
        return f"CASE WHEN {plain} THEN {value} WHEN {_is_exact_scientific(delivered, value, target)} THEN {value} END"
    if isinstance(source, DecimalType) and source.scale > target.scale:
        return f"CASE WHEN try_cast({value} AS {source.simpleString()}) = {delivered} THEN {value} END"
    return value


def _is_exact_scientific(text: str, value: str, target: DecimalType) -> str:
    """Whether scientific notation is held without loss.

    A mantissa has at most 19 digits here, so a value that does not round to zero ends within 19 decimals of the target's last.
    """
    wide = f"try_cast({text} AS decimal(38,{target.scale + _MANTISSA_DIGITS}))"
    return f"{text} RLIKE r'{_SCIENTIFIC}' AND IF({value} = 0, {text} RLIKE r'{_SCIENTIFIC_ZERO}', {wide} = {value})"


def _date_sql(delivered: str, source: DataType) -> str:
    if isinstance(source, StringType):
        return f"IF({delivered} RLIKE r'{_DATE}', try_cast({delivered} AS DATE), NULL)"
    if isinstance(source, DateType):
        return delivered
    is_midnight = f"date_trunc('day', {delivered}) = {delivered}"
    return f"IF({is_midnight}, try_cast({delivered} AS DATE), NULL)"


def _hour_sql(delivered: str, source: DataType) -> str:
    """Instant at which an hour starts; sessions are in UTC, so that text without a zone is UTC."""
    value = f"try_cast({delivered} AS TIMESTAMP)"
    if isinstance(source, StringType):
        value = f"IF({delivered} RLIKE r'{_HOUR}', {value}, NULL)"
    return f"CASE WHEN {value} BETWEEN {_INSTANTS} AND date_trunc('hour', {value}) = {value} THEN {value} END"


def _int_sql(delivered: str, source: DataType, kind: str) -> str:
    value = f"try_cast({delivered} AS {kind.upper()})"
    if isinstance(source, StringType):
        return f"IF({delivered} RLIKE r'{_INTEGER}', {value}, NULL)"
    return f"IF(CAST({value} AS DOUBLE) = CAST({delivered} AS DOUBLE), {value}, NULL)"
