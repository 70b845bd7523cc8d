"""What facts are made of, and what one may wait for."""

from decimal import Decimal
from enum import StrEnum

from attrs import frozen


@frozen
class Money:
    """An amount.

    Args:
        value: exact; never a float.
        currency: ISO 4217 code, or None where nobody said.
    """

    value: Decimal
    currency: str | None


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
