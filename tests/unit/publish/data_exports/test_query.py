"""The query of an export: what it accepts, and that every refusal names a word that is really there."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccft.errors import CcftError
from ccft.publish.data_exports import query as q
from ccft.publish.data_exports.profiles import COLUMNS
from ccft.publish.data_exports.query import MAX_CHARACTERS, Query, everything, parse

FROM = "FROM CARBON_EMISSIONS"
ALL = f"SELECT location {FROM} WHERE "


def problem(text: str):
    with pytest.raises(CcftError) as caught:
        parse(text, COLUMNS)
    (found,) = caught.value.problems
    assert caught.value.exit_code == 2
    return found


def test_everything_names_all_columns_in_order():
    assert [output.alias for output in everything(COLUMNS).outputs] == [column.name for column in COLUMNS]
    assert parse(everything(COLUMNS).text, COLUMNS) == everything(COLUMNS)


def test_a_full_query():
    found = parse(
        "select usage_account_id AS account, total_lbm_emissions_value\n  from CARBON_EMISSIONS\n"
        "Where (region_code In ('eu-1', 'o''hara') AND NOT 1.5 <= total_lbm_emissions_value)"
        " or usage_period_start <> timestamp '2025-01-01T02:00:00+02:00' limit 10",
        COLUMNS,
    )
    assert found == Query(
        (q.Output("usage_account_id", "account"), q.Output("total_lbm_emissions_value", "total_lbm_emissions_value")),
        q.Some(
            (
                q.Every(
                    (
                        q.Membership("region_code", ("eu-1", "o'hara")),
                        q.Not(q.Comparison("total_lbm_emissions_value", ">=", Decimal("1.5"))),
                    )
                ),
                q.Comparison("usage_period_start", "!=", datetime(2025, 1, 1, tzinfo=UTC)),
            )
        ),
        10,
    )


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("location = 'a'", "location = 'a'"),
        ("'a' < location", "location > 'a'"),
        ("total_scope_1_emissions_value >= -1e-3", "total_scope_1_emissions_value >= -0.001"),
        ("location not in ('a')", "NOT (location IN ('a'))"),
        ("location = 'x' or location = 'y' and location != 'z'", None),
    ],
)
def test_conditions_have_one_canonical_text(condition, expected):
    found = parse(ALL + condition, COLUMNS)
    assert parse(found.text, COLUMNS) == found
    if expected:
        assert found.text == f"SELECT location {FROM} WHERE {expected}"


def test_and_binds_closer_than_or():
    found = parse(ALL + "location = 'x' or location = 'y' and location = 'z'", COLUMNS).where
    assert isinstance(found, q.Some)
    assert isinstance(found.operands[1], q.Every)


REFUSED = [
    ("", ""),
    ("SELECT * FROM CARBON_EMISSIONS", "*"),
    ("SELECT location FROM CARBON_EMISSIONS -- all", "--"),
    ("SELECT /* all */ location FROM CARBON_EMISSIONS", "/*"),
    ("SELECT location FROM CARBON_EMISSIONS;", ";"),
    ("SELECT location FROM CARBON_EMISSIONS; DROP TABLE x", ";"),
    ("SELECT upper(location) FROM CARBON_EMISSIONS", "upper"),
    ("SELECT count(*) FROM CARBON_EMISSIONS", "count"),
    ("SELECT location, FROM CARBON_EMISSIONS", ","),
    ("SELECT location place FROM CARBON_EMISSIONS", "place"),
    ("SELECT location FROM CARBON_EMISSIONS AS x", "x"),
    ("SELECT location FROM CARBON_EMISSIONS, CARBON_EMISSIONS", "CARBON_EMISSIONS"),
    ("SELECT location FROM db.CARBON_EMISSIONS", "."),
    ("SELECT location FROM (SELECT location FROM CARBON_EMISSIONS)", "("),
    ("SELECT location FROM CARBON_EMISSIONS UNION SELECT location FROM CARBON_EMISSIONS", "UNION"),
    ("SELECT location FROM CARBON_EMISSIONS JOIN x", "JOIN"),
    ("SELECT DISTINCT location FROM CARBON_EMISSIONS", "DISTINCT"),
    ("SELECT location FROM CARBON_EMISSIONS ORDER BY location", "ORDER BY"),
    ("SELECT location FROM CARBON_EMISSIONS GROUP BY location", "GROUP BY"),
    ("SELECT location FROM CARBON_EMISSIONS LIMIT 1 OFFSET 1", "OFFSET"),
    ("SELECT location FROM CARBON_EMISSIONS LIMIT 1.5", "1.5"),
    ("SELECT location FROM CARBON_EMISSIONS LIMIT -1", "-"),
    ("SELECT location FROM CARBON_EMISSIONS LIMIT 5 WHERE location = 'a'", "WHERE"),
    ("FROM CARBON_EMISSIONS SELECT location", "SELECT"),
    ("WITH x AS (SELECT 1) SELECT location FROM CARBON_EMISSIONS", "WITH"),
    ("INSERT INTO x SELECT location FROM CARBON_EMISSIONS", "INSERT"),
    ('SELECT "location" FROM CARBON_EMISSIONS', '"location"'),
    ("SELECT `location` FROM CARBON_EMISSIONS", "`"),
    ("SELECT location::string FROM CARBON_EMISSIONS", "::"),
    (ALL + "location LIKE '%'", "LIKE"),
    (ALL + "location IS NULL", "IS"),
    (ALL + "location BETWEEN 'a' AND 'b'", "BETWEEN"),
    (ALL + "location = 'a' 'b'", "'b'"),
    (ALL + "location == 'a'", "=="),
    (ALL + "location = region_code", "region_code"),
    (ALL + "1 = 1", "1"),
    (ALL + "location = null", "null"),
    (ALL + "location = 'a' OR true", "true"),
    (ALL + "location = $1", "$1"),
    (ALL + "location = {{x}}", "{"),
    (ALL + "location IN (SELECT location FROM CARBON_EMISSIONS)", "SELECT"),
    (ALL + "location = 'a')", ")"),
    (ALL + "location = 'without end", "'without end"),
    (ALL + "NOT NOT location = 'a'", "NOT"),
    (ALL + "total_lbm_emissions_value + 1 > 2", "+"),
    (ALL + "total_lbm_emissions_value > 1e999", "1e999"),
    (ALL + "usage_period_start > TIMESTAMP 'yesterday'", "'yesterday'"),
    (ALL + "(" * 60 + "location = 'a'" + ")" * 60, "("),
    (ALL + "payer_account_id = '000000000001' OR payer_account_id = payer_account_id", "payer_account_id"),
]


@pytest.mark.parametrize(("text", "word"), REFUSED, ids=[text[-50:] for text, _ in REFUSED])
def test_everything_else_is_refused_with_word_and_position(text, word):
    found = problem(text)
    assert found.code == "CCFT-USAGE-QUERY-REFUSED"
    assert found.values["word"] == word
    position = int(str(found.values["position"]))
    assert text[position - 1 :].startswith(word)
    assert f"'{word}' at position {position}" in found.message


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("SELECT Location FROM CARBON_EMISSIONS", "UNKNOWN-COLUMN", "Location"),
        ("SELECT run_id FROM CARBON_EMISSIONS", "UNKNOWN-COLUMN", "run_id"),
        ("SELECT lоcation FROM CARBON_EMISSIONS", "UNKNOWN-COLUMN", "lоcation"),
        ("SELECT location FROM carbon_emissions", "UNKNOWN-TABLE", "carbon_emissions"),
        ("SELECT location FROM account_emissions", "UNKNOWN-TABLE", "account_emissions"),
        (ALL + "location = 1", "WRONG-TYPE", "1"),
        (ALL + "total_lbm_emissions_value > '1'", "WRONG-TYPE", "'1'"),
        (ALL + "usage_period_start > '2025-01-01'", "WRONG-TYPE", "'2025-01-01'"),
        ("SELECT location AS usage_period FROM CARBON_EMISSIONS", "BAD-ALIAS", "usage_period"),
        ("SELECT location AS Carbon_Model_Version FROM CARBON_EMISSIONS", "BAD-ALIAS", "Carbon_Model_Version"),
        ("SELECT location, location FROM CARBON_EMISSIONS", "BAD-ALIAS", "location"),
        ("SELECT location AS a, region_code AS A FROM CARBON_EMISSIONS", "BAD-ALIAS", "A"),
    ],
)
def test_wrong_names_and_types_are_refused_with_word_and_position(text, code, word):
    found = problem(text)
    assert found.code == f"CCFT-USAGE-QUERY-{code}"
    assert found.values["word"] == word
    assert text[int(str(found.values["position"])) - 1 :].startswith(word)


def test_length_is_limited_and_long_chains_are_not_deep():
    chain = " OR ".join(["location = 'a'"] * 1_900)
    found = parse(ALL + chain, COLUMNS).where
    assert isinstance(found, q.Some)
    assert len(found.operands) == 1_900
    assert problem(ALL + " " * MAX_CHARACTERS + "location = 'a'").code == "CCFT-USAGE-QUERY-TOO-LONG"


@given(st.text(alphabet="SELECTFROMwhere location,'=<>()*;-/\"`.1\n\x00", max_size=80))
def test_no_text_does_anything_but_parse_or_be_refused(text):
    for candidate in (text, f"SELECT location {FROM} WHERE {text}", f"SELECT {text} {FROM}"):
        try:
            found = parse(candidate, COLUMNS)
        except CcftError as error:
            codes = [problem.code for problem in error.problems]
            found = None
        else:
            codes = []
        assert found or codes[0].startswith("CCFT-USAGE-QUERY-")
        assert found is None or parse(found.text, COLUMNS) == found
