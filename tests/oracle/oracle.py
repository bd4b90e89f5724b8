"""The whole allocation of one period, in exact rationals (methodology, sections 2 to 4)."""

from __future__ import annotations

from tests.oracle.accounts import Pools
from tests.oracle.exact import days_in_service, total
from tests.oracle.inventory import add_inventory
from tests.oracle.model import MEASURES, POLICIES, Result, RunStopsError, Tables
from tests.oracle.racks import RackSteps
from tests.oracle.services import ServiceSteps

__all__ = ["MEASURES", "POLICIES", "Result", "RunStopsError", "allocate", "check_conservation"]


def allocate(world: Tables, period: str, version: str) -> Result:
    """Allocate one period of a world with one methodology version (sections 2 to 4)."""
    result = Result(POLICIES[version])
    _check_electricity(world, period)
    add_inventory(result, world, period)
    racks = RackSteps(result, world, period)
    racks.run()
    pools = Pools(result, world, period)
    ServiceSteps(result, pools).run(racks.residuals)
    pools.write_rows()
    return result


def _check_electricity(world: Tables, period: str) -> None:
    """Every cluster with active racks needs electricity (contract, section 2)."""
    rows = world["activity"]
    known = {row["cluster_id"] for row in rows if row["period"] == period and row["activity"] == "electricity"}
    for rack in world["racks"]:
        if rack["cluster_id"] not in known and days_in_service(period, rack["deployed_on"], rack["retired_on"]):
            raise RunStopsError(f"electricity of {rack['cluster_id']}")


def check_conservation(result: Result) -> None:
    """Every step holds the whole inventory, measure by measure, exactly (section 3, conservation)."""
    for measure in MEASURES:
        inventory = result.inventory_total(measure)
        steps = {
            "rack types": total(x for key, x in result.rack_types.items() if key[2] == measure),
            "services": total(row.net for key, row in result.services.items() if key[2] == measure),
            "residuals": total(row.residual for key, row in result.services.items() if key[2] == measure)
            + total(row.direct for key, row in result.services.items() if key[2] == measure),
            "accounts": result.account_total(measure),
        }
        for step, mass in steps.items():
            assert mass == inventory, f"{measure}: {step} hold {mass}, the inventory {inventory}"
