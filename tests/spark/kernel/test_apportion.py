"""The kernel: window form and broadcast form give the same rows, sums are exact, each row is next to its exact share."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from math import floor

import numpy as np
import pyarrow as pa
import pytest

from ccft.allocation.accounts import allocate_to_accounts, pool_remainders
from ccft.errors import CcftError
from ccft.kernel.apportion import apportion
from ccft.lake.memory import compiled_plans, short_plans
from ccft.methodology.model import methodology
from ccft.pipeline.run import _named_overflow
from ccft.schema.spark import struct_type
from ccft.schema.tables import table

pytestmark = pytest.mark.spark

POLICY = methodology("v2.0")
PERIOD, CLUSTER = "2025-06", "c"
LARGEST_ROW = 10**18 - 1
"""Quanta of one account row, and 1e-6 units of one weight: decimal(18, .)."""
LARGEST_POOL = 92 * 10**17
Pools = dict[str, tuple[list[int], tuple[int, ...]]]
"""Weights in the order of the accounts, and an amount per measure."""


def generated(seed: int, count: int) -> Iterator[tuple[list[int], int]]:
    """Weights and an amount: ties, zeros, one row, weights of very different magnitude, small and huge amounts."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        size = int(rng.choice([1, 2, 3, 7, 40]))
        kind = rng.choice(["ties", "zeros", "small", "wide", "large"])
        weights = {
            "ties": rng.choice([1, 3, 10**6, 10**12], 1).repeat(size),
            "zeros": rng.integers(0, 5, size) * (rng.random(size) < 0.4),
            "small": rng.integers(1, 1000, size),
            "wide": (10 ** rng.uniform(0, 17, size)).astype(np.int64),
            "large": rng.integers(10**15, 10**17, size),
        }[kind]
        amount = int(rng.choice([0, 1, size - 1, size + 1, int(10 ** rng.uniform(0, 17)), LARGEST_ROW - size]))
        yield [int(weight) for weight in weights], amount


