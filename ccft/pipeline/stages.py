"""From core tables to result frames: inventory, then allocation, step by step (methodology sections 2 and 3).

Everything is computed for a set of periods at once: a month and thirty-eight months are the same plan with more rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from ccft.allocation import accounts, capacity, flows, rack_types, residuals, service_graph, services, weights
from ccft.audit import remarks
from ccft.audit.events import combine, events
from ccft.audit.reconciliation import balance, ledger
from ccft.errors import Problem, raise_all
from ccft.inventory import embodied, fuel
from ccft.inventory.electricity import Electricity, ElectricityResult
from ccft.inventory.factors import FactorBook, valid_in
from ccft.kernel.exact import kilograms, units
from ccft.lake.memory import Bench, on_driver, settle
from ccft.methodology.model import Methodology, RampUp, Scope1Gaps
from ccft.periods import month_end, month_start, shift
from ccft.schema.columns import COMPONENTS, EVIDENCE
from ccft.schema.spark import local_frame

Core = dict[str, DataFrame]
_BORNE = "direct + received - passed_on"


@dataclass
class Results:
    """Result frames of a run, without run columns, and what the ledger needs.

    Parameters
    ----------
    flow_rows
        About how many rows `flows` has.
    """

    inventory: DataFrame
    certificates: DataFrame
    rack_types: DataFrame
    services: DataFrame
    flows: DataFrame
    shares: DataFrame
    accounts: DataFrame
    ledger: DataFrame
    events: DataFrame
    flow_rows: int


def period_frame(spark: SparkSession, periods: Sequence[str]) -> DataFrame:
    """The periods of a run as a frame: `usage_period, month_start, month_end` (exclusive), `last_year` (same month), `year`."""
    rows = [(p, month_start(p), month_end(p), shift(p, -12), int(p[:4])) for p in periods]
    schema = "usage_period string, month_start date, month_end date, last_year string, year int"
    return local_frame(spark, rows, schema)


def _of_periods(frame: DataFrame, periods: Sequence[str], column: str = "period") -> DataFrame:
    return frame.where(F.col(column).isin(*periods))


def electricity(core: Core, months: DataFrame, periods: Sequence[str], policy: Methodology) -> ElectricityResult:
    """Scope 2 and its upstream, on the driver (bounded by clusters x periods)."""
    book = FactorBook(valid_in(core["core_emission_factors"], months).drop("usage_period").distinct().toArrow())
    clusters = core["core_clusters"].select("cluster_id", "grid_zone", "market_boundary").toArrow().to_pylist()
    activity = _of_periods(core["core_activity"].where("activity = 'electricity'"), periods)
    loads = activity.groupBy("period", "cluster_id", "evidence").agg(F.sum("quantity").alias("quantity"))
    certificates = _of_periods(core["core_certificates"], periods).select(
        "period", "market_boundary", "quantity", "ef", "status"
    )
    return Electricity(clusters, book, policy.sources).compute(loads.toArrow(), certificates.toArrow())


def input_problems(
    core: Core, months: DataFrame, fleet: DataFrame, policy: Methodology, power: ElectricityResult
) -> list[Problem]:
    """Factors, electricity and fuel history that the periods x version need and the inputs lack."""
    problems = list(power.problems)
    factors, activity, clusters = core["core_emission_factors"], core["core_activity"], core["core_clusters"]
    metered = activity.where("activity = 'electricity'").select(F.col("period").alias("usage_period"), "cluster_id")
    silent = (
        fleet.select("usage_period", "cluster_id").distinct().join(metered, ["usage_period", "cluster_id"], "left_anti")
    )
    problems += [
        Problem("CCFT-RUN-MISSING-ELECTRICITY", {"period": row["usage_period"], "cluster": row["cluster_id"]})
        for row in silent.collect()
    ]
    if policy.scope_1_gaps is Scope1Gaps.HISTORICAL_GROWTH:
        problems += [
            Problem(
                "CCFT-RUN-MISSING-FUEL-HISTORY",
                {"period": row["usage_period"], "cluster": row["cluster_id"], "last_year": row["last_year"]},
            )
            for row in fuel.missing_fuel_history(activity, clusters, months).collect()
        ]
    rows = fuel.fuel_activity(activity, clusters, months, policy)
    problems += [
        Problem(
            "CCFT-RUN-MISSING-FACTOR",
            {
                "period": r["usage_period"],
                "cluster": r["cluster_id"],
                "factor_type": r["factor_type"],
                "key": r["substance"],
            },
        )
        for r in fuel.missing_fuel_factors(rows, factors, months, policy).collect()
    ]
    return sorted(problems, key=str)


def missing_inputs(core: Core, periods: Sequence[str], policy: Methodology) -> list[Problem]:
    """`input_problems` of many periods before any of them is computed."""
    months = period_frame(core["core_clusters"].sparkSession, periods)
    fleet = settle(rack_types.rack_fleet(core["core_racks"], core["core_clusters"], months))
    return input_problems(core, months, fleet, policy, electricity(core, months, periods, policy))


@dataclass(frozen=True)
class Basis:
    """What no policy decides about a set of periods: computed once for all versions of it.

    Parameters
    ----------
    months
        `period_frame`.
    fleet, network, use
        Planned power and capacity of rack types; networking types; use and capacity of cohorts.
    classes, prices
        Account rows summed by what their weight can depend on; list prices.
    """

    months: DataFrame
    fleet: DataFrame
    network: DataFrame
    use: DataFrame
    classes: DataFrame
    prices: DataFrame


def basis(core: Core, periods: Sequence[str], bench: Bench) -> Basis:
    """The frames of a set of periods that all versions share."""
    months = period_frame(core["core_clusters"].sparkSession, periods)
    fleet = bench.settle(rack_types.rack_fleet(core["core_racks"], core["core_clusters"], months))
    network = bench.settle(rack_types.network_types(core["core_racks"]))
    use = bench.settle(capacity.cohort_use(fleet, core["core_rack_usage"], network))
    classes = bench.settle(weights.usage_classes(core["core_usage_classes"]))
    return Basis(months, fleet, network, use, classes, bench.settle(weights.list_prices(classes)))


def inventory(core: Core, months: DataFrame, policy: Methodology, power: pa.Table) -> DataFrame:
    """Section 2: all inventory lines of the version."""
    rows = fuel.fuel_activity(core["core_activity"], core["core_clusters"], months, policy)
    lines = fuel.fuel_lines(rows, core["core_emission_factors"], months, policy)
    lines = lines.unionByName(months.sparkSession.createDataFrame(power))
    if "rack_embodied" in policy.sources:
        lines = lines.unionByName(embodied.rack_embodied(core["core_racks"], months))
    if "facility_embodied" in policy.sources:
        lines = lines.unionByName(embodied.facility_embodied(core["core_facility_assets"], months))
    return lines


def compute(
    core: Core,
    periods: Sequence[str],
    policy: Methodology,
    provider: DataFrame,
    bench: Bench,
    shared: Basis | None = None,
) -> Results:
    """All steps of the methodology for a set of periods.

    Parameters
    ----------
    core
        Core tables by name.
    provider
        The provider's own account per period.
    bench
        Holds frames that several steps read.
    shared
        `basis` of exactly these periods, when several versions of them are computed.
    """
    spark = core["core_clusters"].sparkSession
    account_usage = core["core_account_usage"]
    rack_usage = core["core_rack_usage"]
    base = shared or basis(core, periods, bench)
    months, fleet, network, use, prices = base.months, base.fleet, base.network, base.use, base.prices

    # Section 2: inventory
    power = electricity(core, months, periods, policy)
    raise_all(input_problems(core, months, fleet, policy, power))
    lines = bench.settle(inventory(core, months, policy, power.lines_table()))

    # Step 1: cluster -> rack type
    by_power = bench.settle(rack_types.allocate_to_rack_types(lines, fleet))

    # Step 2a: shared overhead and unused capacity
    components, expanded = capacity.share_overhead(by_power, fleet, use, network, policy)
    components, expanded = bench.settle(components), bench.settle(expanded)

    # Step 2b: rack type -> service
    direct, homeless = services.allocate_to_services(components, rack_usage, policy)
    direct, homeless = bench.settle(direct), bench.settle(homeless)

    # Step 3, weights: they also weigh the service graph
    priced = bench.settle(
        weights.list_price_classes(account_usage, core["core_services"], prices, policy), scans_accounts=True
    )
    weighed = bench.settle(weights.class_weights(base.classes, priced, core["core_services"], policy))
    pools = bench.settle(weights.pools(weighed, prices, policy))
    edges = bench.settle(weights.edges(weighed, policy))

    # Step 2c: service interdependencies
    customer_weights = pools.select("usage_period", "cluster_id", "service_id", "customer_weight").toArrow()
    team_weights = edges.toArrow()
    graphs = service_graph.systems(customer_weights, team_weights)
    bearing = service_graph.solve(graphs)
    missed = service_graph.two_rounds(graphs, direct.toArrow())
    flow_rows = bearing.num_rows * len(policy.measures)
    shares = on_driver(spark, bearing)
    emitted = bench.settle(flows.flow_pools(direct), number=flows.POOL_NUMBER)
    emitted = bench.settle(flows.flow_rests(emitted, shares), reads=flow_rows)
    spread = flows.flows(emitted, shares)
    balances = bench.settle(flows.service_balances(direct, spread), reads=flow_rows)

    # Step 4: residuals
    customers = pools.where("customer_weight > 0")
    moved = residuals.spread_residuals(balances, customers, homeless).map(bench.settle)
    outcome = bench.settle(residuals.service_results(balances, moved))

    # Step 3: service -> account
    amounts = bench.settle(accounts.pool_amounts(outcome, policy.measures))
    loaded = bench.settle(
        pools.join(amounts, list(services.SERVICE_KEY), "left").fillna(0, list(policy.measures)),
        number=accounts.POOL_NUMBER,
    )
    remainders = bench.settle(accounts.pool_remainders(account_usage, loaded, policy), scans_accounts=True)
    raise_all(accounts.altered_pools(remainders))
    finished = loaded.join(remainders, list(services.SERVICE_KEY), "left").fillna(
        0, [f"rest_{measure}" for measure in policy.measures]
    )
    rows = accounts.allocate_to_accounts(account_usage, finished, core["core_services"], core["core_clusters"], policy)
    retained = accounts.retained_rows(amounts, core["core_clusters"], provider, policy)

    states = {
        "evidence": balance(lines, " + ".join(EVIDENCE)),
        "inventory": balance(lines),
        "rack_types": balance(by_power),
        "overhead": balance(components),
        "services": balance(_and_homeless(direct, homeless)),
        "interdependencies": balance(_and_homeless(_borne(balances), homeless)),
        "residuals": balance(outcome, f"{_BORNE} + residual"),
        "accounts": balance(_allocated(remainders, amounts, policy)),
    }
    transfers = {
        ("overhead", "transferred_out"): balance(expanded),
        ("overhead", "transferred_in"): balance(components.where("component = 'expansion_overhead'")),
        ("residuals", "transferred_out"): balance(moved.sent),
        ("residuals", "transferred_in"): balance(moved.received.where("from_elsewhere")),
    }
    reference = capacity.mature_reference(use) if policy.ramp_up is RampUp.WORLDWIDE else None
    used = pools.select("usage_period", "service_id").distinct()
    remarked = [
        *remarks.on_weights(weighed, prices),
        *remarks.on_capacity(use, reference),
        *remarks.on_homeless(homeless),
        *remarks.on_services(moved.given, edges, core["core_services"], used),
        *remarks.on_residuals(moved.worldwide, moved.received),
        *remarks.on_two_rounds(spark, missed),
        *_inventory_remarks(core, months, policy, power),
    ]
    return Results(
        inventory=_with_region(_inventory_table(lines), core),
        certificates=_certificate_table(spark, power),
        rack_types=_with_region(components.withColumn("emissions_kg", kilograms("quanta")), core),
        services=_with_region(_service_table(outcome), core),
        flows=_with_region(_flow_table(spread), core),
        shares=_with_region(_share_table(edges, pools), core),
        accounts=rows.unionByName(retained),
        ledger=ledger(states, transfers),
        events=combine(remarked),
        flow_rows=flow_rows,
    )


def _with_region(frame: DataFrame, core: Core) -> DataFrame:
    places = core["core_clusters"].select("cluster_id", "region_code")
    return frame.join(F.broadcast(places), "cluster_id", "inner")


def _borne(balances: DataFrame) -> DataFrame:
    return balances.withColumn("quanta", F.expr(_BORNE))


def _and_homeless(frame: DataFrame, homeless: DataFrame) -> DataFrame:
    columns = ["usage_period", "cluster_id", "measure", "quanta"]
    return frame.select(*columns).unionByName(homeless.select(*columns))


def _allocated(remainders: DataFrame, amounts: DataFrame, policy: Methodology) -> DataFrame:
    """What account rows get, pools and the provider's own rows: period, cluster, measure with `quanta`."""
    columns = ("usage_period", "cluster_id")
    to_accounts = remainders.select(*columns, *(F.col(f"allocated_{m}").alias(m) for m in policy.measures))
    retained = amounts.where(F.col("service_id").isin("UnusedCapacity", "SharedOverhead")).select(
        *columns, *policy.measures
    )
    both = to_accounts.unionByName(retained)
    return both.unpivot(list(columns), list(policy.measures), "measure", "quanta")


