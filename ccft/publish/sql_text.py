"""Pieces of SQL text that Spark and DuckDB read alike: exact masses in, exact masses, quanta or exported values out."""

from collections.abc import Iterable, Sequence

from ccft.schema.columns import MEASURES
from ccft.schema.units import GRAMS_PER_KG, GRAMS_PER_TONNE, MASS, MASS_SCALE, QUANTA_PER_KG
from ccft.schema.view_columns import DERIVED


def indented(items: Iterable[str], by: int = 2) -> str:
    """A list of expressions, one a line."""
    return ",\n".join(" " * by + item for item in items)


def same_slice(left: str, right: str) -> str:
    """Join condition: the same period and methodology version."""
    return " AND ".join(f"{left}.{name} = {right}.{name}" for name in ("usage_period", "methodology_version"))


def sum_of(mass: str) -> str:
    """Sum of masses (kg) in the type that every total has: engines differ in the type of a sum."""
    return f"CAST(sum({mass}) AS {MASS})"


def masses(measures: Sequence[str], alias: str = "a") -> str:
    """Sum of several measures of one row, kg."""
    return f"CAST({' + '.join(f'{alias}.{measure}_kg' for measure in measures)} AS {MASS})"


def mass_sums(alias: str) -> list[str]:
    """Sums of all measures and of the derived totals, kg, as columns."""
    plain = [f"{sum_of(f'{alias}.{measure}_kg')} AS {measure}_kg" for measure in MEASURES]
    derived = [f"{sum_of(masses(parts, alias))} AS {name}_kg" for name, parts in DERIVED.items()]
    return [*plain, *derived]


def quanta_sql(kilograms: str) -> str:
    """Whole micrograms (BIGINT) of a mass in kg; exact, in a type that has room for the product in every engine."""
    return f"CAST(CAST({kilograms} AS {MASS}) * {QUANTA_PER_KG} AS BIGINT)"


def kilograms_sql(quanta: str) -> str:
    """Mass in kg of whole micrograms (BIGINT); exact."""
    one_quantum = f"CAST(0.{'1'.zfill(MASS_SCALE)} AS DECIMAL({MASS_SCALE},{MASS_SCALE}))"
    return f"CAST(CAST({quanta} AS DECIMAL(19,0)) * {one_quantum} AS {MASS})"


def mtco2e_sql(kilograms: str) -> str:
    """Exported value of an exact mass: half up to whole grams, then MTCO2e as a double (publish page, section 1).

    The cast to three decimals rounds half up in every engine, the product is whole, and the one division of a double is the same everywhere.
    """
    grams = f"CAST(CAST({kilograms} AS DECIMAL(25,3)) * {GRAMS_PER_KG} AS BIGINT)"
    return f"{grams} / {GRAMS_PER_TONNE:.0e}".replace("e+0", "e")
