"""What is due follows from the manifests and files at the destination."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from ccft.publish.data_exports.profiles import definition_of
from ccft.publish.data_exports.state import State, changes, is_due, read_state, stale_marks
from tests.unit.publish.data_exports.deliveries import ROWS, deliver_rows
from tests.unit.publish.data_exports.sample import PAYER, SLICE, MemoryStore

DEFINITION = definition_of("carbon")[0]


def state_of(store: MemoryStore, **options: str) -> State:
    return read_state(store, PAYER, definition_of("carbon", **options)[0], [SLICE.period])


@pytest.fixture
def store() -> MemoryStore:
    found = MemoryStore()
    deliver_rows(found, [ROWS])
    return found


def test_delivered_and_unchanged_is_not_due(store):
    assert not is_due(state_of(store), SLICE)
    assert is_due(State(), SLICE)


def test_another_run_is_due(store):
    assert is_due(state_of(store), replace(SLICE, run_id="run-2"))
    # The same run published again after a restatement was taken back.
    assert is_due(state_of(store), replace(SLICE, finished_at=SLICE.finished_at + timedelta(days=1)))


def test_a_lost_or_cut_file_is_due(store):
    (path,) = [path for path in store.content if "/data/" in path]
    whole = store.content[path]
    store.content[path] = whole[:-1]
    assert is_due(state_of(store), SLICE)
    del store.content[path]
    assert is_due(state_of(store), SLICE)


@pytest.mark.parametrize("text", [b"", b"{", b"null", b'{"format_version": "0.9"}'])
def test_an_unreadable_manifest_is_none(store, text):
    (path,) = [path for path in store.content if path.endswith("Manifest.json")]
    store.content[path] = text
    assert is_due(state_of(store), SLICE)


def test_a_manifest_of_another_payer_or_month_does_not_count(store):
    (path,) = [path for path in store.content if path.endswith("Manifest.json")]
    for change in ({"payer_account_id": "000000000099"}, {"usage_period": "2025-02"}):
        store.content[path] = json.dumps(json.loads(store.content[path]) | change).encode()
        assert state_of(store).manifests == {}


@pytest.mark.parametrize(
    ("options", "setting"),
    [
        ({"form": "csv"}, "format"),
        ({"mode": "create-new"}, "mode"),
        ({"query": "SELECT location FROM CARBON_EMISSIONS"}, "query"),
    ],
)
def test_an_old_name_keeps_its_definition(store, options, setting):
    definition = definition_of("carbon", **options)[0]
    for periods in ([SLICE.period], ["2030-01"]):  # also where the window has left the delivered months behind
        (problem,) = changes(read_state(store, PAYER, definition, periods), PAYER, definition)
        assert problem.code == "CCFT-USAGE-EXPORT-CHANGED"
        assert problem.values["setting"] == setting


def test_the_same_query_in_other_words_is_the_same(store):
    other = definition_of("carbon", query=DEFINITION.query.lower().replace("carbon_emissions", "CARBON_EMISSIONS"))[0]
    assert changes(state_of(store), PAYER, other) == []


def test_a_superseded_version_loses_its_mark_and_keeps_its_data(store):
    (old,) = stale_marks(state_of(store), [replace(SLICE, is_current=False)])
    assert not old.is_current_version
    assert old.files == state_of(store).manifests[SLICE.key].files
    assert stale_marks(state_of(store), [SLICE]) == []
