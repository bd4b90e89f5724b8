"""A model's label as a document: JSON, and a picture (SVG) that says the same.

Everything that a reader needs to judge the grade is on it: boundary, period, validity, tier, coverage, threshold version. What is estimated, or not
rated, is said as large as the grade.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from hashlib import sha256
from importlib import resources
from textwrap import wrap
from typing import Any, Final

from jinja2 import Environment, StrictUndefined, Template

from ccft.ai import grades
from ccft.ai.facts import ESTIMATED_TIER
from ccft.ai.labels import plain
from ccft.kernel.quotients import quotient
from ccft.periods import shift

Row = Mapping[str, Any]
FORMAT: Final = "ccft-ai-label/1"
BOUNDARY: Final = "serving and idle serving capacity, facility energy (PUE included)"
CARBON_BOUNDARY: Final = (
    "Scope 1, Scope 2 location-based and FERA; in use, overheads, residual; no hardware, no unused capacity"
)
VALID_MONTHS: Final = 12
_SHOWN_DIGITS: Final = 3
_NAME_WIDTH: Final = 24
_NAME_LINES: Final = 2
_REASON_WIDTH: Final = 44


def significant(value: Decimal, digits: int = _SHOWN_DIGITS) -> str:
    """A figure with so many significant digits, without an exponent.

    >>> [significant(Decimal(text)) for text in ("0.43776", "0.090239", "1234.5", "0", "0.9999")]
    ['0.438', '0.0902', '1230', '0', '1']
    """
    if not value:
        return "0"
    places = digits - 1 - value.adjusted()
    rounded = quotient(value, 1, places)
    return plain(rounded)


def _graded(row: Row, unit: str, bounds: Iterable[tuple[str, Decimal]]) -> dict[str, Any]:
    value = row["graded_value"]
    return {
        "grade": row["grade"],
        "value": None if value is None else plain(value),
        "shown": None if value is None else significant(value),
        "unit": unit,
        "bounds": {name: plain(bound) for name, bound in bounds},
        "not_rated_because": row["not_rated_because"],
    }


def _stars(row: Row) -> dict[str, Any]:
    return {
        "stars": None if row["grade"] is None else int(row["grade"]),
        "peers": row["peers"],
        "not_rated_because": row["not_rated_because"],
    }


def document(labels: Iterable[Row], measures: str = "", *, is_provider_only: bool = False) -> dict[str, Any]:
    """A model's label as plain values, ready for JSON.

    Parameters
    ----------
    labels
        The rows of `ai_labels` of one model, period and version.
    measures
        Measures that the methodology version computes.
    is_provider_only
        Too few customers to publish it: it could reveal one of them.
    """
    rows = {row["label_kind"]: row for row in labels}
    energy = rows["energy"]
    ratio, coverage, tier = energy["in_out_ratio"], energy["coverage"], energy["tier"]
    return {
        "format": FORMAT,
        "model_id": energy["model_id"],
        "task": energy["task"],
        "period": energy["usage_period"],
        "valid_until": shift(energy["usage_period"], VALID_MONTHS),
        "methodology_version": energy["methodology_version"],
        "thresholds_version": energy["thresholds_version"],
        "run_id": energy["run_id"],
        "boundary": BOUNDARY,
        "carbon_boundary": CARBON_BOUNDARY,
        "measures": measures,
        "is_provider_only": is_provider_only,
        "energy": _graded(energy, "Wh per 1,000 output tokens", grades.ENERGY_BOUNDS),
        "carbon": _graded(rows["carbon"], "g CO2e per 1,000 output tokens", grades.CARBON_BOUNDS),
        "stars": {"equal_width": _stars(rows["stars_equal_width"]), "quantile": _stars(rows["stars_quantile"])},
        "in_out_ratio": None if ratio is None else significant(ratio),
        "tier": tier,
        "is_estimated": tier is not None and tier >= ESTIMATED_TIER,
        "coverage": None if coverage is None else plain(coverage),
        "active_days": energy["active_days"],
    }


def lines(text: str, width: int, most: int) -> list[str]:
    """Text in lines of at most `width` characters; what does not fit ends in an ellipsis.

    >>> lines("a-very-long-name", 8, 2), lines("short", 8, 2)
    (['a-very-', 'long-na…'], ['short'])
    """
    parts = wrap(text, width, break_on_hyphens=True) or [""]
    if len(parts) <= most:
        return parts
    return [*parts[: most - 1], "".join(parts[most - 1 :])[: width - 1] + "…"]


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    text = resources.files("ccft.ai").joinpath("templates/label.svg.j2").read_text(encoding="utf-8")
    return environment.from_string(text)


def _printable(value: str) -> str:
    """Text without characters that XML forbids."""
    return "".join(char if char.isprintable() else "\ufffd" for char in value)


def svg(label: Mapping[str, Any]) -> str:
    """The label of `document` as a picture; text from outside is escaped."""
    name = _printable(label["model_id"])
    reason = label["energy"]["not_rated_because"] or label["carbon"]["not_rated_because"] or ""
    key = "label-" + sha256(f"{name} {label['period']} {label['methodology_version']}".encode()).hexdigest()[:8]
    return _template().render(
        label={**label, "model_id": name, "task": _printable(label["task"])},
        key=key,  # several labels may stand in one page: ids of their own
        grades=grades.GRADES,
        name_lines=lines(name, _NAME_WIDTH, _NAME_LINES),
        reason_lines=lines(reason, _REASON_WIDTH, 3) if reason else [],
    )
