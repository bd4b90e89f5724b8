"""Accounts: the provider's own teams, sister businesses, customers, and the organisations that pay for them.

Accounts are numbered 0, 1, 2, ... in this order, and the number is scrambled into the public account id:

============  ===============================================================================================
internal      `000000000001` pays for all; four corporate accounts; `0000ss000001` and, for foundational services,
              `0000ss000002`: the production and engineering account of service number ss
enterprise    24 customers that together use everything that is sold
affiliate     one in two hundred; the first pays for all
other         45 % in organisations of Zipf-distributed size, the first account of each pays; the rest alone
============  ===============================================================================================
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ccft.demo.files import SCHEMAS, Bools, Ints, account_ids, texts
from ccft.demo.services import SERVICES
from ccft.demo.timeline import Timeline
from ccft.periods import shift

Small = npt.NDArray[np.int32]

ACCOUNT_TYPES = ("internal", "affiliate", "external")
INTERNAL, AFFILIATE, EXTERNAL = range(3)
MIN_ACCOUNTS = 200
CORPORATE = 4
ENTERPRISES = 24
CHUNK = 131_072
_NEVER = np.int32(10_000)  # months after the first period: open end, or no change
_FOUNDED = -60  # validity of accounts that were there from the beginning, months from the first period

_MEMBER_SHARE, _MEAN_SIZE, _ZIPF = 0.45, 6, 0.9
_ACQUIRED_EVERY, _ACQUIRED_AT = 9, 4
# One account in so many joins, leaves, or is valid for a single month; the second number picks which.
_JOIN, _LEAVE, _ONE_OFF = (25, 3), (31, 4), (97, 5)
# Ids: an affine map modulo a number that the multiplier does not divide: one to one, scattered, leading zeros.
_ID_BASE, _ID_RANGE, _ID_STEP = 1_000_000_000, 98_999_999_999, 7_393_913_341


@dataclass(frozen=True)
class Accounts:
    """One entry per account; payers by position, months relative to the first period.

    `new_payer` and `new_kind` hold from the payer change on; -1 where nothing changes. `payer` is the account itself
    when it stands alone.
    """

    number: Ints
    kind: npt.NDArray[np.int8]
    new_kind: npt.NDArray[np.int8]
    owner: npt.NDArray[np.int16]
    payer: Small
    new_payer: Small
    valid_from: Small
    valid_to: Small
    affiliates: int

    def __len__(self) -> int:
        return len(self.number)

    @property
    def first_enterprise(self) -> int:
        """Position of the first enterprise account."""
        return int(np.argmax(self.kind != INTERNAL))

    @property
    def first_regular(self) -> int:
        """Position of the first account whose usage is drawn at random; affiliates come first."""
        return self.first_enterprise + ENTERPRISES

    def active(self, month: int, start: int, stop: int) -> Bools:
        """Whether accounts `start` to `stop` are valid in the month, counted from the first period."""
        return (self.valid_from[start:stop] <= month) & (self.valid_to[start:stop] >= month)

    def kind_in(self, month: int, change: int, at: Ints) -> npt.NDArray[np.int8]:
        """Account type in the month of the accounts `at`; `change` is the month of the payer change."""
        if month < change:
            return self.kind[at]
        return np.where(self.new_kind[at] >= 0, self.new_kind[at], self.kind[at])


def _internal() -> tuple[Ints, npt.NDArray[np.int16]]:
    """Ids and owned services of the provider's own accounts."""
    numbers, owners = [1, *range(11, 11 + CORPORATE)], [-1] * (1 + CORPORATE)
    for index, service in enumerate(SERVICES):
        for account in (1, 2) if service.is_foundational else (1,):
            numbers.append((index + 1) * 1_000_000 + account)
            owners.append(index)
    return np.array(numbers, dtype=np.int64), np.array(owners, dtype=np.int16)


