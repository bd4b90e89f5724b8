"""`ccft export`: published figures as files, for one payer or for all of them in one Spark application (publish page, section 1)."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa
from pyspark.sql import DataFrame

from ccft.config import Settings
from ccft.errors import Problem, fail, raise_all
from ccft.lake.destination import Destination
from ccft.lake.memory import COMPILE_FROM_ROWS, Kept, compiled_plans, on_driver, short_plans
from ccft.lake.tables import Lake
from ccft.pipeline.catalog import register_views
from ccft.pipeline.export_rows import (
    RANGE_ROWS,
    Key,
    Range,
    account_rows,
    batches,
    in_advance,
    parts,
    ranges,
    rows_per_payer,
    split,
)
from ccft.pipeline.export_slices import as_line, everything_published
from ccft.pipeline.reading import published_slices
from ccft.publish.data_exports import scope
from ccft.publish.data_exports.delivery import deliver
from ccft.publish.data_exports.layout import Mode, Place, execution_id, is_account
from ccft.publish.data_exports.manifest import Manifest, ManifestFile
from ccft.publish.data_exports.pact import EVIDENCE
from ccft.publish.data_exports.query import Query
from ccft.publish.data_exports.rows import KEYS, delivered_rows, exported_rows, of_organisation, with_evidence
from ccft.publish.data_exports.scope import Slice
from ccft.publish.data_exports.shape import Shape, Totals, complete, is_constant, limited
from ccft.publish.data_exports.state import Definition, State, changes, is_due, read_state, stale_marks

WRITERS: Final = 8
"""Deliveries under way at a time: storage mostly waits, files of small payers are made in a millisecond."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Parameters
    ----------
    payer
        One organisation; empty = all.
    first, last
        Months; empty = the window.
    methodology
        Version, `all`, or empty = the current one of each month.
    is_forced
        Deliver again what has not changed.
    """

    definition: Definition
    query: Query
    shape: Shape
    payer: str = ""
    first: str = ""
    last: str = ""
    methodology: str = ""
    is_forced: bool = False


@dataclass
class ExportReport:
    """What an export did."""

    execution_id: str = ""
    periods: list[str] = field(default_factory=list)
    payers: int = 0
    delivered: int = 0
    unchanged: int = 0
    files: int = 0
    rows: int = 0
    bytes: int = 0


def export(
    lake: Lake,
    settings: Settings,
    request: Request,
    destination: Destination,
    progress: Progress = lambda _line: None,
    range_rows: int = RANGE_ROWS,
) -> ExportReport:
    """Deliver what is due.

    Parameters
    ----------
    range_rows
        Account rows behind what the driver holds at a time; the files do not depend on it.

    Raises
    ------
    CcftError
        Nothing published, an unknown payer, an old name with another definition, storage out of reach.
    """
    started = datetime.now(UTC)
    slices = everything_published(lake)
    bounds = scope.window(max(item.period for item in slices), request.first, request.last)
    wanted = scope.chosen(slices, bounds, request.methodology)
    recipients, first = _recipients(lake, settings, request, bounds)
    if not request.payer:  # organisations that the reference table no longer knows, of earlier deliveries
        recipients += [name for name in destination.folders() if is_account(name) and name not in first]
    progress(
        f"looking at {len(recipients):,} organisations, {bounds[0]} to {bounds[1]}: {len(wanted)} published slices"
    )
    states = _states(destination, request, recipients, slices, bounds)
    report = ExportReport(execution_id(started, secrets.token_hex(4)), [item.period for item in wanted])
    expected = scope.expected(wanted, recipients, first, {}, _delivered(states))
    due = _due(expected, states, request)
    job = _Job(lake, request, destination, started, report, states, range_rows)
    if due:
        open_slices = [item for item in wanted if item.key in {key[:2] for key in due}]
        accounts = account_rows(lake, open_slices)
        if request.payer:
            accounts = of_organisation(accounts, request.payer)
        rows = rows_per_payer(accounts)
        if not request.payer:  # ... and of published rows
            forgotten = sorted({key[2] for key in rows} - set(recipients))
            recipients += forgotten
            states |= _states(destination, request, forgotten, slices, bounds)
        expected = scope.expected(wanted, recipients, first, rows, _delivered(states))
        due = _due(expected, states, request)
        progress(f"{len(due):,} deliveries due, from {sum(rows.values()):,} account rows")
        job.deliver(due, accounts, rows, {item.key: item for item in open_slices}, progress)
    job.correct_marks(slices)
    report.payers = len(recipients)
    report.unchanged = len(expected) - len(due)
    return report


def _delivered(states: Mapping[str, State]) -> set[Key]:
    return {(*key, payer) for payer, state in states.items() for key in state.manifests}


def _recipients(
    lake: Lake, settings: Settings, request: Request, bounds: tuple[str, str]
) -> tuple[list[str], dict[str, str]]:
    """Who gets exports, and since when."""
    accounts = lake.rows("core_accounts")
    # The provider is an organisation of its own from the beginning, also where the inputs do not list it.
    first = {settings.provider_account_id: ""} | scope.first_months(accounts)
    if request.payer:
        if request.payer not in first:
            raise fail("CCFT-USAGE-EXPORT-PAYER", value=request.payer)
        return [request.payer], first
    return sorted(scope.payers_valid_in(accounts, bounds) | {settings.provider_account_id}), first


def _states(
    destination: Destination,
    request: Request,
    recipients: Sequence[str],
    slices: Iterable[Slice],
    bounds: tuple[str, str],
) -> dict[str, State]:
    """What each recipient has; an old name with another definition is refused before anything is written."""
    periods = {item.period for item in slices if bounds[0] <= item.period <= bounds[1]}
    with ThreadPoolExecutor(WRITERS) as pool:
        found = list(pool.map(lambda payer: read_state(destination, payer, request.definition, periods), recipients))
    states = dict(zip(recipients, found, strict=True))
    problems: dict[object, Problem] = {}
    for payer, state in states.items():
        for problem in changes(state, payer, request.definition):
            problems.setdefault(problem.values["setting"], problem)
    raise_all(problems.values())
    return states


def _due(expected: Sequence[tuple[Slice, str]], states: Mapping[str, State], request: Request) -> list[Key]:
    """Deliveries to make, in order."""
    return [(*item.key, payer) for item, payer in expected if request.is_forced or is_due(states[payer], item)]


class _Job:
    """Deliveries of one execution."""

    def __init__(
        self,
        lake: Lake,
        request: Request,
        destination: Destination,
        started: datetime,
        report: ExportReport,
        states: Mapping[str, State],
        range_rows: int,
    ) -> None:
        self._lake = lake
        self._request = request
        self._destination = destination
        self._started = started
        self._report = report
        self._states = states
        self._range_rows = range_rows
        self._delivered: set[Key] = set()

    def deliver(
        self,
        due: Sequence[Key],
        accounts: DataFrame,
        rows: dict[Key, int],
        slices: Mapping[tuple[str, str], Slice],
        progress: Progress,
    ) -> None:
        """Compute rows in batches of ranges and write them, payer by payer."""
        spark = self._lake.spark
        is_large = sum(rows.values()) >= COMPILE_FROM_ROWS
        for batch in batches(ranges(due, rows, self._range_rows)):
            keys = [key for item in batch for key in item.keys]
            open_slices = [slices[key] for key in sorted({key[:2] for key in keys})]
            with compiled_plans(spark) if is_large else short_plans(spark), Kept() as kept:
                computed = self._computed(accounts, keys, open_slices)
                found = kept.keep(computed) if len(batch) > 1 or is_large else computed
                self._deliver_batch(batch, found, slices, progress)

    def _computed(self, accounts: DataFrame, keys: Sequence[Key], slices: Sequence[Slice]) -> DataFrame:
        spark = self._lake.spark
        due = on_driver(spark, pa.table([list(column) for column in zip(*keys, strict=True)], names=list(KEYS)))
        known = on_driver(spark, published_slices([as_line(item) for item in slices]))
        rows = exported_rows(spark, accounts, known)
        if EVIDENCE in self._request.shape.sources:
            rows = with_evidence(rows, self._evidence(slices))
        travelling = [name for name in self._request.shape.sources if not is_constant(name)]
        return delivered_rows(rows, due, self._request.query, travelling)

    def _evidence(self, slices: Sequence[Slice]) -> DataFrame:
        """Share of measured data per account and month, by the view `data_quality_summary`."""
        lake = self._lake
        lines = [as_line(item) for item in slices]
        register_views(lake.spark, lake.root, lines)
        return lake.spark.table("data_quality_summary")

    def _deliver_batch(
        self, batch: Sequence[Range], rows: DataFrame, slices: Mapping[tuple[str, str], Slice], progress: Progress
    ) -> None:
        frames = [(item, parts(rows, item, self._range_rows)) for item in batch]
        tables = in_advance([frame for _, found in frames for frame in found])
        with ThreadPoolExecutor(WRITERS) as pool:
            for item, found in frames:
                work: list[tuple[Key, Iterator[pa.Table]]]
                if len(item.keys) == 1:
                    # However many parts it has, a single delivery takes them one after the other.
                    work = [(item.keys[0], (next(tables) for _ in found))]
                else:
                    of_key = split(next(tables))
                    work = [(key, iter([of_key[key]] if key in of_key else [])) for key in item.keys]
                for manifest in pool.map(lambda pair: self._one(slices[pair[0][:2]], pair[0][2], pair[1]), work):
                    self._count(manifest)
                progress(f"{self._report.delivered:,} deliveries, {self._report.rows:,} rows")

    def _one(self, item: Slice, payer: str, tables: Iterator[pa.Table]) -> Manifest:
        """Write one period x version of one payer."""
        request, state, totals = self._request, self._states[payer], Totals()
        definition = request.definition
        execution = self._report.execution_id if definition.mode is Mode.CREATE_NEW else ""
        place = Place(payer, definition.name, item.version, item.period, execution)

        def manifest(files: Sequence[ManifestFile]) -> Manifest:
            return Manifest(
                format_version="1.0",
                export_name=definition.name,
                payer_account_id=payer,
                profile=definition.profile,
                format=definition.format,
                mode=definition.mode,
                query=definition.query,
                usage_period=item.period,
                methodology_version=item.version,
                is_current_version=item.is_current,
                measures_not_computed=item.measures_not_computed,
                run_id=item.run_id,
                run_finished_at=item.finished_at,
                restatement=item.restatement,
                execution_id=self._report.execution_id,
                delivered_at=self._started,
                previous_manifest=state.previous(item, definition, payer),
                row_count=sum(file.rows for file in files),
                columns=request.shape.columns,
                files=tuple(files),
                totals=totals.of(request.shape.summed),
            )

        whole = (complete(table, item, request.shape.sources) for table in tables)
        watched = totals.watch(limited(whole, request.query))
        chunks = request.shape.chunks(watched, item, payer)
        return deliver(self._destination, place, definition.format, chunks, manifest, state.present)

    def _count(self, manifest: Manifest) -> None:
        self._delivered.add((manifest.usage_period, manifest.methodology_version, manifest.payer_account_id))
        self._report.delivered += 1
        self._report.rows += manifest.row_count
        self._report.files += len(manifest.files)
        self._report.bytes += sum(file.bytes for file in manifest.files)

    def correct_marks(self, slices: Sequence[Slice]) -> None:
        """Manifests of versions that became, or are no longer, current say so."""
        for payer, state in self._states.items():
            for manifest in stale_marks(state, slices):
                key = manifest.usage_period, manifest.methodology_version
                if (*key, payer) not in self._delivered:
                    place = Place(payer, self._request.definition.name, key[1], key[0])
                    self._destination.write(f"{place.root}/{place.manifest}", manifest.text)
