"""Settings: from flags, then `CCFT_<SETTING>` in the environment, then the configuration file, then defaults."""

import hashlib
import os
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ccft.errors import CcftError, Problem, fail

HISTORY_DAYS: Final = 1200
"""More than the 38 months that exports and reports show."""


class Settings(BaseModel):
    """What an operator may set.

    Parameters
    ----------
    lake
        Root of the Delta tables: local folder or URI (`s3a://`, `abfss://`, `gs://`, HDFS).
    provider_account_id
        The provider's own account, bearer of what stays with the provider.
    rejected_share_limit, rejected_rows_limit
        A period is rejected when more than this share of a table's rows, and more than this number, were set aside.
    history_days
        How long superseded rows of the lake's tables stay readable at their Delta versions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lake: str = ""
    provider_account_id: str = Field(default="000000000000", pattern=r"^\d{12}$")
    rejected_share_limit: Decimal = Field(default=Decimal("0.001"), ge=0, le=1)
    rejected_rows_limit: int = Field(default=10, ge=0)
    history_days: int = Field(default=HISTORY_DAYS, ge=1)

    def result_hash(self) -> str:
        """SHA-256 of the settings that change published rows."""
        return hashlib.sha256(f"provider_account_id={self.provider_account_id}".encode()).hexdigest()


def _from_file(path: Path | None) -> dict[str, object]:
    if path is None:
        return {}
    try:
        return dict(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise fail("CCFT-USAGE-BAD-SETTING", name=path.name, reason=str(error)) from error


def load_settings(
    flags: Mapping[str, object] | None = None, *, file: Path | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Merge the sources of settings; flags that are None count as not given.

    Raises
    ------
    CcftError
        `CCFT-USAGE-BAD-SETTING` for every unknown name or wrong value, all at once.
    """
    environ = os.environ if environment is None else environment
    merged = _from_file(file)
    merged |= {
        name: environ[f"CCFT_{name.upper()}"] for name in Settings.model_fields if f"CCFT_{name.upper()}" in environ
    }
    merged |= {name: value for name, value in (flags or {}).items() if value is not None}
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        raise CcftError(
            [
                Problem(
                    "CCFT-USAGE-BAD-SETTING",
                    {"name": ".".join(map(str, item["loc"])), "reason": item["msg"]},
                )
                for item in error.errors()
            ]
        ) from error
