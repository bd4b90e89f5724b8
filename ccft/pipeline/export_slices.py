"""What is published, as exports see it."""

from ccft.audit import published
from ccft.errors import fail
from ccft.lake.tables import Lake
from ccft.publish.data_exports.manifest import ManifestRestatement
from ccft.publish.data_exports.scope import Slice
from ccft.publish.views import slice_rows


def everything_published(lake: Lake) -> list[Slice]:
    """Every published period x version.

    Raises
    ------
    CcftError
        `CCFT-USAGE-NO-LAKE`, or `CCFT-RUN-NOTHING-PUBLISHED`.
    """
    if not lake.exists("run_log"):
        raise fail("CCFT-USAGE-NO-LAKE", path=lake.root)
    lines = published.lines(lake.rows("run_log"))
    if not lines:
        raise fail("CCFT-RUN-NOTHING-PUBLISHED", period="any period")
    current = {(row["usage_period"], row["methodology_version"]): bool(row["is_current"]) for row in slice_rows(lines)}
    restatements = _restatements(lake)
    return [
        Slice(
            line.period,
            line.methodology_version,
            line.run_id,
            line.finished_at,
            line.table_versions,
            current[line.period, line.methodology_version],
            restatements.get((line.period, line.methodology_version, line.run_id)),
        )
        for line in lines
    ]


def _restatements(lake: Lake) -> dict[tuple[str, str, str], ManifestRestatement]:
    """Period, version and new run -> what it replaced; the newest where a run came back.

    Without the reason: it is written for the provider's own records and may name other customers.
    """
    if not lake.exists("restatements"):
        return {}
    rows = sorted(lake.rows("restatements").to_pylist(), key=lambda row: row["restated_at"])
    return {
        (row["usage_period"], row["methodology_version"], row["run_id"]): ManifestRestatement(
            previous_run_id=row["old_run_id"], restated_at=row["restated_at"]
        )
        for row in rows
    }


def as_line(item: Slice) -> published.Line:
    """A slice as the line of the run log that it comes from."""
    return published.Line(item.period, item.version, item.run_id, item.finished_at, dict(item.table_versions))
