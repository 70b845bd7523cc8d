"""What the database says, taken as it stands: nothing here is believed."""

from collections.abc import Collection
from hashlib import sha256
from typing import Final
from uuid import UUID

from attrs import field, frozen

from usercore.audit.entry import AuditEntry, ChainHead
from usercore.kernel.ids import UserId

_LISTED: Final = b"\x02"
"""Keeps a list from passing for an entry or a link, see :mod:`usercore.audit.chain`."""


@frozen
class Standing:
    """What is known of the user themselves.

    Args:
        version: how often they were changed.
        erased: whether what belonged to their entries is gone for good.
    """

    version: int
    erased: bool


@frozen
class Evidence:
    """One entry, and what stands beside it.

    Args:
        user_id: whose chain.
        sequence: its place.
        hash: as it is kept.
        entry: what it says, or None where that cannot be read as an entry at all.
        head: of its chain, or None where there is none.
        standing: of the user, or None where there is no such user.
        contents_hash: of the contents that are kept, or None where there are none.
    """

    user_id: UserId
    sequence: int
    hash: bytes
    entry: AuditEntry | None
    head: ChainHead | None
    standing: Standing | None
    contents_hash: bytes | None = field(default=None, repr=False)


@frozen
class LeafEvidence:
    """One leaf of the tree over the heads, and what stands beside it.

    Args:
        position: in the tree, from 0.
        head: what it commits to.
        before: the sequence of the leaf before it of the same chain, or 0.
        entry_hash: of the entry that it is about, or None where that is not there.
    """

    position: int
    head: ChainHead
    before: int
    entry_hash: bytes | None


def listed_hash(ids: Collection[UserId]) -> bytes:
    """Return what binds an entry to the users that a list showed, in whatever order."""
    return sha256(_LISTED + b"".join(sorted(UUID(user_id).bytes for user_id in ids))).digest()
