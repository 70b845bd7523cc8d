"""JSON as this service reads it: I-JSON (RFC 7493) of bounded depth.

No number and no text comes through that a store could not keep.
"""

import json
import re
from collections.abc import Callable, Mapping
from decimal import Context, Decimal, InvalidOperation
from typing import Any, Final, NoReturn

from attrs import frozen

from usercore.users.attributes import NUMBER_LIMIT

DEPTH_MAX: Final = 64
"""Levels of arrays and objects. Ours need five; attributes are held to less by the core."""
DIGITS_MAX: Final = 17
"""Digits and sign of an integer within ±(2^53 - 1)."""
EXACT_MAX_CHARS: Final = 64
"""Characters of a number that is read exactly: money needs twenty, a double written out in full fewer than thirty."""
EXACT_MAX_PLACES: Final = 400
"""Places before and behind its point: whatever a double can be is read. Source: IEEE 754, the smallest is 5e-324."""

# Always matches once a quote stands, to the end of the text at the latest, so that it takes linear time.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
# Of one kind, so that a round takes away one level; brackets that close wrongly are the parser's to refuse.
_ONE_KIND = bytes.maketrans(b"{}", b"[]")


@frozen
class JsonRefusedError(ValueError):
    """The text is not JSON as this service reads it.

    Args:
        code: stable word for the rule.
        detail: what to do.
    """

    code: str
    detail: str


def read_json(raw: bytes, *, exact: bool = False) -> Any:  # noqa: ANN401 -- any JSON value
    """Return the value of a JSON text.

    Args:
        raw: UTF-8.
        exact: read numbers as they are written, a whole one as an integer, any other as a decimal, none as a float; so
            read, they may be larger.

    Raises:
        JsonRefusedError: it breaks a rule.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise JsonRefusedError("invalid_utf8", "send valid UTF-8") from None
    _check_depth(raw)
    try:
        value = (_EXACT_DECODER if exact else _DECODER).decode(text)
    except JsonRefusedError:
        raise
    except (ValueError, RecursionError):
        raise JsonRefusedError("not_json", "send one JSON value, as RFC 8259 defines it") from None
    if "\\u" in text:
        _check_texts(value)
    return value


def _check_depth(raw: bytes) -> None:
    """Refuse deep nesting before a parser sees it.

    Each round takes away the innermost brackets, so there are as many rounds as levels.
    """
    if raw.count(b"[") + raw.count(b"{") <= DEPTH_MAX:
        return
    brackets = _STRING.sub(b"", raw).translate(_ONE_KIND, _NOT_BRACKETS)
    for _ in range(DEPTH_MAX):
        fewer = brackets.replace(b"[]", b"")
        if len(fewer) == len(brackets):
            break
        brackets = fewer
    # What is left never closes, or closes wrongly; short, the parser says so.
    if len(brackets) > DEPTH_MAX or b"[]" in brackets:
        raise JsonRefusedError("too_deep", f"nest at most {DEPTH_MAX} levels")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise JsonRefusedError("duplicate_key", "name each member of an object once")
    return value


def _integer(digits: str) -> int:
    if len(digits) > DIGITS_MAX or abs(number := int(digits)) > NUMBER_LIMIT:
        raise _number_refused()
    return number


def _decimal(digits: str) -> float:
    number = float(digits)
    if not abs(number) <= NUMBER_LIMIT:
        raise _number_refused()
    return number


def _exact_integer(digits: str) -> int:
    if len(digits) > EXACT_MAX_CHARS:
        raise _number_too_long()
    return int(digits)


def _exact_decimal(digits: str) -> int | Decimal:
    if len(digits) > EXACT_MAX_CHARS:
        raise _number_too_long()
    try:
        number = Decimal(digits)
    except InvalidOperation:  # an exponent beyond all reason
        raise _number_too_long() from None
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -EXACT_MAX_PLACES or number.adjusted() > EXACT_MAX_PLACES:
        raise _number_too_long()
    return int(number) if number == number.to_integral_value() else number.normalize(_EXACTLY)


# Of more digits than a number can have, so that nothing is rounded.
_EXACTLY = Context(prec=2 * EXACT_MAX_CHARS)


def _constant(_: str) -> NoReturn:
    raise JsonRefusedError("not_json", "NaN and Infinity are no JSON")


def _number_refused() -> JsonRefusedError:
    return JsonRefusedError("number_out_of_range", "keep numbers within ±(2^53 - 1)")


def _number_too_long() -> JsonRefusedError:
    return JsonRefusedError("number_out_of_range", f"write numbers with at most {EXACT_MAX_CHARS} characters")


def _decoder(whole: Callable[[str], int], fraction: Callable[[str], object]) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=_object,
        parse_int=whole,
        parse_float=fraction,
        parse_constant=_constant,
        strict=True,
    )


_DECODER = _decoder(_integer, _decimal)
_EXACT_DECODER = _decoder(_exact_integer, _exact_decimal)


def _check_texts(value: Any) -> None:  # noqa: ANN401 -- any JSON value
    """Refuse escapes that stand for no character: only they can, the text itself being valid UTF-8."""
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            check_text(key)
            _check_texts(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_texts(inner)


def check_text(text: str) -> None:
    """Pass text without NUL and lone surrogates.

    Raises:
        JsonRefusedError: it has some.
    """
    if "\x00" in text or _SURROGATE.search(text):
        raise JsonRefusedError("text_not_storable", "leave out NUL and lone surrogates")


_SURROGATE = re.compile("[\ud800-\udfff]")
