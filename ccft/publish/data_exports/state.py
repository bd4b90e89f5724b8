"""What was delivered before: the manifests at the destination decide what is due."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ccft.errors import Problem
from ccft.publish.data_exports.delivery import is_delivered
from ccft.publish.data_exports.layout import Format, Mode, Place, is_manifest
from ccft.publish.data_exports.manifest import Manifest, PreviousManifest, Profile, read_manifest
from ccft.publish.data_exports.scope import Slice


class Shelf(Protocol):
    """A destination that can be looked at."""

    def files(self, folder: str) -> dict[str, int]:
        """Files below a folder, relative to it, with their sizes."""

    def read(self, path: str) -> bytes:
        """Content of a file."""


@dataclass(frozen=True)
class Definition:
    """What makes an export the one that it is; under its name nothing of it changes."""

    name: str
    format: Format
    mode: Mode
    profile: Profile
    query: str


@dataclass
class State:
    """What lies at the destination for one payer.

    Parameters
    ----------
    present
        Files, relative to the export's folder, with their sizes.
    manifests
        Readable manifests by period and version.
    """

    present: dict[str, int] = field(default_factory=dict)
    manifests: dict[tuple[str, str], Manifest] = field(default_factory=dict)

    def previous(self, item: Slice, definition: Definition, payer: str) -> PreviousManifest | None:
        """The delivery of a slice that the next one follows."""
        found = self.manifests.get(item.key)
        if found is None:
            return None
        place = Place(payer, definition.name, item.version, item.period, found.execution_id)
        path = place.execution_manifest if definition.mode is Mode.CREATE_NEW else None
        return PreviousManifest(run_id=found.run_id, execution_id=found.execution_id, sha256=found.sha256, path=path)


def read_state(shelf: Shelf, payer: str, definition: Definition, periods: Iterable[str]) -> State:
    """Look at one payer's export.

    Parameters
    ----------
    periods
        Months whose manifests matter; where there are none of them, one of another month is read for its definition.
    """
    root = f"{payer}/{definition.name}"
    state = State(shelf.files(root))
    wanted = set(periods)
    paths = sorted(path for path in state.present if is_manifest(definition.name, path))
    within = [path for path in paths if path.split("usage_period=")[1].split("/")[0] in wanted]
    for path in within or paths[:1]:
        manifest = read_manifest(shelf.read(f"{root}/{path}"))
        if manifest is None:
            continue
        place = Place(payer, definition.name, manifest.methodology_version, manifest.usage_period)
        # A manifest speaks for the place it lies in, whatever it says of itself.
        if (manifest.payer_account_id, place.manifest) == (payer, path):
            state.manifests[manifest.usage_period, manifest.methodology_version] = manifest
    return state


def changes(state: State, payer: str, definition: Definition) -> list[Problem]:
    """Settings in which an old name is asked to become another export."""
    found = []
    for setting in ("format", "mode", "profile", "query"):
        olds = {str(getattr(manifest, setting)) for manifest in state.manifests.values()}
        found += [
            Problem(
                "CCFT-USAGE-EXPORT-CHANGED",
                {"name": definition.name, "payer": payer, "setting": setting, "old": old},
            )
            for old in sorted(olds - {str(getattr(definition, setting))})[:1]
        ]
    return found


def is_due(state: State, item: Slice) -> bool:
    """Whether a slice has to be delivered: never, by another run, or no longer all there."""
    found = state.manifests.get(item.key)
    return (
        found is None
        or (found.run_id, found.run_finished_at) != (item.run_id, item.finished_at)
        or not is_delivered(found, state.present)
    )


def stale_marks(state: State, slices: Sequence[Slice]) -> list[Manifest]:
    """Manifests that say the wrong thing about being current, corrected; their data stays."""
    current = {item.key: item.is_current for item in slices}
    return [
        manifest.model_copy(update={"is_current_version": current[key]})
        for key, manifest in sorted(state.manifests.items())
        if key in current and manifest.is_current_version != current[key]
    ]
