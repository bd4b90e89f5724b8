"""From one version to another, one policy at a time, in a fixed order: what `ccft diff` splits a difference by (publish page, section 3).

The order matters, because policies act on each other: who bears unused capacity depends on whether ramp-up excess has left before. Scope comes first,
so that every later switch moves emissions that both sides count; then what changes the inventory; then the steps of the allocation in the order in which
they stand on the methodology page.
"""

from typing import Final

from ccft.methodology.model import Methodology

CAUSES: Final = {
    "scope_boundary": ("measures", "sources"),
    "scope_1_method": ("scope_1_gaps",),
    "unused_capacity": ("unused_capacity",),
    "shared_overhead": ("networking_racks",),
    "expansion": ("ramp_up",),
    "interdependencies": ("interdependencies",),
    "internal_use": ("internal_use",),
}
"""Cause -> policies that are switched together, in order."""


def switches(old: Methodology, new: Methodology) -> list[tuple[str, Methodology]]:
    """The versions on the way from `old` to `new`: each has one more cause switched than the one before, the last has all policies of `new`.

    Causes whose policies are equal are left out. What lies between has no file and no name of its own: it keeps the name of `old`.

    >>> from ccft.methodology.model import methodology
    >>> [cause for cause, _ in switches(methodology("v2.0"), methodology("v3.0"))]
    ['scope_boundary', 'scope_1_method', 'internal_use']
    """
    found, current = [], old
    for cause, policies in CAUSES.items():
        changed = {name: getattr(new, name) for name in policies if getattr(current, name) != getattr(new, name)}
        if changed:
            current = current.model_copy(update=changed)
            found.append((cause, current))
    return found
