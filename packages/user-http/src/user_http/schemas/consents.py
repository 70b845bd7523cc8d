"""Consents on the wire."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from user_http.schemas.users import LINE
from usercore.codec.documents import Actor, Time
from usercore.preferences.values import SOURCE_MAX_CHARS, WORDING_MAX_CHARS
from usercore.privacy.consents.values import PROOF_MAX_CHARS, PURPOSE_MAX_CHARS


class ConsentInput(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """What a user says of one purpose: that they allow it, or that they do not (any more)."""

    purpose: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=PURPOSE_MAX_CHARS,
            pattern=LINE,
            description="A purpose that the operator registered, or `sale`.",
            examples=["sale"],
        ),
    ]
    given: Annotated[bool, Meta(description="False withdraws. It takes no more than giving.")]
    wording_version: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=WORDING_MAX_CHARS,
                pattern=LINE,
                description="What the user had been shown; the purpose's current wording if left out.",
            ),
        ]
        | UnsetType
        | None
    ) = UNSET
    source: (
        Annotated[str, Meta(min_length=1, max_length=SOURCE_MAX_CHARS, pattern=LINE, examples=["sign-up-form"])]
        | UnsetType
        | None
    ) = UNSET
    proof: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=PROOF_MAX_CHARS,
                pattern=LINE,
                description="A reference to the evidence, or its text.",
                examples=["form-4711"],
            ),
        ]
        | UnsetType
        | None
    ) = UNSET


class ConsentLine(Struct, rename="camel", kw_only=True):
    """One line of the ledger."""

    version: Annotated[int, Meta(ge=1, description="The user's version that it made.")]
    purpose: str
    given: bool
    wording_version: str
    source: str
    changed_at: Time
    actor: Actor
    proof: str | None


class RecordedConsent(ConsentLine, kw_only=True):
    """What holds of one purpose; `version` is the user's."""

    user_id: str


class ConsentStanding(Struct, rename="camel", kw_only=True):
    """What holds for a user and a purpose; silence is no consent."""

    given: bool
    wording_version: str | None
    source: str | None
    changed_at: Time | None
    title: str
    description: str
    current_wording_version: str


class ConsentPage(Struct, rename="camel", kw_only=True):
    """What holds for a user, by purpose, and some lines of the ledger, the newest first."""

    user_id: str
    version: Annotated[int, Meta(ge=1)]
    consents: dict[str, ConsentStanding]
    items: list[ConsentLine]
    next_cursor: str | None
