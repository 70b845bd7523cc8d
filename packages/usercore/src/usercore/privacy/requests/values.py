"""The words of privacy requests."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from usercore.kernel.context import Actor
from usercore.users.values import ValueRejectedError, parse_text

TEXT_MAX_CHARS: Final = 2000
"""The longest text of a request: what a person asks, and what they are answered."""
MATTER_MAX_CHARS: Final = 64


class RequestKind(StrEnum):
    """What people may ask. Source: GDPR, Art. 15 to 21; California Civil Code, 1798.100 to 1798.121."""

    ACCESS = "ACCESS"
    PORTABILITY = "PORTABILITY"
    RECTIFICATION = "RECTIFICATION"
    ERASURE = "ERASURE"
    RESTRICTION = "RESTRICTION"
    OBJECTION = "OBJECTION"
    OPT_OUT_OF_SALE = "OPT_OUT_OF_SALE"


class Jurisdiction(StrEnum):
    """Whose law sets the deadline."""

    GDPR = "GDPR"
    CCPA = "CCPA"


class RequestState(StrEnum):
    """Where a request stands."""

    RECEIVED = "RECEIVED"
    IDENTITY_PENDING = "IDENTITY_PENDING"
    ACCEPTED = "ACCEPTED"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    REFUSED = "REFUSED"
    CANCELLED = "CANCELLED"


OPEN: Final = frozenset(
    {RequestState.RECEIVED, RequestState.IDENTITY_PENDING, RequestState.ACCEPTED, RequestState.IN_PROGRESS}
)
"""States in which somebody still waits for an answer."""

WITHOUT_IDENTITY: Final = frozenset({RequestKind.OPT_OUT_OF_SALE})
"""What needs no proof of who asks. Source: California Code of Regulations, title 11, 7026 (d)."""


class IdentityMethod(StrEnum):
    """How it became known that the person who asks is the one whose data it is."""

    SIGNED_IN = "SIGNED_IN"
    """They asked by themselves, with a token they had signed in for just before."""
    VERIFIED_IDENTITY = "VERIFIED_IDENTITY"
    """An outside verifier has confirmed the identity of this very user before."""
    CHECKED_BY_OPERATOR = "CHECKED_BY_OPERATOR"
    """An operator looked, and wrote down how."""


class RefusalGround(StrEnum):
    """Why a request may be refused; :data:`LAW` names the article of each."""

    IDENTITY_NOT_CONFIRMED = "IDENTITY_NOT_CONFIRMED"
    MANIFESTLY_UNFOUNDED = "MANIFESTLY_UNFOUNDED"
    EXCESSIVE = "EXCESSIVE"
    LEGAL_OBLIGATION = "LEGAL_OBLIGATION"
    LEGAL_CLAIMS = "LEGAL_CLAIMS"
    FREEDOM_OF_EXPRESSION = "FREEDOM_OF_EXPRESSION"
    PUBLIC_INTEREST = "PUBLIC_INTEREST"
    RIGHTS_OF_OTHERS = "RIGHTS_OF_OTHERS"
    ACCURATE_ALREADY = "ACCURATE_ALREADY"
    NOT_APPLICABLE = "NOT_APPLICABLE"


LAW: Final[dict[RefusalGround, str]] = {
    RefusalGround.IDENTITY_NOT_CONFIRMED: "GDPR Art. 11(2) and 12(6); CCPA 1798.130(a)(2)",
    RefusalGround.MANIFESTLY_UNFOUNDED: "GDPR Art. 12(5)(b); CCPA 1798.145(h)(3)",
    RefusalGround.EXCESSIVE: "GDPR Art. 12(5)(b); CCPA 1798.145(h)(3)",
    RefusalGround.LEGAL_OBLIGATION: "GDPR Art. 17(3)(b); CCPA 1798.105(d)(8)",
    RefusalGround.LEGAL_CLAIMS: "GDPR Art. 17(3)(e); CCPA 1798.145(a)(1)",
    RefusalGround.FREEDOM_OF_EXPRESSION: "GDPR Art. 17(3)(a); CCPA 1798.105(d)(4)",
    RefusalGround.PUBLIC_INTEREST: "GDPR Art. 17(3)(c) and (d); CCPA 1798.105(d)(6)",
    RefusalGround.RIGHTS_OF_OTHERS: "GDPR Art. 15(4) and 20(4); CCPA 1798.145(k)",
    RefusalGround.ACCURATE_ALREADY: "GDPR Art. 16; CCPA 1798.106",
    RefusalGround.NOT_APPLICABLE: "GDPR Art. 12(4)",
}
"""Where the law allows it, for the person's answer and the operator's choice."""

ONLY_FOR: Final[dict[RefusalGround, frozenset[RequestKind]]] = {
    RefusalGround.LEGAL_OBLIGATION: frozenset({RequestKind.ERASURE, RequestKind.RESTRICTION}),
    RefusalGround.LEGAL_CLAIMS: frozenset({RequestKind.ERASURE, RequestKind.OBJECTION}),
    RefusalGround.FREEDOM_OF_EXPRESSION: frozenset({RequestKind.ERASURE}),
    RefusalGround.PUBLIC_INTEREST: frozenset({RequestKind.ERASURE, RequestKind.OBJECTION}),
    RefusalGround.RIGHTS_OF_OTHERS: frozenset({RequestKind.ACCESS, RequestKind.PORTABILITY}),
    RefusalGround.ACCURATE_ALREADY: frozenset({RequestKind.RECTIFICATION}),
}
"""Grounds that the law gives for some rights alone; the others hold for every request."""


@frozen
class IdentityCheck:
    """How, when and by whom it was found that the person is who they say.

    Args:
        method: how.
        at: aware, UTC.
        by: who found it.
        note: what was looked at; needed where an operator looked.
    """

    method: IdentityMethod
    at: datetime
    by: Actor
    note: str | None = field(default=None, repr=False)


@frozen
class Extension:
    """Why an answer takes longer, as the person is told.

    Args:
        at: when they were told; aware, UTC.
        reason: why.
    """

    at: datetime
    reason: str = field(repr=False)


@frozen
class Refusal:
    """Why nothing is done, as the person is told.

    Args:
        ground: what the law calls it.
        text: in words for the person.
    """

    ground: RefusalGround
    text: str = field(repr=False)


def parse_words(raw: str) -> str:
    """Return trimmed text of several lines at most.

    Raises:
        ValueRejectedError: `too_short`, `too_long` or `control_character`.
    """
    lines = raw.strip().splitlines()
    text = "\n".join(line.rstrip() for line in lines)
    if not text:
        raise ValueRejectedError("too_short", "give at least 1 character(s)")
    if len(text) > TEXT_MAX_CHARS:
        raise ValueRejectedError("too_long", f"give at most {TEXT_MAX_CHARS} characters")
    for line in filter(None, lines):
        parse_text(line.replace("\t", " "), max_chars=TEXT_MAX_CHARS, min_chars=0)
    return text


def parse_matter(raw: str) -> str:
    """Return the name of the matter that a legal hold is for: one line without blanks.

    Raises:
        ValueRejectedError: a text rule, or `matter_blank_inside`.
    """
    text = parse_text(raw, max_chars=MATTER_MAX_CHARS)
    if any(character.isspace() or character == "/" for character in text):
        raise ValueRejectedError("matter_blank_inside", "leave out blanks and slashes")
    return text
