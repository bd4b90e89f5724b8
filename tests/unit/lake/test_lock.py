"""The lock of a lake on a file system: one owner, takeover of the dead, and an owner that comes back to life stops."""

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ccft.errors import CcftError
from ccft.lake import lock as lock_module
from ccft.lake.lock import Lock, Terms, Turn, writing
from ccft.lake.lock_files import FOLDER, FolderFiles
from ccft.lake.tables import Lake

QUICK = Terms(beat=0.05, stale_after=0.4, watch=0.3)
STILL = Terms(beat=60, stale_after=60, watch=0.3)
"""No heartbeat within a test."""


@pytest.fixture
def files(tmp_path) -> FolderFiles:
    return FolderFiles(str(tmp_path))


def put(files, number: int, *, age: float = 0.0, **changes) -> Turn:
    """A turn as another process would have left it."""
    then = (datetime.now(UTC) - timedelta(seconds=age)).isoformat()
    turn = replace(Turn.mine(), **{"host": "elsewhere", "since": then, "heartbeat": then, **changes})
    files.write(f"{number:010d}.json", json.dumps(vars(turn)))
    return turn


def ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def code(error: CcftError) -> list[str]:
    return [problem.code for problem in error.problems]


def refused(files, terms: Terms = STILL) -> CcftError:
    with pytest.raises(CcftError) as caught:
        Lock.acquire(files, terms)
    assert code(caught.value) == ["CCFT-LAKE-LOCKED"]
    return caught.value


def test_a_second_writer_is_told_who_holds_the_lake(files):
    held = Lock.acquire(files, STILL)
    error = refused(files)
    assert error.exit_code == 3
    assert f"process {os.getpid()} on " in str(error)
    held.release()
    Lock.acquire(files, STILL).release()


def test_of_many_at_once_one_gets_it(files):
    """Sixteen threads at each turn: one owner, and never two."""
    for _ in range(20):
        together = threading.Barrier(16)

        def attempt(_number, together=together):
            together.wait()
            try:
                return Lock.acquire(files, STILL)
            except CcftError:
                return None

        with ThreadPoolExecutor(16) as pool:
            owners = [lock for lock in pool.map(attempt, range(16)) if lock]
        assert len(owners) == 1
        owners[0].check()
        owners[0].release()


def test_processes_never_write_at_the_same_time(tmp_path):
    """Four processes take the lock again and again and add one to a number that nothing else protects."""
    (tmp_path / "number").write_text("0")
    script = f"""
import pathlib, sys, time
from ccft.errors import CcftError
from ccft.lake.lock import writing
number, done = pathlib.Path({str(tmp_path)!r}) / "number", 0
while done < 10:
    try:
        with writing({str(tmp_path)!r}):
            before = int(number.read_text())
            time.sleep(0.005)
            number.write_text(str(before + 1))
            done += 1
    except CcftError:
        time.sleep(0.002)
"""
    workers = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(4)]
    assert [worker.wait(120) for worker in workers] == [0] * 4
    assert (tmp_path / "number").read_text() == "40"


def test_the_lock_of_a_dead_process_of_this_host_is_taken_at_once(files):
    put(files, 1, host=Turn.mine().host, pid=ended_process())
    started = time.monotonic()
    Lock.acquire(files, Terms(watch=30)).release()
    assert time.monotonic() - started < 5


def test_a_process_id_of_another_container_says_nothing(files):
    """Containers on a host network share the host's name, not its processes."""
    put(files, 1, host=Turn.mine().host, space="pid:[1]", pid=ended_process())
    refused(files)


def test_a_lock_without_heartbeat_is_taken_over(files):
    put(files, 4, age=120)
    lock = Lock.acquire(files, STILL)
    assert files.names() == ["0000000005.json"]
    lock.check()
    lock.release()


def test_a_heartbeat_that_looks_old_but_moves_is_alive(files):
    """The clock of the other machine is two minutes behind."""
    put(files, 1, age=120)
    moving = threading.Timer(0.1, lambda: put(files, 1, age=119))
    moving.start()
    refused(files)
    moving.join()


