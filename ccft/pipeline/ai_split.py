"""The split of an AI run: which account rows take part, what their deployments weigh, and the rows that follow."""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from fractions import Fraction
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from ccft.ai import ecologits, split, tokens
from ccft.ai.drivers import UNKNOWN, Deployment, Month, months
from ccft.ai.rates import Customers, Service, away, rates
from ccft.ai.reports import Event, Outcome, activity, event, input_events
from ccft.ai.shares import KINDS, Pool, Share, shares, weights
from ccft.ai.tokens import ROW_KEY
from ccft.audit.published import Line
from ccft.config import Settings
from ccft.kernel.exact import kilograms
from ccft.lake.memory import Bench
from ccft.lake.tables import Lake
from ccft.methodology.model import Methodology
from ccft.pipeline.ai_core import AiCore, Row
from ccft.pipeline.ai_pools import Pools, account_rows, coverage, keys, pairs, pools_of
from ccft.schema.ai_columns import UNATTRIBUTED
from ccft.schema.spark import local_frame


@dataclass(frozen=True)
class Split:
    """What a split found, and what reports need of it.

    Parameters
    ----------
    frame
        Rows of `ai_emissions` without run columns.
    pools
        Rows that took part.
    bearers
        Tokens by who bears them: `ROW_KEY`, deployment, model, release, `out_tokens`.
    tokens, released
        Counts per deployment, output tokens per release: of all accounts, the provider's teams included.
    coverage
        Part of customer-run rows that hours explain.
    stray
        Tokens that no row bears.
    """

    core: AiCore
    settings: Settings
    months: dict[str, Month]
    frame: DataFrame
    pools: Pools
    bearers: DataFrame
    tokens: dict[str, Row]
    released: dict[str, Fraction]
    coverage: dict[Pool, Fraction]
    stray: tuple[Row, ...]

    def activity(self, written: DataFrame) -> list[dict[str, Any]]:
        """Rows of `ai_activity`."""
        ai, tasks = self.settings.ai, {name: row["task"] for name, row in self.core.models.items()}
        outcomes = self._outcomes(written)
        return activity(self.months.values(), self.core.pue, Fraction(ai.default_pue), self.tokens, outcomes, tasks)

    def _outcomes(self, written: DataFrame) -> dict[str, Outcome]:
        """Customers and coverage per deployment: exact where hours say it, of team-run services by location-based mass."""
        rows = written.groupBy("deployment_id").agg(F.countDistinct("account_id").alias("accounts")).collect()
        customers = {row["deployment_id"]: row["accounts"] for row in rows}
        found = {}
        mass = self._team_coverage(written)
        for name, month in self.months.items():
            own = month.deployment
            if own.is_team_run:
                coverage = mass.get((own.cluster_id, own.service_id))
            else:
                coverage = self.coverage.get((own.account_id, own.cluster_id, own.service_id))
            found[name] = Outcome(customers.get(name, 0), coverage)
        return found

    def _team_coverage(self, written: DataFrame) -> dict[Service, Fraction]:
        """Part of the location-based mass of team-run pools that deployments explain."""
        is_known = F.col("deployment_id") != UNATTRIBUTED
        lbm = written.where("NOT measure LIKE '%mbm'").join(
            pairs(written.sparkSession, self.pools.services), ["cluster_id", "service_id"], "left_semi"
        )
        own = keys(written.sparkSession, self.pools.customers)
        sums = lbm.join(F.broadcast(own), list(ROW_KEY), "left_anti").groupBy("cluster_id", "service_id")
        totals = sums.agg(
            F.sum("emissions_kg").alias("all"),
            F.sum(F.when(is_known, F.col("emissions_kg")).otherwise(0)).alias("known"),
        )
        return {
            (row["cluster_id"], row["service_id"]): Fraction(row["known"]) / Fraction(row["all"])
            for row in totals.collect()
            if row["all"]
        }

    def events(self, written: DataFrame) -> list[dict[str, Any]]:
        """Remarks on inputs and split, as rows of `data_quality_events`."""
        found = input_events(list(self.months.values()), self.core.pue, Fraction(self.settings.ai.default_pue))
        found += self._unweighed()
        for row in self.stray:
            cluster, name = row["cluster_id"], row["deployment_id"]
            values = {"count": row["accounts"], "value": f"{row['tokens'].normalize():f}"}
            found.append(event("CCFT-EVENT-AI-TOKENS-WITHOUT-ROW", cluster, name, row["tokens"], **values))
        found += self._silent(written)
        return [as_row(item) for item in found]

    def _unweighed(self) -> list[Event]:
        found = []
        for name, month in sorted(self.months.items()):
            own = month.deployment
            has_row = (own.cluster_id, own.service_id) in self.pools.services
            if not own.is_team_run:
                has_row = (own.account_id, own.cluster_id, own.service_id) in self.pools.customers
            elif own.is_development:
                has_row = any(service == own.service_id for _, service in self.pools.services)
            if not has_row:
                found.append(event("CCFT-EVENT-AI-NO-ROW", own.cluster_id, name))
            if month.tier == UNKNOWN:
                found.append(event("CCFT-EVENT-AI-NO-EVIDENCE", own.cluster_id, name))
        return found

    def _silent(self, written: DataFrame) -> list[Event]:
        """Customers of team-run services without tokens there."""
        team = written.join(
            F.broadcast(pairs(written.sparkSession, self.pools.services)), ["cluster_id", "service_id"], "left_semi"
        ).join(F.broadcast(keys(written.sparkSession, self.pools.customers)), list(ROW_KEY), "left_anti")
        is_known = F.col("deployment_id") != UNATTRIBUTED
        lbm = F.when(~F.col("measure").like("%mbm"), F.col("emissions_kg")).otherwise(0)
        per_row = team.groupBy(*ROW_KEY).agg(F.bool_or(is_known).alias("known"), F.sum(lbm).alias("kg"))
        pools = per_row.where("NOT known").groupBy("cluster_id", "service_id")
        rows = pools.agg(F.count("*").alias("accounts"), F.sum("kg").alias("kg")).orderBy("cluster_id", "service_id")
        code = "CCFT-EVENT-AI-CUSTOMERS-WITHOUT-TOKENS"
        return [
            event(
                code, r["cluster_id"], r["service_id"], r["kg"], count=r["accounts"], value=f"{r['kg'].normalize():f}"
            )
            for r in rows.collect()
        ]


