"""Rows of an export in Spark: the rows of the view `carbon_emissions`, each for everyone who gets it."""

from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from operator import and_, or_
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from ccft.publish.data_exports.pact import EVIDENCE
from ccft.publish.data_exports.query import Comparison, Condition, Every, Literal, Membership, Not, Query, Some
from ccft.publish.views import carbon_emissions_sql
from ccft.schema.columns import MEASURES

KEYS: Final = ("usage_period", "methodology_version", "recipient")
"""Whose delivery a row belongs to."""

EXACT: Final = tuple(f"{measure}_kg" for measure in MEASURES)
"""Exact masses of a row, from which its values were rounded."""

ORDER: Final = (*KEYS, "usage_account_id", "product_code", "region_code")
"""Order of delivery."""


def exported_rows(spark: SparkSession, accounts: DataFrame, slices: DataFrame) -> DataFrame:
    """The 23 columns, exact masses, period and version of account rows.

    Parameters
    ----------
    accounts
        Rows of `account_emissions`, each slice at its published version.
    slices
        `published_slices`, those of the export.
    """
    more = ("m.usage_period", "m.methodology_version", *(f"m.{name}" for name in EXACT))
    sql = carbon_emissions_sql(accounts="{accounts}", slices="{slices}", more=more)
    return spark.sql(sql, accounts=accounts, slices=slices)


def with_evidence(rows: DataFrame, evidence: DataFrame) -> DataFrame:
    """Rows with the share of their account's month that rests on metered or invoiced data (1:1 per account and payer).

    Parameters
    ----------
    evidence
        The view `data_quality_summary`.
    """
    keys = ["usage_period", "methodology_version", "usage_account_id", "payer_account_id"]
    known = evidence.withColumnRenamed("account_id", "usage_account_id").select(*keys, EVIDENCE)
    return rows.join(known, keys, "left")


def of_organisation(accounts: DataFrame, payer: str) -> DataFrame:
    """Account rows of one recipient: paid for, or used, by it."""
    return accounts.where((F.col("payer_account_id") == payer) | (F.col("account_id") == payer))


def delivered_rows(rows: DataFrame, due: DataFrame, query: Query, columns: Sequence[str]) -> DataFrame:
    """Rows for their recipients: the payer of the month, and the account itself where it has exports of its own.

    Not in order: a range of rows is sorted faster where it arrives than by another shuffle.

    Parameters
    ----------
    rows
        Of `exported_rows`.
    due
        `KEYS` of the deliveries to make; bounded by payers and months, so it is broadcast.
    query
        Its condition is applied here; order and limit where rows arrive.
    columns
        Columns of `rows` that deliveries read, beside keys and exact masses.
    """
    kept = rows.where(condition(query.where)) if query.where else rows
    both = F.array_distinct(F.array("payer_account_id", "usage_account_id"))
    mine = kept.withColumn("recipient", F.explode(both)).join(F.broadcast(due), list(KEYS), "left_semi")
    return mine.select(*dict.fromkeys((*ORDER, *columns, *EXACT)))


def condition(where: Condition) -> Column:
    """A query's condition as a Spark expression, built from the model: no text of the query is run."""
    match where:
        case Comparison():
            column, literal = F.col(where.column), _literal(where.literal)
            return {
                "=": column == literal,
                "!=": column != literal,
                "<": column < literal,
                "<=": column <= literal,
                ">": column > literal,
                ">=": column >= literal,
            }[where.operator]
        case Membership():
            return F.col(where.column).isin([_literal(item) for item in where.literals])
        case Not():
            return ~condition(where.operand)
        case Every():
            return _balanced([condition(item) for item in where.operands], is_and=True)
        case Some():
            return _balanced([condition(item) for item in where.operands], is_and=False)


def _literal(literal: Literal) -> Column:
    return F.lit(literal if isinstance(literal, str | datetime) else float(literal))


def _balanced(parts: list[Column], *, is_and: bool) -> Column:
    """Joined in halves: thousands of conditions are a shallow tree."""
    if len(parts) <= 2:
        return reduce(and_ if is_and else or_, parts)
    middle = len(parts) // 2
    halves = [_balanced(parts[:middle], is_and=is_and), _balanced(parts[middle:], is_and=is_and)]
    return reduce(and_ if is_and else or_, halves)
