"""One writer per lake: a lock under its root, with owner and heartbeat, on any storage.

Two drivers that write one Delta table at once can lose a commit on object storage, and would interleave their slices anywhere.

The lock is a sequence of turns: files `<turn>.json` in the folder `_ccft_lock`. The highest turn holds the lock until it says that it is done. To take the lock is to create
the next turn, which storage grants to one process only; turns never go back, so that a process with an old picture of the folder cannot win against a newer owner.

1. Read the highest turn. Done: free. Its process is gone on this host: free. Its heartbeat is recent: locked, at once. Otherwise watch it: a heartbeat that stands still
   for `Terms.watch` seconds of our own clock is of a dead process, whatever the clocks of two machines say.
2. Create the next turn. Not granted: another process was faster, locked.
3. List again. A higher turn than ours: ours was a gap that had been cleaned up, locked. Otherwise the lock is ours and older turns are removed.

A thread renews the heartbeat. `Lock.check` looks at storage before every write of the lake: an owner that was taken for dead and comes back to life stops there.
"""

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

from ccft.errors import CcftError, fail
from ccft.lake.lock_files import STORAGE_ERRORS, FolderFiles, HadoopFiles, LockFiles
from ccft.lake.tables import Lake


@dataclass(frozen=True)
class Terms:
    """How owners and others deal with each other, in seconds; the same for all processes of a lake.

    Parameters
    ----------
    beat
        Between two heartbeats.
    stale_after
        Age of a heartbeat from which others doubt that its owner lives.
    watch
        How long a doubtful heartbeat has to stand still before its lock is taken over.
    """

    beat: float = 10.0
    stale_after: float = 60.0
    watch: float = 30.0


TERMS: Final = Terms()


