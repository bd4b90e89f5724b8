"""The query of an export: a small part of SQL, parsed by sqlglot into a model of its own; nothing of the text is passed on.

`SELECT column [AS alias], ... FROM CARBON_EMISSIONS [WHERE ...] [LIMIT n]`, with `= != <> < <= > >= AND OR NOT IN ( )` in the condition, one side a
column and the other a literal. Keywords in any case, names exact. Everything else is refused with its word and its position in the text.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import sqlglot
from sqlglot import expressions as ast
from sqlglot.errors import ParseError

from ccft.errors import CcftError, fail
from ccft.publish.data_exports.query_words import check_words, position_of
from ccft.schema.columns import Column

TABLE_NAME: Final = "CARBON_EMISSIONS"
MAX_CHARACTERS: Final = 36_000
RESERVED_NAMES: Final = ("carbon_model_version", "usage_period")
"""Partition keys of a delivery: a column of the same name would hide them from every reader of the folders."""

_OPERATORS: Final[dict[type[ast.Expr], str]] = {
    ast.EQ: "=",
    ast.NEQ: "!=",
    ast.LT: "<",
    ast.LTE: "<=",
    ast.GT: ">",
    ast.GTE: ">=",
}
_MIRRORED: Final = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")

Literal = str | Decimal | datetime


@dataclass(frozen=True)
class Output:
    """A column of the export and the name that it has there."""

    column: str
    alias: str


@dataclass(frozen=True)
class Comparison:
    """A column against a literal; rows where it is null are not delivered."""

    column: str
    operator: str
    literal: Literal


@dataclass(frozen=True)
class Membership:
    """A column against a list of literals."""

    column: str
    literals: tuple[Literal, ...]


@dataclass(frozen=True)
class Not:
    """The opposite; null stays null."""

    operand: "Condition"


@dataclass(frozen=True)
class Every:
    """Joined by AND."""

    operands: "tuple[Condition, ...]"


@dataclass(frozen=True)
class Some:
    """Joined by OR."""

    operands: "tuple[Condition, ...]"


Condition = Comparison | Membership | Not | Every | Some


@dataclass(frozen=True)
class Query:
    """What to deliver of a payer's rows.

    Parameters
    ----------
    outputs
        Columns in order.
    where
        Which rows; None = all.
    limit
        Rows per period, after the sort; None = all.
    """

    outputs: tuple[Output, ...]
    where: Condition | None = None
    limit: int | None = None

    @property
    def text(self) -> str:
        """The query in its one canonical spelling: equal texts, equal deliveries."""
        names = ", ".join(o.column if o.column == o.alias else f"{o.column} AS {o.alias}" for o in self.outputs)
        where = f" WHERE {_condition_text(self.where)}" if self.where else ""
        limit = f" LIMIT {self.limit}" if self.limit is not None else ""
        return f"SELECT {names} FROM {TABLE_NAME}{where}{limit}"  # noqa: S608 - for the manifest; never run


def everything(columns: Sequence[Column]) -> Query:
    """The query of an export that names none: all columns, all rows."""
    return Query(tuple(Output(column.name, column.name) for column in columns))


def parse(text: str, columns: Sequence[Column]) -> Query:
    """Read a query.

    Parameters
    ----------
    text
        As given; at most `MAX_CHARACTERS`.
    columns
        Columns of the table, in their registered types.

    Raises
    ------
    CcftError
        `CCFT-USAGE-QUERY-...`, naming the first word that is refused and its position (1-based, in characters).

    Examples
    --------
    >>> from ccft.schema.columns import columns
    >>> parse("select location as place from CARBON_EMISSIONS limit 5", columns(["location"])).text
    'SELECT location AS place FROM CARBON_EMISSIONS LIMIT 5'
    """
    if len(text) > MAX_CHARACTERS:
        raise fail("CCFT-USAGE-QUERY-TOO-LONG", length=len(text), limit=MAX_CHARACTERS)
    try:
        check_words(text)
        tree = sqlglot.parse_one(text)
    except ParseError as error:
        word, position = position_of(text, error)
        raise fail("CCFT-USAGE-QUERY-REFUSED", word=word, position=position) from error
    return _Reader(text, {column.name: column for column in columns}).query(tree)


class _Reader:
    """From sqlglot's tree to the model; what the model has no place for is refused."""

    def __init__(self, text: str, columns: Mapping[str, Column]) -> None:
        self._text = text
        self._columns = columns

    def query(self, tree: ast.Expr) -> Query:
        if not isinstance(tree, ast.Select):
            raise self._refusal(tree)
        for name, part in tree.args.items():
            if part and name not in {"expressions", "from_", "where", "limit"}:
                raise self._refusal(part[0] if isinstance(part, list) else part)
        self._check_table(tree.args.get("from_"), tree)
        where, limit = tree.args.get("where"), tree.args.get("limit")
        return Query(
            self._outputs(tree),
            self._condition(where.this) if where else None,
            self._limit(limit) if limit else None,
        )

    def _check_table(self, origin: ast.Expr | None, tree: ast.Expr) -> None:
        if origin is None:
            raise self._refusal(tree)
        table = origin.this
        if not isinstance(table, ast.Table) or not isinstance(table.this, ast.Identifier):
            raise self._refusal(table)
        for name, part in table.args.items():
            if part and name != "this":
                raise self._refusal(part[0] if isinstance(part, list) else part)
        if table.name != TABLE_NAME:
            word, position = self._place(table.this)
            raise fail("CCFT-USAGE-QUERY-UNKNOWN-TABLE", word=word, position=position, table=TABLE_NAME)

    def _outputs(self, tree: ast.Select) -> tuple[Output, ...]:
        outputs: list[Output] = []
        taken = {name.lower() for name in RESERVED_NAMES}
        for item in tree.expressions:
            named = item.args["alias"] if isinstance(item, ast.Alias) else None
            column = self._column(item.this if named else item)
            identifier = named or item.this
            alias = identifier.name
            if alias.lower() in taken or not _PLAIN_NAME.fullmatch(alias):
                word, position = self._place(identifier)
                raise fail("CCFT-USAGE-QUERY-BAD-ALIAS", word=word, position=position)
            taken.add(alias.lower())
            outputs.append(Output(column.name, alias))
        if not outputs:
            raise self._refusal(tree)
        return tuple(outputs)

    def _column(self, node: ast.Expr) -> Column:
        if not isinstance(node, ast.Column) or not isinstance(node.this, ast.Identifier) or node.table:
            raise self._refusal(node)
        found = self._columns.get(node.name)
        if found is None:
            word, position = self._place(node.this)
            raise fail("CCFT-USAGE-QUERY-UNKNOWN-COLUMN", word=word, position=position)
        return found

    def _condition(self, node: ast.Expr) -> Condition:
        if isinstance(node, ast.Paren):
            return self._condition(node.this)
        if isinstance(node, ast.Not):
            return Not(self._condition(node.this))
        if isinstance(node, ast.And | ast.Or):
            # Long chains are left-deep trees: flattened, so that their length is not a depth.
            operands = tuple(self._condition(part) for part in node.flatten(unnest=False))
            return Every(operands) if isinstance(node, ast.And) else Some(operands)
        if isinstance(node, ast.In):
            return self._membership(node)
        if isinstance(node, ast.Binary) and type(node) in _OPERATORS:
            return self._comparison(node)
        raise self._refusal(node)

    def _membership(self, node: ast.In) -> Membership:
        column = self._column(node.this)
        if not node.expressions:
            raise self._refusal(node)
        return Membership(column.name, tuple(self._literal(item, column) for item in node.expressions))

    def _comparison(self, node: ast.Binary) -> Comparison:
        left, right, operator = node.this, node.expression, _OPERATORS[type(node)]
        if isinstance(left, ast.Column) and isinstance(right, ast.Column):
            raise self._refusal(right)
        if isinstance(right, ast.Column):
            left, right, operator = right, left, _MIRRORED[operator]
        column = self._column(left)
        return Comparison(column.name, operator, self._literal(right, column))

    def _literal(self, node: ast.Expr, column: Column) -> Literal:
        """A literal in the type of the column that it is compared with."""
        found = _value(node)
        if found is None:
            raise self._refusal(node)
        expected = {"string": str, "double": Decimal, "timestamp": datetime}[column.type]
        if not isinstance(found, expected):
            word, position = self._place(node)
            raise fail(
                "CCFT-USAGE-QUERY-WRONG-TYPE", word=word, position=position, column=column.name, type=column.type
            )
        return found

    def _limit(self, node: ast.Limit) -> int:
        value = node.expression
        if not isinstance(value, ast.Literal) or value.is_string or not re.fullmatch(r"[0-9]{1,18}", value.name):
            raise self._refusal(value)
        return int(value.name)

    def _place(self, node: ast.Expr) -> tuple[str, int]:
        """First word of a node in the text, and its position."""
        for part in _depth_first(node):
            if "start" in part.meta:
                start, end = int(part.meta["start"]), int(part.meta["end"])
                return self._text[start : end + 1], start + 1
        return self._text.strip().split()[0], 1

    def _refusal(self, node: ast.Expr) -> CcftError:
        word, position = self._place(node)
        return fail("CCFT-USAGE-QUERY-REFUSED", word=word, position=position)


