"""An explanation to read: a tree on the terminal, or one HTML page that opens offline. Input is the plain form of `ccft.audit.explanation`."""

from collections.abc import Mapping
from decimal import Decimal
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, StrictUndefined
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from ccft.schema.units import MASS_SCALE

Plain = Mapping[str, Any]
SHOWN_LINES: Final = 8
"""Lines of a level on the terminal; JSON and HTML have all."""


def heading(explanation: Plain) -> str:
    """What is explained, in one line."""
    filters = "".join(f", {explanation[name]}" for name in ("service", "region") if explanation[name])
    return (
        f"{explanation['measure']} of account {explanation['account_id']}{filters} in {explanation['period']}"
        f" ({explanation['methodology_version']}, {explanation['run_id']})"
    )


def _mass(kilograms: str) -> str:
    return f"{Decimal(kilograms):,.{MASS_SCALE}f} kg"


def share_of_pool(line: Plain) -> str:
    """The division that made the line, in words; empty where the pool is not shown."""
    parts = []
    if line["weight"] is not None and line["total_weight"] is not None:
        parts.append(f"{line['share']} = {line['weight']} / {line['total_weight']} {line['weight_unit']}")
    elif line["weight"] is not None:
        parts.append(f"your {line['weight']} {line['weight_unit']}")
    if line["pool_kg"] is not None:
        parts.append(f"of {_mass(line['pool_kg'])}")
    return " ".join(parts)


def activity_words(line: Plain) -> str:
    """Quantity, evidence and factor of an activity line in words."""
    details = line["details"]
    words = [str(details[name]) for name in ("quantity", "evidence") if details.get(name)]
    if details.get("factor"):
        words.append(f"x {details['factor']} {details['unit']} {details['factor_type']} {details['factor_key']}")
        words.append(f"[{details['source']}, {details['vintage']}]")
    if details.get("racks"):
        words.append(f"{details['racks']} racks")
    return " ".join(words)


def _line_text(line: Plain) -> Text:
    text = Text(f"{_mass(line['your_part_kg']):>24}  {line['label']}", style="bold")
    told = [line["measure"], line["rule"], share_of_pool(line), activity_words(line)]
    return text.append("  " + "; ".join(part for part in told if part), style="not bold dim")


def tree(explanation: Plain, shown: int = SHOWN_LINES) -> Tree:
    """The explanation as a tree: one branch per cluster, one per level, largest lines first."""
    root = Tree(f"{heading(explanation)}: {_mass(explanation['figure_kg'])}")
    for note in explanation["notes"]:
        root.add(Text(f"note: {note}", style="yellow"))
    for cluster in explanation["clusters"]:
        branch = root.add(f"{cluster['location']} ({cluster['cluster_id']}): {_mass(cluster['figure_kg'])}")
        for level in cluster["levels"]:
            step = branch.add(f"{level['level']}. {level['title']}: {_mass(level['sum_kg'])}  ({level['rule']})")
            for line in level["lines"][:shown]:
                step.add(_line_text(line))
            rest = level["lines"][shown:]
            if rest:
                together = sum(Decimal(line["your_part_kg"]) for line in rest)
                step.add(f"{_mass(str(together)):>24}  {len(rest)} smaller lines")
    root.add(f"sum of the clusters: {_mass(explanation['figure_kg'])}")
    return root


def show(explanation: Plain, console: Console) -> None:
    """Print the tree."""
    console.print(tree(explanation), highlight=False)


def page(explanation: Plain) -> str:
    """One self-contained HTML page."""
    template = (resources.files("ccft.publish") / "explanation.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(
        e=explanation,
        heading=heading(explanation),
        mass=_mass,
        share_of_pool=share_of_pool,
        activity_words=activity_words,
    )
