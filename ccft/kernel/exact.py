"""Exact amounts in Spark expressions: decimals of tables to integers of the kernel and back, nothing through doubles."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from ccft.kernel.unscaled import from_unscaled, unscaled
from ccft.schema.units import MASS, MASS_SCALE, Q_SCALE, QUANTA_PER_KG, ROW_MASS, Q


def micros(quantity: str | Column) -> Column:
    """Quantity decimal(18,6) as whole 1e-6 units (BIGINT)."""
    return unscaled(F.col(quantity) if isinstance(quantity, str) else quantity, Q)


def quanta(mass: str | Column) -> Column:
    """Mass in kg, decimal(.,9), as whole micrograms (BIGINT)."""
    column = F.col(mass) if isinstance(mass, str) else mass
    return (column * F.lit(QUANTA_PER_KG).cast("decimal(10,0)")).cast("bigint")


def kilograms(mass_quanta: str | Column, kind: str = MASS) -> Column:
    """Whole micrograms (BIGINT) as kg, decimal(28,9) unless told otherwise."""
    column = F.col(mass_quanta) if isinstance(mass_quanta, str) else mass_quanta
    one_quantum = F.lit(f"1E-{MASS_SCALE}").cast(f"decimal({MASS_SCALE},{MASS_SCALE})")
    return (column.cast("decimal(19,0)") * one_quantum).cast(kind)


def row_quanta(row_mass: str) -> Column:
    """Mass of one account row in kg, decimal(18,9), as whole micrograms (BIGINT)."""
    return unscaled(F.col(row_mass), ROW_MASS)


def row_kilograms(mass_quanta: str | Column) -> Column:
    """Whole micrograms of one account row as kg, decimal(18,9); more than 999,999 t is an error."""
    return from_unscaled(F.col(mass_quanta) if isinstance(mass_quanta, str) else mass_quanta, ROW_MASS)


def half_up_quotient(numerator: str, denominator: str) -> Column:
    """`numerator / denominator` rounded half up to a whole number (BIGINT), exact, for amounts of 0 or more.

    Both are SQL expressions of integer decimals; Spark's own decimal division would cut the quotient at a fixed scale.
    """
    return F.expr(f"(2 * ({numerator}) + ({denominator})) div (2 * ({denominator}))")


def row_units(quantity_micros: str | Column) -> Column:
    """Whole 1e-6 units (BIGINT) as a quantity decimal(18,6); more than 12 digits before the point is an error."""
    return from_unscaled(F.col(quantity_micros) if isinstance(quantity_micros, str) else quantity_micros, Q)


def units(quantity_micros: str | Column) -> Column:
    """Whole 1e-6 units (BIGINT) as a sum of quantities, decimal(28,6)."""
    column = F.col(quantity_micros) if isinstance(quantity_micros, str) else quantity_micros
    one_micro = F.lit(f"1E-{Q_SCALE}").cast(f"decimal({Q_SCALE},{Q_SCALE})")
    return (column.cast("decimal(19,0)") * one_micro).cast("decimal(28,6)")