def _organisations(first: int, stop: int) -> tuple[Small, Small]:
    """Start of each organisation, and its size: Zipf over neighbouring accounts from `first` on."""
    members = int((stop - first) * _MEMBER_SHARE)
    organisations = max(6, members // _MEAN_SIZE)
    weights = np.arange(1, organisations + 1) ** -_ZIPF
    sizes = np.maximum(2, (members * weights / weights.sum()).astype(np.int32))
    starts = first + np.concatenate([[0], np.cumsum(sizes)[:-1]])
    fits = starts + sizes <= stop
    return starts[fits].astype(np.int32), sizes[fits].astype(np.int32)


def _join_and_leave(accounts: Accounts, eligible: Bools, months: int) -> None:
    """Give some accounts a first or last month inside the story, by position: every size of world has some."""
    place = np.arange(len(accounts), dtype=np.int32) - accounts.first_regular
    month = ((place.astype(np.int64) * 7_919) % 104_729 % months).astype(np.int32)
    settled = -1 - (place % 48)
    regular = place >= 0
    accounts.valid_from[regular & eligible] = settled[regular & eligible]
    for every, at, joins, leaves in ((*_JOIN, True, False), (*_LEAVE, False, True), (*_ONE_OFF, True, True)):
        chosen = regular & eligible & (place % every == at)
        if joins:
            accounts.valid_from[chosen] = month[chosen]
        if leaves:
            accounts.valid_to[chosen] = np.maximum(month, accounts.valid_from)[chosen]


def build_accounts(count: int, timeline: Timeline) -> Accounts:
    """All accounts with payers, types and months of validity.

    Raises
    ------
    ValueError
        If `count` is too small for the provider's own teams and a few of everything else.
    """
    if count < MIN_ACCOUNTS:
        raise ValueError(f"accounts must be at least {MIN_ACCOUNTS}, got {count}")
    numbers, owners = _internal()
    internal, affiliates = len(numbers), max(4, count // 200)
    scattered = _ID_BASE + np.arange(count - internal, dtype=np.int64) * _ID_STEP % _ID_RANGE
    kind = np.full(count, EXTERNAL, dtype=np.int8)
    kind[:internal] = INTERNAL
    first_affiliate = internal + ENTERPRISES
    kind[first_affiliate : first_affiliate + affiliates] = AFFILIATE
    accounts = Accounts(
        number=np.concatenate([numbers, scattered]),
        kind=kind,
        new_kind=np.full(count, -1, dtype=np.int8),
        owner=np.concatenate([owners, np.full(count - internal, -1, dtype=np.int16)]),
        payer=np.arange(count, dtype=np.int32),
        new_payer=np.full(count, -1, dtype=np.int32),
        valid_from=np.full(count, _FOUNDED, dtype=np.int32),
        valid_to=np.full(count, _NEVER),
        affiliates=affiliates,
    )
    accounts.payer[:internal] = 0
    accounts.payer[first_affiliate : first_affiliate + affiliates] = first_affiliate
    # The second affiliate is sold: external and on its own from the payer change on.
    accounts.new_kind[first_affiliate + 1], accounts.new_payer[first_affiliate + 1] = EXTERNAL, first_affiliate + 1
    fixed = np.zeros(count, dtype=np.bool_)
    fixed[: first_affiliate + affiliates] = True
    starts, sizes = _organisations(first_affiliate + affiliates, count)
    accounts.payer[_spans(starts, sizes)] = np.repeat(starts, sizes)
    acquired = np.arange(len(starts)) % _ACQUIRED_EVERY == _ACQUIRED_AT
    moved = _spans(starts[acquired], sizes[acquired])
    accounts.new_payer[moved] = starts[0]
    fixed[moved] = fixed[starts] = True
    _join_and_leave(accounts, ~fixed, len(timeline.periods))
    return accounts


def _spans(starts: Small, sizes: Small) -> Ints:
    """Positions of all members of the organisations, one after the other."""
    ends = np.cumsum(sizes)
    return np.repeat(starts - (ends - sizes), sizes) + np.arange(int(ends[-1]) if len(ends) else 0)


def _months(values: Small, first: str) -> pa.Array:
    """Months as text; `_NEVER` is null."""
    known, index = np.unique(values, return_inverse=True)
    return texts([None if month == _NEVER else shift(first, int(month)) for month in known], index)


def _batch(accounts: Accounts, at: Ints, changed: Bools, timeline: Timeline) -> pa.RecordBatch:
    """Rows of the accounts at `at`; `changed` rows are those that hold from the payer change on."""
    change = np.int32(timeline.periods.index(timeline.payer_change))
    changes = accounts.new_payer[at] >= 0
    valid_from = np.where(changed, change, accounts.valid_from[at]).astype(np.int32)
    valid_to = np.where(changes & ~changed, change - 1, accounts.valid_to[at]).astype(np.int32)
    payer = np.where(changed, accounts.new_payer[at], accounts.payer[at])
    kind = np.where(changed & (accounts.new_kind[at] >= 0), accounts.new_kind[at], accounts.kind[at])
    owner = accounts.owner[at]
    columns = [
        account_ids(accounts.number[at]),
        _months(valid_from, timeline.first),
        _months(valid_to, timeline.first),
        account_ids(accounts.number[payer]),
        texts(ACCOUNT_TYPES, kind),
        texts([None, *(service.service_id for service in SERVICES)], owner + 1),
    ]
    return pa.record_batch(columns, schema=SCHEMAS["accounts"])


def account_rows(accounts: Accounts) -> int:
    """Rows of table `accounts`: one per account, two where payer or type change."""
    return len(accounts) + int((accounts.new_payer >= 0).sum())


def accounts_reader(accounts: Accounts, timeline: Timeline) -> pa.RecordBatchReader:
    """Table `accounts` as a stream of batches; the rows of one account follow each other."""

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(accounts), CHUNK):
            at = np.arange(start, min(start + CHUNK, len(accounts)))
            repeated = np.repeat(at, 1 + (accounts.new_payer[at] >= 0))
            changed = np.concatenate([[False], repeated[1:] == repeated[:-1]])
            yield _batch(accounts, repeated, changed, timeline)

    return pa.RecordBatchReader.from_batches(SCHEMAS["accounts"], batches())
