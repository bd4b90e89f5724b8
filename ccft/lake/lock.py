"""One writer per lake: a lock file under its root, with its owner's name.

Two drivers that append to one Delta table at once can lose a commit on object storage, and would interleave their slices anywhere. The lock
covers lakes on a file system; on object storage the scheduler must see to it that one job runs at a time.
"""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ccft.errors import fail

LOCK_FILE = "_ccft.lock"


def _is_alive(owner: dict[str, object]) -> bool:
    """Whether the owner may still run; another host's owner counts as alive."""
    if owner.get("host") != socket.gethostname():
        return True
    try:
        os.kill(int(str(owner["pid"])), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _owner(path: Path) -> dict[str, object]:
    try:
        found: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {"host": "unknown", "pid": 0, "since": "unknown"}
    return found


def _take(path: Path) -> None:
    mine = {"host": socket.gethostname(), "pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(mine, file)


@contextmanager
def writing(root: str) -> Iterator[None]:
    """Hold the lake's lock while writing; a lock whose process is gone is taken over.

    Raises
    ------
    CcftError
        `CCFT-LAKE-LOCKED` when another process holds it.
    """
    if "://" in root and not root.startswith("file://"):
        yield
        return
    path = Path(root.removeprefix("file://")) / LOCK_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _take(path)
    except FileExistsError:
        owner = _owner(path)
        if _is_alive(owner):
            name = f"process {owner.get('pid')} on {owner.get('host')}"
            raise fail("CCFT-LAKE-LOCKED", owner=name, since=owner.get("since"), path=path) from None
        path.unlink(missing_ok=True)
        _take(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
