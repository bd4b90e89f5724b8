"""The views of the publish page, section 2: one SQL text each, which Spark SQL and DuckDB run unchanged.

Every text reads the result tables by their names, at the published versions, and the relation `published_slices`, which says what is published and
which version of a period is current. Columns, grain and units are in `ccft.schema.views`.

What keeps the answers equal in both engines: masses are decimals until they are whole quanta or grams; every sum is cast to its type; doubles are
used inside one row only, in the kernel's order; a rounded figure is a cast to a decimal of fewer places, half up in both.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Final, Protocol

from ccft.kernel.forms import floor_share_sql
from ccft.methodology.model import known_versions
from ccft.periods import month_end, month_start
from ccft.publish.component_view import emissions_by_component
from ccft.publish.sql_text import (
    indented,
    kilograms_sql,
    mass_sums,
    masses,
    mtco2e_sql,
    quanta_sql,
    same_slice,
    sum_of,
)
from ccft.schema.columns import MEASURES
from ccft.schema.units import MASS
from ccft.schema.view_columns import DERIVED, EXPORT_UNIT, EXPORTED
from ccft.schema.views import VIEWS

CURRENT: Final = "JOIN published_slices AS p ON " + same_slice("a", "p") + " AND p.is_current"
PUBLISHED: Final = "JOIN published_slices AS p ON " + same_slice("a", "p")
MEASURED: Final = ("metered", "invoiced")
"""Evidence that counts as measured."""

FROM_ELSEWHERE: Final = ("expansion_overhead", "residual")
"""Components that may come from other clusters: there the evidence of the row's own cluster is an approximation."""


class PublishedLine(Protocol):
    """A published period x version, as the log of runs has it."""

    @property
    def period(self) -> str:
        """Usage period."""

    @property
    def methodology_version(self) -> str:
        """Methodology version."""

    @property
    def run_id(self) -> str:
        """Run that published it."""

    @property
    def finished_at(self) -> datetime:
        """When that run finished (UTC)."""


def slice_rows(lines: Sequence[PublishedLine]) -> list[dict[str, object]]:
    """Rows of `published_slices`: what is published, and per period the version of highest rank as the current one."""
    known = known_versions()
    ranks = {line.methodology_version: 0 for line in lines}
    ranks |= {version: policy.rank for version, policy in known.items() if version in ranks}
    best: dict[str, tuple[int, str]] = {}
    for line in lines:
        candidate = (ranks[line.methodology_version], line.methodology_version)
        best[line.period] = max(best.get(line.period, candidate), candidate)
    midnight = time(tzinfo=UTC)
    return [
        {
            "usage_period": line.period,
            "methodology_version": line.methodology_version,
            "period_start": datetime.combine(month_start(line.period), midnight),
            "period_end": datetime.combine(month_end(line.period), midnight),
            "rank": ranks[line.methodology_version],
            "is_current": best[line.period][1] == line.methodology_version,
            "run_id": line.run_id,
            "finished_at": line.finished_at,
        }
        for line in lines
    ]


def _account_emissions(join: str, *more: str) -> str:
    """Account rows with derived totals."""
    view = next(view for view in VIEWS if view.name == "account_emissions_current")
    stored = [f"a.{name}" for name in view.column_names if name.removesuffix("_kg") not in DERIVED]
    derived = [f"{masses(parts)} AS {name}_kg" for name, parts in DERIVED.items()]
    return f"SELECT\n{indented([*stored, *derived, *more])}\nFROM account_emissions AS a\n{join}"


