"""Unsubscription and suppression on the wire."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from usercore.codec.documents import Time
from usercore.users.values import EMAIL_MAX_CHARS


class OneClick(Struct, forbid_unknown_fields=True, rename={"list_unsubscribe": "List-Unsubscribe"}):
    """What mail software posts (RFC 8058)."""

    list_unsubscribe: Literal["One-Click"]


class UnsubscribeHeaders(Struct, rename={"unsubscribe": "List-Unsubscribe", "post": "List-Unsubscribe-Post"}):
    """Headers for the mail."""

    unsubscribe: Annotated[str, Meta(description="The link in angle brackets (RFC 2369).")]
    post: Annotated[str, Meta(description="That one click will do (RFC 8058).")]


class MailPermission(Struct, rename="camel", kw_only=True):
    """Whether a user may be written to on a topic, and how they end it."""

    user_id: str
    topic: str
    allowed: bool
    refusal: Annotated[
        Literal["NOT_SUBSCRIBED", "SUPPRESSED", "NOT_ACTIVE", "RESTRICTED"] | None, Meta(description="Why not.")
    ]
    headers: Annotated[
        UnsubscribeHeaders | None,
        Meta(description="None for a topic that belongs to the contract, or where the service does not know its URL."),
    ]


class AddressToCheck(Struct, rename="camel", forbid_unknown_fields=True):
    """An address, in a body and not in a URL, so that no log keeps it."""

    email: Annotated[str, Meta(min_length=1, max_length=EMAIL_MAX_CHARS, examples=["grace@example.com"])]


class SuppressionReason(Struct, rename="camel", kw_only=True):
    """One reason against an address."""

    reason: Literal["UNSUBSCRIBED", "ERASED", "COMPLAINT", "BOUNCE", "OPERATOR"]
    since: Time
    source: str


class SuppressionAnswer(Struct, rename="camel", kw_only=True):
    """Whether an address must not be written to, and why."""

    suppressed: bool
    reasons: list[SuppressionReason]
