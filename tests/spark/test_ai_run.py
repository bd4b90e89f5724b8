"""`ccft ai run` on the worked example and on invented worlds: one delivery, one run, held against the oracle and the published figures."""

import shutil
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

import pytest

import ccft
from ccft.config import Settings
from ccft.errors import CcftError
from ccft.lake.tables import Lake
from ccft.methodology.model import methodology
from ccft.pipeline.ai_run import run_ai
from ccft.pipeline.ingest import ingest
from ccft.pipeline.run import run
from ccft.schema.columns import MEASURES
from ccft.schema.tables import AI_INPUTS, INPUTS
from tests.oracle.ai_example import ACCOUNT, CLUSTER, example
from tests.oracle.ai_model import NOBODY, Split, World, bounds
from tests.oracle.ai_worlds import NEXT, PERIOD, make_world, merged, write

pytestmark = [pytest.mark.spark, pytest.mark.slow]
SEEDS = (0, 1, 2, 3, 4, 5, 9, 10)
SLOTS = range(len(SEEDS))
COLUMNS = {table.name: table.column_names for table in (*INPUTS, *AI_INPUTS)}
VERSION = "v3.0"
QUANTUM = Fraction(1, 10**9)
LBM = ("scope_1", "scope_2_lbm", "scope_3_fera_lbm", "scope_3_embodied")
BANDS = {1: Fraction(2, 100), 2: Fraction(15, 100), 3: Fraction(50, 100)}


class Lot:
    """The published lake, its tables as rows, and the worlds it was made from."""

    def __init__(self, lake, worlds):
        self.lake, self.worlds = lake, worlds
        self._rows = {}

    def rows(self, name, period=PERIOD):
        if name not in self._rows:
            self._rows[name] = self.lake.rows(name).to_pylist()
        return [row for row in self._rows[name] if row.get("usage_period", period) == period]


