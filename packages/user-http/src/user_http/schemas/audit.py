"""The audit trail on the wire."""

from typing import Annotated

from msgspec import Meta, Struct

from usercore.codec.documents import Actor, Time

_Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class AuditEntry(Struct, rename="camel", kw_only=True):
    """Who did what to whom, when and because of what. It names fields and never holds their values."""

    user_id: Annotated[str | None, Meta(description="Whose data; null where it is nobody's in particular.")]
    sequence: Annotated[int, Meta(ge=1, description="The place in the chain of the user, or of the service.")]
    event_id: str
    at: Time
    actor: Actor
    action: Annotated[str, Meta(examples=["UserUpdated", "UserRead"])]
    fields: Annotated[list[str], Meta(description="What was changed, or read.")]
    correlation_id: str
    causation_id: str | None
    version: Annotated[int | None, Meta(description="The version of the user that came of it.")]
    contents_hash: Annotated[_Sha256 | None, Meta(description="SHA-256 of the sealed text that belongs to it.")]
    hash: Annotated[_Sha256, Meta(description="Binds the entry to all before it in its chain.")]


class AuditPage(Struct, rename="camel"):
    """Some entries, the newest first. One without `nextCursor` is the last, however few are on another one."""

    items: list[AuditEntry]
    next_cursor: str | None
