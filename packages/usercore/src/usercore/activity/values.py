"""What facts are made of, and what one may wait for."""

import re
from collections.abc import Iterable
from decimal import Context, Decimal, Inexact
from enum import StrEnum
from typing import Any, Final

from attrs import Attribute, field, frozen

from usercore.activity.errors import FactInvalidError
from usercore.kernel.errors import Violation

WHOLE_DIGITS: Final = 40
"""Of an amount, before the point: more than any sum has of amounts that facts may tell of."""
DECIMALS: Final = 20
"""Of an amount, behind the point: more than a number has that somebody added up as a float."""

# So many digits that no sum of such amounts is ever rounded.
_EXACT: Final = Context(prec=100, traps=[Inexact])
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


class FactKind(StrEnum):
    """What sort of thing a fact tells of."""

    ORDER_PLACED = "ORDER_PLACED"
    PAYMENT_FAILED = "PAYMENT_FAILED"
    PAYMENT_SUCCEEDED = "PAYMENT_SUCCEEDED"
    POINTS_EARNED = "POINTS_EARNED"


def _amount(value: Decimal) -> Decimal:
    """Return an amount in the one form that all equal ones have: no zeros at the end, no exponent."""
    if not value.is_finite() or value.adjusted() >= WHOLE_DIGITS:
        raise _rejected("value", "out_of_range", f"give an amount of at most {WHOLE_DIGITS} whole digits")
    try:
        rounded = value.quantize(_FINEST, context=_EXACT)
    except Inexact:
        raise _rejected("value", "too_long", f"give at most {DECIMALS} decimals") from None
    plain = rounded.normalize(_EXACT)
    if plain == plain.to_integral_value():
        # Whole numbers, of which zero has no sign.
        return Decimal(int(plain))
    return plain


_FINEST: Final = Decimal(1).scaleb(-DECIMALS)


def _currency(_: object, attribute: "Attribute[Any]", value: str | None) -> None:
    if value is not None and not _CURRENCY.fullmatch(value):
        raise _rejected(attribute.name, "pattern", "give the three capital letters of an ISO 4217 code")


def _rejected(name: str, code: str, detail: str) -> FactInvalidError:
    return FactInvalidError(violations=(Violation((name,), code, detail),))


@frozen
class Money:
    """An amount; equal amounts are the same in every digit.

    Args:
        value: exact; never a float.
        currency: ISO 4217 code, or None where nobody said.

    Raises:
        FactInvalidError: the value is larger or finer than :data:`WHOLE_DIGITS` and :data:`DECIMALS` allow, or the
            currency is none.
    """

    value: Decimal = field(converter=_amount)
    currency: str | None = field(validator=_currency)

    @property
    def digits(self) -> str:
        """The value in plain decimal digits: as it stands on every wire, so that nobody rounds it."""
        return format(self.value, "f")


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Return the exact sum."""
    found = Decimal(0)
    for amount in amounts:
        found = _EXACT.add(found, amount)
    return found


class WaitsFor(StrEnum):
    """What a fact may wait to hear of."""

    USER = "USER"
    ORDER = "ORDER"
    PAYMENT = "PAYMENT"


@frozen
class Awaited:
    """The one thing that must become known before a fact can be recorded.

    Args:
        kind: what it is.
        id: the user's, the order's or the payment's.
    """

    kind: WaitsFor
    id: str


class FactResult(StrEnum):
    """What became of a fact that was to be recorded."""

    RECORDED = "RECORDED"
    KNOWN = "KNOWN"
    CONFLICTING = "CONFLICTING"
    IGNORED = "IGNORED"
    EARLY = "EARLY"


@frozen
class FactOutcome:
    """What became of one fact.

    Args:
        result: recorded; known already with the same content, or with another one; ignored, because its user is
            erased; or early, because what it tells of is not known yet.
        awaited: what must become known first, where it is early.
    """

    result: FactResult
    awaited: Awaited | None = None
