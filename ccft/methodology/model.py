"""Policies of a methodology version, typed (methodology section 4, "Methodology versions are data")."""

import hashlib
import json
import tomllib
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ccft.errors import fail
from ccft.periods import is_period
from ccft.schema.columns import MEASURES, SOURCES

_VERSION_FILES = resources.files("ccft.methodology") / "versions"


class Scope1Gaps(StrEnum):
    """What happens when a cluster has no generator fuel row in the period."""

    HISTORICAL_GROWTH = "historical_growth"
    NONE = "none"


class Bearer(StrEnum):
    """Who bears unused capacity, or networking racks."""

    USERS = "users"
    PROVIDER = "provider"


class RampUp(StrEnum):
    """What happens to the excess of young racks and clusters."""

    WORLDWIDE = "worldwide"
    NOT_SEPARATED = "not_separated"


class InternalUse(StrEnum):
    """Weight of internal accounts of non-foundational services without recorded revenue."""

    ZERO = "zero"
    LIST_PRICE = "list_price"
    COST = "cost"


class Interdependencies(StrEnum):
    """Whether the use of services by service teams is an edge of the service graph."""

    SOLVED = "solved"
    NONE = "none"


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class Methodology(BaseModel):
    """One version of the methodology.

    Parameters
    ----------
    version, title, rank
        Name (`v2.0`), one line, and rank: the published version of highest rank is current.
    effective_from, effective_to
        Usage months for which it is the version in effect, inclusive; empty = open.
    available_from
        First month it may be computed for (recasts).
    measures, sources
        What is in scope; other measures are 0 in its rows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str = Field(pattern=r"^v\d+\.\d+(-[a-z0-9-]+)?$")
    title: str
    rank: int
    published_source: str
    is_reconstruction: bool
    effective_from: str = ""
    effective_to: str = ""
    available_from: str = ""
    measures: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
    sources: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
    scope_1_gaps: Scope1Gaps
    unused_capacity: Bearer
    networking_racks: Bearer
    ramp_up: RampUp
    internal_use: InternalUse
    interdependencies: Interdependencies

    def model_post_init(self, _context: object) -> None:
        """Check the vocabularies that the registry owns."""
        unknown = (set(self.measures) - set(MEASURES)) | (set(self.sources) - set(SOURCES))
        wrong = [p for p in (self.effective_from, self.effective_to, self.available_from) if p and not is_period(p)]
        if unknown or wrong:
            raise ValueError(f"{self.version}: unknown {sorted(unknown)}, not a period {wrong}")

    @property
    def policy_hash(self) -> str:
        """SHA-256 of everything in the version that changes figures."""
        policies = self.model_dump(mode="json", exclude={"title", "published_source", "is_reconstruction", "rank"})
        for calendar_field in ("effective_from", "effective_to", "available_from"):
            policies.pop(calendar_field)
        return hashlib.sha256(json.dumps(policies, sort_keys=True).encode()).hexdigest()

    @property
    def has_teams(self) -> bool:
        """Whether accounts that run a service are consumers in the service graph instead of customers."""
        return self.interdependencies is Interdependencies.SOLVED


def parse(text: str) -> Methodology:
    """A version from the text of its policy file."""
    return Methodology.model_validate(tomllib.loads(text))


@cache
def known_versions() -> dict[str, Methodology]:
    """All shipped versions by name, lowest rank first."""
    files = [entry for entry in _VERSION_FILES.iterdir() if entry.name.endswith(".toml")]
    versions = [parse(entry.read_text(encoding="utf-8")) for entry in files]
    return {version.version: version for version in sorted(versions, key=lambda item: item.rank)}


def methodology(version: str) -> Methodology:
    """The version called `version`.

    Raises
    ------
    CcftError
        `CCFT-USAGE-UNKNOWN-METHODOLOGY`.
    """
    versions = known_versions()
    if version not in versions:
        raise fail("CCFT-USAGE-UNKNOWN-METHODOLOGY", value=version, known=", ".join(versions))
    return versions[version]
