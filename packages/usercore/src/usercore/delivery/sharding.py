"""Which shard of the outbox a user's events stand in."""

from typing import Final
from zlib import crc32

from usercore.kernel.ids import UserId

SHARDS: Final = 64
"""As many rows as `outbox_shards` has."""


def shard_of(user_id: UserId) -> int:
    """Return the outbox shard in which a user's events stand, the same for ever."""
    return crc32(user_id.encode()) % SHARDS
