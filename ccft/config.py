"""Settings: from flags, then `CCFT_<SETTING>` in the environment, then the configuration file, then defaults."""

import hashlib
import os
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ccft.errors import CcftError, Problem, fail

HISTORY_DAYS: Final = 1200
"""More than the 38 months that exports and reports show."""


class TokenWeights(BaseModel):
    """Work of one token relative to an output token (docs/ai.md, "Drivers")."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Decimal = Field(default=Decimal("0.2"), ge=0, le=1000, decimal_places=6)
    cached: Decimal = Field(default=Decimal("0.02"), ge=0, le=1000, decimal_places=6)
    output: Decimal = Field(default=Decimal(1), ge=0, le=1000, decimal_places=6)


class AiSettings(BaseModel):
    """What an operator may set about AI models: table `[ai]` of the configuration file.

    Parameters
    ----------
    default_pue
        Power usage effectiveness of clusters that deliver none.
    token_weights, model_token_weights
        Work of tokens; per `model_id` where a model differs.
    bands
        Half width of the uncertainty band of energy per tier 1, 2, 3, as a share.
    ledger_policy
        How training is amortised: over `units` (output tokens), over `time`, or `none`.
    target_busy_share
        Busy in reserved accelerator-hours that recommendations aim at.
    accelerator_hour_units
        Usage units of services that count accelerator-hours: there usage says how much of a row the deployments explain.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    default_pue: Decimal = Field(default=Decimal("1.2"), ge=1, decimal_places=9)
    token_weights: TokenWeights = TokenWeights()
    model_token_weights: dict[str, TokenWeights] = Field(default_factory=dict)
    bands: tuple[Decimal, Decimal, Decimal] = (Decimal("0.02"), Decimal("0.15"), Decimal("0.5"))
    ledger_policy: Literal["units", "time", "none"] = "units"
    target_busy_share: Decimal = Field(default=Decimal("0.7"), gt=0, le=1)
    accelerator_hour_units: tuple[str, ...] = ("accelerator-hours", "accelerator-hour", "gpu-hours", "gpu-hour")

    def result_hash(self) -> str:
        """SHA-256 of all of it: everything here changes published rows."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


class Settings(BaseModel):
    """What an operator may set.

    Parameters
    ----------
    lake
        Root of the Delta tables: local folder or URI (`s3a://`, `abfss://`, `gs://`, HDFS).
    provider_account_id
        The provider's own account, bearer of what stays with the provider.
    provider_name, provider_domain, ipcc_report
        Who declares product footprints (`ccft export --profile pact`): name, domain that issues product ids, IPCC assessment report of the
        global warming potentials in the delivered factors.
    rejected_share_limit, rejected_rows_limit
        A period is rejected when more than this share of a table's rows, and more than this number, were set aside.
    history_days
        How long superseded rows of the lake's tables stay readable at their Delta versions.
    ai
        Settings of `ccft ai`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lake: str = ""
    provider_account_id: str = Field(default="000000000000", pattern=r"^\d{12}$")
    provider_name: str = ""
    provider_domain: str = Field(default="", pattern=r"^([a-z0-9-]+(\.[a-z0-9-]+)+)?$")
    ipcc_report: str = Field(default="AR6", pattern=r"^AR[4-9]$")
    rejected_share_limit: Decimal = Field(default=Decimal("0.001"), ge=0, le=1)
    rejected_rows_limit: int = Field(default=10, ge=0)
    history_days: int = Field(default=HISTORY_DAYS, ge=1)
    ai: AiSettings = AiSettings()

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
