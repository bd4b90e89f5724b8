"""The manifest of a delivery: the switch that readers start from, and all they need to verify what they read.

`python -m ccft.publish.data_exports.manifest` prints its JSON schema; `docs/export-manifest.schema.json` is that text, a test holds it current.
"""

import hashlib
import json
import sys
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ccft.publish.data_exports.layout import Format, Mode

FORMAT_VERSION: Final = "1.0"
SHA256: Final = r"^[0-9a-f]{64}$"
DECIMAL_TEXT: Final = r"^-?[0-9]+(\.[0-9]+)?$"


class Profile(StrEnum):
    """Layout of the files."""

    CARBON_EMISSIONS = "carbon_emissions"
    GOOGLE = "google"
    FOCUS = "focus"
    PACT = "pact"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ManifestColumn(_Part):
    """A column of the files, in their order."""

    name: str = Field(description="Name in the files")
    source: str = Field(
        description="Column of CARBON_EMISSIONS that it shows, or the field of the profile's own specification"
    )
    type: str = Field(description="string, double, bigint, date, timestamp, or a nested type as SQL writes it")
    unit: str = Field(description="Unit of amounts; empty for text")
    nullable: bool


class ManifestFile(_Part):
    """A data file."""

    path: str = Field(description="Relative to the folder of the export (`<destination>/<payer>/<name>/`)")
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=SHA256)
    rows: int = Field(ge=0)


class ManifestTotal(_Part):
    """Sums of a value column over all files of the manifest, as decimal text."""

    column: str
    delivered: str = Field(pattern=DECIMAL_TEXT, description="Sum of the delivered values, in `unit`, exact")
    unit: str
    exact_kg: str = Field(
        pattern=DECIMAL_TEXT, description="kg CO2e of the delivered rows before each was rounded to whole grams"
    )


class ManifestRestatement(_Part):
    """The published figures of the month were replaced."""

    previous_run_id: str
    restated_at: datetime


class PreviousManifest(_Part):
    """The delivery that this one follows; in mode overwrite its files are gone."""

    run_id: str
    execution_id: str
    sha256: str = Field(pattern=SHA256, description="Of the previous manifest's text")
    path: str | None = Field(description="Mode create-new: where it still lies, relative to the folder of the export")


class Manifest(_Part):
    """What was delivered for one payer, period and methodology version."""

    format_version: Literal["1.0"]
    export_name: str
    payer_account_id: str = Field(pattern=r"^[0-9]{12}$")
    profile: Profile
    format: Format
    mode: Mode
    query: str = Field(description="The query in its canonical spelling")
    usage_period: str = Field(pattern=r"^[0-9]{4}-[0-9]{2}$")
    methodology_version: str
    is_current_version: bool = Field(
        description="Whether the version is the published one of highest rank for the month; add up current ones only"
    )
    measures_not_computed: tuple[str, ...] = Field(
        description="Measures that the version does not have: their values are 0 because nobody computed them"
    )
    run_id: str
    run_finished_at: datetime
    restatement: ManifestRestatement | None
    execution_id: str
    delivered_at: datetime
    previous_manifest: PreviousManifest | None
    row_count: int = Field(ge=0)
    columns: tuple[ManifestColumn, ...]
    files: tuple[ManifestFile, ...]
    totals: tuple[ManifestTotal, ...]

    @property
    def text(self) -> bytes:
        """As it is delivered."""
        return (self.model_dump_json(indent=2) + "\n").encode()

    @property
    def sha256(self) -> str:
        """Checksum of the delivered text."""
        return hashlib.sha256(self.text).hexdigest()


def read_manifest(text: bytes) -> Manifest | None:
    """A delivered manifest; None when it is none that this version wrote: the period is then delivered again."""
    try:
        return Manifest.model_validate_json(text)
    except ValidationError:
        return None


def schema_text() -> str:
    """JSON schema of manifests."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Manifest.model_json_schema(
        mode="serialization"
    )
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
