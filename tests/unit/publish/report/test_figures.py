"""Figures of the report against plain SQL over a hand-made database: exact decimals, no tolerance."""

from decimal import ROUND_HALF_UP, Decimal

import pytest

from ccft.errors import CcftError
from ccft.kernel.forms import apportioned
from ccft.publish.report.amounts import Amounts, exact_sum
from ccft.publish.report.changes import Replacement
from ccft.publish.report.rankings import TOP_ACCOUNTS
from ccft.schema.columns import MEASURES
from tests.unit.publish.report.world import LONER, OTHER, PAYER, PUBLISHED_AT, World, many_months, masses

TOTAL_MBM = "scope_1_kg + scope_2_mbm_kg + scope_3_fera_mbm_kg + scope_3_embodied_kg"
TOTAL_LBM = "scope_1_kg + scope_2_lbm_kg + scope_3_fera_lbm_kg + scope_3_embodied_kg"
RECENT = "usage_period BETWEEN '2025-04' AND '2026-03'"
# The current version of each month, told apart by hand: September 2025 is published in v2.0 and v3.0.
CURRENT = "NOT (usage_period = '2025-09' AND methodology_version = 'v2.0')"


@pytest.fixture(scope="module")
def world() -> World:
    return many_months()


@pytest.fixture(scope="module")
def provider(world):
    return world.figures()


@pytest.fixture(scope="module")
def organisation(world):
    return world.figures(PAYER)


def plain(world, expression, condition="TRUE"):
    """One sum over the account rows, by SQL that shares nothing with the report."""
    query = f"SELECT sum({expression}) FROM account_emissions WHERE {CURRENT} AND {condition}"
    return world.database.execute(query).fetchone()[0] or Decimal(0)


class TestTotals:
    def test_headline_is_the_sum_of_twelve_months(self, world, provider):
        assert provider.total.total("mbm") == plain(world, TOTAL_MBM, RECENT)
        assert provider.total.total("lbm") == plain(world, TOTAL_LBM, RECENT)
        for name in MEASURES:
            assert provider.total.measure(name) == plain(world, f"{name}_kg", RECENT), name

    def test_scope_3_is_fera_and_embodied(self, world, provider):
        assert provider.total.scope_3("mbm") == plain(world, "scope_3_fera_mbm_kg + scope_3_embodied_kg", RECENT)

    def test_payer_has_its_rows_only(self, world, organisation):
        own = f"{RECENT} AND payer_account_id = '{PAYER}'"
        assert organisation.total.total("mbm") == plain(world, TOTAL_MBM, own)
        assert organisation.account_count == 2

    def test_a_member_account_gets_its_own_rows(self, world):
        member = world.figures("000000000043")
        assert member.total.total("mbm") == plain(world, TOTAL_MBM, f"{RECENT} AND account_id = '000000000043'")

    def test_years_hold_the_whole_window(self, world, provider):
        assert [(year.year, len(year.months)) for year in provider.years] == [
            ("2023", 11), ("2024", 12), ("2025", 12), ("2026", 3),
        ]  # fmt: skip
        for year in provider.years:
            assert year.amounts.total("lbm") == plain(world, TOTAL_LBM, f"usage_period LIKE '{year.year}-%'")

    def test_months_are_the_window_of_38(self, world, provider):
        assert len(provider.months) == 38
        for month in provider.months:
            assert month.amounts.total("mbm") == plain(world, TOTAL_MBM, f"usage_period = '{month.period}'")


class TestMeasuresNotComputed:
    def test_v2_month_has_no_scope_3(self, provider):
        month = next(month for month in provider.months if month.period == "2025-06")
        assert (month.version, month.has_scope_3) == ("v2.0", False)
        assert month.amounts.scope_3("mbm") is None

    def test_a_lake_without_scope_3_has_none_in_any_total(self):
        figures = World().row_month("2025-06").finish().figures()
        assert figures.total.scope_3("lbm") is None
        assert figures.years[0].amounts.scope_3("lbm") is None


class TestVersions:
    def test_highest_rank_is_current(self, provider):
        month = next(month for month in provider.months if month.period == "2025-09")
        assert (month.version, month.other_versions) == ("v3.0", ("v2.0",))

    def test_changes_of_version_are_marked(self, provider):
        assert provider.version_starts == {"2025-01": "v2.0", "2025-09": "v3.0"}


