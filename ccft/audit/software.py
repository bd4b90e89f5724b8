"""Which software computed a result: the hash of its own source files, beside the version it is released under."""

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

_SOURCES: Final = (".py", ".toml")


def _files(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    """Source files below a folder with their relative names."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(_SOURCES):
            yield prefix + entry.name, entry


@cache
def code_hash() -> str:
    """SHA-256 over names and contents of all source files of `ccft`, policy files included, in order of their names.

    A release and a working copy that differs in one line have different hashes, though they call themselves by the same version.
    """
    found = hashlib.sha256()
    for name, file in sorted(_files(resources.files("ccft")), key=lambda item: item[0]):
        found.update(f"{name}\x00".encode())
        found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()
