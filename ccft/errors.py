"""Every condition the product can report, once: stable code, template, remedy.

Raising code gives a code and values, never prose. Problems of one kind are collected and reported together. `docs/conditions.md` has an
anchor per code.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What a condition does."""

    CHECK = "check"
    """Stops before anything is published: exit code 1."""
    USAGE = "usage"
    """Wrong usage or configuration: exit code 2."""
    UNAVAILABLE = "unavailable"
    """Lock held or storage out of reach: exit code 3."""
    EVENT = "event"
    """Accepted, with a row in `data_quality_events`."""


EXIT_CODES: Final = {Kind.CHECK: 1, Kind.USAGE: 2, Kind.UNAVAILABLE: 3}


@dataclass(frozen=True)
class Condition:
    """A thing that can be reported: `template` is filled with the values of one case."""

    code: str
    kind: Kind
    template: str
    remedy: str


def _input(name: str, template: str, remedy: str) -> Condition:
    return Condition(f"CCFT-INPUT-{name}", Kind.CHECK, template, remedy)


def _run(name: str, template: str, remedy: str) -> Condition:
    return Condition(f"CCFT-RUN-{name}", Kind.CHECK, template, remedy)


def _usage(name: str, template: str, remedy: str) -> Condition:
    return Condition(f"CCFT-USAGE-{name}", Kind.USAGE, template, remedy)


def _lake(name: str, template: str, remedy: str) -> Condition:
    return Condition(f"CCFT-LAKE-{name}", Kind.UNAVAILABLE, template, remedy)


def _event(name: str, template: str, remedy: str = "") -> Condition:
    return Condition(f"CCFT-EVENT-{name}", Kind.EVENT, template, remedy)


_INPUT_CONDITIONS: Final = (
    _input("MISSING-TABLE", "{table}: not in the input folder", "deliver {table}.csv, {table}.parquet or a directory {table}/"),
    _input("UNREADABLE-TABLE", "{table}: cannot be read: {reason}", "deliver it as UTF-8 CSV with a header, Parquet or Delta"),
    _input("MISSING-COLUMN", "{table}: column {column} is missing", "add the column, or null values where it may be null"),
    _input("WRONG-TYPE", "{table} {key}: {column} = '{value}' is not {type}", "write it as the data dictionary says"),
    _input("MISSING-VALUE", "{table} {key}: {column} is empty", "fill it in: the column must not be empty"),
    _input("UNKNOWN-VALUE", "{table} {key}: {column} = '{value}' is not one of {allowed}", "use one of the allowed values"),
    _input("DUPLICATE-KEY", "{table} {key}: delivered {count} times", "keep one row per key"),
    _input("CONFLICTING-ROWS", "{table} {key}: {count} rows of one key with different values", "keep the right one"),
    _input("OVERLAPPING-VALIDITY", "{table} {key}: valid from {first} and again from {second} before it ends", "end the first"),
    _input("UNKNOWN-CLUSTER", "{table} {key}: cluster '{value}' is not in clusters", "add the cluster or correct the id"),
    _input("UNKNOWN-SERVICE", "{table} {key}: service '{value}' is not in services", "add the service or correct the id"),
    _input("UNKNOWN-ACCOUNT", "{table} {key}: account '{value}' is not in accounts", "add the account or correct the id"),
    _input("INVALID-ACCOUNT", "{table} {key}: account '{value}' is not valid in {period}", "extend its validity, or move the usage"),
    _input("UNKNOWN-RACK", "{table} {key}: rack '{value}' is not in racks", "add the rack or correct the id"),
    _input("NETWORK-RACK-USAGE", "{table} {key}: rack '{value}' is a networking rack and has no usage", "remove the row"),
    _input("NEGATIVE-QUANTITY", "{table} {key}: {column} = {value} is negative", "deliver the net quantity, 0 or more"),
    _input("SERVICE-LIFE", "{table} {key}: service_life_months = '{value}'", "give whole months, 1 or more; equipment must say"),
    _input("SHARE-OUT-OF-RANGE", "{table} {key}: carbon_free_share = {value} is outside 0..1", "give a share, not per cent"),
    _input("MIXED-RACK-TYPE", "racks: rack type {value} has both network and other racks", "give networking racks a type of their own"),
    _input("OWNER-NOT-INTERNAL", "accounts {key}: owner_service_id on an account of type {value}", "only internal accounts own services"),
    _input("TWO-LOCATIONS", "clusters: region_code {value} has the locations {locations}", "one location per region_code"),
    _input("RESERVED-REGION", "clusters {key}: region_code {value} on a cluster of type {type}", "`global` for edge clusters, and only for them"),
    _input("RESERVED-PRODUCT", "{table} {key}: {column} = {value} is reserved", "choose another name"),
    _input("WRONG-UNIT", "{table} {key}: unit '{value}', expected {allowed}", "convert the figure to the expected unit"),
    _input("AMOUNT-TOO-LARGE", "{table} {key}: {column} = {value} is above the representable range", "check the unit; split the row if it is right"),
    _input("BELOW-MINIMUM", "{table} {key}: {column} = {value} is below {allowed}", "correct the figure"),
    _input("UNKNOWN-MODEL", "{table} {key}: model '{value}' is not in ai_models", "add the model or correct the id"),
    _input("UNKNOWN-RELEASE", "{table} {key}: release '{value}' is not in ai_releases", "add the release or correct the id"),
    _input("UNKNOWN-ACCELERATOR", "{table} {key}: accelerator type '{value}' is not in accelerator_types", "add the type or correct it"),
    _input("UNKNOWN-DEPLOYMENT", "{table} {key}: deployment '{value}' is not in ai_deployments", "add the deployment or correct the id"),
    _input("INVALID-DEPLOYMENT", "{table} {key}: deployment '{value}' is not valid in {period}", "extend its validity, or move the usage"),
    _input("MODEL-CYCLE", "ai_models: model {value} is derived from itself", "name the model that it really comes from"),
    _input("DEPLOYMENT-OWNER", "ai_deployments {key}: account '{value}' runs another service than {allowed}", "a team deploys on the service it runs"),
    _input("CACHED-ABOVE-INPUT", "{table} {key}: {column} = {value} is more than in_tokens", "in_tokens includes the cached ones"),
    _input("AFTER-RETIREMENT", "{table} {key}: {column} = {value} is after the retirement of the model or release", "correct the retirement, or the usage"),
    _input("MORE-PROBLEMS", "{table}: ... and {count} more of {condition}", "mend those that are listed: the others often have the same cause"),
    _input("TOO-MANY-REJECTED", "{table} {period}: {rejected} of {rows} rows rejected ({conditions}): above {limit}", "mend the rows, or raise rejected_share_limit"),
)  # fmt: skip

