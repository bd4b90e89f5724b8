"""`ccft verify`: re-derive conservation of published periods from the tables themselves."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from ccft.audit import published, verification
from ccft.errors import Problem, fail, raise_all
from ccft.lake.memory import Bench
from ccft.lake.tables import Lake
from ccft.pipeline.ai_verify import verify_ai
from ccft.schema.tables import RESULTS


@dataclass
class VerifyReport:
    """What was verified: period x version pairs, and how many equalities held."""

    slices: list[tuple[str, str]] = field(default_factory=list)
    equalities: int = 0


def verify(
    lake: Lake, periods: Sequence[str] = (), progress: Callable[[str], None] = lambda _line: None
) -> VerifyReport:
    """Verify published periods; periods that were published together are checked together.

    Parameters
    ----------
    periods
        Which; empty = all that are published.

    Raises
    ------
    CcftError
        `CCFT-RUN-NOTHING-PUBLISHED`, or every equality that does not hold to the last quantum.
    """
    if not lake.exists("run_log"):
        raise fail("CCFT-USAGE-NO-LAKE", path=lake.root)
    lines = [line for line in published.lines(lake.rows("run_log")) if not periods or line.period in periods]
    absent = [period for period in periods if period not in {line.period for line in lines}]
    raise_all(Problem("CCFT-RUN-NOTHING-PUBLISHED", {"period": period}) for period in absent)
    if not lines:
        raise_all([Problem("CCFT-RUN-NOTHING-PUBLISHED", {"period": "any period"})])
    groups: dict[tuple[str, tuple[tuple[str, int], ...]], list[published.Line]] = defaultdict(list)
    for line in lines:
        groups[line.methodology_version, tuple(sorted(line.table_versions.items()))].append(line)
    report, problems = VerifyReport(), []
    for (version, versions), together in sorted(groups.items()):
        months = [line.period for line in together]
        progress(f"{version} {months[0]}{' to ' + months[-1] if len(months) > 1 else ''}")
        at = dict(versions)
        tables = {registered.name: lake.read(registered.name, at[registered.name]) for registered in RESULTS}
        with Bench(lake.spark, max(line.account_rows for line in together)) as bench, bench.scan():
            scanned = partial(bench.settle, scans_accounts=True)
            checked, wrong = verification.verify(tables, months, version, scanned)
        report.equalities += checked
        report.slices += [(month, version) for month in months]
        problems += wrong
    with Bench(lake.spark, max(line.account_rows for line in lines)) as bench, bench.scan():
        checked, wrong = verify_ai(lake, lines)
    report.equalities += checked
    problems += wrong
    raise_all(problems)
    return report
