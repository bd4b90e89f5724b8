"""The models of the demo provider: keys, references, and every situation that the module promises."""

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from ccft.demo import DemoWorld, write_demo_world
from ccft.demo.files import AI_SCHEMAS
from ccft.demo.models import ENDPOINTS, retired_on, team_account
from ccft.schema.tables import AI_INPUTS

KEYS = {table.name: ", ".join(table.key) for table in AI_INPUTS}
HOURLY = ("ai_accelerator_usage", "ai_token_usage")


@pytest.fixture(scope="module")
def models(world: DemoWorld) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    for name in AI_SCHEMAS:
        source = (
            f"read_parquet('{world.out}/{name}/*.parquet')"
            if name in HOURLY
            else f"read_csv('{world.out}/{name}.csv', all_varchar = true)"
        )
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM {source}")
    connection.execute(
        f"CREATE TABLE usage AS SELECT *, strftime(usage_date, '%Y-%m') AS period FROM read_parquet('{world.out}/account_usage/*.parquet')"
    )
    connection.execute(
        f"CREATE TABLE accounts AS SELECT * FROM read_csv('{world.out}/accounts.csv', all_varchar = true)"
    )
    yield connection
    connection.close()


def rows(models: duckdb.DuckDBPyConnection, sql: str, *values: object) -> list[tuple[Any, ...]]:
    return models.execute(sql, list(values)).fetchall()


@pytest.mark.parametrize("name", KEYS)
def test_columns_and_keys_are_those_of_the_registry(models, world, name):
    table = next(entry for entry in AI_INPUTS if entry.name == name)
    assert tuple(AI_SCHEMAS[name].names) == table.column_names
    ((count, distinct),) = rows(models, f"SELECT count(*), count(DISTINCT ({KEYS[name]})) FROM {name}")
    assert count == distinct == world.rows[name] > 0


def test_usage_is_of_deployments_valid_in_the_month(models):
    for name in HOURLY:
        strays = f"""SELECT count(*) FROM {name} u WHERE NOT EXISTS (SELECT 1 FROM ai_deployments d WHERE d.deployment_id = u.deployment_id
            AND strftime(u.hour AT TIME ZONE 'UTC', '%Y-%m') BETWEEN d.valid_from AND coalesce(d.valid_to, '9999-12'))"""
        assert rows(models, strays) == [(0,)]


def test_tokens_are_what_accounts_bought_where_endpoints_are(models):
    bought = """SELECT account_id, cluster_id, sum(usage_units) * 1000000 FROM usage WHERE service_id = 'inference'
        AND usage_type IN ('inference:input', 'inference:output') AND usage_units > 0 AND list_contains(?, cluster_id) GROUP BY ALL ORDER BY ALL"""
    served = """SELECT account_id, cluster_id, sum(in_tokens + out_tokens) FROM ai_token_usage JOIN ai_deployments USING (deployment_id)
        GROUP BY 1, 2 ORDER BY ALL"""
    columns = "SELECT account_id FROM ai_deployments LIMIT 0"
    assert rows(models, columns) == []
    tokens = served.replace("account_id", "t.account_id").replace("FROM ai_token_usage", "FROM ai_token_usage t")
    assert rows(models, tokens) == rows(models, bought, list(ENDPOINTS))


def test_every_situation_is_there(models, world):
    assert rows(models, "SELECT DISTINCT job_state FROM ai_accelerator_usage ORDER BY 1") == [
        ("cancelled",),
        ("completed",),
        ("failed",),
        ("running",),
    ]
    shared = """SELECT count(*) FROM (SELECT deployment_id FROM ai_token_usage GROUP BY 1
        HAVING count(DISTINCT model_id) > 1 AND count(DISTINCT account_id) > 3)"""
    assert rows(models, shared)[0][0] >= 5
    ((metered, every),) = rows(models, "SELECT count(energy_kwh), count(*) FROM ai_accelerator_usage")
    assert 0 < metered < every
    ((cached, tokens),) = rows(models, "SELECT count(cached_in_tokens), count(*) FROM ai_token_usage")
    assert 0 < cached < tokens
    campus = "SELECT count(*) FROM usage u JOIN ai_deployments d USING (cluster_id) WHERE cluster_id = 'se-2' AND u.service_id = 'inference'"
    assert rows(models, campus) == [(0,)]
    assert rows(models, "SELECT count(*) FROM ai_models WHERE parent_model_id IS NOT NULL") == [(2,)]
    last = rows(models, "SELECT max(hour) FROM ai_token_usage WHERE model_id = 'skerry-3b'")[0][0]
    assert last is not None
    assert last.date() < retired_on(world.timeline)


def test_hours_of_customers_are_part_of_what_they_bought(models):
    reserved = """SELECT d.account_id, d.cluster_id, sum(reserved_accel_h) FROM ai_accelerator_usage JOIN ai_deployments d USING (deployment_id)
        WHERE d.service_id = 'gpu' GROUP BY ALL"""
    found = rows(models, reserved)
    assert len(found) == 3
    for account, cluster, hours in found:
        ((bought,),) = rows(
            models,
            "SELECT sum(usage_units) FROM usage WHERE service_id = 'gpu' AND account_id = ? AND cluster_id = ?",
            account,
            cluster,
        )
        assert 0.2 < hours / bought < 0.61
        assert account != team_account()


def test_one_month_is_enough(tmp_path):
    world = write_demo_world(tmp_path, accounts=200, months=1)
    assert all(world.rows[name] > 0 for name in AI_SCHEMAS)
    again = write_demo_world(tmp_path, accounts=200, months=1)
    assert again.rows == world.rows
