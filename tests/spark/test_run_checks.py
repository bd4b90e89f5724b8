"""Contract section 2, what `run` checks before its first write: everything a period lacks, in one report; nothing is written."""

import pytest
from deltalake import DeltaTable

from ccft.config import Settings
from ccft.errors import CcftError
from ccft.ingest.fingerprint import PENDING
from ccft.methodology.model import methodology
from ccft.pipeline.run import run
from ccft.pipeline.verify import verify
from ccft.schema.tables import RESULTS

pytestmark = [pytest.mark.spark, pytest.mark.slow]

PERIOD = "2025-03"


@pytest.fixture
def missing(lake):
    """Messages of a run that must fail before its first write."""

    def attempt(version: str = "v2.0", period: str = PERIOD) -> list[str]:
        with pytest.raises(CcftError) as caught:
            run(lake, Settings(), [period], methodology(version))
        assert caught.value.exit_code == 1
        assert not any(lake.exists(table.name) for table in RESULTS if table.name != "data_quality_events")
        return sorted(str(problem).removeprefix("CCFT-RUN-") for problem in caught.value.problems)

    return attempt


def test_everything_a_period_lacks_is_named_at_once(world, take, missing, tmp_path):
    """No factor of a zone, of a fuel and of a boundary with certificates; no electricity; no fuel history."""
    world.drop("emission_factors", "grid_generation|Z2").drop("emission_factors", "fuel_combustion|diesel")
    world.drop("emission_factors", "carbon_free_share").drop("activity", "2025-03|s1|e1|electricity")
    take(world.csv(tmp_path / "in"))
    remedy = ". Remedy: deliver the factor with a validity that covers the period"
    history = "no generator_fuel row, and none in 2024-03 to estimate from. Remedy: deliver a row, quantity 0 if none was burned"
    assert missing() == [
        "MISSING-ELECTRICITY: 2025-03 e1: has active racks but no electricity. Remedy: deliver its electricity, quantity 0 if none",
        f"MISSING-FACTOR: 2025-03 r1: no carbon_free_share factor for Z1{remedy}",
        f"MISSING-FACTOR: 2025-03 r1: no fuel_combustion factor for diesel{remedy}",
        f"MISSING-FACTOR: 2025-03 r2: no carbon_free_share factor for Z2{remedy}",
        f"MISSING-FACTOR: 2025-03 r2: no grid_generation factor for Z2{remedy}",
        f"MISSING-FUEL-HISTORY: 2025-03 e1: {history}",
        f"MISSING-FUEL-HISTORY: 2025-03 r2: {history}",
    ]


def test_scope_3_needs_more_factors(taken, missing):
    """v3.0 needs upstream and losses of every zone with load, and takes fuel as it is."""
    codes = [line.split(".")[0] for line in missing("v3.0")]
    assert "MISSING-FACTOR: 2025-03 r1: no grid_upstream factor for Z1" in codes
    assert "MISSING-FACTOR: 2025-03 r1: no grid_losses factor for Z1" in codes
    assert "MISSING-FACTOR: 2025-03 r1: no fuel_upstream factor for gas" in codes
    assert not [code for code in codes if code.startswith("MISSING-FUEL-HISTORY")]


def test_a_period_never_delivered(taken, missing):
    assert missing(period="2031-01") == [
        "NOT-INGESTED: 2031-01: the lake has no rows for it. Remedy: ingest the period first"
    ]


def test_an_interrupted_ingest_is_not_computed_from(taken, missing, lake):
    log = lake.read("ingest_log")
    again = log.where("table_name = 'racks'").selectExpr(
        "ingest_id",
        "table_name",
        "period",
        "row_count",
        f"'{PENDING}' AS fingerprint",
        "ingested_at + INTERVAL 1 SECOND AS ingested_at",
    )
    lake.append("ingest_log", again)
    (message,) = missing()
    assert message.startswith("INGEST-INCOMPLETE: ingest-")


def test_verify_says_that_nothing_is_published(taken, lake):
    assert DeltaTable(lake.path("core_racks")).version() >= 0
    with pytest.raises(CcftError, match=r"CCFT-(USAGE-NO-LAKE|RUN-NOTHING-PUBLISHED)"):
        verify(lake)