_RUN_CONDITIONS: Final = (
    _run("NOT-INGESTED", "{period}: {table} has no rows for it", "ingest the period first"),
    _run("INGEST-INCOMPLETE", "{ingest} was interrupted: core tables may hold parts of it", "ingest the same folder again"),
    _run("MISSING-FACTOR", "{period} {cluster}: no {factor_type} factor for {key}", "deliver the factor with a validity that covers the period"),
    _run("MISSING-ELECTRICITY", "{period} {cluster}: has active racks but no electricity", "deliver its electricity, quantity 0 if none"),
    _run("MISSING-FUEL-HISTORY", "{period} {cluster}: no generator_fuel row, and none in {last_year} to estimate from", "deliver a row, quantity 0 if none was burned"),
    _run("CORE-ALTERED", "{period} {cluster} {service}: account rows weigh {found} (1e-6), ingest summed {expected}", "core tables were changed outside ccft: ingest the period again"),
    _run("NOT-CONSERVED", "{period} {step} {cluster} {measure}: difference {difference} kg", "nothing was published; report this with the run id"),
    _run("AMOUNT-TOO-LARGE", "{what} leaves the representable range (9.2 Mt or 9.2e12 units per pool, 999,999 t per account row)", "check units of the inputs"),
    _run("ALREADY-PUBLISHED", "{period} {version}: published with other inputs, policies or code", 'use --restate --reason "..." to replace it'),
    _run("VERIFICATION-FAILED", "{period} {version} {check} {subject}: {difference} kg", "the tables were changed outside ccft, or restore them; do not use the figures"),
    _run("EXPLANATION-INEXACT", "{cluster}: level '{level}' misses the figure by {difference} kg", "do not use the explanation; report this"),
    _run("AI-NEEDS-SERVICE-GRAPH", "{version}: solves no service graph, so that models have no footprint of their own", "use v2.0 or later"),
    _run("AI-ALREADY-PUBLISHED", "{period} {version}: AI figures are published with other inputs, settings or code", 'use --restate --reason "..." to replace them'),
    _run("NOTHING-PUBLISHED", "{period}: no published result in this lake", "run the period first"),
    _run("AI-NOTHING-PUBLISHED", "{period}: no published AI figures in this lake", "run `ccft ai run` for the period first"),
)  # fmt: skip

