"""The six levels of an explanation in one cluster, for one measure (`ccft.audit.explain` says what they are).

What results do not store is derived again by the rules that made it: shares of racks by the rule of step 2b, of planned power by step 1. Where the
inputs at hand do not lead to the stored result, the line says so and carries the whole part on.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from ccft.audit.explain_activity import activity_lines
from ccft.audit.explain_facts import AccountRow, ClusterFacts, Facts
from ccft.audit.explanation import Line, divide
from ccft.kernel.forms import floor_share_of
from ccft.methodology.model import Bearer, Methodology
from ccft.schema.columns import SHARED_OVERHEAD, UNUSED_CAPACITY

RULES = {
    "usage": "pro rata to usage of the service",
    "revenue": "pro rata to equivalent revenue (usage at list price)",
    "list_price": "pro rata to equivalent revenue: units x list price",
    "cost": "pro rata to internal cost",
    "retained": "stays with the provider",
}
CARRIED = "from elsewhere: divided at an earlier level"
NOT_REDERIVED = "not re-derived: inputs are no longer those of the run"


class ClusterExplainer:
    """One cluster, one measure: from the account's rows to activity."""

    def __init__(
        self, facts: Facts, known: ClusterFacts, rows: Sequence[AccountRow], measure: str, policy: Methodology
    ) -> None:
        self.facts, self.known, self.measure, self.policy = facts, known, measure, policy
        self.rows = [row for row in rows if row.masses[measure]] or list(rows[:1])
        self.shared = sorted(
            (line for line in known.inventory if line.measure == measure and line.rack_type is None),
            key=lambda line: line.source,
        )
        self.shared_total = sum(line.quanta for line in self.shared)
        types = sorted(known.power)
        by_power = divide(self.shared_total, [known.power[name] for name in types]) if types else []
        self.by_power = dict(zip(types, by_power, strict=True))
        self.embodied = {
            line.rack_type: line.quanta for line in known.inventory if line.measure == measure and line.rack_type
        }
        self.networks = {name for name in facts.networks if name in known.power or name in self.embodied}
        self.others = {name: weight for name, weight in known.power.items() if name not in self.networks and weight > 0}

    def levels(self) -> list[list[Line]]:
        """Lines of the six levels."""
        first = self._pools()
        second = self._origins()
        third = self._rack_types(second)
        fourth = self._cluster(third)
        fifth = self._inventory(fourth)
        sixth = [end for line in fifth for end in activity_lines(line, self.known.activity)]
        return [first, second, third, fourth, fifth, sixth]

    def _line(self, label: str, part: int, rule: str = "", **more: object) -> Line:
        return Line(label, self.measure, part, rule, **more)  # type: ignore[arg-type]

    def _carried(self, lines: Sequence[Line]) -> list[Line]:
        """Lines that come from elsewhere, under their own names; the level where they arose has their division."""
        told = [line for line in lines if line.details.get("is_elsewhere")]
        return [
            line
            if line.rule == NOT_REDERIVED
            else replace(line, rule=CARRIED, pool=None, weight=None, total_weight=None)
            for line in told
        ]

    # Level 1

    def _pools(self) -> list[Line]:
        lines = []
        for row in self.rows:
            figure = row.masses[self.measure]
            pool = self.known.nets.get((row.service_id, self.measure), 0)
            rule, total = RULES[row.basis], self.known.total_weights.get(row.service_id, 0)
            if row.weight is None or not total:
                lines.append(self._line(row.service_id, figure, rule, pool=pool))
                continue
            floor = floor_share_of(row.weight, pool, total)
            unit = "units" if row.basis == "usage" else "USD"
            details = {"basis": row.basis, "product_code": row.product_code, "is_own_weight": True}
            lines.append(
                self._line(
                    row.service_id,
                    floor,
                    rule,
                    pool=pool,
                    weight=row.weight,
                    total_weight=total,
                    weight_unit=unit,
                    details=details,
                )
            )
            if figure != floor:
                rule = "remainder of the pool: the largest weight takes what the floors leave over"
                lines.append(self._line(row.service_id, figure - floor, rule, details={"is_remainder": True}))
        return lines

    # Level 2

    def _origins(self) -> list[Line]:
        lines = []
        for row in self.rows:
            pool = (row.service_id, self.measure)
            flows = self.known.flows.get(pool, {})
            residual = self.known.residuals.get(pool, 0)
            names, amounts = [*flows], [*flows.values()]
            if residual > 0 or not names:
                names, amounts = [*names, ""], [*amounts, residual]
            for name, amount, part in zip(names, amounts, divide(row.masses[self.measure], amounts), strict=True):
                lines.append(self._origin(row.service_id, name, amount, part, sum(amounts)))
        return lines

    def _origin(self, service: str, origin: str, amount: int, part: int, total: int) -> Line:
        if not origin:
            rule = "emissions that found no user, shared by net emissions (methodology, step 4)"
            details = {"is_elsewhere": True, "service_id": service}
            return self._line(f"residual borne by {service}", part, rule, pool=amount, details=details)
        rule = "own use of racks" if origin == service else "borne for its use of the service (service graph)"
        label = origin if origin == service else f"{origin} used by {service}"
        return self._line(
            label,
            part,
            rule,
            pool=total,
            weight=amount,
            total_weight=total,
            weight_unit="kg",
            details={"origin_service_id": origin, "service_id": service},
        )

    # Level 3

    def direct(self, origin: str) -> dict[tuple[str, str], int]:
        """Direct emissions of a service by rack type and component, re-derived by the rule of step 2b."""
        found = {}
        for (rack_type, component), amount in self.known.rack_types[self.measure].items():
            kept = self._retained(component)
            if kept is not None or component == "residual":
                if kept == origin:
                    found[rack_type, component] = amount
                continue
            users = sorted(self.known.usage.get(rack_type, {}).items())
            services = [name for name, _ in users]
            if origin in services:
                shares = divide(amount, [weight for _, weight in users])
                found[rack_type, component] = shares[services.index(origin)]
        return found

    def _retained(self, component: str) -> str | None:
        if component == "unused_capacity" and self.policy.unused_capacity is Bearer.PROVIDER:
            return UNUSED_CAPACITY
        if component == "network_overhead" and self.policy.networking_racks is Bearer.PROVIDER:
            return SHARED_OVERHEAD
        return None

    def _rack_types(self, origins: Sequence[Line]) -> list[Line]:
        parts: dict[str, int] = defaultdict(int)
        for line in origins:
            if not line.details.get("is_elsewhere"):
                parts[line.details["origin_service_id"]] += line.part
        lines = []
        for origin, figure in sorted(parts.items()):
            direct = self.direct(origin)
            if sum(direct.values()) != self.known.direct.get((origin, self.measure), 0):
                lines.append(self._line(f"{origin}: racks", figure, NOT_REDERIVED, details={"is_elsewhere": True}))
                continue
            for (rack_type, component), part in zip(direct, divide(figure, [*direct.values()]), strict=True):
                lines.append(self._rack_type(origin, rack_type, component, part))
        return [*lines, *self._carried(origins)]

    def _rack_type(self, origin: str, rack_type: str, component: str, part: int) -> Line:
        users = self.known.usage.get(rack_type, {})
        is_retained = self._retained(component) == origin
        return self._line(
            f"{origin} on {rack_type}: {component}",
            part,
            RULES["retained"] if is_retained else "pro rata to used units of the rack type",
            pool=self.known.rack_types[self.measure][rack_type, component],
            weight=None if is_retained else users[origin],
            total_weight=None if is_retained else sum(users.values()),
            weight_unit="units of the rack type",
            details={"rack_type": rack_type, "component": component},
        )

    # Level 4

    def _cluster(self, rack_types: Sequence[Line]) -> list[Line]:
        own: dict[str, int] = defaultdict(int)
        network: dict[str, int] = defaultdict(int)
        expansion: dict[str, int] = defaultdict(int)
        for line in rack_types:
            if line.details.get("is_elsewhere"):
                continue
            rack_type, component = line.details["rack_type"], line.details["component"]
            group = {"network_overhead": network, "expansion_overhead": expansion}.get(component, own)
            if rack_type in self.networks:
                group = own  # v1.0: networking racks keep their own row
            group[rack_type] += line.part
        lines = [line for name, part in sorted(own.items()) for line in self._own(name, part)]
        lines += [line for name, part in sorted(network.items()) for line in self._network(name, part)]
        lines += [self._expansion(name, part) for name, part in sorted(expansion.items())]
        return [*lines, *self._carried(rack_types)]

    def _own(self, rack_type: str, part: int) -> list[Line]:
        """A rack type's share of the cluster by planned power, and its own embodied carbon; ramping racks may have sent some of it away."""
        amounts = [self.by_power.get(rack_type, 0), self.embodied.get(rack_type, 0)]
        if self.kept(rack_type) > sum(amounts):
            return [self._line(f"{rack_type}: cluster", part, NOT_REDERIVED, details={"is_elsewhere": True})]
        by_power, embodied = divide(part, amounts)
        lines = [
            self._line(
                f"{rack_type}: planned power",
                by_power,
                "the cluster's shared emissions pro rata to planned power (rack-days x kW)",
                pool=self.shared_total,
                weight=self.known.power.get(rack_type, 0),
                total_weight=sum(self.known.power.values()),
                weight_unit="kW x days",
                details={"to": "shared"},
            )
        ]
        if embodied or amounts[1]:
            rule, details = "embodied carbon of the rack type's own racks", {"to": rack_type}
            lines.append(self._line(f"{rack_type}: rack embodied", embodied, rule, pool=amounts[1], details=details))
        return lines

    def kept(self, rack_type: str) -> int:
        """What the rack type holds of the cluster's emissions, after ramp-up."""
        found = self.known.rack_types[self.measure]
        own = ("in_use", "unused_capacity", *(("network_overhead",) if rack_type in self.networks else ()))
        return sum(found.get((rack_type, component), 0) for component in own)

    def _network(self, rack_type: str, part: int) -> list[Line]:
        """Networking racks of the cluster, passed on by planned power: their shares of the cluster, and their embodied carbon."""
        names = sorted(self.networks)
        amounts = [*(self.by_power.get(name, 0) for name in names), *(self.embodied.get(name, 0) for name in names)]
        lines = []
        targets = [*(["shared"] * len(names)), *names]
        for name, to, amount, share in zip(names * 2, targets, amounts, divide(part, amounts or [0]), strict=True):
            kind = "networking racks" if to == "shared" else "networking racks, embodied"
            if amount or share:
                lines.append(
                    self._line(
                        f"{rack_type}: {kind} ({name})",
                        share,
                        "emissions of networking racks pro rata to planned power of the other racks",
                        pool=amount,
                        weight=self.others.get(rack_type, 0),
                        total_weight=sum(self.others.values()),
                        weight_unit="kW x days",
                        details={"to": to},
                    )
                )
        return lines

    def _expansion(self, rack_type: str, part: int) -> Line:
        used = sum(self.known.usage.get(rack_type, {}).values())
        return self._line(
            f"worldwide pool of {rack_type}: expansion overhead",
            part,
            "excess of young racks and clusters worldwide, pro rata to used units of the rack type",
            pool=self.facts.world_pools.get((rack_type, self.measure), 0),
            weight=used,
            total_weight=self.facts.world_use.get(rack_type, 0),
            weight_unit="units of the rack type",
            details={"is_elsewhere": True},
        )

    # Level 5

    def _inventory(self, cluster: Sequence[Line]) -> list[Line]:
        parts: dict[str, int] = defaultdict(int)
        for line in cluster:
            if not line.details.get("is_elsewhere"):
                parts[line.details["to"]] += line.part
        shared = parts.pop("shared", 0)
        lines = []
        if self.shared:
            for item, part in zip(self.shared, divide(shared, [item.quanta for item in self.shared]), strict=True):
                rule = "share of the cluster's inventory by its lines"
                lines.append(self._line(item.source, part, rule, pool=item.quanta, details={"inventory": item}))
        elif shared:
            lines.append(self._line("inventory", shared, NOT_REDERIVED, details={"is_elsewhere": True}))
        for rack_type, part in sorted(parts.items()):
            amount = self.embodied.get(rack_type, 0)
            details = {"racks": self.known.racks.get(rack_type, 0), "evidence": "estimated"}
            rule = "embodied carbon of racks, straight line by days over their service life"
            lines.append(self._line(f"rack_embodied of {rack_type}", part, rule, pool=amount, details=details))
        return [*lines, *self._carried(cluster)]
