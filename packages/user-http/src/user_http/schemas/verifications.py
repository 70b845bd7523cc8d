"""Verifications on the wire."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from user_http.schemas.users import LINE
from usercore.codec.documents import Time
from usercore.verification.values import CODE_DIGITS, REFERENCE_MAX_CHARS, TOKEN_CHARS, VERIFIER_MAX_CHARS

Channel = Literal["email", "phone", "identity"]
Code = Annotated[
    str,
    Meta(
        max_length=CODE_DIGITS,
        pattern=rf"^[0-9]{{{CODE_DIGITS}}}$",
        description="The digits that were sent.",
        examples=["271828"],
    ),
]
Token = Annotated[
    str,
    Meta(
        max_length=TOKEN_CHARS,
        pattern=rf"^[A-Za-z0-9_-]{{{TOKEN_CHARS}}}$",
        description="What the link carries.",
        examples=["kJ3vQmT0pZx8sYwUo4bLhR6fNcVeGd1aW7iX2tSrEyM"],
    ),
]


class NewVerification(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """What to verify: a contact, by a code and a link that are sent to it, or an identity that another verified."""

    channel: Channel
    verifier: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=VERIFIER_MAX_CHARS,
                pattern=LINE,
                description="Who verified the identity; only with `identity`, and needed there.",
                examples=["PostIdent"],
            ),
        ]
        | UnsetType
        | None
    ) = UNSET
    reference: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=REFERENCE_MAX_CHARS,
                pattern=LINE,
                description="The verifier's own name for its proof, which says nothing of the person; only with "
                "`identity`, and needed there.",
                examples=["case-4711"],
            ),
        ]
        | UnsetType
        | None
    ) = UNSET
    verified_at: (
        Annotated[Time, Meta(description="When the identity was verified; now if left out. Only with `identity`.")]
        | UnsetType
        | None
    ) = UNSET


class StartedVerification(Struct, rename="camel", kw_only=True):
    """A verification as it began."""

    id: str
    user_id: str
    channel: Channel
    status: Literal["pending", "confirmed"]
    started_at: Time
    code_expires_at: Time | None
    link_expires_at: Time | None
    verified_at: Time | None


class Confirmation(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """The code that was sent, or the token that its link carries: one of them."""

    code: Code | UnsetType | None = UNSET
    token: Token | UnsetType | None = UNSET


class LinkConfirmation(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """The token that a link carries."""

    token: Token


class ConfirmedContact(Struct, rename="camel", kw_only=True):
    """What a link has proved."""

    channel: Channel
    verified_at: Time
