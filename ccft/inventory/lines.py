"""The shape of inventory lines, shared by all sources."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from ccft.schema.columns import EVIDENCE

LINE_KEY: Final = ("usage_period", "cluster_id", "rack_type", "measure", "source")
LINE_COLUMNS: Final = (*LINE_KEY, "quanta", *EVIDENCE, "instrument", "factor_references")
REFERENCE_FIELDS: Final = (
    "factor_type",
    "factor_key",
    "instrument",
    "valid_from",
    "value",
    "unit",
    "source",
    "vintage",
)

LINE_SCHEMA: Final = pa.schema(
    [
        *((name, pa.string()) for name in LINE_KEY),
        ("quanta", pa.int64()),
        *((name, pa.int64()) for name in EVIDENCE),
        ("instrument", pa.string()),
        ("factor_references", pa.string()),
    ]
)


@dataclass(frozen=True)
class Factor:
    """An emission factor as delivered; `value` in whole 1e-9 of its unit."""

    factor_type: str
    factor_key: str
    instrument: str | None
    valid_from: str
    valid_to: str | None
    value: int
    unit: str
    source: str
    vintage: int

    def reference(self) -> dict[str, object]:
        """What an inventory row records of the factor."""
        whole, part = divmod(abs(self.value), 10**9)
        sign = "-" if self.value < 0 else ""
        return {
            "factor_type": self.factor_type,
            "factor_key": self.factor_key,
            "instrument": self.instrument,
            "valid_from": self.valid_from,
            "value": f"{sign}{whole}.{part:09d}",
            "unit": self.unit,
            "source": self.source,
            "vintage": self.vintage,
        }


def references(factors: Iterable[Factor]) -> str:
    """JSON list of the factors of a line, each once, in a fixed order."""
    unique = {json.dumps(factor.reference(), ensure_ascii=False) for factor in factors}
    return "[" + ", ".join(sorted(unique)) + "]"
