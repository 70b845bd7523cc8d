"""The one way to write a filter: reading it again gives the same."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from usercore.segments.syntax import Clause, Filter, Literal, Relative
from usercore.users.conditions import And, Not, Operator, Or

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_BASIC_PLANE: Final = 0xFFFF


def canonical(tree: Filter) -> str:
    """Return the filter in its one form, on one line of printable characters."""
    match tree:
        case And(parts):
            return " and ".join(_inside(part, Or, And) for part in parts)
        case Or(parts):
            return " or ".join(_inside(part, Or) for part in parts)
        case Not(part):
            return f"not {_inside(part, Or, And)}"
        case clause:
            return _clause(clause)


def _inside(part: Filter, *in_parentheses: type) -> str:
    text = canonical(part)
    return f"({text})" if isinstance(part, in_parentheses) else text


def _clause(clause: Clause) -> str:
    path = ".".join((clause.field.path, *map(_key, clause.keys)))
    if clause.operator is Operator.EXISTS:
        return f"{path} exists"
    listed = ", ".join(map(_literal, clause.values))
    return f"{path} {clause.operator.value} {f'({listed})' if clause.operator is Operator.IN else listed}"


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