@pytest.fixture(scope="module")
def lot(spark, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ai")
    worlds = [make_world(slot, seed) for slot, seed in enumerate(SEEDS)]
    inputs = write(merged([*worlds, example()]), folder / "inputs", COLUMNS)
    lake = Lake(spark, str(folder / "lake"))
    report = ingest(spark, inputs, lake, Settings())
    assert not any(report.rejected.values())
    run(lake, Settings(), [PERIOD, NEXT], methodology(VERSION))
    for period in (PERIOD, NEXT):
        assert not run_ai(lake, Settings(), period, methodology(VERSION)).unchanged
    return Lot(lake, worlds)


# The worked example -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def own(lot):
    return [row for row in lot.rows("ai_emissions") if row["account_id"] == ACCOUNT]


def kg(rows, deployment, *, stages=None, components=None, measures=LBM, memo=False):
    return float(
        sum(
            row["emissions_kg"]
            for row in rows
            if row["deployment_id"] == deployment
            and row["is_memo"] is memo
            and (stages is None or row["stage"] in stages)
            and (components is None or row["component"] in components)
            and row["measure"] in measures
        )
    )


OPERATIONAL = ("scope_1", "scope_2_lbm", "scope_3_fera_lbm")
FIGURES = {
    # in use, of which serving_idle, unused, overhead, embodied, total
    "d1": (1084.64, 342.52, 171.43, 45.19, 228.57, 1529.83),
    "d2": (335.38, 57.09, 42.86, 13.97, 57.14, 449.36),
    "d3": (488.40, 0, 38.10, 20.35, 50.79, 597.64),
    "d4": (491.58, 0, 47.62, 20.48, 63.49, 623.17),
}


@pytest.mark.parametrize("deployment", FIGURES)
def test_worked_example(own, deployment):
    in_use, idle, unused, overhead, embodied, total = FIGURES[deployment]
    found = (
        kg(own, deployment, components=["in_use"], measures=OPERATIONAL),
        kg(own, deployment, components=["in_use"], measures=OPERATIONAL, stages=["serving_idle"]),
        kg(own, deployment, components=["unused_capacity"], measures=OPERATIONAL),
        kg(own, deployment, components=["network_overhead"], measures=OPERATIONAL),
        kg(own, deployment, measures=["scope_3_embodied"]),
        kg(own, deployment),
    )
    assert found == pytest.approx((in_use, idle, unused, overhead, embodied, total), abs=0.00501)


def test_worked_example_sums_exactly_to_the_account(own, lot):
    account = next(row for row in lot.rows("account_emissions") if row["account_id"] == ACCOUNT)
    for measure in MEASURES:
        parts = sum(row["emissions_kg"] for row in own if row["measure"] == measure)
        assert parts == account[f"{measure}_kg"]
    assert float(sum(account[f"{measure}_kg"] for measure in LBM)) == pytest.approx(3200, abs=1e-6)


def test_worked_example_energy(lot):
    kwh = defaultdict(float)
    facility = defaultdict(float)
    for row in lot.rows("ai_activity"):
        if row["cluster_id"] == CLUSTER:
            kwh[row["deployment_id"], row["stage"]] += float(row["kwh"])
            facility[row["deployment_id"]] += float(row["facility_kwh"])
    assert kwh["d1", "serving_idle"] == pytest.approx(691.2)
    assert kwh["d1", "serving"] == pytest.approx(1497.6)
    assert (kwh["d2", "serving_idle"], kwh["d2", "serving"]) == pytest.approx((115.2, 561.6))
    assert (kwh["d3", "post_training"], kwh["d4", "experimentation"]) == pytest.approx((985.6, 992.0))
    assert facility["d1"] * 1000 / 6e9 * 1000 == pytest.approx(0.4378, abs=5e-5)
    assert facility["d2"] * 1000 / 9e9 * 1000 == pytest.approx(0.0902, abs=5e-5)


def test_worked_example_ledger(lot):
    def line(period):
        rows = [r for r in lot.rows("ai_training_ledger", period) if r["release_id"] == "r1"]
        return next(r for r in rows if r["accounting_method"] == "lbm")

    first, second = line(PERIOD), line(NEXT)
    assert float(first["opening_kg"]) == 0
    assert float(first["added_kg"]) == pytest.approx(1220.81, abs=0.00501)
    assert float(first["rate_g_per_1k_out_tokens"]) == pytest.approx(0.016956, abs=5e-7)
    assert float(first["amortised_kg"]) == pytest.approx(101.73, abs=0.00501)
    assert float(first["closing_kg"]) == pytest.approx(1119.08, abs=0.00501)
    assert second["opening_kg"] == first["closing_kg"]
    assert second["added_kg"] == 0
    assert float(second["rate_g_per_1k_out_tokens"]) == pytest.approx(0.037303, abs=5e-7)


def test_worked_example_lifecycle_intensity(own, lot):
    consumer = kg(own, "d1", stages=["serving", "serving_idle"])
    memo = [row for row in lot.rows("ai_emissions") if row["is_memo"] and row["deployment_id"] == "d1"]
    training = kg(memo, "d1", measures=["lbm"], memo=True)
    assert consumer / 6e9 * 1e6 == pytest.approx(0.25497, abs=5e-6)
    assert kg(own, "d2") / 9e9 * 1e6 == pytest.approx(0.04993, abs=5e-6)
    assert (consumer + training) / 6e9 * 1e6 == pytest.approx(0.27193, abs=5e-6)
    assert {row["release_id"] for row in memo} == {"r1"}


# Invented worlds ----------------------------------------------------------------------------------------------------------


def oracle(lot, slot):
    """The oracle on what the month's run gave the accounts of a world."""
    tables, prefix = lot.worlds[slot], f"w{slot}-"
    rows = {
        (r["account_id"], r["cluster_id"], r["service_id"]): {m: Fraction(r[f"{m}_kg"]) for m in MEASURES}
        for r in lot.rows("account_emissions")
        if r["cluster_id"].startswith(prefix)
    }
    components = defaultdict(dict)
    for row in lot.rows("service_emissions"):
        if row["net_kg"] > 0:
            key = row["cluster_id"], row["service_id"], row["measure"]
            components[key][row["component"]] = Fraction(row["net_kg"])
    bought = {
        (r["account_id"], r["cluster_id"], r["service_id"]): Fraction(r["usage_units"]) for r in tables["account_usage"]
    }
    owners = {r["account_id"]: r["owner_service_id"] for r in tables["accounts"] if r["owner_service_id"]}
    world = World(
        tables["accelerator_types"],
        tables["ai_models"],
        tables["ai_deployments"],
        tables["ai_accelerator_usage"],
        tables["ai_token_usage"],
        owners,
        rows,
        components,
        bought,
        {f"{prefix}gpu"},
    )
    return Split(world)


def published(lot, slot):
    found = defaultdict(dict)
    for row in lot.rows("ai_emissions"):
        if row["cluster_id"].startswith(f"w{slot}-") and not row["is_memo"]:
            key = row["account_id"], row["cluster_id"], row["service_id"]
            part = row["deployment_id"], row["stage"], row["model_id"] or ""
            assert part not in found[key, row["component"], row["measure"]]
            found[key, row["component"], row["measure"]][part] = row
    return found


@pytest.mark.parametrize("slot", SLOTS)
def test_every_row_is_within_its_roundings_of_the_oracle(lot, slot):
    split = oracle(lot, slot)
    ours, theirs = published(lot, slot), split.emissions()
    wrong = []
    assert theirs
    for key in set(ours) | set(theirs):
        amount, shares = theirs.get(key, (Fraction(0), {}))
        parts = ours.get(key, {})
        # A quantum per row of the pool for floors, 2e-15 of the amount per share for rounded shares and doubles.
        allowed = (len(shares) + 8) * (QUANTUM + 2 * amount / 10**15)
        for part in set(parts) | set(shares):
            row = parts.get(part)
            found = Fraction(row["emissions_kg"]) if row else Fraction(0)
            if abs(found - amount * shares.get(part, 0)) > allowed:
                wrong.append((key, part, float(found), float(amount * shares.get(part, 0))))
    assert wrong == []


def test_worlds_show_every_situation(lot):
    """The oracle is only worth as much as the cases it sees."""
    rows = [row for slot in SLOTS for parts in published(lot, slot).values() for row in parts.values()]
    assert {row["tier"] for row in rows} == {1, 2, 3, 4}
    assert {"serving", "serving_idle", "experimentation", "_unattributed"} <= {row["stage"] for row in rows}
    assert {"in_use", "unused_capacity", "network_overhead", "residual"} <= {row["component"] for row in rows}
    away = [row for row in rows if row["component"] == "residual" and not row["cluster_id"].endswith("-t")]
    campus = {r["deployment_id"] for w in lot.worlds for r in w["ai_deployments"] if r["cluster_id"].endswith("-t")}
    assert campus & {row["deployment_id"] for row in away}
    codes = {row["condition"] for row in lot.rows("data_quality_events")}
    expected = ("DEFAULT-PUE", "BUSY-ABOVE-RESERVED", "NO-ROW", "CUSTOMERS-WITHOUT-TOKENS", "TOKENS-WITHOUT-ROW")
    assert {f"CCFT-EVENT-AI-{name}" for name in expected} <= codes


@pytest.mark.parametrize("slot", SLOTS)
def test_account_rows_are_split_exactly(lot, slot):
    sums = defaultdict(Fraction)
    for (key, _, measure), parts in published(lot, slot).items():
        sums[key, measure] += sum(Fraction(row["emissions_kg"]) for row in parts.values())
    split = oracle(lot, slot)
    for key, measures in split.world.rows.items():
        for measure, amount in measures.items():
            assert sums[key, measure] == (amount if split.takes_part(key) else 0)


def test_components_are_those_of_the_view(lot):
    """The kernel divides an account row over its components here, SQL does in the view: to the same quantum."""
    masses = ", ".join(f"{measure}_kg" for measure in MEASURES)
    shown = ccft.open(lot.lake.root).execute(
        f"SELECT cluster_id, service_id, account_id, component, {masses} FROM emissions_by_component WHERE usage_period = ?",
        [PERIOD],
    )
    expected = {(*row[:4], m): kg for row in shown.fetchall() for m, kg in zip(MEASURES, row[4:], strict=True) if kg}
    split = defaultdict(Decimal)
    for row in lot.rows("ai_emissions"):
        if not row["is_memo"]:
            split[row["cluster_id"], row["service_id"], row["account_id"], row["component"], row["measure"]] += row[
                "emissions_kg"
            ]
    taking_part = {key[:3] for key in split}
    assert len({key[3] for key in split}) > 2
    assert {key: kg for key, kg in split.items() if kg} == {
        key: kg for key, kg in expected.items() if key[:3] in taking_part
    }


@pytest.mark.parametrize("slot", SLOTS)
def test_bands_are_those_of_the_tier(lot, slot):
    split = oracle(lot, slot)
    checked = 0
    for (key, component, measure), parts in published(lot, slot).items():
        amount, _ = split.emissions().get((key, component, measure), (Fraction(0), {})) if checked < 3 else (None, None)
        for part, row in parts.items():
            assert row["min_kg"] <= row["emissions_kg"] <= row["max_kg"]
            if measure == "scope_3_embodied" or component == "unused_capacity" or part == NOBODY:
                slack = Fraction(len(parts) + 8) * QUANTUM + Fraction(row["emissions_kg"]) / 10**12
                assert Fraction(row["max_kg"]) - Fraction(row["min_kg"]) <= slack
            elif amount is not None:
                low, high = bounds(split, key, component, measure, part[0], BANDS[row["tier"]])
                assert float(row["min_kg"]) == pytest.approx(float(amount * low[part]), rel=1e-9, abs=1e-7)
                assert float(row["max_kg"]) == pytest.approx(float(amount * high[part]), rel=1e-9, abs=1e-7)
                checked += 1


def test_reconciliation_says_ai_and_the_rest_are_the_accounts(lot):
    lines = [row for row in lot.rows("reconciliation") if row["step"] == "ai"]
    assert {line["cluster_id"] for line in lines} >= {CLUSTER, "worldwide", "w0-a"}
    assert {line["difference_kg"] for line in lines} == {0}
    for measure in MEASURES:
        total = sum(row[f"{measure}_kg"] for row in lot.rows("account_emissions"))
        world = next(r for r in lines if r["cluster_id"] == "worldwide" and r["measure"] == measure)
        assert world["in_kg"] == total
        ai = sum(r["emissions_kg"] for r in lot.rows("ai_emissions") if r["measure"] == measure and not r["is_memo"])
        assert world["out_kg"] == ai
        assert world["transferred_out_kg"] == total - ai


def test_ledger_holds_all_development_and_memo_rows_are_what_it_amortised(lot):
    rows = lot.rows("ai_emissions")
    lines = [line for line in lot.rows("ai_training_ledger") if line["accounting_method"] == "lbm"]
    stages = {"data_prep", "experimentation", "pretraining", "post_training", "evaluation"}
    for line in lines:
        own = [r for r in rows if r["release_id"] == line["release_id"]]
        added = sum(r["emissions_kg"] for r in own if r["stage"] in stages and r["measure"] in LBM)
        memo = sum(r["emissions_kg"] for r in own if r["is_memo"] and r["measure"] == "lbm")
        assert line["added_kg"] == added
        assert memo in (0, line["amortised_kg"])
        assert 0 <= line["amortised_kg"] <= added + line["opening_kg"]
    assert sum(line["added_kg"] for line in lines) == sum(
        r["emissions_kg"] for r in rows if r["stage"] in stages and r["measure"] in LBM
    )
    assert any(r["release_id"] != f"{r['model_id']}-r0" for r in rows if r["is_memo"])


# Publication --------------------------------------------------------------------------------------------------------------


def test_run_again_does_nothing(lot):
    before = lot.lake.last_commit("ai_emissions").version
    assert run_ai(lot.lake, Settings(), PERIOD, methodology(VERSION)).unchanged
    assert lot.lake.last_commit("ai_emissions").version == before


def test_month_must_be_published(lot):
    with pytest.raises(CcftError, match="CCFT-RUN-NOTHING-PUBLISHED"):
        run_ai(lot.lake, Settings(), PERIOD, methodology("v2.0"))
    with pytest.raises(CcftError, match="CCFT-RUN-AI-NEEDS-SERVICE-GRAPH"):
        run_ai(lot.lake, Settings(), PERIOD, methodology("v1.0"))


def test_other_settings_need_a_reason_and_closed_ledger_lines_stay(spark, lot, tmp_path):
    lake = Lake(spark, str(shutil.copytree(lot.lake.root, tmp_path / "copy")))
    other = Settings(ai={"token_weights": {"input": "0.3"}, "ledger_policy": "time"})
    with pytest.raises(CcftError, match="CCFT-RUN-AI-ALREADY-PUBLISHED"):
        run_ai(lake, other, PERIOD, methodology(VERSION))
    before = lot.rows("ai_training_ledger")
    report = run_ai(lake, other, PERIOD, methodology(VERSION), restate_reason="weights corrected")
    assert not report.unchanged

    def plain(rows):
        return sorted(str({k: v for k, v in row.items() if k != "run_id"}) for row in rows)

    after = [row for row in lake.rows("ai_training_ledger").to_pylist() if row["usage_period"] == PERIOD]
    assert plain(after) == plain(before)


# Derived tables -----------------------------------------------------------------------------------------------------------


def intensity(lot, kind, subject, view):
    key = (kind, subject, view, "lbm")
    names = ("subject_kind", "subject_id", "view", "accounting_method")
    return next(row for row in lot.rows("ai_intensity") if tuple(row[name] for name in names) == key)


def test_worked_example_intensities_and_grades(lot):
    consumer, lifecycle = (intensity(lot, "deployment", "d1", view) for view in ("consumer", "lifecycle"))
    assert float(consumer["g_per_1k_out_tokens"]) == pytest.approx(0.25497, abs=5e-6)
    assert float(consumer["wh_per_1k_out_tokens"]) == pytest.approx(0.4378, abs=5e-5)
    assert float(consumer["idle_share"]) == pytest.approx(342.52 / 1084.64, abs=1e-5)
    assert float(lifecycle["g_per_1k_out_tokens"]) == pytest.approx(0.27193, abs=5e-6)
    small = intensity(lot, "model", "chat-8b", "consumer")
    assert float(small["g_per_1k_out_tokens"]) == pytest.approx(0.04993, abs=5e-6)
    assert float(small["wh_per_1k_out_tokens"]) == pytest.approx(0.0902, abs=5e-5)
    grades = {(row["model_id"], row["label_kind"]): row["grade"] for row in lot.rows("ai_labels")}
    assert (grades["chat-70b", "energy"], grades["chat-8b", "energy"]) == ("E", "C")


def test_intensities_add_up_to_what_deployments_explain(lot):
    explained = [
        row
        for row in lot.rows("ai_emissions")
        if row["measure"] in LBM and not row["is_memo"] and row["deployment_id"] != "_unattributed"
    ]
    for kind in ("deployment", "model"):
        rows = [
            row
            for row in lot.rows("ai_intensity")
            if (row["subject_kind"], row["accounting_method"]) == (kind, "lbm") and row["view"] != "lifecycle"
        ]
        known = sum(row["emissions_kg"] for row in rows if row["emissions_kg"] is not None)
        assert known == sum(row["emissions_kg"] for row in explained)


def test_tokens_of_teams_are_in_no_denominator(lot):
    """Served tokens are those of accounts with a row in the pool; the worlds' teams make some too."""
    skipped = 0
    for slot, world in enumerate(lot.worlds):
        split = oracle(lot, slot)
        owners = {row["account_id"]: row["owner_service_id"] for row in world["accounts"]}
        for deployment in world["ai_deployments"]:
            place = deployment["cluster_id"], deployment["service_id"]
            is_team_run = owners.get(deployment["account_id"]) == deployment["service_id"]
            mine = [r for r in world["ai_token_usage"] if r["deployment_id"] == deployment["deployment_id"]]
            mine = [r for r in mine if r["hour"].startswith(PERIOD)]
            counted = [r for r in mine if not is_team_run or (r["account_id"], *place) in split.world.rows]
            name = deployment["deployment_id"]
            rows = [r for r in lot.rows("ai_intensity") if (r["subject_id"], r["view"]) == (name, "consumer")]
            for row in rows:
                if row["emissions_kg"] is not None:
                    assert row["out_tokens"] == sum(Fraction(str(r["out_tokens"])) for r in counted)
            skipped += len(mine) - len(counted)
    assert skipped > 0


def test_recommendations_are_ordered_and_never_exceed_the_deployment(lot):
    rows = lot.rows("ai_recommendations")
    emitted = defaultdict(Fraction)
    for row in lot.rows("ai_emissions"):
        if row["measure"] in LBM and not row["is_memo"]:
            emitted[row["deployment_id"]] += Fraction(row["emissions_kg"])
    saved = defaultdict(Fraction)
    for row in rows:
        assert (row["saving_kg"] is None) == (row["needs"] is not None)
        if row["saving_kg"] is not None:
            assert row["saving_min_kg"] <= row["saving_kg"] <= row["saving_max_kg"]
            saved[row["deployment_id"]] += Fraction(row["saving_kg"])
    assert saved
    assert all(saved[name] <= emitted[name] for name in saved)
    assert {"consolidate", "batching"} <= {row["action"] for row in rows}
