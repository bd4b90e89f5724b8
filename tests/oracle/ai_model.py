"""AI figures by exact rationals, in plain Python, written from the rules of docs/ai.md alone.

No Spark, no code of the engine: hourly rows go in as delivered, quotients stay fractions, nothing is rounded. What the engine publishes may differ
by its roundings only.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import exp
from typing import Any

Row = Mapping[str, Any]
Key = tuple[str, str, str]
"""account, cluster, service"""
Part = tuple[str, str, str]
"""deployment, stage, model"""
DEVELOPMENT = {"data_prep", "experimentation", "pretraining", "post_training", "evaluation"}
NOBODY: Part = ("_unattributed", "_unattributed", "")
TOKEN_WORK = {"in": Fraction(1, 5), "cached": Fraction(1, 50), "out": Fraction(1)}


@dataclass
class Hours:
    """One deployment's month in one stage."""

    reserved: Fraction = Fraction(0)
    energy: Fraction = Fraction(0)
    idle: Fraction = Fraction(0)


@dataclass
class World:
    """AI inputs and what the month's run gave the accounts."""

    types: list[Row]
    models: list[Row]
    deployments: list[Row]
    hours: list[Row]
    tokens: list[Row]
    owners: Mapping[str, str]
    """account -> service that its team runs"""
    rows: Mapping[Key, Mapping[str, Fraction]]
    """account row -> measure -> kg"""
    components: Mapping[tuple[str, str, str], Mapping[str, Fraction]]
    """cluster, service, measure -> component -> kg"""
    bought: Mapping[Key, Fraction]
    """usage units of accounts"""
    counts_hours: set[str]
    """services that count accelerator-hours"""


def number(value: Any) -> Fraction:
    return Fraction(value or 0)


