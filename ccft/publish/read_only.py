"""Whether a text is one query and nothing else: what `ccft sql` accepts. The text is parsed, never searched for words."""

import logging
from collections.abc import Iterator
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokens import Token, TokenType  # type: ignore[attr-defined]  # not marked as exported there

from ccft.errors import CcftError, fail

ENGINES: Final = ("duckdb", "spark")
_OUTSIDE: Final = frozenset({"reflect", "java_method", "try_reflect", "try_java_method"})
"""Spark functions that call any method of the JVM."""
_CHANGES: Final = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Into, exp.QueryTransform, exp.Command)

# Statements that sqlglot does not know are refused here by name; its own warning would say the same in other words.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


def _refused(token: Token, reason: str) -> CcftError:
    # sqlglot gives the column of a token's last character.
    column = token.col - len(token.text) + 1
    return fail("CCFT-USAGE-NOT-READ-ONLY", word=token.text, line=token.line, column=column, reason=reason)


def _tokens(query: str, engine: str) -> list[Token]:
    try:
        return sqlglot.tokenize(query, dialect=engine)
    except TokenError as error:
        lines = query.splitlines() or [""]
        raise fail(
            "CCFT-USAGE-NOT-READ-ONLY",
            word=lines[-1][-20:],
            line=len(lines),
            column=len(lines[-1]),
            reason="is not SQL",
        ) from error


def _parsed(query: str, engine: str, tokens: list[Token]) -> exp.Query:
    """The one statement of the text."""
    try:
        statements = [statement for statement in sqlglot.parse(query, dialect=engine) if statement is not None]
    except ParseError as error:
        at = error.errors[0]
        column = int(at["col"]) - len(at["highlight"]) + 1
        raise fail(
            "CCFT-USAGE-NOT-READ-ONLY",
            word=at["highlight"],
            line=at["line"],
            column=column,
            reason="is not expected here",
        ) from error
    ends = [index for index, token in enumerate(tokens[:-1]) if token.token_type is TokenType.SEMICOLON]
    if len(statements) > 1:
        raise _refused(tokens[ends[0] + 1], "begins a second statement")
    if not statements or not isinstance(statements[0], exp.Query):
        raise _refused(tokens[0], "begins something other than a query")
    return statements[0]


def _violations(statement: exp.Query) -> Iterator[tuple[str, str]]:
    """Parts of a query that would change or reach something outside the lake's views: word and reason."""
    for node in statement.walk():
        if isinstance(node, _CHANGES):
            yield node.key.removeprefix("query"), "changes or runs something"
        elif isinstance(node, exp.Table) and (node.db or node.catalog):
            yield node.db or node.catalog, "is outside this lake: tables and views are named without a schema"
        elif isinstance(node, exp.Func) and node.name.lower() in _OUTSIDE:
            yield node.name, "calls something outside SQL"


def check_query(query: str, engine: str) -> None:
    """Accept one query.

    Parameters
    ----------
    query
        SQL text of the user.
    engine
        Whose SQL it is: one of `ENGINES`.

    Raises
    ------
    CcftError
        `CCFT-USAGE-NOT-READ-ONLY` with word, line and column of what is not part of one query.
    """
    tokens = _tokens(query, engine)
    if not tokens:
        raise fail("CCFT-USAGE-NOT-READ-ONLY", word="", line=1, column=1, reason="is empty")
    statement = _parsed(query, engine, tokens)
    for word, reason in _violations(statement):
        found = (token for token in tokens if token.text.lower() == word.lower())
        raise _refused(next(found, tokens[0]), reason)