def carbon_emissions_sql(
    condition: str = "",
    *,
    accounts: str = "account_emissions",
    slices: str = "published_slices",
    more: Sequence[str] = (),
) -> str:
    """The columns of a Data Export: exact masses summed at export grain, each value rounded once.

    The one definition of these rows: the views and every export are made by it.

    Parameters
    ----------
    condition
        Further condition on `a` (account rows) or `p` (slices).
    accounts, slices
        Relations that stand for `account_emissions` and `published_slices`.
    more
        Further columns, of the relation `m` at export grain: its keys and the exact masses behind the values.
    """
    join = f"JOIN {slices} AS p ON {same_slice('a', 'p')}" + (f" AND {condition}" if condition else "")
    keys = [
        "a.usage_period",
        "a.methodology_version",
        *(f"a.{name}" for name in ("account_id", "payer_account_id", "product_code", "region_code", "location")),
        "p.finished_at",
        "p.period_start",
        "p.period_end",
    ]
    sums = [f"{sum_of(f'a.{measure}_kg')} AS {measure}_kg" for measure in MEASURES]
    exported = []
    for name in EXPORTED:
        measure = name if name in DERIVED else name.removeprefix("total_")
        value = mtco2e_sql(" + ".join(f"m.{part}_kg" for part in DERIVED.get(measure, (measure,))))
        exported += [f"'{EXPORT_UNIT}' AS {name}_emissions_unit", f"{value} AS {name}_emissions_value"]
    names = [
        "m.finished_at AS last_refresh_timestamp",
        "m.location",
        "m.methodology_version AS model_version",
        "m.payer_account_id",
        "m.product_code",
        "m.region_code",
        *exported,
        "m.account_id AS usage_account_id",
        "m.period_end AS usage_period_end",
        "m.period_start AS usage_period_start",
        *more,
    ]
    inner = f"SELECT\n{indented([*keys, *sums])}\nFROM {accounts} AS a\n{join}\nGROUP BY\n{indented(keys)}"
    return f"SELECT\n{indented(names)}\nFROM (\n{inner}\n) AS m"


def _emissions_by(*keys: str) -> str:
    """Sums of the current account rows."""
    names = ["a.usage_period", "a.methodology_version", *(f"a.{key}" for key in keys)]
    columns = [*names, "count(DISTINCT a.account_id) AS account_count", *mass_sums("a")]
    return f"SELECT\n{indented(columns)}\nFROM account_emissions AS a\n{CURRENT}\nGROUP BY\n{indented(names)}"


def _reconciliation_summary() -> str:
    """Inventory, account rows and ledger side by side, per measure of every published version."""
    listed = ", ".join(f"('{measure}')" for measure in MEASURES)
    per_measure = "\n".join(f"    WHEN '{measure}' THEN t.{measure}_kg" for measure in MEASURES)
    slice_columns = "a.usage_period, a.methodology_version"
    totals = ", ".join(f"{sum_of(f'a.{measure}_kg')} AS {measure}_kg" for measure in MEASURES)
    zero = f"CAST(0 AS {MASS})"
    accounts = f"coalesce(CASE m.measure\n{per_measure}\n  END, {zero})"
    inventory = f"coalesce(i.inventory_kg, {zero})"
    return f"""WITH inventory AS (
  SELECT {slice_columns}, a.measure, {sum_of("a.emissions_kg")} AS inventory_kg
  FROM inventory_emissions AS a GROUP BY {slice_columns}, a.measure
), account_totals AS (
  SELECT {slice_columns}, {totals}
  FROM account_emissions AS a GROUP BY {slice_columns}
), ledger AS (
  SELECT {slice_columns}, a.measure, count(*) AS ledger_line_count,
    count(CASE WHEN a.difference_kg <> 0 THEN 1 END) AS unbalanced_line_count
  FROM reconciliation AS a GROUP BY {slice_columns}, a.measure
)
SELECT
  p.usage_period,
  p.methodology_version,
  m.measure,
  {inventory} AS inventory_kg,
  {accounts} AS accounts_kg,
  CAST({inventory} - {accounts} AS {MASS}) AS difference_kg,
  coalesce(l.ledger_line_count, 0) AS ledger_line_count,
  coalesce(l.unbalanced_line_count, 0) AS unbalanced_line_count,
  p.is_current
FROM published_slices AS p
CROSS JOIN (VALUES {listed}) AS m(measure)
LEFT JOIN account_totals AS t ON {same_slice("t", "p")}
LEFT JOIN inventory AS i ON {same_slice("i", "p")} AND i.measure = m.measure
LEFT JOIN ledger AS l ON {same_slice("l", "p")} AND l.measure = m.measure"""


def _evidence_pivots(table: str, whole: str, part: str, names: tuple[str, str]) -> list[str]:
    """Per measure the whole and a part of it, quanta, side by side."""
    pivots = []
    for measure in MEASURES:
        of = f"CASE WHEN {table}.measure = '{measure}' THEN {{}} ELSE 0 END"
        pivots += [
            f"{quanta_sql(sum_of(of.format(amount)))} AS {measure}_{name}"
            for amount, name in zip((whole, part), names, strict=True)
        ]
    return pivots


