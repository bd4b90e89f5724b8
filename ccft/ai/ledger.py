"""Training ledger: what releases cost to make, carried until what they serve has paid for it (docs/ai.md, "Training ledger").

A memo layer: training stays in the inventory of the month in which it happened; the ledger says how much of it a token served today stands for.
Bounded by releases, in whole quanta and exact rationals. For a release, month, accounting method and version:

    opening + added - amortised - written off = closing
    units:  rate = (opening + added) / output tokens still expected at the month's start;   amortised = rate x tokens, at most the balance
    time:   amortised = (opening + added) / days still expected at the month's start x days of the month, at most the balance
    none:   nothing is amortised

`added` is what all months so far have developed less what earlier ledger months have booked: a restated closed month enters the next open one,
and no closed line changes. A derived model uses `parent_share` of its parent's rate, out of the parent's balance.

| | opening | added | tokens | still expected | amortised | closing |
|---|---|---|---|---|---|---|
| r1 | 0 | 1,220.81 | 6e9 | 72e9 | 101.73 | 1,119.08 |
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from ccft.kernel.forms import apportioned
from ccft.kernel.quotients import half_up
from ccft.periods import month_end, month_start, period_of
from ccft.schema.units import MICROS_PER_UNIT, QUANTA_PER_KG

_G_PER_KG: Final = 1000
_TOKENS_PER_RATE: Final = 1000
_RATE_SCALE: Final = 15


@dataclass(frozen=True)
class Release:
    """A release as a month sees it.

    Parameters
    ----------
    expected_from, expected_out_tokens
        First month of the expectation in force, and the output tokens expected from then on; None: unknown.
    starts_on, expected_life_days, retires_on
        First day, expected life, first day out of service.
    parent_release_id, parent_share
        Release that it was derived from, and the part of its rate that it uses.
    """

    release_id: str
    model_id: str
    expected_from: str
    expected_out_tokens: int | None
    starts_on: date
    expected_life_days: int
    retires_on: date | None = None
    parent_release_id: str | None = None
    parent_share: Fraction = Fraction(0)


@dataclass(frozen=True)
class Booked:
    """An earlier ledger line: what a later month has to know of it."""

    period: str
    release_id: str
    added: int
    closing: int
    out_tokens: Fraction


@dataclass(frozen=True)
class Line:
    """A ledger line, masses in quanta."""

    release_id: str
    model_id: str
    opening: int
    added: int
    amortised: int
    written_off: int
    out_tokens: Fraction
    remaining_out_tokens: Fraction | None
    remaining_days: int
    rate: Decimal
    inherited: Decimal

    @property
    def closing(self) -> int:
        """Balance at the month's end."""
        return self.opening + self.added - self.amortised - self.written_off


def _quotient(numerator: Fraction) -> int:
    """Whole quanta, half up."""
    return int(half_up(numerator, 0))


def ancestry(releases: Mapping[str, Release]) -> dict[str, dict[str, Fraction]]:
    """Per release the releases whose training its tokens use, itself included, with the part of their rate."""
    found: dict[str, dict[str, Fraction]] = {}
    for name in releases:
        own: dict[str, Fraction] = {}
        current, part = releases.get(name), Fraction(1)
        while current is not None and part and current.release_id not in own:
            own[current.release_id] = part
            part *= current.parent_share
            current = releases.get(current.parent_release_id or "")
        found[name] = own
    return found


def demand(lines: Mapping[str, Release], tokens: Mapping[str, Fraction]) -> dict[str, dict[str, Fraction]]:
    """Per release (payer) the tokens that use its training by the release that made them, in own-token equivalents."""
    found: dict[str, dict[str, Fraction]] = {name: {} for name in lines}
    for user, parts in ancestry(lines).items():
        made = tokens.get(user, Fraction(0))
        for payer, part in parts.items():
            if made * part:
                found[payer][user] = made * part
    return found


def _remaining_tokens(release: Release, booked: Iterable[Booked]) -> Fraction | None:
    """Output tokens still expected at the month's start: the expectation in force less what was served under it."""
    if release.expected_out_tokens is None:
        return None
    served = sum((line.out_tokens for line in booked if line.period >= release.expected_from), Fraction(0))
    return release.expected_out_tokens - served


