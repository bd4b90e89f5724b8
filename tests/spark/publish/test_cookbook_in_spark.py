"""The cookbook's queries on a published lake: both engines, equal answers; the page's columns; its Python."""

import subprocess
import sys

import pytest

import ccft
from ccft.lake.memory import short_plans
from ccft.pipeline.catalog import register_published
from tests.unit.docs.cookbook import PAGE, QUERIES, answer
from tests.unit.docs.pages import blocks

pytestmark = pytest.mark.spark
TEXT = PAGE.read_text(encoding="utf-8")
ANSWERS = blocks(TEXT, "text")


@pytest.fixture(scope="module")
def engines(published_world, spark):
    with short_plans(spark):
        register_published(spark, published_world.root)
        yield ccft.open(published_world.root), spark
    for view in spark.catalog.listTables():
        if view.isTemporary:
            spark.catalog.dropTempView(view.name)


@pytest.mark.parametrize("name", QUERIES)
def test_both_engines_give_the_same_answer(name, engines):
    duck, spark = engines
    result = duck.sql(QUERIES[name])
    rows = result.fetchall()
    assert rows
    assert spark.sql(QUERIES[name]).columns == result.columns
    assert answer(result.columns, [tuple(row) for row in spark.sql(QUERIES[name]).collect()]) == answer(
        result.columns, rows
    )
    assert ANSWERS[f"a={name}"].splitlines()[0].split() == result.columns


def test_frames_of_pandas_polars_and_arrow(published_world, tmp_path):
    program = tmp_path / "frames.py"
    program.write_text(blocks(TEXT, "python")["file=frames.py"], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, program, published_world.root], capture_output=True, text=True, check=False, cwd=PAGE.parents[1],
        env={"PYTHONPATH": str(PAGE.parents[1]), "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == ANSWERS["frames"]
