"""The worked example of the method as facts: one account, four deployments, two models (docs/ai.md)."""

from dataclasses import replace
from decimal import Decimal

from ccft.ai.facts import (
    Cluster,
    Deployment,
    Facts,
    LedgerLine,
    Mass,
    Model,
    Quality,
    Release,
    Traffic,
    Work,
    quanta_of,
)

PUE = Decimal("1.2")
ACCOUNT = "000000000100"
MEASURES = ("scope_1", "scope_2_lbm", "scope_2_mbm", "scope_3_fera_lbm", "scope_3_fera_mbm", "scope_3_embodied")

# deployment: stage, model, release, in use, of which idle energy, unused, overhead, embodied
_KG = {
    "d1": ("serving", "chat-70b", "r1", "1084.64", "342.52", "171.43", "45.19", "228.57"),
    "d2": ("serving", "chat-8b", "r2", "335.38", "57.09", "42.86", "13.97", "57.14"),
    "d3": ("post_training", "chat-70b", "r1", "488.40", "6.34", "38.10", "20.35", "50.79"),
    "d4": ("experimentation", "chat-70b", "r1", "491.58", "47.57", "47.62", "20.48", "63.49"),
}
# deployment: reserved, busy, idle kWh, active kWh
_HOURS = {
    "d1": ("5760", "2304", "691.2", "1497.6"),
    "d2": ("1440", "864", "115.2", "561.6"),
    "d3": ("1280", "1216", "12.8", "972.8"),
    "d4": ("1600", "1120", "96.0", "896.0"),
}


def _mass(name, stage, component, measure, kg):
    _, model, release, *_ = _KG[name]
    quanta = quanta_of(Decimal(kg))
    # a band of 15 % on what energy drives, none on what reserved hours drive
    band = 0 if component == "unused_capacity" or measure == "scope_3_embodied" else quanta * 15 // 100
    return Mass(name, model, release, stage, component, measure, quanta, quanta - band, quanta + band, 2)


def masses():
    rows = []
    for name, (stage, _, _, in_use, idle, unused, overhead, embodied) in _KG.items():
        busy = Decimal(in_use) - Decimal(idle) if stage == "serving" else Decimal(in_use)
        rows.append(_mass(name, stage, "in_use", "scope_2_lbm", busy))
        if stage == "serving":
            rows.append(_mass(name, "serving_idle", "in_use", "scope_2_lbm", idle))
        rows.append(_mass(name, stage, "unused_capacity", "scope_2_lbm", unused))
        rows.append(_mass(name, stage, "network_overhead", "scope_2_lbm", overhead))
        rows.append(_mass(name, stage, "in_use", "scope_3_embodied", embodied))
    amortised = quanta_of(Decimal("101.734166667"))
    memo = Mass("d1", "chat-70b", "r1", "amortised_training", "", "", amortised, amortised, amortised, 2, is_memo=True)
    return (*rows, *(replace(memo, measure=measure) for measure in ("lbm", "mbm")))


def work():
    rows = []
    for name, figures in _HOURS.items():
        stage = _KG[name][0]
        reserved, busy, idle_kwh, active_kwh = map(Decimal, figures)
        if stage == "serving":
            rows.append(Work(name, stage, active_kwh, reserved_h=busy, busy_h=busy))
            rows.append(Work(name, "serving_idle", idle_kwh, idle_kwh, reserved_h=reserved - busy))
        else:
            rows.append(Work(name, stage, active_kwh + idle_kwh, idle_kwh, reserved_h=reserved, busy_h=busy))
    return tuple(rows)


def _deployment(name):
    stage, model, release, *_ = _KG[name]
    return Deployment(name, ACCOUNT, model, release, "c1", "gpu", "H100", stage, PUE, Decimal(1), 30)


FACTS = Facts(
    period="2025-01",
    version="v3.0",
    measures=MEASURES,
    masses=masses(),
    work=work(),
    traffic=(
        Traffic("d1", "chat-70b", Decimal(24 * 10**9), None, Decimal(6 * 10**9), Decimal(10**7), customers=5),
        Traffic("d2", "chat-8b", Decimal(27 * 10**9), None, Decimal(9 * 10**9), Decimal(2 * 10**7), customers=2),
    ),
    deployments={name: _deployment(name) for name in _KG},
    clusters={
        "c1": Cluster("c1", PUE, Decimal(400)),
        "c2": Cluster("c2", Decimal("1.1"), Decimal(50)),
    },
    models={
        "chat-70b": Model("chat-70b", "text-generation", "000000000007", "chat", "1", Decimal(70), Decimal(70)),
        "chat-8b": Model("chat-8b", "text-generation", "000000000007", "chat", "1", Decimal(8), Decimal(8)),
    },
    releases={
        "r1": Release("r1", "chat-70b", Decimal(2 * 10**12), Decimal(840)),
        "r2": Release("r2", "chat-8b"),
    },
    ledger=tuple(
        LedgerLine(
            "r1",
            method,
            opening=0,
            added=quanta_of(Decimal("1220.81")),
            amortised=quanta_of(Decimal("101.734166667")),
            written_off=0,
            closing=quanta_of(Decimal("1119.075833333")),
            added_to_date=quanta_of(Decimal("1220.81")),
        )
        for method in ("lbm", "mbm")
    ),
    qualities=(
        Quality("chat-70b", "mmlu", "accuracy", Decimal("0.82"), True, Decimal(900)),
        Quality("chat-8b", "mmlu", "accuracy", Decimal("0.70"), True, Decimal(300)),
    ),
)


def with_scaled_deployment(name, **changes):
    """The example with a deployment changed."""
    return replace(FACTS, deployments={**FACTS.deployments, name: replace(FACTS.deployments[name], **changes)})
