"""`emissions_by_component`: each account row apportioned over the components of its pool, without moving an account row.

The rule is the kernel's: weights are the pool's net emissions per component, a share is `floor(weight * (amount / total_weight))`, what the floors
leave over goes to the largest weight, ties to the smallest name. Weights are put side by side per pool, so an account row needs no window and no
shuffle: the five shares are computed in the row, and its parts sum to it exactly.
"""

from typing import Final

from ccft.kernel.forms import floor_share_sql
from ccft.publish.sql_text import indented, kilograms_sql, quanta_sql, same_slice, sum_of
from ccft.schema.columns import COMPONENTS, MEASURES

_POOL: Final = ("usage_period", "methodology_version", "cluster_id", "service_id")
_BY_NAME: Final = tuple(sorted(COMPONENTS))
_KEPT: Final = ("account_id", "payer_account_id", "account_type", "product_code", "location")


def _weights(measure: str) -> list[str]:
    """Weights of a measure's components in a pool, quanta; a negative one counts as 0."""
    weights = []
    for component in _BY_NAME:
        of = f"CASE WHEN s.measure = '{measure}' AND s.component = '{component}' THEN s.net_kg ELSE 0 END"
        weights.append(f"greatest({quanta_sql(sum_of(of))}, 0) AS {measure}_{component}")
    return weights


def _total(measure: str) -> str:
    return " + ".join(f"w.{measure}_{component}" for component in _BY_NAME)


def _taker(measure: str) -> str:
    """Component with the largest weight, ties the smallest name: it takes the remainder."""
    largest = f"greatest({', '.join(f'w.{measure}_{component}' for component in _BY_NAME)})"
    cases = " ".join(f"WHEN w.{measure}_{component} = {largest} THEN '{component}'" for component in _BY_NAME)
    return f"CASE {cases} END AS {measure}_taker"


def _shares(measure: str) -> list[str]:
    """Floor shares of one account row; a pool without weight or without any emissions has none, and the taker gets the whole row."""
    total = f"nullif(w.{measure}_total, 0)"
    shares = []
    for component in _BY_NAME:
        share = floor_share_sql(f"w.{measure}_{component}", quanta_sql(f"a.{measure}_kg"), total)
        shares.append(f"coalesce({share}, 0) AS {measure}_{component}")
    return [
        *shares,
        f"{quanta_sql(f'a.{measure}_kg')} AS {measure}",
        f"coalesce(w.{measure}_taker, '{_BY_NAME[0]}') AS {measure}_taker",
    ]


def _part(measure: str) -> str:
    """The share of the component of the row, with the remainder where it takes it."""
    cases = " ".join(f"WHEN '{component}' THEN r.{measure}_{component}" for component in _BY_NAME)
    floors = " - ".join(f"r.{measure}_{component}" for component in _BY_NAME)
    rest = f"CASE WHEN c.component = r.{measure}_taker THEN r.{measure} - {floors} ELSE 0 END"
    return f"{kilograms_sql(f'CASE c.component {cases} END + {rest}')} AS {measure}_kg"


def emissions_by_component(join: str) -> str:
    """SQL text of the view.

    Parameters
    ----------
    join
        Restricts account rows `a` to published slices.
    """
    pool = [f"s.{name}" for name in _POOL]
    weights = [text for measure in MEASURES for text in _weights(measure)]
    totals = [f"{_total(measure)} AS {measure}_total" for measure in MEASURES]
    takers = [_taker(measure) for measure in MEASURES]
    keys = [f"a.{name}" for name in ("usage_period", "methodology_version", "region_code", "cluster_id", "service_id")]
    shares = [text for measure in MEASURES for text in _shares(measure)]
    listed = ", ".join(f"('{component}')" for component in COMPONENTS)
    names = [f"r.{name.removeprefix('a.')}" for name in keys]
    kept = [f"r.{name}" for name in _KEPT[1:]]
    same_pool = f"{same_slice('w', 'a')} AND w.cluster_id = a.cluster_id AND w.service_id = a.service_id"
    return f"""WITH weights AS (
  SELECT
{indented([*pool, *weights], 4)}
  FROM service_emissions AS s GROUP BY {", ".join(pool)}
), pools AS (
  SELECT
{indented(["w.*", *totals, *takers], 4)}
  FROM weights AS w
), shares AS (
  SELECT
{indented([*keys, *(f"a.{name}" for name in _KEPT), *shares], 4)}
  FROM account_emissions AS a
  {join}
  LEFT JOIN pools AS w ON {same_pool}
)
SELECT
{indented([*names, "r.account_id", "c.component", *kept, *(_part(measure) for measure in MEASURES)])}
FROM shares AS r
CROSS JOIN (VALUES {listed}) AS c(component)"""
