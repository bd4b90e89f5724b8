"""`ccft backfill`: many periods, in several versions, in one application; what is published already is not computed again.

Months go in batches, all versions of a batch one after the other: each batch is one plan with more rows, and what no policy decides about its months is
computed once for all versions. A batch of one version is published all or nothing, so a stop costs at most the batch that was under way.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from ccft.config import Settings
from ccft.errors import CcftError, Problem, raise_all
from ccft.lake.memory import Bench, short_plans
from ccft.lake.tables import Lake
from ccft.methodology.calendar import unavailable
from ccft.methodology.model import Methodology
from ccft.pipeline.core import Core, contents, identities
from ccft.pipeline.run import Clock, Plan, Progress, RunReport, plan_run, publish
from ccft.pipeline.run_log import Attempt, log_failure
from ccft.pipeline.stages import Basis, basis, missing_inputs

BATCH_MONTHS: Final = 12
"""Months per plan: enough to pay planning once, few enough to keep a stop cheap and the driver's memory small."""


@dataclass
class _Estimate:
    """Time left, from the time that the period-versions so far have taken."""

    total: int
    started: float
    done: int = 0

    def line(self, more: int) -> str:
        """Count `more` period-versions as done and say how far it is."""
        self.done += more
        elapsed = time.monotonic() - self.started
        left = elapsed / self.done * (self.total - self.done)
        return f"{self.done} of {self.total} period-versions, {_minutes(elapsed)} elapsed, about {_minutes(left)} left"


def _minutes(seconds: float) -> str:
    """Seconds as minutes and seconds.

    >>> _minutes(59.6), _minutes(125.0)
    ('1 min 0 s', '2 min 5 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def backfill(
    lake: Lake,
    settings: Settings,
    wanted: Sequence[tuple[str, Methodology]],
    *,
    restate_reason: str = "",
    restated_by: str = "",
    progress: Progress = lambda _line: None,
    batch_months: int = BATCH_MONTHS,
) -> list[RunReport]:
    """Publish periods in versions; those that are published as they would be computed are left alone.

    Parameters
    ----------
    wanted
        Period and version; any order.
    restate_reason, restated_by
        As for `run`.
    batch_months
        Months per plan.

    Raises
    ------
    CcftError
        Before anything is computed: every period that its version cannot be computed for, that was published with other inputs, or whose inputs,
        years of fuel history among them, are missing. Later: what a batch fails of; batches before it stay published.
    """
    versions = {policy.version: policy for _, policy in wanted}
    months = {name: sorted({p for p, policy in wanted if policy.version == name}) for name in versions}
    raise_all(problem for name, policy in versions.items() for problem in unavailable(policy, months[name]))
    clock = Clock(progress)
    with clock.step("inputs"):
        core = Core.open(lake, settings)
        plans = _plans(lake, core, settings, versions, months, restate=bool(restate_reason))
    raise_all(problem for plan in plans for problem in plan.problems)
    reports = [RunReport(plan.policy.version, unchanged=plan.unchanged) for plan in plans if plan.unchanged]
    plans = [plan for plan in plans if plan.due]
    estimate = _Estimate(sum(len(plan.due) for plan in plans), time.monotonic())
    if len(plans) > 1 or estimate.total > batch_months:
        # A single plan checks its own inputs before it computes.
        with clock.step("checks"):
            _check(lake, core, settings, plans, progress)
    for part, shared in _batches(core, plans, batch_months):
        names = [identity.period for identity in part.due]
        progress(f"{part.policy.version} {names[0]}" + (f" to {names[-1]}" if len(names) > 1 else ""))
        report = publish(
            lake,
            core,
            settings,
            part,
            Clock(progress),
            restate_reason=restate_reason,
            restated_by=restated_by,
            shared=shared,
        )
        reports.append(report)
        line = estimate.line(len(names))
        if estimate.total > len(names):
            progress(line)
    return reports


def _plans(
    lake: Lake,
    core: Core,
    settings: Settings,
    versions: dict[str, Methodology],
    months: dict[str, list[str]],
    *,
    restate: bool,
) -> list[Plan]:
    """What there is to do per version; inputs are read once for all."""
    found = contents(core, sorted(set().union(*months.values())))
    log = lake.rows("run_log")
    return [
        plan_run(log, identities(found, months[name], policy, settings), policy, restate=restate)
        for name, policy in versions.items()
    ]


def _check(lake: Lake, core: Core, settings: Settings, plans: Sequence[Plan], progress: Progress) -> None:
    """Stop when the inputs lack anything for any period x version that is due; each of these gets its line of the log."""
    missing = {plan.policy.version: _missing(core, plan) for plan in plans}
    error = CcftError([problem for problems in missing.values() for problem in problems])
    if not error.problems:
        return
    for plan in plans:
        problems = missing[plan.policy.version]
        failed = plan.of({str(problem.values["period"]) for problem in problems})
        if failed.due:
            attempt = Attempt(plan.policy, settings, failed.due, datetime.now(UTC), core.versions)
            log_failure(lake, attempt, CcftError(problems), progress)
    raise error


def _missing(core: Core, plan: Plan) -> list[Problem]:
    due = [identity.period for identity in plan.due]
    with short_plans(core.spark):
        return missing_inputs(core.frames(due), due, plan.policy)


def _batches(core: Core, plans: Sequence[Plan], batch_months: int) -> Iterator[tuple[Plan, Basis]]:
    """Due periods in batches of months, the versions of a batch together with the frames they share."""
    months = sorted({identity.period for plan in plans for identity in plan.due})
    for start in range(0, len(months), batch_months):
        shared: dict[tuple[str, ...], Basis] = {}
        for plan in plans:
            part = plan.of(months[start : start + batch_months])
            names = tuple(identity.period for identity in part.due)
            if names and names not in shared:
                shared[names] = _basis(core, part)
            if names:
                yield part, shared[names]


def _basis(core: Core, plan: Plan) -> Basis:
    names = [identity.period for identity in plan.due]
    rows = sum(identity.account_rows for identity in plan.due)
    with short_plans(core.spark), Bench(core.spark, rows) as bench:
        return basis(core.frames(names), names, bench)
