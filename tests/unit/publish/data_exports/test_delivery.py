"""The switch: killed before any of its changes, the previous delivery or the new one is there whole, and the next try ends right."""

import hashlib
import json
from decimal import Decimal
from functools import partial

import pytest

from ccft.publish.data_exports import shape
from ccft.publish.data_exports.layout import Mode
from ccft.publish.data_exports.rendering import render
from ccft.publish.data_exports.scope import Slice
from tests.unit.publish.data_exports.deliveries import ROWS, deliver_rows
from tests.unit.publish.data_exports.sample import FINISHED, PAYER, KilledError, MemoryStore, row, table

ROOT = f"{PAYER}/carbon"
MANIFEST = f"{ROOT}/metadata/carbon_model_version=v3.0/usage_period=2025-01/carbon-Manifest.json"
RESTATED = Slice("2025-01", "v3.0", "run-2", FINISHED, {}, is_current=True)
NEW_ROWS = table([row("000000000042", kg="5"), row("000000000045", kg="6")])


def read(store: MemoryStore) -> tuple[str, list[bytes]]:
    """A reader that starts from the manifest, and believes nothing that it has not checked."""
    manifest = json.loads(store.content[MANIFEST])
    contents = []
    for file in manifest["files"]:
        content = store.content[f"{ROOT}/{file['path']}"]
        assert len(content) == file["bytes"]
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
        contents.append(content)
    assert sum(file["rows"] for file in manifest["files"]) == manifest["row_count"]
    return manifest["run_id"], contents


def data_files(store: MemoryStore) -> set[str]:
    return {path for path in store.content if "/data/" in path}


@pytest.mark.parametrize("mode", list(Mode))
def test_killed_before_any_change_one_whole_delivery_is_readable(mode, monkeypatch):
    # Several data files per delivery: as many moments to die in.
    monkeypatch.setattr(shape, "render", partial(render, chunk_rows=1, group_rows=1))
    first = MemoryStore()
    deliver_rows(first, [ROWS], mode=mode, execution="one")
    old = read(first)
    undisturbed = MemoryStore(dict(first.content))
    deliver_rows(undisturbed, [NEW_ROWS], item=RESTATED, mode=mode, execution="two")
    new = read(undisturbed)
    assert old != new
    assert undisturbed.changes >= 4
    for moment in range(undisturbed.changes):
        store = MemoryStore(dict(first.content), kill_at=moment)
        with pytest.raises(KilledError):
            deliver_rows(store, [NEW_ROWS], item=RESTATED, mode=mode, execution="two")
        assert read(store) in (old, new)
        # The next try, also of a restatement of the restatement, leaves nothing behind in mode overwrite.
        again = MemoryStore(store.content)
        deliver_rows(again, [NEW_ROWS], item=RESTATED, mode=mode, execution="three")
        assert read(again) == new
        if mode is Mode.OVERWRITE:
            assert data_files(again) == data_files(undisturbed)
        else:
            assert data_files(first) <= data_files(again)


def test_the_manifest_is_written_after_the_data_and_before_old_files_go():
    class Recorder(MemoryStore):
        def __init__(self):
            super().__init__()
            self.log: list[tuple[str, str]] = []

        def write(self, path, content):
            self.log.append(("write", path))
            super().write(path, content)

        def delete(self, path):
            self.log.append(("delete", path))
            super().delete(path)

    store = Recorder()
    deliver_rows(store, [ROWS])
    store.log.clear()
    deliver_rows(store, [NEW_ROWS], item=RESTATED)
    assert [action for action, _ in store.log] == ["write", "write", "delete"]
    assert store.log[1][1] == MANIFEST


def test_create_new_keeps_everything_and_links_to_the_previous():
    store = MemoryStore()
    first = deliver_rows(store, [ROWS], mode="create-new", execution="one")
    second = deliver_rows(store, [NEW_ROWS], item=RESTATED, mode="create-new", execution="two")
    assert {path.split("/")[5] for path in data_files(store)} == {"one", "two"}
    assert second.previous_manifest is not None
    assert store.content[f"{ROOT}/{second.previous_manifest.path}"] == first.text
    assert second.previous_manifest.sha256 == first.sha256 == hashlib.sha256(first.text).hexdigest()


def test_only_files_that_deliveries_name_are_removed():
    """An old manifest is in the customer's hands: what it lists must not decide what is deleted."""
    store = MemoryStore()
    deliver_rows(store, [ROWS])
    forged = json.loads(store.content[MANIFEST])
    forged["files"][0]["path"] = "../../000000000043/carbon/data/secret.parquet"
    store.content[MANIFEST] = json.dumps(forged).encode()
    others = {
        "000000000043/carbon/data/secret.parquet": b"theirs",
        f"{ROOT}/data/carbon_model_version=v3.0/usage_period=2025-01/notes.txt": b"the customer's own",
        f"{ROOT}/data/carbon_model_version=v3.0/usage_period=2025-02/carbon-00001-0123456789ab.snappy.parquet": b"February",
    }
    store.content |= others
    deliver_rows(store, [NEW_ROWS], item=RESTATED)
    assert {path: store.content.get(path) for path in others} == others


def test_totals_are_those_of_the_delivered_rows():
    store = MemoryStore()
    manifest = deliver_rows(
        store,
        [ROWS.slice(0, 2), ROWS.slice(2)],
        query=(
            "SELECT total_scope_1_emissions_value AS s1, usage_account_id, total_lbm_emissions_value FROM CARBON_EMISSIONS"
        ),
    )
    totals = {total.column: total for total in manifest.totals}
    assert list(totals) == ["s1", "total_lbm_emissions_value"]
    # 1.0004 kg, 0.0005 kg and 1 microgram: 1000 g, 1 g (half up), 0 g.
    assert Decimal(totals["s1"].delivered) == Decimal("0.001001")
    assert Decimal(totals["s1"].exact_kg) == Decimal("1.000900001")
    # Four measures summed exactly, rounded once: 4002 g (4.0016 kg), 2 g, 0 g.
    assert Decimal(totals["total_lbm_emissions_value"].delivered) == Decimal("0.004004")
    assert Decimal(totals["total_lbm_emissions_value"].exact_kg) == Decimal("4.003600004")


def test_a_limit_holds_for_rows_and_totals():
    manifest = deliver_rows(
        MemoryStore(),
        [ROWS.slice(0, 1), ROWS.slice(1)],
        query="SELECT total_scope_1_emissions_value FROM CARBON_EMISSIONS LIMIT 2",
    )
    assert manifest.row_count == 2
    assert Decimal(manifest.totals[0].exact_kg) == Decimal("1.0009")
    nothing = deliver_rows(MemoryStore(), [ROWS], query="SELECT location FROM CARBON_EMISSIONS LIMIT 0")
    assert (nothing.row_count, len(nothing.files), nothing.totals) == (0, 1, ())
