"""`ccft methodology`: the versions and their policies."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from ccft.cli.common import JsonOption, emit

if TYPE_CHECKING:
    from ccft.methodology.model import Methodology

app = typer.Typer(no_args_is_help=True, help="The methodology versions and their policies.")

_LABELS: Final = {
    "title": "what is new",
    "in_effect": "in effect for usage months",
    "can_be_computed": "can be computed for",
    "origin": "origin",
    "measures": "measures",
    "sources": "sources of the inventory",
    "scope_1_gaps": "Scope 1 gaps",
    "unused_capacity": "unused capacity borne by",
    "networking_racks": "networking racks borne by",
    "ramp_up": "ramp-up excess",
    "internal_use": "internal use of services without racks",
    "interdependencies": "service interdependencies",
}


def _described(policy: "Methodology") -> dict[str, str]:
    """A version in words, in the order of `_LABELS`."""
    plain = {name: str(value) for name, value in policy.model_dump(mode="json").items()}
    first = policy.available_from or "the first ingested month"
    words = {
        "in_effect": f"{policy.effective_from or 'the beginning'} to {policy.effective_to or 'now'}",
        "can_be_computed": f"{first} on",
        "origin": ("reconstruction; " if policy.is_reconstruction else "published; ") + policy.published_source,
        "measures": ", ".join(policy.measures),
        "sources": ", ".join(policy.sources),
    }
    return {name: (plain | words)[name].replace("_", " ") if name not in words else words[name] for name in _LABELS}


def _plain(policy: "Methodology") -> dict[str, Any]:
    return {**policy.model_dump(mode="json"), "policy_hash": policy.policy_hash}


def _side_by_side(policies: Sequence["Methodology"]) -> Table:
    """One column per version, one row per property."""
    described = [_described(policy) for policy in policies]
    table = Table(show_lines=True)
    table.add_column("")
    for policy in policies:
        table.add_column(policy.version)
    for name, label in _LABELS.items():
        table.add_row(label, *(words[name] for words in described))
    return table


@app.command("list")
def methodology_list(as_json: JsonOption = False) -> None:
    """Versions with the months for which they are in effect, lowest rank first."""
    from ccft.methodology.model import known_versions

    policies = list(known_versions().values())
    if as_json:
        emit([_plain(policy) for policy in policies], as_json, "")
        return
    table = Table()
    for heading in ("version", "in effect", "can be computed for", "origin", "what is new"):
        table.add_column(heading)
    for policy in policies:
        words = _described(policy)
        origin = "reconstruction" if policy.is_reconstruction else "published"
        table.add_row(policy.version, words["in_effect"], words["can_be_computed"], origin, policy.title)
    Console().print(table)


@app.command("show")
def methodology_show(versions: list[str], as_json: JsonOption = False) -> None:
    """All policies of one version, or of several side by side."""
    from ccft.methodology.model import methodology

    policies = [methodology(version) for version in versions]
    if as_json:
        plain = [_plain(policy) for policy in policies]
        emit(plain[0] if len(plain) == 1 else plain, as_json, "")
    else:
        Console().print(_side_by_side(policies))