def pools_to_try() -> Pools:
    found: Pools = {}
    for number, (weights, amount) in enumerate(generated(20250601, 300)):
        found[f"p{number:04d}"] = (weights, (amount, amount // 3, amount // 7 + 1))
    # Amounts near the limit, on rows that each stay below theirs.
    for number, weights in enumerate(([1] * 12, [10**12 + n for n in range(20)], [LARGEST_ROW // 20] * 11)):
        found[f"huge{number}"] = (weights, (LARGEST_POOL, LARGEST_POOL - 1, 9 * 10**18 + 7))
    return found


POOLS = pools_to_try()


def shared(weights: list[int], amount: int) -> list[int]:
    """The rule of the methodology, row by row, in Python's doubles."""
    total = sum(weights)
    if total == 0:
        return [0] * len(weights)
    shares = [floor(float(weight) * (float(amount) / float(total))) for weight in weights]
    shares[weights.index(max(weights))] += amount - sum(shares)
    return shares


def account(number: int) -> str:
    return f"{number:012d}"


def window_rows(spark, pools: Pools, measure: int) -> dict[str, list[int | None]]:
    """Shares by `apportion`, in the order of the keys."""
    rows = [
        {"pool": name, "key": account(number), "weight": weight, "quanta": amounts[measure]}
        for name, (weights, amounts) in pools.items()
        for number, weight in enumerate(weights)
    ]
    schema = pa.schema([("pool", pa.string()), ("key", pa.string()), ("weight", pa.int64()), ("quanta", pa.int64())])
    frame = spark.createDataFrame(pa.Table.from_pylist(rows[::-1], schema=schema)).repartition(3)
    found = apportion(frame, pool=["pool"], key=["key"]).select("pool", "key", "quanta").toArrow().to_pylist()
    return in_order((row["pool"], row["key"], row["quanta"]) for row in found)


def in_order(rows) -> dict[str, list]:
    ordered: dict[str, list] = defaultdict(list)
    for pool, _, share in sorted(rows, key=lambda row: row[:2]):
        ordered[pool].append(share)
    return ordered


def broadcast_rows(spark, pools: Pools) -> dict[str, dict[str, list[int]]]:
    """Quanta of account rows per measure, as the account step makes them."""
    usage = spark.createDataFrame(usage_rows(pools), struct_type(table("core_account_usage"))).repartition(3)
    loaded = spark.createDataFrame(loaded_pools(pools))
    services = spark.createDataFrame([(name, "product") for name in pools], "service_id string, product_code string")
    clusters = spark.createDataFrame([(CLUSTER, "Place")], "cluster_id string, location string")
    key = ["usage_period", "cluster_id", "service_id"]
    remainders = pool_remainders(usage, loaded, POLICY)
    finished = loaded.join(remainders, key, "left").fillna(0, [f"rest_{measure}" for measure in POLICY.measures])
    rows = allocate_to_accounts(usage, finished, services, clusters, POLICY).toArrow().to_pylist()
    return {
        measure: in_order((row["service_id"], row["account_id"], int(row[f"{measure}_kg"] * 10**9)) for row in rows)
        for measure in POLICY.measures
    }


def usage_rows(pools: Pools) -> list[tuple[object, ...]]:
    return [
        (
            PERIOD,
            "r",
            CLUSTER,
            name,
            account(number),
            account(0),
            "external",
            None,
            Decimal(weight).scaleb(-6),
            None,
            None,
        )
        for name, (weights, _) in pools.items()
        for number, weight in enumerate(weights)
    ]


def loaded_pools(pools: Pools) -> pa.Table:
    """Foundational pools with their totals and amounts, as the pipeline hands them on."""
    rows = [
        {
            "usage_period": PERIOD,
            "cluster_id": CLUSTER,
            "service_id": name,
            "pool_number": number,
            "is_foundational": True,
            "by_usage": False,
            "price": None,
            "customer_weight": sum(weights),
            "max_customer_weight": max(weights),
            **dict(zip(POLICY.measures, amounts, strict=True)),
        }
        for number, (name, (weights, amounts)) in enumerate(pools.items())
    ]
    names = ("pool_number", "price", "customer_weight", "max_customer_weight", *POLICY.measures)
    texts = [(name, pa.string()) for name in ("usage_period", "cluster_id", "service_id")]
    flags = [(name, pa.bool_()) for name in ("is_foundational", "by_usage")]
    return pa.Table.from_pylist(rows, schema=pa.schema([*texts, *flags, *((name, pa.int64()) for name in names)]))


@pytest.fixture(scope="module", params=[short_plans, compiled_plans], ids=["interpreted", "compiled"])
def forms(spark, request):
    """Both forms, all measures, with interpreted and with compiled plans."""
    with request.param(spark):
        window = {measure: window_rows(spark, POOLS, number) for number, measure in enumerate(POLICY.measures)}
        return window, broadcast_rows(spark, POOLS)


def test_both_forms_are_equal_row_by_row(forms):
    window, broadcast = forms
    for measure in POLICY.measures:
        assert window[measure].keys() == broadcast[measure].keys() == POOLS.keys()
        for pool, (weights, _) in POOLS.items():
            expected = window[measure][pool] if sum(weights) else [0] * len(weights)
            assert broadcast[measure][pool] == expected, (pool, measure)


def test_rows_follow_the_rule(forms):
    """Java's doubles and Python's are the same: equal to the last quantum."""
    for form in forms:
        for number, measure in enumerate(POLICY.measures):
            for pool, (weights, amounts) in POOLS.items():
                if sum(weights):
                    assert form[measure][pool] == shared(weights, amounts[number]), (pool, measure)


def test_sum_of_a_pool_is_its_amount(forms):
    for form in forms:
        for number, measure in enumerate(POLICY.measures):
            for pool, (weights, amounts) in POOLS.items():
                if sum(weights):
                    assert sum(form[measure][pool]) == amounts[number], (pool, measure)


def test_a_pool_without_weight_is_no_division(forms):
    window, broadcast = forms
    empty = [pool for pool, (weights, _) in POOLS.items() if not sum(weights)]
    assert empty
    for pool in empty:
        assert set(window["scope_1"][pool]) == {None}
        assert set(broadcast["scope_1"][pool]) == {0}


def test_each_row_is_next_to_its_exact_share(forms):
    """Within one quantum and 1e-15; the row that takes the remainder within one quantum per row of its pool."""
    window, _ = forms
    relative = Fraction(1, 10**15)
    for number, measure in enumerate(POLICY.measures):
        for pool, (weights, amounts) in POOLS.items():
            total, amount = sum(weights), amounts[number]
            for row, weight in enumerate(weights if total else []):
                exact = Fraction(amount * weight, total)
                allowed = 1 + relative * exact
                if row == weights.index(max(weights)):
                    allowed = len(weights) + relative * amount
                assert abs(window[measure][pool][row] - exact) <= allowed, (pool, row)
                assert weight or window[measure][pool][row] == 0


def test_weights_beyond_account_rows(spark):
    """Weights and amounts of one row up to the limit of a pool: rack types and services have no decimal(18, .) before them."""
    pools: Pools = {
        "one": ([LARGEST_POOL], (LARGEST_POOL,)),
        "light": ([1], (LARGEST_POOL,)),
        "uneven": ([LARGEST_POOL - 10**12 - 1, 10**12, 1], (LARGEST_POOL,)),
        "shares": ([333_333_333_333_333, 333_333_333_333_334, 333_333_333_333_333], (10**15 + 1,)),
    }
    found = window_rows(spark, pools, 0)
    for pool, (weights, amounts) in pools.items():
        assert found[pool] == shared(weights, amounts[0])
        assert sum(found[pool]) == amounts[0]


@pytest.mark.parametrize("plans", [short_plans, compiled_plans])
def test_a_total_beyond_the_range_is_a_named_error(spark, plans):
    pools: Pools = {"p": ([6 * 10**18, 6 * 10**18], (1,))}
    with plans(spark), pytest.raises(CcftError) as caught:
        _named_overflow(lambda: window_rows(spark, pools, 0))
    assert caught.value.problems[0].code == "CCFT-RUN-AMOUNT-TOO-LARGE"
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("plans", [short_plans, compiled_plans])
def test_an_account_row_beyond_its_column_is_a_named_error(spark, plans):
    """More than 999,999 t in one row; never null."""
    pools: Pools = {"p": ([5], (LARGEST_ROW + 1, 0, 0))}
    with plans(spark), pytest.raises(CcftError) as caught:
        _named_overflow(lambda: broadcast_rows(spark, pools))
    assert caught.value.problems[0].code == "CCFT-RUN-AMOUNT-TOO-LARGE"