def _depth_first(node: object) -> Iterator[ast.Expr]:
    if isinstance(node, ast.Expr):
        yield from node.walk(bfs=False)


def _value(node: ast.Expr) -> Literal | None:
    """Text, number or instant; None when the node is no such literal."""
    if isinstance(node, ast.Literal):
        return node.name if node.is_string else _number(node.name)
    if isinstance(node, ast.Neg) and isinstance(node.this, ast.Literal) and not node.this.is_string:
        number = _number(node.this.name)
        return -number if number is not None else None
    if (
        isinstance(node, ast.Cast)
        and node.to.this == ast.DataType.Type.TIMESTAMP
        and isinstance(node.this, ast.Literal)
    ):
        return _instant(node.this.name)
    return None


def _number(text: str) -> Decimal | None:
    is_number = re.fullmatch(r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", text)
    return Decimal(text) if is_number and math.isfinite(float(text)) else None


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _literal_text(literal: Literal) -> str:
    if isinstance(literal, datetime):
        return f"TIMESTAMP '{literal.astimezone(UTC).strftime('%Y-%m-%d %H:%M:%S.%f')}'"
    return format(literal.normalize(), "f") if isinstance(literal, Decimal) else "'" + literal.replace("'", "''") + "'"


def _condition_text(condition: Condition) -> str:
    match condition:
        case Comparison():
            return f"{condition.column} {condition.operator} {_literal_text(condition.literal)}"
        case Membership():
            return f"{condition.column} IN ({', '.join(map(_literal_text, condition.literals))})"
        case Not():
            return f"NOT ({_condition_text(condition.operand)})"
        case Every():
            return " AND ".join(f"({_condition_text(operand)})" for operand in condition.operands)
        case Some():
            return " OR ".join(f"({_condition_text(operand)})" for operand in condition.operands)
