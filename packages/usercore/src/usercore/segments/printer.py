"""The one way to write a filter: reading it again gives the same."""

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, TypeVar

from usercore.segments.syntax import Clause, Filter, Literal, Relative
from usercore.users.conditions import And, Comparison, Condition, Not, Operator, Or, Tree

L = TypeVar("L")

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_BASIC_PLANE: Final = 0xFFFF


def canonical(tree: Filter) -> str:
    """Return the filter in its one form, on one line of printable characters."""
    return _joined(tree, _clause)


def settled_text(condition: Condition) -> str:
    """Return what a filter has come down to, written as a filter: with times for `now`, and points for tiers."""
    return _joined(condition, _comparison)


def _joined(tree: Tree[L], written: Callable[[L], str]) -> str:
    match tree:
        case And(parts):
            return " and ".join(_inside(part, written, Or, And) for part in parts)
        case Or(parts):
            return " or ".join(_inside(part, written, Or) for part in parts)
        case Not(part):
            return f"not {_inside(part, written, Or, And)}"
        case leaf:
            return written(leaf)


def _inside(part: Tree[L], written: Callable[[L], str], *in_parentheses: type) -> str:
    text = _joined(part, written)
    return f"({text})" if isinstance(part, in_parentheses) else text


def _clause(clause: Clause) -> str:
    return _compared(clause.field.path, clause.keys, clause.operator, clause.values)


def _comparison(comparison: Comparison) -> str:
    value = comparison.value
    values = value if isinstance(value, tuple) else () if value is None else (value,)
    return _compared(comparison.field.value, comparison.keys, comparison.operator, values)


def _compared(path: str, keys: Sequence[str], operator: Operator, values: Sequence[Literal]) -> str:
    whole = ".".join((path, *map(_key, keys)))
    if operator is Operator.EXISTS:
        return f"{whole} exists"
    listed = ", ".join(map(_literal, values))
    return f"{whole} {operator.value} {f'({listed})' if operator is Operator.IN else listed}"


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _quoted(key)


def _literal(value: Literal) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _quoted(value)
        case Decimal():
            return format(value.normalize() + 0, "f")
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case Relative():
            return _relative(value)


def _relative(value: Relative) -> str:
    if not value.amount:
        return "now"
    count = abs(value.amount)
    return f"now {'-' if value.amount < 0 else '+'} {count} {value.unit.singular if count == 1 else value.unit.value}"


def _quoted(text: str) -> str:
    return f'"{"".join(map(_character, text))}"'


def _character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    if ord(character) <= _BASIC_PLANE:
        return f"\\u{ord(character):04x}"
    units = character.encode("utf-16-be")
    return f"\\u{units[:2].hex()}\\u{units[2:].hex()}"
