"""Names and places of a delivery: what an export may be called, and where each of its files lies below the destination.

Every path is built from four checked parts (payer, name, version, period); nothing of a caller or of a delivered manifest becomes a path unchecked.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from ccft.errors import Problem

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_PAYER: Final = re.compile(r"[0-9]{12}")
_DIGEST_CHARACTERS: Final = 12
PARTIAL: Final = ".part"
"""Ending of a local file until it is complete."""


class Format(StrEnum):
    """How rows are written."""

    PARQUET = "parquet"
    CSV = "csv"
    JSON = "json"


class Mode(StrEnum):
    """What happens to the previous delivery of a period."""

    OVERWRITE = "overwrite"
    CREATE_NEW = "create-new"


SUFFIXES: Final = {Format.PARQUET: "snappy.parquet", Format.CSV: "csv.gz", Format.JSON: "json"}


def name_problems(name: str) -> list[Problem]:
    """Why an export cannot be called so."""
    return [] if _NAME.fullmatch(name) else [Problem("CCFT-USAGE-EXPORT-NAME", {"value": name})]


def is_account(text: str) -> bool:
    """Whether the text is written like an account: exactly twelve ASCII digits.

    >>> is_account("000000000042"), is_account("42"), is_account("../000000000042")
    (True, False, False)
    """
    return _PAYER.fullmatch(text) is not None


def execution_id(started: datetime, random_id: str) -> str:
    """Name of one execution, in the order of time.

    >>> execution_id(datetime(2026, 4, 14, 7, 52, 10, 494_000, UTC), "1f2e3d4c")
    '20260414T075210.494Z-1f2e3d4c'
    """
    moment = started.astimezone(UTC)
    return f"{moment:%Y%m%dT%H%M%S}.{moment.microsecond // 1000:03d}Z-{random_id}"


@dataclass(frozen=True)
class Place:
    """Where one period x version of one payer's export lies, relative to the destination.

    Parameters
    ----------
    payer, name, version, period
        Checked before.
    execution
        Mode create-new: folder of this execution; empty = overwrite.
    """

    payer: str
    name: str
    version: str
    period: str
    execution: str = ""

    @property
    def root(self) -> str:
        """Folder of the export; paths in its manifests are relative to it."""
        return f"{self.payer}/{self.name}"

    @property
    def _partition(self) -> str:
        return f"carbon_model_version={self.version}/usage_period={self.period}"

    @property
    def data_folder(self) -> str:
        """Folder of data files, relative to `root`."""
        return "/".join(filter(None, ("data", self._partition, self.execution)))

    @property
    def manifest(self) -> str:
        """The manifest that readers start from, relative to `root`."""
        return f"metadata/{self._partition}/{self.name}-Manifest.json"

    @property
    def execution_manifest(self) -> str:
        """Mode create-new: the manifest of this execution, which stays, relative to `root`."""
        return f"metadata/{self._partition}/{self.execution}/{self.name}-Manifest.json"

    def data_file(self, number: int, sha256: str, form: Format) -> str:
        """A data file, relative to `root`; its name changes with its content."""
        return f"{self.data_folder}/{self.name}-{number:05d}-{sha256[:_DIGEST_CHARACTERS]}.{SUFFIXES[form]}"

    def owns(self, path: str) -> bool:
        """Whether a path relative to `root` is a data file of this place, complete or not, by its name."""
        folder, _, file = path.rpartition("/")
        pattern = rf"{re.escape(self.name)}-[0-9]{{5,}}-[0-9a-f]{{12}}\.({'|'.join(map(re.escape, SUFFIXES.values()))})"
        return folder == self.data_folder and re.fullmatch(pattern, file.removesuffix(PARTIAL)) is not None


def is_manifest(name: str, path: str) -> bool:
    """Whether a path relative to an export's `root` is the manifest of a period x version."""
    return (
        re.fullmatch(rf"metadata/carbon_model_version=[^/]+/usage_period=[^/]+/{re.escape(name)}-Manifest\.json", path)
        is not None
    )
