"""Identifiers of people and of the things that happen to them."""

from typing import Final, NewType

UserId = NewType("UserId", str)
"""Who: an opaque string of 1 to 64 characters. Those we make are UUIDv7 in canonical text form."""

EventId = NewType("EventId", str)
"""One thing that happened, for ever: a UUIDv7 in canonical text form."""

USER_ID_MAX_CHARS: Final = 64
"""Source: the event catalogue's schemas, which let a user id be 1 to 64 characters."""
