"""One delivery: data files first, then the manifest, then the old files go.

Killed anywhere, a reader that starts from the manifest sees one delivery whole: the previous one until the manifest is replaced, the new one from
then on.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ccft.publish.data_exports.layout import Format, Place
from ccft.publish.data_exports.manifest import Manifest, ManifestFile


class Store(Protocol):
    """Where deliveries go; paths are relative to the destination."""

    def write(self, path: str, content: bytes) -> None:
        """Write a file whole or not at all, replacing what was there."""

    def delete(self, path: str) -> None:
        """Remove a file; one that is not there is no error."""


@dataclass(frozen=True)
class Chunk:
    """A rendered data file: its content and the rows in it."""

    content: bytes
    rows: int


def deliver(
    store: Store,
    place: Place,
    form: Format,
    chunks: Iterable[Chunk],
    manifest_of: Callable[[Sequence[ManifestFile]], Manifest],
    present: Iterable[str],
) -> Manifest:
    """Deliver one period x version of one payer.

    Parameters
    ----------
    place
        Where; with an execution the delivery stands beside earlier ones, without one it replaces them.
    chunks
        Data files, rendered one by one: only one is in memory at a time.
    manifest_of
        The manifest of written files; called when all of them are.
    present
        Files of the export that were there before, relative to its folder.
    """
    files = []
    for number, chunk in enumerate(chunks, start=1):
        sha256 = hashlib.sha256(chunk.content).hexdigest()
        path = place.data_file(number, sha256, form)
        store.write(f"{place.root}/{path}", chunk.content)
        files.append(ManifestFile(path=path, bytes=len(chunk.content), sha256=sha256, rows=chunk.rows))
    manifest = manifest_of(files)
    if place.execution:
        store.write(f"{place.root}/{place.execution_manifest}", manifest.text)
    store.write(f"{place.root}/{place.manifest}", manifest.text)
    kept = {file.path for file in files}
    for path in present:
        # By the names that deliveries give, never by what an old manifest says: that file is in the customer's hands.
        if place.owns(path) and path not in kept:
            store.delete(f"{place.root}/{path}")
    return manifest


def is_delivered(manifest: Manifest, present: Mapping[str, int]) -> bool:
    """Whether every file of a manifest is there in its size."""
    return all(present.get(file.path) == file.bytes for file in manifest.files)
