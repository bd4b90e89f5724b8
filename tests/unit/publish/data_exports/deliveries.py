"""Deliveries without Spark: rows of `sample` through shape, totals and switch, as the pipeline does it."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pyarrow as pa

from ccft.publish.data_exports.delivery import deliver
from ccft.publish.data_exports.layout import Mode, Place
from ccft.publish.data_exports.manifest import Manifest
from ccft.publish.data_exports.profiles import definition_of
from ccft.publish.data_exports.scope import Slice
from ccft.publish.data_exports.shape import Totals, limited
from ccft.publish.data_exports.state import State, read_state
from tests.unit.publish.data_exports.sample import PAYER, SLICE, MemoryStore, row, table

DELIVERED_AT = datetime(2026, 4, 14, tzinfo=UTC)
ROWS = table([row("000000000042"), row("000000000043", kg="0.0005"), row("000000000044", kg="0.000000001")])


def deliver_rows(
    store: MemoryStore,
    tables: Iterable[pa.Table],
    *,
    item: Slice = SLICE,
    execution: str = "20260414T000000.000Z-00000001",
    payer: str = PAYER,
    **options: object,
) -> Manifest:
    """Deliver, after looking at what is there."""
    definition, query, shape = definition_of("carbon", **options)
    state: State = read_state(store, payer, definition, [item.period])
    totals = Totals()
    place = Place(payer, "carbon", item.version, item.period, execution if definition.mode is Mode.CREATE_NEW else "")

    def manifest(files):
        return Manifest(
            format_version="1.0",
            export_name="carbon",
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
            execution_id=execution,
            delivered_at=DELIVERED_AT,
            previous_manifest=state.previous(item, definition, payer),
            row_count=sum(file.rows for file in files),
            columns=shape.columns,
            files=tuple(files),
            totals=totals.of(shape.summed),
        )

    chunks = shape.chunks(totals.watch(limited(tables, query)), item, payer)
    return deliver(store, place, definition.format, chunks, manifest, state.present)


def delivered_manifest() -> Manifest:
    return deliver_rows(MemoryStore(), [ROWS])
