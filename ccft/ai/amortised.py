"""Amortised training by what was served: the memo that the lifecycle view adds to the consumer view.

The ledger amortises per release; here its month is divided over the deployments that served the release, by output tokens, to the quantum. What a
derived model inherits from its parents comes as a rate.
"""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from ccft.ai.facts import Facts, LedgerLine, Traffic
from ccft.kernel.forms import apportioned
from ccft.kernel.quotients import half_up
from ccft.schema.units import MICROS_PER_UNIT, QUANTA_PER_KG

_G_PER_KG = 1000
_THOUSAND = 1000


def _serves(facts: Facts, line: Traffic, release_id: str) -> bool:
    """Whether the traffic is of this release: of its model, and of the deployment's own release where that is the model's."""
    release = facts.releases.get(release_id)
    deployment = facts.deployments.get(line.deployment_id)
    if release is None or deployment is None or line.model_id != release.model_id:
        return False
    return deployment.model_id != line.model_id or deployment.release_id == release_id


def _micros(out_tokens: Decimal) -> int:
    return int(Fraction(out_tokens) * MICROS_PER_UNIT)


def _inherited(line: LedgerLine, out_tokens: Decimal) -> int:
    """Quanta that the output tokens inherit from the parents' training."""
    grams = Fraction(line.inherited_g_per_1k_out_tokens) * Fraction(out_tokens) / _THOUSAND
    return int(half_up(grams / _G_PER_KG * QUANTA_PER_KG, 0))


def amortised_by_line(facts: Facts, method: str) -> Mapping[tuple[str, str], int]:
    """Quanta of amortised training per deployment and model; those of a release sum to its ledger's month.

    Parameters
    ----------
    method
        Accounting method of the ledger.
    """
    shares: dict[tuple[str, str], int] = {}
    for ledger in facts.ledger:
        if ledger.accounting_method != method:
            continue
        lines = sorted(
            (line for line in facts.traffic if line.out_tokens and _serves(facts, line, ledger.release_id)),
            key=lambda line: line.deployment_id,
        )
        if not lines:
            continue
        parts = apportioned(ledger.amortised, [_micros(line.out_tokens) for line in lines])
        for line, part in zip(lines, parts, strict=True):
            shares[line.deployment_id, line.model_id] = part + _inherited(ledger, line.out_tokens)
    return shares