class TestRankings:
    def test_regions_sum_to_the_total(self, world, provider):
        assert provider.regions.others is None
        assert exact_sum(line.amounts.total("mbm") for line in provider.regions.lines) == provider.total.total("mbm")
        worldwide = next(line for line in provider.regions.lines if line.key == "global")
        assert (worldwide.label, worldwide.note) == ("Global", "edge locations worldwide")
        assert worldwide.amounts.total("lbm") == plain(world, TOTAL_LBM, f"{RECENT} AND region_code = 'global'")

    def test_largest_first_ties_by_key(self, provider):
        order = [(-line.amounts.total("mbm"), line.key) for line in provider.products.lines]
        assert order == sorted(order)

    def test_rest_is_what_the_largest_leave(self):
        world = World()
        for number in range(40):
            world.row("2025-06", f"{number:012d}", OTHER, {"scope_1": f"{number}.{number:09d}"})
        accounts = world.finish().figures().accounts
        assert [line.key for line in accounts.lines] == [
            f"{number:012d}" for number in range(39, 39 - TOP_ACCOUNTS, -1)
        ]
        assert accounts.other_count == 40 - TOP_ACCOUNTS
        left = exact_sum(Decimal(f"{number}.{number:09d}") for number in range(40 - TOP_ACCOUNTS))
        assert accounts.others.total("mbm") == left

    def test_provider_sees_organisations_and_a_payer_does_not(self, provider, organisation):
        assert any(f"organisation {PAYER}" in line.note for line in provider.accounts.lines)
        assert all("organisation" not in line.note for line in organisation.accounts.lines)


