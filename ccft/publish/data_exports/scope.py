"""What an export covers: the months of the window, the versions of each month, and who gets them."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from ccft.errors import fail
from ccft.methodology.model import known_versions
from ccft.periods import shift
from ccft.publish.data_exports.manifest import ManifestRestatement
from ccft.schema.columns import MEASURES

WINDOW_MONTHS: Final = 38
ALL_VERSIONS: Final = "all"
_OPEN: Final = "9999-12"


@dataclass(frozen=True)
class Slice:
    """A published period x version, as exports see it."""

    period: str
    version: str
    run_id: str
    finished_at: datetime
    table_versions: Mapping[str, int] = field(compare=False)
    is_current: bool
    restatement: ManifestRestatement | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Period and version: the order of everything."""
        return self.period, self.version

    @property
    def measures_not_computed(self) -> tuple[str, ...]:
        """Measures that the version does not have; nothing is said of a version that this software does not know."""
        policy = known_versions().get(self.version)
        return tuple(measure for measure in MEASURES if policy and measure not in policy.measures)


def window(newest: str, first: str = "", last: str = "") -> tuple[str, str]:
    """First and last month of an export, both inclusive.

    Parameters
    ----------
    newest
        Newest published period.
    first, last
        As asked for; empty = the 38 calendar months that end with the newest published period.

    Examples
    --------
    >>> window("2025-06")
    ('2022-05', '2025-06')
    >>> window("2025-06", first="2020-01")
    ('2020-01', '2025-06')
    """
    bounds = first or shift(newest, 1 - WINDOW_MONTHS), last or newest
    if bounds[1] < bounds[0]:
        raise fail("CCFT-USAGE-BAD-RANGE", first=bounds[0], last=bounds[1])
    return bounds


def chosen(slices: Iterable[Slice], bounds: tuple[str, str], methodology: str = "") -> list[Slice]:
    """Slices of an export in order: of the window's months, the current version, the one asked for, or `all`.

    Raises
    ------
    CcftError
        `CCFT-USAGE-UNKNOWN-METHODOLOGY` for a version that neither this software nor the lake knows.
    """
    known = list(slices)
    versions = {item.version for item in known} | set(known_versions())
    if methodology and methodology != ALL_VERSIONS and methodology not in versions:
        raise fail("CCFT-USAGE-UNKNOWN-METHODOLOGY", value=methodology, known=", ".join(sorted(versions)))
    wanted = [item for item in known if bounds[0] <= item.period <= bounds[1]]
    if not methodology:
        wanted = [item for item in wanted if item.is_current]
    elif methodology != ALL_VERSIONS:
        wanted = [item for item in wanted if item.version == methodology]
    return sorted(wanted, key=lambda item: item.key)


def first_months(accounts: pa.Table) -> dict[str, str]:
    """First month of every account that is, or is part of, an organisation: before it nothing is delivered.

    Parameters
    ----------
    accounts
        `account_id, payer_account_id, valid_from`.
    """
    pairs = [
        pa.table({"id": accounts[name], "valid_from": accounts["valid_from"]})
        for name in ("account_id", "payer_account_id")
    ]
    first = pa.concat_tables(pairs).group_by("id").aggregate([("valid_from", "min")])
    return dict(zip(first["id"].to_pylist(), first["valid_from_min"].to_pylist(), strict=True))


def payers_valid_in(accounts: pa.Table, bounds: tuple[str, str]) -> set[str]:
    """Payers that are valid in at least one month of the window."""
    begins = pc.less_equal(accounts["valid_from"], bounds[1])
    ends = pc.greater_equal(pc.fill_null(accounts["valid_to"], _OPEN), bounds[0])
    return set(accounts.filter(pc.and_(begins, ends))["payer_account_id"].to_pylist())


def expected(
    slices: Sequence[Slice],
    recipients: Iterable[str],
    first: Mapping[str, str],
    rows: Mapping[tuple[str, str, str], int],
    delivered: AbstractSet[tuple[str, str, str]] = frozenset(),
) -> list[tuple[Slice, str]]:
    """Deliveries in order: every recipient's months from its first on, with or without rows.

    Parameters
    ----------
    rows
        Rows per period, version and recipient, where known: rows before the first month of the reference table count too.
    delivered
        Deliveries that were made before: one that a restatement left without rows is made again, empty.
    """
    ordered = sorted(recipients)
    return [
        (item, payer)
        for item in slices
        for payer in ordered
        for key in [(*item.key, payer)]
        if first.get(payer, _OPEN) <= item.period or rows.get(key, 0) > 0 or key in delivered
    ]