_EXPORT_CONDITIONS: Final = (
    _usage("QUERY-REFUSED", "query: '{word}' at position {position} is not part of the language of exports", "SELECT column [AS name], ... FROM CARBON_EMISSIONS [WHERE comparisons with AND, OR, NOT, IN] [LIMIT n]"),
    _usage("QUERY-UNKNOWN-COLUMN", "query: '{word}' at position {position} is not a column", "write the column as the documentation of exports does, case included"),
    _usage("QUERY-UNKNOWN-TABLE", "query: '{word}' at position {position} is not the table of exports", "write FROM {table}"),
    _usage("QUERY-WRONG-TYPE", "query: '{word}' at position {position} is not of the type of {column}: {type}", "compare text with 'text', numbers with numbers, instants with TIMESTAMP '2025-01-01 00:00:00'"),
    _usage("QUERY-BAD-ALIAS", "query: the name '{word}' at position {position} is taken, reserved or not a plain name", "give each column a name of its own with AS"),
    _usage("QUERY-TOO-LONG", "query: {length} characters, at most {limit} are accepted", "shorten it: IN replaces chains of OR"),
    _usage("EXPORT-NAME", "'{value}' is not a name of an export", "letters, digits, _ and -, beginning with a letter or digit, at most 128"),
    _usage("EXPORT-PAYER", "'{value}' is not an account of this lake", "give the 12 digits of an organisation's management account"),
    _usage("EXPORT-DESTINATION", "'{value}' cannot be a destination: {reason}", "choose a folder or URI outside the lake, without links or `..`"),
    _usage("EXPORT-CHANGED", "export {name} of {payer} was delivered with another {setting}: {old}", "choose another name, or give the old {setting}"),
    _usage("EXPORT-FORM", "{first} and {second} do not go together", "give one of them"),
    _usage("EXPORT-TABLE", "'{value}' is not a result table", "choose from {known}"),
)  # fmt: skip

_USAGE_CONDITIONS: Final = (
    _usage("BAD-PERIOD", "'{value}' is not a period", "write YYYY-MM"),
    _usage("BAD-RANGE", "the range {first} to {last} is empty", "give the earlier month first"),
    _usage("NO-INPUTS", "input folder '{path}' does not exist", "give the folder that holds the input tables"),
    _usage("NOT-EMPTY", "'{path}' is not empty", "choose another folder or remove it"),
    _usage("AI-UNKNOWN-MODEL", "no model '{model}' in {period}; there are {known}", "choose one of them"),
    _usage("NO-LAKE", "'{path}' is not a lake", "ingest into it first"),
    _usage("UNKNOWN-METHODOLOGY", "methodology '{value}' is not known; there are {known}", "choose one of them"),
    _usage("VERSION-UNAVAILABLE", "methodology {version} cannot be computed for {period}: it is recast back to {first} only", "compute a later month, or another version"),
    _usage("BAD-SELECTOR", "'{value}' names no published result", "write a version, v2.0, or one of its publications, v2.0@1 for the first"),
    _usage("NO-ACCOUNT-ROWS", "account {account} has no rows in {period} in {sides}", "check the account and the period"),
    _usage("NOT-READ-ONLY", "query, line {line}, column {column}: '{word}' {reason}", "write one SELECT over the tables and views of the lake"),
    _usage("NO-SUCH-ROW", "account {account} has no row in {period} {version}{filters}", "ask the view account_emissions_all_versions what the account has"),
    _usage("UNKNOWN-MEASURE", "'{value}' is not a measure; there are {known}", "choose one of them"),
    _usage("QUERY-FAILED", "the query cannot be answered: {reason}", "names and types of tables and views are in the data dictionary"),
    _usage("UNKNOWN-PAYER", "payer account '{value}' has no published row", "give the 12 digits of an organisation or account of this lake"),
    _usage("BAD-SETTING", "setting {name}: {reason}", "correct the flag, environment variable or configuration file"),
    *_EXPORT_CONDITIONS,
)  # fmt: skip

_LAKE_CONDITIONS: Final = (
    _lake("LOCKED", "the lake is locked by {owner} since {since} ({path})", "wait for that run; if its process is gone, try again in two minutes"),
    _lake("LOCK-LOST", "the lock of {path}, held since {since}, was lost: {reason}", "nothing more was written; run again when the other run has ended"),
    _lake("STORAGE", "storage: {reason}", "check path, network and credentials"),
)  # fmt: skip