class TestComponents:
    @pytest.mark.parametrize("payer", ["", PAYER, OTHER, LONER])
    def test_they_sum_to_the_total(self, world, payer):
        figures = world.figures(payer)
        for method in ("mbm", "lbm"):
            parts = [amounts.total(method) for amounts in figures.components.values()]
            assert exact_sum(parts) == figures.total.total(method)

    def test_an_account_has_the_kernels_share_of_its_pools_components(self):
        figures = World().row_month("2025-06").finish().figures(PAYER)
        own = figures.total.masses["scope_1"]
        whole = exact_sum(Decimal(masses(seed, "v2.0")["scope_1"]) for seed in (1, 2, 3))
        idle = Decimal(int(whole.quantize(Decimal(1), rounding=ROUND_HALF_UP)) // 4)
        pool = [int((whole - idle) * 10**9), int(idle * 10**9)]  # in_use, unused_capacity
        shares = apportioned(int(own * 10**9), pool)
        found = [int(figures.components[name].masses["scope_1"] * 10**9) for name in ("in_use", "unused_capacity")]
        assert found == shares


class TestEvidence:
    def test_provider_has_the_inventorys(self, world, provider):
        for line in provider.evidence:
            assert line.total == plain(world, TOTAL_LBM, f"usage_period = '{line.period}'")
        query = (
            "SELECT sum(metered_kg + invoiced_kg) FROM inventory_emissions WHERE usage_period = '2026-03'"
            " AND measure IN ('scope_1', 'scope_2_lbm', 'scope_3_fera_lbm', 'scope_3_embodied')"
        )
        assert provider.evidence[-1].primary == world.database.execute(query).fetchone()[0]

    def test_a_payer_has_its_own_mass(self, world, organisation):
        for line in organisation.evidence:
            own = f"usage_period = '{line.period}' AND payer_account_id = '{PAYER}'"
            assert line.total == plain(world, TOTAL_LBM, own)
            assert set(line.masses) == {"metered or invoiced", "estimated or forecast"}


class TestProof:
    def test_inventory_and_accounts_are_summed_again(self, world, provider):
        newest = [b for b in provider.proof.balances if b.period == "2026-03"]
        assert [b.measure for b in newest] == list(MEASURES)
        for balance in newest:
            assert (
                balance.inventory
                == balance.accounts
                == plain(world, f"{balance.measure}_kg", "usage_period = '2026-03'")
            )
            assert balance.difference == 0

    def test_ledger_is_in_the_order_of_the_steps(self, provider):
        steps = list(dict.fromkeys(line.step for line in provider.proof.ledger))
        assert steps == [
            "inventory", "rack_types", "overhead", "services", "interdependencies", "residuals", "accounts", "total",
        ]  # fmt: skip
        for line in provider.proof.ledger:
            assert line.taken_in + line.transferred_in - line.transferred_out - line.given_out == line.difference == 0

    def test_a_lost_quantum_shows(self):
        world = World().row_month("2025-06").finish()
        world.database.execute(
            "UPDATE account_emissions SET scope_1_kg = scope_1_kg - 0.000000001 WHERE account_id = ?", [PAYER]
        )
        assert world.figures().proof.largest_difference == Decimal("0.000000001")

    def test_a_difference_in_the_ledger_shows(self):
        world = World().row_month("2025-06").finish()
        world.database.execute(
            "UPDATE reconciliation SET difference_kg = -0.000000002 WHERE step = 'overhead' AND cluster_id <> 'worldwide'"
        )
        assert world.figures(PAYER).proof.largest_difference == Decimal("0.000000002")

    def test_payer_gets_no_totals(self, organisation):
        assert organisation.proof.balances == organisation.proof.ledger == ()
        assert organisation.proof.lines > 0


class TestEdges:
    def test_unknown_payer_is_a_named_error(self, world):
        with pytest.raises(CcftError, match="CCFT-USAGE-UNKNOWN-PAYER: payer account '111122223333'"):
            world.figures("111122223333")

    def test_nothing_published_is_a_named_error(self):
        with pytest.raises(CcftError, match="CCFT-RUN-NOTHING-PUBLISHED"):
            World().finish().figures()

    def test_month_without_rows_is_no_zero(self, organisation):
        month = next(month for month in organisation.months if month.period == "2025-02")
        assert (month.version, month.amounts) == ("v2.0", None)

    def test_months_missing_in_between(self):
        world = World()
        for period in ("2025-02", "2025-05", "2025-06"):
            world.row_month(period)
        figures = world.finish().figures()
        assert [month.period for month in figures.months] == ["2025-02", "2025-03", "2025-04", "2025-05", "2025-06"]
        assert [month.period for month in figures.published] == ["2025-02", "2025-05", "2025-06"]
        assert figures.version_starts == {}

    def test_older_than_the_window_is_left_out(self):
        world = World()
        for period in ("2021-12", "2022-02", "2025-03"):
            world.row_month(period, version="v3.0")
        figures = world.finish().figures()
        assert [month.period for month in figures.published] == ["2022-02", "2025-03"]
        assert [month.period for month in figures.recent] == ["2025-03"]

    def test_a_payer_begins_with_its_first_month(self):
        world = World().row_month("2025-01")
        for period in ("2025-02", "2025-04", "2025-05"):
            world.row(period, "111100001111", "111100001111", masses(1, "v2.0"))
            world.row(period, OTHER, OTHER, masses(2, "v2.0"))
        figures = world.finish().figures("111100001111")
        assert [month.period for month in figures.months] == ["2025-02", "2025-03", "2025-04", "2025-05"]
        assert [line.period for line in figures.proof.checked] == ["2025-02", "2025-04", "2025-05"]

    def test_a_payer_idle_for_a_year_has_zero(self):
        world = World().row_month("2024-01", version="v2.0")
        world.row("2025-06", OTHER, OTHER, masses(1, "v2.0"))
        figures = world.finish().figures(PAYER)
        assert figures.total.total("mbm") == 0
        assert figures.account_count == 0
        assert figures.regions.lines == ()

    def test_negative_totals_pass(self):
        world = World()
        world.row("2025-06", PAYER, PAYER, {"scope_2_lbm": "-5.5", "scope_2_mbm": "-5.5"})
        assert world.finish().figures(PAYER).total.total("lbm") == Decimal("-5.5")

    def test_injected_payer_selects_nothing(self, world):
        with pytest.raises(CcftError, match="CCFT-USAGE-UNKNOWN-PAYER"):
            world.figures("' OR TRUE --")


def previous(world, *rows):
    """The relation of account rows that were current before."""
    world.database.execute("CREATE TABLE account_emissions_previous AS SELECT * FROM account_emissions WHERE false")
    for period, version, account, payer, kg in rows:
        world.database.execute(
            "INSERT INTO account_emissions_previous BY NAME SELECT ? AS usage_period, ? AS methodology_version,"
            f" ? AS account_id, ? AS payer_account_id, {', '.join(f'CAST(? AS DECIMAL(18,9)) AS {m}_kg' for m in MEASURES)}",
            [period, version, account, payer, kg, *["0"] * (len(MEASURES) - 1)],
        )
    return world


def restated(period, old="v2.0", new="v2.0", **more):
    return Replacement(period, old, "run-0", new, "run-1", PUBLISHED_AT, "meter of OTHER mended", **more)


@pytest.fixture(scope="module")
def changed():
    world = World().row_month("2025-06")
    world.row("2025-07", OTHER, OTHER, masses(1, "v2.0"))
    world.finish()
    return previous(
        world, ("2025-06", "v2.0", PAYER, PAYER, "7.000000001"), ("2025-06", "v2.0", OTHER, OTHER, "11"),
        ("2025-07", "v1.0", OTHER, OTHER, "13"),
    )  # fmt: skip


class TestChanges:
    def test_old_and_new_are_the_readers_own(self, changed):
        (change,) = changed.figures(PAYER, replacements=[restated("2025-06")]).changes
        assert change.old.total("mbm") == Decimal("7.000000001")
        new = "SELECT sum(scope_1_kg + scope_2_mbm_kg) FROM account_emissions WHERE usage_period = '2025-06' AND account_id = ?"
        assert change.new.total("mbm") == changed.database.execute(new, [PAYER]).fetchone()[0]

    def test_provider_sees_all(self, changed):
        (change,) = changed.figures(replacements=[restated("2025-06")]).changes
        assert change.old.measure("scope_1") == Decimal("18.000000001")

    def test_figures_no_longer_kept(self, changed):
        (change,) = changed.figures(replacements=[restated("2025-06", is_kept=False)]).changes
        assert change.old is None

    def test_who_has_no_part_in_a_change_does_not_see_it(self, changed):
        recast = [restated("2025-07", old="v1.0")]
        assert changed.figures(LONER, replacements=recast).changes == ()
        assert len(changed.figures(OTHER, replacements=recast).changes) == 1

    def test_months_outside_the_page_are_left_out(self, changed):
        assert changed.figures(replacements=[restated("2019-01")]).changes == ()


def test_sums_never_round():
    many = [Decimal("999999999999999999.999999999")] * 10**4
    assert exact_sum(many) == Decimal("9999999999999999999999.999990000")
    assert Amounts({"scope_1": Decimal("1E-9"), "scope_2_mbm": Decimal("1E+20")}).total("mbm") == Decimal(
        "100000000000000000000.000000001"
    )
