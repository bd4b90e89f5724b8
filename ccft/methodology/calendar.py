"""Which version a month has by default (methodology section 4, first row)."""

from ccft.errors import fail
from ccft.methodology.model import Methodology, known_versions


def in_effect(period: str) -> Methodology:
    """The version in effect for a usage month.

    >>> in_effect("2024-12").version, in_effect("2025-01").version, in_effect("2025-10").version
    ('v1.0', 'v2.0', 'v3.0')
    """
    for version in known_versions().values():
        starts = not version.effective_from or version.effective_from <= period
        if starts and (not version.effective_to or period <= version.effective_to):
            return version
    raise fail("CCFT-USAGE-UNKNOWN-METHODOLOGY", value=f"of {period}", known=", ".join(known_versions()))