@dataclass(frozen=True)
class Turn:
    """What the file of a turn says.

    Parameters
    ----------
    owner
        Unique name of this holding of the lock.
    host, pid, space
        Process; process ids count within `space` (containers may share a host name).
    since, heartbeat
        UTC, ISO 8601.
    done
        The owner has let go.
    """

    owner: str
    host: str
    pid: int
    space: str
    since: str
    heartbeat: str
    done: bool = False

    @classmethod
    def mine(cls) -> Self:
        """A new turn of this process."""
        now = _now()
        return cls(uuid.uuid4().hex, socket.gethostname(), os.getpid(), _pid_space(), now, now)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The turn in a file; None when it is not (yet) written as a whole."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            return None

    def text(self, *, done: bool = False) -> str:
        """Content of the file now."""
        return json.dumps({**vars(self), "heartbeat": _now(), "done": done})

    def is_gone(self) -> bool:
        """Whether the process has surely ended; of other hosts and containers nobody here knows."""
        if (self.host, self.space) != (socket.gethostname(), _pid_space()):
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False

    def is_recent(self, terms: Terms) -> bool:
        """Whether the heartbeat is younger than doubt."""
        return datetime.now(UTC) - datetime.fromisoformat(self.heartbeat) < timedelta(seconds=terms.stale_after)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _pid_space() -> str:
    """Name of the space that process ids count in; empty where there is only one."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _file(number: int) -> str:
    return f"{number:010d}.json"


def _highest(files: LockFiles) -> int:
    """Number of the highest turn; 0 when there was none."""
    return max((int(name.partition(".")[0]) for name in files.names()), default=0)


class Lock:
    """The lock of a lake, held from `acquire` to `release`."""

    def __init__(self, files: LockFiles, number: int, turn: Turn, terms: Terms) -> None:
        self._files, self._number, self._turn, self._terms = files, number, turn, terms
        self._renewed = time.monotonic()
        self._is_lost = False
        self._ending = threading.Event()
        self._one_at_a_time = threading.Lock()
        self._thread = threading.Thread(target=self._renew, name="ccft lake lock", daemon=True)

    @classmethod
    def acquire(cls, files: LockFiles, terms: Terms = TERMS) -> Self:
        """Take the lock and start its heartbeat.

        Raises
        ------
        CcftError
            `CCFT-LAKE-LOCKED`, with its owner, when another process holds it.
        """
        before, mine = _highest(files), Turn.mine()
        if before and not _is_free(files, before, terms):
            raise _locked(files, _highest(files))
        if not files.create(_file(before + 1), mine.text()):
            raise _locked(files, before + 1)
        after = _highest(files)
        if after != before + 1:
            files.delete(_file(before + 1))
            raise _locked(files, after)
        for name in files.names():
            if name < _file(after):
                files.delete(name)
        lock = cls(files, after, mine, terms)
        lock._thread.start()
        return lock

    def check(self) -> None:
        """Make sure, in storage, that the lock is still this process's.

        Raises
        ------
        CcftError
            `CCFT-LAKE-LOCK-LOST`.
        """
        try:
            self._beat()
        except STORAGE_ERRORS as error:
            raise self._lost(f"storage does not answer: {_first_line(error)}") from error
        if self._is_lost:
            raise self._lost("another process took it over")

    def _lost(self, reason: str) -> CcftError:
        return fail("CCFT-LAKE-LOCK-LOST", path=self._files.address, since=self._turn.since, reason=reason)

    def _beat(self) -> None:
        """Look whose turn it is, and renew the heartbeat when it is due."""
        with self._one_at_a_time:
            self._is_lost = self._is_lost or _highest(self._files) != self._number
            if not self._is_lost and time.monotonic() - self._renewed >= self._terms.beat / 2:
                self._files.write(_file(self._number), self._turn.text())
                self._renewed = time.monotonic()

    def _renew(self) -> None:
        while not self._ending.wait(self._terms.beat) and not self._is_lost:
            # Storage may be out of reach for a moment; whether it was too long is for `check` to find out.
            with suppress(*STORAGE_ERRORS):
                self._beat()

    def release(self) -> None:
        """Let go. Storage that is out of reach by now is no error: the heartbeat stands still, and others will see it."""
        self._ending.set()
        self._thread.join()
        with suppress(*STORAGE_ERRORS):
            if not self._is_lost and _highest(self._files) == self._number:
                self._files.write(_file(self._number), self._turn.text(done=True))


def _is_free(files: LockFiles, number: int, terms: Terms) -> bool:
    """Whether the highest turn is over: done, its process gone, or its heartbeat at a standstill."""
    seen = files.read(_file(number))
    turn = Turn.parse(seen)
    if turn is not None and (turn.done or turn.is_gone()):
        return True
    if turn is not None and turn.is_recent(terms):
        return False
    if not seen and _highest(files) != number:
        return False  # cleaned up by a newer owner since it was listed
    until = time.monotonic() + terms.watch
    while time.monotonic() < until:
        time.sleep(min(1.0, terms.watch / 10))
        if files.read(_file(number)) != seen:
            return False
    return True


def _locked(files: LockFiles, number: int) -> CcftError:
    turn = Turn.parse(files.read(_file(number)))
    owner = f"process {turn.pid} on {turn.host}" if turn else "another process"
    path = f"{files.address}/{_file(number)}"
    return fail("CCFT-LAKE-LOCKED", owner=owner, since=turn.since if turn else "just now", path=path)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0]


def _is_uri(root: str) -> bool:
    return "://" in root and not root.startswith("file://")


def _acquire(place: Lake | str, terms: Terms) -> Lock:
    """The lock of a lake or folder; storage that cannot be reached is named as such."""
    root = place if isinstance(place, str) else place.root
    try:
        files = FolderFiles(root) if isinstance(place, str) or not _is_uri(root) else HadoopFiles(place.spark, root)
        return Lock.acquire(files, terms)
    except STORAGE_ERRORS as error:
        java = getattr(error, "java_exception", None)
        raise fail("CCFT-LAKE-STORAGE", reason=_first_line(error) if java is None else str(java.toString())) from error


@contextmanager
def writing(place: Lake | str, terms: Terms = TERMS) -> Iterator[None]:
    """Hold the lock while writing; a lake checks it before each of its writes.

    Parameters
    ----------
    place
        The lake; its session is opened when it lies on object storage or HDFS. Or a folder that exports go to: a destination that is a URI has no lock.

    Raises
    ------
    CcftError
        `CCFT-LAKE-LOCKED` when another process holds it; `CCFT-LAKE-STORAGE`; from writes of the lake, `CCFT-LAKE-LOCK-LOST`.
    """
    if isinstance(place, str) and _is_uri(place):
        yield
        return
    lock = _acquire(place, terms)
    if not isinstance(place, str):
        place.guard = lock.check
    try:
        yield
    finally:
        lock.release()
        if not isinstance(place, str):
            place.guard = None