def test_a_file_that_was_never_finished_is_taken_over(files):
    assert files.create("0000000001.json", "")
    Lock.acquire(files, STILL).release()


def test_a_file_that_is_just_being_written_is_not(files):
    assert files.create("0000000001.json", "")
    finished = threading.Timer(0.1, lambda: put(files, 1))
    finished.start()
    refused(files)
    finished.join()


def test_heartbeats_go_on_while_the_owner_works(files):
    lock = Lock.acquire(files, QUICK)
    time.sleep(3 * QUICK.stale_after)
    refused(files, QUICK)
    lock.check()
    lock.release()


def test_an_owner_that_was_taken_for_dead_stops(files):
    owner = Lock.acquire(files, STILL)
    put(files, 1, age=120)
    other = Lock.acquire(files, STILL)
    with pytest.raises(CcftError, match="another process took it over") as caught:
        owner.check()
    assert code(caught.value) == ["CCFT-LAKE-LOCK-LOST"]
    assert caught.value.exit_code == 3
    owner.release()
    other.check()
    other.release()


def test_the_heartbeat_of_an_owner_that_lost_ends_and_it_never_gets_the_lock_back(files):
    owner = Lock.acquire(files, QUICK)
    put(files, 2)
    owner._thread.join(5)
    assert not owner._thread.is_alive()
    files.delete("0000000002.json")
    with pytest.raises(CcftError):
        owner.check()
    owner.release()


def test_an_old_picture_of_the_folder_wins_nothing(files, monkeypatch):
    """Turns 1 to 3 came and went after the picture was taken; the file of turn 2 has been cleaned up and can be created again."""
    put(files, 3)
    pictures = iter([1])
    look = lock_module._highest
    monkeypatch.setattr(lock_module, "_highest", lambda files: next(pictures, None) or look(files))
    monkeypatch.setattr(lock_module, "_is_free", lambda files, number, terms: True)
    refused(files)
    assert files.names() == ["0000000003.json"]


def test_a_turn_that_is_cleaned_up_while_it_is_looked_at_is_over_and_the_next_one_holds(files, monkeypatch):
    put(files, 2)
    pictures = iter([1])
    look = lock_module._highest
    monkeypatch.setattr(lock_module, "_highest", lambda files: next(pictures, None) or look(files))
    started = time.monotonic()
    assert "0000000002.json" in str(refused(files, Terms(watch=30)))
    assert time.monotonic() - started < 5


def test_storage_out_of_reach_stops_a_write_but_not_a_heartbeat(files, monkeypatch):
    lock = Lock.acquire(files, QUICK)

    def out_of_reach():
        raise OSError("no route to host")

    monkeypatch.setattr(files, "names", out_of_reach)
    time.sleep(5 * QUICK.beat)
    with pytest.raises(CcftError, match="no route to host") as caught:
        lock.check()
    assert code(caught.value) == ["CCFT-LAKE-LOCK-LOST"]
    monkeypatch.undo()
    lock.check()
    refused(files, QUICK)
    lock.release()


def test_a_lake_writes_nothing_once_its_lock_is_lost(tmp_path):
    def no_session():
        raise AssertionError("a session was opened")

    lake = Lake(no_session, str(tmp_path))
    with writing(lake, STILL):
        put(FolderFiles(str(tmp_path)), 2)
        for write in (
            lambda: lake.append("run_log", None),
            lambda: lake.replace("run_log", None),
            lambda: lake.restore({"run_log": 1}),
        ):
            with pytest.raises(CcftError) as caught:
                write()
            assert code(caught.value) == ["CCFT-LAKE-LOCK-LOST"]
    assert lake.guard is None


def test_the_lock_is_released_when_a_run_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), writing(f"file://{tmp_path}", STILL):
        raise ZeroDivisionError
    with writing(str(tmp_path), STILL):
        assert len(list((tmp_path / FOLDER).iterdir())) == 1


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "lake").write_text("a file")
    with pytest.raises(CcftError) as caught, writing(str(tmp_path / "lake"), STILL):
        pass
    assert code(caught.value) == ["CCFT-LAKE-STORAGE"]
