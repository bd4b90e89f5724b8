"""What a column of the registry is."""

from dataclasses import dataclass
from typing import Final

from ccft.schema.units import MASS

MASS_UNIT: Final = "kg CO2e"


@dataclass(frozen=True)
class Column:
    """One column as every table shows it.

    Parameters
    ----------
    name, type
        Name as in the contract; Spark SQL type.
    description
        What a reader needs to know; becomes the Delta column comment.
    unit
        Unit of amounts, empty for text.
    values
        Allowed values of a closed vocabulary.
    nullable
        Whether null is allowed; a table may relax it with `name?`.
    minimum, maximum
        Inclusive bounds that inputs must keep.
    pattern
        Regular expression that the whole text must match.
    """

    name: str
    type: str
    description: str
    unit: str = ""
    values: tuple[str, ...] = ()
    nullable: bool = False
    minimum: int | None = None
    maximum: int | None = None
    pattern: str = ""


def text(name: str, description: str, *, values: tuple[str, ...] = (), pattern: str = "") -> Column:
    """A text column."""
    return Column(name, "string", description, values=values, pattern=pattern)


def kg(name: str, description: str, kind: str = MASS) -> Column:
    """A mass; its name ends in `_kg`."""
    return Column(name, kind, description, unit=MASS_UNIT)