def as_row(item: Event) -> dict[str, Any]:
    """A remark as a row of `data_quality_events`."""
    names = ("condition", "cluster_id", "subject", "event_value", "message")
    return dict(zip(names, item, strict=True))


def compute(lake: Lake, core: AiCore, base: Line, policy: Methodology, settings: Settings, bench: Bench) -> Split:
    """Split the published account rows of a month.

    Parameters
    ----------
    core
        AI inputs of the month.
    base
        The published result.
    bench
        How plans run, and where frames lie that several steps read.
    """
    rows = account_rows(lake, base, policy, core.period)
    usage = _tokens(lake.spark, core, settings)
    served = {row["deployment_id"]: row for row in _rows(tokens.totals(usage, ("deployment_id",)))}
    by_model = _rows(tokens.totals(usage, ("deployment_id", "model_id")))
    found = months(core.deployments, core.hours, _estimate(core, by_model))
    pools = pools_of(rows, core.deployments)
    covered = coverage(lake, core, found, pools, settings)
    bands = tuple(Fraction(band) for band in settings.ai.bands)
    own = _own_shares(core, found, by_model, covered, bands)
    team_rows = pools.take(rows).where("NOT is_own")
    of_customers = bench.keep(tokens.of_customers(usage, team_rows))
    customers = _customers(of_customers)
    weighed = rates(found.values(), customers, away(found.values(), pools.services), tuple(float(b) for b in bands))
    team = split.customer_shares(
        of_customers, local_frame(lake.spark, [astuple(r) for r in weighed], split.RATE_SCHEMA)
    )
    all_shares = local_frame(lake.spark, own, split.SHARE_SCHEMA).unionByName(team)
    components = split.by_component(
        pools.take(rows), account_rows(lake, base, policy, core.period, "service_emissions")
    )
    parts = split.split(components, all_shares)
    masses = {f"{name}_kg": kilograms(f"{name}_quanta") for name in ("min", "max")}
    frame = parts.withColumns({"emissions_kg": kilograms("quanta"), **masses, "is_memo": F.lit(False)})
    return Split(
        core, settings, found, frame, pools, _bearers(usage, of_customers, pools), served,
        {row["release"]: Fraction(row["out_tokens"]) for row in _rows(tokens.totals(usage, ("release",))) if row["release"]}, covered,
        tuple(_rows(tokens.stray(usage, rows, core.teams))),
    )  # fmt: skip


def _rows(frame: DataFrame) -> list[Row]:
    return sorted((row.asDict() for row in frame.collect()), key=str)