def _inventory_table(lines: DataFrame) -> DataFrame:
    masses = {f"{name}_kg": kilograms(name) for name in EVIDENCE}
    return lines.withColumns({"emissions_kg": kilograms("quanta"), **masses})


def _service_table(outcome: DataFrame) -> DataFrame:
    masses = {f"{name}_kg": kilograms(name) for name in ("direct", "received", "passed_on", "residual")}
    return outcome.withColumns({**masses, "net_kg": kilograms(F.expr(f"{_BORNE} + residual"))})


def _flow_table(spread: DataFrame) -> DataFrame:
    return spread.withColumn("emissions_kg", kilograms(F.expr(" + ".join(COMPONENTS))))


def _share_table(edges: DataFrame, pools: DataFrame) -> DataFrame:
    totals = pools.select(*services.SERVICE_KEY, "total_weight")
    share = F.round(F.col("weight").cast("decimal(38,15)") / F.col("total_weight"), 15)
    return edges.join(totals, list(services.SERVICE_KEY), "inner").withColumns(
        {"share": share, "weight": units("weight")}
    )


def _certificate_table(spark: SparkSession, power: ElectricityResult) -> DataFrame:
    names = ("issued", "used_for_load", "used_for_losses", "unused")
    schema = "usage_period string, market_boundary string, " + ", ".join(f"{name} bigint" for name in names)
    rows = [tuple(row.values()) for row in power.ledger]
    return local_frame(spark, rows, schema).withColumns({f"{name}_mwh": units(name) for name in names})


def _inventory_remarks(core: Core, months: DataFrame, policy: Methodology, power: ElectricityResult) -> list[DataFrame]:
    spark = months.sparkSession
    schema = "usage_period string, condition string, cluster_id string, subject string"
    fallback = local_frame(spark, [tuple(event.values()) for event in power.events], schema)
    found = [events(fallback, "CCFT-EVENT-MARKET-FACTOR-FALLBACK", subject="subject")]
    if policy.scope_1_gaps is Scope1Gaps.HISTORICAL_GROWTH:
        estimates = fuel.historical_growth(core["core_activity"], core["core_clusters"], months)
        found += remarks.on_fuel(estimates)
    return found
