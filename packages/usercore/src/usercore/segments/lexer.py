"""From the text of a filter to its words."""

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import Final

from attrs import frozen

from usercore.segments.errors import SegmentInvalidError
from usercore.users.conditions import is_text


class Sort(Enum):
    """What a word of a filter is."""

    PATH = auto()
    TEXT = auto()
    NUMBER = auto()
    DATE = auto()
    SIGN = auto()
    END = auto()


@frozen
class Token:
    """One word.

    Args:
        sort: what it is.
        text: its letters; of TEXT what it stands for.
        position: of its first character, from 1.
        path: of PATH its parts.
    """

    sort: Sort
    text: str
    position: int
    path: tuple[str, ...] = ()


_BLANK = re.compile(r"[ \t\r\n]*", re.ASCII)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_PART = re.compile(r"\.(?:(?P<bare>[A-Za-z0-9_-]+)|(?=[\"']))", re.ASCII)
# Digits, and whatever a time has behind its date; what it means is read later, by who knows where it goes wrong.
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[Tt][0-9:.]*(?:[Zz]|[+-]\d{2}:\d{2})?)?", re.ASCII)
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_SIGN = re.compile(r"!=|<=|>=|[=<>(),+-]")
_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_UNICODE = re.compile(r"u([0-9A-Fa-f]{4})", re.ASCII)


def tokens(text: str) -> Iterator[Token]:
    """List the words of a filter, and at last its end.

    Raises:
        SegmentInvalidError: a character begins none, or a text does not end.
    """
    place = 0
    while True:
        place += len(_matched(_BLANK, text, place))
        if place == len(text):
            yield Token(Sort.END, "", place + 1)
            return
        token, place = _token(text, place)
        yield token


def _matched(pattern: re.Pattern[str], text: str, place: int) -> str:
    found = pattern.match(text, place)
    return found[0] if found else ""


def _token(text: str, place: int) -> tuple[Token, int]:
    if text[place] in "\"'":
        value, end = _quoted(text, place)
        return Token(Sort.TEXT, value, place + 1), end
    for sort, pattern in ((Sort.DATE, _DATE), (Sort.NUMBER, _NUMBER), (Sort.SIGN, _SIGN)):
        found = _matched(pattern, text, place)
        if found:
            return Token(sort, found, place + 1), place + len(found)
    if _NAME.match(text, place):
        return _path(text, place)
    raise SegmentInvalidError.at(place + 1, "character", "write text in quotes; no name or sign begins so")


def _path(text: str, place: int) -> tuple[Token, int]:
    first = _matched(_NAME, text, place)
    parts, end = [first], place + len(first)
    while found := _PART.match(text, end):
        if found["bare"] is None:
            part, end = _quoted(text, end + 1)
        else:
            part, end = found["bare"], found.end()
        parts.append(part)
    return Token(Sort.PATH, text[place:end], place + 1, tuple(parts)), end


def _quoted(text: str, place: int) -> tuple[str, int]:
    """Return what a text in quotes stands for, and where it ends."""
    quote, start = text[place], place
    found: list[str] = []
    place += 1
    while place < len(text) and text[place] != quote:
        if text[place] == "\\":
            character, place = _escaped(text, place + 1)
        else:
            character, place = text[place], place + 1
        found.append(character)
    if place >= len(text):
        raise SegmentInvalidError.at(start + 1, "text_unclosed", "close the text with the quote that it begins with")
    # Two escapes may be one character beyond the basic plane.
    value = "".join(found).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    if not is_text(value):
        raise SegmentInvalidError.at(start + 1, "text_not_storable", "leave out NUL and lone surrogates")
    return value, place + 1


def _escaped(text: str, place: int) -> tuple[str, int]:
    unicode = _UNICODE.match(text, place)
    if unicode:
        return chr(int(unicode[1], 16)), unicode.end()
    character = text[place : place + 1]
    if character in _ESCAPES:
        return _ESCAPES[character], place + 1
    if character and character in "\\\"'/":
        return character, place + 1
    raise SegmentInvalidError.at(place, "escape", r"behind \ write \ or a quote, b, f, n, r, t, or u and four digits")