_EVENT_CONDITIONS: Final = (
    _event("NEGATIVE-REVENUE", "{count} accounts have negative revenue or cost in the month, {value} USD in all: counted as zero"),
    _event("NO-REVENUE", "{count} external accounts without recorded revenue: weight 0"),
    _event("NO-PRICE", "{count} accounts without revenue and no list price of the service: weight 0"),
    _event("USAGE-INSTEAD", "no positive weight in the pool: {value} usage units of its accounts instead"),
    _event("USE-ABOVE-CAPACITY", "used {value} times its capacity: no unused capacity"),
    _event("NO-MATURE-REFERENCE", "ramping racks without a mature reference: keep all their emissions"),
    _event("MARKET-FACTOR-FALLBACK", "no market factor: grid average used for the market-based method"),
    _event("HISTORICAL-GROWTH", "generator fuel estimated from last year: {value}"),
    _event("IMPLAUSIBLE-FACTOR", "grid factor {value} kg/MWh is outside 0 to 2000", "check the unit: kg per MWh"),
    _event("UNUSED-RACK-TYPE", "rack type without use: {value} kg go to the residual"),
    _event("UNUSED-SERVICE", "service without use in the period"),
    _event("NO-CUSTOMERS", "service bears {value} kg without customers here: passed to its customers elsewhere"),
    _event("CLOSED-LOOP", "emissions can never leave these services: {value} kg go to the residual"),
    _event("TWO-ROUNDS", "two rounds of propagation would be off by up to {value} % here (this service); solved exactly"),
    _event("NO-RACKS", "cluster without active racks: {value} kg go to the residual"),
    _event("RESIDUAL-WORLDWIDE", "residual of {value} kg spread over all clusters"),
    _event("RESIDUAL-TO-PROVIDER", "residual of {value} kg kept by the provider"),
    _event("IDENTICAL-DUPLICATES", "{count} identical copies of rows counted once"),
    _event("ROWS-REJECTED", "{count} rows set aside as {value}"),
    _event("AI-DEFAULT-PUE", "cluster without PUE: {value} assumed", "deliver `pue` with clusters"),
    _event("AI-BUSY-ABOVE-RESERVED", "{count} hours with more busy than reserved accelerator-hours: clipped"),
    _event("AI-NO-ROW", "deployment without an account row: its footprint is unknown, not 0"),
    _event("AI-NO-EVIDENCE", "deployment without hours, and without tokens and model size to estimate from: weighs nothing"),
    _event("AI-CUSTOMERS-WITHOUT-TOKENS", "{count} customers of the service made no tokens here: {value} kg location-based unattributed"),
    _event("AI-TOKENS-WITHOUT-ROW", "{count} accounts without a row made {value} tokens: not counted"),
    _event("AI-NO-EXPECTATION", "release without expected output tokens: its training is not amortised"),
)  # fmt: skip

CONDITIONS: Final = {
    condition.code: condition
    for condition in (
        *_INPUT_CONDITIONS,
        *_RUN_CONDITIONS,
        *_USAGE_CONDITIONS,
        *_LAKE_CONDITIONS,
        *_EVENT_CONDITIONS,
    )
}


@dataclass(frozen=True)
class Problem:
    """One case of a condition."""

    code: str
    values: dict[str, object] = field(default_factory=dict)

    @property
    def condition(self) -> Condition:
        """The registered condition."""
        return CONDITIONS[self.code]

    @property
    def message(self) -> str:
        """The filled-in template."""
        return self.condition.template.format(**self.values)

    def __str__(self) -> str:
        """Code, message and remedy in one line."""
        return f"{self.code}: {self.message}. Remedy: {self.condition.remedy.format(**self.values)}"


class CcftError(Exception):
    """One or more problems that stop the command; all of them at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @property
    def exit_code(self) -> int:
        """Process exit code (contract, section 4)."""
        return EXIT_CODES[self.problems[0].condition.kind]


def fail(code: str, **values: object) -> CcftError:
    """Build the error of a single problem, to be raised by the caller."""
    return CcftError([Problem(code, values)])


def raise_all(problems: Iterable[Problem]) -> None:
    """Raise one error for all problems; nothing when there are none."""
    found = tuple(problems)
    if found:
        raise CcftError(found)
