"""Schemas made without a session are those that Spark itself reads from the DDL."""

import pytest
from pyspark.sql.types import StructType

from ccft.schema.spark import struct_type
from ccft.schema.tables import TABLES

pytestmark = pytest.mark.spark


@pytest.mark.parametrize("name", TABLES)
def test_schema_is_that_of_the_ddl(spark, name):
    columns = TABLES[name].columns
    ddl = ", ".join(f"`{c.name}` {c.type}{'' if c.nullable else ' NOT NULL'}" for c in columns)
    assert struct_type(TABLES[name]) == StructType.fromDDL(ddl)
