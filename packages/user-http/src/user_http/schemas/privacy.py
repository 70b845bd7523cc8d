"""Privacy requests and legal holds on the wire."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from user_http.schemas.users import WORD, UserPatch
from usercore.codec.documents import Actor, Time
from usercore.privacy.requests.values import (
    MATTER_MAX_CHARS,
    TEXT_MAX_CHARS,
    IdentityMethod,
    Jurisdiction,
    RefusalGround,
    RequestKind,
    RequestState,
)

# As the domain reads it: lines of text of which one at least is not blank.
_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]*$"
Words = Annotated[
    str,
    Meta(min_length=1, max_length=TEXT_MAX_CHARS, pattern=_TEXT, description="Text of one or several lines."),
]
Matter = Annotated[str, Meta(min_length=1, max_length=MATTER_MAX_CHARS, pattern=WORD, examples=["case-2026-17"])]


class NewPrivacyRequest(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """What is asked of somebody's data."""

    kind: RequestKind
    jurisdiction: Annotated[
        Jurisdiction | UnsetType | None, Meta(description="Whose law sets the deadline; GDPR if left out.")
    ] = UNSET
    text: Annotated[Words | UnsetType | None, Meta(description="In the person's words.")] = UNSET
    profile: Annotated[
        UserPatch | UnsetType | None, Meta(description="Of a rectification: the values that are right.")
    ] = UNSET
    identity_note: Annotated[
        Words | UnsetType | None,
        Meta(description="From an operator: how it was found that the person is who they say."),
    ] = UNSET


class IdentityNote(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """How it was found that the person is who they say."""

    note: Words


class WithReason(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Why."""

    reason: Words


class RefusalInput(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Why nothing is done, as the person is told."""

    ground: RefusalGround
    text: Words


class Outcome(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """What was done, in words."""

    outcome: Words


class NewLegalHold(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """For what matter somebody's data must stay, and why."""

    matter: Matter
    reason: Words


class Identity(Struct, rename="camel"):
    """How it was found who asks."""

    method: IdentityMethod
    at: Time
    by: Actor
    note: str | None


class Extension(Struct, rename="camel"):
    """Why an answer takes longer."""

    at: Time
    reason: str


class Refusal(Struct, rename="camel"):
    """Why nothing is done, and by what law."""

    ground: RefusalGround
    law: str
    text: str


class ErasureProgress(Struct, rename="camel"):
    """How far an erasure has come."""

    step: Literal["DRAIN", "SUPPRESS", "LEDGER", "ERASE", "RECEIPTS"]
    since: Time
    receipts: dict[str, Time]
    dropped: int
    ledger_sequence: int | None


class PrivacyRequest(Struct, rename="camel", kw_only=True):
    """A request about somebody's data, and what became of it."""

    id: str
    user_id: str
    kind: RequestKind
    jurisdiction: Jurisdiction
    state: RequestState
    received_at: Time
    due_at: Annotated[Time, Meta(description="The last moment at which an answer is in time.")]
    overdue: bool
    updated_at: Time
    closed_at: Time | None
    received_from: Actor
    text: str | None
    profile: dict[str, Any] | None
    identity: Identity | None
    extension: Extension | None
    refusal: Refusal | None
    outcome: str | None
    trouble: Annotated[str | None, Meta(description="Code of what kept the service from doing it by itself.")]
    archive_until: Annotated[Time | None, Meta(description="Until when the archive can be fetched.")]
    erasure: ErasureProgress | None
    version: int


class PrivacyRequestPage(Struct, rename="camel"):
    """Some privacy requests, the newest first."""

    items: list[PrivacyRequest]
    next_cursor: str | None


class HoldRelease(Struct, rename="camel"):
    """How a hold ended."""

    at: Time
    by: Actor
    reason: str


class LegalHold(Struct, rename="camel"):
    """Keeps somebody's data for one legal matter."""

    user_id: str
    matter: str
    reason: str
    placed_at: Time
    placed_by: Actor
    release: HoldRelease | None


class LegalHolds(Struct, rename="camel"):
    """Somebody's legal holds, ended ones too, the oldest first."""

    items: list[LegalHold]
    next_cursor: None
