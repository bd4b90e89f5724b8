"""Which result was current before: restatements and recasts, from the log of runs (publish page, section 0)."""

from collections import defaultdict
from dataclasses import dataclass

import pyarrow as pa

from ccft.audit import published
from ccft.audit.published import Line
from ccft.methodology.model import methodology


@dataclass(frozen=True)
class Replaced:
    """A period whose current result replaced another: by a restatement, or by a version of higher rank."""

    before: Line
    after: Line


def replaced(run_log: pa.Table) -> list[Replaced]:
    """The last replacement of each period that had one, in order of periods.

    A version of lower rank, published beside the current one or restated, changes nothing that readers see.
    """
    by_period: dict[str, list[Line]] = defaultdict(list)
    for (period, _), lines in published.history(run_log).items():
        by_period[period] += lines
    found = []
    for _, lines in sorted(by_period.items()):
        currents = _currents(sorted(lines, key=lambda line: line.finished_at))
        if len(currents) > 1:
            found.append(Replaced(currents[-2], currents[-1]))
    return found


def _currents(lines: list[Line]) -> list[Line]:
    """Lines that were current, one after the other, from a period's published lines in order of time."""
    currents: list[Line] = []
    for line in lines:
        is_current = not currents or _rank(line) >= _rank(currents[-1])
        if is_current and (not currents or line.run_id != currents[-1].run_id):
            currents.append(line)
    return currents


def _rank(line: Line) -> int:
    return methodology(line.methodology_version).rank