def _tokens(spark: SparkSession, core: AiCore, settings: Settings) -> DataFrame:
    """Token usage with its equivalents, its place and the release it counts for."""
    own = [
        (d.deployment_id, d.cluster_id, d.service_id, d.is_team_run, d.account_id, d.model_id, d.release_id)
        for d in core.deployments
    ]
    places = local_frame(
        spark,
        own,
        "deployment_id string, cluster_id string, service_id string, is_team_run boolean, owner string, own_model string, own_release string",
    )
    newest = local_frame(spark, sorted(core.release_of.items()), "model_id string, newest string")
    usage = tokens.with_equivalents(core.tokens, settings.ai.token_weights, settings.ai.model_token_weights)
    with_release = tokens.placed(usage, places).join(F.broadcast(newest), "model_id", "left")
    release = F.when(F.col("model_id") == F.col("own_model"), F.col("own_release")).otherwise(F.col("newest"))
    return with_release.withColumn("release", release).drop("own_model", "own_release", "newest")


def _estimate(core: AiCore, served: Sequence[Row]) -> Callable[[Deployment], Fraction | None]:
    """Energy of deployments without hours, from tokens and model size (tier 3); IT energy, so without PUE."""
    made: dict[str, list[tuple[str, float]]] = {}
    for row in served:
        made.setdefault(row["deployment_id"], []).append((row["model_id"], float(row["out_tokens"])))

    def of(deployment: Deployment) -> Fraction | None:
        total = Fraction(0)
        for model, out_tokens in made.get(deployment.deployment_id, []):
            sizes = core.models.get(model, {})
            whole, active = sizes.get("params_total_b"), sizes.get("params_active_b") or sizes.get("params_total_b")
            if not whole or not active:
                return None
            total += Fraction(
                ecologits.estimate(
                    total_params_b=float(whole),
                    active_params_b=float(active),
                    out_tokens=out_tokens,
                    pue=1.0,
                    kg_per_kwh=0.0,
                ).energy_kwh
            )
        return total or None

    return of


def _own_shares(
    core: AiCore,
    found: dict[str, Month],
    served: Sequence[Row],
    covered: dict[Pool, Fraction],
    bands: tuple[Fraction, ...],
) -> list[tuple[object, ...]]:
    """Shares of customer-run rows, `split.SHARE_SCHEMA`."""
    models: dict[str, dict[str, Fraction]] = {}
    for row in served:
        models.setdefault(row["deployment_id"], {})[row["model_id"]] = Fraction(row["tokens_eq"])
    lines: dict[Pool, list[Month]] = {key: [] for key in covered}
    for month in found.values():
        own = month.deployment
        key = own.account_id, own.cluster_id, own.service_id
        if key in lines and not own.is_team_run:
            lines[key].append(month)
    table: list[tuple[object, ...]] = []
    for key, own_months in sorted(lines.items()):
        wanted = [
            line
            for month in own_months
            for line in weights(
                month, KINDS, _parts(models.get(month.deployment.deployment_id, {})), _releases(core, month)
            )
        ]
        table += [(*key, *_share_row(share)) for share in shares(wanted, covered[key], bands)]
    return table


def _parts(equivalents: dict[str, Fraction]) -> dict[str, Fraction]:
    total = sum(equivalents.values(), Fraction(0))
    return {model: value / total for model, value in sorted(equivalents.items())} if total else {}


def _releases(core: AiCore, month: Month) -> dict[str, str | None]:
    return {**core.release_of, month.deployment.model_id: month.deployment.release_id}


def _share_row(share: Share) -> tuple[object, ...]:
    return astuple(share)


def _customers(of_customers: DataFrame) -> dict[Service, Customers]:
    """Tokens of customers per pool and deployment."""
    sums = of_customers.groupBy("cluster_id", "service_id", "deployment_id").agg(F.sum("tokens_eq").alias("t"))
    found: dict[Service, dict[str, Fraction]] = {}
    for row in sums.collect():
        if row["t"]:
            found.setdefault((row["cluster_id"], row["service_id"]), {})[row["deployment_id"]] = Fraction(row["t"])
    return {pool: Customers(own, sum(own.values(), Fraction(0))) for pool, own in found.items()}


def _bearers(usage: DataFrame, of_customers: DataFrame, pools: Pools) -> DataFrame:
    """Output tokens by the account row that bears them: the deployment's own account, or the customers of the team."""
    columns = (*ROW_KEY, "deployment_id", "model_id", "release", "out_tokens")
    own = usage.where("NOT is_team_run").withColumn("account_id", F.col("owner"))
    own = own.join(F.broadcast(keys(usage.sparkSession, pools.customers)), list(ROW_KEY), "left_semi")
    sums = own.groupBy(*columns[:-1]).agg(F.sum("out_tokens").alias("out_tokens"))
    return sums.select(*columns).unionByName(of_customers.select(*columns))
