"""Query parameters: each known, each once, each valid."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar
from urllib.parse import unquote_to_bytes

from attrs import frozen

from user_http.problems import QUERY_MALFORMED, FieldProblem, RequestRefusedError
from user_http.requests import Call
from usercore.codec.strict_json import JsonRefusedError, check_text
from usercore.codec.times import read_time

V = TypeVar("V")

QUERY_MAX_BYTES: Final = 8192
_BAD_ESCAPE = re.compile(rb"%(?![0-9a-fA-F]{2})")
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)


class ParameterRefusedError(ValueError):
    """A parameter's value breaks its rule: the code, and what to do."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


@frozen
class Query:
    """The parameters of one request, read one by one; what is wrong is told all at once by :meth:`check`."""

    values: dict[str, str]
    found: list[FieldProblem]

    def text(self, name: str) -> str | None:
        """Return a parameter, or None."""
        return self.values.get(name)

    def read(self, name: str, parse: Callable[[str], V]) -> V | None:
        """Return a parameter's value, or None where it is missing or broken."""
        raw = self.values.get(name)
        if raw is None:
            return None
        try:
            return parse(raw)
        except ParameterRefusedError as error:
            self.refuse(name, error.code, error.detail)
            return None

    def refuse(self, name: str, code: str, detail: str) -> None:
        """Note that a parameter is not valid."""
        self.found.append(FieldProblem("/" + name, code, detail))

    def check(self) -> None:
        """Pass a query in which nothing was wrong.

        Raises:
            RequestRefusedError: something was.
        """
        if self.found:
            raise RequestRefusedError(QUERY_MALFORMED, errors=tuple(self.found))


def read_query(call: Call, *names: str) -> Query:
    """Return the parameters of a request.

    Args:
        call: the request.
        names: the parameters that the operation knows.

    Raises:
        RequestRefusedError: the query is not form-encoded UTF-8, or too long.
    """
    raw = call.query_string
    query = Query({}, [])
    if len(raw) > QUERY_MAX_BYTES:
        raise RequestRefusedError(QUERY_MALFORMED, f"keep the query within {QUERY_MAX_BYTES} bytes")
    for pair in raw.split(b"&") if raw else ():
        name, value = map(_decode, (pair.partition(b"=")[0], pair.partition(b"=")[2]))
        if name not in names:
            # A name that we do not know is the caller's text, and is not repeated.
            known = ", ".join(names) or "none"
            query.found.append(FieldProblem("", "unknown_parameter", f"parameters known here: {known}"))
        elif name in query.values:
            query.refuse(name, "repeated_parameter", "give it once")
        else:
            query.values[name] = value
    query.check()
    return query


def _decode(raw: bytes) -> str:
    try:
        return decode_component(raw)
    except ValueError as error:
        raise RequestRefusedError(QUERY_MALFORMED, str(error)) from None


def decode_component(raw: bytes) -> str:
    """Return a form-encoded name or value.

    Raises:
        ValueError: it is none; the text says what to do.
    """
    if _BAD_ESCAPE.search(raw):
        message = "write % as %25"
        raise ValueError(message)
    message = "send UTF-8 without NUL"
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
        check_text(text)
    except (UnicodeDecodeError, JsonRefusedError):
        raise ValueError(message) from None
    return text


def whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """Return a parser of whole numbers in a range."""

    def parse(raw: str) -> int:
        if not _WHOLE.fullmatch(raw) or not lowest <= int(raw) <= highest:
            raise ParameterRefusedError("out_of_range", f"give a whole number from {lowest} to {highest}")
        return int(raw)

    return parse


def time(raw: str) -> datetime:
    """Read an RFC 3339 time.

    Raises:
        ParameterRefusedError: it is none.
    """
    try:
        return read_time(raw)
    except ValueError:
        detail = "give an RFC 3339 time with its offset, as in 2026-01-31T12:00:00Z"
        raise ParameterRefusedError("not_a_time", detail) from None


def one_of(*words: str) -> Callable[[str], str]:
    """Return a parser of listed words."""

    def parse(raw: str) -> str:
        if raw not in words:
            raise ParameterRefusedError("not_allowed", f"give one of {', '.join(words)}")
        return raw

    return parse


def several_of(*words: str) -> Callable[[str], frozenset[str]]:
    """Return a parser of a list of words with commas between them."""
    single = one_of(*words)
    return lambda raw: frozenset(single(word) for word in raw.split(","))


def at_most(max_chars: int) -> Callable[[str], str]:
    """Return a parser of text that is neither empty nor too long."""

    def parse(raw: str) -> str:
        if not raw.strip():
            raise ParameterRefusedError("too_short", "give a value")
        if len(raw) > max_chars:
            raise ParameterRefusedError("too_long", f"give at most {max_chars} characters")
        return raw

    return parse
