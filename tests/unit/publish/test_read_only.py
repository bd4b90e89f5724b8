"""What `ccft sql` accepts is one query and nothing else; what it refuses it names by word and position."""

import re

import pytest

from ccft.errors import CcftError
from ccft.publish.read_only import ENGINES, check_query

QUERIES = [
    "SELECT 1",
    "  select * from carbon_emissions where location = 'a;b' -- DROP TABLE x\n;",
    "WITH a AS (SELECT 1 AS n) SELECT n FROM a UNION ALL SELECT 2",
    "(SELECT count(*) FROM account_emissions)",
    'SELECT \'DELETE FROM x\' AS text, "INSERT" FROM (SELECT 1 AS "INSERT")',
]
REFUSED = [
    ("", 1, 1, "", "is empty"),
    ("DROP TABLE account_emissions", 1, 1, "DROP", "something other than a query"),
    ("DELETE FROM account_emissions", 1, 1, "DELETE", "something other than a query"),
    ("  INSERT INTO x SELECT 1", 1, 3, "INSERT", "something other than a query"),
    ("SET x = 1", 1, 1, "SET", "something other than a query"),
    ("CALL f()", 1, 1, "CALL", "something other than a query"),
    ("EXPLAIN SELECT 1", 1, 1, "EXPLAIN", "something other than a query"),
    ("SELECT 1;\nDROP TABLE x", 2, 1, "DROP", "a second statement"),
    ("SELECT 1; SELECT 2", 1, 11, "SELECT", "a second statement"),
    ("WITH a AS (INSERT INTO x SELECT 1) SELECT 1", 1, 12, "INSERT", "changes or runs something"),
    ("SELECT 1 INTO x", 1, 10, "INTO", "changes or runs something"),
    ("SELECT *\nFROM parquet.secret", 2, 6, "parquet", "is outside this lake"),
    ("SELECT reflect('java.lang.System', 'exit', 1)", 1, 8, "reflect", "calls something outside SQL"),
    ("SELECT 1 FROM\n a WHERE )", 2, 10, ")", "is not expected here"),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("query", QUERIES)
def test_one_query_is_accepted(query, engine):
    if engine == "spark":
        query = query.replace('"', "`")
    check_query(query, engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("query", "line", "column", "word", "reason"), REFUSED)
def test_anything_else_is_refused_by_word_and_position(query, line, column, word, reason, engine):
    with pytest.raises(CcftError, match=re.escape(f"line {line}, column {column}: '{word}' ")) as refused:
        check_query(query, engine)
    assert reason in str(refused.value)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    "query", ["SELECT TRANSFORM (a) USING 'rm' FROM x", "SELECT * FROM delta.`/lake/account_emissions`", "SELECT 'open"]
)
def test_what_spark_alone_would_run_is_refused(query):
    with pytest.raises(CcftError, match="CCFT-USAGE-NOT-READ-ONLY"):
        check_query(query, "spark")