def _amortised(balance: int, policy: str, wanted: Fraction, remaining: Fraction | None, days: int, left: int) -> int:
    """Quanta amortised in the month, at most the balance."""
    if balance <= 0 or policy == "none":
        return 0
    if policy == "time":
        return balance if left <= days else _quotient(Fraction(balance * days, left))
    if remaining is None or not wanted:
        return 0
    return balance if remaining <= wanted else min(balance, _quotient(balance * wanted / remaining))


def _rate(balance: int, amortised: int, policy: str, wanted: Fraction, remaining: Fraction | None) -> Fraction:
    """Quanta per output token."""
    if policy == "units" and remaining and remaining > 0:
        return Fraction(max(balance, 0)) / remaining
    return Fraction(amortised) / wanted if wanted else Fraction(0)


def _grams_per_1k(rate: Fraction) -> Decimal:
    return half_up(rate / QUANTA_PER_KG * _G_PER_KG * _TOKENS_PER_RATE, _RATE_SCALE)


def roll_forward(
    period: str,
    releases: Sequence[Release],
    booked: Sequence[Booked],
    developed: Mapping[str, int],
    tokens: Mapping[str, Fraction],
    policy: str,
) -> list[Line]:
    """Ledger lines of a month for one accounting method.

    Parameters
    ----------
    releases
        Known in the month.
    booked
        Lines of earlier months.
    developed
        Quanta that all months up to this one have developed, per release.
    tokens
        Output tokens of the month per release.
    policy
        `units`, `time` or `none`.
    """
    known = {release.release_id: release for release in releases}
    wanted = demand(known, tokens)
    days = (month_end(period) - month_start(period)).days
    lines: dict[str, Line] = {}
    rates: dict[str, Fraction] = {}
    for name, release in sorted(known.items()):
        before = [line for line in booked if line.release_id == name]
        last = max(before, key=lambda line: line.period, default=None)
        opening = last.closing if last else 0
        added = developed.get(name, 0) - sum(line.added for line in before)
        uses = sum(wanted[name].values(), Fraction(0))
        remaining = _remaining_tokens(release, before)
        left = (release.starts_on + timedelta(days=release.expected_life_days) - month_start(period)).days
        amortised = _amortised(opening + added, policy, uses, remaining, days, left)
        is_over = release.retires_on is not None and period_of(release.retires_on) <= period
        written_off = opening + added - amortised if is_over else 0
        rates[name] = _rate(opening + added, amortised, policy, uses, remaining)
        lines[name] = Line(
            name, release.model_id, opening, added, amortised, written_off, tokens.get(name, Fraction(0)), remaining,
            max(left, 0), _grams_per_1k(rates[name]), Decimal(0),
        )  # fmt: skip
    return [
        _with_inherited(line, parts, rates) for line, parts in zip(lines.values(), _parents(known, lines), strict=True)
    ]


def _parents(known: Mapping[str, Release], lines: Iterable[str]) -> list[dict[str, Fraction]]:
    parts = ancestry(known)
    return [{payer: part for payer, part in parts[name].items() if payer != name} for name in lines]


def _with_inherited(line: Line, parts: Mapping[str, Fraction], rates: Mapping[str, Fraction]) -> Line:
    inherited = sum((part * rates[payer] for payer, part in parts.items()), Fraction(0))
    return Line(**{**line.__dict__, "inherited": _grams_per_1k(inherited)})


def draws(
    amortised: Mapping[str, int], releases: Sequence[Release], tokens: Mapping[str, Fraction]
) -> dict[tuple[str, str], int]:
    """What each release's tokens used of whose training: (payer, user) -> quanta; sums to what was amortised where tokens were made."""
    wanted = demand({release.release_id: release for release in releases}, tokens)
    found: dict[tuple[str, str], int] = {}
    for payer, amount in sorted(amortised.items()):
        users = sorted(wanted.get(payer, {}).items())
        weights = [int(part * MICROS_PER_UNIT) for _, part in users]
        if amount and any(weights):
            for (user, _), share in zip(users, apportioned(amount, weights), strict=True):
                found[payer, user] = share
    return found