class Split:
    """Exact split of a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.types = {row["accel_type"]: row for row in world.types}
        self.models = {row["model_id"]: row for row in world.models}
        self.deployments = {row["deployment_id"]: row for row in world.deployments}
        self.made = self._tokens()
        self.hours: dict[str, dict[str, Hours]] = defaultdict(dict)
        self.tier: dict[str, int] = {}
        self._hours()
        self.pools = {(cluster, service) for _, cluster, service in world.rows}

    # Drivers -------------------------------------------------------------------------------------------------------------

    def _tokens(self) -> dict[tuple[str, str, str], Fraction]:
        """deployment, account, model -> equivalents of output tokens"""
        found: dict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
        for row in self.world.tokens:
            cached = number(row["cached_in_tokens"])
            work = TOKEN_WORK["in"] * (number(row["in_tokens"]) - cached) + TOKEN_WORK["cached"] * cached
            work += TOKEN_WORK["out"] * number(row["out_tokens"])
            found[row["deployment_id"], row["account_id"], row["model_id"]] += work
        return found

    def _hours(self) -> None:
        for row in self.world.hours:
            own = self.deployments[row["deployment_id"]]
            kind = self.types[own["accel_type"]]
            reserved = number(row["reserved_accel_h"])
            busy = min(number(row["busy_accel_h"]), reserved)
            metered = row["energy_kwh"] is not None
            if not reserved and not metered:
                continue
            stage = own["lifecycle_stage"]
            if stage in DEVELOPMENT and row["job_state"] in {"failed", "cancelled"}:
                stage = "experimentation"
            power = "p_busy_serving_kw" if stage in {"serving", "evaluation"} else "p_busy_training_kw"
            idle = number(kind["p_idle_kw"]) * (reserved - busy)
            energy = idle + number(kind[power]) * busy
            if metered:
                energy = number(row["energy_kwh"])
                idle = min(energy, idle)
            sums = self.hours[own["deployment_id"]].setdefault(stage, Hours())
            sums.reserved += reserved
            sums.energy += energy
            sums.idle += idle
            worst = 2 if reserved and not metered else 1
            self.tier[own["deployment_id"]] = max(worst, self.tier.get(own["deployment_id"], 1))
        for name, own in self.deployments.items():
            if name not in self.hours:
                self._estimate(name, own)

    def _estimate(self, name: str, own: Row) -> None:
        """Tier 3: EcoLogits without PUE."""
        by_model: dict[str, Fraction] = defaultdict(Fraction)
        for row in self.world.tokens:
            if row["deployment_id"] == name:
                by_model[row["model_id"]] += number(row["out_tokens"])
        total = 0.0
        for model, out in by_model.items():
            sizes = self.models[model]
            if not sizes["params_total_b"]:
                return
            whole = float(sizes["params_total_b"])
            active = float(sizes["params_active_b"] or whole)
            per_token = 1.1665273170451914e-6 * exp(-0.011205921025579175 * 64) * active + 4.052928146734005e-5
            seconds = float(out) * (6.785088094353663e-4 * active + 3.119310311688259e-4 * 64 + 0.019473717579473387)
            gpus = 1
            while gpus < 1.2 * whole * 2 / 80:
                gpus *= 2
            total += seconds / 3600 * 1.2 * gpus / 8 / 64 + gpus * float(out) * per_token / 1000
        if total:
            self.hours[name][own["lifecycle_stage"]] = Hours(Fraction(0), Fraction(total), Fraction(0))
            self.tier[name] = 3

    def is_team(self, own: Row) -> bool:
        return self.world.owners.get(own["account_id"]) == own["service_id"]

    # Weights -------------------------------------------------------------------------------------------------------------

    def _parts(self, name: str, component: str, measure: str) -> list[tuple[str, Fraction]]:
        """Stages of a deployment with their weight in a component and measure."""
        own = self.deployments[name]
        kind = self.types[own["accel_type"]]
        found = []
        for stage, sums in self.hours.get(name, {}).items():
            if measure == "scope_3_embodied":
                found.append((stage, sums.reserved * number(kind["embodied_kg"]) / number(kind["life_h"])))
            elif component == "unused_capacity":
                found.append((stage, sums.reserved * number(kind["capacity_weight"])))
            elif component == "in_use" and stage == "serving":
                found += [("serving", sums.energy - sums.idle), ("serving_idle", sums.idle)]
            else:
                found.append((stage, sums.energy))
        return found

    def _served(self, name: str, accounts: set[str] | None) -> dict[tuple[str, str], Fraction]:
        """account, model -> tokens on a deployment; of some accounts only."""
        return {
            (account, model): work
            for (deployment, account, model), work in self.made.items()
            if deployment == name and work and (accounts is None or account in accounts)
        }

    def _weights(self, key: Key, component: str, measure: str) -> dict[Part, Fraction]:
        account, cluster, service = key
        own = [
            row
            for row in self.world.deployments
            if not self.is_team(row) and (row["account_id"], row["cluster_id"], row["service_id"]) == key
        ]
        if own:
            return self._own_weights(own, component, measure)
        return self._team_weights(account, cluster, service, component, measure)

    def _own_weights(self, own: Iterable[Row], component: str, measure: str) -> dict[Part, Fraction]:
        found: dict[Part, Fraction] = defaultdict(Fraction)
        for row in own:
            by_model: dict[str, Fraction] = defaultdict(Fraction)
            for (_, model), work in self._served(row["deployment_id"], None).items():
                by_model[model] += work
            for stage, weight in self._parts(row["deployment_id"], component, measure):
                shares = (
                    by_model if by_model and stage in {"serving", "serving_idle"} else {row["model_id"]: Fraction(1)}
                )
                for model, work in shares.items():
                    found[row["deployment_id"], stage, model] += weight * work / sum(shares.values())
        return found

    def _team_weights(
        self, account: str, cluster: str, service: str, component: str, measure: str
    ) -> dict[Part, Fraction]:
        customers = {a for a, c, s in self.world.rows if (c, s) == (cluster, service)}
        team = [row for row in self.world.deployments if self.is_team(row) and row["service_id"] == service]
        here = [row for row in team if row["cluster_id"] == cluster]
        tokens = {row["deployment_id"]: self._served(row["deployment_id"], customers) for row in here}
        mine = sum((work for served in tokens.values() for (a, _), work in served.items() if a == account), Fraction(0))
        everyone = sum((work for served in tokens.values() for work in served.values()), Fraction(0))
        found: dict[Part, Fraction] = defaultdict(Fraction)
        if not mine:
            return found
        away = [
            row
            for row in team
            if row["lifecycle_stage"] in DEVELOPMENT and (row["cluster_id"], service) not in self.pools
        ]
        takes = away if component == "residual" and away else here
        for row in takes:
            name = row["deployment_id"]
            for stage, weight in self._parts(name, component, measure):
                if row["lifecycle_stage"] in DEVELOPMENT:
                    found[name, stage, row["model_id"]] += weight * mine / everyone
                    continue
                total = sum(tokens[name].values(), Fraction(0))
                for (a, model), work in tokens[name].items():
                    if a == account:
                        found[name, stage, model] += weight * work / total
        return found

    def coverage(self, key: Key) -> Fraction:
        own = [
            row["deployment_id"]
            for row in self.world.deployments
            if not self.is_team(row) and (row["account_id"], row["cluster_id"], row["service_id"]) == key
        ]
        if not own or key[2] not in self.world.counts_hours or not self.world.bought.get(key):
            return Fraction(1)
        reserved = sum((sums.reserved for name in own for sums in self.hours.get(name, {}).values()), Fraction(0))
        return min(Fraction(1), reserved / self.world.bought[key])

    # Split ---------------------------------------------------------------------------------------------------------------

    def takes_part(self, key: Key) -> bool:
        return any(
            (row["cluster_id"], row["service_id"], row["account_id"]) == (key[1], key[2], key[0])
            if not self.is_team(row)
            else row["service_id"] == key[2]
            for row in self.world.deployments
        )

    def shares(
        self, key: Key, component: str, measure: str, moved: Mapping[str, Fraction] | None = None
    ) -> dict[Part, Fraction]:
        """Exact share of every part of an account row; `moved`: factor on a deployment's energy."""
        weights = self._weights(key, component, measure)
        if moved and measure != "scope_3_embodied" and component != "unused_capacity":
            weights = {part: weight * moved.get(part[0], Fraction(1)) for part, weight in weights.items()}
        total = sum(weights.values(), Fraction(0))
        coverage = self.coverage(key)
        if not total or not coverage:
            return {NOBODY: Fraction(1)}
        found = {part: coverage * weight / total for part, weight in weights.items() if weight}
        return found | ({NOBODY: 1 - coverage} if coverage < 1 else {})

    def emissions(self) -> dict[tuple[Key, str, str], tuple[Fraction, dict[Part, Fraction]]]:
        """account row, component, measure -> its kg and the exact share of each part."""
        found = {}
        for key, measures in self.world.rows.items():
            if not self.takes_part(key):
                continue
            for measure, kg in measures.items():
                components = self.world.components.get((key[1], key[2], measure), {})
                total = sum(components.values(), Fraction(0))
                for component, weight in components.items():
                    if kg and weight:
                        found[key, component, measure] = (kg * weight / total, self.shares(key, component, measure))
        return found


def bounds(
    split: Split, key: Key, component: str, measure: str, deployment: str, band: Fraction
) -> tuple[dict[Part, Fraction], ...]:
    """Shares with a deployment's energy at either end of its band, all others central."""
    return tuple(split.shares(key, component, measure, {deployment: 1 + sign * band}) for sign in (-1, 1))
