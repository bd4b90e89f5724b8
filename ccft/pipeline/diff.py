"""`ccft diff`: two published results of a month, and why they differ (publish page, section 3).

The way from one to the other, in this order: the inputs (`data`), the code and settings (`software`), then the policies one by one
(`methodology.switches`). Results in between are computed by the same stages as a run, and published nowhere.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ccft.audit import difference, published
from ccft.audit.difference import LOCATION_BASED, Rows, Stage
from ccft.audit.software import code_hash
from ccft.config import Settings
from ccft.errors import CcftError, fail
from ccft.lake.memory import Bench, short_plans
from ccft.lake.tables import Lake, NotKeptError, reading_history
from ccft.methodology.model import Methodology, known_versions
from ccft.methodology.switches import switches
from ccft.pipeline.core import LARGE, Core, contents
from ccft.pipeline.run import provider_account
from ccft.pipeline.stages import Basis, basis, compute
from ccft.schema.columns import MEASURES

DATA: Final = "data"
SOFTWARE: Final = "software"
MOVERS: Final = 5
"""Accounts listed per cause and direction."""


@dataclass(frozen=True)
class Selector:
    """Which published result of a month: a version, and which of its publications (1 = the first, None = the newest)."""

    version: str
    number: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Selector":
        """Read `v2.0` or `v2.0@1`.

        >>> Selector.parse("v2.0@1"), str(Selector.parse("v2.0@1"))
        (Selector(version='v2.0', number=1), 'v2.0@1')
        """
        version, at, number = text.partition("@")
        if at and not (number.isascii() and number.isdigit() and int(number)):
            raise fail("CCFT-USAGE-BAD-SELECTOR", value=text)
        return cls(version, int(number) if at else None)

    def __str__(self) -> str:
        return self.version if self.number is None else f"{self.version}@{self.number}"


@dataclass
class Difference:
    """Two results of a month and what lies between them; masses in kg.

    Parameters
    ----------
    period, left, right
        What is compared: side, run id, when it was published.
    causes
        In order; `no_causes` says why there are none.
    totals
        Per measure: left, right, difference.
    by_kind
        Per measure and kind of account: difference, and its causes.
    movers
        Cause -> accounts that it burdens or relieves most, location-based total.
    rows
        With an account: its rows by service, region and measure.
    """

    period: str
    left: dict[str, str]
    right: dict[str, str]
    causes: list[str] = field(default_factory=list)
    no_causes: str = ""
    totals: Rows = field(default_factory=list)
    by_kind: Rows = field(default_factory=list)
    movers: dict[str, Rows] = field(default_factory=dict)
    account: str = ""
    rows: Rows = field(default_factory=list)


class _NoCausesError(Exception):
    """Why the way from one side to the other cannot be computed."""


def diff(
    lake: Lake,
    settings: Settings,
    period: str,
    left: Selector,
    right: Selector,
    *,
    account: str = "",
    policies: Mapping[str, Methodology] | None = None,
    progress: Callable[[str], None] = lambda _line: None,
) -> Difference:
    """Compare two published results of a month.

    Parameters
    ----------
    account
        Also list all rows of this account.
    policies
        Versions by name; None = those that are shipped.

    Raises
    ------
    CcftError
        `CCFT-RUN-NOTHING-PUBLISHED` for each side that is not there; `CCFT-USAGE-NO-ACCOUNT-ROWS`.
    """
    if not lake.exists("run_log"):
        raise fail("CCFT-USAGE-NO-LAKE", path=lake.root)
    history = published.history(lake.rows("run_log"))
    a, b = _line(history, period, left), _line(history, period, right)
    found = Difference(period, _side(left, a), _side(right, b), account=account)
    with short_plans(lake.spark), Bench(lake.spark) as bench:
        way = _Way(lake, settings, a, b, known_versions() if policies is None else policies, bench, progress)
        ends = [way.totals(line) for line in (a, b)]
        zero = Decimal(0)
        found.totals = [
            {"measure": m, "left_kg": x, "right_kg": y, "difference_kg": y - x}
            for m, x, y in ((m, ends[0].get(m, zero), ends[1].get(m, zero)) for m in MEASURES)
        ]
        try:
            stages = way.stages()
        except (_NoCausesError, CcftError) as reason:
            found.no_causes = str(reason)
            return found
        _fill(found, bench.keep(difference.differences(stages)), difference.causes_of(stages), progress)
        if account and not found.rows:
            _require_rows(stages, account, found)
    return found


def _fill(found: Difference, rows: DataFrame, causes: list[str], progress: Callable[[str], None]) -> None:
    """Sum the rows up by who and by what."""
    progress("comparing")
    found.causes = causes
    found.by_kind = difference.by_kind(rows, causes)
    moving = [c for c in causes if any(row["causes_kg"][c] for row in found.by_kind)]
    found.movers = {cause: difference.movers(rows, causes, cause, MOVERS, LOCATION_BASED) for cause in moving}
    if found.account:
        found.rows = difference.of_account(rows, causes, found.account)


def _require_rows(stages: list[Stage], account: str, found: Difference) -> None:
    """An account without differences is one thing, an account without rows another."""
    for stage in (stages[0], stages[-1]):
        if not stage.rows.where(F.col("account_id") == account).isEmpty():
            return
    sides = f"{found.left['version']} and {found.right['version']}"
    raise fail("CCFT-USAGE-NO-ACCOUNT-ROWS", account=account, period=found.period, sides=sides)


def _line(history: dict[tuple[str, str], list[published.Line]], period: str, side: Selector) -> published.Line:
    lines = history.get((period, side.version), [])
    number = len(lines) if side.number is None else side.number
    if not 0 < number <= len(lines):
        raise fail("CCFT-RUN-NOTHING-PUBLISHED", period=f"{period} {side}")
    return lines[number - 1]


def _side(selector: Selector, line: published.Line) -> dict[str, str]:
    return {"version": str(selector), "run_id": line.run_id, "published_at": line.finished_at.isoformat()}


def _read_whole(rows: DataFrame) -> None:
    """Read every column of every row: the fingerprint of account rows comes from ingest and does not prove that they are still there."""
    rows.select(F.bit_xor(F.xxhash64(*rows.columns))).collect()


@dataclass
class _Way:
    """The stages between two published results."""

    lake: Lake
    settings: Settings
    a: published.Line
    b: published.Line
    policies: Mapping[str, Methodology]
    bench: Bench
    progress: Callable[[str], None]
    shared: dict[str, tuple[Core, Basis]] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)

    def totals(self, line: published.Line) -> dict[str, Decimal]:
        """Totals per measure: from the account rows, or, where these are no longer kept, from the restatement log."""
        try:
            with reading_history():
                return difference.totals(self._published(line))
        except NotKeptError:
            self.gone.append(line.run_id)
            return self._logged_totals(line)

    def _logged_totals(self, line: published.Line) -> dict[str, Decimal]:
        known: dict[str, Decimal] = {}
        for row in self.lake.rows("restatements").to_pylist():
            if row["usage_period"] == line.period and row["old_run_id"] == line.run_id:
                known[row["measure"]] = row["old_kg"]
            elif row["usage_period"] == line.period and row["run_id"] == line.run_id:
                known[row["measure"]] = row["new_kg"]
        return known

    def stages(self) -> list[Stage]:
        """All stages, the published sides included.

        Raises
        ------
        _NoCausesError
            Rows, inputs or policies of a side are no longer there. `totals` of both sides have to be asked for before.
        """
        if self.gone:
            raise _NoCausesError(f"the account rows of {' and '.join(self.gone)} are no longer kept")
        old, new = self._policy(self.a), self._policy(self.b)
        steps = [(cause, self.b, policy) for cause, policy in switches(old, new)]
        if self.a.input_fingerprint != self.b.input_fingerprint:
            steps.insert(0, (DATA, self.b, old))
        if not self._is_current(self.a, old):
            steps.insert(0, (SOFTWARE, self.a, old))
        if {cause for cause, *_ in steps} == {SOFTWARE}:
            steps = []
        stages = [Stage("", self._published(self.a))]
        # What the software of today would compute for the other side has been computed: it is what was published.
        last = steps.pop() if steps and self._is_current(self.b, new) else None
        stages += [Stage(cause, self._computed(line, policy, cause)) for cause, line, policy in steps]
        return [*stages, Stage(last[0] if last else SOFTWARE, self._published(self.b))]

    def _policy(self, line: published.Line) -> Methodology:
        if line.methodology_version not in self.policies:
            raise _NoCausesError(f"the policies of {line.methodology_version} are not known to this version of ccft")
        return self.policies[line.methodology_version]

    def _is_current(self, line: published.Line, policy: Methodology) -> bool:
        """Whether a line was computed by the software, policies and settings of today."""
        return line.software == (code_hash(), policy.policy_hash, self.settings.result_hash())

    def _published(self, line: published.Line) -> DataFrame:
        rows = self.lake.read("account_emissions", line.table_versions["account_emissions"])
        is_own = F.col("methodology_version") == line.methodology_version
        return rows.where((F.col("usage_period") == line.period) & is_own)

    def _computed(self, line: published.Line, policy: Methodology, cause: str) -> DataFrame:
        """Account rows from the inputs of a line by other policies, computed now."""
        self.progress(f"computing {cause.replace('_', ' ')}")
        core, shared = self._inputs(line)
        names = [line.period]
        provider = provider_account(core, names, self.settings)
        return compute(core.frames(names), names, policy, provider, self.bench, shared).accounts

    def _inputs(self, line: published.Line) -> tuple[Core, Basis]:
        """Core tables as the line's run read them, proven by their fingerprint.

        Raises
        ------
        _NoCausesError
            They are no longer kept, or not what they were.
        """
        if line.input_fingerprint not in self.shared:
            if not line.input_versions:
                raise _NoCausesError(f"{line.run_id} did not record which inputs it read")
            names = [line.period]
            try:
                with reading_history():
                    core = Core.open(self.lake, self.settings, line.input_versions)
                    now = contents(core, names).fingerprints[line.period]
                    _read_whole(core.frames(names)[LARGE])
            except NotKeptError as error:
                raise _NoCausesError(f"the inputs of {line.run_id} are no longer kept") from error
            if now != line.input_fingerprint:
                raise _NoCausesError(f"the inputs of {line.run_id} are not what they were")
            self.shared[line.input_fingerprint] = (core, basis(core.frames(names), names, self.bench))
        return self.shared[line.input_fingerprint]
