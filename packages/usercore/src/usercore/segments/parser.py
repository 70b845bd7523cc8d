"""From the text of a filter to what it says. A parser by recursive descent."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Final

from attrs import define, field

from usercore.segments.catalogue import CATALOGUE, FilterField, Kind, find_field, is_key
from usercore.segments.errors import SegmentInvalidError
from usercore.segments.lexer import Sort, Token, tokens
from usercore.segments.syntax import (
    FILTER_MAX_CHARS,
    FILTER_MAX_COMPARISONS,
    FILTER_MAX_DEPTH,
    LIST_MAX_VALUES,
    RELATIVE_MAX,
    UNITS,
    Clause,
    Filter,
    Literal,
    Relative,
)
from usercore.users.conditions import And, FieldType, Not, Operator, Or, operators

_SIGNS: Final = {
    operator.value: operator
    for operator in Operator
    if operator not in {Operator.IN, Operator.CONTAINS, Operator.STARTS_WITH, Operator.EXISTS}
}
_WANTED: Final = {
    Kind.TEXT: "a text in quotes",
    Kind.WORD: "one of its words",
    Kind.NUMBER: "a number, as in 12 or 0.5",
    Kind.BOOLEAN: "true or false",
    Kind.DATE: "a date, as in 1990-01-31, or a time counted from now",
    Kind.TIME: "a date, a time as in 2026-01-31T12:00:00Z, or one counted from now, as in now - 30 days",
    Kind.ANY: "a text in quotes, a number, true or false",
}
_TYPES: Final[dict[Kind, tuple[type, ...]]] = {
    Kind.TEXT: (str,),
    Kind.WORD: (str,),
    Kind.NUMBER: (Decimal,),
    Kind.BOOLEAN: (bool,),
    Kind.DATE: (date, Relative),
    Kind.TIME: (date, datetime, Relative),
    Kind.ANY: (str, Decimal, bool),
}


def parse(text: str) -> Filter:
    """Return what a filter says.

    Raises:
        SegmentInvalidError: it breaks the grammar, names no field of the catalogue, compares one as it cannot be
            compared, or is too long, too deep or of too many parts.
    """
    if len(text) > FILTER_MAX_CHARS:
        advice = f"write at most {FILTER_MAX_CHARS} characters; a long list is better exported and chosen from"
        raise SegmentInvalidError.at(FILTER_MAX_CHARS + 1, "too_long", advice)
    return _Parser(list(tokens(text))).whole()


@define
class _Parser:
    words: Sequence[Token]
    place: int = 0
    comparisons: int = field(default=0)

    @property
    def next(self) -> Token:
        return self.words[self.place]

    def whole(self) -> Filter:
        found = self._disjunction(1)
        if self.next.sort is not Sort.END:
            raise self._refused("syntax", "go on with and, or, or nothing")
        return found

    def _disjunction(self, depth: int) -> Filter:
        parts = self._joined("or", lambda: self._conjunction(depth))
        return parts[0] if len(parts) == 1 else Or(parts)

    def _conjunction(self, depth: int) -> Filter:
        parts = self._joined("and", lambda: self._negation(depth))
        return parts[0] if len(parts) == 1 else And(parts)

    def _joined(self, word: str, part: Callable[[], Filter]) -> tuple[Filter, ...]:
        parts = [part()]
        while self._takes(word):
            parts.append(part())
        return tuple(parts)

    def _negation(self, depth: int) -> Filter:
        if depth > FILTER_MAX_DEPTH:
            raise self._refused("too_deep", f"nest at most {FILTER_MAX_DEPTH} levels of parentheses and not")
        if self._takes("not"):
            return Not(self._negation(depth + 1))
        if self._takes("("):
            found = self._disjunction(depth + 1)
            self._expect(")", "close the parenthesis with )")
            return found
        return self._comparison()

    def _comparison(self) -> Filter:
        self.comparisons += 1
        if self.comparisons > FILTER_MAX_COMPARISONS:
            raise self._refused("too_many", f"make at most {FILTER_MAX_COMPARISONS} comparisons")
        begin = self.next
        found, keys = self._field()
        turned = self._takes("not")
        sign = self.next
        operator = self._operator(signs=not turned)
        if operator not in found.operators:
            allowed = ", ".join(one.value for one in Operator if one in found.operators)
            raise self._refused("operator", f"{found.name} is compared by {allowed}", sign)
        values, at = self._values(found, operator)
        value = values if operator is Operator.IN else values[0] if values else None
        clause = Clause(found, operator, value, keys, begin.position, at)
        return Not(clause) if turned else clause

    def _field(self) -> tuple[FilterField, tuple[str, ...]]:
        token = self.next
        if token.sort is not Sort.PATH or _word(token) in _RESERVED:
            raise self._refused("syntax", "name a field, write not, or open a parenthesis")
        found = find_field(token.path)
        if found is None:
            raise self._refused("unknown_field", _unknown(token.text), token)
        if not all(is_key(found[0], key) for key in found[1]):
            raise self._refused("key", f"write {found[0].name}, as docs/segments.md says", token)
        self.place += 1
        return found

    def _operator(self, *, signs: bool) -> Operator:
        token = self.next
        for operator in (Operator.IN, Operator.CONTAINS, Operator.EXISTS):
            if self._takes(operator.value):
                return operator
        if self._takes("starts"):
            self._expect("with", "write starts with")
            return Operator.STARTS_WITH
        if signs and token.sort is Sort.SIGN and token.text in _SIGNS:
            self.place += 1
            return _SIGNS[token.text]
        advice = "compare by =, !=, <, <=, >, >=, in, contains, starts with or exists"
        raise self._refused("syntax", advice if signs else "behind not write in, contains, starts with or exists")

    def _values(self, of: FilterField, operator: Operator) -> tuple[tuple[Literal, ...], tuple[int, ...]]:
        if operator is Operator.EXISTS:
            return (), ()
        if operator is not Operator.IN:
            at = self.next.position
            return (self._value(of, operator, None),), (at,)
        self._expect("(", "give the values in parentheses, as in (1, 2)")
        values: list[Literal] = []
        places: list[int] = []
        while not values or self._takes(","):
            if len(values) == LIST_MAX_VALUES:
                raise self._refused("too_many", f"list at most {LIST_MAX_VALUES} values")
            places.append(self.next.position)
            values.append(self._value(of, operator, values[0] if values else None))
        self._expect(")", "go on with a comma and a value, or close the parenthesis with )")
        return tuple(values), tuple(places)

    def _value(self, of: FilterField, operator: Operator, first: Literal | None) -> Literal:
        token = self.next
        value = self._literal(of)
        if type(value) not in _TYPES[of.kind]:
            raise self._refused("type", f"compare {of.name} with {_WANTED[of.kind]}", token)
        if of.words and value not in of.words:
            raise self._refused("word", f"compare {of.name} with one of {', '.join(of.words)}", token)
        if of.kind is Kind.ANY and operator not in operators(FieldType.JSON, type(value)):
            raise self._refused("type", f"{operator.value} takes {_by_operator(operator)}", token)
        if first is not None and of.kind is Kind.ANY and type(first) is not type(value):
            raise self._refused("type", "list values of one type", token)
        return value

    def _literal(self, of: FilterField) -> Literal:
        token = self.next
        match token.sort:
            case Sort.TEXT:
                self.place += 1
                return token.text
            case Sort.DATE:
                self.place += 1
                return _moment(token)
            case Sort.PATH if _word(token) in {"true", "false"}:
                self.place += 1
                return _word(token) == "true"
            case Sort.PATH if _word(token) == "now":
                self.place += 1
                return self._relative()
            case Sort.PATH if of.kind is Kind.WORD:
                self.place += 1
                return token.text
        negative = self._takes("-")
        if self.next.sort is not Sort.NUMBER:
            raise self._refused("type", f"compare {of.name} with {_WANTED[of.kind]}", token)
        number = Decimal(self._taken().text)
        return -number if negative else number

    def _relative(self) -> Relative:
        if not (self.next.sort is Sort.SIGN and self.next.text in {"+", "-"}):
            return Relative()
        negative = self._taken().text == "-"
        count = self.next
        if count.sort is not Sort.NUMBER or not count.text.isdecimal() or not 1 <= int(count.text) <= RELATIVE_MAX:
            raise self._refused("type", f"count in whole numbers from 1 to {RELATIVE_MAX}, as in now - 30 days")
        self.place += 1
        unit = UNITS.get(_word(self.next))
        if unit is None:
            raise self._refused("type", "count minutes, hours, days, weeks, months or years")
        self.place += 1
        return Relative(-int(count.text) if negative else int(count.text), unit)

    def _taken(self) -> Token:
        token = self.next
        self.place += 1
        return token

    def _takes(self, word: str) -> bool:
        """Go past a keyword or a sign, if it is what comes."""
        token = self.next
        found = token.sort in {Sort.PATH, Sort.SIGN} and _word(token) == word
        self.place += found
        return found

    def _expect(self, word: str, advice: str) -> None:
        if not self._takes(word):
            raise self._refused("syntax", advice)

    def _refused(self, code: str, advice: str, token: Token | None = None) -> SegmentInvalidError:
        return SegmentInvalidError.at((token or self.next).position, code, advice)


_RESERVED: Final = frozenset({"and", "or", "not", "in", "contains", "starts", "with", "exists", "true", "false", "now"})


def _word(token: Token) -> str:
    """Return a keyword, which may be written in any case; a longer path is none."""
    return token.text.lower() if len(token.path) <= 1 else ""


def _unknown(path: str) -> str:
    """Say that there is no such field, and which one may be meant; what was written is not repeated."""
    meant = get_close_matches(path, [one.name for one in CATALOGUE], n=1, cutoff=0.7)
    hint = f"did you mean {meant[0]}?" if meant else "docs/segments.md lists them all"
    return f"there is no such field; {hint}"


def _by_operator(operator: Operator) -> str:
    texts = operator in {Operator.CONTAINS, Operator.STARTS_WITH}
    return "a text in quotes" if texts else "a text in quotes or a number"


def _moment(token: Token) -> date | datetime:
    text = token.text
    try:
        if "T" not in text.upper():
            return date.fromisoformat(text)
        at = datetime.fromisoformat(text.upper())
        if at.utcoffset() is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    advice = "write a date as in 2026-01-31, or a time with its offset as in 2026-01-31T12:00:00Z"
    raise SegmentInvalidError.at(token.position, "time", advice)