def _row_share(measure: str, part: str, whole: str) -> str:
    """Part of an account row's mass, quanta: the row times a ratio of its cluster or pool, 0 where that has no mass."""
    share = floor_share_sql(quanta_sql(f"a.{measure}_kg"), part, f"nullif({whole}, 0)")
    return f"coalesce({share}, 0)"


def _quality_figures(method: str) -> tuple[list[str], list[str]]:
    """Sums over an account's rows, and the figures made of them, of one Scope 2 method."""
    parts = DERIVED[f"total_{method}"]
    sums = [
        f"CAST(sum({' + '.join(f'r.{part}{suffix}' for part in parts)}) AS BIGINT) AS {method}{suffix}"
        for suffix in ("", "_measured", "_moved")
    ]
    whole = f"nullif(CAST(s.{method} AS DOUBLE), 0)"
    figures = [
        f"{kilograms_sql(f's.{method}')} AS total_{method}_kg",
        f"{kilograms_sql(f's.{method}_measured')} AS metered_or_invoiced_{method}_kg",
        f"CAST(s.{method}_measured AS DOUBLE) / {whole} AS metered_or_invoiced_{method}_share",
        f"CAST(s.{method}_moved AS DOUBLE) / {whole} AS approximate_{method}_share",
    ]
    return sums, figures


def _data_quality_summary() -> str:
    """Mass-weighted share of measured data: each row has the evidence of its cluster and measure."""
    measured = " + ".join(f"a.{name}_kg" for name in MEASURED)
    evidence = _evidence_pivots("a", "a.emissions_kg", measured, ("emitted", "measured"))
    moved = ", ".join(f"'{name}'" for name in FROM_ELSEWHERE)
    came = f"CASE WHEN a.component IN ({moved}) THEN a.net_kg ELSE 0 END"
    origins = _evidence_pivots("a", "a.net_kg", came, ("net", "moved"))
    of_cluster = ", ".join(f"a.{name}" for name in ("usage_period", "methodology_version", "cluster_id"))
    of_account = ["a.usage_period", "a.methodology_version", "a.account_id", "a.payer_account_id"]
    rows = [
        text
        for measure in MEASURES
        for text in (
            f"{quanta_sql(f'a.{measure}_kg')} AS {measure}",
            f"{_row_share(measure, f'e.{measure}_measured', f'e.{measure}_emitted')} AS {measure}_measured",
            f"{_row_share(measure, f'o.{measure}_moved', f'o.{measure}_net')} AS {measure}_moved",
        )
    ]
    lbm, mbm = _quality_figures("lbm"), _quality_figures("mbm")
    key = [name.replace("a.", "r.") for name in of_account]
    result = [*(name.replace("a.", "s.") for name in of_account), *lbm[1], *mbm[1]]
    return f"""WITH evidence AS (
  SELECT
{indented([of_cluster, *evidence], 4)}
  FROM inventory_emissions AS a GROUP BY {of_cluster}
), origins AS (
  SELECT
{indented([of_cluster, "a.service_id", *origins], 4)}
  FROM service_emissions AS a GROUP BY {of_cluster}, a.service_id
), account_rows AS (
  SELECT
{indented([*of_account, *rows], 4)}
  FROM account_emissions AS a
  {CURRENT}
  LEFT JOIN evidence AS e ON {same_slice("e", "a")} AND e.cluster_id = a.cluster_id
  LEFT JOIN origins AS o ON {same_slice("o", "a")} AND o.cluster_id = a.cluster_id AND o.service_id = a.service_id
), sums AS (
  SELECT
{indented([*key, *lbm[0], *mbm[0]], 4)}
  FROM account_rows AS r GROUP BY {", ".join(key)}
)
SELECT
{indented(result)}
FROM sums AS s"""


VIEW_SQL: Final = {
    "account_emissions_current": _account_emissions(CURRENT),
    "account_emissions_all_versions": _account_emissions(PUBLISHED, "p.is_current"),
    "carbon_emissions": carbon_emissions_sql("p.is_current"),
    "carbon_emissions_all_versions": carbon_emissions_sql(),
    "emissions_by_component": emissions_by_component(CURRENT),
    "emissions_by_service": _emissions_by("service_id", "product_code"),
    "emissions_by_region": _emissions_by("region_code", "location"),
    "organisation_emissions": _emissions_by("payer_account_id"),
    "reconciliation_summary": _reconciliation_summary(),
    "data_quality_summary": _data_quality_summary(),
}
"""SQL text of every view, in the order of the registry; the same in Spark and DuckDB."""
