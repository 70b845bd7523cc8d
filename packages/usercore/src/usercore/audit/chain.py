"""How entries of one user are chained, so that none can be changed, taken out, put in or moved unnoticed.

PostgreSQL computes :func:`link` itself, under the lock of the chain's head; a test holds both equal.
"""

import json
from datetime import UTC
from hashlib import sha256
from typing import Final

from usercore.audit.entry import AuditEntry, ChainedEntry, ChainHead

GENESIS: Final = bytes(32)
"""Stands for the hash before the first entry."""
_ENTRY: Final = b"\x00"
_LINK: Final = b"\x01"
"""What is hashed for one purpose can never be taken for the other. Source: RFC 6962, 2.1, on second preimages."""
_SEQUENCE_BYTES: Final = 8


def digest_of(entry: AuditEntry) -> bytes:
    """Return what binds an entry's hash to everything that the entry says, 32 bytes."""
    said = (
        entry.user_id,
        entry.event_id,
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.actor.kind.value,
        entry.actor.id,
        entry.action,
        entry.fields,
        entry.correlation_id,
        entry.causation_id,
        entry.version,
        entry.contents_hash.hex(),
    )
    return digest_of_text(json.dumps(said, separators=(",", ":")).encode())


def digest_of_text(said: bytes) -> bytes:
    """Return what :func:`digest_of` returns, of everything that an entry says in its one form of JSON."""
    return sha256(_ENTRY + said).digest()


def link(previous: bytes, sequence: int, digest: bytes) -> bytes:
    """Return an entry's hash, 32 bytes.

    Args:
        previous: the hash before it, or :data:`GENESIS`.
        sequence: its place in the chain.
        digest: what :func:`digest_of` says of it.
    """
    return sha256(_LINK + previous + sequence.to_bytes(_SEQUENCE_BYTES, "big") + digest).digest()


def chained(head: ChainHead | None, entry: AuditEntry) -> ChainedEntry:
    """Return an entry in the place behind a chain's head; None is the head of an empty chain."""
    sequence = 1 if head is None else head.sequence + 1
    previous = GENESIS if head is None else head.hash
    return ChainedEntry(entry, sequence, link(previous, sequence, digest_of(entry)))
