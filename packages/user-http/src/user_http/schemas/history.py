"""History on the wire."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from usercore.codec.documents import Actor, Time


class FieldChange(Struct, rename="camel"):
    """One field before and after."""

    field: str
    before: Any
    after: Any


class HistoryEntry(Struct, rename="camel", kw_only=True):
    """One step of a user's life."""

    version: Annotated[int, Meta(ge=1)]
    event_id: str
    event: Annotated[str, Meta(examples=["UserUpdated"])]
    at: Time
    actor: Actor
    correlation_id: str
    causation_id: str | None
    changes: list[FieldChange]


class HistoryPage(Struct, rename="camel"):
    """Some steps of a user's life, the newest first."""

    items: list[HistoryEntry]
    next_cursor: str | None
