"""The words of a query, before its grammar: sqlglot accepts much more than an export allows, some of it without a trace in its tree.

Comments, quoted names, a comma before FROM or a second name without AS are gone once a query is parsed; here they still have a position.
"""

from collections.abc import Sequence
from typing import Final

import sqlglot
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from ccft.errors import CcftError, fail

MAX_DEPTH: Final = 50
"""Brackets within brackets: the parser recurses, a query must not exhaust the stack."""

_WORDS: Final = {
    TokenType.SELECT,
    TokenType.VAR,
    TokenType.ALIAS,
    TokenType.FROM,
    TokenType.WHERE,
    TokenType.LIMIT,
    TokenType.AND,
    TokenType.OR,
    TokenType.NOT,
    TokenType.IN,
    TokenType.TIMESTAMP,
    TokenType.STRING,
    TokenType.NUMBER,
    TokenType.DASH,
    TokenType.COMMA,
    TokenType.L_PAREN,
    TokenType.R_PAREN,
    TokenType.EQ,
    TokenType.NEQ,
    TokenType.LT,
    TokenType.LTE,
    TokenType.GT,
    TokenType.GTE,
}
_CLAUSES: Final = (TokenType.SELECT, TokenType.FROM, TokenType.WHERE, TokenType.LIMIT)
"""Each at most once, in this order."""

_COMPARISONS: Final = {TokenType.EQ, TokenType.NEQ, TokenType.LT, TokenType.LTE, TokenType.GT, TokenType.GTE}
_OPERANDS: Final = frozenset({TokenType.VAR, TokenType.STRING, TokenType.NUMBER, TokenType.R_PAREN})

_NEVER_AFTER: Final = {
    TokenType.VAR: _OPERANDS,  # a second name without AS
    TokenType.STRING: _OPERANDS,
    TokenType.NUMBER: _OPERANDS,
    TokenType.NOT: {TokenType.NOT},
}
_ONLY_AFTER: Final = {
    TokenType.DASH: _COMPARISONS | {TokenType.L_PAREN, TokenType.COMMA},  # a sign, no subtraction
    TokenType.COMMA: _OPERANDS,
    # After a name it would be a function.
    TokenType.L_PAREN: {
        TokenType.WHERE,
        TokenType.AND,
        TokenType.OR,
        TokenType.NOT,
        TokenType.IN,
        TokenType.L_PAREN,
    },
}
_NEVER_BEFORE: Final = {TokenType.COMMA: {TokenType.FROM, TokenType.R_PAREN, None}}
_ONLY_BEFORE: Final = {TokenType.DASH: {TokenType.NUMBER}, TokenType.TIMESTAMP: {TokenType.STRING}}


def check_words(text: str) -> None:
    """Refuse words, and pairs of words, that no query of an export has.

    Raises
    ------
    CcftError
        `CCFT-USAGE-QUERY-REFUSED` with the word and its position.
    """
    try:
        tokens = sqlglot.tokenize(text)
    except TokenError as error:  # a string or comment without end: sqlglot does not say where it begins
        start = max(text.rfind("'"), text.rfind('"'), text.rfind("/*"), 0)
        raise fail("CCFT-USAGE-QUERY-REFUSED", word=text[start : start + 20], position=start + 1) from error
    if not tokens:
        raise fail("CCFT-USAGE-QUERY-REFUSED", word="", position=1)
    depth, before, clauses = 0, None, list(_CLAUSES)
    for index, token in enumerate(tokens):
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        if not _is_allowed(token, before, after):
            is_function = token.token_type is TokenType.L_PAREN and before and before.token_type is TokenType.VAR
            raise _refused(text, before if before and is_function else token)
        if token.token_type in _CLAUSES and not (before and before.token_type is TokenType.ALIAS):
            if token.token_type not in clauses:
                raise _refused(text, token)
            del clauses[: clauses.index(token.token_type) + 1]
        depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(token.token_type, 0)
        if depth > MAX_DEPTH or depth < 0:
            raise _refused(text, token)
        before = token
    _check_comments(text, tokens)


def _is_allowed(token: Token, before: Token | None, after: Token | None) -> bool:
    """Whether a word can be in a query, between the words beside it."""
    kind, previous, following = token.token_type, before and before.token_type, after and after.token_type
    if previous is TokenType.ALIAS:
        return bool(token.text.isidentifier())  # an alias may be a word that SQL knows, such as `date`
    return (
        kind in _WORDS
        and (kind is not TokenType.EQ or token.text == "=")
        and previous not in _NEVER_AFTER.get(kind, ())
        and (kind not in _ONLY_AFTER or previous in _ONLY_AFTER[kind])
        and following not in _NEVER_BEFORE.get(kind, ())
        and (kind not in _ONLY_BEFORE or following in _ONLY_BEFORE[kind])
    )


def _check_comments(text: str, tokens: Sequence[Token]) -> None:
    """Between two tokens there is nothing but white space."""
    end = 0
    for start, following in [*((token.start, token.end + 1) for token in tokens), (len(text), len(text))]:
        gap = text[end:start]
        if gap.strip():
            offset = end + len(gap) - len(gap.lstrip())
            raise fail("CCFT-USAGE-QUERY-REFUSED", word=text[offset:start].split(maxsplit=1)[0], position=offset + 1)
        end = following


def _refused(text: str, token: Token) -> CcftError:
    return fail("CCFT-USAGE-QUERY-REFUSED", word=text[token.start : token.end + 1], position=token.start + 1)


def position_of(text: str, error: ParseError) -> tuple[str, int]:
    """Word and position at which sqlglot gave up; it counts lines, and columns at the end of the word."""
    first = error.errors[0] if error.errors else {}
    word = str(first.get("highlight") or "") or text.rsplit(maxsplit=1)[-1]
    lines = text.splitlines(keepends=True)
    line, column = int(first.get("line") or len(lines)), first.get("col")
    if column is None:
        return word, len(text)
    return word, sum(map(len, lines[: line - 1])) + int(column) - len(word) + 1
